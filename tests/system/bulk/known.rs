//! A row of which the log says that it had the event before, with no proof of this note: what is made of it.

use std::collections::BTreeMap;

use labelproof_core::event::Event;
use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_tests::paper_log::{PaperLog, Parrot, status_path};
use labelproof_tests::world;
use serde_json::json;

use super::{ISSUER, key_at, sheet::Sheet};
use crate::client::{Desk, json_of, now};

const LABEL: &str = "jp.jc-star/EX-1";
const BATCH: &str = "/v1/events:batch";

/// An office that has signed one row, and a log that says it has the event as entry 1.
fn office(log: &PaperLog) -> (Desk, Parrot) {
    let parrot = Parrot::start(BTreeMap::new()).unwrap();
    let desk = Desk::trusting(parrot.url());
    key_at(&desk.path(""), ISSUER);
    desk.write(
        "labels.csv",
        Sheet::of(&[LABEL.to_owned()]).csv().as_bytes(),
    );
    let signed = issue(&desk, &["--no-submit"]);
    assert_eq!(signed.0, 0, "{signed:?}");
    let note = std::fs::read_to_string(desk.path("labels.events.jsonl")).unwrap();
    let note: String = serde_json::from_str(note.trim_end()).unwrap();
    let event = Event::parse(note.as_bytes()).unwrap();
    let proof = log
        .proof_by(LeafIndex::new(1), &world::WITNESSES)
        .to_bytes();
    let line = json!({
        "line": 1, "status": 200, "index": 1, "event": event.id().to_string(),
        "leaf": LeafHash::of_entry(note.as_bytes()).to_string(),
        "proof": String::from_utf8(proof).unwrap(),
    });
    parrot.say_at(BATCH, Some(format!("{line}\n").into_bytes()));
    (desk, parrot)
}

/// The exit, and the code of the row's error.
fn issue(desk: &Desk, more: &[&str]) -> (i32, String) {
    let args = [
        "--json",
        "issue",
        "--key",
        "issuer.key",
        "--file",
        "labels.csv",
        "--trust",
        "trust.toml",
    ];
    let ended = desk.run(&[&args[..], more].concat());
    let said = json_of(&ended);
    let code = said["result"]["faults"][0]["code"].as_str();
    (ended.code, code.unwrap_or_default().to_owned())
}

#[test]
fn a_log_that_cannot_be_asked_leaves_the_row_unknown() {
    let log = PaperLog::founded(now());
    let (desk, _parrot) = office(&log);
    let (code, why) = issue(&desk, &[]);
    assert_eq!((code, why.as_str()), (69, "not-known"));
}

#[test]
fn a_history_without_the_event_proves_that_the_log_does_not_have_it() {
    let log = PaperLog::founded(now());
    let (desk, parrot) = office(&log);
    parrot.say_at(&status_path(LABEL), Some(log.bundle(LABEL)));
    let (code, why) = issue(&desk, &[]);
    assert_eq!((code, why.as_str()), (11, "not-proved"));
}
