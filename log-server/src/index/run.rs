//! Runs of entries on their way into the store of the index, sorted once: for look-ups until then, and for writing.
//!
//! ```text
//! row      key, its first 16 bytes ‖ index, 6 bytes  →  the later entries of the run under this key, each as its distance, u16
//! ```
//! A thousand labels of one batch stand in few rows of a list. Numbers are big-endian.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use labelproof_core::{event::EventId, merkle::LeafIndex, state::key::MapKey};

use super::Indexed;

/// What a run of entries adds to the index, sorted.
#[derive(Debug)]
pub(super) struct Run {
    events: Vec<(EventId, LeafIndex)>,
    keys: Vec<(MapKey, LeafIndex)>,
}

impl Run {
    pub(super) fn of(events: &[Indexed]) -> Self {
        let of_key = |event: &Indexed| {
            let index = event.index;
            let rows = event.keys.iter().map(move |key| (*key, index));
            rows.collect::<Vec<_>>()
        };
        let mut keys: Vec<(MapKey, LeafIndex)> = events.iter().flat_map(of_key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut events: Vec<(EventId, LeafIndex)> = events
            .iter()
            .map(|event| (event.event, event.index))
            .collect();
        events.sort_unstable();
        Self { events, keys }
    }

    /// Each event with its entry, in the order of their ids.
    pub(super) fn events(&self) -> &[(EventId, LeafIndex)] {
        &self.events
    }

    /// The rows of the store, in the order of their keys.
    pub(super) fn rows(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let mut rest = self.keys.as_slice();
        std::iter::from_fn(move || {
            let ((key, first), mut later) = rest.split_first()?;
            let (mut value, mut last, mut count) = (Vec::new(), *first, 1);
            while let Some(((next, index), behind)) = later.split_first()
                && next == key
                && count < MAX_IN_A_ROW
                && let Ok(distance) = u16::try_from(index.get() - last.get())
            {
                value.extend_from_slice(&distance.to_be_bytes());
                (last, later, count) = (*index, behind, count + 1);
            }
            rest = later;
            Some((row(key, *first), value))
        })
    }

    fn event(&self, id: &EventId) -> Option<LeafIndex> {
        let at = self.events.binary_search_by_key(id, |(id, _)| *id).ok()?;
        Some(self.events[at].1)
    }

    fn entries_from(&self, key: &MapKey, from: LeafIndex) -> impl Iterator<Item = LeafIndex> {
        let begin = self.keys.partition_point(|known| *known < (*key, from));
        let rows = self.keys[begin..].iter();
        let rows = rows.take_while(move |(known, _)| known == key);
        rows.map(|(_, index)| *index)
    }
}

/// The key of a row that begins at an entry.
pub(super) fn row(key: &MapKey, index: LeafIndex) -> Vec<u8> {
    let index = index.get().min(MAX_INDEX).to_be_bytes();
    [&key.as_bytes()[..SHORT_BYTES], &index[2..]].concat()
}

/// The entries that a row names; none where it is damaged.
pub(super) fn entries_of(row: &[u8], value: &[u8]) -> Vec<LeafIndex> {
    let first = row.split_at_checked(SHORT_BYTES).map(|(_, first)| first);
    let Some(Ok([a, b, c, d, e, f])) = first.map(<[u8; 6]>::try_from) else {
        return Vec::new();
    };
    let first = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let mut last = first;
    let (distances, _) = value.as_chunks::<2>();
    let later = distances.iter().map(|distance| {
        last = last.saturating_add(u64::from(u16::from_be_bytes(*distance)));
        LeafIndex::new(last)
    });
    std::iter::once(LeafIndex::new(first))
        .chain(later)
        .collect()
}

/// The runs that are not written yet, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    runs: RwLock<VecDeque<Arc<Run>>>,
}

impl Unwritten {
    pub(super) fn push(&self, run: &Arc<Run>) {
        self.write().push_back(run.clone());
    }

