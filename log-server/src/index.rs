//! Look-ups: which entry has an event id, which entries count under a key of the map: a label, a product, a printed id.
//!
//! The index is disposable. It finds candidates; what it finds is checked by hash, and what it
//! misses is caught by the map. So nothing durable depends on it, an error of its store is a miss, and it
//! is filled again from the entries whenever it disagrees with the log. `sled` is the one on disk,
//! `run` the part of it that is not written yet, `memory` all there is in a simulation.

mod catch_up;
mod group;
mod listing;
pub mod memory;
mod run;
pub mod sled;

use std::fmt;

use labelproof_core::{
    event::EventId,
    merkle::{LeafIndex, TreeHead, TreeSize},
    state::key::MapKey,
};

pub use catch_up::catch_up;
pub use listing::Listing;
pub use memory::MemoryIndex;
pub use sled::SledIndex;

/// What one entry adds to the index.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Indexed {
    /// Where the entry stands.
    pub index: LeafIndex,
    /// The event's id.
    pub event: EventId,
    /// The map keys under which it counts, as `State::later_keys` names them, and those of its [`Listing`]s.
    pub keys: Vec<MapKey>,
}

/// What a run of entries adds to the index.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The size of the log before the run.
    pub from: TreeSize,
    /// The log after it.
    pub head: TreeHead,
    /// The events in the run; state heads are not looked up.
    pub events: Vec<Indexed>,
}

/// Finds entries.
pub trait Index: Send + Sync + fmt::Debug {
    /// The entry with this event id, as far as the index knows.
    fn event(&self, id: &EventId) -> Option<LeafIndex>;

    /// The entries that count under a key of the map, in order, as far as the index knows.
    fn entries(&self, key: &MapKey) -> Vec<LeafIndex>;

    /// The first `limit` of [`Index::entries`] from an index on.
    fn entries_from(&self, key: &MapKey, from: LeafIndex, limit: usize) -> Vec<LeafIndex>;

    /// Takes up a run of entries; answers see it at once.
    ///
    /// The watermark moves only if the run begins where the watermark is.
    fn append(&self, addition: Addition);

    /// The head up to which nothing is missing, as far as the index knows.
    fn watermark(&self) -> TreeHead;

    /// Whether a part of it could not be read since it was last cleared, and may hide something.
    fn is_damaged(&self) -> bool;

    /// Forgets everything, to be filled again.
    fn clear(&self);

    /// Waits until what was appended so far is in the store.
    fn flush(&self);
}
