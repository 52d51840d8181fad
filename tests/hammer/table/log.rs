//! The rows of our log: filled to each size in turn, and measured there.

mod monitor;

use std::hint::black_box;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use labelproof_core::bundle::Bundle;
use labelproof_core::merkle::LeafHash;
use labelproof_core::policy::Policy;
use labelproof_core::status::{self, Trusted};
use labelproof_core::time::Time;
use labelproof_tests::labels::LabelMill;
use labelproof_tests::network::Network;
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use tokio::runtime::Runtime;

use super::{Options, PeerRates, Row};
use crate::ground::{Ground, Target, address_of, cores};
use crate::limits::{Limits, rate};
use crate::load::Plan;
use crate::overload::Flood;
use crate::process;
use crate::run::{fill, measure as run, runtime, settle};
use crate::sources::{self, Paths};

/// Fills a log to each size and measures it; every few rows go to `said` at once.
pub(super) fn measure(
    options: &Options,
    peers: &PeerRates,
    limits: Option<Limits>,
    said: &mut dyn FnMut(Vec<Row>),
) -> io::Result<(Vec<Row>, ())> {
    let runtime = runtime()?;
    let mut ground = Target::own(INTERVAL).open()?;
    let mut sizes = Sizes {
        options,
        peers,
        limits,
        runtime: &runtime,
        labels: 0,
        next: 0,
        first_cpu: None,
    };
    for labels in &options.labels {
        said(sizes.fill_to(&ground, *labels)?);
        for part in [
            Sizes::bundle,
            Sizes::reads,
            // The index has written what was filled in by now.
            Sizes::status,
            // After all that it keeps for readers.
            Sizes::memory,
            Sizes::writes,
            Sizes::batches,
            Sizes::witnessed,
        ] {
            said(part(&mut sizes, &ground).unwrap_or_else(|error| failed(&sizes, &error)));
        }
        match sizes.restart(&mut ground) {
            Ok(rows) => {
                said(rows);
                let rows = sizes.monitor(&ground);
                said(rows.unwrap_or_else(|error| failed(&sizes, &error)));
            }
            Err(error) => {
                said(failed(&sizes, &error));
                // Without a log that runs there is nothing more to measure.
                return Ok((Vec::new(), ()));
            }
        }
    }
    said(
        sizes
            .overload(&ground)
            .unwrap_or_else(|error| failed(&sizes, &error)),
    );
    Ok((Vec::new(), ()))
}

fn failed(sizes: &Sizes<'_>, error: &io::Error) -> Vec<Row> {
    vec![Row::failed(&sizes.at("a part"), &error.to_string())]
}

struct Sizes<'a> {
    options: &'a Options,
    peers: &'a PeerRates,
    limits: Option<Limits>,
    runtime: &'a Runtime,
    /// How many labels the log has.
    labels: u64,
    /// Number of the first label that was never sent; some may have been shed.
    next: u64,
    /// Processor time of an event at the first size.
    first_cpu: Option<f64>,
}

