//! The state map: a persistent SHA-256 Patricia tree from keys to records.
//!
//! ```text
//! leaf  = SHA-256(0x00 ‖ v(32) ‖ key ‖ v(length) ‖ record)
//! inner = SHA-256(0x01 ‖ v(bit) ‖ left ‖ right)      bit: the first in which the two sides differ
//! empty = SHA-256("")                                v: minimal protobuf varint
//! ```
//! The shape depends on the keys alone and nothing is ever deleted. A change copies the path from
//! the root to the changed leaf and shares the rest, so that a clone is an old value for free.
//! Proofs belong to `map::proof`, names of keys to `key`, bytes of records to `record`.

pub mod proof;
pub mod pruned;

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::key::MapKey;
use proof::{MapProof, OtherLeaf, Sibling};

/// The map; cloning it is one reference count, changing it leaves every clone as it was.
#[derive(Clone, Default)]
pub struct Map {
    root: Option<Arc<Node>>,
    len: usize,
}

/// Root of a [`Map`]: what a state head commits to.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct MapRoot(MapHash);

/// Hash of a leaf or an inner node of the map.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct MapHash([u8; 32]);

#[derive(Clone)]
enum Node {
    Leaf {
        hash: MapHash,
        key: MapKey,
        record: Box<[u8]>,
    },
    Inner {
        hash: MapHash,
        bit: u8,
        left: Arc<Node>,
        right: Arc<Node>,
    },
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
    pub fn from_sorted(
        records: impl IntoIterator<Item = (MapKey, Vec<u8>)>,
    ) -> Result<Self, NotSorted> {
        let mut leaves: Vec<(MapKey, Arc<Node>)> = Vec::new();
        for (key, record) in records {
            if leaves.last().is_some_and(|(last, _)| *last >= key) {
                return Err(NotSorted { key });
            }
            leaves.push((key, Arc::new(Node::leaf(key, &record))));
        }
        Ok(Self {
            len: leaves.len(),
            root: Node::of_sorted(&leaves),
        })
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

    /// The root hash.
    #[must_use]
    pub fn root(&self) -> MapRoot {
        match &self.root {
            Some(node) => MapRoot(node.hash()),
            None => MapRoot::EMPTY,
        }
    }

    /// The record under a key.
    #[must_use]
    pub fn get(&self, key: &MapKey) -> Option<&[u8]> {
        let (found, record) = self.root.as_deref()?.nearest(key);
        (found == key).then_some(record)
    }

    /// Sets the record under a key, new or replaced.
    ///
    /// # Panics
    /// If the record is longer than [`MAX_RECORD_BYTES`].
    pub fn insert(&mut self, key: MapKey, record: &[u8]) {
        let leaf = Arc::new(Node::leaf(key, record));
        let Some(root) = &mut self.root else {
            self.root = Some(leaf);
            self.len = 1;
            return;
        };
        let split = root.nearest(&key).0.first_difference(&key);
        Node::place(root, &key, split, leaf);
        self.len += usize::from(split.is_some());
    }

    /// Proves what stands under a key: its record, or that it has none.
    #[must_use]
    pub fn prove(&self, key: &MapKey) -> MapProof {
        let Some(root) = self.root.as_deref() else {
            return MapProof::Absence {
                other: None,
                siblings: Vec::new(),
            };
        };
        let mut siblings = Vec::new();
        let mut node = root;
        while let Node::Inner {
            bit, left, right, ..
        } = node
        {
            let (down, beside) = if key.bit(*bit) {
                (right, left)
            } else {
                (left, right)
            };
            siblings.push(Sibling::new(*bit, beside.hash()));
            node = down;
        }
        siblings.reverse();
        let (found, record) = node.nearest(key);
        if found == key {
            MapProof::Inclusion {
                record: record.to_vec(),
                siblings,
            }
        } else {
            MapProof::Absence {
                other: Some(OtherLeaf::new(*found, record.to_vec())),
                siblings,
            }
        }
    }

    /// All records in ascending order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&MapKey, &[u8])> {
        let mut stack: Vec<&Node> = self.root.as_deref().into_iter().collect();
        std::iter::from_fn(move || {
            loop {
                match stack.pop()? {
                    Node::Leaf { key, record, .. } => return Some((key, &**record)),
                    Node::Inner { left, right, .. } => {
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

impl Node {
    fn leaf(key: MapKey, record: &[u8]) -> Self {
        assert!(record.len() <= MAX_RECORD_BYTES, "a record fits its bound");
        Self::Leaf {
            hash: MapHash::of_leaf(&key, record),
            key,
            record: record.into(),
        }
    }

    fn inner(bit: u8, left: Arc<Self>, right: Arc<Self>) -> Self {
        Self::Inner {
            hash: MapHash::of_inner(bit, &left.hash(), &right.hash()),
            bit,
            left,
            right,
        }
    }

    fn of_sorted(leaves: &[(MapKey, Arc<Self>)]) -> Option<Arc<Self>> {
        let (first, last) = (leaves.first()?, leaves.last()?);
        let Some(bit) = first.0.first_difference(&last.0) else {
            return Some(Arc::clone(&first.1));
        };
        let (left, right) = leaves.split_at(leaves.partition_point(|(key, _)| !key.bit(bit)));
        Some(Arc::new(Self::inner(
            bit,
            Self::of_sorted(left)?,
            Self::of_sorted(right)?,
        )))
    }

    fn hash(&self) -> MapHash {
        match self {
            Self::Leaf { hash, .. } | Self::Inner { hash, .. } => *hash,
        }
    }

    /// The leaf at which the walk for a key ends, whether it is the key's or not.
    fn nearest(&self, wanted: &MapKey) -> (&MapKey, &[u8]) {
        let mut node = self;
        loop {
            match node {
                Self::Leaf { key, record, .. } => return (key, record),
                Self::Inner {
                    bit, left, right, ..
                } => node = if wanted.bit(*bit) { right } else { left },
            }
        }
    }

    /// Puts a leaf where it belongs: over its own old leaf, or beside the subtree from which it
    /// first differs at `split`. The recursion is as deep as the tree, at most 256.
    fn place(node: &mut Arc<Self>, key: &MapKey, split: Option<u8>, leaf: Arc<Self>) {
        let below = matches!(**node, Self::Inner { bit, .. } if split.is_none_or(|at| bit < at));
        if below {
            let Self::Inner {
                hash,
                bit,
                left,
                right,
            } = Arc::make_mut(node)
            else {
                return;
            };
            let side = if key.bit(*bit) {
                &mut *right
            } else {
                &mut *left
            };
            Self::place(side, key, split, leaf);
            *hash = MapHash::of_inner(*bit, &left.hash(), &right.hash());
        } else if let Some(bit) = split {
            let old = Arc::clone(node);
            let (left, right) = if key.bit(bit) {
                (old, leaf)
            } else {
                (leaf, old)
            };
            *node = Arc::new(Self::inner(bit, left, right));
        } else {
            *node = leaf;
        }
    }
}

impl MapHash {
    /// Hashes a leaf.
    #[must_use]
    pub fn of_leaf(key: &MapKey, record: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([0x00, 32]);
        hasher.update(key.as_bytes());
        hasher.update(varint(record.len()).as_slice());
        hasher.update(record);
        Self(hasher.finalize().into())
    }

    /// Hashes an inner node.
    #[must_use]
    pub fn of_inner(bit: u8, left: &Self, right: &Self) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([0x01]);
        hasher.update(varint(usize::from(bit)).as_slice());
        hasher.update(left.0);
        hasher.update(right.0);
        Self(hasher.finalize().into())
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

/// Keys that had to ascend did not.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("key {key} is not greater than the one before it")]
pub struct NotSorted {
    /// The first key out of order.
    pub key: MapKey,
}

/// A minimal protobuf varint: seven bits a byte, least significant first.
pub(crate) fn varint(value: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(2);
    let mut rest = value;
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).expect("seven bits"));
    out
}

/// The longest record: a state record has 80 bytes, an index record 56; room for later versions.
pub const MAX_RECORD_BYTES: usize = 1024;

#[cfg(test)]
mod tests;
