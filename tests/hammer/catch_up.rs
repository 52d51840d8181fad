//! A monitor that begins with an empty folder: everything fetched, hashed, verified, the state made anew.
//!
//! ```text
//! labelproof-monitor once ─tiles, entries─ log, idle       entries a second beside the signatures its cores verify
//! ```
//! It is the program itself, in a process of its own, on all cores. What the log takes to serve it counts too.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use labelproof_tests::network::Network;
use labelproof_tests::programs::Program;
use serde_json::{Value, json};

use crate::ground::{Target, cores};
use crate::limits;
use crate::process::{self, Usage};
use crate::run::{fill, runtime, settle};

/// A monitor's first look at a log.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// How many labels the log has; one of our own is filled first.
    #[arg(long, default_value_t = 100_000)]
    labels: u64,
    /// The monitor must not take more than this many MiB.
    #[arg(long, default_value_t = 1_024.0)]
    memory: f64,
}

impl Options {
    pub(crate) fn run(&self, in_json: bool) -> io::Result<bool> {
        let ground = Target::own(INTERVAL).open()?;
        let network = ground.network.as_ref();
        let network = network.ok_or_else(|| io::Error::other("the log is not ours"))?;
        fill(&runtime()?, &ground, 0, self.labels)?;
        settle(&ground)?;
        let limit = limits::verifications() * cores() as f64;
        let look = Look::first(network)?.map_err(io::Error::other)?;
        // An entry a label at the least; were one left out, the numbers would be of another log.
        let is_all = look.entries >= self.labels;
        let (rate, mib) = (look.rate(), look.usage.peak_mib);
        let share = rate / limit;
        if in_json {
            let line = json!({
                "what": "catch-up", "entries": look.entries, "seconds": look.seconds, "per_second": rate,
                "of_the_ed25519_limit": share, "cpu_us_each": look.cpu_us(), "peak_mib": mib,
            });
            println!("{line}");
        } else {
            println!("catch-up                 {look}");
            println!(
                "  beside                 {share:.2} × the Ed25519 limit of its cores ({limit:.0}/s)"
            );
            println!(
                "  memory                 {mib:.0} MiB at most, {:.0} allowed",
                self.memory
            );
        }
        Ok(is_all && mib <= self.memory)
    }
}

/// What a first look took.
pub(crate) struct Look {
    pub(crate) entries: u64,
    pub(crate) seconds: f64,
    pub(crate) usage: Usage,
}

impl Look {
    /// One look at the whole log; what went wrong, in words, if all is not well.
    pub(crate) fn first(network: &Network) -> io::Result<Result<Self, String>> {
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
        let seconds = start.elapsed().as_secs_f64();
        let entries = verified(&said).filter(|_| is_done);
        let (Some(entries), Some(usage)) = (entries, usage) else {
            let errors = fs::read_to_string(&errors)?;
            let why = errors.lines().last().unwrap_or("it took too long");
            return Ok(Err(why.to_owned()));
        };
        Ok(Ok(Self {
            entries,
            seconds,
            usage,
        }))
    }

    /// Entries a second.
    pub(crate) fn rate(&self) -> f64 {
        self.entries as f64 / self.seconds
    }

    /// Processor time of the monitor, microseconds an entry.
    fn cpu_us(&self) -> f64 {
        self.usage.cpu.as_secs_f64() * 1e6 / self.entries as f64
    }
}

impl std::fmt::Display for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rate, cpu) = (self.rate(), self.cpu_us());
        write!(
            f,
            "{rate:.0} entries/s, {:.0} s · {cpu:.0} µs of its CPU",
            self.seconds
        )
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

const INTERVAL: &str = "250ms";
/// Of a million entries at a quarter of the goal.
const MOST_TIME: Duration = Duration::from_secs(240);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
