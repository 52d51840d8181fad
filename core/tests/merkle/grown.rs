//! A tree grown leaf by leaf, with all that was true on the way.

use std::collections::BTreeMap;

use labelproof_core::merkle::{
    Frontier, LeafHash, LeafIndex, NodeHash, NodeId, TreeHead, TreeSize,
};

/// A tree, every node it has and every head it had.
pub(crate) struct Grown {
    pub(crate) nodes: BTreeMap<NodeId, NodeHash>,
    heads: Vec<TreeHead>,
}

/// Grows a tree of numbered entries.
pub(crate) fn grow(size: u64) -> Grown {
    let mut nodes = BTreeMap::new();
    let mut frontier = Frontier::new();
    let mut heads = vec![frontier.head()];
    for index in 0..size {
        frontier.append_with(leaf(LeafIndex::new(index)), |id, hash| {
            assert_eq!(nodes.insert(id, hash), None, "a node is completed once");
        });
        heads.push(frontier.head());
    }
    Grown { nodes, heads }
}

impl Grown {
    /// The head it had at this size.
    pub(crate) fn head(&self, size: u64) -> TreeHead {
        let head = self.heads[usize::try_from(size).unwrap()];
        assert_eq!(head.size(), TreeSize::new(size));
        head
    }

    /// The heads it had, but for the empty one.
    pub(crate) fn heads(&self) -> &[TreeHead] {
        &self.heads[1..]
    }
}

/// The bytes of an entry.
pub(crate) fn entry(index: LeafIndex) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// The hash of an entry.
pub(crate) fn leaf(index: LeafIndex) -> LeafHash {
    LeafHash::of_entry(&entry(index))
}

/// Gives a copy of a hash in which one bit is another.
pub(crate) fn flipped(hash: &[u8; 32], bit: usize) -> [u8; 32] {
    let mut bytes = *hash;
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    bytes
}
