//! Promises: what logs signed that their later heads must keep, and what they should have taken.
//!
//! ```text
//! a head ahead of ours     once ours is as large: the same log, or a fork
//! a receipt                the same, and the witnessed head must be as large by the deadline
//! an adverse event         in the log a minute after it was handed in, if it would still have to take it
//! ```
//! Message in, actions out: no file, socket or clock. A deadline counts as passed only when the log was asked after it and
//! witnesses spoke after it, or kept silent for long, so that a monitor that is blind, slow or reads from a copy that lags
//! tells nothing of a log that is not.

mod file;
pub mod keeper;
mod queue;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use labelproof_core::{
    checkpoint::{Origin, SignedCheckpoint},
    event::{Event, EventId},
    merkle::{LeafHash, TreeSize},
    refusal::Refusal,
    time::Time,
    tlog_proof::TlogProof,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{alert::Alert, board::Standing};

/// One thing that a log has to keep.
#[derive(Clone, Debug)]
pub(crate) enum Promise {
    /// A head that the log signed, larger than the newest we accepted.
    Head(SignedCheckpoint),
    /// A receipt, opened with the log's key.
    Receipt {
        /// The receipt.
        receipt: TlogProof,
        /// The leaf hash of its event.
        leaf: LeafHash,
        /// The head it was given under.
        seen: SignedCheckpoint,
        /// Until when the event is in a witnessed state.
        deadline: Time,
    },
    /// An event that takes something away, signed by who may, which the log has not shown.
    Adverse {
        /// The event.
        event: Box<Event>,
        /// When it was handed in.
        since: Time,
    },
}

impl Promise {
    /// Which log.
    pub(crate) fn origin(&self) -> &Origin {
        match self {
            Self::Head(seen) | Self::Receipt { seen, .. } => seen.origin(),
            Self::Adverse { event, .. } => event.origin(),
        }
    }

    /// What it is the same by when it is handed in again.
    fn key(&self) -> Key {
        match self {
            // Cosignatures come and go; the head is what the log signed.
            Self::Head(seen) => Key::of("head", seen.note().text().as_bytes()),
            Self::Receipt { receipt, leaf, .. } => {
                Key::of("receipt", format!("{leaf}\n{receipt}").as_bytes())
            }
            Self::Adverse { event, .. } => Key::of("adverse", event.id().as_bytes()),
        }
    }

    fn head(&self) -> Option<&SignedCheckpoint> {
        match self {
            Self::Head(seen) | Self::Receipt { seen, .. } => Some(seen),
            Self::Adverse { .. } => None,
        }
    }
}

/// Names one promise.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key([u8; 32]);

impl Key {
    fn of(kind: &str, bytes: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update(kind)
            .chain_update([0])
            .chain_update(bytes);
        Self(digest.finalize().into())
    }

