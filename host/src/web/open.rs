//! What scripts of any page may read: all of it, for everything is public.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};

/// Lets scripts of every page read an answer; for `map_response` around a whole router.
///
/// SPEC tlog-tiles leaves it open; a page that verifies in the browser needs it.
pub async fn open_to_browsers(mut response: Response) -> Response {
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    response
}
