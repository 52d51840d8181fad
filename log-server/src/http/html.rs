//! The shell of this log's pages; what a page is, `labelproof_host::web` says.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};

pub(super) use labelproof_host::web::{Html, Tone, ago, fact, moment, tone};

use labelproof_host::web::{Shell, problem};

use super::Service;

/// Answers with a page.
pub(super) fn page(title: &str, origin: &str, main: &Html, request: &HeaderMap) -> Response {
    shell(origin).page(title, main, request)
}

/// Answers with a page that says that something is not there.
pub(super) fn not_found(title: &str, origin: &str, main: &Html) -> Response {
    shell(origin).not_found(title, main)
}

/// Shows problems as pages to browsers; for `from_fn_with_state` around the whole router.
pub(super) async fn problems_for_people(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let wants_page = problem::wants_page(request.headers());
    let response = next.run(request).await;
    match wants_page {
        true => problem::page_for(response, &shell(service.log.setting().origin.as_str())),
        false => response,
    }
}

fn shell(origin: &str) -> Shell<'_> {
    Shell {
        name: origin,
        links: &[("/docs", "API")],
        note: "This page is a convenience and proves nothing. What it says can be checked against the \
               witnesses with the <code>labelproof</code> program.",
    }
}
