//! The canary: an event that an authority logs each day, so that its silence tells of a broken chain.
//!
//! ```text
//! [canary]
//! origin = "labels.g7.example"
//! authority = "canary.jp.example"     who signs it
//! silence = "26h"
//!
//! DIR/logs/<origin>/canary    canary.jp.example ⏎ 2026-11-29T06:00:04Z ⏎     heard last, or the first start
//! ```
//! A monitor that starts for the first time waits that long from then on.

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
    kept: Option<Time>,
}

/// A silence that is too long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Silence {
    pub(crate) authority: AuthorityName,
    pub(crate) since: Time,
    /// How often it lasted as long as it may.
    pub(crate) times: u64,
}

impl Heard {
    /// When it was heard as the file says; not heard yet without one of this authority. None for another log.
    pub(crate) fn of(canary: Option<&Canary>, origin: &Origin, file: &[u8]) -> Option<Self> {
        let canary = canary.filter(|canary| canary.origin == *origin)?.clone();
        let kept = parse(file, &canary.authority);
        Some(Self {
            canary,
            last: kept,
            kept,
        })
    }

    /// What to write to the file, if it changed.
    pub(crate) fn unkept(&self) -> Option<Vec<u8>> {
        let last = self.last.filter(|_| self.last != self.kept)?;
        Some(format!("{}\n{last}\n", self.canary.authority).into_bytes())
    }

    /// The file is written.
    pub(crate) fn keep(&mut self) {
        self.kept = self.last;
    }

    /// Hears an event that the log closed a batch with at this time.
    pub(crate) fn hear(&mut self, event: &Event, at: Time) {
        let name = self.canary.authority.as_str();
        let mut signers = event.note().signatures().iter();
        if signers.any(|line| line.name().as_str() == name) {
            self.last = self.last.max(Some(at));
        }
    }

    /// The silence, if it is too long; the first look begins the wait.
    pub(crate) fn silent(&mut self, now: Time) -> Option<Silence> {
        let since = *self.last.get_or_insert(now);
        let passed = now.seconds_since(since);
        // To the second it is not yet too long.
        let times = passed.saturating_sub(1) / self.canary.silence.as_secs().max(1);
        (times > 0).then(|| Silence {
            authority: self.canary.authority.clone(),
            since,
            times,
        })
    }
}

fn parse(file: &[u8], authority: &AuthorityName) -> Option<Time> {
    let text = str::from_utf8(file).ok()?;
    let time = text.strip_prefix(authority.as_str())?.strip_prefix('\n')?;
    time.strip_suffix('\n')?.parse().ok()
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
        assert!(Heard::of(Some(&canary), &"other.example".parse().unwrap(), b"").is_none());
        let mut heard = Heard::of(Some(&canary), &origin(), b"").unwrap();
        assert_eq!(heard.silent(at(0)), None);
        assert_eq!(heard.silent(at(60)), None);
        let silent = heard.silent(at(61)).unwrap();
        let authority = canary.authority.clone();
        let since = at(0);
        let want = |times| Silence {
            authority: authority.clone(),
            since,
            times,
        };
        assert_eq!(silent, want(1));
        assert_eq!(heard.silent(at(120)), Some(want(1)));
        assert_eq!(heard.silent(at(121)), Some(want(2)));
        heard.hear(&issue(1), at(50));
        assert_eq!(heard.silent(at(110)), None);
        assert_eq!(heard.silent(at(111)).unwrap().since, at(50));
        // An older one, verified again, changes nothing; another authority's neither.
        heard.hear(&issue(1), at(40));
        heard.canary.authority = "label.fr.example".parse().unwrap();
        heard.hear(&issue(1), at(100));
        assert_eq!(heard.silent(at(111)).unwrap().since, at(50));
    }

    #[test]
    fn a_restart_goes_on_with_the_same_silence() {
        let canary = Canary {
            origin: origin(),
            authority: "label.jp.example".parse().unwrap(),
            silence: Duration::from_secs(60),
        };
        let again = |file: &[u8]| Heard::of(Some(&canary), &origin(), file).unwrap();
        let mut heard = again(b"");
        assert_eq!(heard.unkept(), None);
        assert_eq!(heard.silent(at(0)), None);
        let file = heard.unkept().unwrap();
        heard.keep();
        assert_eq!(heard.unkept(), None);
        assert_eq!(again(&file).silent(at(70)).unwrap().since, at(0));
        heard.hear(&issue(1), at(50));
        let file = heard.unkept().unwrap();
        assert_eq!(again(&file).silent(at(111)).unwrap().since, at(50));
        // What is damaged, or of another canary, is none.
        for wrong in [&file[1..], &file[..file.len() - 2], b"\xff"] {
            assert_eq!(again(wrong).silent(at(500)), None);
        }
    }
}
