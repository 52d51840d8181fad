//! The monitor as a daemon: what comes is told at once, what is changed holds at once, and a kill loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use labelproof_tests::http::{self, Answer};
use labelproof_tests::programs::Program;
use serde_json::Value;

use super::{Watched, label, revoke};
use crate::client::now;

/// A monitor that runs, and the lines it prints.
pub(super) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    pub(super) fn start(watched: &Watched) -> Self {
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(watched.desk.path("monitor.stderr"))
            .unwrap();
        let args = ["run", "--trust", "trust.toml", "--dir", "monitor"];
        let mut child = watched
            .desk
            .command_of(Program::Monitor)
            .args(args)
            .args(["--config", "monitor.toml", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    /// Where it answers over HTTP, once it has said so.
    pub(super) fn url(watched: &Watched) -> Option<String> {
        let said = std::fs::read_to_string(watched.desk.path("monitor.stderr")).ok()?;
        let (_, rest) = said.rsplit_once("listening on ")?;
        Some(rest.split_once('\n')?.0.to_owned())
    }

    /// What it answers over HTTP; it has printed its address before the first alert.
    fn get(watched: &Watched, path: &str) -> Answer {
        let url = Self::url(watched).unwrap();
        http::get(&format!("{url}{path}")).unwrap()
    }

    pub(super) fn next(&self) -> Value {
        let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub(super) fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_monitor_that_runs_tells_what_comes_and_stops_when_asked() {
    let mut watched = Watched::begin();
    watched.once(0);
    watched.desk.write(
        "monitor.toml",
        b"[follow]\npoll = \"100ms\"\npatience = \"100ms\"\n\
          [[watch]]\nname = \"recalls\"\nfile = \"recalls.txt\"\n\
          [[hook]]\nname = \"keep\"\ncommand = [\"/bin/sh\", \"-c\", \"cat >> told.jsonl\"]\n",
    );
    let running = Running::start(&watched);
    watched.publish(&[revoke(1)]);
    assert_eq!(running.next()["event"]["subject"], label(1));
    let feed = Running::get(&watched, "/feeds/recalls.atom");
    assert!(feed.text().contains(&label(1)), "{}", feed.text());
    let ready = Running::get(&watched, "/readyz");
    assert_eq!(ready.status, 200, "{}", ready.text());
    // A list that was broken holds on; one that was changed holds at once.
    watched.desk.write("recalls.txt", b"nonsense\n");
    let told = running.next();
    assert_eq!(told["rule"], "blind", "{told}");
    watched.publish(&[revoke(2)]);
    assert_eq!(running.next()["event"]["subject"], label(2));
    watched
        .desk
        .write("recalls.txt", format!("label {}\n", label(4)).as_bytes());
    watched.publish(&[revoke(3), revoke(4)]);
    assert_eq!(running.next()["event"]["subject"], label(4));
    // It goes blind, says so, and sees again.
    let answers = watched.log.answers(&[]);
    watched.parrot.say(BTreeMap::new());
    assert_eq!(running.next()["rule"], "blind");
    watched.parrot.say(answers);
    assert_eq!(running.next()["rule"], "sees-again");
    assert_eq!(running.stop(), 0);
    let hooked = std::fs::read_to_string(watched.desk.path("told.jsonl")).unwrap();
    assert_eq!(hooked.lines().count(), 6, "{hooked}");
}

#[test]
fn an_event_that_should_come_and_does_not_is_missed_once() {
    let mut watched = Watched::begin();
    watched.once(0);
    watched.desk.write(
        "monitor.toml",
        b"[follow]\npoll = \"100ms\"\n\
          [[watch]]\nname = \"recalls\"\nfile = \"recalls.txt\"\n\
          [canary]\norigin = \"labels.g7.example\"\nauthority = \"label.jp.example\"\nsilence = \"3s\"\n",
    );
    let running = Running::start(&watched);
    watched.log.set_time(now());
    watched.publish(&[revoke(1)]);
    assert_eq!(running.next()["rule"], "watch:recalls");
    let silent = running.next();
    assert_eq!(silent["rule"], "canary-silent", "{silent}");
    assert!(
        silent["title"]
            .as_str()
            .unwrap()
            .contains("label.jp.example")
    );
    // It comes again, and what is told next is that.
    watched.log.set_time(now());
    watched.publish(&[revoke(2)]);
    assert_eq!(running.next()["rule"], "watch:recalls");
    assert_eq!(running.stop(), 0);
}

#[test]
fn killed_at_any_moment_it_loses_no_alert_and_numbers_each_once() {
    let mut watched = Watched::begin();
    watched.once(0);
    watched.desk.write(
        "monitor.toml",
        b"[follow]\npoll = \"100ms\"\n[[watch]]\nname = \"recalls\"\nfile = \"recalls.txt\"\n",
    );
    for round in 0..25 {
        let running = Running::start(&watched);
        for part in 0..4 {
            watched.publish(&[revoke(round * 4 + part)]);
            std::thread::sleep(Duration::from_millis(u64::from(
                (round * 37 + part * 11) % 60,
            )));
        }
        running.kill();
    }
    let running = Running::start(&watched);
    watched.publish(&[revoke(200)]);
    while running.next()["event"]["subject"] != label(200) {}
    assert_eq!(running.stop(), 0);
    let journal = std::fs::read_to_string(watched.desk.path("monitor/alerts.jsonl")).unwrap();
    let mut subjects = BTreeSet::new();
    for (line, number) in journal.lines().zip(1..) {
        let alert: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            alert["number"], number,
            "no number twice, and none is missing"
        );
        let subject = alert["event"]["subject"].as_str().unwrap().to_owned();
        assert!(subjects.insert(subject), "told once: {line}");
    }
    assert_eq!(subjects.len(), 101);
}
