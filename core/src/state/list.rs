//! The status list: a 2-bit code for every index of the log.
//!
//! ```text
//! byte i/4, bits 2·(i mod 4) and the next, least significant first      0 active, 1 ended, 2 suspended, 3 superseded
//! chunk k  = 16,384 bytes, the codes of indices k·65,536 …; the last is padded with zeros
//! root     = RFC 6962 root over the raw chunks
//! ```
//! The packing is that of the IETF Token Status List. Which index is a label belongs to the entry at that index:
//! every index that is no accepted issue has code 0.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::record::Status;
use crate::merkle::{
    LeafHash, LeafIndex, NodeHash, ProofError, RootHash, TreeHead, TreeSize, WholeTree,
    verify_inclusion,
};

/// The two bits of a label.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Code {
    /// Active; also every index that is no label.
    Active = 0,
    /// Revoked, withdrawn, lapsed or annulled.
    Ended = 1,
    /// Suspended.
    Suspended = 2,
    /// Superseded.
    Superseded = 3,
}

impl From<Status> for Code {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Suspended => Self::Suspended,
            Status::Superseded => Self::Superseded,
            Status::Revoked | Status::Withdrawn | Status::Lapsed | Status::Annulled => Self::Ended,
        }
    }
}

/// The list over the first n entries; chunks are shared with clones until they change.
#[derive(Clone, Default)]
pub struct StatusList {
    len: u64,
    chunks: Vec<Arc<Chunk>>,
    hashes: Vec<LeafHash>,
    changed: BTreeSet<usize>,
}

/// A chunk's raw bytes, exactly [`CHUNK_BYTES`].
#[derive(Clone, Eq, PartialEq)]
pub struct Chunk(Box<[u8; CHUNK_BYTES]>);

/// A chunk that was proved to belong to a list of `len` codes; only [`verify_chunk`] makes one.
#[derive(Clone, Debug)]
pub struct ProvenChunk {
    number: u64,
    len: u64,
    chunk: Chunk,
}

impl StatusList {
    /// The list of no entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a list of `len` codes from its chunks, as a snapshot keeps them.
    ///
    /// # Errors
    /// [`ListError::WrongChunks`] for another number of chunks, [`ListError::Padding`] for a code past the end.
    pub fn from_chunks(len: u64, chunks: Vec<Chunk>) -> Result<Self, ListError> {
        if chunks.len() as u64 != chunks_of(len) {
            return Err(ListError::WrongChunks {
                got: chunks.len() as u64,
                want: chunks_of(len),
            });
        }
        if let Some(last) = chunks.last() {
            last.check_padding(len)?;
        }
        Ok(Self {
            len,
            hashes: chunks.iter().map(Chunk::hash).collect(),
            chunks: chunks.into_iter().map(Arc::new).collect(),
            changed: BTreeSet::new(),
        })
    }

    /// How many codes it has: the number of entries it covers.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it covers no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Grows to cover `len` entries; the new codes are 0.
    ///
    /// # Panics
    /// If it would shrink: entries are never taken back.
    pub fn extend_to(&mut self, len: u64) {
        assert!(len >= self.len, "a log only grows");
        self.len = len;
        let chunks = usize::try_from(chunks_of(len)).expect("the chunks fit in memory");
        if chunks > self.chunks.len() {
            let zeros = Arc::new(Chunk::zeros());
            let hash = zeros.hash();
            self.chunks.resize(chunks, zeros);
            self.hashes.resize(chunks, hash);
        }
    }

    /// Sets the code at an index.
    ///
    /// # Panics
    /// If the list does not cover the index.
    pub fn set(&mut self, index: LeafIndex, code: Code) {
        assert!(index.get() < self.len, "the list covers the index");
        let (number, within) = position(index);
        let chunk = Arc::make_mut(&mut self.chunks[number]);
        chunk.set(within, code);
        self.changed.insert(number);
    }

    /// The code at an index; `None` at or past the end.
    #[must_use]
    pub fn get(&self, index: LeafIndex) -> Option<Code> {
        let (number, within) = position(index);
        (index.get() < self.len).then(|| self.chunks[number].get(within))
    }

    /// The chunk with this number.
    #[must_use]
    pub fn chunk(&self, number: u64) -> Option<&Chunk> {
        self.chunks
            .get(usize::try_from(number).ok()?)
            .map(AsRef::as_ref)
    }

    /// All chunks, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.chunks.iter().map(AsRef::as_ref)
    }

    /// The RFC 6962 root over the chunks.
    #[must_use]
    pub fn root(&self) -> RootHash {
        self.tree().root()
    }

    /// Makes the path of a chunk, from the leaf to the root; `None` if there is no such chunk.
    #[must_use]
    pub fn path(&self, number: u64) -> Option<Vec<NodeHash>> {
        self.tree().path(LeafIndex::new(number))
    }

    /// Hashes the chunks that changed, once, so that roots and paths until the next change are cheap.
    pub fn settle(&mut self) {
        for number in std::mem::take(&mut self.changed) {
            self.hashes[number] = self.chunks[number].hash();
        }
    }

    fn tree(&self) -> WholeTree {
        WholeTree::new((0..self.chunks.len()).map(|number| {
            if self.changed.contains(&number) {
                self.chunks[number].hash()
            } else {
                self.hashes[number]
            }
        }))
    }
}

