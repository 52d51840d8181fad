//! The witness's face (c2sp.org/tlog-witness, "HTTP Interface").
//!
//! ```text
//! POST /add-checkpoint              200 signature line · 400 403 404 409 413 422 503, a sentence
//! GET  /<origin hash>/checkpoint    200 checkpoint with the log's lines and ours · 404
//! GET  /livez /metrics /            alive · counters · name, key and logs, for people
//! ```
//! Statuses come from [`Refusal::status`]. Limits on connections belong to `host::serve`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use labelproof_core::key::Vkey;
use labelproof_host::logging::causes;
use labelproof_host::metrics::{CONTENT_TYPE, Counter, Held, Metric, Page, Sort};

use crate::decision::{Refusal, admit};
use crate::known_logs::KnownLogs;
use crate::witness::Shelf;
use crate::writer::Queue;

/// What the handlers share.
#[derive(Debug)]
pub struct Face {
    /// Logs and keys.
    pub known: Arc<KnownLogs>,
    /// Where requests wait.
    pub queue: Queue,
    /// What readers get.
    pub shelf: Shelf,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The key under which the witness signs.
    pub vkey: Vkey,
}

/// The routes.
pub fn router(face: Face) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{origin_hash}/checkpoint", get(checkpoint))
        .route("/livez", get(|| async { "alive\n" }))
        .route("/metrics", get(metrics))
        .route("/", get(home))
        .fallback(async || sentence(StatusCode::NOT_FOUND, "there is nothing here; see /\n"))
        .method_not_allowed_fallback(async || {
            let text = "this address does not take that method; see the Allow header\n";
            sentence(StatusCode::METHOD_NOT_ALLOWED, text)
        })
        .with_state(Arc::new(face))
}

async fn add_checkpoint(
    State(face): State<Arc<Face>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = match body {
        Ok(body) => match admit(&body, &face.known) {
            Ok(candidate) => face.queue.answer(candidate).await,
            Err(refusal) => Err(refusal),
        },
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Refusal::TooLarge)
        }
        Err(_) => Err(Refusal::NoBody),
    };
    match answer {
        Ok(line) => {
            face.metrics.count_answer(200);
            (text_plain(), format!("{line}\n")).into_response()
        }
        Err(refusal) => refuse(&face, &refusal),
    }
}

fn refuse(face: &Face, refusal: &Refusal) -> Response {
    let number = refusal.status();
    face.metrics.count_answer(number);
    let status = StatusCode::from_u16(number).expect("the table holds HTTP statuses");
    let sentence = causes(refusal);
    tracing::debug!(status = number, refusal = %sentence, "refused");
    // SPEC tlog-witness: 409 has the size "in decimal, followed by a newline" and its own content type.
    if let Refusal::OldIsNotLatest { latest } = refusal {
        let size_type = HeaderValue::from_static("text/x.tlog.size");
        let headers = [(header::CONTENT_TYPE, size_type)];
        return (status, headers, format!("{latest}\n")).into_response();
    }
    let mut response = (status, text_plain(), format!("{sentence}\n")).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static(RETRY_AFTER_SECONDS);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

async fn checkpoint(
    State(face): State<Arc<Face>>,
    hash: Result<Path<String>, PathRejection>,
) -> Response {
    match hash.ok().and_then(|Path(hash)| face.shelf.get(&hash)) {
        Some(note) => {
            let no_store = HeaderValue::from_static("no-store");
            ([(header::CACHE_CONTROL, no_store)], text_plain(), note).into_response()
        }
        // SPEC tlog-witness: "If the witness has never cosigned a checkpoint for that log", 404.
        None => {
            let text = "no checkpoint of this log was cosigned here\n";
            sentence(StatusCode::NOT_FOUND, text)
        }
    }
}

async fn metrics(State(face): State<Arc<Face>>) -> Response {
    let text = face.metrics.text(face.known.active().len());
    let version = HeaderValue::from_static(CONTENT_TYPE);
    ([(header::CONTENT_TYPE, version)], text).into_response()
}

async fn home(State(face): State<Arc<Face>>) -> Html<String> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\n\
         <h1>{name}</h1>\n<p>A witness of transparency logs (<a href=\"https://c2sp.org/tlog-witness\">\
         c2sp.org/tlog-witness</a>).\n<p>Verifier key: <code>{vkey}</code>\n<p>Logs:\n<ul>\n",
        name = escape(face.vkey.name().as_str()),
        vkey = escape(&face.vkey.to_string()),
    );
    for log in face.known.active() {
        let (hash, origin) = (log.origin().hash(), log.origin().as_str());
        let origin = escape(origin);
        let _ = writeln!(page, "<li><a href=\"/{hash}/checkpoint\">{origin}</a>");
    }
    page.push_str("</ul>\n</html>\n");
    Html(page)
}

/// Origins and key names are others' text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn sentence(status: StatusCode, text: &'static str) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    let kept = [(header::CACHE_CONTROL, no_store)];
    (status, kept, text_plain(), text).into_response()
}

fn text_plain() -> [(header::HeaderName, HeaderValue); 1] {
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    [(header::CONTENT_TYPE, text)]
}

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    answers: [Counter; STATUSES.len()],
    batches: Counter,
    connections: Held,
}

impl Metrics {
    /// Counts an answer to a request to cosign.
    pub(crate) fn count_answer(&self, status: u16) {
        let place = STATUSES.iter().position(|known| *known == status);
        let place = place.expect("every status of the table is counted");
        self.answers[place].count();
    }

    /// Counts a batch of requests that were answered together.
    pub(crate) fn count_batch(&self) {
        self.batches.count();
    }

    /// The connections there are.
    pub(crate) fn connections(&self) -> &Held {
        &self.connections
    }

    fn text(&self, logs: usize) -> String {
        let mut page = Page::default();
        let mut answers = page.metric(ANSWERS);
        for (status, count) in STATUSES.iter().zip(&self.answers) {
            answers.labelled("status", &status.to_string(), count.get());
        }
        page.metric(BATCHES).value(self.batches.get());
        page.metric(LOGS).value(logs);
        page.metric(CONNECTIONS).value(self.connections.get());
        page.into_text()
    }
}

const ANSWERS: Metric = Metric {
    name: "labelproof_witness_answers_total",
    sort: Sort::Counter,
    meaning: "Answers to add-checkpoint, by HTTP status.",
};
const BATCHES: Metric = Metric {
    name: "labelproof_witness_batches_total",
    sort: Sort::Counter,
    meaning: "Batches of requests decided together.",
};
const LOGS: Metric = Metric {
    name: "labelproof_witness_logs",
    sort: Sort::Gauge,
    meaning: "Logs whose requests are answered.",
};
const CONNECTIONS: Metric = Metric {
    name: "labelproof_witness_connections",
    sort: Sort::Gauge,
    meaning: "Connections that are open.",
};

/// Every status of an answer to add-checkpoint.
const STATUSES: [u16; 8] = [200, 400, 403, 404, 409, 413, 422, 503];

/// A batch takes milliseconds; after a second there is room again.
const RETRY_AFTER_SECONDS: &str = "1";
