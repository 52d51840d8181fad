//! Those who wait until an event stands somewhere, each woken once, when it does.
//!
//! ```text
//! acknowledged   index 17 ─▶ caller, index 18 ─▶ caller …     all below the size that is durable now
//! published      index 11 ─▶ caller …                         all below the size that is witnessed now
//! ```
//! Thousands wait for one batch while the next one fills: a channel to all would wake everybody for every step. Whoever
//! is woken looks at the [`Progress`] again; it says more than this.

use std::sync::{Mutex, MutexGuard, PoisonError};

use labelproof_core::merkle::{LeafIndex, TreeSize};
use tokio::sync::oneshot;

use super::{Progress, Standing};

/// Who waits for what.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    lines: Mutex<Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    acknowledged: Line,
    published: Line,
}

#[derive(Debug, Default)]
struct Line {
    waiting: Vec<(LeafIndex, oneshot::Sender<()>)>,
    /// At this length those who went away are taken out.
    sweep_at: usize,
}

impl Waiters {
    /// Waits until the event at `index` stands at `goal`, or something else happened that its caller must know.
    pub(super) fn wait(&self, goal: Standing, index: LeafIndex) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut lines = self.lines();
        let line = match goal {
            Standing::Waiting | Standing::Acknowledged => &mut lines.acknowledged,
            Standing::Published | Standing::Failed => &mut lines.published,
        };
        if line.waiting.len() >= line.sweep_at {
            line.waiting.retain(|(_, wake)| !wake.is_closed());
            line.sweep_at = MIN_SWEEP.max(line.waiting.len() * 2);
        }
        line.waiting.push((index, wake));
        woken
    }

    /// Wakes those whose event stands where they want it, or as far as it gets in a log that ends.
    pub(super) fn wake(&self, now: Progress) {
        let enough = match now.is_ending() {
            true => now.acknowledged(),
            false => now.published(),
        };
        let mut lines = self.lines();
        let durable = lines.acknowledged.take_below(now.acknowledged());
        let witnessed = lines.published.take_below(enough);
        drop(lines);
        Line::wake(durable.into_iter().chain(witnessed));
    }

    /// Wakes everybody: the store failed or was loaded, or the process ends.
    pub(super) fn wake_all(&self) {
        let lines = std::mem::take(&mut *self.lines());
        Line::wake(
            lines
                .acknowledged
                .waiting
                .into_iter()
                .chain(lines.published.waiting),
        );
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Each change leaves lines that are whole.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    fn take_below(&mut self, size: TreeSize) -> Vec<(LeafIndex, oneshot::Sender<()>)> {
        let is_reached = |(index, _): &mut (LeafIndex, _)| size.contains(*index);
        self.waiting.extract_if(.., is_reached).collect()
    }

    fn wake(all: impl Iterator<Item = (LeafIndex, oneshot::Sender<()>)>) {
        for (_, wake) in all {
            // Who went away does not mind.
            let _ = wake.send(());
        }
    }
}

/// Fewer are not worth a sweep; of more, half have gone when it is done.
const MIN_SWEEP: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(acknowledged: u64, published: u64) -> Progress {
        let mut progress = Progress::start();
        progress.acknowledge(TreeSize::new(acknowledged));
        progress.publish(TreeSize::new(published));
        progress
    }

    #[test]
    fn each_is_woken_when_its_event_stands_where_it_wants_it_and_not_before() {
        let waiters = Waiters::default();
        let [mut first, mut second] =
            [3, 4].map(|index| waiters.wait(Standing::Acknowledged, LeafIndex::new(index)));
        let mut witnessed = waiters.wait(Standing::Published, LeafIndex::new(3));
        waiters.wake(at(4, 3));
        assert_eq!(first.try_recv(), Ok(()));
        assert!(second.try_recv().is_err() && witnessed.try_recv().is_err());
        waiters.wake(at(4, 4));
        assert_eq!(witnessed.try_recv(), Ok(()));
        waiters.wake_all();
        assert_eq!(second.try_recv(), Ok(()));
    }

    #[test]
    fn a_log_that_ends_wakes_those_whose_event_is_durable() {
        let waiters = Waiters::default();
        let mut now = at(4, 3);
        now.end();
        let [mut durable, mut waits] =
            [3, 4].map(|index| waiters.wait(Standing::Published, LeafIndex::new(index)));
        waiters.wake(now);
        assert_eq!(durable.try_recv(), Ok(()));
        assert!(waits.try_recv().is_err());
    }

    #[test]
    fn those_who_went_away_take_no_room() {
        let waiters = Waiters::default();
        let stays = waiters.wait(Standing::Published, LeafIndex::new(0));
        for _ in 0..4 * MIN_SWEEP {
            drop(waiters.wait(Standing::Published, LeafIndex::new(0)));
        }
        assert!(waiters.lines().published.waiting.len() <= MIN_SWEEP);
        assert!(!stays.is_terminated());
    }
}
