//! Health: whether the process lives, and whether the monitor sees.
//!
//! ```text
//! /livez    the process answers
//! /readyz   200: it sees every log and is not behind; 503: it does not, and `reasons` says why
//! ```
//! A log that is stale or lies is an alert, and no reason here: the monitor saw it.

use axum::{extract::State, http::StatusCode, response::Response};
use labelproof_core::time::Time;
use labelproof_host::web::{Document, NO_STORE};
use serde::Serialize;

use super::Service;
use crate::board::Standing;

/// `GET /livez`: the process answers.
pub(super) async fn livez() -> &'static str {
    "alive\n"
}

/// Whether the monitor sees.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<String>,
    logs: Vec<Sight>,
}

/// How it sees one log.
#[derive(Serialize)]
struct Sight {
    origin: String,
    downloaded: u64,
    verified: u64,
    witnessed: Option<u64>,
    as_of: Option<String>,
    polled: Option<String>,
    blind_since: Option<String>,
    why: Option<String>,
}

/// `GET /readyz`: whether the monitor sees, and if not, why.
pub(super) async fn readyz(State(service): State<Service>) -> Response {
    let (logs, now) = (service.board.logs(), service.clock.now());
    let silence_s = LONGEST_SILENCE_S.max(service.poll.as_secs().saturating_mul(3));
    let reasons = logs.iter().flat_map(|log| reasons(log, now, silence_s));
    let reasons: Vec<String> = reasons.collect();
    let status = match reasons.as_slice() {
        [] => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let report = Readiness {
        ready: reasons.is_empty(),
        reasons,
        logs: logs.iter().map(Sight::of).collect(),
    };
    let mut bytes = serde_json::to_vec(&report).expect("text keys and plain values only");
    bytes.push(b'\n');
    let document = Document {
        bytes: bytes.into(),
        content_type: "application/json",
        cache_control: NO_STORE,
    };
    document.respond_anew(status)
}

fn reasons(log: &Standing, now: Time, silence_s: u64) -> Vec<String> {
    let origin = log.origin();
    let mut reasons = Vec::new();
    if let Some((since, why)) = log.blind() {
        reasons.push(format!("blind on {origin} since {since}: {why}"));
    }
    match log.polled() {
        None => reasons.push(format!("{origin} has not answered yet")),
        Some(polled) if now.seconds_since(polled) > silence_s => {
            reasons.push(format!("{origin} last answered at {polled}"));
        }
        Some(_) => {}
    }
    match log.witnessed() {
        None => reasons.push(format!("no head of {origin} is accepted yet")),
        Some(_) if backlog(log) > MAX_BACKLOG => {
            let entries = backlog(log);
            reasons.push(format!("{entries} entries of {origin} wait to be verified"));
        }
        Some(_) => {}
    }
    reasons
}

/// How many entries are accepted or copied, and not verified yet.
pub(super) fn backlog(log: &Standing) -> u64 {
    let known = log.witnessed().map_or(0, |head| head.head().size().get());
    let known = known.max(log.downloaded().get());
    known.saturating_sub(log.verified().get())
}

impl Sight {
    fn of(log: &Standing) -> Self {
        Self {
            origin: log.origin().to_string(),
            downloaded: log.downloaded().get(),
            verified: log.verified().get(),
            witnessed: log.witnessed().map(|head| head.head().size().get()),
            as_of: log.as_of().map(|time| time.to_string()),
            polled: log.polled().map(|time| time.to_string()),
            blind_since: log.blind().map(|(since, _)| since.to_string()),
            why: log.blind().map(|(_, why)| why.clone()),
        }
    }
}

/// As long as a restart of a log with its proxies may take.
const LONGEST_SILENCE_S: u64 = 300;
/// A full pool of a log: it is verified within seconds.
const MAX_BACKLOG: u64 = 10_000;
