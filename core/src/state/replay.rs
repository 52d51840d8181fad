//! Replaying entries that a log already holds: for a mirror, a state verifier, a label's history, a bundle.
//!
//! ```text
//! whole log   entry 0, 1, 2, …       heads are recomputed and compared, refused events do nothing
//! one label   its events by index    believed because they reproduce the record's chain
//! bundle      the events of some subjects, in order of the log; other subjects are not judged
//! ```
//! All three run the state function of `subjects`; none has rules of its own.

use thiserror::Error;

use crate::event::{Event, LabelId};
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;
use crate::state::ahead::{AuthorityKeys, Form, ReadEntry};
use crate::state::head::StateHead;
use crate::state::labels::{Labels, label_key};
use crate::state::registry::{Extent, Registry, Signed};
use crate::state::signers::{SignatureMemo, Signers};
use crate::state::{Applied, State};

/// What an entry of the log turned out to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Replayed {
    /// A state head, the one that the function gives.
    Head(StateHead),
    /// An event that counts.
    Accepted(Applied),
    /// An entry that changes nothing. An honest log has none.
    Refused(Refusal),
}

/// Why an entry cannot be replayed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum WrongEntry {
    /// It is the right state head, apart from a clock behind the previous head's: the log is at fault.
    #[error("the clock of the state head at {at} runs back")]
    ClockBack {
        /// Its index.
        at: LeafIndex,
    },
    /// It is a state head, but not the right one: the log is at fault.
    #[error("entry {at} is not the state head of the {at} entries before it")]
    Head {
        /// Its index.
        at: LeafIndex,
    },
    /// Labels must be loaded first.
    #[error("entry {at} concerns a label whose history is not loaded")]
    NeedsHistory {
        /// Its index.
        at: LeafIndex,
        /// The labels for [`State::load_label`].
        labels: Vec<LabelId>,
    },
}

/// Why a label's history is not believed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HistoryError {
    /// The map has no record of it.
    #[error("there is no such label")]
    NoRecord,
    /// An entry is not an event that counts for it.
    #[error("the entry at {at} is none of the label's events")]
    BadEntry {
        /// Its index.
        at: LeafIndex,
        /// What the state function says to it.
        source: Refusal,
    },
    /// The events do not reproduce the record.
    #[error("these are not all the events of the label")]
    OtherRecord,
}

impl State {
    /// Takes the next entry of a log that holds it already.
    ///
    /// # Errors
    /// [`WrongEntry`]. Then nothing changed.
    pub fn replay_entry(&mut self, entry: &[u8]) -> Result<Replayed, WrongEntry> {
        self.replay(&ReadEntry::read(entry.to_vec(), &AuthorityKeys::none()))
    }

    /// Takes the next entry of a log that holds it already, read ahead.
    ///
    /// # Errors
    /// [`WrongEntry`]. Then nothing changed.
    pub fn replay(&mut self, read: &ReadEntry) -> Result<Replayed, WrongEntry> {
        let (event, memo) = match read.form() {
            Form::Head(entry) => return self.replay_head(entry).map(Replayed::Head),
            Form::Refused(refusal) => return Ok(self.skip(refusal.clone())),
            Form::Event(event, memo) => (event, memo),
        };
        let labels = self.needs_history(event);
        if !labels.is_empty() {
            return Err(WrongEntry::NeedsHistory {
                at: self.next,
                labels,
            });
        }
        match self.take(event, memo) {
            Ok(applied) => Ok(Replayed::Accepted(applied)),
            Err(refusal) => Ok(self.skip(refusal)),
        }
    }

    fn replay_head(&mut self, entry: &[u8]) -> Result<StateHead, WrongEntry> {
        let wrong = WrongEntry::Head { at: self.next };
        let Ok(claimed) = StateHead::parse(entry) else {
            return Err(wrong);
        };
        // The clock is the log's word; all the rest follows from the entries.
        if self.head_at(claimed.clock_ms()) != claimed {
            return Err(wrong);
        }
        if claimed.clock_ms() < self.clock_ms {
            return Err(WrongEntry::ClockBack { at: self.next });
        }
        Ok(self.append_head(claimed.clock_ms()))
    }

    fn skip(&mut self, refusal: Refusal) -> Replayed {
        self.advance();
        self.write(&[]);
        Replayed::Refused(refusal)
    }

    /// Loads a label's history, all its events in order of the log.
    ///
    /// # Errors
    /// [`HistoryError`] unless the events reproduce the label's record byte for byte.
    pub fn load_label(
        &mut self,
        label: &LabelId,
        entries: &[(LeafIndex, Vec<u8>)],
    ) -> Result<(), HistoryError> {
        let key = label_key(&self.subjects.registry, label).map_err(|_| HistoryError::NoRecord)?;
        let record = self.map.get(&key).ok_or(HistoryError::NoRecord)?;
        if !entries.is_sorted_by(|earlier, later| earlier.0 < later.0) {
            return Err(HistoryError::OtherRecord);
        }
        let mut labels = Labels::new(Extent::Part);
        for (at, entry) in entries {
            replay_label_entry(&self.subjects.registry, &mut labels, *at, entry)
                .map_err(|source| HistoryError::BadEntry { at: *at, source })?;
        }
        match labels.details.remove(&key) {
            Some(detail) if detail.record().to_bytes()[..] == *record => {
                self.subjects.labels.details.insert(key, detail);
                Ok(())
            }
            _ => Err(HistoryError::OtherRecord),
        }
    }
}

fn replay_label_entry(
    registry: &Registry,
    labels: &mut Labels,
    at: LeafIndex,
    entry: &[u8],
) -> Result<(), Refusal> {
    let event = Event::parse(entry)?;
    let crate::event::Subject::Label(label) = event.subject() else {
        return Err(Refusal::UnknownSubject);
    };
    let leaf = LeafHash::of_entry(entry);
    let signers = Signers::verify(
        &event,
        leaf,
        registry.candidates(&event, at),
        &SignatureMemo::empty(),
    )?;
    let signed = Signed {
        event: &event,
        at,
        leaf,
        signers,
    };
    labels.apply(registry, &signed, label).map(|_| ())
}
