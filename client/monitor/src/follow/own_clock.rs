//! The own clock: what is known of it, and so of how old the newest quorum is.
//!
//! ```text
//! steps, or was near no witness's time since the start   nothing is known      near one   right, until it steps
//! a quorum too old   by a right clock, or seen standing still for as long ─▶ old
//!                    else ─▶ it may be the clock, and nobody can say
//! ```
//! What a clock says is compared with how long it ran, which no step moves.

use std::time::Duration;

use labelproof_core::time::Time;
use tracing::warn;

use super::MAX_STEP_SECONDS;

/// What is known of the own clock since the program started.
#[derive(Debug)]
pub(super) struct OwnClock {
    /// How long it had run at the last look, and what it said.
    last: Option<(Duration, Time)>,
    known: Known,
    /// The newest quorum's time, and how long the clock had run when it was seen first.
    newest: Option<(Time, Duration)>,
    /// The newest time of any witness.
    heard: Option<Time>,
    /// By how many seconds it was behind that when it came.
    behind: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Known {
    Nothing,
    Right,
    Stepped(u64),
}

/// What is to say of the age of a quorum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Age {
    /// It is not too old.
    Fine,
    /// It is too old.
    Old,
    /// It is, or the own clock is off since it stepped by so many seconds.
    Stepped(u64),
    /// It is so many seconds old, or the own clock is off since the start.
    Unproven(u64),
}

impl OwnClock {
    /// A clock of which nothing is known.
    pub(super) fn new() -> Self {
        Self {
            last: None,
            known: Known::Nothing,
            newest: None,
            heard: None,
            behind: 0,
        }
    }

    /// By how many seconds it is behind the witnesses, at least; none if it was near none of them since it began or stepped.
    pub(super) fn behind(&self) -> Option<u64> {
        (self.known == Known::Right).then_some(self.behind)
    }

    /// Compares what it says with how long it ran since the last look.
    pub(super) fn look(&mut self, ran: Duration, now: Time) {
        if let Some((before, then)) = self.last.replace((ran, now)) {
            let passed = then.plus_seconds(ran.saturating_sub(before).as_secs());
            let step = now.unix().abs_diff(passed.unix());
            if step > MAX_JITTER_SECONDS {
                self.behind += passed.seconds_since(now);
                self.behind = self.behind.saturating_sub(now.seconds_since(passed));
            }
            if step > MAX_STEP_SECONDS {
                warn!(seconds = step, "the own clock stepped");
                self.known = Known::Stepped(step);
            }
        }
    }

    /// Takes in when a witness spoke: near the own clock, it shows that this is right.
    pub(super) fn hear(&mut self, witness: Time) {
        let Some((_, now)) = self.last else {
            return;
        };
        if now.unix().abs_diff(witness.unix()) <= MAX_STEP_SECONDS {
            self.known = Known::Right;
        }
        // What is heard again was said before, and says less of the clock each time.
        if self.heard.is_none_or(|heard| witness > heard) {
            self.heard = Some(witness);
            self.behind = witness.seconds_since(now);
        }
    }

    /// How old a quorum is as of the last look.
    pub(super) fn age(&mut self, as_of: Time, max_age: Duration) -> Age {
        let Some((ran, now)) = self.last else {
            return Age::Fine;
        };
        self.hear(as_of);
        if self.newest.is_none_or(|(newest, _)| newest != as_of) {
            self.newest = Some((as_of, ran));
        }
        let age = now.seconds_since(as_of);
        if Duration::from_secs(age) <= max_age {
            return Age::Fine;
        }
        let seen = self
            .newest
            .map_or(Duration::ZERO, |(_, first)| ran.saturating_sub(first));
        match self.known {
            _ if seen > max_age => Age::Old,
            Known::Right => Age::Old,
            Known::Stepped(seconds) => Age::Stepped(seconds),
            Known::Nothing => Age::Unproven(age),
        }
    }
}

