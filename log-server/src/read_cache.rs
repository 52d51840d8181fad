//! Entries that were read for answers: those of members, schemes and authorities are in every one.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use labelproof_core::merkle::LeafIndex;

use crate::storage::{Directory, StorageError};

/// Acknowledged entries in memory; they never change.
#[derive(Debug, Default)]
pub(crate) struct ReadCache(Mutex<BTreeMap<LeafIndex, Vec<u8>>>);

impl ReadCache {
    /// The bytes of an acknowledged entry.
    ///
    /// # Errors
    /// As [`Directory::entry`].
    pub(crate) fn entry(
        &self,
        directory: &Directory,
        index: LeafIndex,
    ) -> Result<Vec<u8>, StorageError> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = lock().get(&index).cloned() {
            return Ok(entry);
        }
        let entry = directory.entry(index)?;
        let mut read = lock();
        if read.len() >= MAX_ENTRIES {
            // Labels come once and fill it; what every answer needs is back after one read each.
            read.clear();
        }
        read.insert(index, entry.clone());
        Ok(entry)
    }
}

/// At most 16 KiB each.
const MAX_ENTRIES: usize = 1_024;
