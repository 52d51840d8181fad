//! Where one channel stands: what it was given, what it is tried with next, and when.
//!
//! ```text
//! next         number of the first alert it was not given
//! failures     how often it failed in a row; then it is asked after 5 s · 30 s · 2 min · 10 min · 30 min · 1 h · 1 h …
//! down         since when it fails in a row
//! aside        alerts it would not take while it took others, each with tries of its own, given up after five days
//!              in which the channel worked
//! gone         since when it wants no more
//! ```
//! Message in, actions out: no file, socket or clock. The journal of alerts is the truth; a queue is lost without loss,
//! for then everything is sent again under the same ids.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The state of one channel.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    next: u64,
    tries: u32,
    failures: u32,
    due_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    down_ms: Option<u64>,
    aside: Vec<Aside>,
    given_up: u64,
    gone_ms: Option<u64>,
}

/// An alert that others have overtaken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Aside {
    number: u64,
    tries: u32,
    since_ms: u64,
    due_ms: u64,
}

/// What to do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Give it the alert with this number.
    Try(u64),
    /// Nothing before this time has passed, or a new alert came.
    Wait(Duration),
    /// Nothing before a new alert comes.
    Rest,
    /// Nothing ever: the receiver wants no more.
    Gone,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// The channel does not work now; perhaps it says when it will.
    Down {
        /// The least time to wait.
        after: Option<Duration>,
    },
    /// The channel works, and would not have this alert.
    Refused,
    /// The receiver wants no more.
    Gone,
}

/// What people should be told of a try.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// The channel stopped working.
    Down,
    /// It works again.
    Back,
    /// This alert has to wait while others go on.
    SetAside(u64),
    /// This alert was tried for days and is not tried again.
    GaveUp(u64),
    /// The receiver wants no more.
    Gone,
}

impl Queue {
    /// A channel that gets all alerts from this number on.
    #[must_use]
    pub fn from(next: u64) -> Self {
        Self {
            next,
            tries: 0,
            failures: 0,
            due_ms: 0,
            down_ms: None,
            aside: Vec::new(),
            given_up: 0,
            gone_ms: None,
        }
    }

    /// The same place, with all that was failing tried at once: the receiver is another one now.
    #[must_use]
    pub fn for_another(mut self) -> Self {
        for aside in &mut self.aside {
            // What the other one would not take says nothing of this one.
            (aside.due_ms, aside.tries) = (0, 0);
        }
        Self {
            tries: 0,
            failures: 0,
            due_ms: 0,
            down_ms: None,
            gone_ms: None,
            ..self
        }
    }

    /// Number of the first alert it was not given.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How often it failed in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// How many alerts wait while others go on.
    #[must_use]
    pub fn aside(&self) -> usize {
        self.aside.len()
    }

