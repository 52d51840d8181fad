//! What any client of a C2SP log reads (c2sp.org/tlog-tiles): checkpoint, tiles, entry bundles.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use labelproof_core::tile::TilePath;

use super::{Document, NO_STORE, Service, TEXT, apart, error::Problem};
use crate::log::Log;

/// `GET /checkpoint`: the newest witnessed one, 404 before there is one.
pub(super) async fn checkpoint(State(service): State<Service>, request: HeaderMap) -> Response {
    match service.log.published() {
        None => (StatusCode::NOT_FOUND, "no checkpoint was witnessed yet\n").into_response(),
        Some(published) => Document {
            bytes: published.note.clone(),
            content_type: TEXT,
            cache_control: NO_STORE,
        }
        .respond(&request),
    }
}

/// `GET /tile/<L>/<N>[.p/<W>]` and `/tile/entries/…`: whatever the tree that was acknowledged holds.
pub(super) async fn tile(
    State(service): State<Service>,
    Path(path): Path<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let not_found = || Ok((StatusCode::NOT_FOUND, "no such tile\n").into_response());
    let Ok(path) = format!("tile/{path}").parse::<TilePath>() else {
        return not_found();
    };
    let size = service.log.progress().borrow().acknowledged();
    // SPEC tlog-tiles: partial tiles of every size for which a checkpoint was produced. What lies behind
    // the acknowledged size may be the torn end of a write, and is not there.
    match TilePath::in_tree(path.kind(), path.index(), size) {
        Some(whole) if path.width() <= whole.width() => {
            let read = move |log: &Log| Ok(log.setting().directory.object(path)?);
            let bytes = apart(&service, read).await?;
            let document = Document {
                bytes,
                content_type: "application/octet-stream",
                cache_control: IMMUTABLE,
            };
            Ok(document.respond(&request))
        }
        _ => not_found(),
    }
}

/// A week: what a CDN keeps anyway.
const IMMUTABLE: &str = "public, max-age=604800, immutable";
