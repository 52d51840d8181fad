//! Why a file is no bundle: one variant for each rule of the form, and two for map proofs.

use thiserror::Error;

use super::FIRST_LINE;
use crate::entry_bundle::MAX_ENTRY_BYTES;
use crate::merkle::LeafIndex;
use crate::state::key::MapName;
use crate::state::map::proof::MapProofError;
use crate::state::map::pruned::PrunedError;
use crate::tlog_proof::TlogProofError;

/// Why a bundle is malformed, or its map answers do not hold.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BundleError {
    /// The bytes are not UTF-8.
    #[error("bundle is not UTF-8")]
    NotUtf8,
    /// The first line is another.
    #[error("first line is not {FIRST_LINE}")]
    FirstLine,
    /// No empty line before the proof of the head.
    #[error("no empty line before the proof of the state head")]
    NoGap,
    /// More lines than a bundle may have.
    #[error("{got} lines, at most {limit} are allowed")]
    TooManyLines {
        /// Lines found.
        got: usize,
        /// Lines allowed.
        limit: usize,
    },
    /// A line whose first word is unknown, or that has no place where it stands.
    #[error("line {line} has an unknown word or stands in the wrong place")]
    Unexpected {
        /// Which line, from 1.
        line: usize,
    },
    /// A line with a known word and bad content.
    #[error("line {line} is malformed")]
    Malformed {
        /// Which line, from 1.
        line: usize,
    },
    /// Entries out of order.
    #[error("entry {index} is not above the one before it")]
    EntryOrder {
        /// The later entry.
        index: LeafIndex,
    },
    /// Chunks out of order.
    #[error("chunk {number} is not above the one before it")]
    ChunkOrder {
        /// The later chunk.
        number: u64,
    },
    /// The last entry is not the one that the proof at the end is of.
    #[error("the last entry is not that of the proof at the end")]
    NoHead,
    /// An entry longer than any.
    #[error("an entry of {got} bytes, at most {MAX_ENTRY_BYTES} are allowed")]
    LongEntry {
        /// Bytes found.
        got: usize,
    },
    /// More siblings than any tree has.
    #[error("{got} siblings are more than any tree has")]
    LongPath {
        /// Siblings found.
        got: usize,
    },
    /// A key that is answered twice.
    #[error("{name} is answered twice")]
    TwiceAsked {
        /// The key's name.
        name: MapName,
    },
    /// A state record under a key of index records, or the other way round.
    #[error("the record of {name} is of the other kind")]
    OtherRecord {
        /// The key's name.
        name: MapName,
    },
    /// The proof at the end is malformed.
    #[error("the proof of the state head is malformed")]
    Proof(#[from] TlogProofError),
    /// A map proof does not hold.
    #[error("a map proof does not hold")]
    Map(#[from] MapProofError),
    /// The pruned tree of a pack does not hold.
    #[error("the pack's tree does not hold")]
    Pruned(#[from] PrunedError),
}
