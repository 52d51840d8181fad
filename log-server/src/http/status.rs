//! Where a subject stands: one bundle a question, under the published head (`bundle.md`).
//!
//! ```text
//! GET /v1/status/label/{scheme}/{id}     {id} is the rest of the path, decoded once
//! GET /v1/status/authority/{name} · scheme/{id} · member/{code}
//! GET /v1/status/gtin/{gtin}             8, 12, 13 or 14 digits
//! GET /v1/status/alias/{scheme}/{id}     a printed id; {id} is the rest of the path, decoded once
//! ```
//! 200 with a bundle, also for a proved absence: what it means, the reader works out for itself.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use labelproof_core::{
    bundle::BundleError,
    event::{Gtin14, SchemeId, Subject},
    merkle::LeafIndex,
    state::{
        head::StateHead,
        key::{MapKey, MapName},
    },
    status::{BuildError, Opening, Part, ReadLog, build, build_alias, build_product},
};
use sha2::{Digest as _, Sha256};
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

/// `GET /v1/status/gtin/{gtin}`: proves which labels name a product, or that none does.
#[utoipa::path(
    get, path = "/v1/status/gtin/{gtin}", tag = "status", operation_id = "product_status",
    params(("gtin" = String, Path, description = "The product's number, with 8, 12, 13 or 14 digits.", example = "09521234001010",
        format = "gtin")),
    responses(
        (status = 200, description = "A bundle that proves every label that names the product, or that none does.", body = String,
            content_type = "text/x.labelproof", headers(("etag"))),
        OfStatus,
    )
)]
pub(super) async fn gtin(
    State(service): State<Service>,
    Address(gtin): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let gtin = Gtin14::from_digits(&gtin).map_err(|_| Problem::BadAddress { what: NO_GTIN })?;
    answer_to(&service, Asked::Product(gtin), &request).await
}

/// `GET /v1/status/alias/{scheme}/{id}`: proves which labels are or were called by a printed id, or that none is.
#[utoipa::path(
    get, path = "/v1/status/alias/{scheme}/{*id}", tag = "status", operation_id = "alias_status",
    params(
        ("scheme" = String, Path, description = "The scheme.", example = "jp.jc-star", pattern = "^[a-z0-9]+([.][a-z0-9-]+)+$", max_length = 32),
        ("id" = String, Path, description = "What is printed on the product.", example = "EX-000123-R1", min_length = 1, max_length = 128),
    ),
    responses(
        (status = 200, description = "A bundle that proves every label of the scheme that is or was called so, or that none is.", body = String,
            content_type = "text/x.labelproof", headers(("etag"))),
        OfStatus,
    )
)]
pub(super) async fn alias(
    State(service): State<Service>,
    Address((scheme, printed)): Address<(String, String)>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let scheme = scheme
        .parse()
        .map_err(|_| Problem::BadAddress { what: NO_SUBJECT })?;
    answer_to(&service, Asked::Alias(scheme, printed), &request).await
}

async fn answer(
    service: &Service,
    subject: String,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let subject: Subject = subject
        .parse()
        .map_err(|_| Problem::BadAddress { what: NO_SUBJECT })?;
    answer_to(service, Asked::Subject(subject), request).await
}

async fn answer_to(
    service: &Service,
    asked: Asked,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let published = service.log.published().ok_or(Problem::NoQuorum)?;
    // A bundle is the same for the same checkpoint: hashing it would take as long as finding its entries.
    let name = format!(
        "{}\n{asked:?}\n{}",
        env!("CARGO_PKG_VERSION"),
        hex::encode(Sha256::digest(&published.note))
    );
    let bytes = match at_hand(&service.log, &published, &asked) {
        Some(bytes) => bytes,
        None => apart(service, move |log| bundle_of(log, &published, &asked)).await?,
    };
    let document = Document {
        bytes: bytes.into(),
        content_type: BUNDLE,
        cache_control: NO_STORE,
    };
    Ok(document.respond_named(request, &name))
}

/// What a bundle is asked for.
#[derive(Debug)]
enum Asked {
    Subject(Subject),
    Product(Gtin14),
    Alias(SchemeId, String),
}

/// The bundle of one subject under one published head.
pub(super) fn bundle(
    log: &Log,
    published: &Published,
    subject: &Subject,
) -> Result<Vec<u8>, Problem> {
    bundle_of(log, published, &Asked::Subject(subject.clone()))
}

