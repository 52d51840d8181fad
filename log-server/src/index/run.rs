//! Runs of entries on their way into the store of the index, sorted once: for look-ups until then, and for writing.
//!
//! ```text
//! row      hash, its first 16 bytes ‖ index, 6 bytes  →  the later entries of the run under it, each as its distance, u16
//! ```
//! A hash is an event's id or a key under which it counts. A thousand labels of one run stand in few rows of a list.
//! Numbers are big-endian. Rows that name one entry are put together in `group`.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use labelproof_core::{event::EventId, merkle::LeafIndex, state::key::MapKey};

use super::Indexed;

/// What is kept of an event's id or a map key; whoever wants two labels of his own to be mixed up has 2^64 hashes to
/// work out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Short([u8; SHORT_BYTES]);

impl Short {
    fn of(hash: &[u8; 32]) -> Self {
        let (short, _) = hash.split_first_chunk().expect("32 bytes are more than 16");
        Self(*short)
    }

    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8; SHORT_BYTES] {
        &self.0
    }
}

impl From<&EventId> for Short {
    fn from(id: &EventId) -> Self {
        Self::of(id.as_bytes())
    }
}

impl From<&MapKey> for Short {
    fn from(key: &MapKey) -> Self {
        Self::of(key.as_bytes())
    }
}

/// What a run of entries adds to the index, sorted.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Each entry under each of its hashes.
    places: Vec<(Short, LeafIndex)>,
}

impl Run {
    pub(super) fn of(events: &[Indexed]) -> Self {
        let places = events.iter().flat_map(|event| {
            let keys = event.keys.iter().map(Short::from);
            let hashes = keys.chain([Short::from(&event.event)]);
            hashes.map(|hash| (hash, event.index))
        });
        Self::sorted(places.collect())
    }

    /// What some runs add together.
    pub(super) fn of_all(runs: &[Arc<Run>]) -> Self {
        let places = runs.iter().map(|run| run.places.as_slice());
        Self::sorted(places.collect::<Vec<_>>().concat())
    }

    fn sorted(mut places: Vec<(Short, LeafIndex)>) -> Self {
        // Where runs were put together this only merges them.
        places.sort();
        places.dedup();
        Self { places }
    }

    /// How many places it names.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The rows of the store, in the order of their keys.
    pub(super) fn rows(&self) -> impl Iterator<Item = ([u8; ROW_BYTES], Vec<u8>)> {
        let mut rest = self.places.as_slice();
        std::iter::from_fn(move || {
            let ((hash, first), mut later) = rest.split_first()?;
            let (mut value, mut last, mut count) = (Vec::new(), *first, 1);
            while let Some(((next, index), behind)) = later.split_first()
                && next == hash
                && count < MAX_IN_A_ROW
                && let Ok(distance) = u16::try_from(index.get() - last.get())
            {
                value.extend_from_slice(&distance.to_be_bytes());
                (last, later, count) = (*index, behind, count + 1);
            }
            rest = later;
            Some((row(*hash, *first), value))
        })
    }

    fn entries_from(&self, hash: Short, from: LeafIndex) -> impl Iterator<Item = LeafIndex> {
        let begin = self.places.partition_point(|known| *known < (hash, from));
        let places = self.places[begin..].iter();
        let places = places.take_while(move |(known, _)| *known == hash);
        places.map(|(_, index)| *index)
    }
}

/// The key of a row that begins at an entry.
pub(super) fn row(hash: Short, index: LeafIndex) -> [u8; ROW_BYTES] {
    let mut row = [0; ROW_BYTES];
    let (start, end) = row.split_at_mut(SHORT_BYTES);
    start.copy_from_slice(&hash.0);
    end.copy_from_slice(&index.get().min(MAX_INDEX).to_be_bytes()[2..]);
    row
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

    /// Forgets runs, which are written or lost.
    pub(super) fn forget(&self, runs: &[Arc<Run>]) {
        let is_kept = |known: &Arc<Run>| !runs.iter().any(|run| Arc::ptr_eq(known, run));
        self.write().retain(is_kept);
    }

    pub(super) fn clear(&self) {
        self.write().clear();
    }

    /// The first `limit` entries of each run under a hash from one on.
    pub(super) fn entries_from(
        &self,
        hash: Short,
        from: LeafIndex,
        limit: usize,
    ) -> Vec<LeafIndex> {
        let runs = self.read();
        let entries = |run: &Arc<Run>| {
            let entries = run.entries_from(hash, from).take(limit);
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

/// With an index in six bytes it is a row's key of 22 bytes, which sled keeps in place.
const SHORT_BYTES: usize = 16;
/// Bytes of a row's key.
pub(super) const ROW_BYTES: usize = SHORT_BYTES + 6;
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

    fn short(number: u8) -> Short {
        Short::from(&key(number))
    }

    /// Entry `index` under the keys of these numbers.
    fn indexed(index: u64, keys: &[u8]) -> Indexed {
        let mut id = [0xff; 32];
        id[1..9].copy_from_slice(&index.to_be_bytes());
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
        // One entry of key 3; of key 7 two full rows, a third, and one that is too far off; a row for each id.
        assert_eq!(rows.len(), 5 + events.len());
        let read: Vec<LeafIndex> = rows[1..5]
            .iter()
            .flat_map(|(row, value)| entries_of(row, value))
            .collect();
        assert_eq!(
            read,
            run.entries_from(short(7), LeafIndex::new(0))
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
            let found = unwritten.entries_from(short(7), LeafIndex::new(from), limit);
            found.iter().map(|index| index.get()).collect::<Vec<_>>()
        };
        assert_eq!((under(0, 9), under(2, 9)), (vec![1, 4], vec![4]));
        let second_event = || {
            let hash = Short::from(&indexed(2, &[]).event);
            unwritten.entries_from(hash, LeafIndex::new(0), 9)
        };
        assert_eq!(second_event(), [LeafIndex::new(2)]);
        unwritten.forget(&[first]);
        assert_eq!((under(0, 9), second_event()), (vec![4], vec![]));
    }

    #[test]
    fn runs_together_name_what_each_of_them_names() {
        let events: Vec<Indexed> = (0..100)
            .map(|at| indexed(at, &[7, u8::try_from(at).unwrap()]))
            .collect();
        let whole = Run::of(&events);
        let parts = [&events[..40], &events[30..], &events[..1]];
        let parts = parts.map(|events| Arc::new(Run::of(events)));
        assert_eq!(Run::of_all(&parts).places, whole.places);
        assert_eq!(whole.len(), 299, "entry 7 stands twice under key 7");
    }
}
