//! `labelproof issue` against a log that says the event is in: nothing is written before it is proved.

use std::os::unix::fs::OpenOptionsExt as _;

use labelproof_core::event::Kind;
use labelproof_core::merkle::LeafIndex;
use labelproof_tests::paper_log::{PaperLog, Parrot, status_path};
use labelproof_tests::world;
use serde_json::json;

use super::{Desk, issue, json_of, now};

const LABEL: &str = "jp.jc-star/EX-70";
const FILES: [&str; 2] = ["jp.jc-star.EX-70.labelproof", "jp.jc-star.EX-70.tlog-proof"];

/// A desk with the issuer's key and a draft, and a log on paper in which the event is already.
struct Office {
    desk: Desk,
    log: PaperLog,
    parrot: Parrot,
    index: LeafIndex,
    event: String,
}

fn office() -> Office {
    let mut log = PaperLog::founded(now());
    let entry = world::issue(LABEL, "label.jp.example");
    log.append(&[issue("jp.jc-star/EX-71"), entry.clone()]);
    let parrot = Parrot::start(log.answers(&[LABEL])).unwrap();
    let desk = Desk::trusting(parrot.url());
    desk.write(
        "label.json",
        world::issue_draft(LABEL).to_string().as_bytes(),
    );
    let key = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(desk.path("a.key"));
    let secret = world::key("label.jp.example").to_text();
    std::io::Write::write_all(&mut key.unwrap(), secret.as_bytes()).unwrap();
    let index = log.index_of(&entry).unwrap();
    let office = Office {
        desk,
        log,
        parrot,
        index,
        event: world::id_of(&entry).to_string(),
    };
    office.answer(office.index, &world::WITNESSES);
    office
}

impl Office {
    /// What the log answers to the submission: the proof of `proven` by these witnesses.
    fn answer(&self, proven: LeafIndex, witnesses: &[&str]) {
        let proof = self.log.proof_by(proven, witnesses).to_string();
        let body = json!({ "index": self.index.get(), "event": self.event, "proof": proof });
        self.parrot
            .say_at("/v1/events", Some(body.to_string().into_bytes()));
    }

    fn issue(&self) -> labelproof_tests::network::Ended {
        self.desk.run(&[
            "--json",
            "issue",
            "--key",
            "a.key",
            "--trust",
            "trust.toml",
            "--file",
            "label.json",
        ])
    }

    fn refuses(&self, code: i32, why: &str) {
        let ended = self.issue();
        assert_eq!(ended.code, code, "{why}: {ended:?}");
        assert_eq!(json_of(&ended)["exit"], code, "{why}");
        for file in FILES {
            assert!(!self.desk.exists(file), "{why}: {file} was written");
        }
        assert!(
            self.desk.exists("jp.jc-star.EX-70.events.jsonl"),
            "the signed note is kept before it is sent"
        );
    }
}

#[test]
fn what_holds_is_written_and_verifies() {
    let office = office();
    let ended = office.issue();
    assert_eq!(ended.code, 0, "{ended:?}");
    let object = json_of(&ended);
    assert_eq!(object["result"]["index"], office.index.get());
    assert_eq!(object["result"]["status"]["status"], "active");
    let verify = [
        "verify",
        FILES[0],
        FILES[1],
        "--trust",
        "trust.toml",
        "--event",
        "jp.jc-star.EX-70.events.jsonl",
    ];
    assert_eq!(office.desk.run(&verify).code, 0);
}

#[test]
fn a_bundle_without_its_quorum_is_not_written() {
    let office = office();
    let few = office.log.bundle_by(LABEL, &["ca", "de", "fr", "gb"]);
    office.parrot.say_at(&status_path(LABEL), Some(few));
    office.refuses(12, "four witnesses under the bundle");
}

#[test]
fn a_bundle_of_another_label_is_not_written() {
    let office = office();
    office.parrot.say_at(
        &status_path(LABEL),
        Some(office.log.bundle("jp.jc-star/EX-71")),
    );
    office.refuses(11, "the bundle of another label");
}

#[test]
fn a_bundle_in_which_the_event_is_missing_is_not_written() {
    let office = office();
    let mut other = PaperLog::founded(now());
    let mut draft = world::issue_draft(LABEL);
    draft["decided_at"] = json!("2026-02-04T00:00:00Z");
    let entry = world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&world::key("label.jp.example")],
    );
    other.append(&[issue("jp.jc-star/EX-71"), entry]);
    office
        .parrot
        .say_at(&status_path(LABEL), Some(other.bundle(LABEL)));
    office.refuses(11, "another issue of the same label");
}

#[test]
fn a_proof_that_does_not_hold_is_not_written() {
    let office = office();
    office.answer(LeafIndex::new(office.index.get() - 1), &world::WITNESSES);
    office.refuses(11, "the proof of another entry");
    office.answer(office.index, &["ca", "de", "fr", "gb"]);
    office.refuses(12, "four witnesses under the proof");
}

#[test]
fn an_answer_about_another_event_is_none() {
    let office = office();
    let body = json!({ "index": office.index.get(), "event": "00".repeat(32), "proof": "" });
    office
        .parrot
        .say_at("/v1/events", Some(body.to_string().into_bytes()));
    office.refuses(69, "another event's id");
    office.parrot.say_at("/v1/events", Some(b"{}".to_vec()));
    office.refuses(69, "no answer");
}

#[test]
fn a_note_that_another_key_signed_in_vain_is_signed_anew() {
    let office = office();
    let made = office
        .desk
        .run(&["keygen", "--name", "b.jp.example", "--out", "b.key"]);
    assert_eq!(made.code, 0, "{made:?}");
    for (key, notes) in [("b.key", 1), ("a.key", 2), ("a.key", 2), ("b.key", 2)] {
        let ended = office.desk.run(&[
            "issue",
            "--no-submit",
            "--key",
            key,
            "--trust",
            "trust.toml",
            "--file",
            "label.json",
        ]);
        assert_eq!(ended.code, 0, "{key}: {ended:?}");
        let journal = office.desk.path("jp.jc-star.EX-70.events.jsonl");
        let kept = std::fs::read_to_string(journal).unwrap();
        assert_eq!(kept.lines().count(), notes, "{key}");
    }
}
