//! Where tiles come from: a log's URL, or a directory that mirrors it.

use std::path::PathBuf;
use std::sync::Arc;

use labelproof_core::entry_bundle::MAX_BUNDLE_BYTES;
use labelproof_core::tile::TilePath;

use crate::fetch::{BadStatus, Fetch, FetchError};
use crate::fs::{Fs, FsError};

/// Gives the bytes of tiles and entry bundles; nothing about them is believed.
pub trait TileSource {
    /// The bytes under a name; `None` when there is nothing.
    ///
    /// # Errors
    /// [`SourceError`] when it cannot be learned.
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError>;
}

/// Why a source gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// No answer from the server.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Neither 200 nor 404.
    #[error("cannot fetch {url}")]
    Status {
        /// What was asked for.
        url: String,
        /// What was answered.
        source: BadStatus,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
}

/// Tiles under a log's URL.
#[derive(Clone, Debug)]
pub struct HttpTiles {
    fetch: Fetch,
    base: String,
}

impl HttpTiles {
    /// Tiles are at `base` + `/tile/…`.
    #[must_use]
    pub fn new(fetch: Fetch, base: &str) -> Self {
        Self {
            fetch,
            base: base.trim_end_matches('/').to_owned(),
        }
    }
}

impl TileSource for HttpTiles {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        let url = format!("{}/{path}", self.base);
        let response = self.fetch.get(&url, MAX_BUNDLE_BYTES)?;
        if response.status() == 404 {
            return Ok(None);
        }
        match response.ok() {
            Ok(body) => Ok(Some(body)),
            Err(source) => Err(SourceError::Status { url, source }),
        }
    }
}

/// Tiles in a directory, under the same names.
#[derive(Clone, Debug)]
pub struct DirTiles {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

impl DirTiles {
    /// Tiles are at `dir` + `/tile/…`.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, dir: PathBuf) -> Self {
        Self { fs, dir }
    }
}

impl TileSource for DirTiles {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        match self.fs.read(&self.dir.join(path.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
