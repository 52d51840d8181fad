//! Time: the machine's clock, and one that tests move.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use labelproof_core::time::Time;

/// Tells the time; services take it as an argument.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Milliseconds since 1970, UTC, without leap seconds. It may step back.
    fn unix_ms(&self) -> u64;

    /// How long it has run, from some moment of the process on; no step moves it.
    fn ran(&self) -> Duration;

    /// The second it is; a clock past the year 9999 reads as its last second.
    fn now(&self) -> Time {
        Time::from_unix(self.unix_ms() / 1_000).unwrap_or(Time::MAX)
    }
}

/// The machine's clock; a time before 1970 reads as 1970.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn ran(&self) -> Duration {
        FIRST_LOOK.elapsed()
    }
}

static FIRST_LOOK: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A clock that stands until it is moved; clones show one time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    unix_ms: AtomicU64,
    ran_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `unix_ms`.
    #[must_use]
    pub fn at(unix_ms: u64) -> Self {
        Self(Arc::new(Hands {
            unix_ms: AtomicU64::new(unix_ms),
            ran_ms: AtomicU64::new(0),
        }))
    }

    /// Lets time go by.
    pub fn advance(&self, ms: u64) {
        self.0.unix_ms.fetch_add(ms, Ordering::SeqCst);
        self.0.ran_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Steps to a time, also back; none goes by.
    pub fn set(&self, unix_ms: u64) {
        self.0.unix_ms.store(unix_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn unix_ms(&self) -> u64 {
        self.0.unix_ms.load(Ordering::SeqCst)
    }

    fn ran(&self) -> Duration {
        Duration::from_millis(self.0.ran_ms.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(1_000);
        let shared = clock.clone();
        shared.advance(500);
        assert_eq!((clock.unix_ms(), clock.now().unix()), (1_500, 1));
        shared.set(7);
        assert_eq!(clock.unix_ms(), 7);
    }

    #[test]
    fn clock_past_the_year_9999_reads_as_its_last_second() {
        assert_eq!(ManualClock::at(u64::MAX).now(), Time::MAX);
    }

    #[test]
    fn system_clock_is_past_2020() {
        assert!(SystemClock.now().unix() > 1_577_836_800);
    }

    #[test]
    fn system_clock_runs_on() {
        let before = SystemClock.ran();
        assert!(SystemClock.ran() >= before);
    }
}
