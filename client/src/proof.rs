//! A tlog-proof against a trust file: an entry is in the log, under a head with the quorum.
//!
//! ```text
//! c2sp.org/tlog-proof@v1 ─note─▶ log key ─▶ SignedCheckpoint ─policy─▶ WitnessedCheckpoint ─path─▶ entry
//! ```
//! It proves that an event was logged, never that it still stands; that is `lookup`'s.

use labelproof_core::{
    checkpoint::{CheckpointError, SignedCheckpoint},
    merkle::{LeafHash, LeafIndex},
    note::Note,
    policy::{QuorumError, WitnessedCheckpoint},
    time::Time,
    tlog_proof::{TlogProof, TlogProofError},
};

use crate::trust::{TrustFile, TrustedLog};

/// Checks that `proof` puts the entry with this leaf hash under a head that meets the log's policy at `now`.
///
/// # Errors
/// [`EntryError`], the first check that does not hold.
pub fn verify_entry(
    proof: &TlogProof,
    leaf: LeafHash,
    log: &TrustedLog,
    now: Time,
) -> Result<WitnessedCheckpoint, EntryError> {
    let signed = open_checkpoint(proof.note().clone(), log)?;
    proof.verify(leaf, &signed)?;
    Ok(log.policy().accept(signed, now)?)
}

/// Opens a note as a checkpoint of `log`, by the keys its policy names.
///
/// # Errors
/// [`EntryError::Checkpoint`].
pub fn open_checkpoint(note: Note, log: &TrustedLog) -> Result<SignedCheckpoint, EntryError> {
    Ok(SignedCheckpoint::open_as(note, log.origin(), &log.keys())?)
}

/// The log of the trust file whose checkpoint a note is, by its first line; nothing is verified.
pub fn log_of_note<'a>(note: &Note, trust: &'a TrustFile) -> Option<&'a TrustedLog> {
    let origin = note.text().lines().next()?;
    trust
        .logs()
        .iter()
        .find(|log| log.origin().as_str() == origin)
}

/// Why an entry is not proved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Not a checkpoint, or not signed by the log.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof of another entry.
    #[error("the proof is of entry {got}, not {want}")]
    OtherIndex {
        /// The proof's entry.
        got: LeafIndex,
        /// The one asked for.
        want: LeafIndex,
    },
    /// The path does not lead from the entry to the root.
    #[error("the inclusion proof does not hold")]
    Proof(#[from] TlogProofError),
    /// Too few witnesses.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
}
