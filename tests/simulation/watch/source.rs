//! Where the monitor reads the log: what is shown there now, and what is wrong with it.

use std::sync::{Arc, Mutex};

use labelproof::log_server::ServerError;
use labelproof::source::Source;
use labelproof_core::note::Note;
use labelproof_core::tile::TilePath;
use labelproof_host::tiles::{SourceError, TileSource};

use super::story::Tree;

/// What is wrong with the tiles of a source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tiles {
    Right,
    Missing,
    Wrong,
}

/// What a source shows.
#[derive(Debug)]
pub(super) struct View {
    /// Nothing answers without one.
    pub(super) note: Option<Note>,
    pub(super) tree: Arc<Mutex<Tree>>,
    pub(super) tiles: Tiles,
}

/// The source of the monitor.
#[derive(Debug)]
pub(super) struct Shown(Mutex<View>);

impl Shown {
    pub(super) fn new(tree: Arc<Mutex<Tree>>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(View {
            note: None,
            tree,
            tiles: Tiles::Right,
        })))
    }

    pub(super) fn show(&self, view: View) {
        *self.0.lock().unwrap() = view;
    }
}

impl TileSource for Shown {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        let view = self.0.lock().unwrap();
        let file = view.tree.lock().unwrap().file(&path.to_string());
        Ok(match view.tiles {
            Tiles::Right => file,
            Tiles::Missing => None,
            Tiles::Wrong => file.map(|mut bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                bytes
            }),
        })
    }
}

impl Source for Shown {
    fn checkpoint(&self) -> Result<Note, ServerError> {
        self.0.lock().unwrap().note.clone().ok_or(ServerError::Cut)
    }
}
