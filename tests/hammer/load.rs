//! Load on a schedule: when a request is due does not depend on when the one before it was answered.
//!
//! ```text
//! ticket k is due at start + k / rate; its latency is counted from there, so that a stall is not hidden
//! as fast as it goes: each connection asks again at once, and latency is that of the request
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::Client;

/// Makes the request of a ticket; none when there are no more.
pub(crate) trait Source: Send + Sync + 'static {
    /// Puts the request into `out`, which is empty.
    fn request(&self, ticket: u64, out: &mut Vec<u8>) -> bool;

    /// Counts what an answer brought: 1, or the lines of a batch that were taken.
    fn count(&self, _status: u16, _body: &[u8]) -> u64 {
        1
    }
}

/// How hard to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Connections, and so the most requests in flight.
    pub(crate) connections: usize,
    /// Requests a second; none for as fast as it goes.
    pub(crate) rate: Option<f64>,
    /// For how long requests are due.
    pub(crate) time: Duration,
    /// What an answer that sheds load leads to.
    pub(crate) shed: Shed,
}

/// What is done about an answer 429 or 503.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shed {
    /// It is counted.
    Count,
    /// It is counted, and the request sent again a little later.
    Retry,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Latencies of the answers below 300, in microseconds, sorted.
    latencies: Vec<u32>,
    /// Answers by status; 0 for connections that broke.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// What was counted of the answers below 300.
    pub(crate) items: u64,
    /// From the first request due to the last answer.
    pub(crate) elapsed: Duration,
    /// Body bytes of all answers.
    pub(crate) bytes: u64,
}

/// Runs a plan against a server.
pub(crate) fn run(
    runtime: &Runtime,
    address: SocketAddr,
    plan: Plan,
    source: Arc<dyn Source>,
) -> Outcome {
    runtime.block_on(async {
        let tickets = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut workers = JoinSet::new();
        for _ in 0..plan.connections {
            workers.spawn(work(
                address,
                plan,
                start,
                Arc::clone(&tickets),
                Arc::clone(&source),
            ));
        }
        let mut all = Outcome::default();
        while let Some(done) = workers.join_next().await {
            all.add(done.expect("a worker does not panic"));
        }
        all.elapsed = start.elapsed();
        all.latencies.sort_unstable();
        all
    })
}

async fn work(
    address: SocketAddr,
    plan: Plan,
    start: Instant,
    tickets: Arc<AtomicU64>,
    source: Arc<dyn Source>,
) -> Outcome {
    let mut client = Client::new(address);
    let mut outcome = Outcome::default();
    let mut request = Vec::new();
    let end = start + plan.time;
    loop {
        let ticket = tickets.fetch_add(1, Ordering::Relaxed);
        let due = match plan.rate {
            Some(rate) => start + Duration::from_secs_f64(ticket as f64 / rate),
            None => Instant::now(),
        };
        request.clear();
        if due >= end || !source.request(ticket, &mut request) {
            return outcome;
        }
        if plan.rate.is_some() {
            sleep_until(due).await;
        }
        for _ in 0..MOST_TRIES {
            let (status, items, bytes) = match client.ask(&request).await {
                Ok(answer) => (
                    answer.status,
                    source.count(answer.status, answer.body),
                    answer.body.len() as u64,
                ),
                Err(_) => (0, 0, 0),
            };
            *outcome.statuses.entry(status).or_default() += 1;
            outcome.bytes += bytes;
            if (200..300).contains(&status) {
                outcome.items += items;
                let micros = due.elapsed().as_micros();
                outcome
                    .latencies
                    .push(u32::try_from(micros).unwrap_or(u32::MAX));
            }
            if plan.shed == Shed::Count || !matches!(status, 0 | 429 | 503) {
                break;
            }
            sleep(RETRY_PAUSE).await;
        }
    }
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.items += other.items;
        self.bytes += other.bytes;
    }

    /// What was counted, a second.
    pub(crate) fn rate(&self) -> f64 {
        self.items as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The latency that `percent` of the good answers do not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = usize::try_from(whole(self.latencies.len() as f64 * percent / 100.0));
        let at = at.unwrap_or(last);
        self.latencies
            .get(at.min(last))
            .map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
    }

    /// Answers that shed load: 429 and 503.
    pub(crate) fn sheds(&self) -> u64 {
        let of = |status| self.statuses.get(&status).copied().unwrap_or_default();
        of(429) + of(503)
    }

    /// Answers that are neither good nor a shed.
    pub(crate) fn failures(&self) -> u64 {
        let others = self
            .statuses
            .iter()
            .filter(|(status, _)| !matches!(status, 200..=299 | 429 | 503));
        others.map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0}/s  p50 {:.1} ms  p90 {:.1}  p99 {:.1}  max {:.1}  answers {:?}",
            self.rate(),
            self.percentile_ms(50.0),
            self.percentile_ms(90.0),
            self.percentile_ms(99.0),
            self.percentile_ms(100.0),
            self.statuses
        )
    }
}

/// A minute of retries: after that a log that sheds does not take the event at all.
const MOST_TRIES: usize = 1_200;
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The whole part of a count that is no larger than what a run can send.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the fraction is what goes; a run sends far less than 2^53"
)]
pub(crate) fn whole(count: f64) -> u64 {
    count as u64
}
