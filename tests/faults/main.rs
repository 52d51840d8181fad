//! The log killed at its system calls, as `strace` counts them: nothing acknowledged is lost, nothing signed twice.
//!
//! ```text
//! for each call that touches the disk, for n = 1, 2, …:
//!     run the log under strace -e inject=CALL:signal=KILL:when=n and give it events until it dies
//!     start it again: every acknowledged event is at its index, and `labelproof-log fsck` finds nothing
//! until the log outlives its work
//! ```
//! Needs `strace`. A sample of the cases runs by default, all with `LABELPROOF_FAULTS=all`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::Path;
use std::process::Command;

use labelproof_tests::network::Network;
use labelproof_tests::programs::Program;
use labelproof_tests::{http, world};

const ISSUER: &str = "label.jp.example";

#[test]
fn a_log_killed_at_any_write_loses_nothing() {
    kill_at_each("write");
}

#[test]
fn a_log_killed_at_any_write_at_an_offset_loses_nothing() {
    kill_at_each("pwrite64");
}

#[test]
fn a_log_killed_at_any_sync_loses_nothing() {
    kill_at_each("fsync");
}

#[test]
fn a_log_killed_at_any_rename_loses_nothing() {
    kill_at_each("rename");
}

fn kill_at_each(call: &str) {
    if !strace_works() {
        assert!(
            std::env::var_os("CI").is_none(),
            "strace is missing: apt-get install strace"
        );
        eprintln!("skipped: needs strace, which may trace its children");
        return;
    }
    let dir = tempfile::Builder::new().prefix("faults").tempdir().unwrap();
    let demo = Path::new(env!("CARGO_BIN_EXE_labelproof-demo"));
    let mut network = Network::start(demo, dir.path()).unwrap();
    let step = if std::env::var_os("LABELPROOF_FAULTS").is_some() {
        1
    } else {
        SAMPLE_STEP
    };
    let mut acknowledged = Vec::new();
    let mut killed = 0;
    for when in (1..=MOST_CASES).step_by(step) {
        network.take_log().unwrap().stop().unwrap();
        let inject = format!("inject={call}:signal=KILL:when={when}");
        let trace = network.dir().join("strace.out");
        let under = [
            "strace",
            "-D", // The log is our child, and strace beside it: signals meet the log.
            "-f",
            "-qq",
            "-o",
            trace.to_str().unwrap(),
            "-e",
            &inject,
        ];
        let outlived = match network.start_log_under(&under) {
            Ok(()) => work(
                &network,
                &format!("{}-{when}", call.to_uppercase()),
                &mut acknowledged,
            ),
            // Killed before it printed its address.
            Err(_) => false,
        };
        if outlived {
            network.take_log().unwrap().stop().unwrap();
        } else {
            killed += 1;
            drop(network.take_log());
        }
        network.start_log().unwrap();
        network.wait_until_ready();
        check(&network, &acknowledged);
        if outlived {
            break;
        }
    }
    assert!(killed > 0, "no {call} was met");
    eprintln!(
        "{call}: killed {killed} times, {} events acknowledged, all found",
        acknowledged.len()
    );
}

/// Gives the log events; answers whether it outlived them all.
fn work(network: &Network, name: &str, acknowledged: &mut Vec<(Vec<u8>, u64)>) -> bool {
    let url = format!("{}/v1/events", network.log_url());
    for number in 0..EVENTS {
        let note = world::issue(&format!("jp.jc-star/{name}-{number}"), ISSUER);
        for _ in 0..MOST_TRIES {
            match http::post(&url, &[("Prefer", "respond-async")], &note) {
                None => return false,
                Some(answer) if answer.status == 503 => {} // Starting, or dying.
                Some(answer) => {
                    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
                    acknowledged.push((note, answer.json()["index"].as_u64().unwrap()));
                    break;
                }
            }
        }
    }
    true
}

fn check(network: &Network, acknowledged: &[(Vec<u8>, u64)]) {
    let mark = world::issue(
        &format!("jp.jc-star/MARK-{}", network.get("/v1/log").json()["size"]),
        ISSUER,
    );
    let answer = network.submit(&mark);
    assert_eq!(answer.status, 201, "{}", answer.text());
    for (note, index) in acknowledged {
        let id = world::id_of(note);
        let found = network.get(&format!("/v1/events/{id}"));
        assert_eq!(
            (found.status, &found.body),
            (200, note),
            "event {id} at {index}"
        );
        let again = network.submit_async(note);
        assert_eq!(
            again.json()["index"].as_u64(),
            Some(*index),
            "{}",
            again.text()
        );
    }
    let fsck = network
        .command(Program::Log)
        .args([
            "fsck",
            "--url",
            &network.log_url(),
            "--vkey",
            network.log_vkey(),
        ])
        .output()
        .unwrap();
    assert!(
        fsck.status.success(),
        "{}",
        String::from_utf8_lossy(&fsck.stderr)
    );
}

fn strace_works() -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .status();
    traced.is_ok_and(|status| status.success())
}

/// A start and three batches make fewer calls of one kind; beyond it something loops.
const MOST_CASES: usize = 400;
/// In a sample, every so many calls.
const SAMPLE_STEP: usize = 7;
/// Each is a batch of its own when it is waited for.
const EVENTS: u32 = 3;
/// A log that starts answers 503 for tens of milliseconds.
const MOST_TRIES: usize = 5_000;
