//! Ages as people type them: `90s`, `15min`, `24h`, `7d`.

use std::{fmt, str::FromStr, time::Duration};

/// How old an answer may be and still count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MaxAge(Duration);

impl MaxAge {
    /// The same as the library wants it.
    pub(crate) fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for MaxAge {
    type Err = BadAge;

    fn from_str(text: &str) -> Result<Self, BadAge> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let seconds_each: u64 = match unit {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return Err(BadAge),
        };
        let number: u64 = number.parse().map_err(|_| BadAge)?;
        let seconds = number
            .checked_mul(seconds_each)
            .filter(|s| *s <= MAX_SECONDS)
            .ok_or(BadAge)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// An age that is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an age; write for instance 90s, 15min, 24h or 7d")]
pub(crate) struct BadAge;

/// Seconds as a person says them, to two units: `3 h 20 min`.
pub(crate) struct Spoken(pub(crate) u64);

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0;
        match s {
            0..60 => write!(f, "{s} s"),
            60..3_600 => write!(f, "{} min {} s", s / 60, s % 60),
            3_600..172_800 => write!(f, "{} h {} min", s / 3_600, s % 3_600 / 60),
            _ => write!(f, "{} d {} h", s / 86_400, s % 86_400 / 3_600),
        }
    }
}

/// A hundred years: beyond it an age limit limits nothing, and a typing mistake is likelier.
const MAX_SECONDS: u64 = 100 * 366 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("15min", 900),
            ("15m", 900),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(
                text.parse::<MaxAge>().unwrap().duration().as_secs(),
                seconds,
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_age() {
        for text in [
            "",
            "24",
            "h",
            "-1h",
            "1.5h",
            "1 h",
            "24H",
            "99999999999999999999s",
            "1000000d",
        ] {
            assert_eq!(text.parse::<MaxAge>(), Err(BadAge), "{text}");
        }
    }

    #[test]
    fn speaks_two_units() {
        for (seconds, text) in [
            (12, "12 s"),
            (61, "1 min 1 s"),
            (12_000, "3 h 20 min"),
            (200_000, "2 d 7 h"),
        ] {
            assert_eq!(Spoken(seconds).to_string(), text);
        }
    }
}
