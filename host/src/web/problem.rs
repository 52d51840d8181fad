//! Problems as bytes (RFC 9457); which there are, and with which status, each service says in one table.
//!
//! ```text
//! {"type":"urn:labelproof:problem:bad-query","title":"bad-query","status":400,"detail":"the query is malformed: …"}
//! ```

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

/// The members that every problem has.
#[must_use]
pub fn members(code: &str, status: StatusCode, detail: &str) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("type".into(), json!(type_uri(code)));
    members.insert("title".into(), json!(code));
    members.insert("status".into(), json!(status.as_u16()));
    members.insert("detail".into(), json!(detail));
    members
}

/// The code as the URI that RFC 9457 asks for.
#[must_use]
pub fn type_uri(code: &str) -> String {
    format!("{TYPE_PREFIX}{code}")
}

/// Answers with a problem, and says in a header when to come again.
pub fn respond(
    status: StatusCode,
    members: Map<String, Value>,
    retry_after_s: Option<u64>,
) -> Response {
    let mut response = (status, Value::Object(members).to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

const TYPE_PREFIX: &str = "urn:labelproof:problem:";
