//! The verdict of the day: that the monitor is there, and how each log stands.
//!
//! ```text
//! [daily]
//! at = "06:00"      UTC; a monitor that starts later that day tells at once
//! ```
//! Who expects it each day notices when it does not come.

use std::{collections::BTreeSet, str::FromStr};

use labelproof_core::{checkpoint::Origin, time::Time};
use serde::Deserialize;
use thiserror::Error;

use crate::{alert::Alert, board::Standing};

/// When the verdict is due.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Daily {
    second_of_day: u64,
}

impl Daily {
    /// The day whose verdict is due, counted from 1970; none before its time.
    pub(crate) fn due(self, now: Time) -> Option<u64> {
        let (day, second) = (now.unix() / DAY_SECONDS, now.unix() % DAY_SECONDS);
        (second >= self.second_of_day).then_some(day)
    }
}

impl FromStr for Daily {
    type Err = BadTimeOfDay;

    fn from_str(text: &str) -> Result<Self, BadTimeOfDay> {
        let number = |digits: &str, below: u64| {
            let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse::<u64>().ok().filter(|number| *number < below);
            number.filter(|_| is_two).ok_or(BadTimeOfDay)
        };
        let (hour, minute) = text.split_once(':').ok_or(BadTimeOfDay)?;
        Ok(Self {
            second_of_day: number(hour, 24)? * 3_600 + number(minute, 60)? * 60,
        })
    }
}

impl TryFrom<String> for Daily {
    type Error = BadTimeOfDay;

    fn try_from(text: String) -> Result<Self, BadTimeOfDay> {
        text.parse()
    }
}

/// The text is no time of day.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a time of day is written as 06:00, in UTC")]
pub(crate) struct BadTimeOfDay;

/// The verdict of the day of `now`; `accused` are logs against which evidence is kept.
pub(crate) fn verdict(logs: &[Standing], accused: &BTreeSet<Origin>, now: Time) -> Alert {
    let mut is_well = true;
    let mut lines = Vec::new();
    for log in logs {
        let origin = log.origin();
        let sees = match (log.blind(), log.as_of()) {
            (Some((since, why)), _) => Some(format!("blind since {since}, {why}")),
            (None, None) => Some("nothing accepted yet".to_owned()),
            (None, Some(_)) => None,
        };
        let waiting = log.downloaded().get() - log.verified().get().min(log.downloaded().get());
        is_well &= sees.is_none() && waiting == 0 && !accused.contains(origin);
        is_well &= log.observed().is_empty();
        let sees = sees.or_else(|| Some(format!("as of {}", log.as_of()?)));
        let mut line = format!(
            "{origin}: {} entries verified, {waiting} wait; {}",
            log.verified(),
            sees.unwrap_or_default(),
        );
        for (since, what) in log.observed() {
            line.push_str(&format!("; {what}, seen since {since}"));
        }
        if accused.contains(origin) {
            line.push_str("; EVIDENCE against it is kept");
        }
        line.push('.');
        lines.push(line);
    }
    Alert::daily(is_well, &lines, now)
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use labelproof_core::merkle::TreeSize;

    use super::*;
    use crate::{alert::Severity, samples};

    #[test]
    fn a_day_is_due_from_its_time_on() {
        let daily: Daily = "06:30".parse().unwrap();
        let at = |text: &str| daily.due(text.parse().unwrap());
        assert_eq!(at("1970-01-03T06:29:59Z"), None);
        assert_eq!(at("1970-01-03T06:30:00Z"), Some(2));
        assert_eq!(at("1970-01-03T23:59:59Z"), Some(2));
        for wrong in ["", "6:00", "24:00", "06:60", "06:00:00", "+6:00", "noon"] {
            assert_eq!(wrong.parse::<Daily>(), Err(BadTimeOfDay), "{wrong}");
        }
    }

    #[test]
    fn well_is_only_what_is_seen_verified_and_not_accused() {
        let keys = vec![samples::log_key().vkey().clone()];
        let mut log = Standing::begin(samples::origin(), keys, "here".into(), "mirror".into());
        let severity = |log: &Standing, accused: &[Origin]| {
            let accused = accused.iter().cloned().collect();
            verdict(std::slice::from_ref(log), &accused, samples::at(0)).severity()
        };
        assert_eq!(severity(&log, &[]), Severity::Warning);
        log.as_of = Some(samples::at(0));
        assert_eq!(severity(&log, &[]), Severity::Info);
        assert_eq!(severity(&log, &[samples::origin()]), Severity::Warning);
        log.downloaded = TreeSize::new(7);
        assert_eq!(severity(&log, &[]), Severity::Warning);
        log.verified = TreeSize::new(7);
        assert_eq!(severity(&log, &[]), Severity::Info);
        log.blind = Some((samples::at(0), "why".into()));
        assert_eq!(severity(&log, &[]), Severity::Warning);
        log.blind = None;
        assert_eq!(severity(&log, &[]), Severity::Info);
        log.observed = vec![(samples::at(3), "last witnessed long ago".into())];
        assert_eq!(severity(&log, &[]), Severity::Warning);
        let told = verdict(&[log], &BTreeSet::new(), samples::at(0));
        let want = format!("; last witnessed long ago, seen since {}.", samples::at(3));
        assert!(told.detail().ends_with(&want), "{}", told.detail());
    }

    #[test]
    fn one_day_has_one_verdict() {
        let told = |second| verdict(&[], &BTreeSet::new(), samples::at(second)).id();
        assert_eq!(told(0), told(1));
        assert_ne!(told(0), told(DAY_SECONDS));
    }
}
