//! The right edge of the tree: what a batch adds to it, kept for the proofs that are asked for next.
//!
//! ```text
//! before   the frontier the batch follows      ──┐ every node on the path of an entry of the batch
//! batch    each node that its entries complete ──┘
//! ```
//! Each submitter of a batch gets a path, and from files that is forty reads. Nothing here is trusted more
//! than the files: the same entries, hashed once more, and kept only if they give the root that was signed.

use labelproof_core::merkle::{
    Frontier, LeafHash, LeafIndex, NodeHash, NodeId, ReadNodes, TreeHead,
};

use crate::storage::{Directory, StorageError};

/// Nodes of the tree that a batch's entries need.
#[derive(Debug, Default)]
pub(crate) struct RecentNodes {
    from: u64,
    end: u64,
    /// By level: where the nodes that the batch completed begin, and the nodes.
    levels: Vec<(u64, Vec<NodeHash>)>,
    before: Vec<(NodeId, NodeHash)>,
}

impl RecentNodes {
    /// Hashes a batch behind the tree that `before` stands for, and gives the head it leads to.
    pub(crate) fn grow(before: &Frontier, entries: &[Vec<u8>]) -> (Self, TreeHead) {
        let size = before.head().size();
        let mut levels: Vec<(u64, Vec<NodeHash>)> = Vec::new();
        let mut frontier = before.clone();
        for entry in entries {
            frontier.append_with(LeafHash::of_entry(entry), |id, hash| {
                let level = usize::from(id.level());
                if levels.len() <= level {
                    levels.push((id.index(), Vec::new()));
                }
                levels[level].1.push(hash);
            });
        }
        let ids = Frontier::ids(size);
        let nodes = Self {
            from: size.get(),
            end: frontier.head().size().get(),
            levels,
            before: ids
                .into_iter()
                .zip(before.nodes().iter().copied())
                .collect(),
        };
        (nodes, frontier.head())
    }

    /// Keeps the nodes only if they lead to the head that was signed.
    pub(crate) fn checked(grown: (Self, TreeHead), signed: TreeHead) -> Self {
        let (nodes, head) = grown;
        if head == signed {
            nodes
        } else {
            Self::default()
        }
    }

    /// Whether an entry is one of the batch, so that its path needs no file.
    pub(crate) fn covers(&self, index: LeafIndex) -> bool {
        (self.from..self.end).contains(&index.get())
    }

    /// Reads from here first, and what is not here from the files.
    pub(crate) fn over<'a>(
        &'a self,
        directory: &'a Directory,
    ) -> impl ReadNodes<Error = StorageError> {
        Over {
            recent: self,
            directory,
        }
    }

    fn get(&self, id: NodeId) -> Option<NodeHash> {
        let completed = self
            .levels
            .get(usize::from(id.level()))
            .and_then(|(first, hashes)| {
                let at = id.index().checked_sub(*first)?;
                hashes.get(usize::try_from(at).ok()?).copied()
            });
        completed.or_else(|| {
            let found = self.before.iter().find(|(node, _)| *node == id)?;
            Some(found.1)
        })
    }
}

struct Over<'a> {
    recent: &'a RecentNodes,
    directory: &'a Directory,
}

impl ReadNodes for Over<'_> {
    type Error = StorageError;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, StorageError> {
        let mut nodes = Vec::with_capacity(ids.len());
        for id in ids {
            match self.recent.get(*id) {
                Some(node) => nodes.push(node),
                None => nodes.extend(self.directory.read_nodes(&[*id])?),
            }
        }
        Ok(nodes)
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use labelproof_core::merkle::{TreeSize, prove_inclusion, verify_inclusion};
    use labelproof_host::fs::SimulatedFs;

    use super::*;

    #[test]
    fn every_entry_of_a_batch_is_proved_without_a_file() {
        let nowhere = Directory::new(Arc::new(SimulatedFs::new(1)), PathBuf::from("nowhere"));
        let entry = |number: u64| number.to_be_bytes().to_vec();
        for before in 0..40_u64 {
            for count in [1, 2, 3, 8, 33] {
                let mut frontier = Frontier::new();
                for number in 0..before {
                    frontier.append(LeafHash::of_entry(&entry(number)));
                }
                let batch: Vec<Vec<u8>> = (before..before + count).map(entry).collect();
                let (nodes, head) = RecentNodes::grow(&frontier, &batch);
                assert_eq!(head.size(), TreeSize::new(before + count));
                for number in before..before + count {
                    let index = LeafIndex::new(number);
                    assert!(nodes.covers(index));
                    let path = prove_inclusion(&nodes.over(&nowhere), index, head.size()).unwrap();
                    let leaf = LeafHash::of_entry(&entry(number));
                    assert_eq!(verify_inclusion(head, index, leaf, &path), Ok(()));
                }
                assert!(!nodes.covers(LeafIndex::new(before + count)));
                assert!(before == 0 || !nodes.covers(LeafIndex::new(before - 1)));
            }
        }
    }

    #[test]
    fn nodes_of_another_head_are_not_kept() {
        let grown = RecentNodes::grow(&Frontier::new(), &[vec![1]]);
        let nodes = RecentNodes::checked(grown, TreeHead::EMPTY);
        assert!(!nodes.covers(LeafIndex::new(0)));
    }
}
