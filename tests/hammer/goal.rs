//! The highest rate that holds: a search, and a proof of it over the time asked for.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::ground::{Ground, Target};
use crate::load::{Plan, Shed, whole};
use crate::run::{Measured, fill, measure, runtime, settle};
use crate::sources;

/// A search.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What must hold, as "events>=14000 for 30s" or "status>=10000 for 10s".
    goal: Goal,
    #[command(flatten)]
    target: Target,
    /// The 99th percentile must not be above this many milliseconds.
    #[arg(long, default_value_t = 1_000.0)]
    deadline_ms: f64,
    /// Events in a request.
    #[arg(long, default_value_t = 1)]
    batch: u64,
    /// Connections.
    #[arg(long, default_value_t = 4_000)]
    in_flight: usize,
    /// Number of the first label to send, or how many the log has for status.
    #[arg(long, default_value_t = 10_000)]
    from: u64,
}

/// `events>=14000 for 30s`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Goal {
    what: What,
    rate: f64,
    time: Duration,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum What {
    Events,
    Status,
}

impl FromStr for Goal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = "a goal is written as \"events>=14000 for 30s\"";
        let (what, rest) = text.split_once(">=").ok_or(shape)?;
        let (rate, time) = rest.split_once(" for ").ok_or(shape)?;
        let what = match what.trim() {
            "events" => What::Events,
            "status" => What::Status,
            _ => return Err("a goal is about events or status"),
        };
        let rate: f64 = rate.trim().parse().map_err(|_| shape)?;
        let seconds: u64 = time
            .trim()
            .strip_suffix('s')
            .and_then(|seconds| seconds.parse().ok())
            .ok_or(shape)?;
        if rate < 1.0 || !rate.is_finite() || !(1..=3_600).contains(&seconds) {
            return Err("a goal has a rate of at least 1 and a time of 1 to 3600 s");
        }
        Ok(Self {
            what,
            rate,
            time: Duration::from_secs(seconds),
        })
    }
}

impl Options {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        let (ground, runtime) = (self.target.open()?, runtime()?);
        let mut next = self.from;
        if self.goal.what == What::Status && ground.network.is_some() {
            fill(&runtime, &ground, 0, self.from)?;
            settle(&ground)?;
        }
        // What it does as fast as it goes is more than it does within the deadline.
        let mut low = 0.0;
        let mut high = self
            .attempt(&runtime, &ground, &mut next, None, PROBE)
            .outcome
            .rate();
        eprintln!("as fast as it goes: {high:.0}/s");
        let mut best = None;
        for step in 0..STEPS {
            let rate = if step == 0 {
                high * 0.95
            } else {
                f64::midpoint(low, high)
            };
            let found = self.attempt(&runtime, &ground, &mut next, Some(rate), PROBE);
            let holds = self.holds(&found, rate);
            eprintln!(
                "{rate:.0}/s {}: {}",
                if holds { "holds" } else { "does not hold" },
                found.outcome
            );
            if holds {
                low = rate;
                best = Some(rate);
            } else {
                high = rate;
            }
            if high - low < high * CLOSE_ENOUGH {
                break;
            }
        }
        let Some(mut rate) = best else {
            eprintln!("no rate holds");
            return Ok(false);
        };
        // A rate that held for seconds need not hold for long.
        for _ in 0..STEPS {
            let found = self.attempt(&runtime, &ground, &mut next, Some(rate), self.goal.time);
            if self.holds(&found, rate) {
                found.print(
                    if rate >= self.goal.rate {
                        "goal held"
                    } else {
                        "goal missed"
                    },
                    json,
                );
                return Ok(rate >= self.goal.rate);
            }
            rate *= 0.95;
        }
        eprintln!("no rate holds for so long");
        Ok(false)
    }

    fn holds(&self, found: &Measured, rate: f64) -> bool {
        let outcome = &found.outcome;
        outcome.failures() == 0
            && outcome.sheds() == 0
            && outcome.percentile_ms(99.0) <= self.deadline_ms
            && outcome.rate() >= rate * 0.9
    }

    /// One run at a rate; `next` moves past the labels it used.
    fn attempt(
        &self,
        runtime: &tokio::runtime::Runtime,
        ground: &Ground,
        next: &mut u64,
        rate: Option<f64>,
        time: Duration,
    ) -> Measured {
        let batch = match self.goal.what {
            What::Events => self.batch.max(1),
            What::Status => 1,
        };
        let plan = Plan {
            connections: self.in_flight,
            rate: rate.map(|rate| rate / batch as f64),
            time,
            shed: Shed::Count,
        };
        let source = match self.goal.what {
            What::Status => std::sync::Arc::new(sources::Status { labels: self.from }),
            What::Events => {
                let most = rate.unwrap_or(MOST_RATE) * time.as_secs_f64();
                let count = whole(most).next_multiple_of(batch);
                let signed = sources::events(*next, count, batch);
                *next += count;
                signed.source
            }
        };
        measure(runtime, ground, plan, source)
    }
}

/// Of a step of the search.
const PROBE: Duration = Duration::from_secs(6);
const STEPS: usize = 7;
/// Nearer than the rate of one run is to that of the next.
const CLOSE_ENOUGH: f64 = 0.05;
/// More than two cores verify.
const MOST_RATE: f64 = 40_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_have_one_form() {
        let goal: Goal = "events>=14000 for 30s".parse().unwrap();
        assert_eq!(
            goal,
            Goal {
                what: What::Events,
                rate: 14_000.0,
                time: Duration::from_secs(30)
            }
        );
        for wrong in [
            "",
            "events>14000 for 30s",
            "events>=x for 30s",
            "events>=1 for 30",
            "tiles>=1 for 1s",
            "events>=0 for 1s",
            "events>=inf for 1s",
            "events>=1 for 0s",
        ] {
            assert!(wrong.parse::<Goal>().is_err(), "{wrong:?}");
        }
    }
}
