//! `log`, `get` and `tail`: a log read as a whole, by a client that believes none of it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use labelproof_core::event::EventId;
use labelproof_tests::network::{Ended, Network};
use labelproof_tests::paper_log::{PaperLog, Parrot};
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use serde_json::{Value, json};

use crate::client::{Desk, json_of, now};
use crate::demo_network;

/// The end of a command with `--json`, which is the last line it prints.
fn report(ended: &Ended) -> Value {
    serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
}

/// The entries that `tail --json` printed.
fn entries(ended: &Ended) -> Vec<Value> {
    let lines = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter_map(|line| line.get("entry").cloned())
        .collect()
}

fn indices(ended: &Ended) -> Vec<u64> {
    entries(ended)
        .iter()
        .map(|entry| entry["index"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_log_is_described_and_its_word_is_told_from_what_is_verified() {
    let network = demo_network("log");
    let verified = json_of(&network.client(&["log", "--json"]));
    let result = &verified["result"];
    assert_eq!(
        (&verified["exit"], &result["verified"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(result["origin"], world::ORIGIN);
    assert_eq!(result["vkeys"], json!([network.log_vkey()]));
    assert_eq!(result["remarks"], json!([]));
    assert_eq!(result["witnesses"].as_array().unwrap().len(), 7);
    assert!(result["limits"]["entry_bytes"].is_u64(), "{result}");
    let cosigned = result["witnesses"].as_array().unwrap().iter();
    assert!(
        cosigned
            .filter(|witness| witness["age_seconds"].is_u64())
            .count()
            >= 5
    );

    let mut alone = network.command(Program::Client);
    let url = network.log_url();
    let said = alone.args(["log", "--log", &url]).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("UNVERIFIED"), "{said}");
    assert!(said.contains("All of this is the log's word"), "{said}");
}

#[test]
fn an_entry_is_shown_and_kept_with_a_proof_that_verify_takes() {
    let network = demo_network("get");
    let issued = world::issue("jp.jc-star/EX-1", "label.jp.example");
    network.submit_all(std::slice::from_ref(&issued)).unwrap();
    let id = world::id_of(&issued).to_string();
    let by_id = json_of(&network.client(&["get", &id, "--json", "--out", "entry"]));
    let index = by_id["result"]["index"].as_u64().unwrap().to_string();
    assert_eq!(by_id["result"]["event"], id);
    assert_eq!(std::fs::read(network.dir().join("entry")).unwrap(), issued);
    let verified = network.client(&["verify", "entry.tlog-proof", "--event", "entry"]);
    assert_eq!(verified.code, 0, "{verified:?}");

    let raw = network.client(&["get", &index, "--raw"]);
    assert_eq!((raw.code, raw.stdout.as_bytes()), (0, issued.as_slice()));
    let people = network.client(&["get", &index]);
    assert!(
        people
            .stdout
            .starts_with("LOGGED  label.issue jp.jc-star/EX-1"),
        "{people:?}"
    );
    let head = network.client(&["get", "1"]);
    assert!(head.stdout.starts_with("LOGGED  state.head"), "{head:?}");

    let beyond = network.client(&["get", "1000000"]);
    assert_eq!(beyond.code, 11, "{beyond:?}");
    let unknown = EventId::from_bytes([7; 32]).to_string();
    assert_eq!(network.client(&["get", &unknown]).code, 69);
    assert_eq!(network.client(&["get", "EX-1"]).code, 2);
    assert_eq!(network.client(&["get", "1", "--raw", "--json"]).code, 2);
}

/// `tail --follow --json` while it runs.
struct Tail {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Tail {
    fn start(mut command: Command, args: &[&str]) -> Self {
        let mut child = command
            .args(["tail", "--follow", "--json"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    fn end(self) -> Ended {
        let rest: Vec<String> = self.lines.map_while(Result::ok).collect();
        let output = self.child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: rest.join("\n"),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn terminate(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
}

fn follow(network: &Network, args: &[&str]) -> Tail {
    let mut command = network.command(Program::Client);
    command
        .env("LABELPROOF_TRUST", network.trust())
        .env("LABELPROOF_LOG", network.log_url());
    Tail::start(command, args)
}

#[test]
fn entries_are_shown_as_they_come_until_the_program_is_asked_to_stop() {
    let mut network = demo_network("tail");
    let all = network.client(&["tail", "--from", "0", "--json"]);
    let size = report(&all)["result"]["next"].as_u64().unwrap();
    assert_eq!(indices(&all), (0..size).collect::<Vec<_>>());
    let three = network.client(&["tail", "-n", "3", "--json"]);
    assert_eq!(indices(&three), (size - 3..size).collect::<Vec<_>>());
    let schemes = network.client(&["tail", "--from", "0", "--kind", "scheme", "--json"]);
    let kinds = entries(&schemes);
    assert_eq!(kinds.len(), 4);
    assert!(kinds.iter().all(|entry| entry["kind"] == "scheme.define"));
    assert_eq!(network.client(&["tail", "--kind", "label.nothing"]).code, 2);

    let mut tail = follow(&network, &["-n", "0", "--kind", "label"]);
    let mut expect = |label: &str, network: &Network| {
        let issued = world::issue(label, "label.jp.example");
        network.submit_all(std::slice::from_ref(&issued)).unwrap();
        let line = tail.next();
        assert_eq!(line["entry"]["event"], world::id_of(&issued).to_string());
        assert_eq!(line["entry"]["subject"], label);
    };
    expect("jp.jc-star/EX-1", &network);
    // While the log is away nothing is lost; when it is back at its address, the tail goes on.
    network.kill_log().unwrap();
    network.start_log().unwrap();
    network.wait_until_ready();
    expect("jp.jc-star/EX-2", &network);
    terminate(&tail.child);
    let ended = tail.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(report(&ended)["result"]["shown"], 2);
}

#[test]
fn a_fork_ends_the_tail_with_evidence() {
    let mut log = PaperLog::founded(now());
    let parrot = Parrot::start(log.answers(&[])).unwrap();
    let desk = Desk::trusting(parrot.url());
    let mut command = desk.command();
    command.env("LABELPROOF_TRUST", desk.path("trust.toml"));
    let mut tail = Tail::start(command, &["-n", "1"]);
    assert_eq!(tail.next()["entry"]["kind"], "state.head");
    let mut other = PaperLog::founded(now());
    log.append(&[world::issue("jp.jc-star/EX-1", "label.jp.example")]);
    other.append(&[world::issue("jp.jc-star/EX-2", "label.jp.example")]);
    parrot.say(log.answers(&[]));
    assert_eq!(tail.next()["entry"]["subject"], "jp.jc-star/EX-1");
    parrot.say(other.answers(&[]));
    let ended = tail.end();
    assert_eq!(ended.code, 20, "{ended:?}");
    let evidence = report(&ended)["result"]["evidence"]
        .as_str()
        .unwrap()
        .to_owned();
    let judged = desk.run(&["verify", &evidence, "--trust", "trust.toml"]);
    assert_eq!(judged.code, 20, "{judged:?}");
}

#[test]
fn nothing_that_is_not_proved_is_shown() {
    let mut log = PaperLog::founded(now());
    log.append(&[world::issue("jp.jc-star/EX-1", "label.jp.example")]);
    let honest = log.answers(&[]);
    let parrot = Parrot::start(honest.clone()).unwrap();
    let desk = Desk::trusting(parrot.url());
    let tail = || desk.run(&["tail", "--from", "0", "--json", "--trust", "trust.toml"]);
    let get = || desk.run(&["get", "0", "--trust", "trust.toml"]);
    assert_eq!((tail().code, get().code), (0, 0));
    let tiles: Vec<&String> = honest
        .keys()
        .filter(|path| *path != "/checkpoint")
        .collect();
    for path in tiles {
        for bit in [0, 8 * honest[path].len() / 2, 8 * honest[path].len() - 1] {
            let mut bytes = honest[path].clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            parrot.say_at(path, Some(bytes));
            let (tail, get) = (tail(), get());
            assert_eq!(
                (tail.code, get.code),
                (11, 11),
                "{path} bit {bit}: {tail:?} {get:?}"
            );
            assert_eq!(
                (entries(&tail).len(), get.stdout.as_str()),
                (0, ""),
                "{path} bit {bit}"
            );
        }
        parrot.say_at(path, None);
        assert_eq!((tail().code, get().code), (69, 69), "{path} is gone");
        parrot.say_at(path, Some(honest[path].clone()));
    }
    let few = log.checkpoint(&["jp", "us", "gb", "de"]).note().to_bytes();
    parrot.say_at("/checkpoint", Some(few));
    assert_eq!((tail().code, get().code), (12, 12));
    let alone = desk.run(&["log", "--trust", "trust.toml"]);
    assert_eq!(alone.code, 12, "{alone:?}");
}
