//! Entries and nodes of a log, read from its tiles and believed only as a checkpoint binds them.
//!
//! ```text
//! checkpoint ─ root of the edge: the rightmost tile of every level, read first
//!     └ a full tile ─ its root stands in its parent, up to the edge
//!         └ an entry bundle ─ its leaf hashes are the tile of level 0
//! ```
//! Any checkpoint with the log's signature will do: a state verifier reads before the quorum
//! exists. What entries mean is left to `core`.

mod source;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::entry_bundle::{BundleError, EntryBundle};
use labelproof_core::merkle::{LeafIndex, NodeHash, NodeId, ReadNodes, TreeHead};
use labelproof_core::tile::{Tile, TileEdge, TileKind, TileLevel, TilePath, Width};

pub use source::{DirTiles, HttpTiles, SourceError, TileSource};

/// Reads what one checkpoint stands for.
#[derive(Debug)]
pub struct TileReader<S> {
    source: S,
    head: TreeHead,
    proven: Mutex<BTreeMap<TilePath, Tile>>,
}

/// Why nothing that can be believed was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TilesError {
    /// The source cannot be asked; says nothing about the log.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The source has no such tile, although the checkpoint implies it.
    #[error("{0} is missing")]
    Missing(TilePath),
    /// Not a tile of that width.
    #[error("{0} is not a tile of its width")]
    MalformedTile(TilePath),
    /// Not a bundle of that width.
    #[error("{path} is not a bundle of its width")]
    MalformedBundle {
        /// Name of the bundle.
        path: TilePath,
        /// What is wrong.
        source: BundleError,
    },
    /// The rightmost tiles do not give the checkpoint's root.
    #[error("tiles at the edge of {} entries do not give the root of the checkpoint", .0.size())]
    WrongRoot(TreeHead),
    /// A full tile is not the one its parent names.
    #[error("{0} does not hash to its parent")]
    WrongTile(TilePath),
    /// An entry is not the one its tile names.
    #[error("{path}: entry {index} does not hash to its leaf")]
    WrongEntry {
        /// Name of the bundle.
        path: TilePath,
        /// Which entry.
        index: LeafIndex,
    },
    /// The checkpoint does not reach so far.
    #[error("entry {index} is not in the {} entries of the checkpoint", .head.size())]
    BeyondHead {
        /// The entry asked for.
        index: LeafIndex,
        /// What the checkpoint stands for.
        head: TreeHead,
    },
    /// No tree of this size has such a node.
    #[error("the checkpoint's tree has no such node")]
    UnknownNode(NodeId),
}

impl<S: TileSource> TileReader<S> {
    /// Reads under `checkpoint`; nothing is fetched yet.
    #[must_use]
    pub fn new(source: S, checkpoint: &SignedCheckpoint) -> Self {
        Self {
            source,
            head: checkpoint.head(),
            proven: Mutex::new(BTreeMap::new()),
        }
    }

    /// The head everything is checked against.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// [`TilesError`].
    pub fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, TilesError> {
        let mut entries = self.bundle(index)?.into_entries();
        let position = (index.get() % u64::from(Width::FULL.get())).try_into();
        Ok(entries.swap_remove(position.unwrap_or(usize::MAX)))
    }

