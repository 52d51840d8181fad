//! Connections that hold something and give nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use labelproof_tests::world;

use super::{Limited, read_to_close, report};

const QUICK: &str = "[limits]\nhead_timeout = \"1s\"\nbody_window = \"1s\"\nbody_window_bytes = 1000\n\
                     write_stall = \"1s\"\nconnections = 2000\n";

/// A stranger who sends a byte now and then, or reads nothing.
struct Slow {
    what: &'static str,
    stream: TcpStream,
    drip: &'static [u8],
}

impl Slow {
    fn new(log: &Limited, what: &'static str, first: &[u8], drip: &'static [u8]) -> Self {
        let mut stream = log.connect();
        stream.set_nonblocking(true).unwrap();
        // What does not fit into the buffers is not sent.
        let _ = stream.write(first);
        Self { what, stream, drip }
    }

    /// Sends a little; tells whether the server still holds on.
    fn goes_on(&mut self) -> bool {
        if self.drip.is_empty() {
            // It reads nothing, so only the error that a reset leaves says that it was closed.
            return self.stream.take_error().unwrap().is_none()
                && !matches!(self.stream.write(b"G"), Err(error) if error.kind() != ErrorKind::WouldBlock);
        }
        let is_closed = match self.stream.read(&mut [0; 4096]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        !is_closed && self.stream.write(self.drip).is_ok()
    }
}

#[test]
fn who_sends_or_reads_slowly_is_closed_and_nobody_else_notices() {
    let log = Limited::start(QUICK);
    let get = "GET /checkpoint HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20_000);
    let mut slow = Vec::new();
    for _ in 0..100 {
        let head = b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ";
        slow.push(Slow::new(&log, "head", head, b"x"));
        let body = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nx";
        slow.push(Slow::new(&log, "body", body, b"x"));
        let batch =
            b"POST /v1/events:batch HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n\"";
        slow.push(Slow::new(&log, "batch", batch, b"x"));
    }
    for _ in 0..20 {
        slow.push(Slow::new(&log, "reader", get.as_bytes(), b""));
    }
    let began = Instant::now();
    let mut probes = Vec::new();
    while !slow.is_empty() {
        slow.retain_mut(Slow::goes_on);
        probes.push(log.probe());
        let left: Vec<_> = slow.iter().map(|slow| slow.what).take(5).collect();
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "never closed: {left:?}"
        );
        // Slowness is what is tested here.
        std::thread::sleep(Duration::from_millis(50));
    }
    report("slow heads, bodies and readers", probes);
    let answer = log
        .network
        .submit(&world::issue("jp.jc-star/EX-1", "label.jp.example"));
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn ten_thousand_idle_connections_keep_nobody_out() {
    let log = Limited::start("[limits]\nconnections = 1000\nhead_timeout = \"600s\"\n");
    // This process holds the other ends.
    let granted = descriptors(std::process::id());
    let count = 10_000.min(granted.saturating_sub(200));
    let mut idle = Vec::new();
    let mut probes = Vec::new();
    for number in 0..count {
        idle.push(log.connect());
        if number % 200 == 0 {
            probes.push(log.probe());
        }
    }
    report(&format!("{count} idle connections, 1000 places"), probes);
    if count > 1_500 {
        // The oldest gave way, the newest did not.
        assert_eq!(read_to_close(&mut idle[0]), "");
    }
    let newest = idle.last_mut().unwrap();
    let request = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    newest.write_all(request).unwrap();
    let mut answer = [0; 15];
    newest.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

#[test]
fn a_log_without_descriptors_stays_up_and_recovers() {
    let log = Limited::start("");
    let id = log.network.log().id();
    let held = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    let few = format!("--nofile={0}:{0}", held + 20);
    let lowered = Command::new("prlimit")
        .args(["--pid", &id.to_string(), &few])
        .status();
    if !lowered.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("CI").is_none(),
            "prlimit is missing: apt-get install util-linux"
        );
        eprintln!("skipped: needs prlimit");
        return;
    }
    let idle: Vec<TcpStream> = (0..200).map(|_| log.connect()).collect();
    let probes = (0..20).map(|_| log.probe()).collect();
    report("no descriptors left", probes);
    drop(idle);
    log.probe();
    log.network.wait_until_ready();
    let answer = log
        .network
        .submit(&world::issue("jp.jc-star/EX-1", "label.jp.example"));
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// How many descriptors a process may have.
fn descriptors(id: u32) -> usize {
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or(1_024)
}
