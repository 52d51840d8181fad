//! The index in memory: all there is in a simulation, and in a log that is looked at for a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use labelproof_core::{
    event::EventId,
    merkle::{LeafIndex, TreeHead},
    state::key::MapKey,
};

use super::{Addition, Index};

/// Look-ups in two ordered maps.
#[derive(Debug)]
pub struct MemoryIndex {
    tables: RwLock<Tables>,
}

#[derive(Debug)]
struct Tables {
    events: BTreeMap<EventId, LeafIndex>,
    keys: BTreeMap<MapKey, BTreeSet<LeafIndex>>,
    watermark: TreeHead,
}

impl Tables {
    fn starting_at(watermark: TreeHead) -> Self {
        Self {
            events: BTreeMap::new(),
            keys: BTreeMap::new(),
            watermark,
        }
    }
}

impl MemoryIndex {
    /// An index that knows nothing of what lies before `watermark`.
    #[must_use]
    pub fn starting_at(watermark: TreeHead) -> Self {
        Self {
            tables: RwLock::new(Tables::starting_at(watermark)),
        }
    }

    // A panic in another thread leaves tables that may miss something, which any index may.
    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryIndex {
    fn default() -> Self {
        Self::starting_at(TreeHead::EMPTY)
    }
}

impl Index for MemoryIndex {
    fn event(&self, id: &EventId) -> Option<LeafIndex> {
        self.read().events.get(id).copied()
    }

    fn entries(&self, key: &MapKey) -> Vec<LeafIndex> {
        self.read()
            .keys
            .get(key)
            .map(|indices| indices.iter().copied().collect())
            .unwrap_or_default()
    }

    fn entries_from(&self, key: &MapKey, from: LeafIndex, limit: usize) -> Vec<LeafIndex> {
        self.read()
            .keys
            .get(key)
            .map(|indices| indices.range(from..).take(limit).copied().collect())
            .unwrap_or_default()
    }

    fn append(&self, addition: Addition) {
        let mut tables = self.write();
        for event in addition.events {
            tables.events.insert(event.event, event.index);
            for key in event.keys {
                tables.keys.entry(key).or_default().insert(event.index);
            }
        }
        if addition.from == tables.watermark.size() {
            tables.watermark = addition.head;
        }
    }

    fn watermark(&self) -> TreeHead {
        self.read().watermark
    }

    fn is_damaged(&self) -> bool {
        false
    }

    fn clear(&self) {
        *self.write() = Tables::starting_at(TreeHead::EMPTY);
    }

    fn flush(&self) {}
}
