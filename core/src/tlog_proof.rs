//! Offline proofs that an entry is in a log (c2sp.org/tlog-proof).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>           may be missing; nothing vouches for it
//! index 73894              decimal, no leading zeroes
//! <base64>                 inclusion path, leaf to root, one hash a line
//!
//! <signed checkpoint>      to the end
//! ```
//! Which entry it is, and whether the checkpoint is good enough, is the caller's to say.

use std::fmt;

use thiserror::Error;

use crate::checkpoint::SignedCheckpoint;
use crate::merkle::{
    LeafHash, LeafIndex, MAX_INCLUSION_HASHES, NodeHash, ProofError, verify_inclusion,
};
use crate::note::{Note, NoteError};
use crate::text::{parse_base64, put_base64, to_base64};

/// A proof whose form is right; neither path nor signatures were checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: LeafIndex,
    path: Vec<NodeHash>,
    note: Note,
}

impl TlogProof {
    /// Puts a proof together.
    ///
    /// # Errors
    /// [`TlogProofError::TooManyHashes`] for a path that no tree has.
    pub fn new(
        extra: Option<Vec<u8>>,
        index: LeafIndex,
        path: Vec<NodeHash>,
        note: Note,
    ) -> Result<Self, TlogProofError> {
        check_length(&path)?;
        Ok(Self {
            extra,
            index,
            path,
            note,
        })
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`TlogProofError`] unless writing the result gives the same bytes again.
    pub fn parse(file: &[u8]) -> Result<Self, TlogProofError> {
        let text = str::from_utf8(file).map_err(|_| TlogProofError::NotUtf8)?;
        let (head, note) = text.split_once("\n\n").ok_or(TlogProofError::NoGap)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(TlogProofError::FirstLine);
        }
        let mut line = lines.next().ok_or(TlogProofError::Index)?;
        let mut extra = None;
        if let Some(base64) = line.strip_prefix("extra ") {
            extra = Some(parse_base64(base64).ok_or(TlogProofError::Extra)?);
            line = lines.next().ok_or(TlogProofError::Index)?;
        }
        let index = line.strip_prefix("index ");
        let index = index.and_then(|index| index.parse().ok());
        let index = index.ok_or(TlogProofError::Index)?;
        // One more than allowed is enough to refuse, and bounds the work.
        let path = lines
            .take(MAX_INCLUSION_HASHES + 1)
            .map(|line| line.parse().map_err(|_| TlogProofError::Hash))
            .collect::<Result<Vec<_>, _>>()?;
        Self::new(extra, index, path, Note::parse(note.as_bytes())?)
    }

    /// The proof as it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// Checks that `leaf` stands at the proof's index under `checkpoint`, which the caller opened from
    /// [`TlogProof::note`].
    ///
    /// # Errors
    /// [`TlogProofError::OtherCheckpoint`] if it was opened from something else,
    /// [`TlogProofError::Proof`] if the path does not lead to its root.
    pub fn verify(
        &self,
        leaf: LeafHash,
        checkpoint: &SignedCheckpoint,
    ) -> Result<(), TlogProofError> {
        if checkpoint.note().text() != self.note.text() {
            return Err(TlogProofError::OtherCheckpoint);
        }
        verify_inclusion(checkpoint.head(), self.index, leaf, &self.path)?;
        Ok(())
    }

    /// The extra data, unauthenticated.
    #[must_use]
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// Where the entry is said to stand.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The inclusion path, leaf to root.
    #[must_use]
    pub fn path(&self) -> &[NodeHash] {
        &self.path
    }

    /// The checkpoint's note.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }
}

/// The proof as it is stored.
impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = ProofFrame::new(self.extra.as_deref(), &self.note);
        f.write_str(&frame.around(self.index, &self.path))
    }
}

/// What all proofs under one checkpoint share, written once: everything but index and path.
#[derive(Clone, Debug)]
pub struct ProofFrame {
    /// From the first line up to the index.
    before: String,
    /// From the empty line on.
    after: String,
}

impl ProofFrame {
    /// Writes what `extra` and the checkpoint's note give.
    #[must_use]
    pub fn new(extra: Option<&[u8]>, note: &Note) -> Self {
        let extra = extra.map_or(String::new(), |extra| {
            format!("extra {}\n", to_base64(extra))
        });
        Self {
            before: format!("{FIRST_LINE}\n{extra}index "),
            after: format!("\n{note}"),
        }
    }

    /// Writes the proof of one entry, as [`TlogProof`] would.
    ///
    /// # Errors
    /// [`TlogProofError::TooManyHashes`] for a path that no tree has.
    pub fn write(&self, index: LeafIndex, path: &[NodeHash]) -> Result<String, TlogProofError> {
        check_length(path)?;
        Ok(self.around(index, path))
    }

    fn around(&self, index: LeafIndex, path: &[NodeHash]) -> String {
        let index = index.to_string();
        let length = self.before.len() + index.len() + 1 + path.len() * HASH_LINE_BYTES;
        let mut text = String::with_capacity(length + self.after.len());
        text.push_str(&self.before);
        text.push_str(&index);
        text.push('\n');
        for hash in path {
            put_base64(&mut text, hash.as_bytes());
            text.push('\n');
        }
        text.push_str(&self.after);
        text
    }
}

fn check_length(path: &[NodeHash]) -> Result<(), TlogProofError> {
    if path.len() > MAX_INCLUSION_HASHES {
        return Err(TlogProofError::TooManyHashes { got: path.len() });
    }
    Ok(())
}

/// Why a proof is malformed or proves nothing.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum TlogProofError {
    /// The bytes are not UTF-8.
    #[error("proof is not UTF-8")]
    NotUtf8,
    /// The first line is another.
    #[error("first line is not {FIRST_LINE}")]
    FirstLine,
    /// No empty line between path and checkpoint.
    #[error("no empty line before the checkpoint")]
    NoGap,
    /// The extra data are not base64.
    #[error("malformed extra line")]
    Extra,
    /// The index line is missing or malformed.
    #[error("malformed index line")]
    Index,
    /// A path line is no hash.
    #[error("malformed path line")]
    Hash,
    /// A path longer than any tree has.
    #[error("{got} path lines, at most {MAX_INCLUSION_HASHES} are possible")]
    TooManyHashes {
        /// How many were found; counting stops at 65.
        got: usize,
    },
    /// What follows is no note.
    #[error("malformed checkpoint")]
    Note(#[from] NoteError),
    /// The checkpoint given is not the one in the proof.
    #[error("checkpoint is not the one in the proof")]
    OtherCheckpoint,
    /// The path does not prove the entry.
    #[error("wrong inclusion proof")]
    Proof(#[from] ProofError),
}

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// 32 bytes in base64, and the end of the line.
const HASH_LINE_BYTES: usize = 45;
