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
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::{JSON, MAX_BODY_BYTES, NO_STORE, Service, apart, error::Problem, lookup::proof_of};
use crate::{
    admission::{Admitted, Arrival},
    log::Log,
    progress::Standing,
};

/// `POST /v1/events`.
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
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
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
    let proof = proof_of(log, &published, admitted.index())?.to_string();
    let status = match admitted.arrival() {
        Arrival::New => StatusCode::CREATED,
        Arrival::Known => StatusCode::OK,
    };
    Ok((status, answer(admitted, "proof", &proof)).into_response())
}

fn durable(log: &Log, admitted: &Admitted) -> Result<Response, Problem> {
    let receipt = receipt(log, admitted)?.to_string();
    let status = match admitted.arrival() {
        Arrival::New => StatusCode::ACCEPTED,
        Arrival::Known => StatusCode::OK,
    };
    Ok((status, answer(admitted, "receipt", &receipt)).into_response())
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

fn answer(admitted: &Admitted, name: &str, file: &str) -> String {
    let answer = json!({
        "index": admitted.index().get(),
        "event": admitted.event().to_string(),
        "leaf": admitted.leaf().to_string(),
        name: file,
    });
    answer.to_string()
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
