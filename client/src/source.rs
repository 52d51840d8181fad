//! Where a log is read from: its server, a mirror of it, or a folder with its files.
//!
//! ```text
//! checkpoint             the signed note
//! tile/<L>/<N>[.p/<W>]   c2sp.org/tlog-tiles
//! tile/entries/…
//! ```
//! Nothing of it is believed here; who reads from where is the caller's to say.

use std::{fmt, path::PathBuf, sync::Arc};

use labelproof_core::{note::Note, tile::TilePath};
use labelproof_host::{
    fs::Fs,
    tiles::{DirTiles, SourceError, TileSource},
};

use crate::log_server::{LogServer, ServerError};

/// Gives a checkpoint, and the tiles and bundles it stands for.
pub trait Source: TileSource + fmt::Debug + Send + Sync {
    /// The published checkpoint, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; [`ServerError::NotANote`] for what is none.
    fn checkpoint(&self) -> Result<Note, ServerError>;
}

impl TileSource for LogServer {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        self.tile_source().get(path)
    }
}

impl Source for LogServer {
    fn checkpoint(&self) -> Result<Note, ServerError> {
        LogServer::checkpoint(self)
    }
}

/// A folder with a log's files under the names that its server gives them.
#[derive(Clone, Debug)]
pub struct FolderSource {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    tiles: DirTiles,
}

impl FolderSource {
    /// Reads below `dir`; nothing is looked at yet.
    pub fn at(fs: Arc<dyn Fs>, dir: PathBuf) -> Self {
        Self {
            tiles: DirTiles::new(fs.clone(), dir.clone()),
            fs,
            dir,
        }
    }
}

impl TileSource for FolderSource {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        self.tiles.get(path)
    }
}

impl Source for FolderSource {
    fn checkpoint(&self) -> Result<Note, ServerError> {
        let bytes = self.fs.read(&self.dir.join("checkpoint"))?;
        Note::parse(&bytes).map_err(|source| ServerError::NotANote { source })
    }
}