    /// Reads neighbouring entries; `visit` is called with each, in order, a bundle at a time.
    ///
    /// # Errors
    /// [`TilesError`]; what was visited before holds.
    pub fn entries<E: From<TilesError>>(
        &self,
        range: Range<LeafIndex>,
        mut visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut next, end) = (range.start.get(), range.end.get());
        while next < end {
            let bundle = self.bundle(LeafIndex::new(next))?;
            let first = next - next % u64::from(Width::FULL.get());
            for (index, entry) in (first..end).zip(bundle.entries()) {
                if index >= next {
                    visit(LeafIndex::new(index), entry)?;
                }
            }
            next = first + u64::from(Width::FULL.get());
        }
        Ok(())
    }

    /// Reads the bundle that holds an entry, every entry of it checked.
    ///
    /// # Errors
    /// [`TilesError`].
    pub fn bundle(&self, index: LeafIndex) -> Result<EntryBundle, TilesError> {
        let beyond = TilesError::BeyondHead {
            index,
            head: self.head,
        };
        let path = TilePath::of_entry(index, self.head.size()).ok_or(beyond)?;
        let bundle = self.unproven_bundle(path)?;
        let leaves = TileKind::Hashes(TileLevel::LEAVES);
        let tile = TilePath::in_tree(leaves, path.index(), self.head.size());
        let tile = self.tile(tile.expect("the tree holds the bundle's entries"))?;
        for (position, (leaf, want)) in bundle.leaf_hashes().zip(tile.hashes()).enumerate() {
            if NodeHash::from(leaf) != *want {
                let position = u64::try_from(position).unwrap_or(u64::MAX);
                let index = LeafIndex::new(path.first() + position);
                return Err(TilesError::WrongEntry { path, index });
            }
        }
        Ok(bundle)
    }

    /// Gives a tile of hashes of the checkpoint's tree, proven: at the edge, or below a proven one.
    ///
    /// # Errors
    /// [`TilesError`]; [`TilesError::Missing`] for another width than the tile has in this tree, too.
    pub fn tile(&self, path: TilePath) -> Result<Tile, TilesError> {
        let in_tree = TilePath::in_tree(path.kind(), path.index(), self.head.size());
        if in_tree != Some(path) || path.kind() == TileKind::Entries {
            return Err(TilesError::Missing(path));
        }
        if let Some(tile) = self.proven().get(&path) {
            return Ok(tile.clone());
        }
        if !path.width().is_full() {
            self.read_edge()?;
            return self
                .proven()
                .get(&path)
                .cloned()
                .ok_or(TilesError::Missing(path));
        }
        let tile = self.unproven_tile(path)?;
        // Seven levels at most, so this calls itself seven times at most.
        match path.parent(self.head.size()) {
            Some(parent) => {
                let above = self.tile(parent)?;
                let root = tile.root().expect("its width is full");
                if above.hashes().get(path.position()) != Some(&root) {
                    return Err(TilesError::WrongTile(path));
                }
            }
            None => return Err(TilesError::WrongTile(path)),
        }
        self.keep(path, tile.clone());
        Ok(tile)
    }

    fn read_edge(&self) -> Result<(), TilesError> {
        let paths = TileEdge::paths(self.head.size());
        let tiles = paths.iter().map(|path| self.unproven_tile(*path));
        let tiles = tiles.collect::<Result<Vec<_>, _>>()?;
        let wrong = || TilesError::WrongRoot(self.head);
        let edge = TileEdge::from_tiles(self.head.size(), tiles.clone()).map_err(|_| wrong())?;
        if edge.head() != self.head {
            return Err(wrong());
        }
        for (path, tile) in paths.into_iter().zip(tiles) {
            self.keep(path, tile);
        }
        Ok(())
    }

    /// Reads a bundle and proves nothing: for whoever looks for the object that is wrong.
    ///
    /// # Errors
    /// [`TilesError`].
    pub fn unproven_bundle(&self, path: TilePath) -> Result<EntryBundle, TilesError> {
        let bundle = match self.bytes(path)? {
            Found::Asked(bytes) => EntryBundle::parse(&bytes, path.width()),
            Found::Wider(bytes) => EntryBundle::cut(&bytes, path.width())
                .and_then(|bytes| EntryBundle::parse(bytes, path.width())),
        };
        bundle.map_err(|source| TilesError::MalformedBundle { path, source })
    }

    /// Reads a tile and proves nothing: for whoever looks for the object that is wrong.
    ///
    /// # Errors
    /// [`TilesError`].
    pub fn unproven_tile(&self, path: TilePath) -> Result<Tile, TilesError> {
        let bytes = match self.bytes(path)? {
            Found::Asked(bytes) => bytes,
            Found::Wider(mut bytes) => {
                bytes.truncate(path.width().count() * HASH_BYTES);
                bytes
            }
        };
        Tile::parse(&bytes, path.width()).map_err(|_| TilesError::MalformedTile(path))
    }

    fn bytes(&self, path: TilePath) -> Result<Found, TilesError> {
        if let Some(bytes) = self.source.get(&path)? {
            return Ok(Found::Asked(bytes));
        }
        // SPEC tlog-tiles: a partial tile may be gone once the full one exists.
        let full = path.with_width(Width::FULL);
        match self.source.get(&full)? {
            Some(bytes) if !path.width().is_full() => Ok(Found::Wider(bytes)),
            _ => Err(TilesError::Missing(path)),
        }
    }

    fn keep(&self, path: TilePath, tile: Tile) {
        let mut proven = self.proven();
        // Leaf tiles are used once by whoever reads through; those above and the edge are few.
        while proven.len() >= MAX_PROVEN {
            proven.pop_first();
        }
        proven.insert(path, tile);
    }

    fn proven(&self) -> MutexGuard<'_, BTreeMap<TilePath, Tile>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: TileSource> ReadNodes for TileReader<S> {
    type Error = TilesError;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, TilesError> {
        let read = |id: &NodeId| {
            let path = TilePath::of_node(*id, self.head.size());
            let tile = self.tile(path.ok_or(TilesError::UnknownNode(*id))?)?;
            tile.node(*id).ok_or(TilesError::UnknownNode(*id))
        };
        ids.iter().map(read).collect()
    }
}

enum Found {
    /// The bytes under the name asked for.
    Asked(Vec<u8>),
    /// Bytes of the full tile, or of one that grew on; those asked for are its first.
    Wider(Vec<u8>),
}

const HASH_BYTES: usize = 32;

/// 8 KiB a tile: 8 MiB hold every tile above the leaves of 60 million entries.
const MAX_PROVEN: usize = 1024;
