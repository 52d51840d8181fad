//! A whole log that our own code writes and a second implementation replays.
//!
//! `tests/vectors/history.json` holds every entry of a seeded log: events of every kind, accepted and refused,
//! and a state head after each batch. `tests/vectors/make.py --check` runs a state function written from
//! `docs/spec/state.md` over it and compares every head. With `LABELPROOF_WRITE_VECTORS=1` the file is made anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod bundles;
mod cast;
mod corners;
mod judged;
mod script;
mod snapshots;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use labelproof_core::event::{Event, Kind};
use labelproof_core::merkle::LeafIndex;
use labelproof_core::state::head::StateHead;
use labelproof_core::state::map::Map;
use labelproof_core::state::{Replayed, State};
use serde_json::{Value, json};

use script::{Outcome, Script};

const SEED: u64 = 20_261_124;
const EVENTS: usize = 480;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/history.json")
}

fn history() -> Script {
    let mut script = Script::begin(SEED);
    script.prepare();
    for _ in 0..EVENTS {
        script.step();
    }
    script.close_batch();
    corners::play(&mut script);
    script.close_batch();
    script
}

#[test]
fn committed_history_is_what_the_code_writes() {
    let script = history();
    let entries: Vec<Value> = script
        .entries()
        .iter()
        .map(|(entry, outcome)| json!({"entry": STANDARD.encode(entry), "outcome": outcome.word()}))
        .collect();
    let text = format!("{}\n", serde_json::to_string_pretty(&entries).unwrap());
    if env::var_os("LABELPROOF_WRITE_VECTORS").is_some() {
        fs::write(file(), &text).unwrap();
    }
    let committed = fs::read_to_string(file()).unwrap();
    assert!(
        committed == text,
        "history.json is not what the code writes"
    );
}

#[test]
fn history_shows_every_kind_accepted_and_refused() {
    let script = history();
    let mut seen: BTreeMap<(Kind, bool), usize> = BTreeMap::new();
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for (entry, outcome) in script.entries() {
        if let Ok(event) = Event::parse(entry) {
            let accepted = matches!(outcome, Outcome::Accepted);
            *seen.entry((event.kind(), accepted)).or_default() += 1;
        }
        if let Outcome::Refused(code) = outcome {
            *codes.entry(code).or_default() += 1;
        }
    }
    for kind in Kind::ALL {
        assert!(
            seen.contains_key(&(*kind, true)),
            "{kind} is never accepted: {seen:?}"
        );
        assert!(
            seen.contains_key(&(*kind, false)),
            "{kind} is never refused: {seen:?}"
        );
    }
    for code in [
        "malformed",
        "not-canonical",
        "bad-signature",
        "unknown-authority",
        "out-of-scope",
        "wrong-previous",
        "duplicate-label",
        "bad-transition",
        "bad-member",
        "wrong-log",
        "unknown-subject",
        "unknown-kind",
    ] {
        assert!(
            codes.contains_key(code),
            "no event is refused as {code}: {codes:?}"
        );
    }
    let accepted: usize = seen
        .iter()
        .filter(|((_, good), _)| *good)
        .map(|(_, n)| n)
        .sum();
    let refused: usize = codes.values().sum();
    assert!(
        accepted > 100 && refused > 100,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn replay_gives_every_head_again() {
    let script = history();
    let (genesis, rest) = script.entries().split_first().unwrap();
    let mut state = State::genesis(&genesis.0).unwrap();
    for (entry, outcome) in rest {
        match (state.replay_entry(entry).unwrap(), outcome) {
            (Replayed::Head(_), Outcome::Head) | (Replayed::Accepted(_), Outcome::Accepted) => {}
            (Replayed::Refused(refusal), Outcome::Refused(code)) => {
                assert_eq!(refusal.code(), *code);
            }
            (other, _) => panic!("{other:?} where the writer saw {}", outcome.word()),
        }
    }
}

#[test]
fn map_and_list_agree_and_grow_as_a_rebuild_would() {
    let script = history();
    let (genesis, rest) = script.entries().split_first().unwrap();
    let mut state = State::genesis(&genesis.0).unwrap();
    let mut heads = 0;
    for (entry, _) in rest {
        if StateHead::is_head(entry) {
            let view = state.view();
            let sorted = view.map().iter().map(|(key, record)| (*key, record));
            assert_eq!(Map::from_sorted(sorted).unwrap().root(), view.map().root());
            for name in script.label_names() {
                if let Some(record) = view.record(&name) {
                    let code = view.list().get(record.first_index()).unwrap();
                    assert_eq!(code, record.status().into(), "{name}");
                }
            }
            heads += 1;
        }
        state.replay_entry(entry).unwrap();
    }
    assert!(heads > 30);
    assert_eq!(
        state.next_index(),
        LeafIndex::new(script.entries().len() as u64)
    );
}

#[test]
fn refused_event_changes_nothing_but_the_index() {
    let script = history();
    let (genesis, rest) = script.entries().split_first().unwrap();
    let mut state = State::genesis(&genesis.0).unwrap();
    for (entry, outcome) in rest {
        let before = (state.view().map().root(), state.issues());
        state.replay_entry(entry).unwrap();
        if !matches!(outcome, Outcome::Accepted) {
            assert_eq!((state.view().map().root(), state.issues()), before);
        }
    }
}
