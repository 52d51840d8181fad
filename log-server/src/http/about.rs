//! What the log says of itself: its description, its health.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use labelproof_core::{entry_bundle::MAX_ENTRY_BYTES, merkle::TreeSize, state::head::Rules};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Document, JSON, MAX_BODY_BYTES, NO_STORE, Service,
    batch::{MAX_BATCH_BYTES, MAX_LINES},
};
use crate::{
    admission::{MAX_UNPUBLISHED_BATCHES, MAX_UNPUBLISHED_EVENTS},
    feeder::WitnessReport,
    log::Hold,
    pool::{MAX_POOL_BYTES, MAX_POOL_EVENTS},
    storage::Directory,
};

/// What a log says of itself.
#[derive(Serialize, ToSchema)]
pub(super) struct LogDescription {
    /// The version of this description.
    version: u32,
    /// The name of the log.
    #[schema(example = "labels.g7.example")]
    origin: String,
    /// Its keys, as C2SP signed notes write them.
    vkeys: Vec<String>,
    /// The leaf hash of entry 0, which clients pin, base64; null before there is one.
    #[schema(required)]
    genesis: Option<String>,
    /// The state function it runs.
    #[schema(example = "state/0.2")]
    rules: String,
    /// The C2SP tlog-policy that its checkpoints meet.
    policy: String,
    /// How long events gather before they are sequenced.
    interval_ms: u64,
    /// How many entries are published.
    size: u64,
    /// The time of which the witnesses speak; null before anything was witnessed.
    #[schema(required, format = DateTime)]
    as_of: Option<String>,
    /// How long ago that was, by the clock of the log.
    #[schema(required)]
    age_s: Option<u64>,
    /// What is too much.
    limits: Limits,
}

/// The limits of a log.
#[derive(Serialize, ToSchema)]
#[schema(as = LogLimits)]
struct Limits {
    /// Bytes of an event.
    entry_bytes: usize,
    /// Bytes of a request's body.
    body_bytes: usize,
    /// Events that may wait to be sequenced.
    pool_events: usize,
    /// Their bytes.
    pool_bytes: usize,
    /// Batches that may wait for the witnesses.
    unpublished_batches: usize,
    /// Their entries.
    unpublished_entries: u64,
    /// Lines of a batch.
    batch_lines: usize,
    /// Bytes of a batch.
    batch_bytes: usize,
}

/// `GET /v1/log`: everything a client needs to know before it trusts nothing of it.
#[utoipa::path(
    get, path = "/v1/log", tag = "about", operation_id = "describe_log",
    responses((status = 200, description = "What the log is, how far, and its limits.", body = LogDescription,
        content_type = "application/json", headers(("etag"))))
)]
pub(super) async fn log(State(service): State<Service>, request: HeaderMap) -> Response {
    let log = &service.log;
    let setting = log.setting();
    let published = log.published();
    let now = setting.clock.unix_ms() / 1_000;
    let as_of = published
        .as_ref()
        .map(|published| published.witnessed.as_of());
    let description = LogDescription {
        version: 1,
        origin: setting.origin.as_str().to_owned(),
        vkeys: vec![setting.vkey.to_string()],
        genesis: log.genesis().map(|leaf| leaf.to_string()),
        rules: Rules::CURRENT.to_string(),
        policy: String::from_utf8_lossy(setting.policy.to_bytes()).into_owned(),
        interval_ms: u64::try_from(service.interval.as_millis()).unwrap_or(u64::MAX),
        size: published
            .as_ref()
            .map_or(0, |published| published.head().size().get()),
        as_of: as_of.map(|as_of| as_of.to_string()),
        age_s: as_of.map(|as_of| now.saturating_sub(as_of.unix())),
        limits: Limits {
            entry_bytes: MAX_ENTRY_BYTES,
            body_bytes: MAX_BODY_BYTES,
            pool_events: MAX_POOL_EVENTS,
            pool_bytes: MAX_POOL_BYTES,
            unpublished_batches: MAX_UNPUBLISHED_BATCHES,
            unpublished_entries: MAX_UNPUBLISHED_EVENTS,
            batch_lines: MAX_LINES,
            batch_bytes: MAX_BATCH_BYTES,
        },
    };
    json_document(&description).respond(&request)
}

/// `GET /livez`: the process answers.
#[utoipa::path(
    get, path = "/livez", tag = "about", operation_id = "livez",
    responses((status = 200, description = "The process answers.", body = String, content_type = "text/plain"))
)]
pub(super) async fn livez() -> &'static str {
    "alive\n"
}

/// Whether events are taken and get witnessed.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether they are.
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    /// How many entries are durable and signed.
    size: u64,
    /// How many are published.
    published: u64,
    /// How each witness stands.
    witnesses: Vec<WitnessStanding>,
}

/// How one witness stands.
#[derive(Serialize, ToSchema)]
struct WitnessStanding {
    /// Its name in the policy.
    name: String,
    /// The size it holds; null if it has not said yet.
    #[schema(required)]
    size: Option<u64>,
    /// Why it does not cosign; null if it does.
    #[schema(required)]
    failure: Option<String>,
}

/// `GET /readyz`: whether events are taken and get witnessed, and if not, why. Readers look at `/livez`.
#[utoipa::path(
    get, path = "/readyz", tag = "about", operation_id = "readyz",
    responses(
        (status = 200, description = "Events are taken and get witnessed.", body = Readiness,
            content_type = "application/json", headers(("cache-control"))),
        (status = 503, description = "They are not; `reasons` says why.", body = Readiness,
            content_type = "application/json", headers(("cache-control"))),
    )
)]
pub(super) async fn readyz(State(service): State<Service>) -> Response {
    let log = &service.log;
    let witnesses = log.witnesses();
    let mut reasons: Vec<String> = log
        .held()
        .iter()
        .map(|hold| reason(&log.setting().directory, hold))
        .collect();
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
    let progress = log.standing();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = Readiness {
        ready: reasons.is_empty(),
        reasons,
        size: progress.acknowledged().get(),
        published: progress.published().get(),
        witnesses: witnesses.iter().map(WitnessStanding::of).collect(),
    };
    json_document(&report).respond_anew(status)
}

/// Why nothing is taken, with the cause that whoever runs the log can mend; where the store lies, strangers need not know.
fn reason(directory: &Directory, hold: &Hold) -> String {
    match hold {
        Hold::Failed { cause } => {
            format!("{}: {}", hold.why(), directory.without_root(cause))
        }
        _ => hold.why().to_owned(),
    }
}

impl WitnessStanding {
    fn of(witness: &WitnessReport) -> Self {
        Self {
            name: witness.name.to_string(),
            size: witness.size.map(TreeSize::get),
            failure: witness.failure.clone(),
        }
    }
}

fn json_document(value: &impl Serialize) -> Document {
    let mut bytes = serde_json::to_vec(value).expect("text keys and plain values only");
    bytes.push(b'\n');
    Document {
        bytes: bytes.into(),
        content_type: JSON,
        cache_control: NO_STORE,
    }
}
