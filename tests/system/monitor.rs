//! The monitor: one look at logs that are honest, late or lying, each on paper; and what a person gets of it.

mod lies;
mod running;
mod serving;

use std::collections::BTreeMap;
use std::process::Stdio;

use labelproof_core::time::Time;
use labelproof_tests::network::Ended;
use labelproof_tests::paper_log::{PaperLog, Parrot};
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use serde_json::Value;

use crate::client::{Desk, json_of, now};

const ISSUER: &str = "label.jp.example";

fn label(number: u32) -> String {
    format!("jp.jc-star/EX-{number:06}")
}

fn issue(number: u32) -> Vec<u8> {
    world::issue(&label(number), ISSUER)
}

fn revoke(number: u32) -> Vec<u8> {
    let prev = world::id_of(&issue(number));
    world::revoke(&label(number), Some(prev), ISSUER)
}

/// A monitor in a folder of its own, and the log on paper that it follows.
struct Watched {
    desk: Desk,
    log: PaperLog,
    parrot: Parrot,
}

impl Watched {
    /// A log with 300 labels.
    fn begin() -> Self {
        Self::begin_at(now())
    }

    fn begin_at(time: Time) -> Self {
        let mut log = PaperLog::founded(time);
        log.append(&(0..300).map(issue).collect::<Vec<_>>());
        let parrot = Parrot::start(log.answers(&[])).unwrap();
        let desk = Desk::trusting(parrot.url());
        desk.write("recalls.txt", b"kind label.revoke\n");
        desk.write(
            "monitor.toml",
            b"[[watch]]\nname = \"recalls\"\nfile = \"recalls.txt\"\n",
        );
        Self { desk, log, parrot }
    }

    fn publish(&mut self, batch: &[Vec<u8>]) {
        self.log.append(batch);
        self.parrot.say(self.log.answers(&[]));
    }

    fn once_with(&self, more: &[&str]) -> Ended {
        let args = [
            "once",
            "--trust",
            "trust.toml",
            "--dir",
            "monitor",
            "--config",
            "monitor.toml",
        ];
        let mut command = self.desk.command_of(Program::Monitor);
        let done = command
            .args(args)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8(done.stdout).unwrap(),
            stderr: String::from_utf8(done.stderr).unwrap(),
        }
    }

    /// One look, and the alerts that are new.
    fn once(&self, code: i32) -> Vec<Value> {
        let ended = self.once_with(&["--json"]);
        assert_eq!(ended.code, code, "{ended:?}");
        let said = json_of(&ended);
        assert_eq!(said["exit"], code);
        said["result"]["alerts"].as_array().unwrap().clone()
    }
}

/// A log on paper as it is, but with another body under one path.
fn with(log: &PaperLog, path: &str, body: Option<Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let mut answers = log.answers(&[]);
    match body {
        Some(body) => answers.insert(path.to_owned(), body),
        None => answers.remove(path),
    };
    answers
}

fn rules(alerts: &[Value]) -> Vec<&str> {
    let rules = alerts.iter().map(|alert| alert["rule"].as_str().unwrap());
    rules.collect()
}

#[test]
fn an_honest_log_raises_nothing_and_a_revocation_is_told_with_its_proof() {
    let mut watched = Watched::begin();
    assert_eq!(watched.once(0), Vec::<Value>::new());
    watched.publish(&[issue(1_000)]);
    assert_eq!(watched.once(0), Vec::<Value>::new());
    watched.publish(&[issue(1_001), revoke(7)]);
    let told = watched.once_with(&[]);
    assert_eq!(told.code, 0, "{told:?}");
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines.len(), 1, "{told:?}");
    let alert: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(alert["rule"], "watch:recalls");
    assert_eq!(alert["event"]["subject"], label(7));

    // Who gets the alert checks it without the monitor.
    let text = |member: &str| alert["proof"][member].as_str().unwrap().as_bytes();
    watched.desk.write("event.note", text("entry"));
    watched.desk.write("event.tlog-proof", text("proof"));
    let args = ["verify", "event.tlog-proof", "--trust", "trust.toml"];
    let checked = watched
        .desk
        .run(&[&args[..], &["--event", "event.note"]].concat());
    assert_eq!(checked.code, 0, "{checked:?}");

    // Told once.
    assert_eq!(watched.once_with(&[]).stdout, "");
}

