//! Packs: many products and labels in one file, under the published head (`docs/spec/bundle.md`).
//!
//! ```text
//! POST /v1/pack        gtin 09521234001010
//!                      label jp.jc-star/EX-000123        one subject a line
//! ```
//! What the pack consists of is known before its first byte is sent, so a log that cannot make it says so; entries are
//! read again as they are written, a bundle of 256 at a time. An answer that breaks off is no pack.

use std::{cell::RefCell, sync::Arc};

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use labelproof_core::{
    event::Subject,
    merkle::{LeafIndex, TreeSize},
    state::key::{MapKey, MapName},
    status::{
        Part, ReadLog,
        pack::{PackDraft, PackSubject, build},
    },
};
use labelproof_host::web::Place;
use tokio::sync::mpsc;
use tracing::error;
use utoipa::ToSchema;

use super::{
    NO_STORE, Service, apart,
    error::Problem,
    openapi::problems::OfPacks,
    status::{self, BUNDLE},
    stream::stream,
    submit::check_encoding,
};
use crate::{log::Log, storage::StorageError};

/// What is asked for, a line each.
#[derive(ToSchema)]
#[schema(value_type = String, format = "pack-subjects")]
pub(super) struct Subjects(());

/// `POST /v1/pack`: proves where many products and labels stand, all under one head.
#[utoipa::path(
    post, path = "/v1/pack", tag = "status", operation_id = "pack",
    request_body(content = inline(Subjects), content_type = "text/plain",
        description = "One subject a line, `gtin` and 14 digits or `label` and scheme/id; at most 100,000 lines.",
        example = "gtin 09521234001010\nlabel jp.jc-star/EX-000123\n"),
    responses(
        (status = 200, description = "A pack, in pieces; one that breaks off before its last line is none.", body = String,
            content_type = "text/x.labelproof", headers(("cache-control"))),
        OfPacks,
    )
)]
pub(super) async fn pack(
    State(service): State<Service>,
    request: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    check_encoding(&request)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge {
            limit: MAX_PACK_BODY_BYTES,
        },
        _ => Problem::BadLine {
            why: "the body breaks off",
        },
    })?;
    let place = service.packs.take();
    let place = place.ok_or(Problem::Busy { what: "packs" })?;
    let published = service.log.published().ok_or(Problem::NoQuorum)?;
    let end = published.head().size();
    let draft = apart(&service, move |log| {
        let subjects = subjects(&body)?;
        let opening = status::opening(log, &published)?;
        let (head, proof) = (opening.head(), opening.proof().clone());
        let reader = Reader::new(log, end);
        build(&published.view, &reader, &subjects, head, proof)
            .map_err(|error| status::unbuilt(log, error))
    })
    .await?;
    let (pieces, answer) = stream();
    let log = service.log.clone();
    tokio::task::spawn_blocking(move || write(&log, end, &draft, &pieces, place));
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(BUNDLE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    Ok(response)
}

fn subjects(body: &[u8]) -> Result<Vec<PackSubject>, Problem> {
    let text = str::from_utf8(body).map_err(|_| Problem::BadLine {
        why: "the body is not UTF-8",
    })?;
    let mut subjects = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if number == MAX_SUBJECTS {
            return Err(Problem::TooManyLines {
                limit: MAX_SUBJECTS,
            });
        }
        let subject = line.parse();
        subjects.push(subject.map_err(|_| Problem::BadSubject { line: number + 1 })?);
    }
    if subjects.is_empty() {
        return Err(Problem::BadSubject { line: 1 });
    }
    Ok(subjects)
}

/// Writes the pack as fast as it is read; gives up if nobody reads any more.
fn write(log: &Log, end: TreeSize, draft: &PackDraft, pieces: &mpsc::Sender<Bytes>, place: Place) {
    let reader = Reader::new(log, end);
    for piece in draft.pieces(&reader) {
        match piece {
            Ok(piece) => {
                if pieces.blocking_send(piece.into()).is_err() {
                    break;
                }
            }
            Err(error) => {
                error!(%error, "a pack breaks off, for an entry cannot be read");
                break;
            }
        }
    }
    drop(place);
}

/// Reads entries in order, one bundle at a time, each checked against its leaf hash.
struct Reader<'a> {
    log: &'a Log,
    end: TreeSize,
    bundle: RefCell<Vec<(LeafIndex, Vec<u8>)>>,
}

impl<'a> Reader<'a> {
    fn new(log: &'a Log, end: TreeSize) -> Self {
        Self {
            log,
            end,
            bundle: RefCell::default(),
        }
    }
}

impl ReadLog for Reader<'_> {
    type Error = StorageError;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, StorageError> {
        let mut bundle = self.bundle.borrow_mut();
        let found = |bundle: &[(LeafIndex, Vec<u8>)]| {
            let at = bundle.binary_search_by_key(&index, |(at, _)| *at).ok()?;
            Some(bundle[at].1.clone())
        };
        if let Some(entry) = found(&bundle) {
            return Ok(entry);
        }
        let directory = &self.log.setting().directory;
        let first = index.get() / WIDTH * WIDTH;
        let end = TreeSize::new(self.end.get().min(first + WIDTH));
        let entries = directory.entries(LeafIndex::new(first), end);
        *bundle = entries.collect::<Result<_, _>>()?;
        match found(&bundle) {
            Some(entry) => Ok(entry),
            None => directory.entry(index),
        }
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

/// Entries of a bundle (tlog-tiles).
const WIDTH: u64 = 256;
/// A shop's whole shelf twice over; its pack has about 250 MB.
const MAX_SUBJECTS: usize = 100_000;
/// A label's id has at most 128 bytes with its scheme, and a line a word more; most have 20.
pub(super) const MAX_PACK_BODY_BYTES: usize = 8 << 20;
/// Each reads the log from end to end and holds its records meanwhile, about 1 kB a subject.
pub(super) const MAX_PACKS: usize = 2;
