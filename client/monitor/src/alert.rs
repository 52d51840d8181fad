//! Alerts: what a monitor tells people, each with its own proof (`docs/spec/alert.md`).
//!
//! ```text
//! {"format":"labelproof-alert/v1","number":17,"id":"…","rule":"watch:recalls","severity":"warning","at":"…",
//!  "origin":"labels.g7.example","occasion":"4711","title":"…","detail":"…","event":{…},
//!  "proof":{"kind":"entry","entry":"…","proof":"…"}}
//!
//! id = SHA-256 over   labelproof-alert/v1
//!                     <rule>
//!                     <origin>
//!                     <occasion>        index of the entry, or 64 hex digits that name the evidence, …
//! ```
//! The id is the same whenever the same thing is told again, by whomever; the number is the journal's.

mod line;
mod rule;
mod wording;

use std::{fmt, str::FromStr};

use labelproof_core::{
    checkpoint::Origin,
    event::{Event, EventId},
    evidence::Evidence,
    merkle::{LeafHash, LeafIndex},
    note::Note,
    time::Time,
    tlog_proof::TlogProof,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use line::{LineError, MAX_ALERT_BYTES, Numbered};
pub use rule::{Rule, Severity, UnknownRule};

/// One thing to tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alert {
    id: AlertId,
    rule: Rule,
    severity: Severity,
    at: Time,
    origin: Option<Origin>,
    occasion: Occasion,
    title: String,
    detail: String,
    proof: Proof,
}

impl Alert {
    /// What raised it.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What it is the same by when it is told again.
    #[must_use]
    pub fn id(&self) -> AlertId {
        self.id
    }

    /// How loud it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// When the monitor raised it, by its own clock.
    #[must_use]
    pub fn at(&self) -> Time {
        self.at
    }

    /// The log it is about; none if it is about the monitor as a whole.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Where in the log the event is, if it is about one.
    #[must_use]
    pub fn index(&self) -> Option<LeafIndex> {
        match self.occasion {
            Occasion::Entry(index) => Some(index),
            Occasion::Named(_) => None,
        }
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

    /// What others can check it by.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// What an alert carries so that nobody needs to believe the monitor.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// An event and that it is in the log, under a witnessed checkpoint.
    Entry {
        /// The event.
        event: Box<Event>,
        /// That it is there.
        proof: TlogProof,
    },
    /// An evidence file.
    Evidence(Evidence),
    /// A receipt that was not kept so far.
    Receipt {
        /// The receipt.
        receipt: TlogProof,
        /// The leaf hash of the event it is for.
        leaf: LeafHash,
    },
    /// Signed notes that were seen: checkpoints, or an event. None where there is nothing to show.
    Seen(Vec<Note>),
}

impl Proof {
    /// What it is as files: a name and the bytes of each.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let file = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
        match self {
            Self::Entry { event, proof } => vec![
                file("entry.note", event.note().to_bytes()),
                file("entry.tlog-proof", proof.to_bytes()),
            ],
            Self::Evidence(evidence) => {
                let name = format!("{}.evidence", evidence.claim());
                vec![(name, evidence.to_bytes())]
            }
            Self::Receipt { receipt, leaf: _ } => {
                vec![file("receipt.tlog-proof", receipt.to_bytes())]
            }
            Self::Seen(notes) => {
                let named = (1..).zip(notes);
                named
                    .map(|(at, note)| (format!("seen-{at}.note"), note.to_bytes()))
                    .collect()
            }
        }
    }
}

/// The id of an alert.
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlertId([u8; 32]);

impl AlertId {
    fn of(rule: &Rule, origin: Option<&Origin>, occasion: &Occasion) -> Self {
        let origin = origin.map_or("", Origin::as_str);
        let lines = format!("{FORMAT}\n{rule}\n{origin}\n{occasion}\n");
        Self(Sha256::digest(lines).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AlertId {
    type Err = BadAlertId;

    fn from_str(text: &str) -> Result<Self, BadAlertId> {
        hex32(text).map(Self).ok_or(BadAlertId)
    }
}

impl TryFrom<String> for AlertId {
    type Error = BadAlertId;

    fn try_from(text: String) -> Result<Self, BadAlertId> {
        text.parse()
    }
}

impl From<AlertId> for String {
    fn from(id: AlertId) -> Self {
        id.to_string()
    }
}

/// What the same rule raises once for.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Occasion {
    /// An entry of the log.
    Entry(LeafIndex),
    /// Evidence, a receipt, a handed-in event, or what was seen when.
    Named([u8; 32]),
}

impl Occasion {
    fn event(id: EventId) -> Self {
        Self::Named(*id.as_bytes())
    }

    fn hashed(text: impl AsRef<[u8]>) -> Self {
        Self::Named(Sha256::digest(text).into())
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(index) => index.fmt(f),
            Self::Named(hash) => f.write_str(&hex::encode(hash)),
        }
    }
}

impl FromStr for Occasion {
    type Err = BadAlertId;

    fn from_str(text: &str) -> Result<Self, BadAlertId> {
        match hex32(text) {
            Some(hash) => Ok(Self::Named(hash)),
            None => text.parse().map(Self::Entry).map_err(|_| BadAlertId),
        }
    }
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    (hex::encode(bytes) == text).then_some(bytes)
}

/// The text is no id of an alert.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not 64 hex digits in lower case")]
pub struct BadAlertId;

/// Raised with every change that a reader of the line must know of.
const FORMAT: &str = "labelproof-alert/v1";
