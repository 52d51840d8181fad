//! What a published head is answered from: the map and the list as they were when it was made.
//!
//! Taking a view costs nothing: both structures share what did not change with the tip.

use crate::merkle::{LeafIndex, NodeHash};
use crate::state::index_log::IndexLog;
use crate::state::key::{MapKey, MapName};
use crate::state::list::StatusList;
use crate::state::map::Map;
use crate::state::map::proof::MapProof;
use crate::state::record::{IndexRecord, StateRecord};

/// The state that covers the first n entries.
#[derive(Clone, Debug)]
pub struct StateView {
    map: Map,
    indexes: IndexLog,
    list: StatusList,
    covers: LeafIndex,
}

impl StateView {
    pub(crate) fn new(map: Map, indexes: IndexLog, list: StatusList, covers: LeafIndex) -> Self {
        Self {
            map,
            indexes,
            list,
            covers,
        }
    }

    /// How many entries it covers; also the index of the head that commits to it.
    #[must_use]
    pub fn head_index(&self) -> LeafIndex {
        self.covers
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The status list.
    #[must_use]
    pub fn list(&self) -> &StatusList {
        &self.list
    }

    /// The record of a label, authority, scheme or member.
    ///
    /// # Panics
    /// If the map holds a record that this program would not write.
    #[must_use]
    pub fn record(&self, name: &MapName) -> Option<StateRecord> {
        let bytes = self.map.get(&name.key())?;
        Some(StateRecord::from_bytes(bytes).expect("the state function writes well-formed records"))
    }

    /// The index record of a product or a printed id.
    ///
    /// # Panics
    /// If the map holds a record that this program would not write.
    #[must_use]
    pub fn index_record(&self, name: &MapName) -> Option<IndexRecord> {
        let bytes = self.map.get(&name.key())?;
        Some(IndexRecord::from_bytes(bytes).expect("the state function writes well-formed records"))
    }

    /// The subtrees of each index, from left to right, where its record does not give them, in ascending order of
    /// the keys: what a [`Snapshot`] keeps.
    ///
    /// [`Snapshot`]: crate::state::Snapshot
    pub fn frontiers(&self) -> impl Iterator<Item = (MapKey, Vec<NodeHash>)> {
        self.indexes.frontiers()
    }

    /// Proves a record, or that there is none.
    #[must_use]
    pub fn prove(&self, key: &MapKey) -> MapProof {
        self.map.prove(key)
    }
}
