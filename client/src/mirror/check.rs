//! Checking a mirror: every file is read and hashed again, against the checkpoint that is there.

use labelproof_core::{
    merkle::LeafIndex,
    policy::WitnessedCheckpoint,
    tile::{TileIndex, TileKind, TileLevel, TilePath},
    time::Time,
};
use labelproof_host::tiles::TilesError;

use super::{Folder, MirrorError, Progress, copy::pieces};
use crate::trust::TrustedLog;

/// What was found.
#[derive(Debug)]
pub struct Checked {
    head: WitnessedCheckpoint,
    files: u64,
    wrong: Vec<TilesError>,
}

impl Checked {
    /// The head that everything was checked against.
    pub fn head(&self) -> &WitnessedCheckpoint {
        &self.head
    }

    /// How many files were read.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// What is wrong, each with the file's name; a screen of them at most.
    pub fn wrong(&self) -> &[TilesError] {
        &self.wrong
    }
}

/// Reads a whole mirror again; opens no socket. `None` if no copy was ever complete.
///
/// # Errors
/// [`MirrorError`] when it cannot be told.
pub fn check(
    folder: &Folder,
    log: &TrustedLog,
    now: Time,
    tell: &dyn Fn(Progress),
) -> Result<Option<Checked>, MirrorError> {
    let Some(head) = folder.checkpoint(log, now)? else {
        return Ok(None);
    };
    let size = head.head().size();
    let tiles = folder.tiles_under(head.signed());
    let total: u64 = TileLevel::all()
        .map(|level| pieces(level, size))
        .sum::<u64>()
        + pieces(TileLevel::LEAVES, size);
    let mut wrong = Vec::new();
    let mut done = 0;
    let mut judge = |found: Result<(), TilesError>| match found {
        Err(error @ TilesError::Source(_)) => Err(MirrorError::OnDisk(error)),
        Err(error) if wrong.len() < MAX_WRONG => {
            // One wrong tile is met again by every one below it.
            if wrong.last().map(ToString::to_string) != Some(error.to_string()) {
                wrong.push(error);
            }
            Ok(())
        }
        Ok(()) | Err(_) => Ok(()),
    };
    let at = |kind, index| {
        TilePath::in_tree(kind, TileIndex::new(index), size).expect("the tree has as many tiles")
    };
    for level in TileLevel::all().collect::<Vec<_>>().into_iter().rev() {
        for index in 0..pieces(level, size) {
            judge(tiles.tile(at(TileKind::Hashes(level), index)).map(drop))?;
            done += 1;
            tell(Progress { done, total });
        }
    }
    for index in 0..pieces(TileLevel::LEAVES, size) {
        let first = LeafIndex::new(at(TileKind::Entries, index).first());
        judge(tiles.bundle(first).map(drop))?;
        done += 1;
        tell(Progress { done, total });
    }
    Ok(Some(Checked {
        head,
        files: total,
        wrong,
    }))
}

/// Who reads more than a screen of wrong files copies the log anew.
const MAX_WRONG: usize = 24;
