//! The monitor over real connections.

mod handed;
mod pages;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use labelproof_core::merkle::{LeafHash, TreeSize, WholeTree};
use labelproof_host::{clock::ManualClock, fs::RealFs, serve::Limits};

use super::*;
use crate::{alert::Alert, board, samples};

/// A monitor of one log, on a clock that stands.
struct World {
    _dir: tempfile::TempDir,
    journal: Journal,
    board: Board,
    clock: ManualClock,
    server: Server,
}

impl World {
    fn new() -> Self {
        Self::with(|service| service)
    }

    fn with(more: impl FnOnce(Service) -> Service) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = journal(dir.path());
        let board = Board::new(vec![standing(dir.path())]);
        let clock = ManualClock::at(samples::at(100).unix() * 1_000);
        let service = Service::new(
            board.clone(),
            journal.clone(),
            vec!["recalls".parse().unwrap(), "quiet".parse().unwrap()],
            Arc::new(clock.clone()),
            Duration::from_secs(5),
        );
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(more(service), any, Limits::default()).unwrap();
        Self {
            _dir: dir,
            journal,
            board,
            clock,
            server,
        }
    }

    /// Raises the alert of a revocation at each of these entries.
    fn tell(&self, entries: impl Iterator<Item = u64>) {
        let list = "recalls".parse().unwrap();
        let alert = |entry| {
            let logged = samples::logged(entry, samples::revoke(entry));
            Alert::watched(&list, "kind label.revoke", &logged, samples::at(entry))
        };
        self.journal.append(entries.map(alert).collect()).unwrap();
    }

    fn get(&self, path: &str) -> Answer {
        ask(self.server.address(), "GET", path, &[], b"")
    }

    fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.get(path).body).unwrap()
    }
}

fn journal(dir: &Path) -> Journal {
    Journal::open(Arc::new(RealFs::new()), dir).unwrap()
}