    /// How many alerts it was tried with for days, in vain.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Whether the receiver said that it wants no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone_ms.is_some()
    }

    /// What to do now, where `end` is one more than the number of the newest alert.
    #[must_use]
    pub fn step(&self, now_ms: u64, end: u64) -> Step {
        if self.is_gone() {
            return Step::Gone;
        }
        let mut due = u64::MAX;
        if self.next < end {
            due = self.due_ms;
            if is_due(due, now_ms) {
                return Step::Try(self.next);
            }
        }
        // A channel that is down is asked with one alert and not with each that waits.
        if self.failures == 0 || self.next >= end {
            for aside in &self.aside {
                if is_due(aside.due_ms, now_ms) {
                    return Step::Try(aside.number);
                }
                due = due.min(aside.due_ms);
            }
        }
        match due {
            u64::MAX => Step::Rest,
            due => Step::Wait(Duration::from_millis(due - now_ms)),
        }
    }

    /// Takes in how the try with alert `number` ended; `jitter` is a fresh random number.
    ///
    /// A number that was not to be tried changes nothing.
    pub fn ended(&mut self, number: u64, outcome: Outcome, now_ms: u64, jitter: u64) -> Vec<Told> {
        let aside = self.aside.iter().position(|aside| aside.number == number);
        match (outcome, aside) {
            _ if aside.is_none() && number != self.next => Vec::new(),
            (Outcome::Gone, _) => {
                self.gone_ms = Some(now_ms);
                vec![Told::Gone]
            }
            (Outcome::Delivered, aside) => {
                match aside {
                    Some(at) => drop(self.aside.remove(at)),
                    None => self.pass(),
                }
                self.works(now_ms)
            }
            (Outcome::Refused, Some(at)) => {
                let mut told = self.works(now_ms);
                told.extend(self.failed_again(at, outcome, now_ms, jitter));
                told
            }
            (outcome, Some(at)) => self.failed_again(at, outcome, now_ms, jitter),
            (Outcome::Refused, None) if self.aside.len() < MAX_ASIDE => {
                let mut told = self.works(now_ms);
                self.set_aside(now_ms, jitter);
                told.push(Told::SetAside(number));
                told
            }
            (outcome, None) => self.failed(outcome, now_ms, jitter),
        }
    }

    /// The channel answers; whatever waited for that is due.
    fn works(&mut self, now_ms: u64) -> Vec<Told> {
        if self.failures == 0 {
            return Vec::new();
        }
        let down_ms = self.down_ms.take().unwrap_or(now_ms);
        (self.failures, self.due_ms) = (0, 0);
        for aside in &mut self.aside {
            // The days in which the channel took nothing are held against no alert.
            let lost_ms = now_ms.saturating_sub(down_ms.max(aside.since_ms));
            aside.since_ms = aside.since_ms.saturating_add(lost_ms);
            aside.due_ms = 0;
        }
        vec![Told::Back]
    }

    fn failed(&mut self, outcome: Outcome, now_ms: u64, jitter: u64) -> Vec<Told> {
        self.failures = self.failures.saturating_add(1);
        self.tries = self.tries.saturating_add(1);
        self.due_ms = due_after(self.failures, outcome, now_ms, jitter);
        let mut told = Vec::new();
        if self.failures == 1 {
            self.down_ms = Some(now_ms);
            told.push(Told::Down);
        }
        // Perhaps it is this alert that the receiver falls over.
        if self.tries >= TRIES_IN_FRONT && self.aside.len() < MAX_ASIDE {
            told.push(Told::SetAside(self.next));
            self.set_aside(now_ms, jitter);
        }
        told
    }

    /// One that waits failed again; it says nothing of the channel, which may work for the others.
    fn failed_again(&mut self, at: usize, outcome: Outcome, now_ms: u64, jitter: u64) -> Vec<Told> {
        let is_down = self.failures > 0;
        let aside = &mut self.aside[at];
        aside.tries = aside.tries.saturating_add(1);
        aside.due_ms = due_after(aside.tries, outcome, now_ms, jitter);
        // Tries too: a clock that steps ahead by a year gives nothing up.
        let days = now_ms.saturating_sub(aside.since_ms) >= GIVE_UP_MS;
        if is_down || !days || aside.tries < TRIES_AT_LEAST {
            return Vec::new();
        }
        self.given_up = self.given_up.saturating_add(1);
        vec![Told::GaveUp(self.aside.remove(at).number)]
    }

    fn set_aside(&mut self, now_ms: u64, jitter: u64) {
        let tries = self.tries.max(1);
        self.aside.push(Aside {
            number: self.next,
            tries,
            since_ms: now_ms,
            due_ms: due_after(tries, Outcome::Refused, now_ms, jitter),
        });
        self.pass();
    }

    fn pass(&mut self) {
        self.next = self.next.saturating_add(1);
        self.tries = 0;
    }
}

/// A time further off than any pause was set before the clock stepped back.
fn is_due(due_ms: u64, now_ms: u64) -> bool {
    due_ms <= now_ms || due_ms - now_ms > MAX_PAUSE_MS * 5 / 4 + 1
}

fn due_after(failures: u32, outcome: Outcome, now_ms: u64, jitter: u64) -> u64 {
    let nth = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let own = PAUSES_MS[nth.min(PAUSES_MS.len() - 1)];
    // A quarter shorter or longer, so that a thousand monitors do not come back at once.
    let own = own * (75 + jitter % 51) / 100;
    let asked = match outcome {
        Outcome::Down { after: Some(after) } => {
            u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
        }
        _ => 0,
    };
    now_ms.saturating_add(own.max(asked.min(MAX_PAUSE_MS)))
}

/// A restart of the receiver is over in seconds, an update in minutes; past an hour nobody minds an hour more.
const PAUSES_MS: [u64; 6] = [5_000, 30_000, 120_000, 600_000, 1_800_000, MAX_PAUSE_MS];
const MAX_PAUSE_MS: u64 = 3_600_000;

/// Three quarters of an hour: by then a receiver that is merely down is as likely to be down for the next alert.
const TRIES_IN_FRONT: u32 = 6;

/// A long weekend, and a day to mend what is broken; by then the alert has been in the journal and the feeds for days.
const GIVE_UP_MS: u64 = 5 * 24 * 3_600_000;
const TRIES_AT_LEAST: u32 = 48;

/// Of these each hour brings as many tries; a receiver that refuses so many has another fault than its alerts.
const MAX_ASIDE: usize = 64;

#[cfg(test)]
mod tests;
