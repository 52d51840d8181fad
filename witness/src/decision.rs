//! Whether to cosign: pure functions of a request, the keys we trust and what we cosigned last.
//!
//! ```text
//! body ─admit→ Candidate ─decide(latest head)→ yes, or a Refusal with its HTTP status
//! ```
//! The order of the checks is that of c2sp.org/tlog-witness, "add-checkpoint", so that of two faults every
//! witness names the same one. Storing and signing belong to `witness`.

use labelproof_core::add_checkpoint::{AddCheckpoint, AddCheckpointError};
use labelproof_core::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use labelproof_core::merkle::{
    NodeHash, ProofError, RootHash, TreeHead, TreeSize, verify_consistency,
};
use labelproof_core::note::{Note, SignatureLine};
use thiserror::Error;

use crate::known_logs::KnownLogs;

/// A request whose form and signatures are right; only [`admit`] makes one.
#[derive(Clone, Debug)]
pub struct Candidate {
    old: TreeSize,
    proof: Vec<NodeHash>,
    checkpoint: SignedCheckpoint,
}

impl Candidate {
    /// The checkpoint, with the lines of its log and no others.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }
}

/// Checks all of a request that does not depend on what was cosigned before.
///
/// # Errors
/// [`Refusal`] with status 400, 404 or 403.
pub fn admit(body: &[u8], known: &KnownLogs) -> Result<Candidate, Refusal> {
    let request = AddCheckpoint::parse(body)?;
    let text = request.note().text();
    let origin = Checkpoint::parse(text)
        .map_err(Refusal::NotACheckpoint)?
        .origin()
        .clone();
    // SPEC tlog-witness: "If the checkpoint origin is unknown, the witness MUST respond with a "404 Not Found"".
    let Some(keys) = known.keys(&origin) else {
        return Err(Refusal::UnknownLog { origin });
    };
    // SPEC tlog-witness: "it MUST ignore signatures from unknown keys"; only lines that we verify are kept.
    let lines = request.note().signatures().iter();
    let lines = lines.filter(|line| keys.iter().any(|key| key.claims(line)));
    let lines: Vec<SignatureLine> = lines.cloned().collect();
    // SPEC tlog-witness: "403 Forbidden" if no trusted key signed, or a line that matches one fails to verify.
    let open = |lines: &[SignatureLine]| {
        let note = Note::new(text.to_owned(), lines.to_vec());
        let note = note.map_err(|_| CheckpointError::NotSigned)?;
        SignedCheckpoint::open_as(note, &origin, &keys)
    };
    let mut checkpoint = open(&lines).map_err(Refusal::Signature)?;
    // Anybody can repeat a line; readers of what we store would refuse it.
    let mut once: Vec<SignatureLine> = Vec::new();
    for line in &lines {
        let same = |kept: &SignatureLine| kept.name() == line.name() && kept.id() == line.id();
        if !once.iter().any(same) {
            once.push(line.clone());
        }
    }
    if once.len() < lines.len() {
        checkpoint = open(&once).map_err(Refusal::Signature)?;
    }
    Ok(Candidate {
        old: request.old(),
        proof: request.proof().to_vec(),
        checkpoint,
    })
}

/// Checks that a candidate only appends to the head cosigned last, [`TreeHead::EMPTY`] if there is none.
///
/// # Errors
/// [`Refusal`] with status 400, 409 or 422.
pub fn decide(candidate: &Candidate, latest: TreeHead) -> Result<(), Refusal> {
    let (old, new) = (candidate.old, candidate.checkpoint.head());
    // SPEC tlog-witness: "The old size MUST be equal to or lower than the checkpoint size." Else 400.
    if old > new.size() {
        return Err(Refusal::OldAboveSize {
            old,
            size: new.size(),
        });
    }
    // SPEC tlog-witness: "the old size matches the size of the latest checkpoint it cosigned". Else 409.
    if old != latest.size() {
        return Err(Refusal::OldIsNotLatest {
            latest: latest.size(),
        });
    }
    // SPEC tlog-witness: "A checkpoint of size zero MUST have the root hash of the empty tree". Else 422.
    if new.size() == TreeSize::EMPTY && new.root() != RootHash::EMPTY {
        return Err(Refusal::EmptyTreeRoot);
    }
    // SPEC tlog-witness: "If the old size is zero, the consistency proof MUST be empty". Else 422.
    if old == TreeSize::EMPTY {
        return if candidate.proof.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Proof(ProofError::WrongLength {
                got: candidate.proof.len(),
                want: 0,
            }))
        };
    }
    // SPEC tlog-witness: "If the old size matches the checkpoint size, ... root hashes are also identical". Else 422.
    if old == new.size() && latest.root() != new.root() {
        return Err(Refusal::OtherRoot {
            size: old,
            cosigned: latest.root(),
            got: new.root(),
        });
    }
    verify_consistency(latest, new, &candidate.proof).map_err(Refusal::Proof)
}

/// Why a request gets no cosignature.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The body is no request.
    #[error("malformed request")]
    Malformed(#[from] AddCheckpointError),
    /// The note is no checkpoint.
    #[error("malformed checkpoint")]
    NotACheckpoint(#[source] CheckpointError),
    /// A log that this witness does not know.
    #[error("unknown log {origin}")]
    UnknownLog {
        /// The origin in the checkpoint.
        origin: Origin,
    },
    /// The log did not sign, or a line that claims so is wrong.
    #[error("checkpoint is not signed by a key of its log")]
    Signature(#[source] CheckpointError),
    /// The old size is larger than the checkpoint.
    #[error("old size {old} is above the checkpoint's size {size}")]
    OldAboveSize {
        /// The old size.
        old: TreeSize,
        /// The checkpoint's.
        size: TreeSize,
    },
    /// The sender does not know what was cosigned last.
    #[error("latest cosigned size is {latest}")]
    OldIsNotLatest {
        /// What was cosigned last.
        latest: TreeSize,
    },
    /// Size zero with entries.
    #[error("checkpoint of size 0 has another root than the empty tree")]
    EmptyTreeRoot,
    /// Another root for a size that was cosigned: the log signed a fork.
    #[error("log signed two roots for size {size}: cosigned {cosigned}, now {got}")]
    OtherRoot {
        /// The size.
        size: TreeSize,
        /// The root cosigned.
        cosigned: RootHash,
        /// The root refused.
        got: RootHash,
    },
    /// The new head is not proved to append to the old one.
    #[error("wrong consistency proof")]
    Proof(#[source] ProofError),
    /// The body is longer than any request.
    #[error("request body is too large")]
    TooLarge,
    /// The body did not arrive whole.
    #[error("request body did not arrive")]
    NoBody,
    /// Too many requests wait.
    #[error("too many requests wait, try again")]
    Busy,
    /// The store failed; nothing is signed until it reads and writes again.
    #[error("storage does not work, nothing is signed until it does")]
    Storage,
}

impl Refusal {
    /// The HTTP status of the answer: the one table of this program.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_)
            | Self::NotACheckpoint(_)
            | Self::OldAboveSize { .. }
            | Self::NoBody => 400,
            Self::Signature(_) => 403,
            Self::UnknownLog { .. } => 404,
            Self::OldIsNotLatest { .. } => 409,
            Self::TooLarge => 413,
            Self::EmptyTreeRoot | Self::OtherRoot { .. } | Self::Proof(_) => 422,
            Self::Busy | Self::Storage => 503,
        }
    }
}
