//! Staged batches: what one durable object says before the log's size changes.
//!
//! ```text
//! labelproof-batch/v1
//! labels.g7.example        origin
//! 258                      size before, decimal
//! nND/nri/U0xuHUrYSy0H…=   root before, base64
//! 261                      size after
//! CsUYapGGPo4dkMgIAUqo…=   root after
//!                          an empty line, then each entry: u16 length, big-endian, and its bytes
//! ```
//! The object is named by its SHA-256, which is also what the head record names.

use std::fmt;

use labelproof_core::{
    entry_bundle::MAX_ENTRY_BYTES,
    merkle::{Frontier, TreeHead, TreeSize},
};
use sha2::{Digest as _, Sha256};

use super::{Grown, lines::Lines};

/// The most entries one batch may hold: the pool's bound and the state head.
pub const MAX_BATCH_ENTRIES: usize = crate::pool::MAX_POOL_EVENTS + 1;

/// The SHA-256 of a staged batch, and its name.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BatchDigest([u8; 32]);

impl BatchDigest {
    /// Hashes the bytes of a staged batch.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        (hex::encode(bytes) == text).then_some(Self(bytes))
    }
}

impl fmt::Display for BatchDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BatchDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Entries that follow one tree head, and the tree head they lead to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StagedBatch {
    origin: String,
    before: TreeHead,
    after: TreeHead,
    entries: Vec<Vec<u8>>,
}

/// Why bytes are not the batch they should be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The bytes do not have the shape of a batch.
    #[error("the staged batch is malformed")]
    Malformed,
    /// It has more entries than a batch may have, none, or one that is too long.
    #[error("the staged batch holds {entries} entries, or one that is too long")]
    Bounds {
        /// How many there are.
        entries: usize,
    },
    /// It is another log's.
    #[error("the staged batch is for {found}")]
    OtherLog {
        /// The origin it names.
        found: String,
    },
    /// It does not follow the tree that is there.
    #[error("the staged batch follows size {staged}, the log has size {log}")]
    NotNext {
        /// Size before the batch, as staged.
        staged: TreeSize,
        /// Size of the log.
        log: TreeSize,
    },
    /// The entries do not lead to the root it declares.
    #[error("the staged batch declares root {declared:?}, its entries give {computed:?}")]
    WrongRoot {
        /// What the staged bytes say.
        declared: TreeHead,
        /// What the entries give.
        computed: TreeHead,
    },
}

impl StagedBatch {
    /// Puts entries behind the tree that `frontier` stands for.
    ///
    /// # Errors
    /// [`BatchError::Bounds`] for no entries, too many, or one that is too long.
    pub fn new(
        origin: &str,
        frontier: &Frontier,
        entries: Vec<Vec<u8>>,
    ) -> Result<Self, BatchError> {
        check_bounds(&entries)?;
        let after = Grown::behind(frontier, &entries).head();
        Ok(Self {
            origin: origin.to_owned(),
            before: frontier.head(),
            after,
            entries,
        })
    }

    /// Reads what [`StagedBatch::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`BatchError::Malformed`] or [`BatchError::Bounds`]; the roots are not checked here.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let mut lines = Lines::new(bytes);
        let batch = Self::read(&mut lines).ok_or(BatchError::Malformed)?;
        check_bounds(&batch.entries)?;
        if batch.to_bytes() != bytes {
            return Err(BatchError::Malformed);
        }
        Ok(batch)
    }

    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        lines.expect(TAG)?;
        let origin = lines.next()?.to_owned();
        let before = TreeHead::new(lines.size()?, lines.root()?);
        let after = TreeHead::new(lines.size()?, lines.root()?);
        lines.expect("")?;
        let mut rest = lines.rest();
        let mut entries = Vec::new();
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let (entry, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            entries.push(entry.to_vec());
            rest = tail;
        }
        rest.is_empty().then_some(Self {
            origin,
            before,
            after,
            entries,
        })
    }

    /// Writes the batch; equal batches give equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!(
            "{TAG}\n{}\n{}\n{}\n{}\n{}\n\n",
            self.origin,
            self.before.size(),
            self.before.root(),
            self.after.size(),
            self.after.root()
        )
        .into_bytes();
        for entry in &self.entries {
            let length = u16::try_from(entry.len()).expect("bounds were checked at construction");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(entry);
        }
        bytes
    }

    /// Recomputes the root from the entries, on top of the tree that is there.
    ///
    /// # Errors
    /// [`BatchError::NotNext`] if it follows another tree, [`BatchError::WrongRoot`] if its entries
    /// do not lead to what it declares.
    pub fn check(&self, frontier: &Frontier) -> Result<Grown, BatchError> {
        if self.before != frontier.head() {
            return Err(BatchError::NotNext {
                staged: self.before.size(),
                log: frontier.size(),
            });
        }
        let grown = Grown::behind(frontier, &self.entries);
        if grown.head() != self.after {
            return Err(BatchError::WrongRoot {
                declared: self.after,
                computed: grown.head(),
            });
        }
        Ok(grown)
    }

    /// The log it is for.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The tree it follows.
    #[must_use]
    pub fn before(&self) -> TreeHead {
        self.before
    }

    /// The tree it leads to.
    #[must_use]
    pub fn after(&self) -> TreeHead {
        self.after
    }

    /// Its entries, in the order of their indices.
    #[must_use]
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }
}

fn check_bounds(entries: &[Vec<u8>]) -> Result<(), BatchError> {
    let fits = entries.iter().all(|entry| entry.len() <= MAX_ENTRY_BYTES);
    if entries.is_empty() || entries.len() > MAX_BATCH_ENTRIES || !fits {
        return Err(BatchError::Bounds {
            entries: entries.len(),
        });
    }
    Ok(())
}

const TAG: &str = "labelproof-batch/v1";
