//! Proofs of the map: that a key has this record, or that it has none.
//!
//! ```text
//! sibling = v(bit) ‖ hash(32)                                from the leaf to the root, bits strictly decreasing
//! other   = v(32) ‖ key(32) ‖ v(length) ‖ record             absence: the leaf at which the walk for the key ends
//! ```
//! An empty map proves absence with no other leaf and no sibling. `v` is the minimal protobuf
//! varint. Which root to believe belongs to `head`.

use thiserror::Error;

use super::super::key::MapKey;
use super::{MAX_RECORD_BYTES, MapHash, MapRoot, varint};

/// The node beside the path, and the bit at which the two sides part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sibling {
    bit: u8,
    hash: MapHash,
}

/// The leaf at which the walk for an absent key ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OtherLeaf {
    key: MapKey,
    record: Vec<u8>,
}

/// What the map says under one key; siblings from the leaf to the root.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MapProof {
    /// The key has this record.
    Inclusion {
        /// The record's bytes.
        record: Vec<u8>,
        /// The path.
        siblings: Vec<Sibling>,
    },
    /// The key has no record.
    Absence {
        /// Where the walk ends; `None` in an empty map.
        other: Option<OtherLeaf>,
        /// The path of that leaf.
        siblings: Vec<Sibling>,
    },
}

impl MapProof {
    /// Checks the proof and returns what it proves: the record, or `None` for absence.
    ///
    /// # Errors
    /// [`MapProofError`] for a proof that is not exactly the one of this key under this root.
    pub fn verify(&self, root: &MapRoot, key: &MapKey) -> Result<Option<&[u8]>, MapProofError> {
        match self {
            Self::Inclusion { record, siblings } => {
                verify_inclusion(root, key, record, siblings)?;
                Ok(Some(record))
            }
            Self::Absence { other, siblings } => {
                verify_absence(root, key, other.as_ref(), siblings)?;
                Ok(None)
            }
        }
    }

    /// The path, from the leaf to the root.
    #[must_use]
    pub fn siblings(&self) -> &[Sibling] {
        match self {
            Self::Inclusion { siblings, .. } | Self::Absence { siblings, .. } => siblings,
        }
    }
}

/// Checks that `key` has `record` under `root`.
///
/// # Errors
/// [`MapProofError::BitsNotDecreasing`] before any hashing of inner nodes,
/// [`MapProofError::RootMismatch`] after it.
pub fn verify_inclusion(
    root: &MapRoot,
    key: &MapKey,
    record: &[u8],
    siblings: &[Sibling],
) -> Result<(), MapProofError> {
    if record.len() > MAX_RECORD_BYTES {
        return Err(MapProofError::RecordTooLong { got: record.len() });
    }
    if !siblings.is_sorted_by(|lower, upper| lower.bit > upper.bit) {
        return Err(MapProofError::BitsNotDecreasing);
    }
    let leaf = MapHash::of_leaf(key, record);
    let top = siblings.iter().fold(leaf, |hash, sibling| {
        if key.bit(sibling.bit) {
            MapHash::of_inner(sibling.bit, &sibling.hash, &hash)
        } else {
            MapHash::of_inner(sibling.bit, &hash, &sibling.hash)
        }
    });
    if MapRoot::from(top) == *root {
        Ok(())
    } else {
        Err(MapProofError::RootMismatch)
    }
}

/// Checks that `key` has no record under `root`.
///
/// # Errors
/// [`MapProofError::SameKey`] if the other leaf is the key's own,
/// [`MapProofError::WrongNeighbour`] if the walk for the key does not end at it, and what
/// [`verify_inclusion`] says of the other leaf.
pub fn verify_absence(
    root: &MapRoot,
    key: &MapKey,
    other: Option<&OtherLeaf>,
    siblings: &[Sibling],
) -> Result<(), MapProofError> {
    let Some(other) = other else {
        return match (siblings, *root == MapRoot::EMPTY) {
            ([], true) => Ok(()),
            ([], false) => Err(MapProofError::RootMismatch),
            _ => Err(MapProofError::PathWithoutLeaf),
        };
    };
    if other.key == *key {
        return Err(MapProofError::SameKey);
    }
    if let Some(parted) = siblings
        .iter()
        .find(|sibling| other.key.bit(sibling.bit) != key.bit(sibling.bit))
    {
        return Err(MapProofError::WrongNeighbour { bit: parted.bit });
    }
    verify_inclusion(root, &other.key, &other.record, siblings)
}

