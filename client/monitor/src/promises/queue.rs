//! Adverse events that were handed in, until the follower of their log has said what they are.
//!
//! ```text
//! handed in ─▶ waits ─follower, at its next poll─▶ the state function takes it · refuses it ─▶ whoever handed it in
//! ```
//! Who does not wait so long asks again, and finds what was said meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use labelproof_core::{
    checkpoint::Origin,
    event::{Event, EventId},
    refusal::Refusal,
    time::Time,
};

use super::Full;

/// The events that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<BTreeMap<EventId, Waiting>>,
    spoken: Condvar,
}

#[derive(Debug)]
struct Waiting {
    event: Event,
    since: Time,
    said: Option<Result<(), Refusal>>,
}

impl Queue {
    /// Waits until something is said of an event, and tells what; none if nothing was in this time.
    ///
    /// # Errors
    /// [`Full`].
    pub(super) fn ask(
        &self,
        event: Event,
        now: Time,
        patience: Duration,
    ) -> Result<Option<Result<(), Refusal>>, Full> {
        let id = event.id();
        let mut waiting = self.lock();
        waiting.retain(|_, known| now.seconds_since(known.since) <= MAX_WAIT_SECONDS);
        if !waiting.contains_key(&id) && waiting.len() >= MAX_WAITING {
            return Err(Full);
        }
        waiting.entry(id).or_insert(Waiting {
            event,
            since: now,
            said: None,
        });
        let silent = |waiting: &mut BTreeMap<EventId, Waiting>| {
            waiting.get(&id).is_some_and(|known| known.said.is_none())
        };
        let (mut waiting, _) = self
            .spoken
            .wait_timeout_while(waiting, patience, silent)
            .unwrap_or_else(PoisonError::into_inner);
        let said = waiting.get(&id).and_then(|known| known.said.clone());
        if said.is_some() {
            waiting.remove(&id);
        }
        Ok(said)
    }

    /// The events of a log of which nothing was said yet.
    pub(super) fn of(&self, origin: &Origin) -> Vec<Event> {
        let waiting = self.lock();
        let silent = waiting.values().filter(|known| known.said.is_none());
        let of_log = silent.filter(|known| known.event.origin() == origin);
        of_log.map(|known| known.event.clone()).collect()
    }

    /// Since when an event waits.
    pub(super) fn since(&self, id: EventId) -> Option<Time> {
        Some(self.lock().get(&id)?.since)
    }

    /// Says something of an event, to all who wait for it.
    pub(super) fn say(&self, id: EventId, said: Result<(), Refusal>) {
        if let Some(known) = self.lock().get_mut(&id) {
            known.said = Some(said);
        }
        self.spoken.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<EventId, Waiting>> {
        // Nothing in it is left half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More than a supervisor takes back in a poll, and a megabyte.
const MAX_WAITING: usize = 64;
/// The longest poll that can be configured.
const MAX_WAIT_SECONDS: u64 = 3_600;
