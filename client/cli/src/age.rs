//! How old an answer is, and what that leaves of it (`docs/spec/state.md`, freshness).
//!
//! ```text
//!                        fresh      with conditions   too old
//! asked of the log       ≤ 24 h     –                 older
//! a pack, offline        ≤ 48 h     ≤ 7 d             older
//! --max-age AGE          ≤ AGE      –                 older
//! ```

use std::time::Duration;

use labelproof::{
    lookup::{Freshness, freshness},
    trust::store::Newest,
};
use labelproof_core::time::Time;
use serde_json::{Value, json};

use crate::duration::{MaxAge, Spoken};

/// How old an answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    fresh: Duration,
    conditions: Duration,
}

impl Limits {
    /// For an answer that the log just gave, or for whatever age a person asked for.
    pub(crate) fn online(asked: Option<MaxAge>) -> Self {
        let fresh = asked.map_or(ONLINE, MaxAge::duration);
        Self {
            fresh,
            conditions: fresh,
        }
    }

    /// For a pack that was made before.
    pub(crate) fn pack(asked: Option<MaxAge>) -> Self {
        match asked {
            Some(_) => Self::online(asked),
            None => Self {
                fresh: PACK,
                conditions: PACK_WITH_CONDITIONS,
            },
        }
    }
}

/// The age of one answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Age {
    /// Young enough.
    Fresh(u64),
    /// Young enough for who knows that it is offline: what was decided since is not in it.
    Conditions(u64),
    /// Too old.
    TooOld(u64),
    /// Under a head older than one seen before, of this size.
    Behind { age: u64, seen: u64 },
    /// This machine's clock is behind a time that a quorum named before.
    Unknown,
}

impl Age {
    /// Measures an answer of `as_of` at `now`; `newest` is what the trust store holds.
    pub(crate) fn measure(as_of: Time, now: Time, limits: Limits, newest: Option<&Newest>) -> Self {
        match freshness(as_of, now, limits.conditions, newest) {
            Freshness::Fresh { age } if age <= limits.fresh.as_secs() => Self::Fresh(age),
            Freshness::Fresh { age } => Self::Conditions(age),
            Freshness::TooOld { age } => Self::TooOld(age),
            Freshness::ClockBehind => Self::Unknown,
        }
    }

    /// The same under a head that is older than one of size `seen`.
    pub(crate) fn behind(self, seen: u64) -> Self {
        match self.seconds() {
            Some(age) => Self::Behind { age, seen },
            None => self,
        }
    }

    /// Whether more than what was taken away for good can be read from it.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Self::Fresh(_) | Self::Conditions(_))
    }

    /// In seconds, if known.
    pub(crate) fn seconds(&self) -> Option<u64> {
        match self {
            Self::Fresh(age)
            | Self::Conditions(age)
            | Self::TooOld(age)
            | Self::Behind { age, .. } => Some(*age),
            Self::Unknown => None,
        }
    }

    /// In a sentence.
    pub(crate) fn says(&self) -> String {
        match self {
            Self::Fresh(age) => format!("The answer is {} old.", Spoken(*age)),
            Self::Conditions(age) => format!(
                "The answer is {} old: good offline, with the condition that nothing was taken away since.",
                Spoken(*age)
            ),
            Self::TooOld(age) => format!("The answer is {} old, older than allowed.", Spoken(*age)),
            Self::Behind { seen, .. } => format!(
                "The answer is under an older head than the one of size {seen} seen before."
            ),
            Self::Unknown => {
                "This machine's clock is behind the witnesses', so no age is known; set it.".into()
            }
        }
    }

    /// For programs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Fresh(_) => "fresh",
            Self::Conditions(_) => "with-conditions",
            Self::TooOld(_) | Self::Behind { .. } => "too-old",
            Self::Unknown => "unknown",
        }
    }

    /// For programs, with the seconds.
    pub(crate) fn json(&self) -> Value {
        json!({ "seconds": self.seconds(), "is": self.word() })
    }
}

/// What was asked of the log a moment ago.
const ONLINE: Duration = Duration::from_secs(24 * 3_600);
/// A pack fetched each night, and one night missed.
const PACK: Duration = Duration::from_secs(48 * 3_600);
/// A week without a network, known to whoever reads it.
const PACK_WITH_CONDITIONS: Duration = Duration::from_secs(7 * 24 * 3_600);
