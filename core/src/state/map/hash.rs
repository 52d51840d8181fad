//! Hashes of the map's tree, and the root that a state head commits to.
//!
//! ```text
//! leaf  = SHA-256(0x00 ‖ v(32) ‖ key ‖ v(length) ‖ record)
//! inner = SHA-256(0x01 ‖ v(bit) ‖ left ‖ right)      bit: the first in which the two sides differ
//! empty = SHA-256("")                                v: minimal protobuf varint
//! ```
//! Each is hashed from one buffer: a hasher fed in pieces costs half as much again.

use std::fmt;

use sha2::{Digest, Sha256};

use super::MAX_RECORD_BYTES;
use crate::state::key::MapKey;
use crate::state::record::STATE_BYTES;

/// Root of a [`super::Map`]: what a state head commits to.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct MapRoot(MapHash);

/// Hash of a leaf or an inner node of the map.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct MapHash([u8; 32]);

impl MapHash {
    /// Hashes a leaf.
    ///
    /// # Panics
    /// If the record is longer than [`MAX_RECORD_BYTES`].
    #[must_use]
    pub fn of_leaf(key: &MapKey, record: &[u8]) -> Self {
        assert!(record.len() <= MAX_RECORD_BYTES, "a record fits its bound");
        let mut start = [0; 2 + 32 + MAX_VARINT_BYTES];
        start[1] = 32;
        start[2..34].copy_from_slice(key.as_bytes());
        let from = 34 + put_varint(&mut start[34..], record.len());
        if record.len() > STATE_BYTES {
            let hasher = Sha256::new_with_prefix(&start[..from]);
            return Self(hasher.chain_update(record).finalize().into());
        }
        let mut buffer = [0; 2 + 32 + MAX_VARINT_BYTES + STATE_BYTES];
        let end = from + record.len();
        buffer[..from].copy_from_slice(&start[..from]);
        buffer[from..end].copy_from_slice(record);
        Self(Sha256::digest(&buffer[..end]).into())
    }

    /// Hashes an inner node.
    #[must_use]
    pub fn of_inner(bit: u8, left: &Self, right: &Self) -> Self {
        let mut buffer = [0; 1 + MAX_VARINT_BYTES + 64];
        buffer[0] = 0x01;
        let from = 1 + put_varint(&mut buffer[1..], usize::from(bit));
        buffer[from..from + 32].copy_from_slice(&left.0);
        buffer[from + 32..from + 64].copy_from_slice(&right.0);
        Self(Sha256::digest(&buffer[..from + 64]).into())
    }

    /// Takes a hash as it was read from a proof.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl MapRoot {
    /// Root of a map without records: SHA-256 of nothing.
    pub const EMPTY: Self = Self(MapHash([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]));

    /// Takes a root as it was read from a state head.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(MapHash(bytes))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<MapHash> for MapRoot {
    fn from(hash: MapHash) -> Self {
        Self(hash)
    }
}

impl fmt::Display for MapHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MapHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapHash({self})")
    }
}

/// Base64, as a state head writes it.
impl fmt::Display for MapRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64::Engine;
        f.write_str(&base64::engine::general_purpose::STANDARD.encode(self.as_bytes()))
    }
}

impl fmt::Debug for MapRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapRoot({self})")
    }
}

/// A minimal protobuf varint: seven bits a byte, least significant first.
pub(crate) fn varint(value: usize) -> Vec<u8> {
    let mut out = [0; MAX_VARINT_BYTES];
    let used = put_varint(&mut out, value);
    out[..used].to_vec()
}

/// Writes it at the start of `out` and gives its length.
fn put_varint(out: &mut [u8], value: usize) -> usize {
    let mut rest = value;
    let mut used = 0;
    while rest >= 0x80 {
        out[used] = u8::try_from(rest & 0x7f).expect("seven bits") | 0x80;
        used += 1;
        rest >>= 7;
    }
    out[used] = u8::try_from(rest).expect("seven bits");
    used + 1
}

/// Bits are below 256 and records have at most [`MAX_RECORD_BYTES`]: both are below 2^14.
const MAX_VARINT_BYTES: usize = 2;
