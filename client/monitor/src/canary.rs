//! The canary: an event that an authority logs each day, so that its silence tells of a broken chain.
//!
//! ```text
//! [canary]
//! origin = "labels.g7.example"
//! authority = "canary.jp.example"     who signs it
//! silence = "26h"
//! ```
//! A monitor that starts waits that long from then on.

use std::time::Duration;

use labelproof_core::{
    checkpoint::Origin,
    event::{AuthorityName, Event},
    time::Time,
};

/// Whose events are expected in which log, and how often.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canary {
    pub(crate) origin: Origin,
    pub(crate) authority: AuthorityName,
    pub(crate) silence: Duration,
}

/// When the canary of one log was heard last.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    canary: Canary,
    last: Option<Time>,
}

impl Heard {
    /// Not heard yet; none for another log.
    pub(crate) fn of(canary: Option<&Canary>, origin: &Origin) -> Option<Self> {
        let canary = canary.filter(|canary| canary.origin == *origin)?.clone();
        Some(Self { canary, last: None })
    }

    /// Hears an event that the log closed a batch with at this time.
    pub(crate) fn hear(&mut self, event: &Event, at: Time) {
        let name = self.canary.authority.as_str();
        let mut signers = event.note().signatures().iter();
        if signers.any(|line| line.name().as_str() == name) {
            self.last = self.last.max(Some(at));
        }
    }

    /// Who is silent, and since when, if it is too long; the first look begins the wait.
    pub(crate) fn silent(&mut self, now: Time) -> Option<(AuthorityName, Time)> {
        let last = *self.last.get_or_insert(now);
        let silence = Duration::from_secs(now.seconds_since(last));
        (silence > self.canary.silence).then(|| (self.canary.authority.clone(), last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, issue, origin};

    #[test]
    fn silence_is_counted_from_the_last_event_or_the_start() {
        let canary = Canary {
            origin: origin(),
            authority: "label.jp.example".parse().unwrap(),
            silence: Duration::from_secs(60),
        };
        assert!(Heard::of(Some(&canary), &"other.example".parse().unwrap()).is_none());
        let mut heard = Heard::of(Some(&canary), &origin()).unwrap();
        assert_eq!(heard.silent(at(0)), None);
        assert_eq!(heard.silent(at(60)), None);
        let silent = heard.silent(at(61)).unwrap();
        assert_eq!(silent, (canary.authority.clone(), at(0)));
        heard.hear(&issue(1), at(50));
        assert_eq!(heard.silent(at(110)), None);
        assert_eq!(heard.silent(at(111)).unwrap().1, at(50));
        // An older one, verified again, changes nothing; another authority's neither.
        heard.hear(&issue(1), at(40));
        heard.canary.authority = "label.fr.example".parse().unwrap();
        heard.hear(&issue(1), at(100));
        assert_eq!(heard.silent(at(111)).unwrap().1, at(50));
    }
}
