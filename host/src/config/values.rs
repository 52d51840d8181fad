//! Values of configuration files and flags: numbers and times within bounds, so that an error points at the value.
//!
//! ```text
//! Count<1, 64>          12          a whole number
//! Span<50, 30_000>      "250ms"     a whole number and a unit: ms, s, m or h; the bounds are milliseconds
//! ```

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A whole number within bounds, both included.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Count<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Count<MIN, MAX> {
    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<const MIN: u64, const MAX: u64> TryFrom<u64> for Count<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(number: u64) -> Result<Self, OutOfBounds> {
        if (MIN..=MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(OutOfBounds::Number { min: MIN, max: MAX })
        }
    }
}

impl<const MIN: u64, const MAX: u64> From<Count<MIN, MAX>> for u64 {
    fn from(count: Count<MIN, MAX>) -> u64 {
        count.0
    }
}

/// A time within bounds of milliseconds, both included.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span<const MIN_MS: u64, const MAX_MS: u64>(u64);

impl<const MIN_MS: u64, const MAX_MS: u64> Span<MIN_MS, MAX_MS> {
    /// The time.
    #[must_use]
    pub fn get(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> FromStr for Span<MIN_MS, MAX_MS> {
    type Err = OutOfBounds;

    fn from_str(text: &str) -> Result<Self, OutOfBounds> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit_ms = match &text[digits.len()..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(OutOfBounds::NoTime),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(OutOfBounds::NoTime);
        }
        let (min, max) = (MIN_MS, MAX_MS);
        let ms = digits.parse::<u64>().ok();
        match ms.and_then(|number| number.checked_mul(unit_ms)) {
            Some(ms) if (MIN_MS..=MAX_MS).contains(&ms) => Ok(Self(ms)),
            _ => Err(OutOfBounds::Time { min, max }),
        }
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> TryFrom<String> for Span<MIN_MS, MAX_MS> {
    type Error = OutOfBounds;

    fn try_from(text: String) -> Result<Self, OutOfBounds> {
        text.parse()
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> From<Span<MIN_MS, MAX_MS>> for String {
    fn from(span: Span<MIN_MS, MAX_MS>) -> String {
        written(span.0)
    }
}

impl<const MIN_MS: u64, const MAX_MS: u64> fmt::Display for Span<MIN_MS, MAX_MS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.0))
    }
}

/// A time in the largest unit that leaves no rest.
fn written(ms: u64) -> String {
    match ms {
        ms if ms > 0 && ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        ms if ms > 0 && ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        ms if ms > 0 && ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

/// Why a value is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OutOfBounds {
    /// A number outside of its bounds.
    #[error("a number between {min} and {max} is wanted here")]
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A time outside of its bounds, in milliseconds.
    #[error("a time between {} and {} is wanted here", written(*.min), written(*.max))]
    Time {
        /// The shortest.
        min: u64,
        /// The longest.
        max: u64,
    },
    /// No time at all.
    #[error("a time is a whole number and a unit, as 250ms, 30s, 5m or 26h")]
    NoTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_bounds() {
        type Interval = Span<50, 90_000>;
        let day: Span<1, 86_400_000> = "24h".parse().unwrap();
        assert_eq!(day.to_string(), "24h");
        for (text, want_ms) in [("50ms", 50), ("250ms", 250), ("1s", 1_000), ("1m", 60_000)] {
            let span: Interval = text.parse().unwrap();
            assert_eq!(span.get(), Duration::from_millis(want_ms));
            assert_eq!(span.to_string(), text);
        }
        let bounds = OutOfBounds::Time {
            min: 50,
            max: 90_000,
        };
        for text in [
            "49ms",
            "91s",
            "2m",
            "1h",
            "18446744073709551615s",
            "99999999999999999999s",
        ] {
            assert_eq!(text.parse::<Interval>(), Err(bounds), "{text:?}");
        }
        for text in ["", "1", "s", "1.5s", "-1s", "+1s", "1 s", "1d", "1S", "ms"] {
            assert_eq!(
                text.parse::<Interval>(),
                Err(OutOfBounds::NoTime),
                "{text:?}"
            );
        }
        assert_eq!(
            bounds.to_string(),
            "a time between 50ms and 90s is wanted here"
        );
    }

    #[test]
    fn a_number_has_bounds() {
        type Small = Count<2, 3>;
        assert_eq!(Small::try_from(3).map(Small::get), Ok(3));
        for number in [0, 1, 4, u64::MAX] {
            assert!(Small::try_from(number).is_err(), "{number}");
        }
    }
}
