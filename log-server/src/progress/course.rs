//! The course of the log: its progress, and whoever waits for it to move.

use labelproof_core::merkle::LeafIndex;
use tokio::sync::{oneshot, watch};

use super::{Progress, Standing, Waiters};

/// How far the log is, shared by those who move it on and those who wait.
#[derive(Debug)]
pub(crate) struct Course {
    progress: watch::Sender<Progress>,
    waiters: Waiters,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            progress: watch::channel(Progress::start()).0,
            waiters: Waiters::default(),
        }
    }
}

impl Course {
    /// How far it is now.
    pub(crate) fn now(&self) -> Progress {
        *self.progress.borrow()
    }

    /// Follows every step.
    pub(crate) fn follow(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Waits until the event at `index` stands at `goal`, or there was a turn.
    pub(crate) fn wait(&self, goal: Standing, index: LeafIndex) -> oneshot::Receiver<()> {
        self.waiters.wait(goal, index)
    }

    /// More is acknowledged or published: those are woken whom it concerns.
    pub(crate) fn advance(&self, step: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(step);
        self.waiters.wake(self.now());
    }

    /// The store failed or was loaded, or the process ends: it concerns everybody.
    pub(crate) fn turn(&self, step: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(step);
        self.waiters.wake_all();
    }
}
