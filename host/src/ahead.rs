//! Entries read ahead of their turn by several threads, with the newest keys that the state knows.
//!
//! ```text
//! threads   entry ─read─▶ ReadEntry        with the keys known so far
//! one       ReadEntry ─State::replay─▶ …   what it adds to the keys, the threads learn
//! ```

use std::sync::{PoisonError, RwLock};

use labelproof_core::event::{Event, Subject};
use labelproof_core::state::{AuthorityKeys, ReadEntry, State};

/// Shared by who reads ahead and who takes.
#[derive(Debug, Default)]
pub struct Ahead(RwLock<AuthorityKeys>);

impl Ahead {
    /// Reads an entry.
    pub fn read(&self, entry: Vec<u8>) -> ReadEntry {
        ReadEntry::read(
            entry,
            &self.0.read().unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Learns the keys that `state` has after these entries, if one of them can have changed any.
    pub fn learn<'a>(&self, state: &State, taken: impl IntoIterator<Item = &'a ReadEntry>) {
        let is_of_authority = |read: &ReadEntry| {
            let subject = read.event().map(Event::subject);
            matches!(subject, Some(Subject::Authority(_)))
        };
        if taken.into_iter().any(is_of_authority) {
            *self.0.write().unwrap_or_else(PoisonError::into_inner) = state.authority_keys();
        }
    }
}
