//! A state taken up at any head goes on as if it had seen every entry.

use labelproof_core::event::Subject;
use labelproof_core::merkle::{LeafIndex, NodeHash};
use labelproof_core::state::head::StateHead;
use labelproof_core::state::map::Map;
use labelproof_core::state::{Replayed, RestoreError, Snapshot, State, WrongEntry};

use crate::history;
use crate::script::Script;

type Entries = [(Vec<u8>, crate::script::Outcome)];

fn entry(entries: &Entries, at: LeafIndex) -> Vec<u8> {
    entries[usize::try_from(at.get()).unwrap()].0.clone()
}

/// Every head's snapshot, made while all entries are replayed.
fn snapshots(script: &Script) -> (State, Vec<Snapshot>) {
    let entries = script.entries();
    let mut state = State::genesis(&entries[0].0).unwrap();
    let mut found = Vec::new();
    for (bytes, _) in &entries[1..] {
        let registry = state.registry_indices(state.next_index());
        let Replayed::Head(head) = state.replay_entry(bytes).unwrap() else {
            continue;
        };
        let view = state.view();
        found.push(Snapshot {
            head,
            records: view.map().clone(),
            frontiers: view.frontiers().collect(),
            chunks: view.list().chunks().cloned().collect(),
            registry: registry
                .into_iter()
                .map(|at| (at, entry(entries, at)))
                .collect(),
        });
    }
    (state, found)
}

#[test]
fn replay_from_any_snapshot_reproduces_all_later_heads() {
    let script = history();
    let (whole, snapshots) = snapshots(&script);
    let mut loaded = 0;
    for snapshot in snapshots.into_iter().step_by(7) {
        let mut state = State::restore(snapshot).unwrap();
        let mut next = state.next_index();
        while next < whole.next_index() {
            let bytes = entry(script.entries(), next);
            match state.replay_entry(&bytes) {
                Ok(_) => next = state.next_index(),
                Err(WrongEntry::NeedsHistory { labels, .. }) => {
                    for label in labels {
                        // Where its events are is asked of an index; the record says whether they are all.
                        let indices = whole.subject_indices(&Subject::Label(label.clone()));
                        let events: Vec<_> = indices
                            .unwrap()
                            .into_iter()
                            .filter(|at| *at < next)
                            .map(|at| (at, entry(script.entries(), at)))
                            .collect();
                        assert!(state.load_label(&label, &events[1..]).is_err());
                        assert!(
                            state
                                .load_label(&label, &events[..events.len() - 1])
                                .is_err()
                        );
                        state.load_label(&label, &events).unwrap();
                        loaded += 1;
                    }
                }
                Err(wrong) => panic!("{wrong}"),
            }
        }
        assert_eq!(state.view().map(), whole.view().map());
        assert_eq!(state.view().list().root(), whole.view().list().root());
    }
    assert!(loaded > 50, "{loaded} labels loaded");
}

#[test]
fn changed_snapshot_is_refused() {
    let script = history();
    let (_, mut snapshots) = snapshots(&script);
    let good = snapshots.pop().unwrap();
    assert!(State::restore(good.clone()).is_ok());
    let refused = |change: &dyn Fn(&mut Snapshot)| {
        let mut changed = good.clone();
        change(&mut changed);
        State::restore(changed).expect_err("a changed snapshot")
    };
    let records = || good.records.iter().map(|(key, record)| (*key, record));
    for (key, record) in good.records.iter() {
        let mut flipped = record.to_vec();
        flipped[3] ^= 0x02;
        let flipped = refused(&|snapshot| snapshot.records.insert(*key, &flipped));
        assert_eq!(flipped, RestoreError::OtherRoot);
        let others = Map::from_sorted(records().filter(|(other, _)| other != key)).unwrap();
        let missing = refused(&|snapshot| snapshot.records = others.clone());
        assert_eq!(missing, RestoreError::OtherRoot);
    }
    for at in 0..good.registry.len() {
        refused(&|snapshot| drop(snapshot.registry.remove(at)));
        refused(&|snapshot| snapshot.registry[at].1[40] ^= 0x01);
    }
    assert!(good.frontiers.len() > 3, "{}", good.frontiers.len());
    for at in 0..good.frontiers.len() {
        let key = good.frontiers[at].0;
        let other = |change: &dyn Fn(&mut Vec<NodeHash>)| {
            let got = refused(&|snapshot| change(&mut snapshot.frontiers[at].1));
            assert_eq!(got, RestoreError::OtherFrontier { key });
        };
        other(&|nodes| nodes.swap(0, 1));
        other(&|nodes| nodes.truncate(1));
        other(&|nodes| nodes.push(nodes[0]));
        other(&|nodes| nodes[0] = NodeHash::from_bytes([7; 32]));
        let missing = refused(&|snapshot| drop(snapshot.frontiers.remove(at)));
        assert_eq!(missing, RestoreError::OtherFrontier { key });
        let twice = refused(&|snapshot| {
            let again = snapshot.frontiers[at].clone();
            snapshot.frontiers.insert(at, again);
        });
        assert!(matches!(twice, RestoreError::OtherFrontier { .. }));
    }
    let older = snapshots.pop().unwrap();
    refused(&|snapshot| snapshot.head = older.head.clone());
    refused(&|snapshot| snapshot.chunks.clear());
}

#[test]
fn head_that_is_not_the_next_one_is_refused() {
    let script = history();
    let (_, snapshots) = snapshots(&script);
    let heads: Vec<StateHead> = snapshots
        .iter()
        .map(|snapshot| snapshot.head.clone())
        .collect();
    for (snapshot, later) in snapshots.iter().zip(&heads[1..]) {
        let mut state = State::restore(snapshot.clone()).unwrap();
        let wrong = WrongEntry::Head {
            at: state.next_index(),
        };
        // The same head again, and one of another index.
        assert_eq!(
            state.replay_entry(&snapshot.head.to_bytes()),
            Err(wrong.clone())
        );
        if later.index() != state.next_index() {
            assert_eq!(state.replay_entry(&later.to_bytes()), Err(wrong));
        }
    }
}
