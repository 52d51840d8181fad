//! The body of a request to cosign (c2sp.org/tlog-witness, "add-checkpoint").
//!
//! ```text
//! old 20852014            size the witness cosigned last
//! <base64>                consistency proof, one hash a line, at most 63
//!
//! <signed checkpoint>     to the end
//! ```
//! Whether the proof proves anything belongs to `merkle`, what to do about it to the witness.

use std::fmt;

use thiserror::Error;

use crate::merkle::{MAX_CONSISTENCY_HASHES, NodeHash, TreeSize};
use crate::note::{Note, NoteError};

/// A request whose form is right; neither proof nor signatures were checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AddCheckpoint {
    old: TreeSize,
    proof: Vec<NodeHash>,
    note: Note,
}

impl AddCheckpoint {
    /// Puts a request together.
    ///
    /// # Errors
    /// [`AddCheckpointError::TooManyHashes`] for more than 63 hashes.
    pub fn new(
        old: TreeSize,
        proof: Vec<NodeHash>,
        note: Note,
    ) -> Result<Self, AddCheckpointError> {
        // SPEC tlog-witness: "MUST NOT send more than 63 consistency proof lines."
        if proof.len() > MAX_CONSISTENCY_HASHES {
            return Err(AddCheckpointError::TooManyHashes { got: proof.len() });
        }
        Ok(Self { old, proof, note })
    }

    /// Reads a request body.
    ///
    /// # Errors
    /// [`AddCheckpointError`] unless writing the result gives the same bytes again.
    pub fn parse(body: &[u8]) -> Result<Self, AddCheckpointError> {
        let text = str::from_utf8(body).map_err(|_| AddCheckpointError::NotUtf8)?;
        let (head, note) = text.split_once("\n\n").ok_or(AddCheckpointError::NoGap)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.and_then(|size| size.parse().ok());
        let old = old.ok_or(AddCheckpointError::OldSize)?;
        // One more than allowed is enough to refuse, and bounds the work.
        let proof = lines
            .take(MAX_CONSISTENCY_HASHES + 1)
            .map(|line| line.parse().map_err(|_| AddCheckpointError::Hash))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(old, proof, Note::parse(note.as_bytes())?)
    }

    /// The request as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// The size that the sender believes the witness to hold.
    #[must_use]
    pub fn old(&self) -> TreeSize {
        self.old
    }

    /// The consistency proof from the old size.
    #[must_use]
    pub fn proof(&self) -> &[NodeHash] {
        &self.proof
    }

    /// The checkpoint's note.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }
}

/// The request as it is sent.
impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Why a body is no such request.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum AddCheckpointError {
    /// The bytes are not UTF-8.
    #[error("request is not UTF-8")]
    NotUtf8,
    /// No empty line between proof and checkpoint.
    #[error("no empty line before the checkpoint")]
    NoGap,
    /// The first line is not `old` and a size.
    #[error("first line is not `old` and a tree size")]
    OldSize,
    /// A proof line is no hash.
    #[error("malformed proof line")]
    Hash,
    /// More than 63 hashes.
    #[error("{got} proof lines, at most {MAX_CONSISTENCY_HASHES} are allowed")]
    TooManyHashes {
        /// How many were found; counting stops at 64.
        got: usize,
    },
    /// What follows is no note.
    #[error("malformed checkpoint")]
    Note(#[from] NoteError),
}
