//! Waiting for a server that is busy: as long as it asks, longer each time, and never in step with others.
//!
//! ```text
//! 429, 502, 503, 504, no answer ─▶ Retry-After, or 0.5 s · 1 s · 2 s … 30 s, each ± a quarter ─▶ again
//! ```
//! Every other answer is final. How to wait, and when the person wants no more, the caller says.

use std::{
    collections::hash_map::RandomState,
    fmt,
    hash::{BuildHasher, Hasher},
    thread,
    time::Duration,
};

use labelproof_core::tile::TilePath;
use labelproof_host::{
    fetch::FetchCause,
    tiles::{SourceError, TileSource, TilesError},
};

use crate::{
    follow::FollowError, head::HeadError, log_server::ServerError, lookup::LookupError,
    source::Source, trust::store::AdvanceError,
};

/// Waits for a while.
pub trait Pause: fmt::Debug + Send + Sync {
    /// Waits, and tells whether to go on; [`Wish::Stop`] comes at once.
    fn pause(&self, time: Duration) -> Wish;
}

/// For a command that answers at once or not at all: no second try.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce;

impl Pause for AtOnce {
    fn pause(&self, time: Duration) -> Wish {
        if time.is_zero() {
            Wish::GoOn
        } else {
            Wish::Stop
        }
    }
}

/// Waits, and always goes on: for a program that a signal ends.
#[derive(Clone, Copy, Debug)]
pub struct Sleep;

impl Pause for Sleep {
    fn pause(&self, time: Duration) -> Wish {
        thread::sleep(time);
        Wish::GoOn
    }
}

/// What the person wants after a pause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    /// To go on.
    GoOn,
    /// To stop.
    Stop,
}

/// A failure that may be another one the next time.
pub trait Passing {
    /// Whether it is worth another try, and when the server wants it.
    fn retry(&self) -> Retry;
}

/// Whether and when to try again; of several the greatest suits them all.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Retry {
    /// It will not change.
    Never,
    /// Whenever the caller likes.
    Soon,
    /// After the time that the server named.
    After(Duration),
}

impl Retry {
    fn of_status(status: u16, after: Option<Duration>) -> Self {
        match (status, after) {
            (429 | 502..=504, Some(after)) => Self::After(after),
            (429 | 502..=504, None) => Self::Soon,
            _ => Self::Never,
        }
    }

    fn of_cause(cause: &FetchCause) -> Self {
        match cause {
            FetchCause::Unreachable(_) | FetchCause::TimedOut => Self::Soon,
            _ => Self::Never,
        }
    }
}

impl Passing for ServerError {
    fn retry(&self) -> Retry {
        match self {
            Self::Fetch(error) => Retry::of_cause(error.cause()),
            Self::Refused {
                problem,
                retry_after,
                ..
            } => Retry::of_status(problem.status(), *retry_after),
            Self::Status {
                status,
                retry_after,
                ..
            } => Retry::of_status(*status, *retry_after),
            Self::Cut => Retry::Soon,
            Self::Folder(_) | Self::NoStatus | Self::NotANote { .. } | Self::NotOurs => {
                Retry::Never
            }
        }
    }
}

impl Passing for LookupError {
    fn retry(&self) -> Retry {
        match self {
            Self::Server(error) => error.retry(),
            Self::Advance(AdvanceError::Tiles(error)) => error.retry(),
            Self::Advance(_)
            | Self::Bundle(_)
            | Self::NotHome(_)
            | Self::OtherSubject { .. }
            | Self::Unverified(_) => Retry::Never,
        }
    }
}

impl Passing for SourceError {
    fn retry(&self) -> Retry {
        match self {
            Self::Fetch(error) => Retry::of_cause(error.cause()),
            Self::Status { source, .. } => {
                let response = source.response();
                Retry::of_status(response.status(), response.retry_after())
            }
            _ => Retry::Never,
        }
    }
}

impl Passing for TilesError {
    fn retry(&self) -> Retry {
        match self {
            Self::Source(error) => error.retry(),
            // A server behind the one that showed the checkpoint has it a moment later.
            Self::Missing(_) => Retry::Soon,
            _ => Retry::Never,
        }
    }
}

impl Passing for HeadError {
    fn retry(&self) -> Retry {
        match self {
            Self::Server(error) => error.retry(),
            Self::Tiles(error) | Self::Advance(AdvanceError::Tiles(error)) => error.retry(),
            Self::Advance(_) | Self::Entry(_) | Self::OtherGenesis { .. } => Retry::Never,
        }
    }
}