    /// The name of its file.
    pub(crate) fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

/// The promises that are open.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    open: BTreeMap<Key, Promise>,
    /// Adverse events that the state function would still take after their time.
    late: BTreeSet<Key>,
}

impl Promises {
    /// Opens one; none if it is open already.
    ///
    /// # Errors
    /// [`Full`].
    pub(crate) fn add(&mut self, promise: Promise) -> Result<Option<Key>, Full> {
        let key = promise.key();
        if self.open.contains_key(&key) {
            return Ok(None);
        }
        // Heads are cheap to hand in: they leave room for what somebody depends on.
        let is_head = |promise: &Promise| matches!(promise, Promise::Head(_));
        let heads = self.open.values().filter(|known| is_head(known)).count();
        if self.open.len() >= MAX_OPEN || (is_head(&promise) && heads >= MAX_HEADS) {
            return Err(Full);
        }
        self.open.insert(key, promise);
        Ok(Some(key))
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Since when an adverse event is watched, if it is.
    pub(crate) fn adverse(&self, id: EventId) -> Option<Time> {
        self.open.values().find_map(|promise| match promise {
            Promise::Adverse { event, since } if event.id() == id => Some(*since),
            Promise::Adverse { .. } | Promise::Head(_) | Promise::Receipt { .. } => None,
        })
    }

    /// The adverse events whose time is over at a log that stands so, and that nobody called late yet.
    pub(crate) fn to_call_late(&self, log: &Standing, max_age: Duration) -> Vec<Event> {
        let open = self.open.iter().filter(|(key, _)| !self.late.contains(key));
        let over = open.filter_map(|(_, promise)| match promise {
            Promise::Adverse { event, since } if event.origin() == log.origin() => {
                is_late(*since, log, max_age).then(|| event.as_ref().clone())
            }
            Promise::Adverse { .. } | Promise::Head(_) | Promise::Receipt { .. } => None,
        });
        over.collect()
    }

    /// Takes in what the state function says of a late event now; closes one that an honest log refuses by now.
    pub(crate) fn call_late(&mut self, id: EventId, said: &Result<(), Refusal>) -> Vec<Key> {
        let key = Key::of("adverse", id.as_bytes());
        if !self.open.contains_key(&key) {
            return Vec::new();
        }
        match said {
            Ok(()) => {
                self.late.insert(key);
                Vec::new()
            }
            Err(_) => self.close(|known, _| *known == key),
        }
    }

    /// Takes in an event that is in its log; the promises that are kept by it.
    pub(crate) fn logged(&mut self, id: EventId) -> Vec<Key> {
        let is_kept = |promise: &Promise| match promise {
            Promise::Adverse { event, .. } => event.id() == id,
            Promise::Head(_) | Promise::Receipt { .. } => false,
        };
        self.close(|_, promise| is_kept(promise))
    }

    /// The heads of a log that can be held against ours, now that ours is so large.
    pub(crate) fn due(&self, origin: &Origin, ours: TreeSize) -> Vec<(Key, SignedCheckpoint)> {
        let heads = self.open.iter().filter_map(|(key, promise)| {
            let seen = promise.head()?;
            let is_due = seen.origin() == origin && seen.head().size() <= ours;
            is_due.then(|| (*key, seen.clone()))
        });
        heads.collect()
    }

    /// Closes one: it was kept, or proves a fork.
    pub(crate) fn decided(&mut self, key: Key) {
        self.close(|known, _| *known == key);
    }

    /// What is to be told of a log that stands so: promises whose time is over, at each poll again under the same id.
    ///
    /// A log whose newest quorum is older than `max_age` is stale, and then no copy that lags is waited for.
    pub(crate) fn overdue(&self, log: &Standing, max_age: Duration, now: Time) -> Vec<Alert> {
        // What we cannot see, nobody failed to show.
        let (None, Some(witnessed)) = (log.blind(), log.witnessed()) else {
            return Vec::new();
        };
        let size = witnessed.head().size();
        let of_log = |promise: &&Promise| promise.origin() == log.origin();
        let alert = |promise: &Promise| match promise {
            Promise::Receipt {
                receipt,
                leaf,
                seen,
                deadline,
            } if is_over(*deadline, log, max_age) && seen.head().size() > size => {
                let origin = log.origin();
                Some(Alert::deadline_passed(
                    origin, receipt, *leaf, *deadline, now,
                ))
            }
            Promise::Adverse { event, since } if is_late(*since, log, max_age) => {
                Some(Alert::not_logged(event, *since, now))
            }
            Promise::Head(_) | Promise::Receipt { .. } | Promise::Adverse { .. } => None,
        };
        self.open
            .values()
            .filter(of_log)
            .filter_map(alert)
            .collect()
    }

    /// The adverse events that are as old as nobody waits for them any more.
    pub(crate) fn expired(&mut self, now: Time) -> Vec<Key> {
        self.close(|_, promise| match promise {
            Promise::Adverse { since, .. } => now.seconds_since(*since) > MAX_ADVERSE_SECONDS,
            Promise::Head(_) | Promise::Receipt { .. } => false,
        })
    }

    fn close(&mut self, closes: impl Fn(&Key, &Promise) -> bool) -> Vec<Key> {
        let closed: Vec<Key> = self
            .open
            .iter()
            .filter(|(key, promise)| closes(key, promise))
            .map(|(key, _)| *key)
            .collect();
        self.open.retain(|key, _| !closed.contains(key));
        self.late.retain(|key| !closed.contains(key));
        closed
    }
}

/// Whether a deadline has passed without what was to be shown by it: the log was asked later, and shows what witnesses saw
/// later, or nothing new for long.
fn is_over(deadline: Time, log: &Standing, max_age: Duration) -> bool {
    let stale = deadline.plus_seconds(max_age.as_secs());
    let spoke = log.as_of().is_some_and(|as_of| as_of > deadline);
    let is_after = |time: Time| log.polled().is_some_and(|polled| polled > time);
    // A clock that runs ahead makes no log silent.
    is_after(deadline) && (spoke || (log.is_stale() && is_after(stale)))
}

/// Whether an adverse event that waits since then should be among the entries that are verified.
fn is_late(since: Time, log: &Standing, max_age: Duration) -> bool {
    let witnessed = log.witnessed().map(|head| head.head().size());
    let is_caught_up = witnessed.is_some_and(|size| log.verified() >= size);
    is_caught_up && is_over(since.plus_seconds(ADVERSE_SECONDS), log, max_age)
}

/// As many promises are open as can be.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("as many promises of this sort are open as can be")]
pub struct Full;

/// Receipts of a busy day on which no witness answers, and 40 MB.
const MAX_OPEN: usize = 4_096;
/// As many batches as a log makes in a quarter of an hour.
const MAX_HEADS: usize = 1_024;
/// As long as a receipt grants a log.
const ADVERSE_SECONDS: u64 = 60;
/// A month: then everybody who was to know knows.
const MAX_ADVERSE_SECONDS: u64 = 31 * 24 * 3_600;

#[cfg(test)]
pub(crate) mod tests;
