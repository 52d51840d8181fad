//! The right edge of the tree: what the newest batches added to it, kept for the proofs that are asked for next.
//!
//! ```text
//! found by the oldest │ batch │ batch │ … │ newest        every node on the path of an entry of these batches
//! ```
//! Each submitter gets a path, and from files that is forty reads. A node that was whole before the oldest batch is
//! one of those that batch found; every other one was completed by one of them.

use std::sync::Arc;

use labelproof_core::merkle::{LeafIndex, NodeHash, NodeId, ReadNodes};

use crate::storage::{Directory, Grown, StorageError};

/// Nodes of the tree that the entries of some batches need, which follow each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentNodes {
    batches: Vec<Arc<Grown>>,
}

impl RecentNodes {
    /// These and what one more batch added; the oldest give way.
    pub(crate) fn and(&self, batch: &Arc<Grown>) -> Self {
        let mut batches = match self.batches.last() {
            Some(last) if last.after().size() == batch.from() => self.batches.clone(),
            _ => Vec::new(),
        };
        batches.push(batch.clone());
        let end = batch.after().size().get();
        let are_enough = |rest: &[Arc<Grown>]| {
            let next = rest.get(1).map(|next| end - next.from().get());
            next.is_some_and(|count| count >= MAX_ENTRIES)
        };
        while batches.len() > MAX_BATCHES || are_enough(&batches) {
            batches.remove(0);
        }
        Self { batches }
    }

    /// Whether the path of an entry needs no file.
    pub(crate) fn covers(&self, index: LeafIndex) -> bool {
        self.batch_of(index).is_some()
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

    fn batch_of(&self, index: LeafIndex) -> Option<&Grown> {
        let before = |batch: &Arc<Grown>| batch.after().size().get() <= index.get();
        let batch = self.batches.get(self.batches.partition_point(before))?;
        batch.holds(index).then_some(batch)
    }

    fn get(&self, id: NodeId) -> Option<NodeHash> {
        let last = LeafIndex::new((id.index() << id.level()) | ((1 << id.level()) - 1));
        match self.batch_of(last) {
            Some(batch) => batch.completed(id),
            None => self.batches.first()?.found(id),
        }
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

/// Entries whose paths come from memory at least: what may wait for the witnesses, at 64 bytes each.
const MAX_ENTRIES: u64 = crate::admission::MAX_UNPUBLISHED_EVENTS;
/// Batches of one entry would else be tens of thousands, copied for each next one. As many as may wait for the
/// witnesses, twice: a caller asks after the last of them was published.
const MAX_BATCHES: usize = 2 * crate::admission::MAX_UNPUBLISHED_BATCHES;

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use labelproof_core::merkle::{
        Frontier, LeafHash, TreeHead, prove_inclusion, verify_inclusion,
    };
    use labelproof_host::fs::SimulatedFs;

    use super::*;

    fn entry(number: u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    /// A tree of `before` entries, and batches of these sizes behind it.
    fn grow(before: u64, counts: &[u64]) -> (RecentNodes, TreeHead) {
        let mut frontier = Frontier::new();
        for number in 0..before {
            frontier.append(LeafHash::of_entry(&entry(number)));
        }
        let mut nodes = RecentNodes::default();
        for count in counts {
            let from = frontier.size().get();
            let batch: Vec<Vec<u8>> = (from..from + count).map(entry).collect();
            let grown = Grown::behind(&frontier, &batch);
            frontier = grown.after().clone();
            nodes = nodes.and(&Arc::new(grown));
        }
        (nodes, frontier.head())
    }

    #[test]
    fn every_entry_of_the_batches_is_proved_without_a_file() {
        let nowhere = Directory::new(Arc::new(SimulatedFs::new(1)), PathBuf::from("nowhere"));
        let heads: Vec<TreeHead> = (0..64).map(|size| grow(size, &[]).1).collect();
        for before in [0, 1, 2, 5, 8, 31] {
            for counts in [
                &[1][..],
                &[2],
                &[17],
                &[3, 1, 8],
                &[1, 1, 1, 1, 1],
                &[9, 16],
            ] {
                let (nodes, head) = grow(before, counts);
                let end = head.size().get();
                assert_eq!(end, before + counts.iter().sum::<u64>());
                for number in before..end {
                    let index = LeafIndex::new(number);
                    assert!(nodes.covers(index));
                    // Also under a head between: a witnessed one is not always the newest.
                    for head in
                        &heads[usize::try_from(number + 1).unwrap()..=usize::try_from(end).unwrap()]
                    {
                        let path =
                            prove_inclusion(&nodes.over(&nowhere), index, head.size()).unwrap();
                        let leaf = LeafHash::of_entry(&entry(number));
                        assert_eq!(verify_inclusion(*head, index, leaf, &path), Ok(()));
                    }
                }
                assert!(!nodes.covers(LeafIndex::new(end)));
                assert!(before == 0 || !nodes.covers(LeafIndex::new(before - 1)));
            }
        }
    }

    #[test]
    fn the_oldest_give_way_and_a_gap_begins_anew() {
        let (nodes, head) = grow(0, &[3, MAX_ENTRIES - 1]);
        assert!(nodes.covers(LeafIndex::new(2)), "the rest would be too few");
        let one_more = Grown::behind(nodes.batches[1].after(), &[entry(0)]);
        let nodes = nodes.and(&Arc::new(one_more));
        assert!(!nodes.covers(LeafIndex::new(2)));
        assert!(nodes.covers(LeafIndex::new(3)) && nodes.covers(LeafIndex::new(head.size().get())));
        let mut frontier = nodes.batches[1].after().clone();
        frontier.append(LeafHash::of_entry(&entry(2)));
        let behind_a_gap = Grown::behind(&frontier, &[entry(3)]);
        let nodes = nodes.and(&Arc::new(behind_a_gap));
        assert!(!nodes.covers(LeafIndex::new(head.size().get())));
        assert!(nodes.covers(LeafIndex::new(head.size().get() + 2)));
    }

    #[test]
    fn many_small_batches_are_not_kept_for_ever() {
        let (nodes, _) = grow(0, &[1; MAX_BATCHES + 2]);
        assert_eq!(nodes.batches.len(), MAX_BATCHES);
        assert!(!nodes.covers(LeafIndex::new(1)) && nodes.covers(LeafIndex::new(2)));
    }
}
