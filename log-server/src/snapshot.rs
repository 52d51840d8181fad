//! Snapshots: the map at a published head in one file, so that a start needs not replay every entry.
//!
//! The file is `core`'s `SnapshotFile`; it is believed only if its roots are those of the state head at that
//! index in the log.

use std::sync::atomic::{AtomicU64, Ordering};

use labelproof_core::{
    merkle::{LeafIndex, TreeSize},
    state::{SnapshotFile, State, StateView, head::StateHead},
};
use tracing::{info, warn};

use crate::{
    log::{Log, Setting},
    lookup,
    storage::StorageError,
};

/// Writes a snapshot of the published head; does nothing before there is one.
///
/// # Errors
/// What the store says; the older snapshot is then still there.
pub fn write(log: &Log) -> Result<(), StorageError> {
    let Some(published) = log.published() else {
        return Ok(());
    };
    let index = published.view.head_index();
    let registry = match &log.tip().state {
        Some(state) => state.registry_indices(index),
        None => return Ok(()),
    };
    put(log.setting(), &published.view, &registry)?;
    log.snapshot.set(published.head().size());
    Ok(())
}

/// How much of the log the snapshot on disk covers; nothing while there is none that was believed.
#[derive(Debug, Default)]
pub(crate) struct Covered(AtomicU64);

impl Covered {
    pub(crate) fn get(&self) -> TreeSize {
        TreeSize::new(self.0.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, size: TreeSize) {
        self.0.store(size.get(), Ordering::Relaxed);
    }
}

/// Writes the snapshot of a view; `registry` says where the entries of members, schemes and authorities are.
pub(crate) fn put(
    setting: &Setting,
    view: &StateView,
    registry: &[LeafIndex],
) -> Result<(), StorageError> {
    let parts = SnapshotFile::parts(&setting.origin, view, registry);
    let bytes = setting.directory.write_file(NAME, parts)?;
    info!(head = %view.head_index(), records = view.map().len(), bytes, "wrote a snapshot");
    Ok(())
}

/// Reads the snapshot; `None` if there is none, or it is not believed.
///
/// It must lie under the published head, because that head's state is needed too.
///
/// # Errors
/// What the store says.
pub fn read(
    setting: &Setting,
    end: TreeSize,
    published: Option<TreeSize>,
) -> Result<Option<State>, StorageError> {
    let Some(bytes) = setting.directory.read_file(NAME)? else {
        return Ok(None);
    };
    let Some(file) = SnapshotFile::parse(&bytes) else {
        warn!("the snapshot is malformed");
        return Ok(None);
    };
    let index = file.head_index();
    let covered = TreeSize::new(index.get().saturating_add(1));
    if *file.origin() != setting.origin || covered > published.unwrap_or(end) {
        warn!(head = %index, "the snapshot is not of this log, or newer than what is published");
        return Ok(None);
    }
    let Ok(head) = StateHead::parse(&setting.directory.entry(index)?) else {
        warn!(head = %index, "the snapshot names an entry that is no state head");
        return Ok(None);
    };
    let registry = lookup::entries_at(setting, file.registry())?;
    let snapshot = file.with(head, registry);
    Ok(State::restore(snapshot)
        .inspect_err(|error| warn!(%error, "the snapshot is not believed"))
        .ok())
}

const NAME: &str = "snapshot";
