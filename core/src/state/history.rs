//! What every subject has: its accepted events in order, counted and chained.
//!
//! ```text
//! first event ──▶ next ──▶ … ──▶ newest        an event names the id of the one before it (`prev`)
//! ```
//! The chain itself is `record`'s; what an event means is for `label`, `authority`, `scheme`, `member`.

use crate::event::{Event, EventId};
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;
use crate::state::record::{Flag, StateRecord};
use crate::state::registry::Signed;

/// The accepted events of one subject, oldest first; never empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct History {
    events: Vec<(LeafIndex, EventId)>,
    record: StateRecord,
}

impl History {
    /// Starts with the subject's first event.
    pub(crate) fn start(event: &Event, at: LeafIndex, leaf: LeafHash) -> Self {
        let mut history = Self {
            events: vec![(at, event.id())],
            record: StateRecord::begin(at, &leaf),
        };
        history.note_dates(event);
        history
    }

    /// Adds the next accepted event.
    pub(crate) fn push(&mut self, signed: &Signed<'_>) {
        self.events.push((signed.at, signed.event.id()));
        self.record.record_event(signed.at, &signed.leaf);
        self.note_dates(signed.event);
    }

    fn note_dates(&mut self, event: &Event) {
        let later = event
            .effective_from()
            .is_some_and(|from| from > event.decided_at());
        if later || event.effective_until().is_some() {
            self.record.raise(Flag::Dated);
        }
    }

    /// Checks that `event` names this subject's newest event as the one before it.
    pub(crate) fn check_previous(&self, event: &Event) -> Result<(), Refusal> {
        let want = Some(self.newest());
        if event.prev() == want {
            Ok(())
        } else {
            Err(Refusal::WrongPrevious { want })
        }
    }

    /// The id of the newest accepted event.
    pub(crate) fn newest(&self) -> EventId {
        self.events
            .last()
            .expect("a history starts with an event")
            .1
    }

    /// Whether an event of this id was accepted before.
    pub(crate) fn contains(&self, id: EventId) -> bool {
        self.events.iter().any(|(_, known)| *known == id)
    }

    pub(crate) fn first_index(&self) -> LeafIndex {
        self.events
            .first()
            .expect("a history starts with an event")
            .0
    }

    pub(crate) fn last_index(&self) -> LeafIndex {
        self.events
            .last()
            .expect("a history starts with an event")
            .0
    }

    pub(crate) fn indices(&self) -> impl Iterator<Item = LeafIndex> + '_ {
        self.events.iter().map(|(index, _)| *index)
    }

    /// Indices, count, chain and dates; status and the rest are for the kind of subject to fill in.
    pub(crate) fn record(&self) -> StateRecord {
        self.record
    }
}

/// Checks that the first event of a subject names none before it.
pub(crate) fn check_first(event: &Event) -> Result<(), Refusal> {
    if event.prev().is_none() {
        Ok(())
    } else {
        Err(Refusal::WrongPrevious { want: None })
    }
}

/// The number of the event's reason in a record, 0 if it gives none.
pub(crate) fn reason_number(event: &Event) -> u8 {
    event.reason().map_or(0, |reason| reason.code().number())
}
