//! What a log says to a batch, and what the sender makes of each line: a busy log, a lost connection, a lie.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::Duration;

use labelproof::batch::{Mode, Note, Outcome, Sender};
use labelproof::log_server::LogServer;
use labelproof::patience::{Pause, Wish};
use labelproof::trust::TrustFile;
use labelproof_core::event::Event;
use labelproof_core::merkle::LeafHash;
use labelproof_host::fetch::Fetch;
use labelproof_tests::paper_log::{PaperLog, policy};
use labelproof_tests::world;
use serde_json::json;

use crate::client::{issue, then};

/// A log on paper with three labels of a batch, and the answer that an honest server gives to it.
struct Batch {
    notes: Vec<(Event, String)>,
    lines: Vec<String>,
}

impl Batch {
    fn new() -> Self {
        let entries: Vec<Vec<u8>> = (1..=3)
            .map(|n| issue(&format!("jp.jc-star/EX-{n}")))
            .collect();
        let mut log = PaperLog::founded(then());
        log.append(&entries);
        let mut notes = Vec::new();
        let mut lines = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let event = Event::parse(entry).unwrap();
            let index = log.index_of(entry).unwrap();
            let proof = log.proof_by(index, &world::WITNESSES).to_bytes();
            let line = json!({
                "line": place + 1, "status": 201, "index": index.get(), "event": event.id().to_string(),
                "leaf": LeafHash::of_entry(entry).to_string(), "proof": String::from_utf8(proof).unwrap(),
            });
            lines.push(format!("{line}\n"));
            notes.push((event, String::from_utf8(entry.clone()).unwrap()));
        }
        Self { notes, lines }
    }

    /// The lines of these places, numbered as an answer to just them.
    fn lines_of(&self, places: &[usize]) -> String {
        let numbered = places.iter().enumerate().map(|(number, place)| {
            let line: serde_json::Value = serde_json::from_str(&self.lines[*place]).unwrap();
            let mut line = line;
            line["line"] = json!(number + 1);
            format!("{line}\n")
        });
        numbered.collect()
    }

    /// What the sender makes of these answers, by place, and how long it wanted to wait before each but the first.
    fn send(&self, answers: Vec<String>, wish: Wish) -> (Vec<Outcome>, Vec<Duration>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let genesis = LeafHash::of_entry(&world::genesis());
        let file = TrustFile::first(&world::origin(), genesis, &policy(&url)).unwrap();
        let trust = TrustFile::parse(file.as_bytes()).unwrap();
        let server = LogServer::at(&url, Fetch::default()).unwrap();
        let pauses = Pauses {
            asked: Mutex::default(),
            wish,
        };
        let notes: Vec<Note<'_>> = self
            .notes
            .iter()
            .map(|(event, text)| Note {
                event: event.id(),
                text,
            })
            .collect();
        let mut outcomes: Vec<Option<Outcome>> = notes.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            scope.spawn(move || speak(&listener, &answers));
            let sender = Sender::new(
                &server,
                trust.only_log().unwrap(),
                then(),
                Mode::Take,
                &pauses,
            );
            sender.send(&notes, |place, outcome| {
                assert!(
                    outcomes[place].replace(outcome).is_none(),
                    "one outcome each"
                );
            });
        });
        let outcomes = outcomes.into_iter().map(Option::unwrap).collect();
        (outcomes, pauses.asked.into_inner().unwrap())
    }
}

/// Gives one answer a connection, in order, then listens no more.
fn speak(listener: &TcpListener, answers: &[String]) {
    for answer in answers {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
        reader.into_inner().write_all(answer.as_bytes()).unwrap();
    }
}

#[derive(Debug)]
struct Pauses {
    asked: Mutex<Vec<Duration>>,
    wish: Wish,
}

impl Pause for Pauses {
    fn pause(&self, time: Duration) -> Wish {
        self.asked.lock().unwrap().push(time);
        self.wish
    }
}

/// An answer whose end is the end of the connection.
fn ok(lines: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/jsonl\r\nConnection: close\r\n\r\n{lines}"
    )
}

