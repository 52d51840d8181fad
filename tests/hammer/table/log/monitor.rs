//! The rows of a monitor that begins with an empty folder: everything fetched, hashed, verified, the state made anew.
//!
//! ```text
//! labelproof-monitor once ─tiles, entries─ log, idle       entries a second beside the signatures two cores verify
//! ```
//! It is the program itself, in a process of its own, on all cores. What the log takes to serve it counts too.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use labelproof_tests::programs::Program;
use serde_json::Value;

use super::{Sizes, cores, network};
use crate::ground::Ground;
use crate::process::{self, Usage};
use crate::table::rows::Row;

impl Sizes<'_> {
    /// One look at the whole log, and the most memory that it took.
    pub(super) fn monitor(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let network = network(ground)?;
        let folder = tempfile::tempdir()?;
        let (said, errors) = (folder.path().join("said"), folder.path().join("errors"));
        let config = folder.path().join("monitor.toml");
        // As it comes it spares the log: then this would be 128 entries for each request of a second.
        fs::write(&config, "[follow]\nrequests = 10000\n")?;
        let start = Instant::now();
        let child = network
            .command(Program::Monitor)
            .args(["once", "--json", "--trust"])
            .arg(network.trust())
            .arg("--config")
            .arg(&config)
            .arg("--dir")
            .arg(folder.path().join("monitor"))
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(File::create(&errors)?)
            .spawn()?;
        let (is_done, usage) = watch(child)?;
        let took = start.elapsed().as_secs_f64();
        let verified = verified(&said);
        let (Some(entries), Some(usage)) = (verified.filter(|_| is_done), usage) else {
            let errors = fs::read_to_string(&errors)?;
            let why = errors.lines().last().unwrap_or("it took too long");
            return Ok(vec![Row::failed(&self.at(CATCH_UP), why)]);
        };
        let each = entries as f64 / took;
        let cpu = usage.cpu.as_secs_f64() * 1e6 / entries as f64;
        let limit = self
            .limits
            .map(|limits| limits.verifications * cores() as f64);
        let text = format!("{each:.0} entries/s, {took:.0} s · {cpu:.0} µs of its CPU");
        Ok(vec![
            Row::said(self.at(CATCH_UP), each, text).beside(
                "the Ed25519 limit of its cores",
                limit,
                0.8,
            ),
            // It holds the same map as the server, and little beside it.
            Row::amount(
                self.at("monitor: memory"),
                Some(usage.peak_mib),
                "MiB",
                self.most_mib(),
            ),
        ])
    }
}

/// Waits for its end, and tells whether all was well and what it had used shortly before.
fn watch(mut child: Child) -> io::Result<(bool, Option<Usage>)> {
    let (start, mut last) = (Instant::now(), None);
    while start.elapsed() < MOST_TIME {
        last = process::usage(child.id()).or(last);
        if let Some(status) = child.try_wait()? {
            return Ok((status.success(), last));
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    child.kill()?;
    child.wait()?;
    Ok((false, last))
}

/// How many entries it says it verified.
fn verified(said: &Path) -> Option<u64> {
    let said: Value = serde_json::from_slice(&fs::read(said).ok()?).ok()?;
    said["result"]["logs"][0]["verified"].as_u64()
}

const CATCH_UP: &str = "monitor: catch-up";
/// Of a million entries at a quarter of the goal.
const MOST_TIME: Duration = Duration::from_secs(240);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