impl fmt::Debug for StatusList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusList({} codes, root {})", self.len, self.root())
    }
}

impl Chunk {
    /// A chunk of code 0.
    #[must_use]
    pub fn zeros() -> Self {
        Self(Box::new([0; CHUNK_BYTES]))
    }

    /// Takes raw bytes.
    ///
    /// # Errors
    /// [`ListError::WrongLength`] if they are not [`CHUNK_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ListError> {
        let exact: &[u8; CHUNK_BYTES] = bytes
            .try_into()
            .map_err(|_| ListError::WrongLength { got: bytes.len() })?;
        Ok(Self(Box::new(*exact)))
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The hash under which the list's tree holds it.
    #[must_use]
    pub fn hash(&self) -> LeafHash {
        LeafHash::of_entry(&*self.0)
    }

    /// Whether every code is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    fn get(&self, within: usize) -> Code {
        match self.0[within / 4] >> (2 * (within % 4)) & 0b11 {
            0 => Code::Active,
            1 => Code::Ended,
            2 => Code::Suspended,
            _ => Code::Superseded,
        }
    }

    fn set(&mut self, within: usize, code: Code) {
        let shift = 2 * (within % 4);
        let byte = &mut self.0[within / 4];
        *byte = *byte & !(0b11 << shift) | (code as u8) << shift;
    }

    /// Checks that this, the last chunk of a list of `len` codes, has none past the end.
    fn check_padding(&self, len: u64) -> Result<(), ListError> {
        let used = usize::try_from(len % CODES_PER_CHUNK).expect("a chunk's codes fit");
        // At a chunk's very end nothing is padded.
        let from = if used == 0 { CHUNK_BYTES * 4 } else { used };
        if (from..CHUNK_BYTES * 4).all(|within| self.get(within) == Code::Active) {
            Ok(())
        } else {
            Err(ListError::Padding)
        }
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({})", self.hash())
    }
}

impl ProvenChunk {
    /// The chunk's number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The code at an index of the log.
    ///
    /// It means something only at an index whose accepted issue event the reader holds.
    ///
    /// # Errors
    /// [`ListError::NotCovered`] at or past the end of the list, or outside this chunk.
    pub fn code(&self, index: LeafIndex) -> Result<Code, ListError> {
        let within = index.get() % CODES_PER_CHUNK;
        if index.get() >= self.len || index.get() / CODES_PER_CHUNK != self.number {
            return Err(ListError::NotCovered { index });
        }
        let within = usize::try_from(within).expect("a chunk's codes fit");
        Ok(self.chunk.get(within))
    }
}

/// Checks that `chunk` is the one with this number in the list of `len` codes with this root.
///
/// # Errors
/// [`ListError::Proof`] if the path does not hold, [`ListError::Padding`] for a code past the end.
pub fn verify_chunk(
    root: RootHash,
    len: u64,
    number: u64,
    chunk: Chunk,
    path: &[NodeHash],
) -> Result<ProvenChunk, ListError> {
    let chunks = chunks_of(len);
    let head = TreeHead::new(TreeSize::new(chunks), root);
    verify_inclusion(head, LeafIndex::new(number), chunk.hash(), path)?;
    if number + 1 == chunks {
        chunk.check_padding(len)?;
    }
    Ok(ProvenChunk { number, len, chunk })
}

/// How many chunks a list of `len` codes has.
#[must_use]
pub fn chunks_of(len: u64) -> u64 {
    len.div_ceil(CODES_PER_CHUNK)
}

/// Why a list, a chunk or an index was refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ListError {
    /// A chunk of another length.
    #[error("a chunk has {CHUNK_BYTES} bytes, not {got}")]
    WrongLength {
        /// Bytes found.
        got: usize,
    },
    /// Another number of chunks than the list's length asks for.
    #[error("a list of this length has {want} chunks, not {got}")]
    WrongChunks {
        /// Chunks found.
        got: u64,
        /// Chunks it has.
        want: u64,
    },
    /// A code past the end of the list.
    #[error("a code past the end of the status list")]
    Padding,
    /// The index is not in the list, or not in this chunk.
    #[error("the chunk does not cover index {index}")]
    NotCovered {
        /// The index asked for.
        index: LeafIndex,
    },
    /// The path does not hold.
    #[error("the chunk is not proved")]
    Proof(#[from] ProofError),
}

fn position(index: LeafIndex) -> (usize, usize) {
    let number = usize::try_from(index.get() / CODES_PER_CHUNK).unwrap_or(usize::MAX);
    let within = usize::try_from(index.get() % CODES_PER_CHUNK).expect("a chunk's codes fit");
    (number, within)
}

/// Bytes of a chunk.
pub const CHUNK_BYTES: usize = 16_384;

/// Codes of a chunk: four a byte.
pub const CODES_PER_CHUNK: u64 = 65_536;

#[cfg(test)]
mod tests;
