//! The shell of this log's pages; what a page is, `labelproof_host::web` says.

use axum::{http::HeaderMap, response::Response};

pub(super) use labelproof_host::web::{Html, fact};

use labelproof_host::web::Shell;

/// Answers with a page.
pub(super) fn page(title: &str, origin: &str, main: &Html, request: &HeaderMap) -> Response {
    shell(origin).page(title, main, request)
}

/// Answers with a page that says that something is not there.
pub(super) fn not_found(title: &str, origin: &str, main: &Html) -> Response {
    shell(origin).not_found(title, main)
}

fn shell(origin: &str) -> Shell<'_> {
    Shell {
        name: origin,
        links: &[("/docs", "API")],
        note: "This page is a convenience and proves nothing. What it says can be checked against the \
               witnesses with the <code>labelproof</code> program.",
    }
}
