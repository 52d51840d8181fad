//! Bytes with their type, how long they may be kept, and a tag by which a reader asks whether they changed.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

/// An answer that a reader may have already.
#[derive(Debug)]
pub struct Document {
    /// The answer.
    pub bytes: Bytes,
    /// Its media type.
    pub content_type: &'static str,
    /// How long it may be kept.
    pub cache_control: &'static str,
}

impl Document {
    /// Answers with it, or with 304; its tag is of its bytes.
    pub fn respond(self, request: &HeaderMap) -> Response {
        let digest = Sha256::digest(&self.bytes);
        self.respond_tagged(request, &digest)
    }

    /// The same for an object whose name never stands for other bytes: hashing those took most of an answer.
    pub fn respond_named(self, request: &HeaderMap, name: &str) -> Response {
        self.respond_tagged(request, &Sha256::digest(name))
    }

    /// Answers with it and with this status, also to whoever has it: of health, "as before" is no answer.
    pub fn respond_anew(self, status: StatusCode) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, self.cache_control),
        ];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        (status, headers, self.bytes).into_response()
    }

    fn respond_tagged(self, request: &HeaderMap, digest: &[u8]) -> Response {
        let tag = tag_of(digest);
        let mut response = if has_tag(request, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.bytes.into_response()
        };
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static(self.cache_control),
        );
        let tag = HeaderValue::from_str(&tag).expect("hexadecimal digits in quotes");
        headers.insert(header::ETAG, tag);
        response
    }
}

/// Whether a reader says that it has the object of this name, which [`Document::respond_named`] will then not send.
#[must_use]
pub fn has_named(request: &HeaderMap, name: &str) -> bool {
    request.contains_key(header::IF_NONE_MATCH) && has_tag(request, &tag_of(&Sha256::digest(name)))
}

fn tag_of(digest: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&digest[..TAG_BYTES]))
}

fn has_tag(request: &HeaderMap, tag: &str) -> bool {
    let known = request.get(header::IF_NONE_MATCH);
    known
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| {
            // SPEC RFC 9110, 13.1.2: compared weakly; proxies that compress make tags weak.
            tags.split(',')
                .map(|known| known.trim().trim_start_matches("W/"))
                .any(|known| known == tag || known == "*")
        })
}

/// Not kept at all.
pub const NO_STORE: &str = "no-store";
/// Kept, but asked about before each use.
pub const NO_CACHE: &str = "no-cache";
/// Half a SHA-256: nobody gains from two documents with one tag.
const TAG_BYTES: usize = 16;
