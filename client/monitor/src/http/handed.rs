//! What strangers hand in: heads they saw, receipts they were given, events that their log does not show.
//!
//! ```text
//! POST /v1/heads      a checkpoint as text      {"verdict":"consistent|ahead|forked|not-mine","head":"<ours>","evidence":"…"}
//! POST /v1/receipts   {"entry":"<the signed note>","receipt":"<a receipt>"}
//!                                               {"verdict":"kept|watched|forked","deadline":"…","evidence":"…"}
//! POST /v1/adverse    the signed note               {"verdict":"watched","since":"…"}
//! ```
//! Nothing is believed that the log's key, or who may, did not sign. A few are judged at a time; bodies have at most 128 KiB.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use labelproof_core::evidence::Evidence;
use labelproof_host::web::{NO_STORE, Places};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Service, apart, error::Problem};
use crate::promises::keeper::{Judged, Keeper, Promised, Unjudged, Verdict};

/// What is being judged.
#[derive(Clone, Debug)]
pub(super) struct Judging {
    /// Each reads about a hundred tiles.
    reading: Places,
    /// Each waits for the next poll.
    waiting: Places,
}

impl Default for Judging {
    fn default() -> Self {
        Self {
            reading: Places::of(MAX_READING),
            waiting: Places::of(MAX_WAITING),
        }
    }
}

/// `POST /v1/heads`: how a checkpoint that somebody saw stands to ours.
pub(super) async fn head(
    State(service): State<Service>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(refused)?;
    let judged = judge(&service, &service.judging.reading, move |keeper| {
        keeper.judge_head(&body)
    });
    let judged = judged.await?;
    Ok(answer(StatusCode::OK, in_words(&judged)))
}

fn in_words(judged: &Judged) -> Map<String, Value> {
    let mut members = Map::new();
    let verdict = match &judged.verdict {
        Verdict::NotMine => "not-mine",
        Verdict::Consistent => "consistent",
        Verdict::Ahead => "ahead",
        Verdict::Forked(evidence) => {
            members.insert("evidence".into(), shown(evidence));
            "forked"
        }
    };
    members.insert("verdict".into(), json!(verdict));
    if let Some(ours) = &judged.ours {
        members.insert("head".into(), json!(ours.note().to_string()));
    }
    members
}

/// `POST /v1/receipts`: whether the promise of a receipt was kept; if that cannot be said yet, it is watched.
pub(super) async fn receipt(
    State(service): State<Service>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(refused)?;
    let handed: Handed = serde_json::from_slice(&body).map_err(|_| Problem::Malformed {
        why: "it is not JSON with `entry` and `receipt` alone, both texts",
    })?;
    let judge = judge(&service, &service.judging.reading, move |keeper| {
        keeper.judge_receipt(handed.entry.as_bytes(), handed.receipt.as_bytes())
    });
    let mut members = Map::new();
    let (status, verdict) = match judge.await? {
        Promised::Kept => (StatusCode::OK, "kept"),
        Promised::Watched { deadline } => {
            members.insert("deadline".into(), json!(deadline.to_string()));
            (StatusCode::ACCEPTED, "watched")
        }
        Promised::Forked(evidence) => {
            members.insert("evidence".into(), shown(&evidence));
            (StatusCode::OK, "forked")
        }
    };
    members.insert("verdict".into(), json!(verdict));
    Ok(answer(status, members))
}

/// `POST /v1/adverse`: a signed event that takes something away and that its log has not shown; it is watched.
pub(super) async fn adverse(
    State(service): State<Service>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(refused)?;
    let patience = PATIENCE
        .max(service.poll.saturating_mul(2))
        .min(MAX_PATIENCE);
    let judge = judge(&service, &service.judging.waiting, move |keeper| {
        keeper.judge_adverse(&body, patience)
    });
    let mut members = Map::new();
    members.insert("since".into(), json!(judge.await?.to_string()));
    members.insert("verdict".into(), json!("watched"));
    Ok(answer(StatusCode::ACCEPTED, members))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handed {
    entry: String,
    receipt: String,
}

async fn judge<T: Send + 'static>(
    service: &Service,
    places: &Places,
    work: impl FnOnce(&Keeper) -> Result<T, Unjudged> + Send + 'static,
) -> Result<T, Problem> {
    let keeper = service.keeper.clone().ok_or(Problem::NotFound)?;
    let place = places.take().ok_or(Problem::Busy {
        what: "things to judge",
    })?;
    apart(move || {
        let _place = place;
        work(&keeper).map_err(Problem::from)
    })
    .await
}

fn refused(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge,
        _ => Problem::Malformed {
            why: "the body does not come to its end",
        },
    }
}

fn shown(evidence: &Evidence) -> Value {
    json!(evidence.to_string())
}

fn answer(status: StatusCode, members: Map<String, Value>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    (status, headers, format!("{}\n", Value::Object(members))).into_response()
}

const MAX_READING: usize = 4;
const MAX_WAITING: usize = 16;
/// A poll, and what it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// As long as a log lets a submitter wait.
const MAX_PATIENCE: Duration = Duration::from_secs(30);
