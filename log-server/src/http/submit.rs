//! Submitting an event, and what is answered when.
//!
//! ```text
//! POST /v1/events                      201 {index, event, leaf, proof}     witnessed
//!   Prefer: respond-async              202 {index, event, leaf, receipt}   durable and signed
//! known already                        200, else the same
//! no quorum within 30 s                202, as if asked for
//! POST /v1/events?dry-run              200 {event, accepted}             the log would take it now
//! ```
//! `proof` and `receipt` are whole files: a `.tlog-proof` under the witnessed checkpoint, and one under the
//! log's own with the state head as its extra.

use axum::{
    body::Bytes,
    extract::{FromRequestParts, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use labelproof_core::{
    event::EventId,
    refusal::{Malformed, Refusal},
};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use super::{
    JSON, MAX_BODY_BYTES, NO_STORE, Service, apart, beside, error::Problem, gate::InLine,
    openapi::problems::OfEvents,
};
use crate::{
    admission::{Admitted, Arrival},
    log::Log,
    progress::{Progress, Standing},
};

/// A signed note (c2sp.org/signed-note).
#[derive(ToSchema)]
#[schema(value_type = String, format = "signed-note")]
pub(super) struct SignedNote(());

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

/// An event that the log would take now.
#[derive(Serialize, ToSchema)]
pub(super) struct Trial {
    /// Its id: the SHA-256 of the note text, hex.
    event: String,
    /// Always true; what the log would not take is a problem.
    accepted: bool,
}

impl Trial {
    pub(super) fn of(event: EventId) -> Self {
        Self {
            event: event.to_string(),
            accepted: true,
        }
    }
}

/// What an event is answered if nothing is wrong with it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum PlaceOrTrial {
    /// It is in the log.
    Place(Answer),
    /// It would be taken.
    Trial(Trial),
}

/// What to do with an event that is admitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode {
    /// Take it.
    Take,
    /// Say that the log would take it.
    Try,
}

/// The value of `dry-run`: nothing, for to name it is enough, or `true`.
pub(super) enum DryRun {}

impl PartialSchema for DryRun {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.enum_values(Some(["", "true"])).into()
    }
}

impl ToSchema for DryRun {}

impl<S: Send + Sync> FromRequestParts<S> for Mode {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.uri.query() {
            None | Some("") => Ok(Self::Take),
            Some("dry-run" | "dry-run=" | "dry-run=true") => Ok(Self::Try),
            // A misspelt dry run must not become a real one.
            Some(_) => Err(Problem::BadAddress {
                what: "its query is nothing or dry-run",
            }),
        }
    }
}

/// `POST /v1/events`: puts an event into the log.
#[utoipa::path(
    post, path = "/v1/events", tag = "events", operation_id = "submit_event",
    params(
        ("dry-run" = inline(Option<DryRun>), Query, description = "Say whether the log would take it, and take nothing."),
        ("prefer" = Option<String>, Header, description = "`respond-async`: do not wait for the witnesses (RFC 7240)."),
    ),
    request_body(content = inline(SignedNote), content_type = "text/plain", description = "The signed note of one event."),
    responses(
        (status = 200, description = "It was in the log before; or, in a dry run, it would be taken.", body = PlaceOrTrial, content_type = "application/json",
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
    mode: Mode,
    request: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let metrics = &service.log.setting().metrics;
    let lined_up = readable(&request, body).and_then(|body| {
        let place = service.gate.line_up(&body)?;
        Ok((place, body))
    });
    let (place, body) = lined_up.inspect_err(|problem| metrics.refused(problem))?;
    let is_async = prefers_async(&request);
    // Its values are parts of the connection's read buffer, which is used again once they are gone.
    drop(request);
    let submitting = service.submitting.clone();
    let work = async move {
        match mode {
            Mode::Take => take(&service, place, body, is_async).await,
            Mode::Try => try_out(&service, place, body).await,
        }
    };
    let mut response = beside(submitting, work).await?;
    if is_async && mode == Mode::Take {
        // SPEC RFC 7240: what was honoured is said.
        response.headers_mut().insert(
            "preference-applied",
            HeaderValue::from_static("respond-async"),
        );
    }
    Ok(response)
}

/// Checks that a request has a body that can be an event.
fn readable(request: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    check_encoding(request)?;
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge {
            limit: MAX_BODY_BYTES,
        },
        _ => Problem::Refused(Refusal::Malformed(Malformed::Note)),
    })
}

async fn take(
    service: &Service,
    place: InLine,
    body: Bytes,
    is_async: bool,
) -> Result<Response, Problem> {
    let metrics = &service.log.setting().metrics;
    let admitted = admit(service, place, body).await;
    let admitted = admitted.inspect_err(|problem| metrics.refused(problem))?;
    metrics.admitted(admitted.arrival());
    let goal = if is_async {
        Standing::Acknowledged
    } else {
        Standing::Published
    };
    let deadline = Instant::now() + service.patience;
    let standing = wait_until(&service.log, &admitted, goal, deadline).await;
    let (status, answer) = if needs_no_file(&service.log, &admitted, standing) {
        answered(&service.log, &admitted, standing)?
    } else {
        apart(service, move |log| answered(log, &admitted, standing)).await?
    };
    Ok(respond(status, answer))
}

