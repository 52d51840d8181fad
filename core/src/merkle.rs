//! Merkle trees over the entries of a log (RFC 6962, section 2.1; RFC 9162, section 2.1).
//!
//! ```text
//! leaf hash    SHA-256(0x00 ‖ entry)
//! node hash    SHA-256(0x01 ‖ left ‖ right), left the largest perfect subtree that leaves something right
//! root hash    the node over all leaves; SHA-256("") of the empty tree
//! ```
//! Here are the words: indices, sizes, hashes, heads, and what a proof can be refused for. `inclusion` and
//! `consistency` make and verify proofs, `frontier` grows a tree, `node` names its parts, `whole` builds one at once.
//! Storing nodes is left to `tile`.

mod consistency;
mod frontier;
mod hash;
mod inclusion;
mod node;
mod whole;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::text;

pub use consistency::{
    MAX_CONSISTENCY_HASHES, consistency_length, prove_consistency, verify_consistency,
};
pub use frontier::{Frontier, FrontierError};
pub use hash::{LeafHash, NodeHash, ParseHashError, RootHash};
pub use inclusion::{
    MAX_INCLUSION_HASHES, inclusion_length, left_of, prove_inclusion, verify_inclusion,
};
pub use node::{NodeId, ReadNodes, UnknownNode};
pub use whole::WholeTree;

/// Where an entry stands in its log, counted from zero.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// Takes any number: which indices exist depends on a [`TreeSize`].
    #[must_use]
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// How many entries a tree holds; one more than its last [`LeafIndex`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TreeSize(u64);

impl TreeSize {
    /// The tree without entries.
    pub const EMPTY: Self = Self(0);

    /// Takes any number.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Self(size)
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Tells whether an entry with this index is in the tree.
    #[must_use]
    pub const fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }
}

/// The size of a tree and its root: what a checkpoint states.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TreeHead {
    size: TreeSize,
    root: RootHash,
}

impl TreeHead {
    /// The head of the tree without entries.
    pub const EMPTY: Self = Self::new(TreeSize::EMPTY, RootHash::EMPTY);

    /// Pairs a size with the root claimed or computed for it.
    #[must_use]
    pub const fn new(size: TreeSize, root: RootHash) -> Self {
        Self { size, root }
    }

    /// How many entries the tree holds.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The hash over all of them.
    #[must_use]
    pub const fn root(&self) -> RootHash {
        self.root
    }
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ProofError {
    /// The entry lies outside the tree; nothing was hashed.
    #[error("entry {index} is not in a tree of {size} entries")]
    IndexOutOfRange {
        /// The entry asked for.
        index: LeafIndex,
        /// The tree it should be in.
        size: TreeSize,
    },
    /// The newer tree is the smaller one; nothing was hashed.
    #[error("a tree of {new} entries cannot extend one of {old}")]
    SizesReversed {
        /// Size of the tree that should come first.
        old: TreeSize,
        /// Size of the tree that should extend it.
        new: TreeSize,
    },
    /// Every tree extends the empty one, so such a proof shows nothing.
    #[error("nothing can be proved about the empty tree")]
    EmptyOldTree,
    /// The proof does not have the one length that these sizes allow; nothing was hashed.
    #[error("proof has {got} hashes, these sizes need {want}")]
    WrongLength {
        /// Hashes given.
        got: usize,
        /// Hashes the sizes ask for.
        want: usize,
    },
    /// The proof hashes up to another root.
    #[error("proof leads to another root")]
    RootMismatch,
}

/// Text that is not a decimal number as C2SP formats write it.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a decimal number below 2^64 without sign or leading zeroes")]
pub struct ParseNumberError;

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for LeafIndex {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, ParseNumberError> {
        text::parse_decimal(text).map(Self).ok_or(ParseNumberError)
    }
}

impl FromStr for TreeSize {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, ParseNumberError> {
        text::parse_decimal(text).map(Self).ok_or(ParseNumberError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for good in ["0", "1", "10", "18446744073709551615"] {
            assert_eq!(good.parse::<TreeSize>().unwrap().to_string(), good);
            assert_eq!(good.parse::<LeafIndex>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "+1",
            "-1",
            "00",
            "01",
            " 1",
            "1 ",
            "1\n",
            "0x1",
            "1e3",
            "١",
            "18446744073709551616",
        ] {
            assert_eq!(bad.parse::<TreeSize>(), Err(ParseNumberError), "{bad:?}");
            assert_eq!(bad.parse::<LeafIndex>(), Err(ParseNumberError), "{bad:?}");
        }
    }

    #[test]
    fn a_tree_contains_the_indices_below_its_size() {
        assert!(!TreeSize::EMPTY.contains(LeafIndex::new(0)));
        assert!(TreeSize::new(1).contains(LeafIndex::new(0)));
        assert!(!TreeSize::new(1).contains(LeafIndex::new(1)));
    }
}
