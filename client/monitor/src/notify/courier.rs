//! One channel at work: asks its queue what to do, does it, and keeps how it ended.
//!
//! ```text
//! turn:  queue says ─▶ try n ─▶ read n from the journal ─▶ send ─▶ queue hears ─▶ file, now and then
//! ```
//! The file is behind by at most [`UNSAVED`] deliveries: after a crash those go out again, under the same ids.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use labelproof_host::{
    clock::Clock,
    fs::{Fs, FsError},
    logging::causes,
};
use tracing::{error, info, warn};

use crate::chance::random;

use super::{
    Alerts, Channel, Outcome, Standing,
    queue::{Queue, Step, Told},
    standing::{FIRST, Kept},
};

/// What a courier stands on.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) alerts: Arc<dyn Alerts>,
    pub(super) fs: Arc<dyn Fs>,
    pub(super) clock: Arc<dyn Clock>,
}

/// When the next turn is due.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// At once.
    Again,
    /// After this time, or when an alert comes.
    Wait(Duration),
    /// When an alert comes.
    Rest,
    /// Never.
    Over,
}

/// A channel with its queue and its file.
#[derive(Debug)]
pub(super) struct Courier {
    channel: Channel,
    label: String,
    queue: Queue,
    kept: Kept,
    ground: Ground,
    standing: Arc<Mutex<Standing>>,
    unsaved: u32,
    /// Whether people were told that the file cannot be written.
    disk_told: bool,
}

impl Courier {
    /// Goes on where the file of the channel says; a channel without one begins at `fresh`.
    pub(super) fn open(
        channel: Channel,
        dir: &std::path::Path,
        fresh: u64,
        ground: Ground,
    ) -> Result<Self, FsError> {
        let label = channel.label();
        let kept = Kept::new(dir, &label, &channel.target());
        let opened = kept.open(&*ground.fs, fresh)?;
        if let Some(why) = opened.corrupt {
            error!(
                channel = label,
                why, "the file of the channel is corrupt; sending every alert again"
            );
        }
        let standing = Standing {
            channel: label.clone(),
            queue: opened.queue.clone(),
            end: ground.alerts.end(),
            delivered: 0,
        };
        let mut courier = Self {
            channel,
            label,
            queue: opened.queue,
            kept,
            ground,
            standing: Arc::new(Mutex::new(standing)),
            unsaved: 1,
            disk_told: false,
        };
        // Where a new channel begins must hold after a crash too.
        courier.save();
        Ok(courier)
    }

    pub(super) fn standing(&self) -> Arc<Mutex<Standing>> {
        Arc::clone(&self.standing)
    }

    /// Does what is due, at most one try.
    pub(super) fn turn(&mut self) -> Turn {
        let (now, end) = (self.ground.clock.unix_ms(), self.ground.alerts.end());
        if self.queue.next() > end {
            warn!(
                channel = self.label,
                "the journal is shorter than what was sent; sending what it holds"
            );
            self.queue = Queue::from(FIRST);
            self.unsaved = UNSAVED;
        }
        let turn = match self.queue.step(now, end) {
            Step::Try(number) => self.attempt(number, now),
            Step::Wait(time) => Turn::Wait(time),
            Step::Rest => Turn::Rest,
            Step::Gone => Turn::Over,
        };
        if self.unsaved >= UNSAVED || (self.unsaved > 0 && turn != Turn::Again) {
            self.save();
        }
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.queue.clone_from(&self.queue);
        standing.end = end;
        turn
    }

    fn attempt(&mut self, number: u64, now_ms: u64) -> Turn {
        let alert = match self.ground.alerts.read(number) {
            Ok(alert) => alert,
            Err(error) => {
                warn!(channel = self.label, number, %error, "cannot read the journal");
                return Turn::Wait(OWN_PAUSE);
            }
        };
        let sent = match &alert {
            Some(alert) => self.channel.send(alert),
            // A gap in the numbers: nothing to send.
            None => Ok(()),
        };
        let outcome = match &sent {
            Ok(()) => Outcome::Delivered,
            Err(failure) => failure.outcome(),
        };
        let told = self.queue.ended(number, outcome, now_ms, random());
        self.unsaved += 1;
        match &sent {
            Ok(()) => {
                let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
                standing.delivered += u64::from(alert.is_some());
            }
            Err(failure) => {
                // A failure is kept at once: how often it failed must outlive a crash.
                self.unsaved = UNSAVED;
                warn!(
                    channel = self.label,
                    number,
                    why = causes(failure),
                    "not delivered"
                );
            }
        }
        self.tell(&told);
        Turn::Again
    }

    fn tell(&self, told: &[Told]) {
        let channel = &self.label;
        for told in told {
            match told {
                Told::Down => warn!(channel, "the channel is down; its alerts wait"),
                Told::Back => info!(channel, "the channel works again"),
                Told::SetAside(number) => {
                    warn!(channel, number, "this alert waits while others go on");
                }
                Told::GaveUp(number) => {
                    error!(
                        channel,
                        number,
                        "this alert was tried for days and is not sent; it stays in the journal"
                    );
                }
                Told::Gone => {
                    error!(
                        channel,
                        "the receiver wants no more alerts (410): unsubscribed; change its URL to go on"
                    );
                }
            }
        }
    }

    /// Keeps the queue; a disk that takes nothing holds up no alert.
    fn save(&mut self) {
        match self.kept.save(&*self.ground.fs, &self.queue) {
            Ok(()) => {
                if self.disk_told {
                    info!(
                        channel = self.label,
                        "the file of the channel can be written again"
                    );
                }
                (self.unsaved, self.disk_told) = (0, false);
            }
            Err(error) => {
                if !self.disk_told {
                    let why = causes(&error);
                    warn!(
                        channel = self.label,
                        why, "cannot keep what was sent; after a restart it is sent again"
                    );
                }
                // Due again after as many deliveries, and at the next pause.
                (self.unsaved, self.disk_told) = (1, true);
            }
        }
    }
}

/// With a sync of 5 ms a catch-up of 10,000 alerts is written in a second.
const UNSAVED: u32 = 64;

/// Our own disk is at fault, and every channel waits for it.
const OWN_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