/// A log of nine entries, all verified, asked just now.
fn standing(dir: &Path) -> board::Standing {
    let tree = WholeTree::new((0..9_u64).map(|entry| LeafHash::of_entry(&entry.to_be_bytes())));
    let head = samples::checkpoint(&tree);
    let keys = vec![samples::log_key().vkey().clone()];
    let source = "https://labels.g7.example".to_owned();
    board::Standing {
        downloaded: TreeSize::new(9),
        verified: TreeSize::new(9),
        as_of: Some(samples::at(90)),
        cosigned: vec![
            ("jp".to_owned(), Some(samples::at(80))),
            ("it".to_owned(), None),
        ],
        polled: Some(samples::at(99)),
        entries: 9,
        witnessed: Some(head),
        ..board::Standing::begin(samples::origin(), keys, source, dir.to_owned())
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

fn send(stream: &mut TcpStream, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: monitor.example\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!(
        "content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A server that has heard enough need not take it all.
    let _ = stream.write_all(body);
}

fn ask(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(at).unwrap();
    send(&mut stream, method, path, headers, body);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A reader of the stream.
struct Events(BufReader<TcpStream>);

impl Events {
    fn open(world: &World, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = TcpStream::connect(world.server.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        send(&mut stream, "GET", path, headers, b"");
        let mut events = Self(BufReader::new(stream));
        assert_eq!(events.line(), "HTTP/1.1 200 OK");
        while !events.line().is_empty() {}
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The id of the next alert, whose data is its line.
    fn next(&mut self) -> u64 {
        let mut id = String::new();
        loop {
            let line = self.line();
            if let Some(value) = line.strip_prefix("id: ") {
                value.clone_into(&mut id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let told = crate::alert::Numbered::from_json(data).unwrap();
                assert_eq!(told.number().to_string(), id);
                return told.number();
            }
        }
    }

    /// Whether nothing comes any more.
    fn is_over(&mut self) -> bool {
        let mut rest = String::new();
        let _ = self.0.read_to_string(&mut rest);
        !rest.contains("data: ")
    }
}

#[test]
fn alerts_come_page_by_page() {
    let world = World::new();
    let page = world.json("/v1/alerts");
    assert_eq!(
        page,
        serde_json::json!({"alerts": [], "next": 0, "newest": 0})
    );
    world.tell(1..=5);
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = world.json(&format!("/v1/alerts?after={after}&limit=2"));
        assert_eq!(page["newest"], 5);
        let alerts = page["alerts"].as_array().unwrap();
        if alerts.is_empty() {
            break;
        }
        assert!(alerts.len() <= 2);
        seen.extend(alerts.iter().map(|alert| alert["number"].as_u64().unwrap()));
        after = page["next"].as_u64().unwrap();
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    // Each line stands in it as it stands in the journal.
    let line = world.journal.read(2, 1).unwrap().remove(0).to_json();
    assert!(world.get("/v1/alerts?after=2&limit=1").body.contains(&line));
    let one = world.get("/v1/alerts/3");
    assert_eq!((one.status, one.body), (200, line + "\n"));
    for (path, status, code) in [
        ("/v1/alerts?after=x", 400, "bad-query"),
        ("/v1/alerts?limit=0", 400, "bad-query"),
        ("/v1/alerts?limit=1001", 400, "bad-query"),
        ("/v1/alerts?before=1", 400, "bad-query"),
        ("/v1/alerts/6", 404, "not-found"),
        ("/v1/alerts/0", 404, "not-found"),
        ("/v1/alerts/first", 400, "bad-address"),
        ("/v1/alerts/%ff", 400, "bad-address"),
        ("/feeds/%ff.atom", 400, "bad-address"),
        ("/v1/alert", 404, "not-found"),
        ("/feeds/other.atom", 404, "not-found"),
        ("/feeds/recalls", 404, "not-found"),
        ("/v1/stream?after=-1", 400, "bad-query"),
    ] {
        let answer = world.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["title"], code, "{path}");
    }
    let posted = ask(world.server.address(), "POST", "/v1/alerts", &[], b"");
    assert_eq!(
        (posted.status, posted.header("allow")),
        (405, Some("GET,HEAD"))
    );
}

#[test]
fn a_reader_who_reconnects_loses_nothing_and_gets_nothing_twice() {
    let world = World::new();
    world.tell(1..=3);
    let mut reader = Events::open(&world, "/v1/stream?after=0", &[]);
    let mut seen = vec![reader.next(), reader.next()];
    // It goes in the middle, alerts come meanwhile, and it comes back with the last it has.
    drop(reader);
    world.tell(4..=40);
    let last = seen.last().unwrap().to_string();
    let mut reader = Events::open(&world, "/v1/stream?after=0", &[("last-event-id", &last)]);
    while seen.len() < 40 {
        seen.push(reader.next());
    }
    world.tell(41..=41);
    seen.push(reader.next());
    assert_eq!(seen, (1..=41).collect::<Vec<_>>());
    // One who names nothing begins with what comes; one who names a number of another journal begins anew.
    let mut fresh = Events::open(&world, "/v1/stream", &[]);
    let mut other = Events::open(&world, "/v1/stream", &[("last-event-id", "99")]);
    world.tell(42..=42);
    assert_eq!((fresh.next(), other.next()), (42, 1));
    let wrong = ask(
        world.server.address(),
        "GET",
        "/v1/stream",
        &[("last-event-id", "x")],
        b"",
    );
    assert_eq!(wrong.status, 400);
    drop((reader, other));
    world.server.stop();
    assert!(fresh.is_over());
}

#[test]
fn readers_of_the_stream_are_as_many_as_there_are_places() {
    let world = World::with(|service| service.with_streams(1));
    let reader = Events::open(&world, "/v1/stream", &[]);
    let busy = world.get("/v1/stream");
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")));
    assert!(
        world
            .get("/metrics")
            .body
            .contains("\nlabelproof_monitor_streams 1\n")
    );
    drop(reader);
}

#[test]
fn it_is_ready_while_it_sees_and_says_why_it_is_not() {
    let world = World::new();
    assert_eq!(world.get("/livez").status, 200);
    let ready = world.get("/readyz");
    assert_eq!(ready.status, 200, "{}", ready.body);
    let sees = world.board.logs().remove(0);
    let blind = board::Standing {
        blind: Some((samples::at(95), "the source does not answer".to_owned())),
        ..sees.clone()
    };
    let behind = board::Standing {
        verified: TreeSize::EMPTY,
        downloaded: TreeSize::new(20_000),
        ..sees.clone()
    };
    let fresh = board::Standing {
        polled: None,
        witnessed: None,
        ..sees.clone()
    };
    for (standing, wants) in [
        (
            blind,
            vec![
                "blind on labels.g7.example since 2026-09-21T14:14:55Z: the source does not answer",
            ],
        ),
        (
            behind,
            vec!["20000 entries of labels.g7.example wait to be verified"],
        ),
        (
            fresh,
            vec![
                "labels.g7.example has not answered yet",
                "no head of labels.g7.example is accepted yet",
            ],
        ),
    ] {
        world.board.put(standing);
        assert_eq!(world.get("/readyz").status, 503);
        // Whoever has the answer already is told again.
        let known = [("if-none-match", "*")];
        let again = ask(world.server.address(), "GET", "/readyz", &known, b"");
        assert_eq!((again.status, again.header("etag")), (503, None));
        let report = world.json("/readyz");
        assert_eq!(
            (&report["ready"], &report["reasons"]),
            (&false.into(), &wants.into())
        );
        assert_eq!(world.get("/livez").status, 200);
    }
    world.board.put(sees);
    world.clock.advance(400_000);
    let late = world.json("/readyz");
    let why = late["reasons"][0].as_str().unwrap();
    assert!(
        why.starts_with("labels.g7.example last answered at"),
        "{why}"
    );
}

#[test]
fn metrics_are_the_board_the_journal_and_the_channels() {
    let world = World::new();
    world.tell(1..=2);
    let page = world.get("/metrics").body;
    for line in [
        "labelproof_monitor_verified_entries{log=\"labels.g7.example\"} 9",
        "labelproof_monitor_backlog_entries{log=\"labels.g7.example\"} 0",
        "labelproof_monitor_witnessed_age_seconds{log=\"labels.g7.example\"} 10",
        "labelproof_monitor_polled_age_seconds{log=\"labels.g7.example\"} 1",
        "labelproof_monitor_cosigned_age_seconds{log=\"labels.g7.example\",witness=\"jp\"} 20",
        "labelproof_monitor_blind{log=\"labels.g7.example\"} 0",
        "labelproof_monitor_alerts_total{rule=\"watch:recalls\"} 2",
        "labelproof_monitor_damaged_lines 0",
        "labelproof_monitor_connections 1",
    ] {
        assert!(page.lines().any(|known| known == line), "{line} in\n{page}");
    }
    assert!(!page.contains("witness=\"it\""), "of whom nothing was seen");
    let names = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names: Vec<&str> = names.map(|line| line.split(' ').next().unwrap()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "each once");
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("labelproof_monitor_"))
    );
}
