//! What strangers, floods and odd requests can do to a running log: nothing that others notice.
//!
//! ```text
//! strangers   slow heads, bodies and readers; idle connections; no descriptors left
//! floods      more than a quota allows; duplicates; one issuer, while revocations trickle
//! oddities    raw HTTP, paths, bombs
//! ```
//! Nothing here needs root. Times are reported; only one that is wrong by orders of magnitude fails a test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod floods;
mod oddities;
mod strangers;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use labelproof_tests::network::Network;

/// A network whose log has this configuration beside its flags, under this command; gone with it.
struct Limited {
    network: Network,
    _dir: tempfile::TempDir,
}

impl Limited {
    fn start(config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("limits").tempdir().unwrap();
        let demo = Path::new(env!("CARGO_BIN_EXE_labelproof-demo"));
        let mut network = Network::start(demo, dir.path()).unwrap();
        network.take_log().unwrap().stop().unwrap();
        let file = dir.path().join("log.toml");
        std::fs::write(&file, config).unwrap();
        let variable = format!("LABELPROOF_LOG_CONFIG={}", file.display());
        network.start_log_under(&["env", &variable]).unwrap();
        network.wait_until_ready();
        Self { network, _dir: dir }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.network.log().address()).unwrap();
        // A test that would hang fails instead.
        stream.set_read_timeout(Some(LONGEST)).unwrap();
        stream
    }

    /// How long a reader waits who just came and wants the checkpoint.
    fn probe(&self) -> Duration {
        let began = Instant::now();
        let mut stream = self.connect();
        let request = "GET /checkpoint HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let answer = read_to_close(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        began.elapsed()
    }
}

/// Everything until the server closes; a reset counts as a close.
fn read_to_close(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 65_536];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reports how long probes took.
fn report(what: &str, mut probes: Vec<Duration>) {
    probes.sort_unstable();
    let at = |share: usize| probes[(probes.len() - 1) * share / 100];
    eprintln!(
        "{what}: {} probes, p50 {:?}, p99 {:?}, longest {:?}",
        probes.len(),
        at(50),
        at(99),
        at(100)
    );
}

/// An answer takes a millisecond, on a machine full of tests a hundred.
const LONGEST: Duration = Duration::from_secs(30);
