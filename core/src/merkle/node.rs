//! Perfect subtrees: the parts of a tree that never change once they are full.
//!
//! ```text
//! level 2          (2,0)
//! level 1     (1,0)     (1,1)     (1,2)
//! level 0   (0,0)(0,1)(0,2)(0,3)(0,4)(0,5)(0,6)     node (l, i) spans leaves i·2^l … (i+1)·2^l − 1
//! ```
//! Every other part of a tree is a run of perfect subtrees, larger ones left. Where the hashes are kept is left to
//! whoever implements [`ReadNodes`].

use std::collections::BTreeMap;
use std::ops::Range;

use thiserror::Error;

use super::NodeHash;

/// Names a perfect subtree: the 2^level leaves from index · 2^level on.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId {
    level: u8,
    index: u64,
}

impl NodeId {
    /// Names a subtree; `None` if it would reach past 2^64 leaves.
    #[must_use]
    pub const fn new(level: u8, index: u64) -> Option<Self> {
        if level < 64 && index <= u64::MAX >> level {
            Some(Self { level, index })
        } else {
            None
        }
    }

    /// Levels above the leaves, 0 to 63.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Subtrees of this level to the left.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }
}

/// Gives hashes of perfect subtrees.
pub trait ReadNodes {
    /// Why a hash could not be had.
    type Error;

    /// Gives the hash of each subtree asked for, in the order asked for.
    ///
    /// # Errors
    /// As the implementation says; never fewer hashes than asked for.
    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, Self::Error>;
}

/// A subtree that is not in the map.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("no hash of subtree {} of level {}", .0.index, .0.level)]
pub struct UnknownNode(pub NodeId);

impl ReadNodes for BTreeMap<NodeId, NodeHash> {
    type Error = UnknownNode;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, UnknownNode> {
        ids.iter()
            .map(|id| self.get(id).copied().ok_or(UnknownNode(*id)))
            .collect()
    }
}

/// Names the perfect subtrees that make up a run of leaves, from left to right.
pub(super) fn subtrees(leaves: Range<u64>) -> Vec<NodeId> {
    let mut ids = Vec::new();
    push_subtrees(&leaves, &mut ids);
    ids
}

fn push_subtrees(leaves: &Range<u64>, ids: &mut Vec<NodeId>) {
    let mut begin = leaves.start;
    while begin < leaves.end {
        let aligned = begin.trailing_zeros();
        let fits = (leaves.end - begin).ilog2();
        let level = u8::try_from(aligned.min(fits)).expect("a u64 has 64 bits");
        ids.push(NodeId {
            level,
            index: begin >> level,
        });
        begin += 1 << level;
    }
}

/// Reads one hash for each run of leaves; a run is one that RFC 6962 hashes into one node.
pub(super) fn read_runs<R: ReadNodes>(
    nodes: &R,
    runs: &[Range<u64>],
) -> Result<Vec<NodeHash>, R::Error> {
    let (mut ids, mut ends) = (
        Vec::with_capacity(runs.len()),
        Vec::with_capacity(runs.len()),
    );
    for run in runs {
        push_subtrees(run, &mut ids);
        ends.push(ids.len());
    }
    let hashes = nodes.read_nodes(&ids)?;
    assert_eq!(
        hashes.len(),
        ids.len(),
        "a reader gives as many hashes as it was asked for"
    );
    let mut begin = 0;
    let of_run = |end: &usize| {
        let run = &hashes[begin..*end];
        begin = *end;
        NodeHash::of_subtrees(run).expect("a run has at least one leaf")
    };
    Ok(ends.iter().map(of_run).collect())
}

/// Splits a run of two or more leaves as RFC 6962 does: the largest power of two that leaves something right.
pub(super) fn split(leaves: &Range<u64>) -> u64 {
    let count = leaves.end - leaves.start;
    leaves.start + (1 << (count - 1).ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_ends_within_two_to_the_64_leaves() {
        assert!(NodeId::new(0, u64::MAX).is_some());
        assert!(NodeId::new(1, u64::MAX >> 1).is_some());
        assert!(NodeId::new(1, (u64::MAX >> 1) + 1).is_none());
        assert!(NodeId::new(63, 1).is_some());
        assert!(NodeId::new(63, 2).is_none());
        assert!(NodeId::new(64, 0).is_none());
    }

    #[test]
    fn a_run_is_cut_into_perfect_subtrees() {
        let levels = |run| -> Vec<(u8, u64)> {
            subtrees(run)
                .iter()
                .map(|id| (id.level(), id.index()))
                .collect()
        };
        assert_eq!(levels(0..0), []);
        assert_eq!(levels(0..7), [(2, 0), (1, 2), (0, 6)]);
        assert_eq!(levels(4..7), [(1, 2), (0, 6)]);
        assert_eq!(levels(4..8), [(2, 1)]);
        assert_eq!(subtrees(0..u64::MAX).len(), 64);
    }

    #[test]
    fn a_split_leaves_something_on_both_sides() {
        assert_eq!(split(&(0..2)), 1);
        assert_eq!(split(&(0..4)), 2);
        assert_eq!(split(&(0..5)), 4);
        assert_eq!(split(&(8..11)), 10);
        assert_eq!(split(&(0..u64::MAX)), 1 << 63);
    }
}
