//! Copying: every tile and bundle that a head stands for and the folder lacks, on several threads.
//!
//! ```text
//! levels 1 and up, from the top     few: one for 65,536 entries
//! level 0 with its bundle           a piece of work each; the rightmost is partial
//! ```
//! A file that is there and not under the folder's checkpoint was left by a run that was killed: it is
//! checked as one from the network is, and fetched when it does not fit. The disk may not have had it yet, so it
//! is written again. Files are synced many at a time, all of them before the checkpoint is written.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use labelproof_core::{
    entry_bundle::EntryBundle,
    merkle::{LeafIndex, NodeHash, TreeHead, TreeSize},
    tile::{Tile, TileIndex, TileKind, TileLevel, TilePath, Width},
};
use std::time::Duration;

use super::{Folder, MirrorError, Parallel, Progress, folder::Unsynced};
use crate::{
    head::AcceptedHead,
    patience::{Pause, Wish},
};

/// How to wait, how many requests at a time, and where to begin.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) pause: &'a dyn Pause,
    pub(super) parallel: Parallel,
    /// Full tiles of a tree of this size are there.
    pub(super) from: TreeSize,
}

/// Copies what is missing, and tells how many files were written.
pub(super) fn copy(
    folder: &Folder,
    how: How<'_>,
    seen: &AcceptedHead<'_>,
    have: Option<TreeHead>,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<u64, MirrorError> {
    let copy = Copy {
        folder,
        how,
        seen,
        size: seen.head().head().size(),
        have: have.map_or(TreeSize::EMPTY, |head| head.size()),
        written: AtomicU64::new(0),
    };
    let leaves = pieces(TileLevel::LEAVES, copy.size);
    let above: u64 = TileLevel::all()
        .skip(1)
        .map(|level| pieces(level, copy.size))
        .sum();
    let total = above + 2 * leaves;
    let first = |level| full(level, how.from);
    let passed: u64 = TileLevel::all().skip(1).map(first).sum();
    let next = AtomicU64::new(first(TileLevel::LEAVES));
    let done = AtomicU64::new(passed + 2 * first(TileLevel::LEAVES));
    let step = |count| {
        let done = done.fetch_add(count, Ordering::Relaxed) + count;
        tell(Progress { done, total });
    };
    let mut unsynced = Unsynced::default();
    for level in TileLevel::all().skip(1) {
        for index in first(level)..pieces(level, copy.size) {
            copy.must_go_on()?;
            copy.tile_above(level, TileIndex::new(index), &mut unsynced)?;
            step(1);
        }
    }
    folder.sync(&mut unsynced)?;
    let failed = AtomicBool::new(false);
    let first_error = Mutex::new(None);
    let some = || -> Result<(), MirrorError> {
        let mut unsynced = Unsynced::default();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= leaves {
                break;
            }
            copy.must_go_on()?;
            copy.leaves(TileIndex::new(index), &mut unsynced)?;
            if unsynced.is_full() {
                folder.sync(&mut unsynced)?;
            }
            step(2);
        }
        Ok(folder.sync(&mut unsynced)?)
    };
    let work = || {
        if let Err(error) = some() {
            failed.store(true, Ordering::Relaxed);
            let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..how.parallel.get() {
            scope.spawn(work);
        }
        work();
    });
    match first_error
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        Some(error) => Err(error),
        None => Ok(copy.written.into_inner()),
    }
}

struct Copy<'a> {
    folder: &'a Folder,
    how: How<'a>,
    seen: &'a AcceptedHead<'a>,
    size: TreeSize,
    have: TreeSize,
    written: AtomicU64,
}

impl Copy<'_> {
    fn must_go_on(&self) -> Result<(), MirrorError> {
        match self.how.pause.pause(Duration::ZERO) {
            Wish::GoOn => Ok(()),
            Wish::Stop => Err(MirrorError::Stopped),
        }
    }

    fn tile_above(
        &self,
        level: TileLevel,
        index: TileIndex,
        unsynced: &mut Unsynced,
    ) -> Result<(), MirrorError> {
        let path = self.path(TileKind::Hashes(level), index);
        if self.is_served(path) && self.folder.has(path)? {
            return Ok(());
        }
        let bytes = self.seen.tiles().tile(path)?.to_bytes();
        self.put(path, &bytes, unsynced)
    }

    /// A tile of leaf hashes, and the bundle of those leaves.
    fn leaves(&self, index: TileIndex, unsynced: &mut Unsynced) -> Result<(), MirrorError> {
        let tile = self.path(TileKind::Hashes(TileLevel::LEAVES), index);
        let bundle = self.path(TileKind::Entries, index);
        let is_there = self.folder.has(tile)? && self.folder.has(bundle)?;
        if is_there && self.is_served(tile) {
            return Ok(());
        }
        let left = match is_there {
            true => self.left(tile, bundle)?,
            false => None,
        };
        let (hashes, entries) = match left {
            Some(left) => left,
            None => {
                let entries = self.seen.tiles().bundle(LeafIndex::new(tile.first()))?;
                (self.seen.tiles().tile(tile)?, entries)
            }
        };
        self.put(tile, &hashes.to_bytes(), unsynced)?;
        self.put(bundle, &entries.to_bytes(), unsynced)
    }

    /// What a killed run left, if it is what the head stands for; only full tiles are worth the look.
    fn left(
        &self,
        tile: TilePath,
        bundle: TilePath,
    ) -> Result<Option<(Tile, EntryBundle)>, MirrorError> {
        let (Some(hashes), Some(entries)) = (self.folder.read(tile)?, self.folder.read(bundle)?)
        else {
            return Ok(None);
        };
        let (Ok(hashes), Ok(entries)) = (
            Tile::parse(&hashes, tile.width()),
            EntryBundle::parse(&entries, bundle.width()),
        ) else {
            return Ok(None);
        };
        let (Some(root), Some(parent)) = (hashes.root(), tile.parent(self.size)) else {
            return Ok(None);
        };
        let above = self.seen.tiles().tile(parent)?;
        let is_right = above.hashes().get(tile.position()) == Some(&root)
            && entries
                .leaf_hashes()
                .map(NodeHash::from)
                .eq(hashes.hashes().iter().copied());
        Ok(is_right.then_some((hashes, entries)))
    }

    /// Whether the folder's checkpoint stands for this very file, which was checked before it was written.
    fn is_served(&self, path: TilePath) -> bool {
        TilePath::in_tree(path.kind(), path.index(), self.have) == Some(path)
    }

    fn put(
        &self,
        path: TilePath,
        bytes: &[u8],
        unsynced: &mut Unsynced,
    ) -> Result<(), MirrorError> {
        // Nobody reads again what stands under a checkpoint that is there.
        match self.is_served(path) {
            true => self.folder.put(path, bytes)?,
            false => self.folder.put_unsynced(path, bytes, unsynced)?,
        }
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn path(&self, kind: TileKind, index: TileIndex) -> TilePath {
        TilePath::in_tree(kind, index, self.size).expect("the tree has as many tiles")
    }
}

/// How many full tiles a level has.
pub(super) fn full(level: TileLevel, size: TreeSize) -> u64 {
    level.hashes_in(size) / u64::from(Width::FULL.get())
}

/// How many tiles a level has, a partial one included.
pub(super) fn pieces(level: TileLevel, size: TreeSize) -> u64 {
    level.hashes_in(size).div_ceil(u64::from(Width::FULL.get()))
}