fn busy(seconds: u64) -> String {
    let body = r#"{"type":"urn:labelproof:problem:quota","title":"too much","status":429}"#;
    format!(
        "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\nRetry-After: {seconds}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn words(outcomes: &[Outcome]) -> Vec<&'static str> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Proved { .. } => "proved",
        Outcome::Known { .. } => "known",
        Outcome::Accepted => "accepted",
        Outcome::Refused(_) => "refused",
        Outcome::Unproved { .. } => "unproved",
        Outcome::Promised { .. } => "promised",
        Outcome::Unanswered(_) => "unanswered",
    };
    outcomes.iter().map(word).collect()
}

const ALL: [usize; 3] = [0, 1, 2];

#[test]
fn a_busy_log_is_given_the_time_it_asks_for() {
    let batch = Batch::new();
    let answers = vec![busy(7), ok(&batch.lines_of(&ALL))];
    let (outcomes, pauses) = batch.send(answers, Wish::GoOn);
    assert_eq!(words(&outcomes), ["proved"; 3]);
    assert!(
        pauses.len() == 1 && pauses[0] >= Duration::from_secs(7),
        "{pauses:?}"
    );
}

#[test]
fn what_a_lost_connection_took_with_it_is_sent_again_and_nothing_else() {
    let batch = Batch::new();
    let half = &batch.lines[1][..batch.lines[1].len() / 2];
    let cut = ok(&format!("{}{half}", batch.lines[0]));
    // Another line than the second and third of the batch would be no answer to what is sent again.
    let (outcomes, pauses) = batch.send(vec![cut, ok(&batch.lines_of(&[1, 2]))], Wish::GoOn);
    assert_eq!((words(&outcomes), pauses.len()), (vec!["proved"; 3], 1));
}

#[test]
fn a_proof_with_one_letter_changed_proves_nothing() {
    let batch = Batch::new();
    let honest: serde_json::Value = serde_json::from_str(&batch.lines[1]).unwrap();
    let proof = honest["proof"].as_str().unwrap();
    // The letter in the middle of each line: of path, head and signatures, each by itself.
    let mut at = 0;
    for text in proof.split_inclusive('\n') {
        let place = at + text.len() / 2;
        at += text.len();
        if text.len() < 2 {
            continue;
        }
        let letter = if &proof[place..=place] == "A" {
            "B"
        } else {
            "A"
        };
        let mut line = honest.clone();
        line["proof"] = json!(format!(
            "{}{letter}{}",
            &proof[..place],
            &proof[place + 1..]
        ));
        let lines = format!("{}{line}\n{}", batch.lines[0], batch.lines[2]);
        let (outcomes, _) = batch.send(vec![ok(&lines)], Wish::Stop);
        assert_eq!(words(&outcomes), ["proved", "unproved", "proved"], "{text}");
    }
}

#[test]
fn an_answer_about_other_events_is_none() {
    let batch = Batch::new();
    for wrong in [
        batch.lines_of(&[1, 0, 2]),
        format!("{}{}{}", batch.lines[1], batch.lines[0], batch.lines[2]),
        "hello\n".to_owned(),
        String::new(),
    ] {
        let (outcomes, pauses) = batch.send(vec![ok(&wrong)], Wish::GoOn);
        assert_eq!(
            (words(&outcomes), pauses),
            (vec!["unanswered"; 3], vec![]),
            "{wrong}"
        );
    }
}

#[test]
fn who_wants_to_wait_no_more_keeps_what_was_proved() {
    let batch = Batch::new();
    let refused = json!({
        "line": 2, "status": 503, "type": "urn:labelproof:problem:pool-full", "title": "full", "detail": "come again",
    });
    let lines = format!("{}{refused}\n{}", batch.lines[0], batch.lines[2]);
    let (outcomes, pauses) = batch.send(vec![ok(&lines)], Wish::Stop);
    assert_eq!(words(&outcomes), ["proved", "unanswered", "proved"]);
    assert_eq!(pauses.len(), 1);
}
