//! Applying: the tiles and bundles that a batch adds to, from the staged bytes.
//!
//! ```text
//! tile/entries/001   … committed entries │ new entries          written, cut, synced; new folders synced last
//! tile/0/001         … committed hashes  │ new hashes
//! tile/1/000         … committed hashes  │ hash of each level-0 tile that is full now
//! ```
//! What is committed is never written again. What lies behind it may be the end of an interrupted run
//! and is overwritten: this step is run again after every crash.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use labelproof_core::{
    entry_bundle::EntryBundle,
    merkle::NodeHash,
    tile::{TileKind, TileLevel, Width},
};
use labelproof_host::fs::folder_of;

use super::{Directory, HASH_BYTES, StorageError, TILE_HEIGHT, WIDTH, full};
use crate::storage::{Grown, StagedBatch};

impl Directory {
    /// Writes the tiles and bundles that a batch adds to; running it again changes nothing.
    ///
    /// `grown` is what [`StagedBatch::check`] made of it. Every file is synced, and every folder that
    /// got a new name, before this returns.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] where the part that was there already is missing; else what the file system says.
    pub fn apply(&self, batch: &StagedBatch, grown: &Grown) -> Result<(), StorageError> {
        let mut folders = BTreeSet::new();
        self.append_entries(grown.from().get(), batch.entries(), &mut folders)?;
        for (level, (first, hashes)) in TileLevel::all().zip(grown.levels(TILE_HEIGHT)) {
            self.append_hashes(level, first, hashes, &mut folders)?;
        }
        for folder in folders {
            self.fs.sync_dir(&folder)?;
        }
        Ok(())
    }

    fn append_entries(
        &self,
        size: u64,
        entries: &[Vec<u8>],
        folders: &mut BTreeSet<PathBuf>,
    ) -> Result<(), StorageError> {
        for (index, kept, part) in pieces(size, entries) {
            let path = full(TileKind::Entries, index);
            let offset = match kept {
                None => 0,
                Some(width) => self.object(path.with_width(width))?.len(),
            };
            let bytes = EntryBundle::new(part.to_vec())
                .expect("a staged batch bounds its entries")
                .to_bytes();
            self.append(&self.path(path), offset, &bytes, folders)?;
        }
        Ok(())
    }

    fn append_hashes(
        &self,
        level: TileLevel,
        first: u64,
        hashes: &[NodeHash],
        folders: &mut BTreeSet<PathBuf>,
    ) -> Result<(), StorageError> {
        for (index, kept, part) in pieces(first, hashes) {
            let path = self.path(full(TileKind::Hashes(level), index));
            let bytes: Vec<u8> = part.iter().flat_map(|hash| *hash.as_bytes()).collect();
            self.append(
                &path,
                kept.map_or(0, Width::count) * HASH_BYTES,
                &bytes,
                folders,
            )?;
        }
        Ok(())
    }

    /// Puts `bytes` at `offset` and cuts what an interrupted run may have left behind them.
    fn append(
        &self,
        path: &Path,
        offset: usize,
        bytes: &[u8],
        folders: &mut BTreeSet<PathBuf>,
    ) -> Result<(), StorageError> {
        // Once a batch and folder: making sure of a folder syncs it and every one above it.
        if offset == 0 && folders.insert(folder_of(path).to_owned()) {
            self.fs.create_dir_all(folder_of(path))?;
        }
        self.fs.write_at(path, offset as u64, bytes)?;
        self.fs.set_len(path, (offset + bytes.len()) as u64)?;
        self.fs.sync_file(path)?;
        Ok(())
    }
}

/// Cuts what begins at position `first` into files of 256: file number, what it holds already, what comes to it.
fn pieces<T>(first: u64, all: &[T]) -> impl Iterator<Item = (u64, Option<Width>, &[T])> {
    let mut rest = all;
    let mut at = first;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let kept = u16::try_from(at % WIDTH).ok().and_then(Width::new);
        let room = Width::FULL.count() - kept.map_or(0, Width::count);
        let (part, later) = rest.split_at(rest.len().min(room));
        let piece = (at / WIDTH, kept, part);
        rest = later;
        at += part.len() as u64;
        Some(piece)
    })
}
