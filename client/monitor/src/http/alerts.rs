//! `GET /v1/alerts`: the journal, page by page.
//!
//! ```text
//! GET /v1/alerts?after=17&limit=100
//! {"alerts":[{"format":"labelproof-alert/v1","number":18,…}],"next":18,"newest":42}
//! ```
//! `next` is the `after` of the next page; a page without alerts is the last. A page has at most a megabyte, and then ends
//! before its limit.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use labelproof_host::web::{Address, Document, NO_CACHE, NO_STORE, Query, choose};

use super::{Service, apart, error::Problem, page::of_alert};
use crate::alert::Numbered;

/// `GET /v1/alerts`: alerts after a number, the oldest first.
pub(super) async fn page(
    State(service): State<Service>,
    query: Query,
) -> Result<Response, Response> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| "is the number of an alert, or 0")
    };
    let limit = |text: &str| {
        let limit = text.parse().ok();
        limit
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or("is a number from 1 to 1000")
    };
    let refuse = IntoResponse::into_response;
    let query = query.only(&["after", "limit"]).map_err(refuse)?;
    let after = query.get("after", number).map_err(refuse)?.unwrap_or(0);
    let limit = query
        .get("limit", limit)
        .map_err(IntoResponse::into_response)?;
    let limit = limit.unwrap_or(USUAL_LIMIT);
    let read = move || {
        let found = service.journal.read(after, limit)?;
        Ok(body(after, &found, service.journal.newest()))
    };
    let body = apart(read).await.map_err(IntoResponse::into_response)?;
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, body).into_response())
}

fn body(after: u64, found: &[Numbered], newest: u64) -> String {
    let next = found.last().map_or(after, Numbered::number);
    let lines: Vec<String> = found.iter().map(Numbered::to_json).collect();
    let lines = lines.join(",");
    format!("{{\"alerts\":[{lines}],\"next\":{next},\"newest\":{newest}}}\n")
}

/// `GET /v1/alerts/{number}`: one alert, as its line; as a page for browsers, which follow a link from the home page.
pub(super) async fn one(
    State(service): State<Service>,
    Address(number): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let number: u64 = number.parse().map_err(|_| Problem::BadAddress {
        what: "the last part of the address is the number of an alert",
    })?;
    let found = apart(move || Ok(service.journal.one(number)?)).await?;
    let found = found.ok_or(Problem::NotFound)?;
    let forms = [(JSON, false), ("text/html", true)];
    let mut response = match choose(&request, &forms) {
        Some(true) => of_alert(&found, &request),
        // Whoever takes neither gets what the address is for.
        Some(false) | None => {
            let document = Document {
                bytes: (found.to_json() + "\n").into(),
                content_type: JSON,
                cache_control: NO_CACHE,
            };
            document.respond(&request)
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_name(header::ACCEPT));
    Ok(response)
}

const JSON: &str = "application/json";
const USUAL_LIMIT: usize = 100;
/// More than fit a page of a megabyte.
const MAX_LIMIT: usize = 1_000;