#[test]
fn a_canary_that_stays_away_is_told_once_whatever_restarts() {
    let mut watched = Watched::begin();
    let config = format!(
        "[canary]\norigin = \"{}\"\nauthority = \"{ISSUER}\"\nsilence = \"26h\"\n",
        world::ORIGIN
    );
    watched.desk.write("monitor.toml", config.as_bytes());
    assert_eq!(watched.once(0), Vec::<Value>::new());
    let file = format!("monitor/logs/{}/canary", world::ORIGIN);
    assert!(watched.desk.exists(&file));
    let begin = now().unix();
    for (hours, want) in [(27, 1), (27, 0), (53, 1), (53, 0)] {
        let since = Time::from_unix(begin - hours * 3_600).unwrap();
        let kept = format!("{ISSUER}\n{since}\n");
        watched.desk.write(&file, kept.as_bytes());
        let told = watched.once(16);
        assert_eq!(rules(&told), vec!["canary-silent"; want], "{hours} h");
    }
    watched.log.set_time(now());
    watched.publish(&[revoke(7)]);
    assert_eq!(rules(&watched.once(0)), ["canary-back"]);
    assert_eq!(watched.once(0), Vec::<Value>::new());
}

#[test]
fn what_was_logged_before_is_told_to_who_asks_for_it() {
    let mut watched = Watched::begin();
    watched.publish(&[revoke(7)]);
    assert_eq!(watched.once(0), Vec::<Value>::new());
    for since in ["0", "2020-01-01"] {
        let ended = watched.once_with(&["--json", "--since", since]);
        let told = json_of(&ended)["result"]["alerts"].clone();
        // The second time it is no news.
        let want = usize::from(since == "0");
        assert_eq!(told.as_array().unwrap().len(), want, "{ended:?}");
    }
    watched.publish(&[revoke(8)]);
    assert_eq!(rules(&watched.once(0)), ["watch:recalls"]);
}

#[test]
fn a_revocation_is_told_to_who_watches_the_product_the_holder_or_the_issuer() {
    let mut watched = Watched::begin();
    let lists = [
        ("gtin", "gtin 09521234001010\n"),
        ("holder", "holder gln:9521234000006\n"),
        ("issuer", "issuer label.jp.example kind label.revoke\n"),
        ("none", "gtin 09521234001027\n"),
    ];
    let mut config = String::new();
    for (name, list) in lists {
        watched.desk.write(name, list.as_bytes());
        config.push_str(&format!(
            "[[watch]]\nname = \"{name}\"\nfile = \"{name}\"\n"
        ));
    }
    watched.desk.write("monitor.toml", config.as_bytes());
    watched.once(0);
    watched.publish(&[revoke(7)]);
    let told = watched.once(0);
    assert_eq!(rules(&told), ["watch:gtin", "watch:holder", "watch:issuer"]);
}

#[test]
fn an_event_of_my_key_that_is_not_in_my_list_is_told() {
    let mut watched = Watched::begin();
    let key = world::key(ISSUER);
    let config = format!(
        "[own]\nkeys = [\"{}\"]\nevents = \"mine.txt\"\n",
        key.vkey()
    );
    watched.desk.write("monitor.toml", config.as_bytes());
    let mut mine = String::new();
    watched.desk.write("mine.txt", mine.as_bytes());
    watched.once(0);
    let note = String::from_utf8(revoke(1)).unwrap();
    mine.push_str(&format!("{}\n", world::id_of(&issue(1_000))));
    mine.push_str(&format!("{}\n", Value::from(note)));
    watched.desk.write("mine.txt", mine.as_bytes());
    watched.publish(&[issue(1_000), revoke(1), revoke(2)]);
    let told = watched.once(0);
    assert_eq!(rules(&told), ["not-mine"]);
    assert_eq!(told[0]["event"]["subject"], label(2));
    // A list that cannot be read makes nothing foreign.
    watched.desk.write("mine.txt", b"mine\n");
    watched.publish(&[revoke(3)]);
    let ended = watched.once_with(&[]);
    assert_eq!(ended.code, 10, "{ended:?}");
    assert!(ended.stderr.contains("mine.txt:1"), "{ended:?}");
}