impl Sibling {
    /// Names a node beside the path.
    #[must_use]
    pub const fn new(bit: u8, hash: MapHash) -> Self {
        Self { bit, hash }
    }

    /// The bit at which the two sides part.
    #[must_use]
    pub const fn bit(&self) -> u8 {
        self.bit
    }

    /// The hash of the other side.
    #[must_use]
    pub const fn hash(&self) -> &MapHash {
        &self.hash
    }

    /// Encodes `v(bit) ‖ hash`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = varint(usize::from(self.bit));
        out.extend_from_slice(self.hash.as_bytes());
        out
    }

    /// Parses `v(bit) ‖ hash`, nothing before, between or after.
    ///
    /// # Errors
    /// [`MapProofError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MapProofError> {
        let (bit, rest) = take_varint(bytes).ok_or(MapProofError::Malformed)?;
        let bit = u8::try_from(bit).map_err(|_| MapProofError::Malformed)?;
        let hash = rest.try_into().map_err(|_| MapProofError::Malformed)?;
        Ok(Self::new(bit, MapHash::from_bytes(hash)))
    }
}

impl OtherLeaf {
    /// Names a leaf.
    #[must_use]
    pub fn new(key: MapKey, record: Vec<u8>) -> Self {
        Self { key, record }
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &MapKey {
        &self.key
    }

    /// Its record.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// Encodes `v(32) ‖ key ‖ v(length) ‖ record`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = varint(32);
        out.extend_from_slice(self.key.as_bytes());
        out.extend_from_slice(&varint(self.record.len()));
        out.extend_from_slice(&self.record);
        out
    }

    /// Parses `v(32) ‖ key ‖ v(length) ‖ record`, minimal varints, nothing after.
    ///
    /// # Errors
    /// [`MapProofError::Malformed`], [`MapProofError::RecordTooLong`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MapProofError> {
        let (32, rest) = take_varint(bytes).ok_or(MapProofError::Malformed)? else {
            return Err(MapProofError::Malformed);
        };
        let (key, rest) = rest.split_first_chunk().ok_or(MapProofError::Malformed)?;
        let (length, record) = take_varint(rest).ok_or(MapProofError::Malformed)?;
        if length > MAX_RECORD_BYTES {
            return Err(MapProofError::RecordTooLong { got: length });
        }
        if record.len() != length {
            return Err(MapProofError::Malformed);
        }
        Ok(Self::new(MapKey::from_bytes(*key), record.to_vec()))
    }
}

/// Takes a minimal varint of at most two bytes: every bit and every length a record may have.
fn take_varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, rest) = match bytes {
        [low, rest @ ..] if *low < 0x80 => (usize::from(*low), rest),
        [low, high, rest @ ..] if *high < 0x80 => {
            (usize::from(*low & 0x7f) | usize::from(*high) << 7, rest)
        }
        _ => return None,
    };
    let used = bytes.len() - rest.len();
    (varint(value).as_slice() == &bytes[..used]).then_some((value, rest))
}

/// Why a proof of the map does not hold.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum MapProofError {
    /// Bytes that are no sibling or no leaf, or not in their only form.
    #[error("malformed map proof")]
    Malformed,
    /// A record longer than any.
    #[error("a record of {got} bytes is too long, at most {MAX_RECORD_BYTES}")]
    RecordTooLong {
        /// Its length.
        got: usize,
    },
    /// The siblings do not go from the leaf to the root.
    #[error("the bits of a map proof do not strictly decrease")]
    BitsNotDecreasing,
    /// An absence shown with the very key that should be absent.
    #[error("the other leaf has the queried key")]
    SameKey,
    /// An absence shown with a leaf at which the walk for the key does not end.
    #[error("the other leaf parts from the queried key at bit {bit} of its path")]
    WrongNeighbour {
        /// The bit in which they differ.
        bit: u8,
    },
    /// Siblings, but no leaf under them.
    #[error("a path without a leaf")]
    PathWithoutLeaf,
    /// The proof leads to another root.
    #[error("the map proof leads to another root")]
    RootMismatch,
}
