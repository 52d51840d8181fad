//! What is true in a tick, and so what a monitor may tell.

use labelproof_core::time::Time;
use labelproof_monitor::alert::{Alert, Rule};

use super::log::{Published, Sight};
use super::source::Tiles;
use super::station::MAX_AGE_S;

/// What is known of the world, by who sees all of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    /// The largest head with a quorum that this monitor was shown.
    largest: u64,
    /// The newest time of a quorum that it could take and keep.
    newest: Option<Time>,
    /// The newest that its process was shown.
    glimpsed: Option<Time>,
    /// What was promised by receipts that were handed in.
    promised: Vec<Due>,
    /// What was handed in to be logged.
    awaited: Vec<Due>,
    /// The own clock was set, and nothing fresh was seen since.
    pub(super) clock: bool,
    /// The own disk failed, and nothing was seen in full since.
    pub(super) disk: bool,
}

/// Something that is due.
#[derive(Clone, Copy, Debug)]
struct Due {
    /// How large the log is with it; nothing is as large as what it never takes.
    size: u64,
    deadline: Time,
    /// A quorum vouched for less after the deadline. Whatever the reason, a fork or an old head cosigned anew as well,
    /// the history that was shown then lacks what was due.
    is_missed: bool,
}

impl Due {
    fn new(size: u64, deadline: Time) -> Self {
        Self {
            size,
            deadline,
            is_missed: false,
        }
    }
}

impl Truth {
    /// The monitor begins anew, and knows nothing.
    pub(super) fn forget(&mut self) {
        (self.largest, self.newest, self.glimpsed) = (0, None, None);
        self.promised.clear();
        self.awaited.clear();
    }

    pub(super) fn promise(&mut self, size: u64, deadline: Time) {
        self.promised.push(Due::new(size, deadline));
    }

    pub(super) fn wait_for(&mut self, size: u64, deadline: Time) {
        self.awaited.push(Due::new(size, deadline));
    }

    /// The source shows this, whether or not somebody looks.
    pub(super) fn shown(&mut self, shown: &Published) {
        for due in self.promised.iter_mut().chain(&mut self.awaited) {
            let is_after = shown.has_quorum() && shown.time > due.deadline;
            due.is_missed |= is_after && shown.size() < due.size;
        }
    }

    /// The monitor's process begins anew, and knows what is on its disk.
    pub(super) fn start(&mut self) {
        self.glimpsed = None;
    }

    /// A poll showed this.
    pub(super) fn seen(&mut self, shown: &Published) {
        if shown.has_quorum() {
            self.largest = self.largest.max(shown.size());
            self.glimpsed = self.glimpsed.max(Some(shown.time));
        }
    }

    /// A poll showed this, and nothing stood in the way of keeping it.
    pub(super) fn kept(&mut self, shown: &Published) {
        if shown.has_quorum() {
            self.newest = self.newest.max(Some(shown.time));
        }
    }

    /// Whether this may be told at a poll that shows this; evidence is for the caller.
    pub(super) fn allows(&self, alert: &Alert, sight: &Sight, now: Time) -> bool {
        let shown = sight.shown;
        match alert.rule() {
            Rule::HeadWentBack => shown.is_some_and(|shown| shown.size() < self.largest),
            Rule::QuorumLost => shown.is_some_and(|shown| !shown.has_quorum()),
            Rule::Tile => sight.tiles != Tiles::Right,
            Rule::Stale => self.is_stale(shown, now),
            // What nobody saw for so long counts as late, though it be a copy that lags.
            Rule::DeadlinePassed | Rule::NotLogged if self.is_stale(shown, now) => true,
            Rule::DeadlinePassed => self.promised.iter().any(|due| due.is_missed),
            Rule::NotLogged => self.awaited.iter().any(|due| due.is_missed),
            Rule::Blind => {
                let title = alert.title();
                (title.contains("does not answer") && shown.is_none())
                    || (title.contains("own clock") && self.clock)
                    || (title.contains("nothing has shown") && self.is_stale(shown, now))
                    || (title.contains("own files") && self.disk)
                    || (title.contains("watch list") && self.disk)
            }
            Rule::SeesAgain => true,
            _ => false,
        }
    }

    fn is_stale(&self, shown: Option<Published>, now: Time) -> bool {
        let newest = shown.filter(Published::has_quorum).map(|shown| shown.time);
        let newest = self.newest.max(self.glimpsed).max(newest);
        let age = newest.map_or(0, |newest| now.seconds_since(newest));
        age + MAX_OFF_S > MAX_AGE_S
    }
}

/// By how much a clock may be off and still be believed.
const MAX_OFF_S: u64 = 300;
