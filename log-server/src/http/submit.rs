//! Submitting an event, and what is answered when.
//!
//! ```text
//! POST /v1/events                      201 {index, event, leaf, proof}     witnessed
//!   Prefer: respond-async              202 {index, event, leaf, receipt}   durable and signed
//! known already                        200, else the same
//! no quorum within 30 s                202, as if asked for
//! ```
//! `proof` and `receipt` are whole files: a `.tlog-proof` under the witnessed checkpoint, and one under the
//! log's own with the state head as its extra.

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use labelproof_core::{
    merkle::prove_inclusion,
    receipt::Receipt,
    refusal::{Malformed, Refusal},
    tlog_proof::TlogProof,
};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::{
    MAX_BODY_BYTES, NO_STORE, Service, apart, error::Problem, lookup::proof_of,
    openapi::problems::OfEvents,
};
use crate::{
    admission::{Admitted, Arrival},
    log::Log,
    progress::Standing,
};

/// Where an event stands, or will stand.
#[derive(Serialize, ToSchema)]
#[schema(as = EventPlace)]
pub(super) struct Answer {
    /// The index of its entry.
    index: u64,
    /// Its id: the SHA-256 of the note text, hex.
    event: String,
    /// The leaf hash of the bytes that are logged, base64.
    leaf: String,
    /// A `.tlog-proof` under the witnessed checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    proof: Option<String>,
    /// A `.tlog-proof` under the log's own checkpoint, before it is witnessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    receipt: Option<String>,
}

/// `POST /v1/events`: puts an event into the log.
#[utoipa::path(
    post, path = "/v1/events", tag = "events", operation_id = "submit_event",
    params(("prefer" = Option<String>, Header, description = "`respond-async`: do not wait for the witnesses (RFC 7240).")),
    request_body(content = String, content_type = "text/plain", description = "The signed note of one event."),
    responses(
        (status = 200, description = "It was in the log before.", body = Answer, content_type = "application/json",
            headers(("cache-control"), ("preference-applied"))),
        (status = 201, description = "It is in the log and witnessed; `proof` shows it.", body = Answer,
            content_type = "application/json", headers(("cache-control"))),
        (status = 202, description = "It is durable and signed, and not witnessed yet; `receipt` shows it.",
            body = Answer, content_type = "application/json", headers(("cache-control"), ("preference-applied"))),
        OfEvents,
    )
)]
pub(super) async fn event(
    State(service): State<Service>,
    request: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge {
            limit: MAX_BODY_BYTES,
        },
        _ => Problem::Refused(Refusal::Malformed(Malformed::Note)),
    })?;
    let admitted = apart(&service, move |log| log.admit(&body)).await?;
    let (goal, is_async) = if prefers_async(&request) {
        (Standing::Acknowledged, true)
    } else {
        (Standing::Published, false)
    };
    let standing = wait(&service, &admitted, goal).await;
    let mut response = match standing {
        Standing::Published if !is_async => {
            apart(&service, move |log| witnessed(log, &admitted)).await?
        }
        Standing::Published | Standing::Acknowledged => {
            apart(&service, move |log| durable(log, &admitted)).await?
        }
        Standing::Failed | Standing::Waiting => return Err(Problem::Storage),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    if is_async {
        // SPEC RFC 7240: what was honoured is said.
        headers.insert(
            "preference-applied",
            HeaderValue::from_static("respond-async"),
        );
    }
    Ok(response)
}

/// Waits until the event stands where it should, time is up, or the process ends.
async fn wait(service: &Service, admitted: &Admitted, goal: Standing) -> Standing {
    let deadline = Instant::now() + service.patience;
    let mut progress = service.log.progress();
    loop {
        let now = *progress.borrow_and_update();
        let standing = now.standing(admitted.index(), admitted.epoch());
        let enough = match standing {
            Standing::Failed | Standing::Published => true,
            Standing::Acknowledged => goal == Standing::Acknowledged || now.is_ending(),
            Standing::Waiting => false,
        };
        if enough || !matches!(timeout_at(deadline, progress.changed()).await, Ok(Ok(()))) {
            return standing;
        }
    }
}

fn witnessed(log: &Log, admitted: &Admitted) -> Result<Response, Problem> {
    let published = log.published().ok_or(Problem::NoQuorum)?;
    let answer = Answer {
        proof: Some(proof_of(log, &published, admitted.index())?.to_string()),
        ..Answer::about(admitted)
    };
    let status = match admitted.arrival() {
        Arrival::New => StatusCode::CREATED,
        Arrival::Known => StatusCode::OK,
    };
    Ok((status, Json(answer)).into_response())
}

fn durable(log: &Log, admitted: &Admitted) -> Result<Response, Problem> {
    let answer = Answer {
        receipt: Some(receipt(log, admitted)?.to_string()),
        ..Answer::about(admitted)
    };
    let status = match admitted.arrival() {
        Arrival::New => StatusCode::ACCEPTED,
        Arrival::Known => StatusCode::OK,
    };
    Ok((status, Json(answer)).into_response())
}

/// The receipt under the newest head the log signed.
fn receipt(log: &Log, admitted: &Admitted) -> Result<TlogProof, Problem> {
    let newest = log.newest().ok_or(Problem::Storage)?;
    let size = newest.signed.head().size();
    let directory = &log.setting().directory;
    let path = prove_inclusion(directory, admitted.index(), size)?;
    let head_path = prove_inclusion(directory, newest.head.index(), size)?;
    let receipt = Receipt::write(
        &newest.signed,
        admitted.index(),
        path,
        &newest.head,
        &head_path,
    );
    Ok(receipt.expect("a tree of 2^64 entries has paths of 64 hashes"))
}

impl Answer {
    fn about(admitted: &Admitted) -> Self {
        Self {
            index: admitted.index().get(),
            event: admitted.event().to_string(),
            leaf: admitted.leaf().to_string(),
            proof: None,
            receipt: None,
        }
    }
}

/// SPEC RFC 7240: preferences are separated by commas; unknown ones are ignored.
fn prefers_async(request: &HeaderMap) -> bool {
    let values = request
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}
