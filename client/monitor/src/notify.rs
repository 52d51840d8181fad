//! Telling: alerts of the journal, brought to people and programs, each channel at its own pace.
//!
//! ```text
//! journal ─▶ queue of the channel (DIR/notify/NAME.json) ─▶ stdout · hook · webhook · mail
//!                      ▲                                        │
//!                      └──── delivered · down · refused · gone ─┘
//! ```
//! At least once, in order while the channel works. A channel has a thread and a file of its own: one that is slow, down
//! or out of disk holds up no other, and never the follower. What is sent is in `docs/spec/alert.md`.

mod courier;
mod desk;
pub mod hook;
pub mod queue;
mod standing;
pub mod stdout;

use std::{fmt, io, str::FromStr};

use labelproof_core::time::Time;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use desk::{Desk, DeskError};
pub use queue::Outcome;
pub use standing::Standing;

use crate::{
    alert::{Numbered, Severity},
    journal::Journal,
};
use hook::{Hook, HookError};
use stdout::Stdout;

/// An alert as channels carry it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    number: u64,
    id: String,
    rule: String,
    severity: Severity,
    origin: String,
    at: Time,
    title: String,
    detail: String,
    line: String,
}

impl Message {
    /// Its place in the journal.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its id, 64 hex digits; the same however often it is sent.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What raised it.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// How loud it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The log it is about; empty if it is about none.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// When it was raised.
    #[must_use]
    pub fn at(&self) -> Time {
        self.at
    }

    /// One line for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What happened and what to do next.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// All of it with its proof, as one JSON object without a line end.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

impl From<&Numbered> for Message {
    fn from(numbered: &Numbered) -> Self {
        let alert = numbered.alert();
        Self {
            number: numbered.number(),
            id: alert.id().to_string(),
            rule: alert.rule().to_string(),
            severity: alert.severity(),
            origin: alert.origin().map(ToString::to_string).unwrap_or_default(),
            at: alert.at(),
            title: alert.title().to_owned(),
            detail: alert.detail().to_owned(),
            line: numbered.to_json(),
        }
    }
}

/// Where alerts are read from.
pub trait Alerts: Send + Sync + fmt::Debug {
    /// One more than the number of the newest; 1 if there is none.
    fn end(&self) -> u64;

    /// The alert with this number; `None` if there is none.
    ///
    /// # Errors
    /// Whatever keeps it from being read now.
    fn read(&self, number: u64) -> io::Result<Option<Message>>;
}

impl Alerts for Journal {
    fn end(&self) -> u64 {
        self.newest().saturating_add(1)
    }

    fn read(&self, number: u64) -> io::Result<Option<Message>> {
        let found = Journal::read(self, number.saturating_sub(1), 1).map_err(io::Error::other)?;
        let found = found.first().filter(|found| found.number() == number);
        Ok(found.map(Message::from))
    }
}

/// Name of a channel: 1 to 32 of `a-z`, `0-9` and `-`; it stands in names of files.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChannelName(String);

impl FromStr for ChannelName {
    type Err = BadChannelName;

    fn from_str(text: &str) -> Result<Self, BadChannelName> {
        let fits = (1..=MAX_NAME_BYTES).contains(&text.len());
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if fits && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadChannelName)
        }
    }
}

impl TryFrom<String> for ChannelName {
    type Error = BadChannelName;

    fn try_from(text: String) -> Result<Self, BadChannelName> {
        text.parse()
    }
}

impl From<ChannelName> for String {
    fn from(name: ChannelName) -> Self {
        name.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name of a channel.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the name of a channel is 1 to 32 of a-z, 0-9 and -")]
pub struct BadChannelName;

/// A way to tell.
#[derive(Debug)]
pub enum Channel {
    /// JSON lines on standard output.
    Stdout(Stdout),
    /// A program.
    Hook(ChannelName, Hook),
}

impl Channel {
    /// What it is called in logs, metrics and the name of its file: `hook.pager`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Stdout(_) => "stdout".to_owned(),
            Self::Hook(name, _) => format!("hook.{name}"),
        }
    }