#[test]
fn a_log_that_cannot_be_seen_is_not_accused() {
    let mut watched = Watched::begin();
    watched.once(0);
    // Nothing answers.
    watched.parrot.say(BTreeMap::new());
    assert_eq!(rules(&watched.once(69)), ["blind"]);
    // Another key signs under the name of the log.
    let stranger = labelproof_tests::paper_log::log_key();
    let text = watched.log.checkpoint(&[]).note().text().to_owned();
    let other = labelproof_core::key::SigningKey::from_seed(
        stranger.vkey().name().clone(),
        labelproof_core::key::KeyType::Note,
        [9; 32],
    );
    let line = other.sign_note(&text);
    let note = labelproof_core::note::Note::new(text, vec![line]).unwrap();
    watched
        .parrot
        .say(with(&watched.log, "/checkpoint", Some(note.to_bytes())));
    assert_eq!(rules(&watched.once(12)), ["blind"]);
    watched
        .parrot
        .say(with(&watched.log, "/checkpoint", Some(b"<html>".to_vec())));
    // Within the same second it is the same alert, so only the exit is looked at.
    watched.once(12);
    // And then all is well again, and what came meanwhile is told.
    watched.publish(&[revoke(7)]);
    assert_eq!(rules(&watched.once(0)), ["watch:recalls"]);
}

#[test]
fn what_proves_nothing_is_observed() {
    let mut watched = Watched::begin();
    watched.once(0);
    let before = watched.log.answers(&[]);
    watched.publish(&[issue(1_000)]);
    watched.once(0);
    // An older head: perhaps a copy that lags.
    watched.parrot.say(before);
    assert_eq!(rules(&watched.once(16)), ["head-went-back"]);
    // Four of seven witnesses.
    let few = watched.log.checkpoint(&["ca", "de", "fr", "gb"]);
    let note = few.note().to_bytes();
    watched
        .parrot
        .say(with(&watched.log, "/checkpoint", Some(note)));
    assert_eq!(rules(&watched.once(12)), ["quorum-lost"]);
    // A bundle with one bit changed, and one that is not there.
    watched.log.append(&[revoke(7)]);
    let answers = watched.log.answers(&[]);
    let is_new = |path: &&String| path.starts_with("/tile/entries/001.p/");
    let path = answers.keys().filter(is_new).max().unwrap().clone();
    let mut wrong = answers[&path].clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    watched.parrot.say(with(&watched.log, &path, Some(wrong)));
    let told = watched.once(11);
    assert_eq!(rules(&told), ["tile"]);
    assert!(told[0]["title"].as_str().unwrap().contains(&path[1..]));
    watched.parrot.say(answers);
    assert_eq!(rules(&watched.once(0)), ["watch:recalls"]);
}

#[test]
fn an_old_quorum_is_told() {
    let day = Time::from_unix(now().unix() - 86_400).unwrap();
    let watched = Watched::begin_at(day);
    assert_eq!(rules(&watched.once(16)), ["stale"]);
}

