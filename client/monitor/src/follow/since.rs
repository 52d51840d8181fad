//! From where on events are told: what was logged before was verified, and is not news.
//!
//! ```text
//! 923                      entries from this index on
//! 2026-04-01               entries whose batch the log closed at this time or later, by its own clock
//! 2026-04-01T09:30:00Z
//! ```

use std::{fmt, str::FromStr};

use labelproof_core::{merkle::LeafIndex, time::Time};
use thiserror::Error;

/// Where telling begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Since {
    /// At this entry.
    Index(LeafIndex),
    /// With the first batch that was closed at this time or later.
    Time(Time),
}

impl Since {
    /// Whether an entry is told; `clock_ms` is that of the head that closed its batch.
    pub(crate) fn tells(self, index: LeafIndex, clock_ms: Option<u64>) -> bool {
        match self {
            Self::Index(first) => index >= first,
            // Rather told than missed where no head closed it.
            Self::Time(time) => clock_ms.is_none_or(|clock_ms| clock_ms / 1_000 >= time.unix()),
        }
    }
}

impl FromStr for Since {
    type Err = BadSince;

    fn from_str(text: &str) -> Result<Self, BadSince> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let index = text.parse().map_err(|_| BadSince)?;
            return Ok(Self::Index(LeafIndex::new(index)));
        }
        let time = match text.contains('T') {
            true => text.parse(),
            false => format!("{text}T00:00:00Z").parse(),
        };
        time.map(Self::Time).map_err(|_| BadSince)
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

/// The text is neither an index nor a time.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("write an index as 923, a day as 2026-04-01, or a time as 2026-04-01T09:30:00Z")]
pub struct BadSince;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_back() {
        for (text, written) in [
            ("0", "0"),
            ("923", "923"),
            ("2026-04-01", "2026-04-01T00:00:00Z"),
            ("2026-04-01T09:30:00Z", "2026-04-01T09:30:00Z"),
        ] {
            let since: Since = text.parse().unwrap();
            assert_eq!(since.to_string(), written);
            assert_eq!(written.parse(), Ok(since));
        }
        for text in [
            "",
            "-1",
            "yesterday",
            "2026-13-01",
            "1.5",
            "99999999999999999999",
        ] {
            assert_eq!(text.parse::<Since>(), Err(BadSince), "{text}");
        }
    }

    #[test]
    fn a_batch_that_was_open_then_is_told() {
        let since: Since = "2026-04-01".parse().unwrap();
        let midnight = 1_775_001_600_000;
        let index = LeafIndex::new(7);
        assert!(!since.tells(index, Some(midnight - 1)));
        assert!(since.tells(index, Some(midnight)));
        assert!(since.tells(index, None));
    }
}
