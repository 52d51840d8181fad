//! Entry bundles for who accepts gzip: compressed beside the workers, a few at a time, and full ones kept.
//!
//! ```text
//! a full bundle   256 entries, about 250 KB, 8 ms of a core; it never changes, so it is compressed once
//! ```
//! Nothing else is compressed: hashes do not shrink, the rest is short. What comes compressed is never read.

use std::{
    collections::{BTreeMap, VecDeque},
    io::Write as _,
    sync::{Mutex, PoisonError},
    thread,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use flate2::{Compression, write::GzEncoder};
use tokio::sync::Semaphore;

use super::error::Problem;

/// Compresses, and keeps what will be asked for again.
#[derive(Debug)]
pub(super) struct Gzip {
    at_work: Semaphore,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_tag: BTreeMap<Vec<u8>, Bytes>,
    order: VecDeque<Vec<u8>>,
}

/// Whether the same bytes may be asked for again under the same address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Worth {
    /// They stay as they are.
    Keeping,
    /// They soon are part of more.
    Passing,
}

impl Gzip {
    pub(super) fn new() -> Self {
        // As many as there are cores: more would only take turns.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            at_work: Semaphore::new(cores),
            kept: Mutex::default(),
        }
    }

    /// Compresses the body of an answer that is whole and tagged; any other stays as it is.
    ///
    /// # Errors
    /// [`Problem::Storage`] if the body cannot be had, or the thread died.
    pub(super) async fn compress(
        &self,
        response: Response,
        worth: Worth,
    ) -> Result<Response, Problem> {
        let tag = response.headers().get(header::ETAG);
        let tag = tag.map(|tag| tag.as_bytes().to_vec());
        let (StatusCode::OK, Some(tag)) = (response.status(), tag) else {
            return Ok(response);
        };
        let (mut parts, body) = response.into_parts();
        let known = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .by_tag
            .get(&tag)
            .cloned();
        let bytes = match known {
            Some(bytes) => bytes,
            None => {
                let _turn = self.at_work.acquire().await;
                let plain = to_bytes(body, usize::MAX)
                    .await
                    .map_err(|_| Problem::Storage)?;
                let work = move || deflated(&plain);
                let done = tokio::task::spawn_blocking(work).await;
                let bytes = Bytes::from(done.map_err(|_| Problem::Storage)?);
                if worth == Worth::Keeping {
                    self.keep(tag, bytes.clone());
                }
                bytes
            }
        };
        let gzip = HeaderValue::from_static("gzip");
        parts.headers.insert(header::CONTENT_ENCODING, gzip);
        parts.headers.remove(header::CONTENT_LENGTH);
        Ok(Response::from_parts(parts, Body::from(bytes)))
    }

    fn keep(&self, tag: Vec<u8>, bytes: Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_tag.insert(tag.clone(), bytes).is_none() {
            kept.order.push_back(tag);
        }
        if kept.order.len() > MAX_KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_tag.remove(&oldest);
        }
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .expect("memory takes what is written");
    encoder.finish().expect("memory takes what is written")
}

/// SPEC RFC 9110, 12.5.3: named with a weight over 0, or meant by `*` and not named.
pub(super) fn is_accepted(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut by_star = false;
    for coding in values.flat_map(|value| value.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
        let is_wanted = weight.is_ok_and(|weight| weight > 0.0);
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return is_wanted,
            "*" => by_star = is_wanted,
            _ => {}
        }
    }
    by_star
}

/// Mirrors that begin together ask for the same bundles; 64 of them are about 8 MiB.
const MAX_KEPT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_accepts_gzip_says_so() {
        for (accepted, want) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("br, *;q=0.1", true),
            ("x-gzip", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("*, gzip;q=0.0", false),
            ("identity", false),
            ("gzipped", false),
            ("gzip;q=x", false),
            ("", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(is_accepted(&request), want, "{accepted:?}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn what_is_worth_keeping_is_compressed_once_and_the_oldest_forgotten() {
        let gzip = Gzip::new();
        let answer = |number: usize, text: &'static str| {
            let response = Response::builder().header(header::ETAG, format!("\"{number}\""));
            response.body(Body::from(text)).unwrap()
        };
        let body = async |response: Response| to_bytes(response.into_body(), 1_000).await.unwrap();
        let compressed = async |number, text, worth| {
            body(gzip.compress(answer(number, text), worth).await.unwrap()).await
        };
        let first = compressed(0, "first", Worth::Keeping).await;
        // The tag says what it is: other bytes under it are not looked at.
        assert_eq!(compressed(0, "other", Worth::Passing).await, first);
        for number in 1..=MAX_KEPT {
            compressed(number, "more", Worth::Keeping).await;
            compressed(1_000 + number, "more", Worth::Passing).await;
        }
        assert_ne!(compressed(0, "other", Worth::Passing).await, first);
        assert_eq!(gzip.kept.lock().unwrap().by_tag.len(), MAX_KEPT);
        let untagged = Response::new(Body::from("plain"));
        let same = gzip.compress(untagged, Worth::Passing).await.unwrap();
        assert_eq!(body(same).await, "plain");
    }
}
