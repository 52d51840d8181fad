//! Index records: the events that name a product or a printed id, all of them and in order.

use super::RecordedEvent;
use crate::merkle::{LeafHash, LeafIndex};
use crate::state::key::MapName;
use crate::state::record::IndexRecord;

/// A product or a printed id under a witnessed head, with every event that names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IndexStatus {
    name: MapName,
    record: IndexRecord,
    events: Vec<RecordedEvent>,
}

impl IndexStatus {
    /// `None` unless these are the record's events.
    pub(super) fn new(
        name: MapName,
        record: IndexRecord,
        events: Vec<(LeafHash, RecordedEvent)>,
    ) -> Option<Self> {
        let pairs: Vec<(LeafIndex, LeafHash)> = events
            .iter()
            .map(|(leaf, event)| (event.index(), *leaf))
            .collect();
        if IndexRecord::of_events(&pairs)? != record {
            return None;
        }
        Some(Self {
            name,
            record,
            events: events.into_iter().map(|(_, event)| event).collect(),
        })
    }

    /// The name under which the record stands.
    #[must_use]
    pub fn name(&self) -> &MapName {
        &self.name
    }

    /// The proved record.
    #[must_use]
    pub fn record(&self) -> &IndexRecord {
        &self.record
    }

    /// Every event that names it, in order of the log.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }
}
