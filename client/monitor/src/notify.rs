//! Telling: alerts of the journal, brought to people and programs, each channel at its own pace.
//!
//! ```text
//! journal ─▶ queue of the channel (DIR/notify/NAME.json) ─▶ stdout · hook · webhook · mail
//!                      ▲                                                 │
//!                      └──────── delivered · down · refused · gone ──────┘
//! ```
//! At least once, in order while the channel works. A channel has a thread and a file of its own: one that is slow, down
//! or out of disk holds up no other, and never the follower. What is sent is in `docs/spec/alert.md`.

mod courier;
mod desk;
pub mod hook;
pub mod mail;
pub mod queue;
mod standing;
pub mod stdout;
pub mod webhook;

use std::{fmt, io};

use thiserror::Error;

pub use desk::{Couriers, Desk, DeskError};
pub use queue::Outcome;
pub use standing::Standing;

use crate::{alert::Numbered, journal::Journal, name::Name};
use hook::{Hook, HookError};
use mail::{Mail, MailError};
use stdout::Stdout;
use webhook::{Webhook, WebhookError};

/// Where alerts are read from.
pub trait Alerts: Send + Sync + fmt::Debug {
    /// One more than the number of the newest; 1 if there is none.
    fn end(&self) -> u64;

    /// The alert with this number; `None` if there is none.
    ///
    /// # Errors
    /// Whatever keeps it from being read now.
    fn read(&self, number: u64) -> io::Result<Option<Numbered>>;
}

impl Alerts for Journal {
    fn end(&self) -> u64 {
        self.newest().saturating_add(1)
    }

    fn read(&self, number: u64) -> io::Result<Option<Numbered>> {
        self.one(number).map_err(io::Error::other)
    }
}

/// A way to tell.
#[derive(Debug)]
pub enum Channel {
    /// JSON lines on standard output.
    Stdout(Stdout),
    /// A program.
    Hook(Name, Hook),
    /// A mailbox.
    Mail(Mail),
    /// A receiver by HTTP.
    Webhook(Name, Webhook),
}

impl Channel {
    /// What it is called in logs, metrics and the name of its file: `hook.pager`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Stdout(_) => "stdout".to_owned(),
            Self::Hook(name, _) => format!("hook.{name}"),
            Self::Mail(mail) => format!("mail.{}", mail.label()),
            Self::Webhook(name, _) => format!("webhook.{name}"),
        }
    }

    /// What tells it from another channel under the same name.
    fn target(&self) -> String {
        match self {
            Self::Stdout(_) => String::new(),
            Self::Hook(_, hook) => hook.target(),
            Self::Mail(mail) => mail.target(),
            Self::Webhook(_, webhook) => webhook.target(),
        }
    }

    fn send(&self, alert: &Numbered) -> Result<(), Failure> {
        match self {
            Self::Stdout(stdout) => stdout.send(alert).map_err(Failure::Stdout),
            Self::Hook(_, hook) => hook.send(alert).map_err(Failure::Hook),
            Self::Mail(mail) => mail.send(alert).map_err(Failure::Mail),
            Self::Webhook(_, webhook) => webhook.send(alert).map_err(Failure::Webhook),
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
    /// The mail server did not take it.
    #[error(transparent)]
    Mail(MailError),
    /// The receiver did not take it.
    #[error(transparent)]
    Webhook(WebhookError),
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Stdout(_) => Outcome::Down { after: None },
            Self::Hook(error) => error.outcome(),
            Self::Mail(error) => error.outcome(),
            Self::Webhook(error) => error.outcome(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Mutex, OnceLock};

    use super::*;
    use crate::{alert::Alert, samples};

    /// An invented alert.
    pub(crate) fn alert(number: u64) -> Numbered {
        static ALERT: OnceLock<Alert> = OnceLock::new();
        let watched = || {
            let logged = samples::logged(5, samples::revoke(123));
            let list = "recalls".parse().unwrap();
            Alert::watched(&list, "kind label.revoke", &logged, samples::at(0))
        };
        Numbered::new(number, ALERT.get_or_init(watched).clone())
    }

    /// One with this title.
    pub(crate) fn titled(title: &str) -> Numbered {
        Numbered::new(1, Alert::own_file(title, samples::at(0)))
    }

    /// A journal in memory.
    #[derive(Debug, Default)]
    pub(crate) struct Kept(pub(crate) Mutex<Vec<Numbered>>);

    impl Kept {
        pub(crate) fn of(count: u64) -> Self {
            Self(Mutex::new((1..=count).map(alert).collect()))
        }
    }

    impl Alerts for Kept {
        fn end(&self) -> u64 {
            self.0.lock().unwrap().len() as u64 + 1
        }

        fn read(&self, number: u64) -> io::Result<Option<Numbered>> {
            let kept = self.0.lock().unwrap();
            Ok(kept.iter().find(|alert| alert.number() == number).cloned())
        }
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
        let told = Alert::own_file("watch.txt: line 3", samples::at(0));
        let numbered = journal.append(vec![told]).unwrap();
        assert_eq!(journal.end(), 2);
        assert_eq!(
            Alerts::read(&journal, 1).unwrap().as_ref(),
            numbered.first()
        );
        for none in [0, 2, u64::MAX] {
            assert_eq!(Alerts::read(&journal, none).unwrap(), None, "{none}");
        }
    }
}
