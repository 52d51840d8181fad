//! Receipts: a log's signed promise that an event it took will be seen.
//!
//! ```text
//! a tlog-proof of the event under the log-signed checkpoint, its extra data being
//!   <base64 of the state head's entry>     the last entry under that checkpoint
//!   <base64>                               its inclusion path, one hash a line
//! ```
//! The extra data prove themselves: the head is an entry under the same signature. A log that omits the
//! event from a later head has signed a fork; it has until 60 s after the head's clock to show it witnessed.

use std::slice;

use thiserror::Error;

use crate::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use crate::key::Vkey;
use crate::merkle::{
    LeafHash, LeafIndex, MAX_INCLUSION_HASHES, NodeHash, ProofError, verify_inclusion,
};
use crate::state::head::{HeadError, StateHead};
use crate::text::{parse_base64, to_base64};
use crate::tlog_proof::{ProofFrame, TlogProof, TlogProofError};

/// A receipt that holds; only [`Receipt::open`] and [`Receipt::open_as`] make one.
#[derive(Clone, Debug)]
pub struct Receipt {
    index: LeafIndex,
    checkpoint: SignedCheckpoint,
    head: StateHead,
}

impl Receipt {
    /// Writes the receipt of the event at `index`; `path` and `head_path` lead to the checkpoint's root.
    ///
    /// # Errors
    /// [`TlogProofError::TooManyHashes`] for a path that no tree has.
    pub fn write(
        checkpoint: &SignedCheckpoint,
        index: LeafIndex,
        path: Vec<NodeHash>,
        head: &StateHead,
        head_path: &[NodeHash],
    ) -> Result<TlogProof, TlogProofError> {
        let extra = write_extra(head, head_path).into_bytes();
        TlogProof::new(Some(extra), index, path, checkpoint.note().clone())
    }

    /// What all receipts under a checkpoint share, written once; the rest is as in [`Receipt::write`].
    #[must_use]
    pub fn frame(
        checkpoint: &SignedCheckpoint,
        head: &StateHead,
        head_path: &[NodeHash],
    ) -> ProofFrame {
        let extra = write_extra(head, head_path);
        ProofFrame::new(Some(extra.as_bytes()), checkpoint.note())
    }

    /// Checks a receipt of the event with this leaf hash, by the log with this key.
    ///
    /// # Errors
    /// [`ReceiptError`]: form and signature first, then the event's path, then the head and its path.
    pub fn open(proof: &TlogProof, leaf: LeafHash, log: &Vkey) -> Result<Self, ReceiptError> {
        Self::open_as(proof, leaf, &Origin::from(log.name()), slice::from_ref(log))
    }

    /// The same, by the log of this origin with these keys.
    ///
    /// # Errors
    /// As [`Receipt::open`].
    pub fn open_as(
        proof: &TlogProof,
        leaf: LeafHash,
        origin: &Origin,
        keys: &[Vkey],
    ) -> Result<Self, ReceiptError> {
        let checkpoint = SignedCheckpoint::open_as(proof.note().clone(), origin, keys)?;
        if checkpoint.has_extensions() {
            return Err(ReceiptError::Extensions);
        }
        proof.verify(leaf, &checkpoint)?;
        let extra = proof.extra().ok_or(ReceiptError::Extra)?;
        let (entry, path) = parse_extra(extra).ok_or(ReceiptError::Extra)?;
        let head = StateHead::parse(&entry)?;
        let size = checkpoint.head().size().get();
        // R1: the head of a checkpoint of size C is the entry at C - 1 and says so.
        let is_last = head.index().get().checked_add(1) == Some(size);
        if !is_last || head.origin() != checkpoint.origin() {
            return Err(ReceiptError::OtherHead);
        }
        if proof.index() >= head.index() {
            return Err(ReceiptError::NotCovered);
        }
        let leaf = LeafHash::of_entry(&entry);
        verify_inclusion(checkpoint.head(), head.index(), leaf, &path)?;
        Ok(Self {
            index: proof.index(),
            checkpoint,
            head,
        })
    }

    /// Where the event stands.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The checkpoint the log signed over it.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The state head under that checkpoint.
    #[must_use]
    pub fn head(&self) -> &StateHead {
        &self.head
    }

    /// Until when the event must be in a witnessed state, in Unix milliseconds.
    #[must_use]
    pub fn deadline_ms(&self) -> u64 {
        self.head.clock_ms().saturating_add(PROMISE_MS)
    }
}

fn write_extra(head: &StateHead, head_path: &[NodeHash]) -> String {
    let mut extra = format!("{}\n", to_base64(&head.to_bytes()));
    for hash in head_path {
        extra.push_str(&format!("{hash}\n"));
    }
    extra
}

fn parse_extra(extra: &[u8]) -> Option<(Vec<u8>, Vec<NodeHash>)> {
    let text = str::from_utf8(extra).ok()?.strip_suffix('\n')?;
    let mut lines = text.split('\n');
    let entry = parse_base64(lines.next()?)?;
    // One more than possible is enough to refuse, and bounds the work.
    let path = lines.take(MAX_INCLUSION_HASHES + 1);
    let path = path.map(|line| line.parse().ok());
    Some((entry, path.collect::<Option<_>>()?))
}

/// Why a receipt promises nothing.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The checkpoint is malformed or not signed by the log.
    #[error("unfit checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint has extension lines.
    #[error("checkpoint has extension lines")]
    Extensions,
    /// The event is not proved to be under the checkpoint.
    #[error("event is not proved")]
    Event(#[from] TlogProofError),
    /// The extra data are missing or no state head with its path.
    #[error("malformed extra data")]
    Extra,
    /// The extra data hold no state head.
    #[error("malformed state head")]
    Head(#[from] HeadError),
    /// The head is not the checkpoint's: another index or origin.
    #[error("state head is not the checkpoint's")]
    OtherHead,
    /// The event stands at or after the head.
    #[error("event is not covered by the state head")]
    NotCovered,
    /// The head is not proved to be under the checkpoint.
    #[error("state head is not proved")]
    HeadProof(#[from] ProofError),
}

/// An accepted event is in the witnessed state within 60 s.
const PROMISE_MS: u64 = 60_000;
