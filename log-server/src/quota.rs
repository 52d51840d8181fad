//! Quotas: how many events an authority may have the log take.
//!
//! ```text
//! grants    events_per_second, burst                     issues, renewals, reinstatements, accreditations …
//! adverse   adverse_events_per_second, adverse_burst     suspensions, revocations, withdrawals, key changes
//! ```
//! A token bucket each, for each name whose signature was verified: nobody uses up what is another's, and what an
//! authority grants never takes from what it may take away. Which class a kind is in is `pool`'s to say.

use std::{collections::BTreeMap, time::Duration};

use crate::pool::Class;

/// How fast events may come, and how many at once after a silence.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Allowance {
    events_per_second: u64,
    burst: u64,
}

impl Allowance {
    /// An allowance; both at least 1, and at most [`MAX_RATE`] and [`MAX_BURST`].
    #[must_use]
    pub fn new(events_per_second: u64, burst: u64) -> Self {
        Self {
            events_per_second: events_per_second.clamp(1, MAX_RATE),
            burst: burst.clamp(1, MAX_BURST),
        }
    }

    /// Events a second, on and on.
    #[must_use]
    pub fn events_per_second(self) -> u64 {
        self.events_per_second
    }

    /// Events at once.
    #[must_use]
    pub fn burst(self) -> u64 {
        self.burst
    }

    /// The time in which one more event is allowed.
    fn pace_ns(self) -> u64 {
        1_000_000_000 / self.events_per_second
    }
}

/// What one authority may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quota {
    /// Events that give something.
    pub grants: Allowance,
    /// Events that take something away.
    pub adverse: Allowance,
}

impl Default for Quota {
    /// More than two cores verify, so that who wants less says so; and a whole authority's labels revoked at once.
    fn default() -> Self {
        Self {
            grants: Allowance::new(20_000, 200_000),
            adverse: Allowance::new(20_000, 1_000_000),
        }
    }
}

impl Quota {
    fn of(&self, class: Class) -> Allowance {
        match class {
            Class::Grants => self.grants,
            Class::TakesAway => self.adverse,
        }
    }
}

/// The quotas of a log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Quotas {
    /// Of everybody who has none of his own.
    pub usual: Quota,
    /// By the name in the signature line.
    pub own: BTreeMap<String, Quota>,
}

impl Quotas {
    fn of(&self, name: &str) -> &Quota {
        self.own.get(name).unwrap_or(&self.usual)
    }
}

/// An authority has used up what it may do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsedUp {
    /// The name in its signature line.
    pub name: String,
    /// When one more event is allowed.
    pub after: Duration,
}

/// What has been used.
#[derive(Debug, Default)]
pub struct Meter {
    quotas: Quotas,
    /// The instant at which a bucket will be full again, in nanoseconds of the log's clock.
    full_at: BTreeMap<(String, Class), u64>,
}

impl Meter {
    /// A meter on which nobody has used anything.
    #[must_use]
    pub fn new(quotas: Quotas) -> Self {
        Self {
            quotas,
            full_at: BTreeMap::new(),
        }
    }

    /// The quotas it keeps.
    #[must_use]
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// Uses one event of `name`.
    ///
    /// # Errors
    /// [`UsedUp`]; then nothing is used.
    pub fn take(&mut self, name: &str, class: Class, now_ms: u64) -> Result<(), UsedUp> {
        let allowed = self.quotas.of(name).of(class);
        let now = now_ms.saturating_mul(1_000_000);
        let pace = allowed.pace_ns();
        let depth = pace.saturating_mul(allowed.burst);
        let key = (name.to_owned(), class);
        // A clock that ran back leaves an empty bucket behind, not one that is empty for hours.
        let full_at = self.full_at.get(&key).copied().unwrap_or(0);
        let full_at = full_at.clamp(now, now.saturating_add(depth));
        let after_this = full_at.saturating_add(pace);
        if let Some(excess) = after_this
            .checked_sub(now.saturating_add(depth))
            .filter(|excess| *excess > 0)
        {
            return Err(UsedUp {
                name: key.0,
                after: Duration::from_nanos(excess),
            });
        }
        if self.full_at.len() >= MAX_BUCKETS {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        self.full_at.insert(key, after_this);
        Ok(())
    }
}

/// One event in a thousandth of a millisecond: more than any machine takes.
pub const MAX_RATE: u64 = 1_000_000;
/// A year of the world's labels.
pub const MAX_BURST: u64 = 1_000_000_000;
/// Only verified names get here, so there are as many as authorities; full buckets are forgotten beyond this.
const MAX_BUCKETS: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "label.jp.example";
    const START_MS: u64 = 1_790_000_000_000;

