//! The tree in memory: inner nodes above, buckets of a few sorted leaves below.
//!
//! ```text
//! node     hash once it is known, and what it holds: inner or bucket
//! inner    bit, two nodes
//! bucket   1 to 8 leaves in order of their keys; the nodes between them follow from the keys
//! leaf     key and record, 120 bytes for the records of the state function
//! ```
//! How leaves are cut into buckets shows in no hash and no proof: [`Part`] shows a bucket's inner nodes as
//! it does real ones. A changed node forgets its hash; [`Node::settle`] hashes all of those once. A hash stands beside
//! the pointer to what it is the hash of, so that whoever hashes a node looks at none beside it: in a large map each
//! look waits for memory.

use std::sync::Arc;

use super::MAX_RECORD_BYTES;
use super::hash::MapHash;
use crate::state::key::MapKey;
use crate::state::record::{INDEX_BYTES, STATE_BYTES};

/// A subtree that is not empty, and its hash once it is known.
#[derive(Clone)]
pub(super) struct Node {
    hash: Option<MapHash>,
    held: Held,
}

/// What a subtree holds, shared with clones until it changes.
#[derive(Clone)]
enum Held {
    /// Two sides.
    Inner(Arc<Inner>),
    /// A few leaves.
    Bucket(Arc<[Leaf]>),
}

#[derive(Clone)]
struct Inner {
    bit: u8,
    /// Left and right: a key's bit is an index, so that the processor need not guess which way a walk goes.
    sides: [Node; 2],
}

/// A key and its record.
#[derive(Clone)]
pub(super) struct Leaf {
    key: MapKey,
    record: Stored,
}

/// A record, in place if it is one that the state function writes.
#[derive(Clone)]
enum Stored {
    State([u8; STATE_BYTES]),
    Index([u8; INDEX_BYTES]),
    Other(Box<[u8]>),
}

/// A subtree as it is seen: a node, or some of a bucket's leaves.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Node(&'a Node),
    Leaves(&'a [Leaf]),
}

/// What a subtree begins with.
pub(super) enum Shape<'a> {
    Leaf(&'a Leaf),
    Inner {
        bit: u8,
        left: Part<'a>,
        right: Part<'a>,
    },
}

impl Leaf {
    /// # Panics
    /// If the record is longer than [`MAX_RECORD_BYTES`].
    pub(super) fn new(key: MapKey, record: &[u8]) -> Self {
        assert!(record.len() <= MAX_RECORD_BYTES, "a record fits its bound");
        let record = if let Ok(record) = record.try_into() {
            Stored::State(record)
        } else if let Ok(record) = record.try_into() {
            Stored::Index(record)
        } else {
            Stored::Other(record.into())
        };
        Self { key, record }
    }

    pub(super) fn key(&self) -> &MapKey {
        &self.key
    }

    pub(super) fn record(&self) -> &[u8] {
        match &self.record {
            Stored::State(record) => record,
            Stored::Index(record) => record,
            Stored::Other(record) => record,
        }
    }

    fn hash(&self) -> MapHash {
        MapHash::of_leaf(&self.key, self.record())
    }
}

impl Node {
    /// One leaf.
    pub(super) fn of_leaf(leaf: Leaf) -> Self {
        Self::bucket(Arc::new([leaf]))
    }

    fn bucket(leaves: Arc<[Leaf]>) -> Self {
        Self {
            hash: None,
            held: Held::Bucket(leaves),
        }
    }

    fn inner(bit: u8, left: Self, right: Self) -> Self {
        Self {
            hash: None,
            held: Held::Inner(Arc::new(Inner {
                bit,
                sides: [left, right],
            })),
        }
    }

    /// Puts two subtrees side by side that first differ at `bit`.
    pub(super) fn join(bit: u8, left: Self, right: Self) -> Self {
        if let (Held::Bucket(low), Held::Bucket(high)) = (&left.held, &right.held)
            && low.len() + high.len() <= MAX_BUCKET
        {
            return Self::bucket(low.iter().chain(&**high).cloned().collect());
        }
        Self::inner(bit, left, right)
    }

    /// The leaves at which the walk for a key ends: the key's own is among them if it has one, and
    /// each of them first differs from a key that has none at the same bit, or below every node passed.
    pub(super) fn nearest(&self, key: &MapKey) -> &[Leaf] {
        let mut node = self;
        loop {
            match &node.held {
                Held::Inner(inner) => node = &inner.sides[usize::from(key.bit(inner.bit))],
                Held::Bucket(leaves) => return leaves,
            }
        }
    }

    /// The leaf of a key.
    pub(super) fn find(&self, key: &MapKey) -> Option<&Leaf> {
        let leaves = self.nearest(key);
        let at = leaves.binary_search_by(|leaf| leaf.key.cmp(key)).ok()?;
        Some(&leaves[at])
    }

