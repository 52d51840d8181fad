//! Entry bundles for who accepts gzip: compressed beside the workers, a few at a time, and full ones kept.
//!
//! ```text
//! a full bundle   256 entries, 330 KB: 0.25 ms of a core, and 26 KB are left; it never changes
//! ```
//! Nothing else is compressed: hashes do not shrink, the rest is short. What comes compressed is never read.

use std::{io::Write as _, thread};

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use flate2::{Compression, write::GzEncoder};
use labelproof_core::tile::TilePath;
use tokio::sync::Semaphore;

use super::{error::Problem, kept::Kept};

/// Compresses, and keeps what will be asked for again.
#[derive(Debug)]
pub(super) struct Gzip {
    at_work: Semaphore,
    kept: Kept,
}

impl Gzip {
    pub(super) fn new() -> Self {
        // As many as there are cores: more would only take turns.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            at_work: Semaphore::new(cores),
            kept: Kept::of(MAX_KEPT_BYTES),
        }
    }

    /// A bundle that was compressed before.
    pub(super) fn kept(&self, path: TilePath) -> Option<Bytes> {
        self.kept.get(path)
    }

    /// Compresses a bundle, which is had only when its turn has come: who waits holds nothing.
    ///
    /// # Errors
    /// What `plain` says; [`Problem::Storage`] if the thread died.
    pub(super) async fn compress(
        &self,
        path: TilePath,
        plain: impl Future<Output = Result<Bytes, Problem>>,
    ) -> Result<Bytes, Problem> {
        let _turn = self.at_work.acquire().await;
        // Who had to wait for a turn may find it done.
        if let Some(packed) = self.kept(path) {
            return Ok(packed);
        }
        let plain = plain.await?;
        let done = tokio::task::spawn_blocking(move || deflated(&plain)).await;
        let packed = done.map_err(|_| Problem::Storage)?;
        self.kept.keep(path, &packed);
        Ok(packed)
    }
}

fn deflated(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
    encoder
        .write_all(bytes)
        .expect("memory takes what is written");
    let packed = encoder.finish().expect("memory takes what is written");
    // It may be kept for long: without the room behind it.
    packed.into_boxed_slice().into()
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

/// Of the levels the one that takes the least time, for a twentieth more bytes than the usual one.
const LEVEL: Compression = Compression::new(2);
/// Mirrors that begin together ask for the same bundles; these are 150, or 40 of labels that have less in common.
const MAX_KEPT_BYTES: usize = 4 * 1024 * 1024;

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
    async fn a_full_bundle_is_compressed_once_and_a_partial_one_each_time() {
        let gzip = Gzip::new();
        let packed = async |path: &str, text: &'static str| {
            let plain = async { Ok(Bytes::from_static(text.as_bytes())) };
            gzip.compress(path.parse().unwrap(), plain).await.unwrap()
        };
        let (full, partial) = ("tile/entries/000", "tile/entries/001.p/9");
        let first = packed(full, "first").await;
        // The name says what it is: other bytes under it are not looked at.
        assert_eq!(packed(full, "other").await, first);
        assert_eq!(gzip.kept(full.parse().unwrap()), Some(first));
        assert_ne!(packed(partial, "a").await, packed(partial, "b").await);
        assert_eq!(gzip.kept(partial.parse().unwrap()), None);
    }
}