    fn meter(rate: u64, burst: u64) -> Meter {
        let usual = Quota {
            grants: Allowance::new(rate, burst),
            adverse: Allowance::new(1, 2),
        };
        Meter::new(Quotas {
            usual,
            own: BTreeMap::from([(
                "slow.jp.example".to_owned(),
                Quota {
                    grants: Allowance::new(1, 1),
                    ..usual
                },
            )]),
        })
    }

    /// How many events are taken at that time before one is refused.
    fn taken(meter: &mut Meter, name: &str, class: Class, now_ms: u64) -> usize {
        (0..)
            .take_while(|_| meter.take(name, class, now_ms).is_ok())
            .count()
    }

    #[test]
    fn a_burst_and_then_the_pace() {
        let mut meter = meter(10, 5);
        assert_eq!(taken(&mut meter, NAME, Class::Grants, START_MS), 5);
        let refused = meter.take(NAME, Class::Grants, START_MS).unwrap_err();
        assert_eq!(
            (refused.name.as_str(), refused.after),
            (NAME, Duration::from_millis(100))
        );
        assert_eq!(taken(&mut meter, NAME, Class::Grants, START_MS + 99), 0);
        assert_eq!(taken(&mut meter, NAME, Class::Grants, START_MS + 100), 1);
        assert_eq!(taken(&mut meter, NAME, Class::Grants, START_MS + 400), 3);
        assert_eq!(
            taken(&mut meter, NAME, Class::Grants, START_MS + 60_000),
            5,
            "no more than the burst"
        );
    }

    #[test]
    fn what_is_granted_takes_nothing_of_what_is_adverse_or_another_s() {
        let mut meter = meter(10, 5);
        taken(&mut meter, NAME, Class::Grants, START_MS);
        assert_eq!(taken(&mut meter, NAME, Class::TakesAway, START_MS), 2);
        assert_eq!(
            taken(&mut meter, "other.jp.example", Class::Grants, START_MS),
            5
        );
        assert_eq!(
            taken(&mut meter, "slow.jp.example", Class::Grants, START_MS),
            1
        );
    }

    #[test]
    fn a_clock_that_steps_back_blocks_nobody_for_longer_than_a_burst() {
        let mut meter = meter(10, 5);
        taken(&mut meter, NAME, Class::Grants, START_MS);
        let back = START_MS - 3_600_000;
        let refused = meter.take(NAME, Class::Grants, back).unwrap_err();
        assert_eq!(refused.after, Duration::from_millis(100));
        assert_eq!(
            taken(&mut meter, NAME, Class::Grants, back + 500),
            0,
            "it was clamped at its next use"
        );
        assert_eq!(taken(&mut meter, NAME, Class::Grants, START_MS + 500), 5);
    }

    #[test]
    fn names_with_a_full_bucket_are_forgotten() {
        let mut meter = meter(10, 5);
        for number in 0..2 * MAX_BUCKETS {
            meter
                .take(
                    &format!("a{number}"),
                    Class::Grants,
                    START_MS + number as u64,
                )
                .unwrap();
        }
        assert!(meter.full_at.len() <= MAX_BUCKETS);
    }
}