    /// Sets a leaf, new or replaced, and tells whether it is new. The recursion is as deep as the tree, at most 256.
    pub(super) fn put(&mut self, leaf: Leaf) -> bool {
        let split = self.nearest(&leaf.key)[0].key.first_difference(&leaf.key);
        self.place(split, leaf)
    }

    fn place(&mut self, split: Option<u8>, leaf: Leaf) -> bool {
        match &mut self.held {
            Held::Inner(inner) => match split {
                Some(bit) if bit < inner.bit => {
                    let is_right = leaf.key.bit(bit);
                    let (old, new) = (self.clone(), Self::of_leaf(leaf));
                    *self = if is_right {
                        Self::join(bit, old, new)
                    } else {
                        Self::join(bit, new, old)
                    };
                    true
                }
                _ => {
                    self.hash = None;
                    let inner = Arc::make_mut(inner);
                    let side = usize::from(leaf.key.bit(inner.bit));
                    inner.sides[side].place(split, leaf)
                }
            },
            Held::Bucket(leaves) => match leaves.binary_search_by(|old| old.key.cmp(&leaf.key)) {
                Ok(at) => {
                    self.hash = None;
                    Arc::make_mut(leaves)[at] = leaf;
                    false
                }
                Err(at) => {
                    let (before, after) = leaves.split_at(at);
                    let all = before.iter().chain([&leaf]).chain(after);
                    *self = Self::of_leaves(all.cloned().collect());
                    true
                }
            },
        }
    }

    /// One bucket, or two side by side.
    fn of_leaves(leaves: Arc<[Leaf]>) -> Self {
        match parted(&leaves) {
            Some((bit, left, right)) if leaves.len() > MAX_BUCKET => {
                Self::inner(bit, Self::bucket(left.into()), Self::bucket(right.into()))
            }
            _ => Self::bucket(leaves),
        }
    }

    /// Its hash; worked out anew below every node that changed since [`Node::settle`].
    pub(super) fn hash(&self) -> MapHash {
        self.hash.unwrap_or_else(|| match &self.held {
            Held::Inner(inner) => {
                let [left, right] = &inner.sides;
                MapHash::of_inner(inner.bit, &left.hash(), &right.hash())
            }
            Held::Bucket(leaves) => hash_of(leaves),
        })
    }

    /// Hashes what changed, and keeps it.
    pub(super) fn settle(&mut self) -> MapHash {
        if let Some(hash) = self.hash {
            return hash;
        }
        let hash = match &mut self.held {
            Held::Inner(inner) => {
                let Inner { bit, sides } = Arc::make_mut(inner);
                let [left, right] = sides;
                MapHash::of_inner(*bit, &left.settle(), &right.settle())
            }
            Held::Bucket(leaves) => hash_of(leaves),
        };
        *self.hash.insert(hash)
    }
}

impl<'a> Part<'a> {
    pub(super) fn shape(self) -> Shape<'a> {
        let leaves = match self {
            Self::Node(node) => match &node.held {
                Held::Inner(inner) => {
                    let [left, right] = &inner.sides;
                    return Shape::Inner {
                        bit: inner.bit,
                        left: Part::Node(left),
                        right: Part::Node(right),
                    };
                }
                Held::Bucket(leaves) => leaves,
            },
            Self::Leaves(leaves) => leaves,
        };
        match parted(leaves) {
            Some((bit, left, right)) => Shape::Inner {
                bit,
                left: Part::Leaves(left),
                right: Part::Leaves(right),
            },
            None => Shape::Leaf(&leaves[0]),
        }
    }

    pub(super) fn hash(self) -> MapHash {
        match self {
            Self::Node(node) => node.hash(),
            Self::Leaves(leaves) => hash_of(leaves),
        }
    }
}

/// The bit at which sorted leaves first differ, and the two sides; none for one leaf.
fn parted(leaves: &[Leaf]) -> Option<(u8, &[Leaf], &[Leaf])> {
    let (first, last) = (leaves.first()?, leaves.last()?);
    let bit = first.key.first_difference(&last.key)?;
    let (left, right) = leaves.split_at(leaves.partition_point(|leaf| !leaf.key.bit(bit)));
    Some((bit, left, right))
}

fn hash_of(leaves: &[Leaf]) -> MapHash {
    match parted(leaves) {
        Some((bit, left, right)) => MapHash::of_inner(bit, &hash_of(left), &hash_of(right)),
        None => leaves[0].hash(),
    }
}

/// Leaves of a bucket. Twice as many save a tenth of the memory and double what a change hashes.
const MAX_BUCKET: usize = 8;
