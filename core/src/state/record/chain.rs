//! Chains: one hash over all events of a subject, so that a record vouches for a whole history.
//!
//! ```text
//! chain_k = SHA-256("labelproof-chain/v1\n" ‖ chain_{k−1} ‖ u64 index ‖ leaf hash), chain_0 = 32 × 0
//! ```

use std::fmt;

use sha2::{Digest, Sha256};

use crate::merkle::{LeafHash, LeafIndex};

/// The running hash over a subject's events.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Chain([u8; 32]);

impl Chain {
    /// The chain of no event.
    pub const EMPTY: Self = Self([0; 32]);

    /// Takes a chain as it was read from a record.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The chain with one event more.
    #[must_use]
    pub fn with(&self, index: LeafIndex, leaf: &LeafHash) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(CHAIN_TAG);
        hasher.update(self.0);
        hasher.update(index.get().to_be_bytes());
        hasher.update(leaf.as_bytes());
        Self(hasher.finalize().into())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({})", hex::encode(self.0))
    }
}

const CHAIN_TAG: &[u8] = b"labelproof-chain/v1\n";
