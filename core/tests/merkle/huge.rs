//! Trees up to 2^64 − 1 entries, all of them the same, so that a subtree's hash follows from its level.

use std::convert::Infallible;

use labelproof_core::merkle::{
    Frontier, LeafHash, LeafIndex, MAX_CONSISTENCY_HASHES, MAX_INCLUSION_HASHES, NodeHash, NodeId,
    ReadNodes, TreeHead, TreeSize, consistency_length, inclusion_length, prove_consistency,
    prove_inclusion, verify_consistency, verify_inclusion,
};
use labelproof_core::tile::{TileEdge, TilePath};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::grown::flipped;

/// One hash a level.
struct Uniform([NodeHash; 64]);

impl Uniform {
    fn new() -> Self {
        let mut hashes = [NodeHash::from(leaf()); 64];
        for level in 1..64 {
            hashes[level] = NodeHash::of_children(&hashes[level - 1], &hashes[level - 1]);
        }
        Self(hashes)
    }

    fn head(&self, size: u64) -> TreeHead {
        let size = TreeSize::new(size);
        let nodes = self.read_nodes(&Frontier::ids(size)).unwrap();
        Frontier::from_nodes(size, nodes).unwrap().head()
    }
}

impl ReadNodes for Uniform {
    type Error = Infallible;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, Infallible> {
        Ok(ids
            .iter()
            .map(|id| self.0[usize::from(id.level())])
            .collect())
    }
}

fn leaf() -> LeafHash {
    LeafHash::of_entry(b"the same")
}

/// Sizes around powers of two, and others of every length.
fn sizes() -> Vec<u64> {
    let mut sizes = vec![
        u64::MAX,
        u64::MAX - 1,
        (1 << 63) - 1,
        1 << 63,
        (1 << 63) + 1,
        1 << 62,
        1,
        2,
        3,
    ];
    let mut random = ChaCha8Rng::seed_from_u64(6962);
    for shift in (0..60).step_by(3) {
        sizes.push((1 << shift) + 1);
        sizes.push((2 << shift) - 1);
        sizes.push((random.next_u64() >> shift).max(1));
    }
    sizes
}

/// The proof with one bit of one hash flipped; `None` of an empty one.
fn damaged(proof: &[NodeHash], random: &mut ChaCha8Rng) -> Option<Vec<NodeHash>> {
    let position = usize::try_from(random.next_u64())
        .ok()?
        .checked_rem(proof.len())?;
    let mut damaged = proof.to_vec();
    damaged[position] = NodeHash::from_bytes(flipped(proof[position].as_bytes(), position));
    Some(damaged)
}

#[test]
fn entries_of_huge_trees_are_proved() {
    let tree = Uniform::new();
    let mut random = ChaCha8Rng::seed_from_u64(9162);
    let mut longest = 0;
    for size in sizes() {
        let head = tree.head(size);
        for index in [0, size - 1, size / 2, random.next_u64() % size].map(LeafIndex::new) {
            let path = prove_inclusion(&tree, index, head.size()).unwrap();
            assert_eq!(inclusion_length(index, head.size()), Some(path.len()));
            verify_inclusion(head, index, leaf(), &path).unwrap();
            longest = longest.max(path.len());
            if let Some(damaged) = damaged(&path, &mut random) {
                verify_inclusion(head, index, leaf(), &damaged).unwrap_err();
            }
        }
    }
    assert_eq!(longest, MAX_INCLUSION_HASHES);
}

#[test]
fn huge_trees_extend_each_other() {
    let tree = Uniform::new();
    let heads: Vec<TreeHead> = sizes().into_iter().map(|size| tree.head(size)).collect();
    let mut random = ChaCha8Rng::seed_from_u64(2014);
    let mut longest = 0;
    for new in heads.iter().copied() {
        for old in heads.iter().copied().filter(|old| old.size() <= new.size()) {
            let proof = prove_consistency(&tree, old.size(), new.size()).unwrap();
            assert_eq!(
                consistency_length(old.size(), new.size()),
                Some(proof.len())
            );
            verify_consistency(old, new, &proof).unwrap();
            if new.size().get() <= 1 << 62 {
                longest = longest.max(proof.len());
            }
            if let Some(damaged) = damaged(&proof, &mut random) {
                verify_consistency(old, new, &damaged).unwrap_err();
            }
        }
    }
    assert_eq!(longest, MAX_CONSISTENCY_HASHES);
}

#[test]
fn every_node_of_a_huge_tree_has_its_tile() {
    for size in sizes().into_iter().map(TreeSize::new) {
        let edge = TileEdge::paths(size);
        for id in Frontier::ids(size) {
            let path = TilePath::of_node(id, size).unwrap();
            assert!(edge.contains(&path), "{path} of {size}");
            assert_eq!(path.to_string().parse(), Ok(path));
        }
    }
}
