//! Where a subject stands: one bundle a question, under the published head (`status.md`).
//!
//! ```text
//! GET /v1/status/label/{scheme}/{id}     {id} is the rest of the path, decoded once
//! GET /v1/status/authority/{name} · scheme/{id} · member/{code}
//! ```
//! 200 with a bundle, also for a proved absence: what it means, the reader works out for itself.

use axum::{extract::State, http::HeaderMap, response::Response};
use labelproof_core::{
    event::Subject,
    merkle::LeafIndex,
    state::{head::StateHead, key::MapKey},
    status::{BuildError, ReadLog, build},
    tlog_proof::TlogProof,
};
use tracing::{error, warn};

use super::{
    Address, Document, NO_STORE, Service, apart, error::Problem, lookup::proof_of,
    openapi::problems::OfStatus,
};
use crate::{log::Log, shelf::Published, storage::StorageError};

/// `GET /v1/status/label/{scheme}/{id}`: where a label stands.
#[utoipa::path(
    get, path = "/v1/status/label/{scheme}/{*id}", tag = "status", operation_id = "label_status",
    params(
        ("scheme" = String, Path, description = "The scheme.", example = "jp.jc-star", pattern = "^[a-z0-9]{1,16}([.][a-z0-9-]+)+$", max_length = 32),
        ("id" = String, Path, description = "The id that the scheme gave; printed forms are folded.", example = "EX-000123",
            pattern = "^[A-Za-z0-9._-]+$", max_length = 96),
    ),
    responses(
        (status = 200, description = "A bundle that proves where the label stands, or that there is none.", body = String,
            content_type = "text/x.labelproof", headers(("etag"))),
        OfStatus,
    )
)]
pub(super) async fn label(
    State(service): State<Service>,
    Address((scheme, id)): Address<(String, String)>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    answer(&service, format!("{scheme}/{id}"), &request).await
}

/// `GET /v1/status/authority/{name}`: where an authority stands.
#[utoipa::path(
    get, path = "/v1/status/authority/{name}", tag = "status", operation_id = "authority_status",
    params(("name" = String, Path, description = "The name of its keys.", example = "label.jp.example",
        pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?([.][a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$", max_length = 96)),
    responses(
        (status = 200, description = "A bundle that proves where the authority stands, or that there is none.", body = String,
            content_type = "text/x.labelproof", headers(("etag"))),
        OfStatus,
    )
)]
pub(super) async fn authority(
    State(service): State<Service>,
    Address(name): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    answer(&service, format!("authority:{name}"), &request).await
}

/// `GET /v1/status/scheme/{id}`: where a scheme stands.
#[utoipa::path(
    get, path = "/v1/status/scheme/{id}", tag = "status", operation_id = "scheme_status",
    params(("id" = String, Path, description = "The scheme.", example = "jp.jc-star", pattern = "^[a-z0-9]{1,16}([.][a-z0-9-]+)+$", max_length = 32)),
    responses(
        (status = 200, description = "A bundle that proves where the scheme stands, or that there is none.", body = String,
            content_type = "text/x.labelproof", headers(("etag"))),
        OfStatus,
    )
)]
pub(super) async fn scheme(
    State(service): State<Service>,
    Address(id): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    answer(&service, format!("scheme:{id}"), &request).await
}

/// `GET /v1/status/member/{code}`: where a member stands.
#[utoipa::path(
    get, path = "/v1/status/member/{code}", tag = "status", operation_id = "member_status",
    params(("code" = String, Path, description = "Its code.", example = "jp", pattern = "^[a-z0-9]+$", max_length = 16)),
    responses(
        (status = 200, description = "A bundle that proves where the member stands, or that there is none.", body = String,
            content_type = "text/x.labelproof", headers(("etag"))),
        OfStatus,
    )
)]
pub(super) async fn member(
    State(service): State<Service>,
    Address(code): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    answer(&service, format!("member:{code}"), &request).await
}

async fn answer(
    service: &Service,
    subject: String,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let subject: Subject = subject
        .parse()
        .map_err(|_| Problem::BadAddress { what: NO_SUBJECT })?;
    let published = service.log.published().ok_or(Problem::NoQuorum)?;
    let bytes = apart(service, move |log| bundle(log, &published, &subject)).await?;
    let document = Document {
        bytes,
        content_type: "text/x.labelproof; charset=utf-8",
        cache_control: NO_STORE,
    };
    Ok(document.respond(request))
}

/// The bundle of one subject under one published head.
pub(super) fn bundle(
    log: &Log,
    published: &Published,
    subject: &Subject,
) -> Result<Vec<u8>, Problem> {
    let (head, proof) = opening(log, published)?;
    match build(&published.view, &Reader { log }, subject, &head, proof) {
        Ok(bundle) => Ok(bundle.to_bytes()),
        Err(BuildError::Read(error)) => Err(error.into()),
        Err(BuildError::Incomplete { name }) => {
            warn!(%name, "the index does not know the whole history of a subject; it is made anew");
            log.suspect_index();
            Err(Problem::Starting {
                why: "the index is being made anew",
            })
        }
        Err(BuildError::Entry { index, .. }) => {
            warn!(%index, "the index names an entry that is no event; it is made anew");
            log.suspect_index();
            Err(Problem::Starting {
                why: "the index is being made anew",
            })
        }
        Err(BuildError::NoSubject) => Err(Problem::BadAddress { what: NO_SUBJECT }),
        Err(error) => {
            error!(%subject, %error, "a bundle cannot be made");
            Err(Problem::Storage)
        }
    }
}

/// The state head and its proof, the same for every bundle under a published head.
fn opening(log: &Log, published: &Published) -> Result<(StateHead, TlogProof), Problem> {
    if let Some(known) = published.opening.get() {
        return Ok(known.clone());
    }
    let index = published.view.head_index();
    let entry = log.setting().directory.entry(index)?;
    let head = StateHead::parse(&entry).map_err(|error| {
        error!(%index, %error, "the last entry under the published checkpoint is no state head");
        Problem::Storage
    })?;
    let proof = proof_of(log, published, index)?;
    Ok(published.opening.get_or_init(|| (head, proof)).clone())
}

/// Finds entries by the tip, for members, schemes and authorities, and by the index, for labels.
struct Reader<'a> {
    log: &'a Log,
}

impl ReadLog for Reader<'_> {
    type Error = StorageError;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, StorageError> {
        self.log.entry(index)
    }

    fn events_of(&self, subject: &Subject) -> Result<Vec<LeafIndex>, StorageError> {
        Ok(self.log.events_of(subject))
    }

    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, StorageError> {
        Ok(self.log.setting().index.entries(key))
    }
}

const NO_SUBJECT: &str = "it names no subject; they look like label/jp.jc-star/EX-000123, \
    authority/label.jp.example, scheme/jp.jc-star, member/jp";
