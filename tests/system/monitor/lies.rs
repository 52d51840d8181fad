//! Logs that lie, each in one way: one look finds it, evidence convicts the log before others, and what is honest is told.

use labelproof_core::merkle::LeafIndex;
use labelproof_core::status::ReadLog as _;
use labelproof_tests::paper_log::PaperLog;
use serde_json::Value;

use super::{Watched, issue, revoke, rules};
use crate::client::now;

/// Runs `labelproof verify` on the one evidence file of a monitor, with its copy of the log.
fn verified(watched: &Watched, name: &str) {
    let file = format!("monitor/evidence/labels.g7.example.{name}.evidence");
    let mirror = "monitor/logs/labels.g7.example/mirror";
    let args = ["verify", &file, "--trust", "trust.toml", "--mirror", mirror];
    let checked = watched.desk.run(&args);
    assert_eq!(checked.code, 20, "{checked:?}");
    let mut bytes = std::fs::read(watched.desk.path(&file)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    watched.desk.write("other.evidence", &bytes);
    let args = ["verify", "other.evidence", "--trust", "trust.toml"];
    let refused = watched
        .desk
        .run(&[&args[..], &["--mirror", mirror]].concat());
    assert!(![0, 20].contains(&refused.code), "{refused:?}");
}

/// One look finds the lie, says it once, and stands by it; what is honest is still told.
fn caught(watched: &mut Watched, rule: &str, name: &str) {
    watched.parrot.say(watched.log.answers(&[]));
    let told = watched.once(20);
    assert_eq!(rules(&told), [rule], "{told:?}");
    verified(watched, name);
    assert_eq!(watched.once(20), Vec::<Value>::new());
    watched.publish(&[revoke(7)]);
    assert_eq!(rules(&watched.once(20)), ["watch:recalls"]);
    // A monitor that lost its copy finds it again, under another head, and tells nothing twice.
    std::fs::remove_dir_all(watched.desk.path("monitor/logs")).unwrap();
    assert_eq!(watched.once(20), Vec::<Value>::new());
}

/// Appends a state head of which one line says something else.
fn misprint(log: &mut PaperLog, line: usize, says: &str) -> LeafIndex {
    let at = LeafIndex::new(log.size());
    log.append(&[]);
    misprint_at(log, at, line, says);
    at
}

fn misprint_at(log: &mut PaperLog, at: LeafIndex, line: usize, says: &str) {
    let head = String::from_utf8(log.entry(at).unwrap()).unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines[line] = says;
    log.lie(at, (lines.join("\n") + "\n").into_bytes());
}

#[test]
fn a_wrong_state_head_is_proved() {
    let mut watched = Watched::begin();
    watched.once(0);
    let at = misprint(&mut watched.log, 6, "301");
    caught(&mut watched, "wrong-head", &format!("wrong-head.{at}"));
}

#[test]
fn a_state_head_with_an_earlier_clock_is_proved() {
    let mut watched = Watched::begin();
    watched.once(0);
    let at = misprint(&mut watched.log, 8, "1700000000000");
    caught(&mut watched, "back-dated", &format!("back-dated.{at}"));
}

#[test]
fn the_clock_of_a_wrong_head_counts_for_nothing() {
    let mut watched = Watched::begin();
    watched.once(0);
    // One that is of another place, and late: the right heads after it are not behind it.
    let at = misprint(&mut watched.log, 3, "12");
    misprint_at(&mut watched.log, at, 8, "4000000000000");
    caught(&mut watched, "wrong-head", &format!("wrong-head.{at}"));
    // A wrong one right before does not hide that a clock runs back either, nor that one another wrong one.
    misprint(&mut watched.log, 3, "12");
    misprint(&mut watched.log, 8, "1700000000000");
    misprint(&mut watched.log, 3, "12");
    watched.parrot.say(watched.log.answers(&[]));
    let told = watched.once(20);
    assert_eq!(rules(&told), ["wrong-head", "back-dated", "wrong-head"]);
}

#[test]
fn an_entry_that_breaks_a_rule_is_proved() {
    let mut watched = Watched::begin();
    watched.once(0);
    let at = watched.log.size();
    // Issued a second time, by somebody who may.
    watched.log.take_bad(issue(7));
    watched.log.append(&[]);
    caught(&mut watched, "bad-entry", &format!("bad-entry.{at}"));
}

#[test]
fn two_histories_are_proved_also_without_a_quorum() {
    let mut watched = Watched::begin();
    watched.once(0);
    let size = watched.log.size();
    let mut other = PaperLog::founded(now());
    other.append(&(1..301).map(issue).collect::<Vec<_>>());
    // One size, then a larger one.
    for number in [500, 501] {
        watched.parrot.say(other.answers(&[]));
        let told = watched.once(20);
        other.append(&[issue(number)]);
        assert!(told.is_empty() || rules(&told) == ["fork"], "{told:?}");
    }
    verified(&watched, &format!("fork.{size}"));
    // The honest history goes on, and is followed.
    watched.publish(&[revoke(7)]);
    assert_eq!(rules(&watched.once(20)), ["watch:recalls"]);
    // A head that nobody cosigned convicts the log just as well.
    std::fs::remove_dir_all(watched.desk.path("monitor/evidence")).unwrap();
    let mut answers = other.answers(&[]);
    let alone = other.checkpoint(&[]).note().to_bytes();
    answers.insert("/checkpoint".to_owned(), alone);
    watched.parrot.say(answers);
    let told = watched.once(20);
    assert!(rules(&told).contains(&"fork"), "{told:?}");
}
