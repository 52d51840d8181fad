//! How far the log is: what callers who wait for their event look at.
//!
//! ```text
//! admitted ──▶ acknowledged: durable and signed ──▶ published: witnessed
//! ```
//! An event's index is known when it is admitted, so waiting means comparing it with two sizes. A
//! store that failed starts a new epoch; what was not in the log at its start has failed.

mod course;
mod waiters;

use labelproof_core::merkle::{LeafIndex, TreeSize};

pub(crate) use self::course::Course;
use self::waiters::Waiters;

/// Counts the times the store was loaded.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Epoch(u64);

impl Epoch {
    fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// How far the log is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    epoch: Epoch,
    /// The size found when this epoch's store was loaded; until then that is not known.
    base: Option<TreeSize>,
    acknowledged: TreeSize,
    published: TreeSize,
    ending: bool,
}

/// Where an admitted event stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Not durable yet.
    Waiting,
    /// Durable and signed, not witnessed yet.
    Acknowledged,
    /// Under a witnessed checkpoint.
    Published,
    /// The store failed; the event may be in the log or not.
    Failed,
}

impl Progress {
    pub(crate) fn start() -> Self {
        Self {
            epoch: Epoch::default(),
            base: None,
            acknowledged: TreeSize::EMPTY,
            published: TreeSize::EMPTY,
            ending: false,
        }
    }

    /// Where an event stands that was admitted at `index` in `epoch`.
    #[must_use]
    pub fn standing(&self, index: LeafIndex, epoch: Epoch) -> Standing {
        let failed = if self.epoch == epoch {
            false
        } else if self.epoch == epoch.next() {
            match self.base {
                // Whether a batch that was reserved holds it is known once the store is loaded.
                None => return Standing::Waiting,
                Some(base) => !base.contains(index),
            }
        } else {
            true
        };
        if failed {
            Standing::Failed
        } else if self.published.contains(index) {
            Standing::Published
        } else if self.acknowledged.contains(index) {
            Standing::Acknowledged
        } else {
            Standing::Waiting
        }
    }

    /// The current epoch.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The size of the log as far as anyone was told.
    #[must_use]
    pub fn acknowledged(&self) -> TreeSize {
        self.acknowledged
    }

    /// The size of the newest witnessed checkpoint.
    #[must_use]
    pub fn published(&self) -> TreeSize {
        self.published
    }

    /// Whether the process ends, so that nobody should wait for witnesses any more.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending
    }

    pub(crate) fn end(&mut self) {
        self.ending = true;
    }

    pub(crate) fn fail(&mut self) {
        self.epoch = self.epoch.next();
        self.base = None;
    }

    pub(crate) fn load(&mut self, size: TreeSize) {
        self.base = Some(size);
        self.acknowledged = size;
    }

    pub(crate) fn acknowledge(&mut self, size: TreeSize) {
        self.acknowledged = size;
    }

    pub(crate) fn publish(&mut self, size: TreeSize) {
        self.published = self.published.max(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(index: u64) -> LeafIndex {
        LeafIndex::new(index)
    }

    #[test]
    fn an_event_waits_is_acknowledged_and_is_published() {
        let mut progress = Progress::start();
        progress.load(TreeSize::new(2));
        let epoch = progress.epoch();
        assert_eq!(progress.standing(index(2), epoch), Standing::Waiting);
        progress.acknowledge(TreeSize::new(4));
        assert_eq!(progress.standing(index(2), epoch), Standing::Acknowledged);
        progress.publish(TreeSize::new(4));
        assert_eq!(progress.standing(index(2), epoch), Standing::Published);
        assert_eq!(progress.standing(index(4), epoch), Standing::Waiting);
    }

    #[test]
    fn a_failed_store_fails_what_it_does_not_hold_and_nothing_else() {
        let mut progress = Progress::start();
        progress.load(TreeSize::new(2));
        let epoch = progress.epoch();
        progress.fail();
        assert_eq!(
            progress.standing(index(2), epoch),
            Standing::Waiting,
            "not known yet"
        );
        progress.load(TreeSize::new(4));
        assert_eq!(
            progress.standing(index(2), epoch),
            Standing::Acknowledged,
            "it was reserved"
        );
        assert_eq!(progress.standing(index(4), epoch), Standing::Failed);
        progress.acknowledge(TreeSize::new(9));
        assert_eq!(
            progress.standing(index(4), epoch),
            Standing::Failed,
            "another event has its index"
        );
        progress.fail();
        progress.load(TreeSize::new(9));
        assert_eq!(
            progress.standing(index(2), epoch),
            Standing::Failed,
            "two failures ago nobody remembers"
        );
    }
}
