//! What a batch adds to the tree: every node that its entries complete, hashed once.
//!
//! ```text
//! before   the frontier the batch follows
//! level 0  a hash for each entry      level 8, 16 …  those that begin tiles of the next level
//! ```
//! It is worked out from the staged bytes as they were read back. `apply` writes the tiles from it, and `recent`
//! keeps it for the proofs that are asked for next.

use labelproof_core::merkle::{
    Frontier, LeafHash, LeafIndex, NodeHash, NodeId, TreeHead, TreeSize,
};

/// Nodes of the tree from one size to another.
#[derive(Clone, Debug)]
pub struct Grown {
    from: TreeSize,
    /// The subtrees of the tree it follows.
    found: Vec<(NodeId, NodeHash)>,
    after: Frontier,
    /// By level: where the nodes that the batch completed begin, and the nodes.
    levels: Vec<(u64, Vec<NodeHash>)>,
}

impl Grown {
    /// Hashes entries behind the tree that `before` stands for.
    #[must_use]
    pub fn behind(before: &Frontier, entries: &[Vec<u8>]) -> Self {
        let mut levels: Vec<(u64, Vec<NodeHash>)> = Vec::new();
        let mut after = before.clone();
        for entry in entries {
            after.append_with(LeafHash::of_entry(entry), |id, hash| {
                let level = usize::from(id.level());
                if levels.len() <= level {
                    levels.push((id.index(), Vec::new()));
                }
                levels[level].1.push(hash);
            });
        }
        let ids = Frontier::ids(before.size()).into_iter();
        Self {
            from: before.size(),
            found: ids.zip(before.nodes().iter().copied()).collect(),
            after,
            levels,
        }
    }

    /// The size before it.
    #[must_use]
    pub fn from(&self) -> TreeSize {
        self.from
    }

    /// The tree after it.
    #[must_use]
    pub fn after(&self) -> &Frontier {
        &self.after
    }

    /// Size and root after it.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.after.head()
    }

    /// Whether it put this entry into the tree.
    #[must_use]
    pub fn holds(&self, index: LeafIndex) -> bool {
        !self.from.contains(index) && self.after.size().contains(index)
    }

    /// The nodes of every `height`th level that it completed, from the leaves up: where they begin, and they.
    pub fn levels(&self, height: u8) -> impl Iterator<Item = (u64, &[NodeHash])> {
        let levels = self.levels.iter().step_by(usize::from(height));
        levels.map(|(first, hashes)| (*first, hashes.as_slice()))
    }

    /// The hash of a node that it completed.
    #[must_use]
    pub fn completed(&self, id: NodeId) -> Option<NodeHash> {
        let (first, hashes) = self.levels.get(usize::from(id.level()))?;
        let at = id.index().checked_sub(*first)?;
        hashes.get(usize::try_from(at).ok()?).copied()
    }

    /// The hash of a node that was there whole, as large as it can be.
    #[must_use]
    pub fn found(&self, id: NodeId) -> Option<NodeHash> {
        let mut found = self.found.iter();
        found.find(|(node, _)| *node == id).map(|(_, hash)| *hash)
    }
}
