//! Index records: what the map holds of a product, a territory, a feed: which events bear on it.
//!
//! ```text
//! 56 bytes: u8 1, u8 2, 6 × 0, u64 count, u64 last_index, root(32)
//! root      RFC 6962 over the 40-byte leaves u64 index ‖ leaf hash, in order of the log
//! ```

use super::{RecordError, VERSION, array_at, check_start, check_zero, u64_at};
use crate::merkle::{Frontier, LeafHash, LeafIndex, RootHash, WholeTree};

/// A list of events that bear on something, 56 bytes: how many, the last, and their root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IndexRecord {
    count: u64,
    last_index: LeafIndex,
    root: RootHash,
}

impl IndexRecord {
    /// Records these events, in order of the log; `None` if there is none or the order is another.
    #[must_use]
    pub fn of_events(events: &[(LeafIndex, LeafHash)]) -> Option<Self> {
        let last_index = events.last()?.0;
        if !events.is_sorted_by(|earlier, later| earlier.0 < later.0) {
            return None;
        }
        let leaves = events.iter().map(|(index, leaf)| index_leaf(*index, leaf));
        Some(Self {
            count: events.len() as u64,
            last_index,
            root: WholeTree::new(leaves).root(),
        })
    }

    /// Records the events of a tree's frontier, the newest of them at `last_index`; `None` if there is none.
    #[must_use]
    pub(crate) fn of_frontier(last_index: LeafIndex, frontier: &Frontier) -> Option<Self> {
        let count = frontier.size().get();
        (count > 0).then(|| Self {
            count,
            last_index,
            root: frontier.root(),
        })
    }

    /// How many events there are, at least one.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Where the newest is.
    #[must_use]
    pub const fn last_index(&self) -> LeafIndex {
        self.last_index
    }

    /// The RFC 6962 root over the leaves of [`index_leaf`].
    #[must_use]
    pub const fn root(&self) -> RootHash {
        self.root
    }

    /// Encodes the 56 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; INDEX_BYTES] {
        let mut out = [0; INDEX_BYTES];
        out[0] = VERSION;
        out[1] = KIND_INDEX;
        out[8..16].copy_from_slice(&self.count.to_be_bytes());
        out[16..24].copy_from_slice(&self.last_index.get().to_be_bytes());
        out[24..].copy_from_slice(self.root.as_bytes());
        out
    }

    /// Parses the 56 bytes; whatever is unused must be zero.
    ///
    /// # Errors
    /// [`RecordError`] for the first byte that no record has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() != INDEX_BYTES {
            return Err(RecordError::WrongLength {
                got: bytes.len(),
                want: INDEX_BYTES,
            });
        }
        check_start(bytes, KIND_INDEX)?;
        check_zero(bytes, 2..8)?;
        let (count, last_index) = (u64_at(bytes, 8), u64_at(bytes, 16));
        if count.checked_sub(1).is_none_or(|more| more > last_index) {
            return Err(RecordError::BadByte { at: 8 });
        }
        Ok(Self {
            count,
            last_index: LeafIndex::new(last_index),
            root: RootHash::from_bytes(array_at(bytes, 24)),
        })
    }
}

/// Hashes one event of an index record: the leaf `u64 index ‖ leaf hash` of its tree.
#[must_use]
pub fn index_leaf(index: LeafIndex, leaf: &LeafHash) -> LeafHash {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&index.get().to_be_bytes());
    bytes[8..].copy_from_slice(leaf.as_bytes());
    LeafHash::of_entry(&bytes)
}

/// Length of an index record.
pub const INDEX_BYTES: usize = 56;

pub(super) const KIND_INDEX: u8 = 2;
