//! Parts of bundles that were made for answers: those of schemes, authorities and members are in every one.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use labelproof_core::{state::key::MapName, status::Part};

/// Parts in memory, one a name; a newer one takes the place of the older.
#[derive(Debug, Default)]
pub(crate) struct KeptParts(RwLock<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_name: BTreeMap<MapName, Arc<Part>>,
    size_bytes: usize,
}

impl KeptParts {
    pub(crate) fn get(&self, name: &MapName) -> Option<Arc<Part>> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.by_name.get(name).cloned()
    }

    pub(crate) fn keep(&self, part: &Arc<Part>) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.size_bytes + part.size_bytes() > MAX_BYTES {
            // Each is back after one reading of its history.
            *kept = Kept::default();
        }
        kept.size_bytes += part.size_bytes();
        let before = kept.by_name.insert(part.name().clone(), part.clone());
        kept.size_bytes -= before.map_or(0, |part| part.size_bytes());
    }
}

/// A thousand authorities with five events each; the issuers of seven members are a hundred.
const MAX_BYTES: usize = 32 << 20;

#[cfg(test)]
#[path = "../../tests/lib/world.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared by tests; a part of it is enough here"
)]
mod world;

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, convert::Infallible};

    use labelproof_core::{
        event::Subject,
        merkle::{LeafHash, LeafIndex, NodeHash},
        note::{KeyId, Note, SignatureLine},
        state::{State, key::MapKey},
        status::{Opening, ReadLog, build},
        tlog_proof::TlogProof,
    };

    use super::*;

    /// A log of a genesis, which catches the parts it is to keep.
    #[derive(Default)]
    struct Catching(RefCell<Vec<Arc<Part>>>);

    impl ReadLog for Catching {
        type Error = Infallible;

        fn entry(&self, _: LeafIndex) -> Result<Vec<u8>, Infallible> {
            Ok(world::genesis())
        }

        fn events_of(&self, _: &Subject, _: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
            Ok(vec![LeafIndex::new(0)])
        }

        fn events_under(&self, _: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
            Ok(Vec::new())
        }

        fn keep(&self, part: &Arc<Part>) {
            self.0.borrow_mut().push(part.clone());
        }
    }

    fn part(of: &str) -> Arc<Part> {
        let mut state = State::genesis(&world::genesis()).unwrap();
        let head = state.append_head(0);
        let line = SignatureLine::new("a".parse().unwrap(), KeyId::from_bytes([0; 4]), vec![1]);
        let note = Note::new("nobody checks it\n".into(), vec![line.unwrap()]).unwrap();
        let path = vec![NodeHash::from(LeafHash::of_entry(b"nor this"))];
        let proof = TlogProof::new(None, head.index(), path, note).unwrap();
        let opening = Opening::new(head, proof).unwrap();
        let log = Catching::default();
        let view = state.closed_view().unwrap();
        build(view, &log, &of.parse().unwrap(), &opening).unwrap();
        log.0.into_inner().remove(0)
    }

    #[test]
    fn a_newer_part_takes_the_place_of_the_older_and_none_is_kept_beyond_the_bound() {
        let kept = KeptParts::default();
        let (first, second) = (part("member:jp"), part("member:gb"));
        let held = || {
            let kept = kept.0.read().unwrap();
            let sum = kept
                .by_name
                .values()
                .map(|part| part.size_bytes())
                .sum::<usize>();
            assert_eq!(kept.size_bytes, sum);
            kept.by_name.len()
        };
        for part in [&first, &second, &first] {
            kept.keep(part);
        }
        assert_eq!(held(), 2);
        assert!(kept.get(second.name()).is_some());
        kept.0.write().unwrap().size_bytes = MAX_BYTES - second.size_bytes() + 1;
        kept.keep(&second);
        assert_eq!(held(), 1);
        assert!(kept.get(first.name()).is_none() && kept.get(second.name()).is_some());
    }
}
