//! Many logs that grow at one witness: ours, or any that speaks c2sp.org/tlog-witness.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use labelproof_tests::daemon::Daemon;
use labelproof_tests::programs::{Program, Programs};
use tokio::runtime::Runtime;

use crate::ground::{Ground, address_of, demo};
use crate::load::{Plan, Shed, Source};
use crate::run::{Measured, measure, runtime};
use crate::sources::GrowingLogs;

/// Growing logs.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// How many logs the witness knows.
    #[arg(long, default_value_t = 40_000)]
    logs: u64,
    /// Requests in flight.
    #[arg(long, default_value_t = 16)]
    in_flight: usize,
    /// For how many seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Requests that are signed before the run, and so the most it sends.
    #[arg(long, default_value_t = 150_000)]
    signed: u64,
    /// A witness that runs and knows the logs of --keys at size 0; without it one of ours is started.
    #[arg(long, value_name = "URL", requires = "process")]
    url: Option<String>,
    /// Its process.
    #[arg(long, value_name = "PROCESS")]
    process: Option<u32>,
    /// Prints the keys of the logs, one a line, and does nothing else.
    #[arg(long)]
    keys: bool,
}

impl Options {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        if self.keys {
            for vkey in GrowingLogs::vkeys(self.logs) {
                println!("{vkey}");
            }
            return Ok(true);
        }
        let requests = GrowingLogs::requests(self.logs, self.signed);
        let runtime = runtime()?;
        let time = Duration::from_secs(self.seconds);
        let measured = match &self.url {
            Some(url) => {
                let ground = Ground::of(address_of(url)?, self.process);
                grow(&runtime, &ground, requests, self.in_flight, time)
            }
            None => {
                let folder = tempfile::tempdir()?;
                let witness = start(folder.path(), self.logs)?;
                let ground = Ground::of(address_of(witness.url())?, Some(witness.id()));
                grow(&runtime, &ground, requests, self.in_flight, time)
            }
        };
        Ok(measured.print("add-checkpoint", json))
    }
}

/// Sends the requests, so many at a time.
pub(crate) fn grow(
    runtime: &Runtime,
    ground: &Ground,
    requests: Arc<dyn Source>,
    in_flight: usize,
    time: Duration,
) -> Measured {
    let plan = Plan {
        connections: in_flight,
        rate: None,
        time,
        shed: Shed::Count,
    };
    measure(runtime, ground, plan, requests)
}

/// Starts a witness of ours that knows the logs of [`GrowingLogs`].
pub(crate) fn start(folder: &Path, logs: u64) -> io::Result<Daemon> {
    let programs = Programs::link(&demo()?, folder)?;
    let program = programs.path(Program::Witness);
    let dir = folder.join("witness");
    let list = folder.join("logs.list");
    std::fs::write(&list, list_of(logs))?;
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let (dir, list) = (text(&dir), text(&list));
    for args in [
        &["init", "--name", "witness.hammer.example", "--dir", &dir][..],
        &["logs", "add", "--dir", &dir, "--list", &list][..],
    ] {
        let done = Command::new(&program).args(args).output()?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            return Err(io::Error::other(said));
        }
    }
    let args = ["serve", "--dir", &dir, "--listen", "127.0.0.1:0"];
    Daemon::start(&program, &args, &folder.join("witness.stderr"))
}

fn list_of(logs: u64) -> String {
    let mut list = String::from("logs/v0\n");
    for vkey in GrowingLogs::vkeys(logs) {
        // Writing to a string does not fail.
        let _ = write!(list, "\nvkey {vkey}\nqpd 2147483647\ncontact none\n");
    }
    list
}