/// The bundle of one subject, product or printed id under one published head.
fn bundle_of(log: &Log, published: &Published, asked: &Asked) -> Result<Vec<u8>, Problem> {
    let opening = opening(log, published)?;
    let bundle = built(&Reader { log }, published, asked, opening);
    bundle.map_err(|error| unbuilt(log, error))
}

/// The same if all it takes is in memory; whoever waits for the rest learns what is wrong.
fn at_hand(log: &Log, published: &Published, asked: &Asked) -> Option<Vec<u8>> {
    let opening = published.opening.get()?;
    built(&AtHand { log }, published, asked, opening).ok()
}

fn built<R: ReadLog>(
    reader: &R,
    published: &Published,
    asked: &Asked,
    opening: &Opening,
) -> Result<Vec<u8>, BuildError<R::Error>> {
    let view = &published.view;
    match asked {
        Asked::Subject(subject) => build(view, reader, subject, opening),
        Asked::Product(gtin) => build_product(view, reader, gtin, opening),
        Asked::Alias(scheme, printed) => build_alias(view, reader, scheme, printed, opening),
    }
}

/// What to answer where a bundle or pack cannot be made; an index that misses something is made anew.
pub(super) fn unbuilt(log: &Log, error: BuildError<StorageError>) -> Problem {
    match error {
        BuildError::Read(error) => error.into(),
        BuildError::Incomplete { name } => {
            warn!(%name, "the index does not know the whole history of a subject; it is made anew");
            log.suspect_index();
            Problem::REINDEXING
        }
        BuildError::Entry { index, .. } => {
            warn!(%index, "the index names an entry that is no event; it is made anew");
            log.suspect_index();
            Problem::REINDEXING
        }
        BuildError::NoSubject => Problem::BadAddress { what: NO_SUBJECT },
        BuildError::Bundle(BundleError::TooManyLines { got, limit }) => {
            Problem::AnswerTooLong { lines: got, limit }
        }
        error => {
            error!(%error, "a bundle cannot be made");
            Problem::Storage
        }
    }
}

/// The state head and its proof, the same for every bundle under a published head.
pub(super) fn opening<'a>(log: &Log, published: &'a Published) -> Result<&'a Opening, Problem> {
    if let Some(known) = published.opening.get() {
        return Ok(known);
    }
    let index = published.view.head_index();
    let entry = log.setting().directory.entry(index)?;
    let head = StateHead::parse(&entry).map_err(|error| {
        error!(%index, %error, "the last entry under the published checkpoint is no state head");
        Problem::Storage
    })?;
    let proof = proof_of(log, published, index)?;
    let opening = Opening::new(head, proof).expect("the proof is that of the head's index");
    Ok(published.opening.get_or_init(|| opening))
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

    fn events_of(&self, subject: &Subject, key: &MapKey) -> Result<Vec<LeafIndex>, StorageError> {
        Ok(self.log.events_of(subject, key))
    }

    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, StorageError> {
        Ok(self.log.setting().index.entries(key))
    }

    fn kept(&self, name: &MapName) -> Option<Arc<Part>> {
        self.log.parts().get(name)
    }

    fn keep(&self, part: &Arc<Part>) {
        self.log.parts().keep(part);
    }
}

/// Finds entries where nothing has to be waited for: neither the disk nor the index nor the lock of the tip.
struct AtHand<'a> {
    log: &'a Log,
}

/// It has to be waited for.
#[derive(Debug)]
struct NotAtHand;

impl ReadLog for AtHand<'_> {
    type Error = NotAtHand;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, NotAtHand> {
        let directory = &self.log.setting().directory;
        directory.entry_at_hand(index).ok_or(NotAtHand)
    }

    fn events_of(&self, _: &Subject, _: &MapKey) -> Result<Vec<LeafIndex>, NotAtHand> {
        Err(NotAtHand)
    }

    fn events_under(&self, _: &MapKey) -> Result<Vec<LeafIndex>, NotAtHand> {
        Err(NotAtHand)
    }

    fn kept(&self, name: &MapName) -> Option<Arc<Part>> {
        self.log.parts().get(name)
    }

    fn keep(&self, part: &Arc<Part>) {
        self.log.parts().keep(part);
    }
}

const NO_SUBJECT: &str = "it names no subject; they look like label/jp.jc-star/EX-000123, \
    authority/label.jp.example, scheme/jp.jc-star, member/jp, alias/jp.jc-star/EX-000123-R1";
const NO_GTIN: &str = "a GTIN has 8, 12, 13 or 14 digits, the last one right";
/// The content type of bundles and packs.
pub(super) const BUNDLE: &str = "text/x.labelproof; charset=utf-8";
