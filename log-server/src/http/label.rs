//! One label, for people and shops: `GET /v1/labels/{scheme}/{id}`.
//!
//! ```text
//! Accept: application/json       what the log holds of it, with the address of the proof
//!         application/ld+json    the same as a schema.org `Certification`
//!         text/html              the same as a page
//! ```
//! What is shown is read out of the bundle that proves it, after the log has checked it as a client would:
//! nothing is shown here that the proof does not say.

pub(super) mod facts;
mod json_ld;
pub(super) mod page;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use labelproof_core::{
    bundle::Bundle,
    event::{LabelId, Subject},
    policy::Cosigner,
    state::{CutOff, Falls, record::StateRecord},
    status::{Finding, LabelStatus, RecordedEvent, Trusted, VerifiedBundle, verify},
    time::Time,
};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use self::facts::{Facts, Standing, Told};
use super::{
    Address, Document, JSON, NO_CACHE, NoText, Service, accept::choose, apart, error::Problem,
    openapi::problems::OfLabel, status::bundle,
};
use crate::{log::Log, shelf::Published};

/// What the log says of a label.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LabelAnswer)]
pub(super) struct Answer {
    /// What this answer is worth.
    notice: &'static str,
    /// The log.
    log: String,
    /// How many entries the witnessed head covers.
    size: u64,
    /// The time of which the witnesses speak.
    #[schema(format = DateTime)]
    as_of: String,
    /// The witnesses that cosigned this head.
    witnessed_by: Vec<String>,
    /// The label.
    label: Facts,
    /// The authority that issued it, in scope when it did.
    issuer: String,
    /// When what gave it its status was decided.
    #[schema(format = DateTime)]
    since: String,
    /// Whether its validity has ended, by the clock of the log.
    expired: bool,
    /// Why the label may not stand although its record says so: a key or an authority that is no longer believed.
    #[schema(required)]
    doubt: Option<&'static str>,
    /// Its whole history, in order of the log.
    history: Vec<Told>,
    #[serde(skip)]
    record: StateRecord,
    #[serde(skip)]
    now: Time,
    #[serde(skip)]
    falls: bool,
}

/// The forms an answer has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// JSON of ours.
    Json,
    /// JSON of schema.org.
    JsonLd,
    /// A page.
    Html,
}

