//! The state map: a persistent SHA-256 Patricia tree from keys to records.
//!
//! ```text
//! leaf  = SHA-256(0x00 ‖ v(32) ‖ key ‖ v(length) ‖ record)
//! inner = SHA-256(0x01 ‖ v(bit) ‖ left ‖ right)      bit: the first in which the two sides differ
//! empty = SHA-256("")                                v: minimal protobuf varint
//! ```
//! The shape depends on the keys alone and nothing is ever deleted. A change copies what it shares with
//! clones and changes the rest in place, so that a clone is an old value for free. Hashes wait
//! until [`Map::settle`]: a batch hashes the nodes near the root once, not once an event.
//! Nodes are `map::tree`'s, hashes `map::hash`'s, proofs `map::proof`'s.

mod hash;
pub mod proof;
pub mod pruned;
mod tree;

use std::fmt;

use thiserror::Error;

use super::key::MapKey;
use proof::{MapProof, OtherLeaf, Sibling};
use tree::{Leaf, Node, Part, Shape};

pub(crate) use hash::varint;
pub use hash::{MapHash, MapRoot};

/// The map; cloning it is one reference count, changing it leaves every clone as it was.
#[derive(Clone, Default)]
pub struct Map {
    root: Option<Node>,
    len: usize,
}

impl Map {
    /// The empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Builds a map at once from records in ascending order of their keys.
    ///
    /// # Errors
    /// [`NotSorted`] if a key is not greater than the one before it.
    ///
    /// # Panics
    /// If a record is longer than [`MAX_RECORD_BYTES`].
    pub fn from_sorted<R: AsRef<[u8]>>(
        records: impl IntoIterator<Item = (MapKey, R)>,
    ) -> Result<Self, NotSorted> {
        // Subtrees that lie left of what comes next, each with the bit at which it ends, ascending.
        let mut left: Vec<(u8, Node)> = Vec::new();
        let mut last: Option<(MapKey, Node)> = None;
        let mut len = 0;
        for (key, record) in records {
            let leaf = Node::of_leaf(Leaf::new(key, record.as_ref()));
            if let Some((before, mut node)) = last.take() {
                let split = before.first_difference(&key);
                let Some(split) = split.filter(|_| before < key) else {
                    return Err(NotSorted { key });
                };
                while let Some((bit, beside)) = left.pop_if(|(bit, _)| *bit > split) {
                    node = Node::join(bit, beside, node);
                }
                left.push((split, node));
            }
            last = Some((key, leaf));
            len += 1;
        }
        let root = last.map(|(_, mut node)| {
            while let Some((bit, beside)) = left.pop() {
                node = Node::join(bit, beside, node);
            }
            node.settle();
            node
        });
        Ok(Self { root, len })
    }

    /// How many keys have a record.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no key has a record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The root hash; cheap after [`Map::settle`], else what changed since is hashed for this answer.
    #[must_use]
    pub fn root(&self) -> MapRoot {
        match &self.root {
            Some(node) => MapRoot::from(node.hash()),
            None => MapRoot::EMPTY,
        }
    }

    /// Hashes what changed, once, so that roots and proofs until the next change are cheap, also those of clones.
    pub fn settle(&mut self) {
        if let Some(root) = &mut self.root {
            root.settle();
        }
    }

    /// The record under a key.
    #[must_use]
    pub fn get(&self, key: &MapKey) -> Option<&[u8]> {
        self.root.as_ref()?.find(key).map(Leaf::record)
    }

    /// Sets the record under a key, new or replaced.
    ///
    /// # Panics
    /// If the record is longer than [`MAX_RECORD_BYTES`].
    pub fn insert(&mut self, key: MapKey, record: &[u8]) {
        let leaf = Leaf::new(key, record);
        let is_new = match &mut self.root {
            Some(root) => root.put(leaf),
            None => {
                self.root = Some(Node::of_leaf(leaf));
                true
            }
        };
        self.len += usize::from(is_new);
    }

    /// Proves what stands under a key: its record, or that it has none.
    #[must_use]
    pub fn prove(&self, key: &MapKey) -> MapProof {
        let mut siblings = Vec::new();
        let Some(root) = &self.root else {
            return MapProof::Absence {
                other: None,
                siblings,
            };
        };
        let mut part = Part::Node(root);
        let leaf = loop {
            match part.shape() {
                Shape::Leaf(leaf) => break leaf,
                Shape::Inner { bit, left, right } => {
                    let (down, beside) = if key.bit(bit) {
                        (right, left)
                    } else {
                        (left, right)
                    };
                    siblings.push(Sibling::new(bit, beside.hash()));
                    part = down;
                }
            }
        };
        siblings.reverse();
        let record = leaf.record().to_vec();
        if leaf.key() == key {
            MapProof::Inclusion { record, siblings }
        } else {
            MapProof::Absence {
                other: Some(OtherLeaf::new(*leaf.key(), record)),
                siblings,
            }
        }
    }

    /// All records in ascending order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&MapKey, &[u8])> {
        let mut stack: Vec<Part<'_>> = self.root.iter().map(Part::Node).collect();
        std::iter::from_fn(move || {
            loop {
                match stack.pop()?.shape() {
                    Shape::Leaf(leaf) => return Some((leaf.key(), leaf.record())),
                    Shape::Inner { left, right, .. } => {
                        stack.push(right);
                        stack.push(left);
                    }
                }
            }
        })
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Map({} records, root {})", self.len, self.root())
    }
}

/// Two maps are equal when their roots are: the same keys with the same records.
impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for Map {}

/// Keys that had to ascend did not.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("key {key} is not greater than the one before it")]
pub struct NotSorted {
    /// The first key out of order.
    pub key: MapKey,
}

/// The longest record: a state record has 80 bytes, an index record 56; room for later versions.
pub const MAX_RECORD_BYTES: usize = 1024;

#[cfg(test)]
mod tests;
