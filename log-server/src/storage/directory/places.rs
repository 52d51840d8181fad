//! Where entries lie in their bundles, so that one is read without the 255 beside it.
//!
//! ```text
//! number of a bundle ─▶ where each of its entries ends, 4 bytes an entry
//! ```
//! Learned by reading a bundle once. What stands before an entry of the tree is never written again; were it all
//! the same, the entry's leaf hash tells.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use labelproof_core::entry_bundle::EntryBundle;

/// The places of entries that were learned.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<BTreeMap<u64, Vec<u32>>>);

impl Places {
    /// Where the entry at `position` of a bundle lies, if that is known.
    pub(super) fn of(&self, bundle: u64, position: usize) -> Option<Range<usize>> {
        EntryBundle::place(self.all().get(&bundle)?, position)
    }

    /// Remembers where the entries of a bundle end, or of the beginning of it.
    pub(super) fn learn(&self, bundle: u64, ends: Vec<u32>) {
        let mut all = self.all();
        let known = all.entry(bundle).or_default();
        if known.len() < ends.len() {
            *known = ends;
        }
        if all.len() > MAX_BUNDLES {
            all.pop_first();
        }
    }

    /// Forgets a bundle in which something else was found.
    pub(super) fn forget(&self, bundle: u64) {
        self.all().remove(&bundle);
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of full bundles 16 MiB; the first of a log of more than four million entries are read as a whole.
const MAX_BUNDLES: usize = 16_384;

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use labelproof_core::{
        merkle::{LeafHash, LeafIndex},
        tile::TilePath,
    };
    use labelproof_host::fs::{Fs, SimulatedFs};

    use super::super::Directory;
    use super::*;

    #[test]
    fn what_is_at_hand_is_what_is_read_and_a_wrong_place_is_forgotten() {
        let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(0));
        let directory = Directory::new(fs.clone(), PathBuf::from("log"));
        let leaves = [LeafHash::of_entry(b"a"), LeafHash::of_entry(b"bc")];
        for (name, bytes) in [
            ("entries", b"\0\x01a\0\x02bc\0".to_vec()),
            ("0", leaves.map(|leaf| *leaf.as_bytes()).concat()),
        ] {
            let folder = PathBuf::from("log/tile").join(name);
            fs.create_dir_all(&folder).unwrap();
            fs.write(&folder.join("000"), &bytes).unwrap();
        }
        let bundle: TilePath = "tile/entries/000.p/2".parse().unwrap();
        let index = LeafIndex::new(1);
        assert_eq!(directory.object_at_hand(bundle), None, "nobody looked");
        assert_eq!(directory.entry_at_hand(index), None);
        for wrong in [None, Some(vec![3, 8]), Some(vec![3, 6]), Some(vec![4, 7])] {
            if let Some(wrong) = wrong {
                directory.places.forget(0);
                directory.places.learn(0, wrong);
            }
            assert_eq!(directory.entry(index).unwrap(), b"bc");
            assert_eq!(directory.entry_at_hand(index).unwrap(), b"bc");
            let bytes = directory.object(bundle).unwrap();
            assert_eq!(bytes, b"\0\x01a\0\x02bc");
            assert_eq!(directory.object_at_hand(bundle), Some(bytes));
        }
        directory.places.forget(0);
        directory.places.learn(0, vec![3, 6]);
        assert_eq!(directory.object_at_hand(bundle), None);
        directory.object(bundle).unwrap();
        assert!(directory.object_at_hand(bundle).is_some());
    }

    #[test]
    fn places_are_learned_grow_and_stay_within_the_bound() {
        let places = Places::default();
        places.learn(7, vec![5, 9]);
        places.learn(7, vec![5]);
        assert_eq!((places.of(7, 0), places.of(7, 1)), (Some(2..5), Some(7..9)));
        places.learn(7, vec![5, 9, 11]);
        assert_eq!((places.of(7, 2), places.of(7, 3)), (Some(11..11), None));
        places.forget(7);
        assert_eq!(places.of(7, 0), None);
        for bundle in 0..=MAX_BUNDLES as u64 {
            places.learn(bundle, vec![3]);
        }
        assert_eq!(places.all().len(), MAX_BUNDLES);
        assert_eq!((places.of(0, 0), places.of(1, 0)), (None, Some(2..3)));
    }
}
