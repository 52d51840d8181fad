//! Entries of which a log has signed that they are its own, as evidence carries them.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>           the bytes of the entry
//! index 17
//! <base64>                 inclusion path
//!
//! <checkpoint>             the log's signature will do
//! ```

use super::EvidenceError;
use crate::checkpoint::{Origin, SignedCheckpoint};
use crate::key::Vkey;
use crate::merkle::{LeafHash, LeafIndex, NodeHash};
use crate::tlog_proof::TlogProof;

/// An entry under a checkpoint that its log signed.
#[derive(Clone, Debug)]
pub struct SignedEntry {
    index: LeafIndex,
    bytes: Vec<u8>,
    path: Vec<NodeHash>,
    checkpoint: SignedCheckpoint,
}

impl SignedEntry {
    /// Checks that these bytes are the entry at `index` under `checkpoint`.
    ///
    /// # Errors
    /// [`EvidenceError::Entry`] if `path` does not lead there.
    pub fn new(
        checkpoint: &SignedCheckpoint,
        index: LeafIndex,
        path: Vec<NodeHash>,
        entry: Vec<u8>,
    ) -> Result<Self, EvidenceError> {
        let proof = TlogProof::new(Some(entry), index, path, checkpoint.note().clone())?;
        let keys = std::slice::from_ref(checkpoint.log_key());
        Self::open(&proof, checkpoint.origin(), keys)
    }

    /// Opens what evidence carries.
    pub(super) fn open(
        proof: &TlogProof,
        origin: &Origin,
        keys: &[Vkey],
    ) -> Result<Self, EvidenceError> {
        let checkpoint = SignedCheckpoint::open_as(proof.note().clone(), origin, keys)?;
        let bytes = proof.extra().ok_or(EvidenceError::NoEntry)?.to_vec();
        proof.verify(LeafHash::of_entry(&bytes), &checkpoint)?;
        Ok(Self {
            index: proof.index(),
            bytes,
            path: proof.path().to_vec(),
            checkpoint,
        })
    }

    /// As evidence carries it.
    pub(super) fn to_proof(&self) -> Result<TlogProof, EvidenceError> {
        let note = self.checkpoint.note().clone();
        let entry = Some(self.bytes.clone());
        Ok(TlogProof::new(entry, self.index, self.path.clone(), note)?)
    }

    /// Where it stands.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checkpoint it stands under.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    pub(super) fn path(&self) -> &[NodeHash] {
        &self.path
    }
}