async fn admit(service: &Service, place: InLine, body: Bytes) -> Result<Admitted, Problem> {
    let _turn = place.enter().await;
    match service.log.admit_new(&body)? {
        Some(admitted) => Ok(admitted),
        None => apart(service, move |log| log.admit(&body)).await,
    }
}

async fn try_out(service: &Service, place: InLine, body: Bytes) -> Result<Response, Problem> {
    let metrics = &service.log.setting().metrics;
    let _turn = place.enter().await;
    let tried = apart(service, move |log| log.try_out(&body)).await;
    let event = tried.inspect_err(|problem| metrics.refused(problem))?;
    metrics.tried();
    Ok(respond(StatusCode::OK, Trial::of(event)))
}

fn respond(status: StatusCode, answer: impl Serialize) -> Response {
    let mut json = Vec::with_capacity(ANSWER_BYTES);
    serde_json::to_writer(&mut json, &answer).expect("an answer is strings and numbers");
    let mut response = (status, json).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    response
}

/// A compressed event would be read as bytes that are no note; that it was compressed says more.
pub(super) fn check_encoding(request: &HeaderMap) -> Result<(), Problem> {
    match request.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Problem::Encoded)
        }
        _ => Ok(()),
    }
}

/// Where the event stands for good, as far as this request is concerned; `None` while it has to wait.
///
/// Who asked for a receipt gets one, however quick the witnesses were: it stands no higher than `goal`.
pub(super) fn settled(now: Progress, admitted: &Admitted, goal: Standing) -> Option<Standing> {
    let standing = now.standing(admitted.index(), admitted.epoch());
    match standing {
        Standing::Published => Some(goal),
        Standing::Failed => Some(standing),
        Standing::Acknowledged => {
            (goal == Standing::Acknowledged || now.is_ending()).then_some(standing)
        }
        Standing::Waiting => None,
    }
}

/// Waits until the event stands where it should, time is up, or the process ends.
pub(super) async fn wait_until(
    log: &Log,
    admitted: &Admitted,
    goal: Standing,
    deadline: Instant,
) -> Standing {
    loop {
        let now = log.standing();
        if let Some(standing) = settled(now, admitted, goal) {
            return standing;
        }
        let woken = log.wait(goal, admitted.index());
        // What happened before it stood in line would wake nobody.
        if log.standing() == now && timeout_at(deadline, woken).await.is_err() {
            let now = log.standing();
            let standing = now.standing(admitted.index(), admitted.epoch());
            return settled(now, admitted, goal).unwrap_or(standing);
        }
    }
}

/// Whether the answer comes from memory, as it does while the event's batch is one of the recent ones; then a worker
/// may make it.
pub(super) fn needs_no_file(log: &Log, admitted: &Admitted, standing: Standing) -> bool {
    let index = admitted.index();
    match standing {
        Standing::Published => log
            .published()
            .is_some_and(|published| published.nodes.covers(index)),
        Standing::Acknowledged => log
            .acknowledging(index)
            .is_some_and(|under| under.nodes.covers(index)),
        Standing::Failed | Standing::Waiting => true,
    }
}

/// What an event that stands there is answered: with the witnessed proof, or the receipt.
pub(super) fn answered(
    log: &Log,
    admitted: &Admitted,
    standing: Standing,
) -> Result<(StatusCode, Answer), Problem> {
    match standing {
        Standing::Published => witnessed(log, admitted),
        Standing::Acknowledged => durable(log, admitted),
        Standing::Failed | Standing::Waiting => Err(Problem::Storage),
    }
}

fn witnessed(log: &Log, admitted: &Admitted) -> Result<(StatusCode, Answer), Problem> {
    let published = log.published().ok_or(Problem::NoQuorum)?;
    let answer = Answer {
        proof: Some(published.proof(&log.setting().directory, admitted.index())?),
        ..Answer::about(admitted)
    };
    let status = match admitted.arrival() {
        Arrival::New => StatusCode::CREATED,
        Arrival::Known => StatusCode::OK,
    };
    Ok((status, answer))
}

fn durable(log: &Log, admitted: &Admitted) -> Result<(StatusCode, Answer), Problem> {
    let answer = Answer {
        receipt: Some(receipt(log, admitted)?),
        ..Answer::about(admitted)
    };
    let status = match admitted.arrival() {
        Arrival::New => StatusCode::ACCEPTED,
        Arrival::Known => StatusCode::OK,
    };
    Ok((status, answer))
}

/// The receipt under a head the log signed: that of the event's own batch while it waits for witnesses.
fn receipt(log: &Log, admitted: &Admitted) -> Result<String, Problem> {
    let under = log
        .acknowledging(admitted.index())
        .ok_or(Problem::Storage)?;
    Ok(under.receipt(&log.setting().directory, admitted.index())?)
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
pub(super) fn prefers_async(request: &HeaderMap) -> bool {
    let values = request
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case("respond-async"))
}

/// A receipt in a log of a billion entries, so that an answer is written in one piece.
const ANSWER_BYTES: usize = 4 * 1024;
