//! One event and one proof, by id and by index.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use labelproof_core::{
    event::EventId,
    merkle::{LeafIndex, prove_inclusion},
    tlog_proof::TlogProof,
};

use super::{
    Address, Document, NO_STORE, Service, TEXT, apart,
    error::Problem,
    openapi::problems::{OfLookup, OfProof},
};
use crate::{log::Log, shelf::Published, storage::StorageError};

/// `GET /v1/events/{id}`: the note as it was logged; `Link` names the address of its proof.
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "events", operation_id = "event",
    params(("id" = String, Path, description = "The SHA-256 of the event's note text.", pattern = "^[0-9a-f]{64}$")),
    responses(
        (status = 200, description = "The note as it was logged.", body = String, content_type = "text/plain",
            headers(("etag"), ("link"))),
        OfLookup,
    )
)]
pub(super) async fn event(
    State(service): State<Service>,
    Address(id): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let id: EventId = id.parse().map_err(|_| Problem::BadAddress {
        what: "an event id is 64 hex digits, lower case",
    })?;
    let find = move |log: &Log| {
        // What an index that is not whole does not know may be in the log all the same.
        let unknown = || {
            if log.is_index_behind() {
                Problem::REINDEXING
            } else {
                Problem::NotFound
            }
        };
        let admitted = log.logged_event(id)?.ok_or_else(unknown)?;
        let bytes = log.setting().directory.entry(admitted.index())?;
        Ok((admitted.index(), bytes))
    };
    let (index, bytes) = apart(&service, find).await?;
    let mut response = Document {
        bytes: bytes.into(),
        content_type: TEXT,
        cache_control: NO_STORE,
    }
    .respond(&request);
    let link = format!("</v1/proof/{index}>; rel=\"describedby\"");
    let link = HeaderValue::from_str(&link).expect("digits in a link");
    response.headers_mut().insert(header::LINK, link);
    Ok(response)
}

/// `GET /v1/proof/{index}`: the `.tlog-proof` of an entry under the newest published head.
#[utoipa::path(
    get, path = "/v1/proof/{index}", tag = "events", operation_id = "proof",
    params(("index" = u64, Path, description = "Where the entry stands in the log.", example = 0)),
    responses(
        (status = 200, description = "A `.tlog-proof` (c2sp.org/tlog-proof) under the newest published checkpoint.",
            body = String, content_type = "text/plain", headers(("etag"))),
        OfProof,
    )
)]
pub(super) async fn proof(
    State(service): State<Service>,
    Address(index): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let index: LeafIndex = index.parse().map_err(|_| Problem::BadAddress {
        what: "an index is a decimal number",
    })?;
    let published = service.log.published().ok_or(Problem::NoQuorum)?;
    if !published.head().size().contains(index) {
        return Err(Problem::NotFound);
    }
    let prove = move |log: &Log| Ok(proof_of(log, &published, index)?.to_bytes());
    let bytes = apart(&service, prove).await?;
    Ok(Document {
        bytes: bytes.into(),
        content_type: TEXT,
        cache_control: NO_STORE,
    }
    .respond(&request))
}

/// The proof that the published head contains an entry.
pub(super) fn proof_of(
    log: &Log,
    published: &Published,
    index: LeafIndex,
) -> Result<TlogProof, StorageError> {
    let nodes = published.nodes.over(&log.setting().directory);
    let path = prove_inclusion(&nodes, index, published.head().size())?;
    let note = published.witnessed.signed().note().clone();
    Ok(TlogProof::new(None, index, path, note)
        .expect("a tree of 2^64 entries has paths of 64 hashes"))
}
