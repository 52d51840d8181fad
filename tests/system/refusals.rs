//! What the log refuses, asked over HTTP: one table of notes, statuses and codes.

use labelproof_core::event::Kind;
use labelproof_tests::world;
use serde_json::json;

use crate::demo_network;

const LABEL: &str = "jp.jc-star/EX-1";
const ISSUER: &str = "label.jp.example";
const SUPERVISOR: &str = "watch.jp.example";

#[test]
fn every_refusal_has_its_status_and_code() {
    let network = demo_network("refusals");
    let issue = world::issue(LABEL, ISSUER);
    let suspend = world::suspend(LABEL, "2026-05-11T08:00:00Z", None, SUPERVISOR);
    let suspended = world::id_of(&suspend);
    let reinstate = world::reinstate(LABEL, suspended, suspended, &world::key(SUPERVISOR));
    network
        .submit_all(&[issue.clone(), suspend.clone(), reinstate.clone()])
        .unwrap();
    let newest = world::id_of(&reinstate);

    let mut junk = world::revoke(LABEL, Some(newest), ISSUER);
    junk.extend(b"\xe2\x80\x94 label.jp.example ");
    let line = world::key(ISSUER).sign_note("another text\n").to_string();
    junk.truncate(junk.len() - "\u{2014} label.jp.example ".len());
    junk.extend(line.as_bytes());
    junk.push(b'\n');

    let other_log = {
        let text = String::from_utf8(world::revoke(LABEL, Some(newest), ISSUER)).unwrap();
        let text = text.replace(world::ORIGIN, "labels.other.example");
        let (text, _) = text.split_once("\n\n").unwrap();
        world::sign(&format!("{text}\n"), &[&world::key(ISSUER)])
    };
    let future = world::suspend(LABEL, "2999-01-01T00:00:00Z", Some(newest), ISSUER);
    let mut private = world::issue_draft("jp.jc-star/EX-2");
    private["body"]["models"][0]["variant"] = json!("00:1b:44:11:3a:b7");
    let mut other_level = world::issue_draft("jp.jc-star/EX-3");
    other_level["body"]["level"] = json!("level9");
    let by = world::key(ISSUER);
    let issue_of = |draft| world::entry(Kind::LabelIssue, draft, None, &[&by]);

    let table: [(&str, Vec<u8>, u16, &str); 14] = [
        ("no note at all", b"hello\n".to_vec(), 400, "malformed"),
        ("a space more", spaced(&issue), 400, "not-canonical"),
        (
            "a stranger's key",
            world::issue("jp.jc-star/EX-4", "label.us.example"),
            403,
            "out-of-scope",
        ),
        (
            "a key nobody accredited",
            world::issue("jp.jc-star/EX-4", "label.xx.example"),
            403,
            "unknown-authority",
        ),
        ("a line that fails", junk, 403, "bad-signature"),
        (
            "another member's scheme",
            other_members_scheme(),
            403,
            "out-of-scope",
        ),
        (
            "another member's domain",
            other_members_domain(),
            403,
            "out-of-scope",
        ),
        (
            "a second first event",
            issue_again(),
            409,
            "duplicate-label",
        ),
        (
            "a prev that is not the newest",
            world::revoke(LABEL, Some(suspended), ISSUER),
            409,
            "wrong-previous",
        ),
        (
            "a blind event older than the reinstate",
            world::suspend(LABEL, "2026-05-12T08:00:00Z", None, ISSUER),
            409,
            "wrong-previous",
        ),
        (
            "a label that never was",
            world::revoke("jp.jc-star/EX-9", None, ISSUER),
            422,
            "unknown-subject",
        ),
        ("another log's origin", other_log, 422, "wrong-log"),
        ("decided in the future", future, 422, "decided-in-future"),
        (
            "a hardware address",
            issue_of(&private),
            422,
            "private-data",
        ),
    ];
    for (what, note, status, code) in table {
        let answer = network.submit(&note);
        let problem = answer.json();
        let kind = problem["type"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (answer.status, kind.rsplit(['/', ':', '#']).next()),
            (status, Some(code)),
            "{what}: {}",
            answer.text()
        );
        assert_eq!(answer.content_type, "application/problem+json", "{what}");
        assert!(problem["detail"].is_string(), "{what}: {}", answer.text());
    }
    let answer = network.submit(&issue_of(&other_level));
    assert!(
        matches!(answer.status, 403 | 422),
        "a level the scheme lacks: {}",
        answer.text()
    );
}

#[test]
fn a_second_submission_has_the_first_ones_place() {
    let network = demo_network("duplicates");
    let issue = world::issue(LABEL, ISSUER);
    let first = network.submit(&issue);
    assert_eq!(first.status, 201, "{}", first.text());
    let second = network.submit(&issue);
    assert_eq!(second.status, 200, "{}", second.text());
    assert_eq!(first.json()["index"], second.json()["index"]);
    assert_eq!(
        first.json()["event"],
        json!(world::id_of(&issue).to_string())
    );
}

#[test]
fn a_replayed_blind_revoke_changes_nothing() {
    let network = demo_network("replayed");
    let issue = world::issue(LABEL, ISSUER);
    let revoke = world::revoke(LABEL, None, ISSUER);
    network.submit_all(&[issue, revoke.clone()]).unwrap();
    let size = network.get("/v1/log").json()["size"].clone();
    assert_eq!(network.submit(&revoke).status, 200);
    // Signed anew by the supervisor it is the same event: the id leaves signatures out.
    assert_eq!(
        network
            .submit(&world::revoke(LABEL, None, SUPERVISOR))
            .status,
        200
    );
    assert_eq!(network.get("/v1/log").json()["size"], size);
}

fn spaced(entry: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(entry.to_vec())
        .unwrap()
        .replacen(":{", ": {", 1);
    let (text, _) = text.split_once("\n\n").unwrap();
    world::sign(&format!("{text}\n"), &[&world::key(ISSUER)])
}

fn issue_again() -> Vec<u8> {
    let mut draft = world::issue_draft(LABEL);
    draft["decided_at"] = json!("2026-02-04T01:00:00Z");
    world::entry(Kind::LabelIssue, &draft, None, &[&world::key(ISSUER)])
}

fn other_members_scheme() -> Vec<u8> {
    let note = String::from_utf8(world::scheme("fr.label")).unwrap();
    let (text, _) = note.split_once("\n\n").unwrap();
    world::sign(&format!("{text}\n"), &[&world::root("de")])
}

fn other_members_domain() -> Vec<u8> {
    let note = String::from_utf8(world::accredit(
        "label.fr.example",
        &["issuer"],
        &["de.it-sik"],
    ))
    .unwrap();
    let (text, _) = note.split_once("\n\n").unwrap();
    let text = text.replace("\"member\":\"fr\"", "\"member\":\"de\"");
    world::sign(&format!("{text}\n"), &[&world::root("de")])
}
