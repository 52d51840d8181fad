//! A verified copy of a log in a folder that any file server can serve.
//!
//! ```text
//! DIR/labelproof-mirror                   labelproof-mirror/v1 · origin · leaf hash of entry 0
//! DIR/lock                                one mirror at a time
//! DIR/tile/<L>/<N>[.p/<W>]                c2sp.org/tlog-tiles, byte for byte
//! DIR/tile/entries/<N>[.p/<W>]
//! DIR/checkpoint                          written last: all it stands for is there
//! ```
//! Every file is checked against the head before it is written, and written whole or not at all; so a mirror
//! that was killed goes on where it was. Files under the checkpoint that is there are not read again:
//! [`check`] does that. Partial tiles go once the full one is there and the checkpoint has moved.

mod check;
mod copy;
mod folder;

use labelproof_core::{
    merkle::{TreeHead, TreeSize},
    policy::WitnessedCheckpoint,
    time::Time,
};
use labelproof_host::{fs::FsError, lock::LockError, tiles::TilesError};

pub use check::{Checked, check};
pub use folder::{Folder, FolderError};

use crate::{
    head::{AcceptedHead, HeadError, newest_head},
    patience::Pause,
    source::Source,
    trust::{
        TrustedLog,
        store::{TrustStore, grown},
    },
};

/// Where a mirror copies from, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The log, or another copy of it.
    pub source: &'a dyn Source,
    /// Whom to believe.
    pub log: &'a TrustedLog,
    /// The newest accepted head.
    pub store: &'a TrustStore,
    /// How to wait, and when to stop.
    pub pause: &'a dyn Pause,
    /// Requests at a time.
    pub parallel: Parallel,
}

/// How many requests a mirror has open at a time: 1 to 16.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parallel(usize);

impl Parallel {
    /// Takes a number from 1 to 16.
    pub fn new(count: usize) -> Option<Self> {
        (1..=MAX_PARALLEL).contains(&count).then_some(Self(count))
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for Parallel {
    fn default() -> Self {
        Self(DEFAULT_PARALLEL)
    }
}

/// How far a copy is, in tiles and bundles.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Those that are there.
    pub done: u64,
    /// Those that the head stands for.
    pub total: u64,
}

/// What a mirror has done.
#[derive(Clone, Debug)]
pub struct Copied {
    head: WitnessedCheckpoint,
    before: Option<TreeHead>,
    written: u64,
}

impl Copied {
    /// The head that the folder now serves.
    pub fn head(&self) -> &WitnessedCheckpoint {
        &self.head
    }

    /// The head that it served before.
    pub fn before(&self) -> Option<TreeHead> {
        self.before
    }

    /// How many tiles and bundles were written.
    pub fn written(&self) -> u64 {
        self.written
    }
}

/// Brings `folder` to the newest head of the log.
///
/// When the log shows an older head than the folder has, as one that is behind does, nothing is changed.
///
/// # Errors
/// [`MirrorError`]; the folder then serves what it served before, and what was copied is kept.
pub fn update(
    folder: &Folder,
    plan: &Plan<'_>,
    now: Time,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Copied, MirrorError> {
    let before = folder.checkpoint(plan.log, now)?;
    let seen = newest_head(plan.source, plan.log, plan.store, plan.pause, now)?;
    let copied = |head: WitnessedCheckpoint, written| Copied {
        head,
        before: before.as_ref().map(WitnessedCheckpoint::head),
        written,
    };
    if let Some(before) = &before {
        if before.head().size() > seen.head().head().size() {
            let tiles = folder.tiles(before);
            grown(seen.head().signed(), before.signed(), &tiles).map_err(HeadError::Advance)?;
            return Ok(copied(before.clone(), 0));
        }
        grown(before.signed(), seen.head().signed(), seen.tiles()).map_err(HeadError::Advance)?;
    }
    let have = before.as_ref().map(WitnessedCheckpoint::head);
    let (pause, parallel) = (plan.pause, plan.parallel);
    // A run that was killed may have left some files anywhere.
    let written = bring(folder, &seen, have, Look::Everywhere, pause, parallel, tell)?;
    Ok(copied(seen.head().clone(), written))
}

/// Where a copy looks for what is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Look {
    /// At every file that the head stands for.
    Everywhere,
    /// Only where a tree of this size ends and behind it; all before was brought and nobody took it away since.
    From(TreeSize),
}

/// Brings `folder`, which serves `have`, to an accepted head that appends to it; tells how many files were written.
///
/// # Errors
/// As [`update`].
pub fn bring(
    folder: &Folder,
    seen: &AcceptedHead<'_>,
    have: Option<TreeHead>,
    look: Look,
    pause: &dyn Pause,
    parallel: Parallel,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<u64, MirrorError> {
    let from = match look {
        Look::Everywhere => TreeSize::EMPTY,
        Look::From(size) => size,
    };
    let how = copy::How {
        pause,
        parallel,
        from,
    };
    let written = copy::copy(folder, how, seen, have, tell)?;
    folder.put_checkpoint(&seen.head().signed().note().to_bytes())?;
    folder.drop_partials(from, seen.head().head().size())?;
    Ok(written)
}

/// Why a mirror is not at the newest head.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The folder is not ours to write to.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The disk.
    #[error(transparent)]
    Files(#[from] FsError),
    /// No head was accepted.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Another mirror works in the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file of the folder is not what its checkpoint says.
    #[error("the folder does not hold what its checkpoint says")]
    OnDisk(#[source] TilesError),
    /// The person wants no more.
    #[error("stopped; the next run goes on from here")]
    Stopped,
    /// The log's tiles could not be had, or do not fit the head.
    #[error("cannot read the log's tiles")]
    Tiles(#[from] TilesError),
}

/// What a browser opens to one server.
const DEFAULT_PARALLEL: usize = 4;
/// More is not faster on any line we know, and other readers are slowed down.
const MAX_PARALLEL: usize = 16;
