//! The canary: an event that an authority logs each day, so that its silence tells of a broken chain.
//!
//! ```text
//! [canary]
//! origin = "labels.g7.example"
//! authority = "canary.jp.example"     who signs it
//! silence = "26h"
//!
//! DIR/logs/<origin>/canary    canary.jp.example ⏎ 2026-11-29T06:00:04Z ⏎     heard last, or the first start
//!                             silent 2026-11-27T06:00:04Z ⏎                  only while people think that it is
//! ```
//! A monitor that starts for the first time waits that long from then on. A silence that was told is told as over.

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
    state: State,
    kept: State,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct State {
    last: Option<Time>,
    /// Since when it was silent, as people were told last.
    silent: Option<Time>,
}

/// A silence that was told, and is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Back {
    pub(crate) authority: AuthorityName,
    pub(crate) since: Time,
    /// When the event that ended it was logged.
    pub(crate) heard: Time,
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
        let kept = parse(file, &canary.authority).unwrap_or_default();
        Some(Self {
            canary,
            state: kept,
            kept,
        })
    }

    /// What to write to the file, if it changed.
    pub(crate) fn unkept(&self) -> Option<Vec<u8>> {
        let State { last, silent } = self.state;
        let last = last.filter(|_| self.state != self.kept)?;
        let silent = silent.map_or_else(String::new, |since| format!("{SILENT}{since}\n"));
        Some(format!("{}\n{last}\n{silent}", self.canary.authority).into_bytes())
    }

    /// The file is written.
    pub(crate) fn keep(&mut self) {
        self.kept = self.state;
    }

    /// Hears an event that the log closed a batch with at this time.
    pub(crate) fn hear(&mut self, event: &Event, at: Time) {
        let name = self.canary.authority.as_str();
        let mut signers = event.note().signatures().iter();
        if signers.any(|line| line.name().as_str() == name) {
            self.state.last = self.state.last.max(Some(at));
        }
    }

    /// The silence, if it is too long; the first look begins the wait.
    pub(crate) fn silent(&mut self, now: Time) -> Option<Silence> {
        let since = *self.state.last.get_or_insert(now);
        let passed = now.seconds_since(since);
        // To the second it is not yet too long.
        let times = passed.saturating_sub(1) / self.canary.silence.as_secs().max(1);
        if times == 0 {
            return None;
        }
        self.state.silent = Some(since);
        Some(Silence {
            authority: self.canary.authority.clone(),
            since,
            times,
        })
    }

    /// The silence that is over, until [`Heard::told_back`]; it is for the caller to ask first whether there is another.
    pub(crate) fn back(&self) -> Option<Back> {
        let (since, heard) = (self.state.silent?, self.state.last?);
        (heard > since).then(|| Back {
            authority: self.canary.authority.clone(),
            since,
            heard,
        })
    }

    /// People know that the silence is over.
    pub(crate) fn told_back(&mut self) {
        self.state.silent = None;
    }
}

fn parse(file: &[u8], authority: &AuthorityName) -> Option<State> {
    let text = str::from_utf8(file).ok()?;
    let times = text.strip_prefix(authority.as_str())?.strip_prefix('\n')?;
    let times = times.strip_suffix('\n')?;
    let (last, silent) = match times.split_once('\n') {
        Some((last, silent)) => (last, Some(silent.strip_prefix(SILENT)?.parse().ok()?)),
        None => (times, None),
    };
    let last = Some(last.parse().ok()?);
    Some(State { last, silent })
}

const SILENT: &str = "silent ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, issue, origin};

    /// One that may be silent for a minute.
    fn canary() -> Canary {
        Canary {
            origin: origin(),
            authority: "label.jp.example".parse().unwrap(),
            silence: Duration::from_secs(60),
        }
    }

    /// What a process knows that begins with this file.
    fn again(file: &[u8]) -> Heard {
        Heard::of(Some(&canary()), &origin(), file).unwrap()
    }

    #[test]
    fn silence_is_counted_from_the_last_event_or_the_start() {
        assert!(Heard::of(Some(&canary()), &"other.example".parse().unwrap(), b"").is_none());
        let mut heard = again(b"");
        assert_eq!(heard.silent(at(0)), None);
        assert_eq!(heard.silent(at(60)), None);
        let silent = heard.silent(at(61)).unwrap();
        let authority = canary().authority;
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
        let mut heard = again(b"");
        assert_eq!(heard.unkept(), None);
        assert_eq!(heard.silent(at(0)), None);
        let file = heard.unkept().unwrap();
        heard.keep();
        assert_eq!(heard.unkept(), None);
        assert_eq!(again(&file).silent(at(70)).unwrap().since, at(0));
        heard.hear(&issue(1), at(50));
        let file = heard.unkept().unwrap();
        let mut silent = again(&file);
        assert_eq!(silent.silent(at(111)).unwrap().since, at(50));
        let file = silent.unkept().unwrap();
        assert_eq!(again(&file).silent(at(112)).unwrap().since, at(50));
        // What is damaged, or of another canary, is none.
        let lines = b"label.jp.example\n2026-11-29T06:00:04Z\nsilence\n";
        for wrong in [&file[1..], &file[..file.len() - 2], lines, b"\xff"] {
            assert_eq!(again(wrong).silent(at(500)), None);
        }
    }

    #[test]
    fn a_silence_that_was_told_is_told_as_over_also_after_a_restart() {
        let mut heard = again(b"");
        heard.hear(&issue(1), at(0));
        // Late, and nobody was told.
        heard.hear(&issue(1), at(100));
        assert_eq!((heard.silent(at(100)), heard.back()), (None, None));
        assert!(heard.silent(at(161)).is_some());
        assert_eq!(heard.back(), None);
        let mut heard = again(&heard.unkept().unwrap());
        assert_eq!(heard.back(), None);
        heard.hear(&issue(1), at(200));
        let mut heard = again(&heard.unkept().unwrap());
        let back = Back {
            authority: canary().authority,
            since: at(100),
            heard: at(200),
        };
        for _ in 0..2 {
            assert_eq!(heard.silent(at(210)), None);
            assert_eq!(heard.back(), Some(back.clone()));
        }
        heard.told_back();
        assert_eq!(again(&heard.unkept().unwrap()).back(), None);
    }
}