    /// What tells it from another channel under the same name.
    fn target(&self) -> String {
        match self {
            Self::Stdout(_) => String::new(),
            Self::Hook(_, hook) => hook.target(),
        }
    }

    fn send(&self, message: &Message) -> Result<(), Failure> {
        match self {
            Self::Stdout(stdout) => stdout.send(message).map_err(Failure::Stdout),
            Self::Hook(_, hook) => hook.send(message).map_err(Failure::Hook),
        }
    }
}

/// Why a channel did not take an alert.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// Standard output is closed or full.
    #[error("standard output takes nothing")]
    Stdout(#[source] io::Error),
    /// The program failed.
    #[error(transparent)]
    Hook(HookError),
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Stdout(_) => Outcome::Down { after: None },
            Self::Hook(error) => error.outcome(),
        }
    }
}

/// It stands in names of files.
const MAX_NAME_BYTES: usize = 32;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// An invented alert.
    pub(crate) fn message(number: u64) -> Message {
        let id = format!("{number:064x}");
        let title = "label.revoke jp.jc-star/EX-000123: vulnerability".to_owned();
        Message {
            number,
            rule: "watch:recalls".to_owned(),
            severity: Severity::Warning,
            origin: "labels.g7.example".to_owned(),
            at: "2026-02-03T04:05:06Z".parse().unwrap(),
            detail: "Entry 4711.".to_owned(),
            line: serde_json::json!({ "number": number, "id": id, "title": title }).to_string(),
            title,
            id,
        }
    }

    impl Message {
        pub(crate) fn titled(mut self, title: &str) -> Self {
            self.line = serde_json::json!({ "number": self.number, "title": title }).to_string();
            self.title = title.to_owned();
            self
        }
    }

    /// A journal in memory.
    #[derive(Debug, Default)]
    pub(crate) struct Kept(pub(crate) Mutex<Vec<Message>>);

    impl Kept {
        pub(crate) fn of(count: u64) -> Self {
            Self(Mutex::new((1..=count).map(message).collect()))
        }
    }

    impl Alerts for Kept {
        fn end(&self) -> u64 {
            self.0.lock().unwrap().len() as u64 + 1
        }

        fn read(&self, number: u64) -> io::Result<Option<Message>> {
            let kept = self.0.lock().unwrap();
            Ok(kept
                .iter()
                .find(|message| message.number == number)
                .cloned())
        }
    }

    #[test]
    fn names_of_channels_fit_a_file() {
        for wrong in ["", "A", "a/b", "..", "a.b", "ü", &"a".repeat(33)] {
            assert_eq!(
                wrong.parse::<ChannelName>(),
                Err(BadChannelName),
                "{wrong:?}"
            );
        }
        assert!("a".repeat(32).parse::<ChannelName>().is_ok());
    }

    #[test]
    fn the_journal_is_read_by_number() {
        let dir = tempfile::tempdir().unwrap();
        let fs = std::sync::Arc::new(labelproof_host::fs::RealFs::new());
        let journal = Journal::open(fs, dir.path()).unwrap();
        assert_eq!(
            (journal.end(), Alerts::read(&journal, 1).unwrap()),
            (1, None)
        );
        let why = "watch.txt: line 3";
        let alert = crate::alert::Alert::own_file(why, "2026-02-03T04:05:06Z".parse().unwrap());
        let numbered = journal.append(vec![alert]).unwrap();
        assert_eq!(journal.end(), 2);
        let message = Alerts::read(&journal, 1).unwrap().unwrap();
        assert_eq!(
            (message.number(), message.title(), message.origin()),
            (1, why, "")
        );
        assert_eq!(message.line(), numbered[0].to_json());
        for none in [0, 2, u64::MAX] {
            assert_eq!(Alerts::read(&journal, none).unwrap(), None, "{none}");
        }
    }
}