    /// Forgets a run, which is written or lost.
    pub(super) fn forget(&self, run: &Arc<Run>) {
        self.write().retain(|known| !Arc::ptr_eq(known, run));
    }

    pub(super) fn clear(&self) {
        self.write().clear();
    }

    pub(super) fn event(&self, id: &EventId) -> Option<LeafIndex> {
        self.read().iter().find_map(|run| run.event(id))
    }

    /// The first `limit` entries of each run under a key from one on.
    pub(super) fn entries_from(
        &self,
        key: &MapKey,
        from: LeafIndex,
        limit: usize,
    ) -> Vec<LeafIndex> {
        let runs = self.read();
        let entries = |run: &Arc<Run>| {
            let entries = run.entries_from(key, from).take(limit);
            entries.collect::<Vec<_>>()
        };
        runs.iter().flat_map(entries).collect()
    }

    // A panic in another thread leaves runs that may miss something, which any index may.
    fn read(&self) -> RwLockReadGuard<'_, VecDeque<Arc<Run>>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, VecDeque<Arc<Run>>> {
        self.runs.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of a key or an event id: with an index in six bytes it is a row's key of 22 bytes, which sled keeps in
/// place. Whoever wants two labels of his own to be mixed up has 2^64 hashes to work out.
pub(super) const SHORT_BYTES: usize = 16;
/// What six bytes hold.
const MAX_INDEX: u64 = (1 << 48) - 1;
/// Entries of a row: 2 KiB, a part of a page.
pub(super) const MAX_IN_A_ROW: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> MapKey {
        MapKey::from_bytes([number; 32])
    }

    /// Entry `index` under the keys of these numbers.
    fn indexed(index: u64, keys: &[u8]) -> Indexed {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&index.to_le_bytes());
        Indexed {
            index: LeafIndex::new(index),
            event: EventId::from_bytes(id),
            keys: keys.iter().copied().map(key).collect(),
        }
    }

    #[test]
    fn rows_name_what_the_run_holds_and_are_sorted() {
        let mut events: Vec<Indexed> = (0..2_500).map(|at| indexed(at * 2, &[7])).collect();
        events.push(indexed(100_000, &[7, 3, 7]));
        let run = Run::of(&events);
        let rows: Vec<_> = run.rows().collect();
        assert!(rows.is_sorted());
        // One entry of key 3; of key 7 two full rows, a third, and one that is too far off.
        assert_eq!(rows.len(), 5);
        let read: Vec<LeafIndex> = rows[1..]
            .iter()
            .flat_map(|(row, value)| entries_of(row, value))
            .collect();
        assert_eq!(
            read,
            run.entries_from(&key(7), LeafIndex::new(0))
                .collect::<Vec<_>>()
        );
        assert_eq!(read.len(), 2_501);
        assert_eq!(
            entries_of(&rows[0].0, &rows[0].1),
            [LeafIndex::new(100_000)]
        );
    }

    #[test]
    fn what_is_not_written_is_found_until_it_is_forgotten() {
        let runs = [
            &[indexed(1, &[7]), indexed(2, &[8])][..],
            &[indexed(4, &[7])],
        ];
        let [first, second] = runs.map(|events| Arc::new(Run::of(events)));
        let unwritten = Unwritten::default();
        unwritten.push(&first);
        unwritten.push(&second);
        let under = |from, limit| {
            let found = unwritten.entries_from(&key(7), LeafIndex::new(from), limit);
            found.iter().map(|index| index.get()).collect::<Vec<_>>()
        };
        assert_eq!((under(0, 9), under(2, 9)), (vec![1, 4], vec![4]));
        let second_event = indexed(2, &[]).event;
        assert_eq!(unwritten.event(&second_event), Some(LeafIndex::new(2)));
        unwritten.forget(&first);
        assert_eq!(
            (under(0, 9), unwritten.event(&second_event)),
            (vec![4], None)
        );
    }
}