/// `GET /v1/labels/{scheme}/{id}`: a label, for people and shops.
#[utoipa::path(
    get, path = "/v1/labels/{scheme}/{*id}", tag = "labels", operation_id = "label",
    params(
        ("scheme" = String, Path, description = "The scheme.", example = "jp.jc-star",
            pattern = "^[a-z0-9]{1,16}([.][a-z0-9-]+)+$", max_length = 32),
        ("id" = String, Path, description = "The id that the scheme gave; printed forms are folded.",
            example = "EX-000123", pattern = "^[A-Za-z0-9._-]+$", max_length = 96),
    ),
    responses(
        (status = 200, description = "What the log holds of the label.", headers(("etag"), ("vary"), ("link")), content(
            (Answer = "application/json"), (Object = "application/ld+json"), (String = "text/html"),
        )),
        OfLabel,
    )
)]
pub(super) async fn label(
    State(service): State<Service>,
    address: Result<Address<(String, String)>, NoText>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let forms = [
        (JSON, Form::Json),
        ("application/ld+json", Form::JsonLd),
        ("text/html", Form::Html),
    ];
    let form = choose(&request, &forms)?;
    let Address((scheme, id)) = address?;
    let label: LabelId = format!("{scheme}/{id}")
        .parse()
        .map_err(|_| Problem::BadAddress { what: NO_LABEL })?;
    let published = service.log.published().ok_or(Problem::NoQuorum)?;
    let asked = label.clone();
    let read = move |log: &Log| read(log, &published, &asked);
    let mut response = match (apart(&service, read).await?, form) {
        (Some(answer), Form::Json) => document(&answer, JSON).respond(&request),
        (Some(answer), Form::JsonLd) => {
            document(&json_ld::certification(&answer), "application/ld+json").respond(&request)
        }
        (Some(answer), Form::Html) => page::of(&answer, &request),
        (None, Form::Html) => page::absent(&label, service.log.setting().origin.as_str()),
        (None, Form::Json | Form::JsonLd) => Problem::NoSuchLabel.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_name(header::ACCEPT));
    let link =
        format!("</v1/status/label/{label}>; rel=\"describedby\"; type=\"text/x.labelproof\"");
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

/// Makes the bundle of a label, checks it, and reads it; none if it proves that there is no such label.
pub(super) fn read(
    log: &Log,
    published: &Published,
    label: &LabelId,
) -> Result<Option<Answer>, Problem> {
    let subject = Subject::Label(label.clone());
    let bytes = bundle(log, published, &subject)?;
    let setting = log.setting();
    let now = setting.clock.now();
    let broken = |error: &dyn std::error::Error| {
        error!(%label, %error, "a bundle of ours does not hold");
        Problem::Storage
    };
    let bundle = Bundle::parse(&bytes).map_err(|error| broken(&error))?;
    let trusted = Trusted {
        origin: &setting.origin,
        genesis: log.genesis().ok_or(Problem::NoQuorum)?,
        policy: &setting.policy,
    };
    let proved = verify(&bundle, &trusted, now).map_err(|error| broken(&error))?;
    match proved.find(&subject).map_err(|error| broken(&error))? {
        Finding::Label(found) => Ok(Answer::of(found, &proved, now)),
        _ => Ok(None),
    }
}

impl Answer {
    fn of(label: &LabelStatus, proved: &VerifiedBundle, now: Time) -> Option<Self> {
        let checkpoint = proved.state().checkpoint();
        let doubt = match label.cut_off() {
            CutOff::LeftOut(left) => Some(left.falls()),
            CutOff::OutOfReach | CutOff::NothingLeftOut => None,
        };
        let since = proved
            .event(label.since())
            .map(|event| event.event().decided_at());
        let events = label.events().iter().map(RecordedEvent::event);
        Some(Self {
            notice: NOTICE,
            log: checkpoint.origin().to_string(),
            size: proved.state().size().get(),
            as_of: proved.as_of().to_string(),
            witnessed_by: checkpoint
                .cosigners()
                .iter()
                .map(|cosigner: &Cosigner| cosigner.name().to_owned())
                .collect(),
            label: Facts::of(label.record(), events)?,
            issuer: label.issuer().to_string(),
            since: since.unwrap_or(label.issue().valid_from).to_string(),
            expired: label.is_expired_at(now),
            doubt: doubt.map(|falls| match falls {
                Falls::IntoDoubt => {
                    "it was signed with a key that is no longer believed; ask its issuer"
                }
                Falls::WithItsAuthority => "its authority was withdrawn with all its labels",
            }),
            history: label
                .events()
                .iter()
                .map(|event| Told::of(label.label(), event.index(), event.event()))
                .collect(),
            record: *label.record(),
            now,
            falls: doubt == Some(Falls::WithItsAuthority),
        })
    }

    /// The label.
    pub(super) fn label(&self) -> &Facts {
        &self.label
    }

    /// How it stands by the clock of the log.
    fn standing(&self) -> Standing {
        self.label.standing(&self.record, self.now)
    }
}

/// JSON of any type, tagged.
pub(super) fn document(value: &impl Serialize, content_type: &'static str) -> Document {
    let mut bytes = serde_json::to_vec(value).expect("text keys and plain values only");
    bytes.push(b'\n');
    Document {
        bytes: bytes.into(),
        content_type,
        cache_control: NO_CACHE,
    }
}

/// What every answer for people and shops says of itself.
pub(super) const NOTICE: &str = "For people and shops. This answer proves nothing: the bundle at status_url does, \
    once it is checked against witnesses that you trust, and its age is yours to judge.";

const NO_LABEL: &str = "it names no label; a label looks like jp.jc-star/EX-000123";
