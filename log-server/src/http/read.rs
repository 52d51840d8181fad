//! What any client of a C2SP log reads (c2sp.org/tlog-tiles): checkpoint, tiles, entry bundles.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use labelproof_core::tile::TilePath;

use super::{
    Address, Document, NO_STORE, NoText, Service, TEXT, apart,
    error::Problem,
    gzip, has_named,
    openapi::{Octets, problems::StorageOnly},
};
use crate::log::Log;

/// `GET /checkpoint`: the newest witnessed one, 404 before there is one.
#[utoipa::path(
    get, path = "/checkpoint", tag = "C2SP tile log", operation_id = "checkpoint",
    responses(
        (status = 200, description = "The newest checkpoint with its quorum (c2sp.org/tlog-checkpoint).", body = String,
            content_type = "text/plain", headers(("etag"))),
        (status = 404, description = "Nothing was witnessed yet.", body = String, content_type = "text/plain",
            headers(("cache-control"))),
    )
)]
pub(super) async fn checkpoint(State(service): State<Service>, request: HeaderMap) -> Response {
    match service.log.published() {
        None => not_yet("no checkpoint was witnessed yet\n"),
        Some(published) => Document {
            bytes: published.note.clone().into(),
            content_type: TEXT,
            cache_control: NO_STORE,
        }
        .respond(&request),
    }
}

/// `GET /tile/entries/<N>[.p/<W>]`: the entries themselves, as [`tile`] answers.
///
/// SPEC tlog-tiles: entry bundles SHOULD be compressed at the HTTP layer. Hashes do not shrink.
#[utoipa::path(
    get, path = "/tile/entries/{*path}", tag = "C2SP tile log", operation_id = "entry_bundle",
    params(
        ("path" = String, Path, description = "`<N>` or `<N>.p/<W>` (c2sp.org/tlog-tiles).", example = "000.p/1"),
        ("accept-encoding" = Option<String>, Header, description = "With `gzip` the bundle comes compressed."),
    ),
    responses(
        (status = 200, description = "The entries of a bundle, each behind its length (u16, big-endian).",
            body = inline(Octets), content_type = "application/octet-stream", headers(("etag"), ("vary"))),
        (status = 404, description = "No such bundle.", body = String, content_type = "text/plain",
            headers(("cache-control"), ("vary"))),
        StorageOnly,
    )
)]
pub(super) async fn entries(
    State(service): State<Service>,
    path: Result<Address<String>, NoText>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let name = path.map(|Address(path)| format!("tile/entries/{path}"));
    let Some((name, path)) = in_tree(&service, name) else {
        return Ok(not_yet(NO_TILE));
    };
    if !gzip::is_accepted(&request) || has_named(&request, &name) {
        let bytes = stored(&service, path).await?;
        return Ok(immutable(bytes).respond_named(&request, &name));
    }
    let packed = match service.gzip.kept(path) {
        Some(packed) => packed,
        None => {
            let plain = stored(&service, path);
            service.gzip.compress(path, plain).await?
        }
    };
    let mut response = immutable(packed).respond_named(&request, &name);
    let gzip = HeaderValue::from_static("gzip");
    response
        .headers_mut()
        .insert(header::CONTENT_ENCODING, gzip);
    Ok(response)
}

/// Says that a bundle comes in several encodings, and makes its tag one for all of them.
///
/// SPEC RFC 9110, 8.8.1: a strong tag must differ between encodings; a weak one need not. What is
/// not modified carries both headers too (15.4.5).
pub(super) async fn in_encodings(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(
        header::VARY,
        HeaderValue::from_name(header::ACCEPT_ENCODING),
    );
    if let Some(tag) = headers.get(header::ETAG) {
        let weak = [b"W/", tag.as_bytes()].concat();
        let weak = HeaderValue::from_bytes(&weak).expect("a tag behind two letters is one");
        headers.insert(header::ETAG, weak);
    }
    response
}

/// `GET /tile/<L>/<N>[.p/<W>]`: whatever the tree that was acknowledged holds.
#[utoipa::path(
    get, path = "/tile/{*path}", tag = "C2SP tile log", operation_id = "tile",
    params(("path" = String, Path, description = "`<L>/<N>` or `<L>/<N>.p/<W>` (c2sp.org/tlog-tiles).",
        example = "0/000.p/1")),
    responses(
        (status = 200, description = "Up to 256 hashes of one level, 32 bytes each.", body = inline(Octets),
            content_type = "application/octet-stream", headers(("etag"))),
        (status = 404, description = "No such tile.", body = String, content_type = "text/plain",
            headers(("cache-control"))),
        StorageOnly,
    )
)]
pub(super) async fn tile(
    State(service): State<Service>,
    path: Result<Address<String>, NoText>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let name = path.map(|Address(path)| format!("tile/{path}"));
    let Some((name, path)) = in_tree(&service, name) else {
        return Ok(not_yet(NO_TILE));
    };
    let bytes = match service.tiles.get(path) {
        Some(bytes) => bytes,
        None => {
            let bytes = stored(&service, path).await?;
            service.tiles.keep(path, &bytes);
            bytes
        }
    };
    Ok(immutable(bytes).respond_named(&request, &name))
}

/// The tile or bundle of a name, if the tree that was acknowledged holds it.
///
/// SPEC tlog-tiles: partial tiles of every size for which a checkpoint was produced. What lies behind
/// the acknowledged size may be the torn end of a write, and is not there.
fn in_tree(service: &Service, name: Result<String, NoText>) -> Option<(String, TilePath)> {
    let name = name.ok()?;
    let path: TilePath = name.parse().ok()?;
    let size = service.log.standing().acknowledged();
    let whole = TilePath::in_tree(path.kind(), path.index(), size)?;
    (path.width() <= whole.width()).then_some((name, path))
}

/// Its bytes, waited for only where they are not in memory.
async fn stored(service: &Service, path: TilePath) -> Result<Bytes, Problem> {
    let bytes = match service.log.setting().directory.object_at_hand(path) {
        Some(bytes) => bytes,
        None => {
            let read = move |log: &Log| Ok(log.setting().directory.object(path)?);
            apart(service, read).await?
        }
    };
    Ok(bytes.into())
}

fn immutable(bytes: Bytes) -> Document {
    Document {
        bytes,
        content_type: "application/octet-stream",
        cache_control: IMMUTABLE,
    }
}

/// What is not there may be there in a second, so nobody on the way keeps that it was not.
fn not_yet(sentence: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, NO_STORE)];
    (StatusCode::NOT_FOUND, headers, sentence).into_response()
}

const NO_TILE: &str = "no such tile\n";
/// A week: what a CDN keeps anyway.
const IMMUTABLE: &str = "public, max-age=604800, immutable";
