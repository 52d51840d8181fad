//! Replays: the whole log, from a snapshot, one label; and what is not believed.

use labelproof_core::event::Event;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::refusal::Refusal;
use labelproof_core::state::head::StateHead;
use labelproof_core::state::map::Map;
use labelproof_core::state::{
    HistoryError, Replayed, RestoreError, SignatureMemo, Snapshot, SnapshotFile, State, WrongEntry,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;

use crate::ledger::{ISSUER, LABEL, Ledger, label, subject};
use crate::world::{self, key, root};

/// A log of several batches in which every kind but `member.root` occurs.
fn sample() -> Ledger {
    let mut ledger = Ledger::founded();
    ledger.close();
    let (_, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    ledger.accept(&world::issue("de.it-sik/A-1", "label.de.example"));
    ledger.close();
    let (_, suspension) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        ISSUER,
    ));
    ledger.accept(&world::reinstate(
        LABEL,
        suspension,
        suspension,
        &key(ISSUER),
    ));
    ledger.close();
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let revoke =
        json!({ "revoke": { "key": key(ISSUER).vkey().id().to_string(), "compromised_from": 15 } });
    ledger.accept(&world::change_key(ISSUER, &revoke, newest, &root("jp")));
    ledger.accept(&world::revoke("de.it-sik/A-1", None, "watch.de.example"));
    ledger.close();
    let newest = ledger.newest("authority:label.de.example");
    ledger.accept(&world::withdraw("label.de.example", &json!("all"), newest));
    ledger.accept(&world::revoke(LABEL, None, "watch.jp.example"));
    ledger.close();
    ledger
}

fn snapshot(ledger: &Ledger, number: usize) -> Snapshot {
    let (head, view) = &ledger.heads[number];
    let registry = ledger.state.registry_indices(head.index());
    let entry = |index: LeafIndex| ledger.entries[usize::try_from(index.get()).unwrap()].clone();
    Snapshot {
        head: head.clone(),
        records: view.map().clone(),
        frontiers: view.frontiers().collect(),
        chunks: {
            let mut list = view.list().clone();
            list.extend_to(head.index().get());
            list.chunks().cloned().collect()
        },
        registry: registry
            .into_iter()
            .map(|index| (index, entry(index)))
            .collect(),
    }
}

/// Replays what follows a head, loading labels when they are asked for.
fn catch_up(state: &mut State, ledger: &Ledger) -> Vec<StateHead> {
    let mut heads = Vec::new();
    while let Some(entry) = ledger
        .entries
        .get(usize::try_from(state.next_index().get()).unwrap())
    {
        match state.replay_entry(entry) {
            Ok(Replayed::Head(head)) => heads.push(head),
            Ok(Replayed::Accepted(_)) => {}
            Ok(Replayed::Refused(refusal)) => panic!("{refusal}"),
            Err(WrongEntry::NeedsHistory { labels, at }) => {
                for label in labels {
                    let history = history(ledger, &label.to_string(), at);
                    state.load_label(&label, &history).unwrap();
                }
            }
            Err(wrong) => panic!("{wrong}"),
        }
    }
    heads
}

fn history(ledger: &Ledger, of: &str, end: LeafIndex) -> Vec<(LeafIndex, Vec<u8>)> {
    let indices = ledger.state.subject_indices(&subject(of)).unwrap();
    let before = indices.into_iter().filter(|index| *index < end);
    before
        .map(|index| {
            (
                index,
                ledger.entries[usize::try_from(index.get()).unwrap()].clone(),
            )
        })
        .collect()
}

#[test]
fn replay_from_entry_0_gives_every_head() {
    let ledger = sample();
    let mut state = State::genesis(&ledger.entries[0]).unwrap();
    let heads = catch_up(&mut state, &ledger);
    assert!(heads.iter().eq(ledger.heads.iter().map(|(head, _)| head)));
}

#[test]
fn replay_from_any_snapshot_gives_every_later_head() {
    let ledger = sample();
    for number in 0..ledger.heads.len() {
        let mut state = State::restore(snapshot(&ledger, number)).unwrap();
        assert_eq!(state.loaded_labels(), 0);
        let heads = catch_up(&mut state, &ledger);
        assert!(
            heads
                .iter()
                .eq(ledger.heads[number + 1..].iter().map(|(head, _)| head)),
            "from {number}"
        );
        assert_eq!(state.view().map().root(), ledger.state.view().map().root());
    }
}

