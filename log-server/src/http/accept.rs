//! What a reader wants an answer to look like, and the problem if there is no such form.

use axum::http::HeaderMap;
use labelproof_host::web;

use super::error::Problem;

/// Chooses one of the forms offered, each a media type; the first if the reader does not mind.
///
/// # Errors
/// [`Problem::NotAcceptable`] if nothing fits.
pub(super) fn choose<T: Copy>(
    request: &HeaderMap,
    offered: &[(&'static str, T)],
) -> Result<T, Problem> {
    web::choose(request, offered).ok_or_else(|| Problem::NotAcceptable {
        offered: offered.iter().map(|(media_type, _)| *media_type).collect(),
    })
}
