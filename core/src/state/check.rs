//! Trying an event out: what the state function would say, and nothing changes.
//!
//! The event is applied to a copy of what it can touch: members, schemes and authorities, and the labels it names.
//! So there is one state function, and a trial cannot drift from what follows it.

use super::labels::{Labels, label_key, labels_of};
use super::{SignatureMemo, State, Subjects};
use crate::event::{Event, LabelId};
use crate::refusal::Refusal;

impl State {
    /// Judges an event as the entry at [`State::next_index`] without applying it.
    ///
    /// # Errors
    /// The [`Refusal`] that [`State::apply`] would give.
    ///
    /// # Panics
    /// If [`State::needs_history`] names a label that was not loaded.
    pub fn check(&self, event: &Event, memo: &SignatureMemo) -> Result<(), Refusal> {
        assert!(
            self.needs_history(event).is_empty(),
            "the labels of the event are loaded"
        );
        let leaf = event.leaf();
        self.touched_by(event)
            .apply(event, self.next, leaf, memo)
            .map(drop)
    }

    fn touched_by(&self, event: &Event) -> Subjects {
        let registry = self.subjects.registry.clone();
        let detail = |label: &LabelId| {
            let key = label_key(&registry, label).ok()?;
            let known = self.subjects.labels.details.get(&key)?;
            Some((key, known.clone()))
        };
        let details = labels_of(event).filter_map(detail).collect();
        let labels = Labels {
            extent: self.subjects.labels.extent,
            details,
        };
        Subjects { registry, labels }
    }
}