#[test]
fn snapshot_is_believed_only_as_a_whole() {
    let ledger = sample();
    let last = ledger.heads.len() - 1;
    let with = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = snapshot(&ledger, last);
        change(&mut snapshot);
        State::restore(snapshot).map(|_| ()).unwrap_err()
    };
    assert_eq!(
        with(&|snapshot| {
            let first = snapshot.records.iter().take(3);
            snapshot.records = Map::from_sorted(first.map(|(key, record)| (*key, record))).unwrap();
        }),
        RestoreError::OtherRoot
    );
    assert_eq!(
        with(&|snapshot| {
            let (key, record) = snapshot.records.iter().nth(2).unwrap();
            let (key, mut record) = (*key, record.to_vec());
            record[2] ^= 1;
            snapshot.records.insert(key, &record);
        }),
        RestoreError::OtherRoot
    );
    // An older head has no place for the codes of later labels.
    assert!(matches!(
        with(&|snapshot| snapshot.head = ledger.heads[1].0.clone()),
        RestoreError::List(_)
    ));
    assert_eq!(
        with(&|snapshot| snapshot.head = ledger.heads[last - 1].0.clone()),
        RestoreError::OtherRoot
    );
    assert!(matches!(
        with(&|snapshot| snapshot.chunks.clear()),
        RestoreError::List(_)
    ));
    assert_eq!(
        with(&|snapshot| snapshot.registry.clear()),
        RestoreError::OtherRecords
    );
    // Any entry left out, doubled, or of another index.
    for number in 0..snapshot(&ledger, last).registry.len() {
        with(&|snapshot| drop(snapshot.registry.remove(number)));
        with(&|snapshot| {
            let again = snapshot.registry[number].clone();
            snapshot.registry.insert(number, again);
        });
        with(&|snapshot| {
            snapshot.registry[number].0 = LeafIndex::new(snapshot.registry[number].0.get() + 1);
        });
    }
}

#[test]
fn a_snapshots_file_names_each_key_once_in_order_and_as_many_as_it_says() {
    let ledger = sample();
    let (_, view) = ledger.heads.last().unwrap();
    let parts = SnapshotFile::parts(ledger.state.origin(), view, &[]);
    let bytes = parts.collect::<Vec<_>>().concat();
    let text_end = 2 + bytes.windows(2).position(|pair| pair == b"\n\n").unwrap();
    let (opening, rows) = bytes.split_at(text_end);
    let records = view.map().len();
    assert!(SnapshotFile::parse(&bytes).is_some());
    // The first two rows of state records; an index record may have subtrees behind it.
    let row = 32 + 80;
    let swapped = [opening, &rows[row..2 * row], &rows[..row], &rows[2 * row..]].concat();
    assert!(rows[33] == 1 && rows[row + 33] == 1, "two state records");
    let doubled = [opening, &rows[..row], rows].concat();
    let said = |bytes: &[u8], count: usize| {
        let text = String::from_utf8(bytes[..text_end].to_vec()).unwrap();
        let text = text.replace(&format!("\n{records}\n"), &format!("\n{count}\n"));
        [text.as_bytes(), &bytes[text_end..]].concat()
    };
    for wrong in [
        swapped,
        said(&doubled, records + 1),
        said(&bytes, records + 1),
        said(&bytes, records - 1),
    ] {
        assert!(SnapshotFile::parse(&wrong).is_none());
    }
}

