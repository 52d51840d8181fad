//! Inclusion proofs: this entry is in that tree (RFC 6962, section 2.1.1; RFC 9162, section 2.1.3).
//!
//! ```text
//! path     the siblings of the leaf's ancestors, from the leaf to the root
//! ```

use super::node::{read_runs, split};
use super::{LeafHash, LeafIndex, NodeHash, ProofError, ReadNodes, TreeHead, TreeSize};

/// The longest path there is: a tree of 2^64 − 1 entries is 64 levels high.
pub const MAX_INCLUSION_HASHES: usize = 64;

/// Checks that `leaf` is the entry at `index` of the tree with this head.
///
/// `path` holds the nodes of RFC 6962, section 2.1.1, in that order.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`] and [`ProofError::WrongLength`] before any hashing;
/// [`ProofError::RootMismatch`] after it.
pub fn verify_inclusion(
    head: TreeHead,
    index: LeafIndex,
    leaf: LeafHash,
    path: &[NodeHash],
) -> Result<(), ProofError> {
    let want = inclusion_length(index, head.size()).ok_or(ProofError::IndexOutOfRange {
        index,
        size: head.size(),
    })?;
    let got = path.len();
    if got != want {
        return Err(ProofError::WrongLength { got, want });
    }
    // SPEC RFC 9162, section 2.1.3.2: the walk from the leaf up, along the last leaf's own way.
    let mut node = index.get();
    let mut last = head.size().get() - 1;
    let mut hash = NodeHash::from(leaf);
    for sibling in path {
        if node & 1 == 1 || node == last {
            hash = NodeHash::of_children(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = NodeHash::of_children(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash.into_root() == head.root() {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

/// Makes the path from an entry to the root of the tree of this size.
///
/// # Errors
/// Those of the reader.
///
/// # Panics
/// If the tree does not contain the entry: callers hold both and compare them first.
pub fn prove_inclusion<R: ReadNodes>(
    nodes: &R,
    index: LeafIndex,
    size: TreeSize,
) -> Result<Vec<NodeHash>, R::Error> {
    assert!(size.contains(index), "entry {index} of {size}");
    let mut tree = 0..size.get();
    let mut siblings = Vec::new();
    while tree.end - tree.start > 1 {
        let middle = split(&tree);
        if index.get() < middle {
            siblings.push(middle..tree.end);
            tree.end = middle;
        } else {
            siblings.push(tree.start..middle);
            tree.start = middle;
        }
    }
    siblings.reverse();
    read_runs(nodes, &siblings)
}

/// Gives the number of hashes in the path of an entry; `None` if the tree does not contain it.
#[must_use]
pub fn inclusion_length(index: LeafIndex, size: TreeSize) -> Option<usize> {
    let last = size.get().checked_sub(1)?;
    if !size.contains(index) {
        return None;
    }
    // Below the level where the ways of this leaf and of the last one meet, every ancestor has a sibling; above it,
    // only those that are right children do, the others being the rightmost of their level.
    let below = u64::BITS - (index.get() ^ last).leading_zeros();
    let above = index.get().checked_shr(below).unwrap_or(0).count_ones();
    Some((below + above) as usize)
}

/// Picks from a verified path the hashes left of the entry, from left to right: the frontier of all entries before it.
///
/// So a path to one entry binds every entry before it.
#[must_use]
pub fn left_of(index: LeafIndex, size: TreeSize, path: &[NodeHash]) -> Vec<NodeHash> {
    let last = size.get().saturating_sub(1);
    // As in `inclusion_length`: below this level there is a sibling on either side, above it on the left only.
    let below = u64::BITS - (index.get() ^ last).leading_zeros();
    let is_left = |level: u32| level >= below || index.get() >> level & 1 == 1;
    let left = (0..).zip(path).filter(|(level, _)| is_left(*level));
    let mut left: Vec<NodeHash> = left.map(|(_, hash)| *hash).collect();
    left.reverse();
    left
}

#[cfg(test)]
mod tests {
    use super::super::{Frontier, LeafHash, WholeTree};
    use super::*;

    #[test]
    fn what_is_left_of_an_entry_is_the_frontier_before_it() {
        for size in 1..=70_u64 {
            let leaf = |index: u64| LeafHash::of_entry(&index.to_be_bytes());
            let tree = WholeTree::new((0..size).map(leaf));
            let mut before = Frontier::new();
            for at in 0..size {
                let index = LeafIndex::new(at);
                let path = tree.path(index).unwrap();
                assert_eq!(left_of(index, tree.size(), &path), before.nodes());
                before.append(leaf(at));
            }
        }
    }

    #[test]
    fn lengths_do_not_overflow_at_the_largest_tree() {
        let largest = TreeSize::new(u64::MAX);
        assert_eq!(inclusion_length(LeafIndex::new(0), largest), Some(64));
        assert_eq!(
            inclusion_length(LeafIndex::new(u64::MAX - 1), largest),
            Some(63)
        );
        assert_eq!(inclusion_length(LeafIndex::new(u64::MAX), largest), None);
        assert_eq!(inclusion_length(LeafIndex::new(0), TreeSize::EMPTY), None);
        assert_eq!(
            inclusion_length(LeafIndex::new(0), TreeSize::new(1)),
            Some(0)
        );
    }
}
