//! Single runs: events, status, reads, filling.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::ground::{Ground, Target};
use crate::load::{self, Outcome, Plan, Shed, Source};
use crate::process::{self, Usage};
use crate::sources::{self, Paths};

/// Signed labels.
#[derive(Args, Debug)]
pub(crate) struct Events {
    #[command(flatten)]
    target: Target,
    /// Requests in flight at most.
    #[arg(long, default_value_t = 4_000)]
    in_flight: usize,
    /// Events a second; as fast as it goes if absent.
    #[arg(long)]
    rate: Option<f64>,
    /// Events in a request; more than one go to /v1/events:batch.
    #[arg(long, default_value_t = 1)]
    batch: u64,
    /// For how many seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Number of the first label: the log must not have it yet.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Events that are signed before the run, and so the most it sends.
    #[arg(long, default_value_t = 300_000)]
    signed: u64,
}

/// Status bundles.
#[derive(Args, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    target: Target,
    /// How many labels the log was filled with; one of our own is filled first.
    #[arg(long, default_value_t = 10_000)]
    labels: u64,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests a second; as fast as it goes if absent.
    #[arg(long)]
    rate: Option<f64>,
    /// For how many seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Static objects.
#[derive(Args, Debug)]
pub(crate) struct Read {
    /// What to read.
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    target: Target,
    /// Entries the log has at least; one of our own is filled first.
    #[arg(long, default_value_t = 10_000)]
    size: u64,
    /// Connections.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// For how many seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    Checkpoint,
    Tile,
    Entries,
    /// The same as who accepts gzip gets them.
    Gzip,
    Livez,
}

/// A log full of labels.
#[derive(Args, Debug)]
pub(crate) struct Fill {
    #[command(flatten)]
    target: Target,
    /// How many.
    #[arg(long)]
    labels: u64,
    /// Number of the first.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

/// A runtime for requests, on as many threads as there are cores.
pub(crate) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// A run with what the server used for it.
pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    /// Processor time of the server, microseconds an item.
    pub(crate) cpu_us: f64,
    pub(crate) usage: Option<Usage>,
}

/// Runs a plan and looks at the server before and after.
pub(crate) fn measure(
    runtime: &Runtime,
    ground: &Ground,
    plan: Plan,
    source: Arc<dyn Source>,
) -> Measured {
    let before = ground.process.and_then(process::usage);
    let outcome = load::run(runtime, ground.address, plan, source);
    let usage = ground.process.and_then(process::usage);
    Measured {
        cpu_us: process::micros_each(before, usage, outcome.items),
        outcome,
        usage,
    }
}

impl Measured {
    /// Prints it, and says whether every answer was good or a shed.
    pub(crate) fn print(&self, what: &str, in_json: bool) -> bool {
        let Self {
            outcome,
            cpu_us,
            usage,
        } = self;
        if in_json {
            let at = |percent| outcome.percentile_ms(percent);
            let statuses: serde_json::Map<String, serde_json::Value> = outcome
                .statuses
                .iter()
                .map(|(status, count)| (status.to_string(), json!(count)))
                .collect();
            let line = json!({
                "what": what, "items": outcome.items, "seconds": outcome.elapsed.as_secs_f64(),
                "per_second": outcome.rate(), "p50_ms": at(50.0), "p90_ms": at(90.0), "p99_ms": at(99.0),
                "max_ms": at(100.0), "statuses": statuses, "shed": outcome.sheds(), "body_bytes": outcome.bytes,
                "server_cpu_us_each": cpu_us, "server_rss_mib": usage.map(|usage| usage.rss_mib),
                "server_peak_mib": usage.map(|usage| usage.peak_mib),
            });
            println!("{line}");
        } else {
            println!("{what:<24} {outcome}");
            if let Some(usage) = usage {
                println!(
                    "{:<24} {cpu_us:.0} µs of its processor time each, {:.0} MiB resident, {:.0} MiB at most",
                    "  the server", usage.rss_mib, usage.peak_mib
                );
            }
        }
        outcome.failures() == 0 && outcome.items > 0
    }
}