#[test]
fn wrong_head_stops_the_replay() {
    let ledger = sample();
    let (head, _) = &ledger.heads[2];
    let text = String::from_utf8(head.to_bytes()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(head.index().get()).unwrap();
    let mut state = State::genesis(&ledger.entries[0]).unwrap();
    for entry in &ledger.entries[1..at] {
        state.replay_entry(entry).unwrap();
    }
    let other_hash = labelproof_core::merkle::NodeHash::from_bytes([1; 32]).to_string();
    for (line, wrong) in [
        (1, "other.example"),
        (2, other_hash.as_str()),
        (3, "12"),
        (4, other_hash.as_str()),
        (5, other_hash.as_str()),
        (6, "7"),
        (7, "state/0.3"),
        (8, "now"),
    ] {
        let mut changed = lines.clone();
        changed[line] = wrong;
        let entry = changed.join("\n") + "\n";
        let refused = state.replay_entry(entry.as_bytes());
        assert_eq!(
            refused,
            Err(WrongEntry::Head { at: head.index() }),
            "line {line}"
        );
    }
    let mut back = lines.clone();
    back[8] = "0";
    assert_eq!(
        state.replay_entry((back.join("\n") + "\n").as_bytes()),
        Err(WrongEntry::ClockBack { at: head.index() })
    );
    // A later clock is the log's word; nothing else is.
    let mut later = lines.clone();
    let clock = (head.clock_ms() + 1).to_string();
    later[8] = &clock;
    assert!(matches!(
        state.replay_entry((later.join("\n") + "\n").as_bytes()),
        Ok(Replayed::Head(_))
    ));
}

#[test]
fn entry_that_is_no_event_changes_nothing_but_the_index() {
    let mut ledger = sample();
    let before = ledger.state.view();
    let next = ledger.state.next_index();
    let junk = ledger.state.replay_entry(b"junk").unwrap();
    assert!(matches!(junk, Replayed::Refused(Refusal::Malformed(_))));
    let stale = ledger
        .state
        .replay_entry(&world::issue(LABEL, ISSUER))
        .unwrap();
    assert!(matches!(
        stale,
        Replayed::Refused(Refusal::UnknownAuthority)
    ));
    assert_eq!(ledger.state.next_index().get(), next.get() + 2);
    assert_eq!(ledger.state.view().map().root(), before.map().root());
    let head = ledger.state.append_head(0);
    assert_eq!(
        (head.index().get(), head.map_root()),
        (next.get() + 2, before.map().root())
    );
    assert!(head.clock_ms() > 0, "the clock never runs back");
}

#[test]
fn history_of_a_label_is_believed_only_as_a_whole() {
    let ledger = sample();
    let end = ledger.state.next_index();
    let good = history(&ledger, LABEL, end);
    let last = ledger.heads.len() - 1;
    let load = |history: &[(LeafIndex, Vec<u8>)]| {
        let mut state = State::restore(snapshot(&ledger, last)).unwrap();
        state.load_label(&label(LABEL), history)
    };
    assert_eq!(load(&good), Ok(()));
    assert_eq!(
        load(&good[..good.len() - 1]),
        Err(HistoryError::OtherRecord)
    );
    for number in 0..good.len() {
        let mut changed = good.clone();
        changed.remove(number);
        assert!(load(&changed).is_err());
        let mut changed = good.clone();
        changed[number].0 = LeafIndex::new(changed[number].0.get() + 1);
        assert!(load(&changed).is_err());
    }
    let mut state = State::restore(snapshot(&ledger, last)).unwrap();
    assert_eq!(
        state.load_label(&label("jp.jc-star/EX-9"), &good),
        Err(HistoryError::NoRecord)
    );
    assert_eq!(
        state.load_label(&label("de.it-sik/A-1"), &good),
        Err(HistoryError::OtherRecord)
    );
}

#[test]
fn forgotten_labels_load_again() {
    let mut ledger = sample();
    let end = ledger.state.next_index();
    let good = history(&ledger, LABEL, end);
    ledger.state.forget_labels_before(end);
    assert_eq!(ledger.state.loaded_labels(), 0);
    assert_eq!(ledger.state.subject_indices(&subject(LABEL)), None);
    let blind = Event::parse(&world::suspend(
        LABEL,
        "2026-10-11T08:00:00Z",
        None,
        "watch.jp.example",
    ))
    .unwrap();
    assert_eq!(ledger.state.needs_history(&blind), [label(LABEL)]);
    ledger.state.load_label(&label(LABEL), &good).unwrap();
    assert!(ledger.state.needs_history(&blind).is_empty());
    let refusal = ledger
        .state
        .apply(&blind, &SignatureMemo::empty())
        .unwrap_err();
    assert_eq!(refusal, Refusal::BadTransition { from: "revoked" });
}

#[test]
fn mutated_entries_never_panic_and_change_nothing_unless_accepted() {
    let ledger = sample();
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut pick = |count: usize| usize::try_from(random.next_u64() % count as u64).unwrap();
    let mut state = State::restore(snapshot(&ledger, 2)).unwrap();
    let mut ignored = 0;
    for _ in 0..1500 {
        let mut entry = ledger.entries[1 + pick(ledger.entries.len() - 1)].clone();
        for _ in 0..=pick(2) {
            let at = pick(entry.len());
            match pick(4) {
                0 => entry[at] ^= 1 << pick(8),
                1 => drop(entry.remove(at)),
                2 => entry.insert(at, b"0\"{}:,\n"[pick(7)]),
                _ => entry.truncate(at.max(1)),
            }
        }
        let before = state.view();
        match state.replay_entry(&entry) {
            Ok(Replayed::Refused(_)) | Err(_) => {
                ignored += 1;
                assert_eq!(state.view().map().root(), before.map().root());
            }
            // A line by a key that is not in force says nothing, so a broken one changes nothing.
            Ok(Replayed::Accepted(_) | Replayed::Head(_)) => {}
        }
    }
    assert!(ignored > 1400, "{ignored}");
}
