//! The OpenAPI 3.1 document, made from what stands beside each handler: `GET /openapi.json`.
//!
//! ```text
//! #[utoipa::path(…)] at a handler ── routes!(handler) ──▶ router and document, one thing
//! ```
//! What holds for every route is written in once, by `finish`: an answer with an `ETag` was given by
//! [`super::Document`], so it has a `Cache-Control` and a 304; every answer is open to browsers. Problems come
//! from the table in `error`, by way of [`problems`].

pub(crate) mod problems;

use std::sync::LazyLock;

use axum::{body::Bytes, http::HeaderMap, response::Response};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        InfoBuilder, LicenseBuilder, OpenApi, RefOr, Required, Response as Answer,
        header::{Header, HeaderBuilder},
        path::{Operation, ParameterBuilder, ParameterIn, PathItem, Paths},
        schema::{Components, ObjectBuilder, Type},
    },
};

use super::{Document, JSON, NO_CACHE, routes};
use problems::ProblemBody;

/// `GET /openapi.json`: this document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "about", operation_id = "openapi",
    responses((status = 200, description = "The OpenAPI 3.1 document of this program.", body = inline(AnyObject),
        content_type = "application/json", headers(("etag"))))
)]
pub(super) async fn json(request: HeaderMap) -> Response {
    Document {
        bytes: DOCUMENT.clone(),
        content_type: JSON,
        cache_control: NO_CACHE,
    }
    .respond(&request)
}

/// The document of this program, as JSON; it depends on nothing but the code.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| value().to_string().into());

/// The document of this program.
pub(super) fn value() -> &'static Value {
    static VALUE: LazyLock<Value> = LazyLock::new(|| {
        let document = finish(routes().into_openapi());
        serde_json::to_value(document).expect("a document has text keys only")
    });
    &VALUE
}

/// A JSON object of somebody else's form.
#[derive(ToSchema)]
#[schema(value_type = Object)]
pub(super) struct AnyObject(());

/// Bytes that are no text.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct Octets(());

/// Writes in what holds for every route.
fn finish(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Labelproof log")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT OR Apache-2.0")
                .identifier(Some("MIT OR Apache-2.0"))
                .build(),
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    let mut needed = vec![(
        ProblemBody::name().into(),
        <ProblemBody as utoipa::PartialSchema>::schema(),
    )];
    ProblemBody::schemas(&mut needed);
    components.schemas.extend(needed);
    let paths = std::mem::replace(&mut document.paths, Paths::new());
    for (path, mut item) in paths.paths {
        for operation in operations(&mut item) {
            operation.summary = operation.summary.take().map(|line| sentence(&line));
            finish_operation(operation);
        }
        // A wildcard of the router is a part like any other to a reader.
        document.paths.paths.insert(path.replace("{*", "{"), item);
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post].into_iter().flatten()
}

fn finish_operation(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let is_tagged = |answer: &RefOr<Answer>| match answer {
        RefOr::T(answer) => answer.headers.contains_key("etag"),
        RefOr::Ref(_) => false,
    };
    if responses.values().any(is_tagged) {
        let mut unchanged = Answer::new("What the reader has is what would be answered; no body.");
        unchanged
            .headers
            .insert("etag".into(), Header::default().into());
        responses.insert("304".into(), unchanged.into());
        let known = ParameterBuilder::new()
            .name("if-none-match")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "The `ETag` of an answer that the reader has; then 304 if it is still so.",
            ))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        operation
            .parameters
            .get_or_insert_default()
            .push(known.into());
    }
    for answer in operation.responses.responses.values_mut() {
        let RefOr::T(answer) = answer else { continue };
        if answer.content.contains_key("text/html") {
            for name in PAGE_HEADERS {
                answer
                    .headers
                    .entry(name.into())
                    .or_insert_with(|| Header::default().into());
            }
        }
        if answer.headers.contains_key("etag") {
            answer
                .headers
                .entry("cache-control".into())
                .or_insert_with(|| Header::default().into());
        }
        answer
            .headers
            .entry("access-control-allow-origin".into())
            .or_insert_with(|| Header::default().into());
        for (name, header) in &mut answer.headers {
            *header = described(name).into();
        }
    }
}

/// What a doc comment says behind the address that it begins with.
fn sentence(line: &str) -> String {
    let said = line.split_once("`: ").map_or(line, |(_, said)| said);
    let mut letters = said.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The headers that answers have; a name that is not here gives a document that a test refuses.
fn described(name: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let (schema, description) = match name {
        "access-control-allow-origin" => (
            text.enum_values(Some(["*"])),
            "Everything here is public, also to pages of other hosts.",
        ),
        "allow" => (text, "The methods that this address takes."),
        "cache-control" => (text, "How long it may be kept, and by whom."),
        "etag" => (text, "The tag of these bytes, for `If-None-Match`."),
        "link" => (text, "Addresses that belong to this answer (RFC 8288)."),
        "location" => (text, "Where the answer is."),
        "preference-applied" => (text, "The preference that was honoured (RFC 7240)."),
        "retry-after" => (
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1)),
            "After how many seconds it is worth asking again.",
        ),
        "vary" => (
            text,
            "The headers of the request on which this answer depends.",
        ),
        "referrer-policy" => (text, "Nobody learns where a reader comes from."),
        "x-content-type-options" => (text, "The type is the one that is said."),
        "content-security-policy" => (text, "What the page may load: nothing of others."),
        _ => (ObjectBuilder::new(), ""),
    };
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .build()
}

/// What `html` sends along with each page.
const PAGE_HEADERS: [&str; 3] = [
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
];

const DESCRIPTION: &str = "Every label that was issued, suspended and revoked, and a proof of where each stands now.

Nothing that this log says need be believed: `/checkpoint`, `/tile/…` and `/v1/status/…` answer with proofs that \
the `labelproof` program, or any client of C2SP tile logs, checks against the witnesses you trust. `/v1/labels` and \
`/01/…` are for people and shops; each answer names the bundle that proves it.

`HEAD` is answered wherever `GET` is. Errors are `application/problem+json` (RFC 9457), and pages for browsers; the routes of C2SP keep \
the bodies of their specification.";
