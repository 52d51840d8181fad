//! What goes wrong in these days and is nobody's lie, by seed.
//!
//! ```text
//! lasting   the monitor is down · no answer · a copy that lags · too few witnesses · nothing new ·
//!           tiles missing or wrong · the own clock off, either way · a full disk
//! moments   killed · stopped · power cut, error, short write, flipped bit at a call ·
//!           the copy of the log lost · everything lost
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::source::Tiles;

/// What lasts for some ticks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lasting {
    Down,
    Unreachable,
    /// The source is a copy, so many ticks behind.
    Lagging(u64),
    /// The log publishes what one witness cosigned.
    Few,
    /// The log publishes nothing new.
    Frozen,
    Tiles(Tiles),
    /// The own clock is ahead by so many seconds, or behind.
    Clock(i64),
    DiskFull,
}

/// What happens in one tick; calls of the disk are counted from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Killed,
    Stopped,
    PowerCut(u64),
    Error(u64),
    ShortWrite(u64),
    FlippedBit(u64, u64),
    /// The newest copy of the folder, which has neither the log's copy nor the state, is put in its place.
    CopyLost,
    AllLost,
}

/// The faults of a run.
#[derive(Debug, Default)]
pub(super) struct Faults {
    lasting: Vec<(Range<u64>, Lasting)>,
    moments: BTreeMap<u64, Moment>,
}

impl Faults {
    /// Faults in so many ticks; everything is lost in the first third at most.
    pub(super) fn draw(random: &mut ChaCha8Rng, ticks: u64) -> Self {
        let mut below = |bound: u64| random.next_u64() % bound;
        let mut faults = Self::default();
        for kind in (0..9).cycle().take(18) {
            let from = 6 + below(ticks - 6);
            let (longest, what) = match kind {
                0 => (6, Lasting::Down),
                1 => (6, Lasting::Unreachable),
                2 => (8, Lasting::Lagging(1 + below(12))),
                3 => (14, Lasting::Few),
                4 => (14, Lasting::Frozen),
                5 => (5, Lasting::Tiles(Tiles::Missing)),
                6 => (5, Lasting::Tiles(Tiles::Wrong)),
                7 => (12, Lasting::Clock(step(below(4), below(6_000)))),
                _ => (5, Lasting::DiskFull),
            };
            faults.lasting.push((from..from + 1 + below(longest), what));
        }
        for kind in (0..7).cycle().take(21) {
            let call = 1 + below(120);
            let what = match kind {
                0 => Moment::Killed,
                1 => Moment::Stopped,
                2 => Moment::PowerCut(call),
                3 => Moment::Error(call),
                4 => Moment::ShortWrite(call),
                5 => Moment::FlippedBit(call, below(1 << 20)),
                _ => Moment::CopyLost,
            };
            faults.moments.insert(6 + below(ticks - 6), what);
        }
        faults.moments.insert(6 + below(ticks / 3), Moment::AllLost);
        faults
    }

    pub(super) fn moment(&self, tick: u64) -> Option<Moment> {
        self.moments.get(&tick).copied()
    }

    /// What lasts now; of several of one kind the one that was drawn first.
    pub(super) fn find<T>(&self, tick: u64, pick: impl Fn(Lasting) -> Option<T>) -> Option<T> {
        let now = self.lasting.iter().filter(|(when, _)| when.contains(&tick));
        now.filter_map(|(_, what)| pick(*what)).next()
    }

    pub(super) fn is(&self, tick: u64, is: impl Fn(Lasting) -> bool) -> bool {
        self.find(tick, |what| is(what).then_some(())).is_some()
    }
}

/// A clock that is off a little, which nobody may notice, or much, either way.
fn step(kind: u64, size: u64) -> i64 {
    let size = i64::try_from(size).unwrap();
    match kind {
        0 => 30 + size % 265,
        1 => -30 - size % 265,
        2 => 400 + 2 * size,
        _ => -400 - 2 * size,
    }
}