/// Two looks at two clocks are a moment apart.
const MAX_JITTER_SECONDS: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::at;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// What is said of a quorum at `as_of` by a clock that ran so long and says this.
    fn say(clock: &mut OwnClock, ran: u64, now: u64, as_of: u64) -> Age {
        clock.look(Duration::from_secs(ran), at(now));
        clock.age(at(as_of), HOUR)
    }

    #[test]
    fn a_clock_that_was_right_says_how_old_a_quorum_is() {
        let mut clock = OwnClock::new();
        assert_eq!(say(&mut clock, 0, 10, 0), Age::Fine);
        assert_eq!(say(&mut clock, 3_590, 3_600, 0), Age::Fine);
        assert_eq!(say(&mut clock, 3_591, 3_601, 0), Age::Old);
        assert_eq!(say(&mut clock, 3_592, 3_602, 3_600), Age::Fine);
    }

    #[test]
    fn a_clock_that_nothing_proved_does_not_until_the_quorum_stood_as_long() {
        let mut clock = OwnClock::new();
        assert_eq!(say(&mut clock, 0, 7_200, 0), Age::Unproven(7_200));
        // The log goes on, and is still old by this clock.
        assert_eq!(say(&mut clock, 600, 7_800, 600), Age::Unproven(7_200));
        assert_eq!(say(&mut clock, 4_200, 11_400, 600), Age::Unproven(10_800));
        assert_eq!(say(&mut clock, 4_201, 11_401, 600), Age::Old);
    }

    #[test]
    fn one_witness_is_enough_to_show_that_a_clock_is_right() {
        let mut clock = OwnClock::new();
        assert_eq!(say(&mut clock, 0, 7_200, 0), Age::Unproven(7_200));
        for (witness, said) in [
            (6_899, Age::Unproven(7_200)),
            (7_501, Age::Unproven(7_200)),
            (6_900, Age::Old),
        ] {
            clock.hear(at(witness));
            assert_eq!(clock.age(at(0), HOUR), said);
        }
    }

    #[test]
    fn a_clock_that_stepped_is_not_believed_until_it_is_near_a_quorum() {
        let mut clock = OwnClock::new();
        assert_eq!(say(&mut clock, 0, 0, 0), Age::Fine);
        // An hour ahead at once; a quorum that is young enough proves nothing.
        assert_eq!(say(&mut clock, 5, 3_500, 0), Age::Fine);
        assert_eq!(say(&mut clock, 605, 4_100, 0), Age::Stepped(3_495));
        assert_eq!(say(&mut clock, 610, 4_105, 600), Age::Fine);
        assert_eq!(say(&mut clock, 710, 4_205, 600), Age::Stepped(3_495));
        // Set right, which is a step too.
        assert_eq!(say(&mut clock, 715, 715, 600), Age::Fine);
        assert_eq!(say(&mut clock, 4_300, 4_300, 600), Age::Old);
    }

    #[test]
    fn a_clock_that_is_behind_says_by_how_much() {
        let mut clock = OwnClock::new();
        let mut look = |ran: u64, now: u64, witness: u64| {
            clock.look(Duration::from_secs(ran), at(now));
            clock.hear(at(witness));
            clock.behind()
        };
        // A copy that lags says nothing of it.
        assert_eq!(look(0, 1_000, 600), None);
        assert_eq!(look(60, 1_060, 1_130), Some(70));
        // The same head a little later, then a new one.
        assert_eq!(look(120, 1_120, 1_130), Some(70));
        assert_eq!(look(180, 1_180, 1_255), Some(75));
        // It steps, and nothing new is heard.
        assert_eq!(look(185, 1_245, 1_255), Some(15));
        assert_eq!(look(190, 1_190, 1_255), Some(75));
        assert_eq!(look(195, 1_360, 1_255), Some(0));
        assert_eq!(look(260, 1_425, 1_420), Some(0));
        // Far, and nothing near it is heard.
        assert_eq!(look(265, 2_000, 1_425), None);
        assert_eq!(look(270, 2_005, 2_005), Some(0));
    }
}