impl Sizes<'_> {
    fn at(&self, what: &str) -> String {
        let size = match self.labels {
            labels if labels >= 1_000_000 => {
                format!("{:.1} M labels", labels as f64 / 1e6)
            }
            labels => format!("{} k labels", labels / 1_000),
        };
        format!("{size}: {what}")
    }

    fn fill_to(&mut self, ground: &Ground, labels: u64) -> io::Result<Vec<Row>> {
        let missing = labels.saturating_sub(self.labels);
        if missing == 0 {
            return Ok(Vec::new());
        }
        let filled = fill(self.runtime, ground, self.next, missing)?;
        self.next += missing;
        self.labels += missing;
        settle(ground)?;
        let text = format!("{:.0}/s over {missing} events", filled.outcome.rate());
        Ok(vec![Row::said(
            self.at("filling it"),
            filled.outcome.rate(),
            text,
        )])
    }

    fn writes(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let count = MOST_EVENTS * self.options.seconds;
        let signed = sources::events(self.next, count, 1);
        self.next += count;
        let measured = run(
            self.runtime,
            ground,
            self.options.plan(4_000),
            signed.source,
        );
        self.labels += measured.outcome.items;
        settle(ground)?;
        let cpu = measured.cpu_us;
        let first = *self.first_cpu.get_or_insert(cpu);
        let growth = format!("{:.2} × the first size", cpu / first);
        let mut rows = vec![
            Row::rate(
                self.at("events from single requests, 4,000 in flight"),
                &measured,
            )
            .beside("Tessera", self.peers.writes, 2.0)
            .at_least(14_000.0),
            Row::amount(
                self.at("server CPU an event, signature included"),
                Some(cpu),
                "µs",
                100.0,
            ),
            Row::said(self.at("cost an event, growth"), cpu / first, growth),
        ];
        if let Some(limits) = self.limits {
            let signature = 1e6 / limits.verifications;
            rows.push(Row::said(
                self.at("of that the signature"),
                signature,
                format!("{signature:.0} µs, {:.0} %", signature / cpu * 100.0),
            ));
        }
        Ok(rows)
    }

    fn batches(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let count = MOST_EVENTS * self.options.seconds;
        let signed = sources::events(self.next, count, 100);
        self.next += count;
        let measured = run(self.runtime, ground, self.options.plan(48), signed.source);
        self.labels += measured.outcome.items;
        settle(ground)?;
        Ok(vec![
            Row::rate(self.at("events in batches of 100"), &measured)
                .beside("Tessera", self.peers.writes, 2.0)
                .at_least(19_000.0),
        ])
    }

    fn witnessed(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let rate = 200;
        let signed = sources::witnessed(self.next, rate * self.options.seconds);
        self.next += rate * self.options.seconds;
        self.labels += rate * self.options.seconds;
        let plan = Plan {
            rate: Some(rate as f64),
            ..self.options.plan(400)
        };
        let measured = run(self.runtime, ground, plan, signed);
        Ok(vec![
            Row::rate(
                self.at("accepted to witnessed and published, 7 witnesses, 200/s"),
                &measured,
            )
            .p99_at_most(1_000.0),
        ])
    }

    fn status(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let source = || {
            Arc::new(sources::Status {
                labels: self.options.labels[0],
            })
        };
        let most = run(self.runtime, ground, self.options.plan(32), source());
        let plan = Plan {
            rate: Some((most.outcome.rate() * 0.7).max(1.0)),
            ..self.options.plan(32)
        };
        let steady = run(self.runtime, ground, plan, source());
        Ok(vec![
            Row::rate(self.at("status bundles, as fast as it goes"), &most)
                .at_least(10_000.0)
                .p99_at_most(5.0),
            Row::rate(self.at("status bundles, seven tenths of that"), &steady).p99_at_most(5.0),
        ])
    }

    fn reads(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let size = self.options.labels[0];
        let read = |paths| run(self.runtime, ground, self.options.plan(32), Arc::new(paths));
        let hello = read(Paths::one("/livez"));
        let share = Some(hello.outcome.rate());
        let mut rows = vec![Row::rate(self.at("livez, the least answer"), &hello)];
        for (what, paths, peer) in [
            (
                "checkpoint reads",
                Paths::one("/checkpoint"),
                self.peers.checkpoint,
            ),
            ("tile reads", Paths::leaves(size), self.peers.tile),
            (
                "entry bundle reads",
                Paths::entries(size),
                self.peers.entries,
            ),
            (
                "entry bundle reads, gzip accepted",
                Paths::entries(size).accepting("gzip"),
                self.peers.entries,
            ),
        ] {
            let measured = read(paths);
            rows.push(Row::rate(self.at(what), &measured).beside("Tessera", peer, 2.0));
            rows.push(
                Row::said(
                    self.at(what),
                    measured.outcome.rate(),
                    "beside the least answer".to_owned(),
                )
                .beside("livez", share, 0.6),
            );
        }
        Ok(rows)
    }

    fn memory(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let usage = ground.process.and_then(process::usage);
        let most = self.most_mib();
        Ok(vec![
            Row::amount(
                self.at("memory of the server"),
                usage.map(|usage| usage.rss_mib),
                "MiB",
                most,
            ),
            Row::amount(
                self.at("the most it ever was"),
                usage.map(|usage| usage.peak_mib),
                "MiB",
                most,
            ),
        ])
    }

    /// What a program that holds the map may take at this size.
    fn most_mib(&self) -> f64 {
        if self.labels > 400_000 {
            1_024.0
        } else {
            256.0
        }
    }

    /// A label's bundle as a client verifies it, every signature included.
    fn bundle(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let network = network(ground)?;
        let answer = network.get(&format!("/v1/status/label/{}", LabelMill::subject(1)));
        let policy = std::fs::read(network.policy())?;
        let policy = Policy::parse(&policy).map_err(io::Error::other)?;
        let bundle = Bundle::parse(&answer.body).map_err(io::Error::other)?;
        let seconds = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_err(io::Error::other)?
            .as_secs();
        let now = Time::from_unix(seconds).unwrap_or(Time::MAX);
        let (origin, genesis) = (world::origin(), LeafHash::of_entry(&world::genesis()));
        let trusted = Trusted {
            origin: &origin,
            genesis,
            policy: &policy,
        };
        status::verify(&bundle, &trusted, now).map_err(io::Error::other)?;
        let each = rate(1, || {
            black_box(status::verify(&bundle, &trusted, now).is_ok());
        });
        Ok(vec![
            Row::amount(
                self.at("verifying one bundle, all its signatures"),
                Some(1_000.0 / each),
                "ms",
                2.0,
            ),
            Row::said(
                self.at("size of that bundle"),
                answer.body.len() as f64,
                format!("{:.1} kB", answer.body.len() as f64 / 1e3),
            ),
        ])
    }

    /// A clean stop, `fsck` of what lies there, and a start until events are taken.
    fn restart(&mut self, ground: &mut Ground) -> io::Result<Vec<Row>> {
        let size = network(ground)?.get("/readyz").json()["size"]
            .as_u64()
            .unwrap_or_default();
        let network = ground.network.as_mut().ok_or_else(no_network)?;
        if let Some(mut log) = network.take_log() {
            log.stop()?;
        }
        let start = Instant::now();
        let checked = Command::new("timeout")
            .arg(FSCK_SECONDS.to_string())
            .arg(network.programs().path(Program::Log))
            .args(["fsck", "--json", "--dir"])
            .arg(network.log_dir())
            .output()?;
        let took = start.elapsed().as_secs_f64();
        let fsck = if checked.status.success() {
            let each = size as f64 / took;
            let row = Row::said(
                self.at("fsck with signatures and state"),
                each,
                format!("{each:.0} entries/s, {took:.0} s"),
            );
            let limit = self
                .limits
                .map(|limits| limits.verifications * cores() as f64);
            row.beside("the Ed25519 limit of its cores", limit, 0.8)
        } else {
            let said = String::from_utf8_lossy(&checked.stderr);
            Row::failed(
                &self.at("fsck"),
                said.lines().last().unwrap_or("it took too long"),
            )
        };
        let start = Instant::now();
        network.start_log()?;
        let served = start.elapsed();
        network.wait_until_ready();
        let ready = start.elapsed();
        ground.address = address_of(&network.log_url())?;
        ground.process = Some(network.log().id());
        Ok(vec![
            fsck,
            Row::amount(
                self.at("cold start until ready, intact"),
                Some(ready.as_secs_f64()),
                "s",
                5.0,
            ),
            Row::said(
                self.at("cold start until it serves"),
                served.as_secs_f64(),
                format!("{:.1} s", served.as_secs_f64()),
            ),
        ])
    }

    fn overload(&mut self, ground: &Ground) -> io::Result<Vec<Row>> {
        let flood = Flood {
            rate: OVERLOAD_RATE,
            taken: OVERLOAD_RATE / 3.0,
            from: self.next,
            time: Duration::from_secs(self.options.seconds * 2),
        };
        let found = flood.run(self.runtime, ground)?;
        let events = &found.events.outcome;
        let text = format!(
            "{:.0}/s taken, {} shed, {} failed",
            events.rate(),
            events.sheds(),
            events.failures()
        );
        Ok(vec![
            Row::said(self.at("three times too many events"), events.rate(), text),
            Row::wanted(
                self.at("their receipts"),
                found.kept.to_string(),
                "none lost, none later than 60 s",
                found.kept.is_whole(),
            ),
            Row::rate(self.at("a reader meanwhile"), &found.probe).p99_at_most(250.0),
        ])
    }
}

fn network(ground: &Ground) -> io::Result<&Network> {
    ground.network.as_ref().ok_or_else(no_network)
}

fn no_network() -> io::Error {
    io::Error::other("the log is not ours")
}

/// Batches this far apart: what a log of the design has, and Tessera cuts one every second or 256 entries.
const INTERVAL: &str = "250ms";
/// More a second than two cores take.
const MOST_EVENTS: u64 = 25_000;
/// Three times what two cores take.
const OVERLOAD_RATE: f64 = 40_000.0;
const FSCK_SECONDS: u64 = 240;