#[test]
fn own_files_that_are_wrong_accuse_nobody_and_are_made_anew() {
    let mut watched = Watched::begin();
    watched.once(0);
    let mirror = watched.desk.path("monitor/logs/labels.g7.example/mirror");
    let state = watched.desk.path("monitor/logs/labels.g7.example/state");
    let names = [
        mirror.join("tile/entries/000"),
        mirror.join("tile/0/000"),
        mirror.join("tile/0/001.p/60"),
        mirror.join("tile/1/000.p/1"),
        state,
    ];
    for (number, path) in (10..).zip(names) {
        let path = match path.exists() {
            true => path,
            // The edge has another name, as the log has grown.
            false => {
                let folder = path.parent().unwrap().to_owned();
                let mut files = std::fs::read_dir(folder).unwrap();
                files.next().unwrap().unwrap().path()
            }
        };
        let good = std::fs::read(&path).unwrap();
        let mut bytes = good.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        watched.publish(&[revoke(number)]);
        let told = watched.once_with(&["--json"]);
        assert_eq!(told.code, 0, "{}: {told:?}", path.display());
        let said = json_of(&told);
        let alerts = said["result"]["alerts"].as_array().unwrap();
        assert_eq!(rules(alerts), ["watch:recalls"], "{}", path.display());
        assert_eq!(said["result"]["logs"][0]["verified"], watched.log.size());
    }
    // The newest accepted head, damaged and lost.
    let head = watched
        .desk
        .path("monitor/logs/labels.g7.example/head.newest/labels.g7.example.checkpoint");
    for number in [20, 21] {
        match number {
            20 => std::fs::write(&head, b"labelproof-newest/v1\n").unwrap(),
            _ => std::fs::remove_file(&head).unwrap(),
        }
        watched.publish(&[revoke(number)]);
        assert_eq!(rules(&watched.once(0)), ["watch:recalls"]);
    }
    // A head that is older than the copy moves nothing back, also when only the copy remembers.
    let before = watched.log.answers(&[]);
    watched.publish(&[revoke(22)]);
    watched.once(0);
    std::fs::remove_file(&head).unwrap();
    watched.parrot.say(before);
    assert_eq!(rules(&watched.once(16)), ["head-went-back"]);
    watched.parrot.say(watched.log.answers(&[]));
    // Everything but the journal is gone.
    std::fs::remove_dir_all(watched.desk.path("monitor/logs")).unwrap();
    assert_eq!(watched.once(0), Vec::<Value>::new());
}

#[test]
fn folders_lists_and_configurations_with_mistakes_are_named() {
    let watched = Watched::begin();
    watched.once(0);
    let refused = |code: i32, words: &str| {
        let ended = watched.once_with(&[]);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
        assert_eq!(json_of(&watched.once_with(&["--json"]))["exit"], code);
    };
    watched
        .desk
        .write("recalls.txt", b"kind label.revoke\nproduct 1\n");
    refused(10, "recalls.txt:2:1: unknown word `product`");
    watched.desk.write("recalls.txt", b"# caf\xe9\n");
    refused(10, "Latin-1");
    watched.desk.write("recalls.txt", b"kind label.revoke\n");
    watched.desk.write("monitor.toml", b"[follow]\npoll = 5\n");
    refused(2, "monitor.toml:2:8");
    watched.desk.write(
        "monitor.toml",
        b"[canary]\norigin = \"other.example\"\nauthority = \"label.jp.example\"\nsilence = \"26h\"\n",
    );
    refused(
        2,
        "a [canary] of other.example, which the trust file does not name",
    );
    watched.desk.write(
        "monitor.toml",
        b"[[source]]\norigin = \"other.example\"\nfolder = \"mirror\"\n",
    );
    refused(2, "a [[source]] of other.example");
    watched.desk.write("monitor.toml", b"");
    let logs = watched.desk.path("monitor/logs");
    std::fs::create_dir(logs.join("other.example")).unwrap();
    refused(2, "other.example");
    std::fs::remove_dir(logs.join("other.example")).unwrap();
    watched
        .desk
        .write("monitor/labelproof-monitor", b"labelproof-monitor/v2\n");
    refused(2, "another version");
    watched
        .desk
        .write("monitor/labelproof-monitor", b"labelproof-monitor/v1\n");
    let mirror = logs.join("labels.g7.example/mirror/labelproof-mirror");
    std::fs::write(mirror, b"labelproof-mirror/v1\nlabels.g7.example\nAA==\n").unwrap();
    refused(2, "another log");
}
