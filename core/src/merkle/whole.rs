//! Trees that are built at once from all their leaves, by `rs_merkle` with the hashes of RFC 6962.
//!
//! It is used to build only. Its own verifier takes duplicate indices and indices outside the tree, so whatever comes
//! from outside is checked by [`verify_inclusion`](super::verify_inclusion).

use rs_merkle::{Hasher, MerkleTree};

use super::{LeafHash, LeafIndex, NodeHash, RootHash, TreeHead, TreeSize};

/// A tree kept whole in memory: for a few leaves that are all known.
#[derive(Clone)]
pub struct WholeTree {
    tree: MerkleTree<Rfc6962>,
}

impl WholeTree {
    /// Builds the tree over these leaves.
    #[must_use]
    pub fn new(leaves: impl IntoIterator<Item = LeafHash>) -> Self {
        Self::of_nodes(leaves.into_iter().map(NodeHash::from))
    }

    /// Builds the part of a tree that stands on these nodes.
    pub(crate) fn of_nodes(nodes: impl IntoIterator<Item = NodeHash>) -> Self {
        let leaves: Vec<[u8; 32]> = nodes.into_iter().map(|node| *node.as_bytes()).collect();
        Self {
            tree: MerkleTree::from_leaves(&leaves),
        }
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.tree.leaves_len() as u64)
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> RootHash {
        self.tree
            .root()
            .map_or(RootHash::EMPTY, RootHash::from_bytes)
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead::new(self.size(), self.root())
    }

    /// Makes the inclusion path of a leaf, from the leaf to the root; `None` if there is no such leaf.
    #[must_use]
    pub fn path(&self, index: LeafIndex) -> Option<Vec<NodeHash>> {
        if !self.size().contains(index) {
            return None;
        }
        let position = usize::try_from(index.get()).ok()?;
        let path = self.tree.proof(&[position]);
        Some(
            path.proof_hashes()
                .iter()
                .copied()
                .map(NodeHash::from_bytes)
                .collect(),
        )
    }
}

/// The hashing of RFC 6962 as `rs_merkle` wants it told.
#[derive(Clone)]
struct Rfc6962;

impl Hasher for Rfc6962 {
    type Hash = [u8; 32];

    fn hash(data: &[u8]) -> [u8; 32] {
        *LeafHash::of_entry(data).as_bytes()
    }

    fn concat_and_hash(left: &[u8; 32], right: Option<&[u8; 32]>) -> [u8; 32] {
        match right {
            Some(right) => {
                *NodeHash::of_children(&NodeHash::from_bytes(*left), &NodeHash::from_bytes(*right))
                    .as_bytes()
            }
            // A node without a neighbour rises unhashed: RFC 6962 splits at a power of two.
            None => *left,
        }
    }
}
