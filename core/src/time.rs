//! Times as events and verdicts write them: UTC, to the second.
//!
//! ```text
//! 2026-04-01T09:30:00Z
//! ```
//! A profile of RFC 3339 with one spelling a second; years 1970 to 9999. There is no clock here.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A second between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z, leap seconds not counted.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Time(u64);

impl Time {
    /// 9999-12-31T23:59:59Z, the last second four digits can write.
    pub const MAX: Self = Self(253_402_300_799);

    /// Takes Unix seconds; `None` after the year 9999.
    #[must_use]
    pub fn from_unix(seconds: u64) -> Option<Self> {
        (seconds <= Self::MAX.0).then_some(Self(seconds))
    }

    /// Unix seconds.
    #[must_use]
    pub fn unix(self) -> u64 {
        self.0
    }

    /// The time `seconds` later, or [`Time::MAX`].
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds).min(Self::MAX.0))
    }

    /// Seconds from `earlier` to this, 0 if `earlier` is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Counted in years of 366 days it is never too late; at most 17 steps lead to the right one.
        let mut year = 1970 + self.0 / DAY / 366;
        while days_before(year + 1) <= self.0 / DAY {
            year += 1;
        }
        let mut day = self.0 / DAY - days_before(year);
        let mut month = 1;
        while day >= days_in_month(year, month) {
            day -= days_in_month(year, month);
            month += 1;
        }
        let second = self.0 % DAY;
        write!(
            f,
            "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
            day + 1,
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let digits = text.as_bytes();
        if digits.len() != "1970-01-01T00:00:00Z".len() {
            return Err(TimeError);
        }
        let number = |from: usize, to: usize| -> Result<u64, TimeError> {
            digits[from..to].iter().try_fold(0, |sum, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                Ok(sum * 10 + digit.ok_or(TimeError)?)
            })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if year < 1970
            || !(1..=12).contains(&month)
            || !(1..=days_in_month(year, month)).contains(&day)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return Err(TimeError);
        }
        // One second has one spelling.
        let separators = [
            (4, b'-'),
            (7, b'-'),
            (10, b'T'),
            (13, b':'),
            (16, b':'),
            (19, b'Z'),
        ];
        if !separators.iter().all(|(at, mark)| digits[*at] == *mark) {
            return Err(TimeError);
        }
        let months: u64 = (1..month).map(|m| days_in_month(year, m)).sum();
        let days = days_before(year) + months + (day - 1);
        Ok(Self(days * DAY + hour * 3600 + minute * 60 + second))
    }
}

/// Days from 1970-01-01 to the first day of a year, which is 1970 or later.
fn days_before(year: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The text is no time of the form `YYYY-MM-DDThh:mm:ssZ`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a time of the form YYYY-MM-DDThh:mm:ssZ between 1970 and 9999")]
pub struct TimeError;

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_seconds_have_known_names() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_679_315_147, "2023-03-20T12:25:47Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (Time::MAX.unix(), "9999-12-31T23:59:59Z"),
        ] {
            let time = Time::from_unix(unix).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
        }
        assert_eq!(Time::from_unix(Time::MAX.unix() + 1), None);
    }

    #[test]
    fn every_day_reads_back() {
        for day in (0..Time::MAX.unix() / DAY).step_by(97) {
            let time = Time(day * DAY + day % DAY);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn refuses_other_spellings() {
        for wrong in [
            "",
            "2026-04-01",
            "2026-04-01T09:30:00",
            "2026-04-01t09:30:00Z",
            "2026-04-01T09:30:00z",
            "2026-04-01 09:30:00Z",
            "2026-04-01T09:30:00+0",
            "2026-04-01T09:30:60Z",
            "2026-04-01T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026/04/01T09:30:00Z",
            "2026-04-01T09-30-00Z",
            "-026-04-01T09:30:00Z",
            "２026-04-01T09:30Z",
        ] {
            assert_eq!(wrong.parse::<Time>(), Err(TimeError), "{wrong}");
        }
    }
}
