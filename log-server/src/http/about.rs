//! What the log says of itself: its description, its health, its home page.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use labelproof_core::{
    entry_bundle::MAX_ENTRY_BYTES, merkle::TreeSize, state::head::Rules, time::Time,
};
use serde_json::{Value, json};

use super::{Document, JSON, MAX_BODY_BYTES, NO_STORE, Service};
use crate::{
    admission::{MAX_UNPUBLISHED_BATCHES, MAX_UNPUBLISHED_EVENTS},
    feeder::WitnessReport,
    log::Hold,
    pool::{MAX_POOL_BYTES, MAX_POOL_EVENTS},
};

/// `GET /v1/log`: everything a client needs to know before it trusts nothing of it.
pub(super) async fn log(State(service): State<Service>, request: HeaderMap) -> Response {
    let log = &service.log;
    let setting = log.setting();
    let published = log.published();
    let now = setting.clock.unix_ms() / 1_000;
    let description = json!({
        "version": 1,
        "origin": setting.origin.as_str(),
        "vkeys": [setting.vkey.to_string()],
        "genesis": log.genesis().map(|leaf| leaf.to_string()),
        "rules": Rules::CURRENT.to_string(),
        "policy": String::from_utf8_lossy(setting.policy.to_bytes()),
        "interval_ms": u64::try_from(service.interval.as_millis()).unwrap_or(u64::MAX),
        "size": published.as_ref().map_or(0, |published| published.head().size().get()),
        "as_of": published.as_ref().map(|published| published.witnessed.as_of().to_string()),
        "age_s": published.as_ref().map(|published| now.saturating_sub(published.witnessed.as_of().unix())),
        "limits": {
            "entry_bytes": MAX_ENTRY_BYTES,
            "body_bytes": MAX_BODY_BYTES,
            "pool_events": MAX_POOL_EVENTS,
            "pool_bytes": MAX_POOL_BYTES,
            "unpublished_batches": MAX_UNPUBLISHED_BATCHES,
            "unpublished_entries": MAX_UNPUBLISHED_EVENTS,
        },
    });
    json_document(&description).respond(&request)
}

/// `GET /livez`: the process answers.
pub(super) async fn livez() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: whether events are taken and get witnessed, and if not, why. Readers look at `/livez`.
pub(super) async fn readyz(State(service): State<Service>, request: HeaderMap) -> Response {
    let log = &service.log;
    let witnesses = log.witnesses();
    let mut reasons: Vec<String> = log.held().iter().map(reason).collect();
    let works = |index: usize| witnesses.get(index).is_some_and(WitnessReport::works);
    if !log.setting().policy.holds(works) {
        let failing = witnesses.iter().filter_map(|witness| {
            Some(format!("{} ({})", witness.name, witness.failure.as_ref()?))
        });
        let failing: Vec<String> = failing.collect();
        reasons.push(match failing.as_slice() {
            [] => "too few witnesses have answered".to_owned(),
            _ => format!("no quorum without: {}", failing.join(", ")),
        });
    }
    if log.unpublished() >= MAX_UNPUBLISHED_BATCHES {
        reasons.push(format!("{} batches wait for the quorum", log.unpublished()));
    }
    let progress = *log.progress().borrow();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = json!({
        "ready": reasons.is_empty(),
        "reasons": reasons,
        "size": progress.acknowledged().get(),
        "published": progress.published().get(),
        "witnesses": witnesses.iter().map(describe).collect::<Vec<Value>>(),
    });
    let mut response = json_document(&report).respond(&request);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// Why nothing is taken, with the cause that whoever runs the log can mend.
fn reason(hold: &Hold) -> String {
    match hold {
        Hold::Failed { cause } => format!("{}: {cause}", hold.why()),
        _ => hold.why().to_owned(),
    }
}

fn describe(witness: &WitnessReport) -> Value {
    json!({
        "name": witness.name,
        "size": witness.size.map(TreeSize::get),
        "failure": witness.failure,
    })
}

/// `GET /`: for a person who found the address.
pub(super) async fn home(State(service): State<Service>) -> Response {
    let setting = service.log.setting();
    let (origin, vkey) = (
        escape(setting.origin.as_str()),
        escape(&setting.vkey.to_string()),
    );
    let genesis = service
        .log
        .genesis()
        .map_or_else(|| "none yet".to_owned(), |leaf| escape(&leaf.to_string()));
    let now = Time::from_unix(setting.clock.unix_ms() / 1_000).unwrap_or(Time::MAX);
    let state = match service.log.published() {
        None => "nothing was witnessed yet".to_owned(),
        Some(published) => format!(
            "{} entries, witnessed as of {} ({} s ago)",
            published.head().size(),
            published.witnessed.as_of(),
            now.seconds_since(published.witnessed.as_of())
        ),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{origin}</title>\n\
         <h1>{origin}</h1>\n\
         <p>A transparency log of product security labels: every label issued, suspended and revoked, \
         and a proof of where each stands now.</p>\n\
         <dl><dt>Key</dt><dd><code>{vkey}</code></dd>\n\
         <dt>Genesis</dt><dd><code>{genesis}</code></dd>\n\
         <dt>Size</dt><dd>{state}</dd></dl>\n\
         <p>You need not trust this page. Take the trust file from somebody you do trust, then:</p>\n\
         <pre>labelproof status SCHEME/ID --log URL --trust trust.toml\nlabelproof verify FILE.labelproof --trust trust.toml</pre>\n\
         <p>Routes: <a href=\"/checkpoint\">/checkpoint</a>, /tile/…, <a href=\"/v1/log\">/v1/log</a>, /v1/events, \
         /v1/proof/{{index}}, /v1/status/label/{{scheme}}/{{id}}, /v1/status/authority/{{name}}, \
         /v1/status/scheme/{{id}}, /v1/status/member/{{code}}, <a href=\"/livez\">/livez</a>, \
         <a href=\"/readyz\">/readyz</a>.</p></html>\n"
    );
    ([(header::CACHE_CONTROL, NO_STORE)], Html(page)).into_response()
}

fn json_document(value: &Value) -> Document {
    Document {
        bytes: format!("{value}\n").into_bytes(),
        content_type: JSON,
        cache_control: NO_STORE,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
