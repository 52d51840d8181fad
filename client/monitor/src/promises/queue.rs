//! Adverse events that were handed in, until the follower of their log has said what they are.
//!
//! ```text
//! handed in ─▶ waits ─follower, at its next poll─▶ watched · refused · no room ─▶ all who handed it in
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
    said: Option<Said>,
    /// How many wait for what is said.
    askers: usize,
}

/// What is said of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Said {
    /// It is watched.
    Watched,
    /// The state function would not take it.
    Refused(Refusal),
    /// It would be watched, and there is no room.
    NoRoom(Full),
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
    ) -> Result<Option<Said>, Full> {
        let id = event.id();
        let mut waiting = self.lock();
        waiting.retain(|_, known| {
            known.askers > 0 || now.seconds_since(known.since) <= MAX_WAIT_SECONDS
        });
        if !waiting.contains_key(&id) && waiting.len() >= MAX_WAITING {
            return Err(Full);
        }
        let known = waiting.entry(id).or_insert(Waiting {
            event,
            since: now,
            said: None,
            askers: 0,
        });
        known.askers += 1;
        let silent = |waiting: &mut BTreeMap<EventId, Waiting>| {
            waiting.get(&id).is_some_and(|known| known.said.is_none())
        };
        let (mut waiting, _) = self
            .spoken
            .wait_timeout_while(waiting, patience, silent)
            .unwrap_or_else(PoisonError::into_inner);
        let Some(known) = waiting.get_mut(&id) else {
            return Ok(None);
        };
        known.askers -= 1;
        let (said, is_last) = (known.said.clone(), known.askers == 0);
        // The last who hears it takes it along: who asks later is told what holds then.
        if said.is_some() && is_last {
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
    pub(super) fn say(&self, id: EventId, said: Said) {
        let mut waiting = self.lock();
        match waiting.get_mut(&id) {
            // Nobody waits, and who asks again finds it among what is watched.
            Some(known) if known.askers == 0 && said == Said::Watched => drop(waiting.remove(&id)),
            Some(known) => known.said = Some(said),
            None => {}
        }
        drop(waiting);
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

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::samples;

    #[test]
    fn all_who_ask_hear_what_is_said() {
        let queue = Queue::default();
        let event = samples::revoke(1);
        let said = Said::Refused(Refusal::UnknownAuthority);
        thread::scope(|scope| {
            let ask = || queue.ask(event.clone(), samples::at(0), Duration::from_secs(60));
            let askers = [scope.spawn(ask), scope.spawn(ask)];
            let waiting = || queue.lock().get(&event.id()).map(|known| known.askers);
            while waiting() != Some(2) {
                thread::yield_now();
            }
            queue.say(event.id(), said.clone());
            for asker in askers {
                assert_eq!(asker.join().unwrap(), Ok(Some(said.clone())));
            }
        });
        // Who comes later is told what holds then.
        let later = queue.ask(event, samples::at(1), Duration::ZERO);
        assert_eq!(later, Ok(None));
    }

    #[test]
    fn what_is_watched_takes_no_place() {
        let queue = Queue::default();
        for number in 0..=64 {
            let event = samples::revoke(number);
            let id = event.id();
            assert_eq!(queue.ask(event, samples::at(0), Duration::ZERO), Ok(None));
            queue.say(id, Said::Watched);
        }
    }
}