impl Passing for FollowError {
    fn retry(&self) -> Retry {
        match self {
            Self::Head(error) => error.retry(),
            Self::Tiles(error) => error.retry(),
        }
    }
}

/// Does `work` until it succeeds, fails for good, or was tried [`MAX_TRIES`] times.
///
/// # Errors
/// The last failure.
pub fn patiently<T, E: Passing>(
    pause: &dyn Pause,
    mut work: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut backoff = Backoff::default();
    for _ in 1..MAX_TRIES {
        let error = match work() {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(time) = backoff.next(error.retry()) else {
            return Err(error);
        };
        if pause.pause(time) == Wish::Stop {
            return Err(error);
        }
    }
    work()
}

/// How long the next pause is.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST_PAUSE }
    }
}

impl Backoff {
    /// The pause before another try, longer each time; `None` if another try is in vain.
    pub fn next(&mut self, retry: Retry) -> Option<Duration> {
        let own = self.next;
        match retry {
            Retry::Never => return None,
            Retry::Soon => {}
            // What it asks is the least; a server that asks for a day is not waited for.
            Retry::After(after) => {
                return Some(after.min(MAX_ASKED) + jittered(FIRST_PAUSE));
            }
        }
        self.next = (own * 2).min(MAX_PAUSE);
        Some(jittered(own))
    }
}

/// A time up to a quarter shorter or longer, so that a thousand clients do not come back at once.
pub fn jittered(time: Duration) -> Duration {
    // The standard library seeds each of these from the operating system.
    let random = RandomState::new().build_hasher().finish();
    let percent = u32::try_from(random % 51).unwrap_or_default();
    time * (75 + percent) / 100
}

/// A log's tiles, asked for again while their source is busy.
#[derive(Clone, Copy, Debug)]
pub struct PatientTiles<'a> {
    source: &'a dyn Source,
    pause: &'a dyn Pause,
}

impl<'a> PatientTiles<'a> {
    /// The same tiles; waits with `pause`.
    pub fn new(source: &'a dyn Source, pause: &'a dyn Pause) -> Self {
        Self { source, pause }
    }
}

impl TileSource for PatientTiles<'_> {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        patiently(self.pause, || self.source.get(path))
    }
}

/// With pauses of half a second and up this is a quarter of a minute, in which any log starts again.
pub const MAX_TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// Ours ask for ten seconds at most.
const MAX_ASKED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Paused(Mutex<Vec<Duration>>);

    impl Pause for Paused {
        fn pause(&self, time: Duration) -> Wish {
            let mut times = self.0.lock().unwrap();
            times.push(time);
            if times.len() < 20 {
                Wish::GoOn
            } else {
                Wish::Stop
            }
        }
    }

    #[derive(Debug, PartialEq)]
    struct Failed(Retry);

    impl Passing for Failed {
        fn retry(&self) -> Retry {
            self.0
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_not() {
        let pause = Paused::default();
        let mut tries = 0;
        let mut failing = |retry| {
            tries = 0;
            let end: Result<(), _> = patiently(&pause, || {
                tries += 1;
                Err(Failed(retry))
            });
            (end, tries)
        };
        assert_eq!(failing(Retry::Never), (Err(Failed(Retry::Never)), 1));
        assert_eq!(failing(Retry::Soon), (Err(Failed(Retry::Soon)), MAX_TRIES));
        let times = pause.0.lock().unwrap().clone();
        for (pair, doubled) in times.windows(2).zip([1_000, 2_000, 4_000, 8_000]) {
            assert!(
                pair[1] >= Duration::from_millis(doubled * 3 / 4),
                "{times:?}"
            );
            assert!(
                pair[1] <= Duration::from_millis(doubled * 5 / 4),
                "{times:?}"
            );
        }
    }

    #[test]
    fn a_server_is_given_the_time_it_asks_for_up_to_a_minute() {
        for (asked, least) in [(7, 7), (86_400, 60)] {
            let time = Backoff::default().next(Retry::After(Duration::from_secs(asked)));
            let time = time.unwrap();
            assert!(time >= Duration::from_secs(least), "{time:?}");
            assert!(time <= Duration::from_secs(least + 1), "{time:?}");
        }
    }

    #[test]
    fn who_wants_to_stop_is_not_kept() {
        #[derive(Debug)]
        struct Stopped;
        impl Pause for Stopped {
            fn pause(&self, _: Duration) -> Wish {
                Wish::Stop
            }
        }
        let mut tries = 0;
        let end: Result<(), _> = patiently(&Stopped, || {
            tries += 1;
            Err(Failed(Retry::Soon))
        });
        assert_eq!((end, tries), (Err(Failed(Retry::Soon)), 1));
    }
}
