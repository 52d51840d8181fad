//! The tree in memory: inner nodes above, buckets of a few sorted leaves below.
//!
//! ```text
//! inner    bit, two sides, hash once it is known
//! bucket   1 to 8 leaves in order of their keys; the nodes between them follow from the keys
//! leaf     key and record, 120 bytes for the records of the state function
//! ```
//! How leaves are cut into buckets shows in no hash and no proof: [`Part`] shows a bucket's inner nodes as
//! it does real ones. A changed node forgets its hash; [`Node::settle`] hashes all of those once.

use std::sync::Arc;

use super::MAX_RECORD_BYTES;
use super::hash::MapHash;
use crate::state::key::MapKey;
use crate::state::record::{INDEX_BYTES, STATE_BYTES};

/// A subtree that is not empty, shared with clones until it changes.
#[derive(Clone)]
pub(super) enum Node {
    /// Two sides.
    Inner(Arc<Inner>),
    /// A few leaves.
    Bucket(Arc<Bucket>),
}

#[derive(Clone)]
pub(super) struct Inner {
    hash: Option<MapHash>,
    bit: u8,
    left: Node,
    right: Node,
}

#[derive(Clone)]
pub(super) struct Bucket {
    hash: Option<MapHash>,
    leaves: Box<[Leaf]>,
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
        Self::bucket(Box::new([leaf]))
    }

    fn bucket(leaves: Box<[Leaf]>) -> Self {
        Self::Bucket(Arc::new(Bucket { hash: None, leaves }))
    }

    /// Puts two subtrees side by side that first differ at `bit`.
    pub(super) fn join(bit: u8, left: Self, right: Self) -> Self {
        if let (Self::Bucket(low), Self::Bucket(high)) = (&left, &right)
            && low.leaves.len() + high.leaves.len() <= MAX_BUCKET
        {
            return Self::bucket(low.leaves.iter().chain(&high.leaves).cloned().collect());
        }
        Self::Inner(Arc::new(Inner {
            hash: None,
            bit,
            left,
            right,
        }))
    }

    /// The leaves at which the walk for a key ends: the key's own is among them if it has one, and
    /// each of them first differs from a key that has none at the same bit, or below every node passed.
    pub(super) fn nearest(&self, key: &MapKey) -> &[Leaf] {
        let mut node = self;
        loop {
            match node {
                Self::Inner(inner) => {
                    node = if key.bit(inner.bit) {
                        &inner.right
                    } else {
                        &inner.left
                    };
                }
                Self::Bucket(bucket) => return &bucket.leaves,
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
        match self {
            Self::Inner(inner) => match split {
                Some(bit) if bit < inner.bit => {
                    let (old, new) = (self.clone(), Self::of_leaf(leaf.clone()));
                    *self = if leaf.key.bit(bit) {
                        Self::join(bit, old, new)
                    } else {
                        Self::join(bit, new, old)
                    };
                    true
                }
                _ => {
                    let inner = Arc::make_mut(inner);
                    inner.hash = None;
                    let side = if leaf.key.bit(inner.bit) {
                        &mut inner.right
                    } else {
                        &mut inner.left
                    };
                    side.place(split, leaf)
                }
            },
            Self::Bucket(bucket) => {
                match bucket.leaves.binary_search_by(|old| old.key.cmp(&leaf.key)) {
                    Ok(at) => {
                        let bucket = Arc::make_mut(bucket);
                        bucket.hash = None;
                        bucket.leaves[at] = leaf;
                        false
                    }
                    Err(at) => {
                        let mut leaves = Vec::with_capacity(bucket.leaves.len() + 1);
                        leaves.extend_from_slice(&bucket.leaves[..at]);
                        leaves.push(leaf);
                        leaves.extend_from_slice(&bucket.leaves[at..]);
                        *self = Self::of_leaves(&leaves);
                        true
                    }
                }
            }
        }
    }

    /// One bucket, or two side by side.
    fn of_leaves(leaves: &[Leaf]) -> Self {
        match parted(leaves) {
            Some((bit, left, right)) if leaves.len() > MAX_BUCKET => Self::Inner(Arc::new(Inner {
                hash: None,
                bit,
                left: Self::of_leaves(left),
                right: Self::of_leaves(right),
            })),
            _ => Self::bucket(leaves.into()),
        }
    }

    /// Its hash; worked out anew below every node that changed since [`Node::settle`].
    pub(super) fn hash(&self) -> MapHash {
        match self {
            Self::Inner(inner) => inner.hash.unwrap_or_else(|| {
                MapHash::of_inner(inner.bit, &inner.left.hash(), &inner.right.hash())
            }),
            Self::Bucket(bucket) => bucket.hash.unwrap_or_else(|| hash_of(&bucket.leaves)),
        }
    }

    /// Hashes what changed, and keeps it.
    pub(super) fn settle(&mut self) -> MapHash {
        let known = match self {
            Self::Inner(inner) => inner.hash,
            Self::Bucket(bucket) => bucket.hash,
        };
        if let Some(hash) = known {
            return hash;
        }
        match self {
            Self::Inner(inner) => {
                let inner = Arc::make_mut(inner);
                let (left, right) = (inner.left.settle(), inner.right.settle());
                *inner
                    .hash
                    .insert(MapHash::of_inner(inner.bit, &left, &right))
            }
            Self::Bucket(bucket) => {
                let bucket = Arc::make_mut(bucket);
                *bucket.hash.insert(hash_of(&bucket.leaves))
            }
        }
    }
}

impl<'a> Part<'a> {
    pub(super) fn shape(self) -> Shape<'a> {
        let leaves = match self {
            Self::Node(Node::Inner(inner)) => {
                return Shape::Inner {
                    bit: inner.bit,
                    left: Part::Node(&inner.left),
                    right: Part::Node(&inner.right),
                };
            }
            Self::Node(Node::Bucket(bucket)) => &bucket.leaves,
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
