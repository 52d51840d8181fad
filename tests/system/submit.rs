//! `labelproof submit` with a journal that holds more than the log takes.

use labelproof_tests::network::Ended;
use labelproof_tests::world;
use serde_json::{Value, json};

use crate::{TestNetwork, demo_network};

const LABEL: &str = "jp.jc-star/EX-80";
const OTHER: &str = "jp.jc-star/EX-81";
const ISSUER: &str = "label.jp.example";

#[test]
fn a_refused_note_keeps_no_other_back() {
    let network = demo_network("journal");
    let right = world::issue(LABEL, ISSUER);
    let other = world::issue(OTHER, ISSUER);

    // A wrong key first, the right one after it: the event is what counts, and it arrived.
    let ended = submit(&network, &[&wrongly_signed(LABEL), &right]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let result = result_of(&ended);
    let event = world::id_of(&right).to_string();
    assert_eq!(result["delivered"][0]["event"], json!(event));
    assert_eq!(result["undelivered"][0]["event"], json!(event));
    assert_eq!(result["undelivered"][0]["exit"], 12);
    assert_eq!(result["undelivered"][0]["arrived_otherwise"], true);
    assert_eq!(network.client(&["status", LABEL]).code, 0);

    // Once the event is in, the log knows it by its id, whoever signed the note.
    let again = network.client(&["submit", "mixed.events.jsonl"]);
    assert_eq!(again.code, 0, "{again:?}");

    // An event that nobody signed rightly counts, and the one after it is sent all the same.
    let never = wrongly_signed("jp.jc-star/EX-82");
    let ended = submit(&network, &[&never, &other]);
    assert_eq!(ended.code, 12, "{ended:?}");
    let result = result_of(&ended);
    assert_eq!(result["undelivered"][0]["arrived_otherwise"], false);
    assert_eq!(
        result["delivered"][0]["event"],
        json!(world::id_of(&other).to_string())
    );
    let again = network.client(&["submit", "mixed.events.jsonl"]);
    assert_eq!(again.code, 12, "{again:?}");
    for line in [
        "REFUSED  jp.jc-star/EX-82\n",
        "ALREADY LOGGED  jp.jc-star/EX-81\n",
    ] {
        assert!(again.stdout.contains(line), "{line:?} in {again:?}");
    }
    assert_eq!(network.client(&["status", OTHER]).code, 0);
    assert_eq!(network.client(&["status", "jp.jc-star/EX-82"]).code, 17);
}

#[test]
fn a_log_that_went_away_ends_the_run() {
    let mut network = demo_network("gone");
    let notes = [world::issue(LABEL, ISSUER), world::issue(OTHER, ISSUER)];
    let url = network.log_url();
    network.kill_log().unwrap();
    let ended = submit_to(&network, &url, &[&notes[0], &notes[1]]);
    assert_eq!(ended.code, 69, "{ended:?}");
    let result = result_of(&ended);
    assert_eq!(result["undelivered"][0]["exit"], 69);
    let second = world::id_of(&notes[1]).to_string();
    assert_eq!(result["not_sent"], json!([second]));
}

fn wrongly_signed(label: &str) -> Vec<u8> {
    let kind = labelproof_core::event::Kind::LabelIssue;
    let key = world::key("thief.example");
    world::entry(kind, &world::issue_draft(label), None, &[&key])
}

fn submit(network: &TestNetwork, notes: &[&[u8]]) -> Ended {
    submit_to(network, &network.log_url(), notes)
}

fn submit_to(network: &TestNetwork, url: &str, notes: &[&[u8]]) -> Ended {
    let lines = notes.iter().map(|note| {
        let text = std::str::from_utf8(note).unwrap();
        format!("{}\n", json!(text))
    });
    let journal = network.dir().join("mixed.events.jsonl");
    std::fs::write(&journal, lines.collect::<String>()).unwrap();
    let trust = network.trust();
    network.client(&[
        "submit",
        journal.to_str().unwrap(),
        "--json",
        "--log",
        url,
        "--trust",
        trust.to_str().unwrap(),
    ])
}

fn result_of(ended: &Ended) -> Value {
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(said["exit"], ended.code, "{ended:?}");
    said["result"].clone()
}
