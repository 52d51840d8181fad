//! The right edge of a tree: the few hashes that appending needs, and that give the root.
//!
//! ```text
//! size 13 = 0b1101     nodes (3,0) (2,2) (0,12): one perfect subtree for each bit that is set, larger ones left
//! ```

use thiserror::Error;

use super::node::subtrees;
use super::{LeafHash, NodeHash, NodeId, RootHash, TreeHead, TreeSize};

/// The perfect subtrees that make up a tree; at most 64 hashes, whatever its size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frontier {
    size: TreeSize,
    nodes: Vec<NodeHash>,
}

/// Nodes that cannot be the frontier of a tree of this size.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the frontier of {size} entries has {want} nodes, not {got}")]
pub struct FrontierError {
    size: TreeSize,
    got: usize,
    want: usize,
}

impl Frontier {
    /// The frontier of the empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: TreeSize::EMPTY,
            nodes: Vec::new(),
        }
    }

    /// Takes up a tree where it was left: the hashes of [`Frontier::ids`], in that order.
    ///
    /// # Errors
    /// When their number is not the number of bits set in `size`. Whether the hashes are right, the root tells.
    pub fn from_nodes(size: TreeSize, nodes: Vec<NodeHash>) -> Result<Self, FrontierError> {
        let (got, want) = (nodes.len(), size.get().count_ones() as usize);
        if got == want {
            Ok(Self { size, nodes })
        } else {
            Err(FrontierError { size, got, want })
        }
    }

    /// Names the subtrees whose hashes make up the frontier of a tree of this size, from left to right.
    #[must_use]
    pub fn ids(size: TreeSize) -> Vec<NodeId> {
        subtrees(0..size.get())
    }

    /// How many entries the tree holds.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The hashes, from left to right.
    #[must_use]
    pub fn nodes(&self) -> &[NodeHash] {
        &self.nodes
    }

    /// Appends an entry.
    ///
    /// # Panics
    /// If the tree holds 2^64 − 1 entries.
    pub fn append(&mut self, leaf: LeafHash) {
        self.append_with(leaf, |_, _| {});
    }

    /// Appends an entry and tells `completed` each subtree that it completes, from its own leaf upwards.
    ///
    /// # Panics
    /// If the tree holds 2^64 − 1 entries.
    pub fn append_with(&mut self, leaf: LeafHash, mut completed: impl FnMut(NodeId, NodeHash)) {
        let index = self.size.get();
        let grown = index
            .checked_add(1)
            .expect("a tree holds fewer than 2^64 entries");
        let mut hash = NodeHash::from(leaf);
        let name = |level: u8| NodeId::new(level, index >> level).expect("it ends at a leaf");
        completed(name(0), hash);
        for level in 1..=grown.trailing_zeros() {
            let left = self.nodes.pop().expect("each bit set has its node");
            hash = NodeHash::of_children(&left, &hash);
            completed(name(u8::try_from(level).expect("at most 64")), hash);
        }
        self.nodes.push(hash);
        self.size = TreeSize::new(grown);
    }

    /// Computes the root.
    #[must_use]
    pub fn root(&self) -> RootHash {
        NodeHash::of_subtrees(&self.nodes).map_or(RootHash::EMPTY, NodeHash::into_root)
    }

    /// Computes the head: size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead::new(self.size, self.root())
    }
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_a_node_for_each_bit_of_its_size() {
        let node = NodeHash::from_bytes([7; 32]);
        for (size, count) in [(0, 0), (1, 1), (13, 3), (256, 1), (u64::MAX, 64)] {
            let size = TreeSize::new(size);
            assert_eq!(Frontier::ids(size).len(), count);
            assert!(Frontier::from_nodes(size, vec![node; count]).is_ok());
            assert!(Frontier::from_nodes(size, vec![node; count + 1]).is_err());
            assert!(count == 0 || Frontier::from_nodes(size, vec![node; count - 1]).is_err());
        }
    }

    #[test]
    fn goes_on_where_it_was_left() {
        let leaf = |index: u64| LeafHash::of_entry(&index.to_be_bytes());
        let mut frontier = Frontier::new();
        for index in 0..300 {
            let nodes = frontier.nodes().to_vec();
            assert_eq!(
                Frontier::from_nodes(frontier.size(), nodes),
                Ok(frontier.clone())
            );
            frontier.append(leaf(index));
        }
        assert_eq!(frontier.size(), TreeSize::new(300));
    }

    #[test]
    fn tells_each_subtree_that_an_entry_completes() {
        let mut frontier = Frontier::new();
        let mut completed = Vec::new();
        for _ in 0..8 {
            frontier.append_with(LeafHash::of_entry(b""), |id, _| {
                completed.push((id.level(), id.index()));
            });
        }
        let mut want: Vec<(u8, u64)> = (0..4)
            .flat_map(|level| (0..8 >> level).map(move |index| (level, index)))
            .collect();
        completed.sort_unstable();
        want.sort_unstable();
        assert_eq!(completed, want);
    }
}
