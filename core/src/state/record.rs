//! Records: the values of the state map.
//!
//! ```text
//! u8 version = 1, u8 kind (1 state, 2 index), …      integers big-endian, unused bytes and bits zero, else refused
//! ```
//! The type of a key decides which of the two stands under it. When a record changes belongs to the state function.

mod chain;
mod index_record;
mod state_record;
mod status;

use thiserror::Error;

use super::key::MapType;

pub use chain::Chain;
pub use index_record::{INDEX_BYTES, IndexRecord, index_leaf};
pub use state_record::{Flag, MAX_REASON, STATE_BYTES, StateRecord};
pub use status::Status;

/// What stands under a key: which of the two is decided by the key's type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Record {
    /// Under a label, authority, scheme or member.
    State(StateRecord),
    /// Under every other key.
    Index(IndexRecord),
}

impl Record {
    /// Parses the record of a key of this type.
    ///
    /// # Errors
    /// [`RecordError`] for the first byte that no such record has.
    pub fn from_bytes(kind: MapType, bytes: &[u8]) -> Result<Self, RecordError> {
        if kind.has_state() {
            StateRecord::from_bytes(bytes).map(Self::State)
        } else {
            IndexRecord::from_bytes(bytes).map(Self::Index)
        }
    }

    /// Encodes the record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::State(record) => record.to_bytes().to_vec(),
            Self::Index(record) => record.to_bytes().to_vec(),
        }
    }
}

/// Whether the bytes say that they are an index record; the rest of them may be wrong.
pub(crate) fn is_index(bytes: &[u8]) -> bool {
    bytes.get(1) == Some(&index_record::KIND_INDEX)
}

/// Why bytes are no record.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RecordError {
    /// Another length than the record's.
    #[error("a record of this kind has {want} bytes, not {got}")]
    WrongLength {
        /// Bytes found.
        got: usize,
        /// Bytes it has.
        want: usize,
    },
    /// The field that starts here has a value it cannot have.
    #[error("the field at byte {at} of the record has a value it cannot have")]
    BadByte {
        /// Where the field starts.
        at: usize,
    },
}

fn check_start(bytes: &[u8], kind: u8) -> Result<(), RecordError> {
    match (bytes[0], bytes[1]) {
        (VERSION, found) if found == kind => Ok(()),
        (VERSION, _) => Err(RecordError::BadByte { at: 1 }),
        _ => Err(RecordError::BadByte { at: 0 }),
    }
}

fn check_zero(bytes: &[u8], range: std::ops::Range<usize>) -> Result<(), RecordError> {
    let at = range.start;
    if bytes[range].iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(RecordError::BadByte { at })
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("the record's length was checked")
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
