//! The table of what everything takes: each row beside its limit or its peer, measured in one run.
//!
//! ```text
//! limits ─▶ peers ─▶ witness ─▶ a log that is filled to each size, and measured there ─▶ docs/PERFORMANCE.md
//! ```
//! A part that fails is a row that says so, and the rest goes on. When time is up, what there is is written.

mod log;
mod rows;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use self::rows::{Row, Rows};
use crate::limits::Limits;
use crate::load::{Plan, Shed};
use crate::peers::Peer;
use crate::run::{measure, runtime};
use crate::sources::{self, GrowingLogs, Paths};
use crate::{ground, witness};

/// The whole table.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// At how many labels the log is measured, ascending.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    labels: Vec<u64>,
    /// The file to write; the table goes to standard output too.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where the peers are built; kept for the next run.
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    peers: PathBuf,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Minutes after which what there is is written, and the run ends.
    #[arg(long, default_value_t = 25)]
    minutes: u64,
    /// Logs at the witness.
    #[arg(long, default_value_t = 40_000)]
    logs: u64,
}

/// What peers did, for the rows of ours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PeerRates {
    writes: Option<f64>,
    checkpoint: Option<f64>,
    tile: Option<f64>,
    entries: Option<f64>,
    witness: Option<f64>,
}

impl Options {
    pub(crate) fn run(&self) -> io::Result<bool> {
        let rows = Arc::new(Mutex::new(Rows::new()));
        self.watch(&rows);
        let said = |text: &str| eprintln!("— {text}");
        let folder = tempfile::tempdir()?;
        said("limits of one core");
        let limits = part(&rows, "limits", || {
            let limits = Limits::measure(folder.path())?;
            Ok((rows::limits(&limits), limits))
        });
        let mut peers = PeerRates::default();
        said("Tessera v1.0.4");
        part(&rows, "Tessera v1.0.4", || {
            Ok((self.tessera(&mut peers)?, ()))
        });
        said("litewitness v0.9.0");
        part(&rows, "litewitness v0.9.0", || {
            Ok((self.litewitness(&mut peers)?, ()))
        });
        said("our witness");
        part(&rows, "witness", || Ok((self.witness(&peers)?, ())));
        said("our log");
        let known = part(&rows, "log", || {
            log::measure(self, &peers, limits, &mut |new| {
                for row in &new {
                    eprintln!("{row}");
                }
                add(&rows, new);
            })
        });
        let all = rows.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&all)?;
        Ok(known.is_some() && all.all_hold())
    }

    /// Ends the run when time is up, with what there is.
    fn watch(&self, rows: &Arc<Mutex<Rows>>) {
        let (rows, out) = (Arc::clone(rows), self.out.clone());
        let end = Duration::from_secs(self.minutes * 60);
        thread::spawn(move || {
            thread::sleep(end);
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.add(Row::failed(
                "the rest",
                "time was up before it was measured",
            ));
            // The exit code says the same if this fails.
            let _ = rows::write(&rows, out.as_deref());
            std::process::exit(1);
        });
    }

    fn write(&self, rows: &Rows) -> io::Result<()> {
        rows::write(rows, self.out.as_deref())
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn plan(&self, connections: usize) -> Plan {
        Plan {
            connections,
            rate: None,
            time: self.time(),
            shed: Shed::Count,
        }
    }

    fn tessera(&self, peers: &mut PeerRates) -> io::Result<Vec<Row>> {
        let (peer, runtime) = (Peer::tessera(&self.peers)?, runtime()?);
        let ground = peer.ground();
        let mut rows = Vec::new();
        let blobs = sources::blobs(0, 12_000 * self.seconds);
        let writes = measure(&runtime, &ground, self.plan(4_000), blobs);
        peers.writes = Some(writes.outcome.rate());
        rows.push(Row::peer("Tessera: entries a second", &writes));
        let size = writes.outcome.items;
        for (what, paths, rate) in [
            (
                "Tessera: checkpoint reads",
                Paths::one("/checkpoint"),
                &mut peers.checkpoint,
            ),
            ("Tessera: tile reads", Paths::leaves(size), &mut peers.tile),
            (
                "Tessera: entry bundle reads",
                Paths::entries(size),
                &mut peers.entries,
            ),
        ] {
            let read = measure(&runtime, &ground, self.plan(32), Arc::new(paths));
            *rate = Some(read.outcome.rate());
            rows.push(Row::peer(what, &read));
        }
        Ok(rows)
    }

    fn litewitness(&self, peers: &mut PeerRates) -> io::Result<Vec<Row>> {
        let peer = Peer::litewitness(&self.peers, self.logs)?;
        let requests = GrowingLogs::requests(self.logs, 3_000 * self.seconds);
        let measured = witness::grow(&runtime()?, &peer.ground(), requests, 16, self.time());
        peers.witness = Some(measured.outcome.rate());
        Ok(vec![Row::peer("litewitness: add-checkpoint", &measured)])
    }

    fn witness(&self, peers: &PeerRates) -> io::Result<Vec<Row>> {
        let folder = tempfile::tempdir()?;
        let daemon = witness::start(folder.path(), self.logs)?;
        let ground = ground::Ground::of(ground::address_of(daemon.url())?, Some(daemon.id()));
        let requests = GrowingLogs::requests(self.logs, 12_000 * self.seconds);
        let measured = witness::grow(&runtime()?, &ground, requests, 16, self.time());
        let rss = measured.usage.map(|usage| usage.peak_mib);
        Ok(vec![
            Row::rate("witness: add-checkpoint, 16 in flight", &measured)
                .beside("litewitness", peers.witness, 6.0)
                .p99_at_most(10.0),
            Row::amount("witness: memory", rss, "MiB", 64.0),
        ])
    }
}

/// Runs a part; if it fails or panics, a row says so.
fn part<T>(
    rows: &Mutex<Rows>,
    name: &'static str,
    work: impl FnOnce() -> io::Result<(Vec<Row>, T)>,
) -> Option<T> {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(io::Error::other("it panicked; see above")));
    let (new, result) = match outcome {
        Ok((new, result)) => (new, Some(result)),
        Err(error) => (vec![Row::failed(name, &error.to_string())], None),
    };
    for row in &new {
        eprintln!("{row}");
    }
    add(rows, new);
    eprintln!("  {name} took {:.0} s", start.elapsed().as_secs_f64());
    result
}

fn add(rows: &Mutex<Rows>, new: Vec<Row>) {
    let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
    for row in new {
        rows.add(row);
    }
}