impl Events {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        let ground = self.target.open()?;
        let signed = sources::events(self.from, self.signed, self.batch.max(1));
        eprintln!(
            "signed {} events, {:.0} µs each",
            self.signed,
            signed.each.as_secs_f64() * 1e6
        );
        let plan = Plan {
            connections: self.in_flight,
            rate: self.rate.map(|rate| rate / self.batch.max(1) as f64),
            time: Duration::from_secs(self.seconds),
            shed: Shed::Count,
        };
        let measured = measure(&runtime()?, &ground, plan, signed.source);
        Ok(measured.print("events", json))
    }
}

impl Status {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        let (ground, runtime) = (self.target.open()?, runtime()?);
        if ground.network.is_some() {
            fill(&runtime, &ground, 0, self.labels)?;
            settle(&ground)?;
        }
        let plan = Plan {
            connections: self.connections,
            rate: self.rate,
            time: Duration::from_secs(self.seconds),
            shed: Shed::Count,
        };
        let source = Arc::new(sources::Status {
            labels: self.labels,
        });
        Ok(measure(&runtime, &ground, plan, source).print("status", json))
    }
}

impl Read {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        let (ground, runtime) = (self.target.open()?, runtime()?);
        if ground.network.is_some() {
            fill(&runtime, &ground, 0, self.size)?;
            settle(&ground)?;
        }
        let (name, paths) = match self.what {
            What::Checkpoint => ("checkpoint", Paths::one("/checkpoint")),
            What::Livez => ("livez", Paths::one("/livez")),
            What::Tile => ("tile", Paths::leaves(self.size)),
            What::Entries => ("entries", Paths::entries(self.size)),
            What::Gzip => ("entries, gzip", Paths::entries(self.size).accepting("gzip")),
        };
        let plan = Plan {
            connections: self.connections,
            rate: None,
            time: Duration::from_secs(self.seconds),
            shed: Shed::Count,
        };
        Ok(measure(&runtime, &ground, plan, Arc::new(paths)).print(name, json))
    }
}

impl Fill {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        let ground = self.target.open()?;
        let measured = fill(&runtime()?, &ground, self.from, self.labels)?;
        Ok(measured.print("fill", json) && measured.outcome.items == self.labels)
    }
}

/// Fills a log, and reports what each hundred thousand took.
pub(crate) fn fill(
    runtime: &Runtime,
    ground: &Ground,
    from: u64,
    labels: u64,
) -> io::Result<Measured> {
    let plan = Plan {
        connections: FILL_CONNECTIONS,
        rate: None,
        time: Duration::from_secs(3_600),
        shed: Shed::Retry,
    };
    let mut parts: Vec<Measured> = Vec::new();
    let mut next = from;
    while next < from + labels {
        let count = FILL_PART.min(from + labels - next);
        let signed = sources::events(next, count, 1);
        next += count;
        let part = measure(runtime, ground, plan, signed.source);
        eprintln!("filled to {next}: {}", part.outcome);
        if part.outcome.items != count {
            let text = format!("the log took {} of {count} labels", part.outcome.items);
            return Err(io::Error::other(text));
        }
        parts.push(part);
    }
    let last = parts.pop();
    let mut last = last.ok_or_else(|| io::Error::other("there is nothing to fill in"))?;
    for part in parts {
        last.outcome.items += part.outcome.items;
        last.outcome.elapsed += part.outcome.elapsed;
    }
    Ok(last)
}

/// Waits until the witnesses have what the log took.
pub(crate) fn settle(ground: &Ground) -> io::Result<()> {
    let Some(network) = &ground.network else {
        return Ok(());
    };
    for _ in 0..MOST_LOOKS {
        let said = network.get("/readyz").json();
        if said["size"] == said["published"] {
            return Ok(());
        }
        thread::sleep(BETWEEN_LOOKS);
    }
    Err(io::Error::other("the witnesses are a minute behind"))
}

/// In flight while filling: as many as a batch interval of 250 ms needs for 16,000 a second.
const FILL_CONNECTIONS: usize = 4_000;
/// Signed at a time: 200 MB of requests.
const FILL_PART: u64 = 100_000;
const MOST_LOOKS: usize = 600;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
