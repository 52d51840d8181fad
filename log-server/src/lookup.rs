//! Looking up: from a label or a subject to its entries, by way of the index and the tip.

use labelproof_core::{
    event::{Event, LabelId, Subject},
    merkle::LeafIndex,
    state::{State, key::MapKey},
};

use crate::{
    index::{Indexed, Listing},
    log::Setting,
    storage::StorageError,
};

/// The key of a label's record; `None` if its scheme is not defined.
pub(crate) fn label_key(state: &State, label: &LabelId) -> Option<MapKey> {
    state
        .record_name(&Subject::Label(label.clone()))
        .map(|name| name.key())
}

/// The entries of a label's history, as far as the index knows; whether that is all of them, the chain tells.
pub(crate) fn label_entries(
    setting: &Setting,
    state: &State,
    label: &LabelId,
) -> Result<Vec<(LeafIndex, Vec<u8>)>, StorageError> {
    let indices = label_key(state, label)
        .map(|key| label_indices(setting, &key, state.first_event(&key), state.next_index()))
        .unwrap_or_default();
    entries_at(setting, &indices)
}

/// Where a label's entries are: the first says its record, the others the index; what lies at `end` or behind it is
/// no entry of this log.
pub(crate) fn label_indices(
    setting: &Setting,
    key: &MapKey,
    first: Option<LeafIndex>,
    end: LeafIndex,
) -> Vec<LeafIndex> {
    let mut indices = setting.index.entries(key);
    indices.extend(first);
    indices.retain(|index| *index < end);
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// The entries at these places.
pub(crate) fn entries_at(
    setting: &Setting,
    indices: &[LeafIndex],
) -> Result<Vec<(LeafIndex, Vec<u8>)>, StorageError> {
    indices
        .iter()
        .map(|index| Ok((*index, setting.directory.entry(*index)?)))
        .collect()
}

/// What an accepted event adds to the index. Where a label's issue is its record says, and most have no other event.
pub(crate) fn indexed(state: &State, event: &Event, index: LeafIndex) -> Indexed {
    let mut keys = state.later_keys(event);
    keys.extend(Listing::keys_of(event));
    Indexed {
        index,
        event: event.id(),
        keys,
    }
}
