//! Drafts: an event before its place in a history is known.
//!
//! ```text
//! {"subject":"jp.jc-star/EX-000123","decided_at":"…","body":{…}}     no kind, no prev
//! ```
//! A person writes it in any order and spacing; [`Draft::text`] gives the canonical three lines
//! that are signed.

use serde_json::Value;

use super::content::Content;
use super::{EventId, Kind, Subject, TAG, json};
use crate::checkpoint::Origin;
use crate::refusal::Refusal;
use crate::time::Time;

/// An event without `prev`, checked for everything that holds within one event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Draft {
    kind: Kind,
    content: Content,
    value: Value,
}

impl Draft {
    /// Reads a draft of this kind.
    ///
    /// # Errors
    /// The [`Refusal`] that the finished event would meet; `kind` and `prev` are refused, since
    /// both come from elsewhere.
    pub fn from_json(kind: Kind, json: &str) -> Result<Draft, Refusal> {
        let (content, mut value) = Content::read(kind, json)?;
        let members = value.as_object_mut().expect("a draft is an object");
        if members.contains_key("kind") {
            return Err(Refusal::bad_member(
                "/kind",
                "is given by the command, leave it out",
            ));
        }
        if members.contains_key("prev") {
            return Err(Refusal::bad_member(
                "/prev",
                "is asked of the log, leave it out",
            ));
        }
        members.insert("kind".to_owned(), Value::String(kind.to_string()));
        Ok(Draft {
            kind,
            content,
            value,
        })
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.content.subject
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When it was decided.
    #[must_use]
    pub fn decided_at(&self) -> Time {
        self.content.decided_at
    }

    /// The three lines to sign, for the log `origin`, after the event `prev` of the same subject.
    #[must_use]
    pub fn text(&self, origin: &Origin, prev: Option<EventId>) -> String {
        let mut value = self.value.clone();
        if let (Some(prev), Some(members)) = (prev, value.as_object_mut()) {
            members.insert("prev".to_owned(), Value::String(prev.to_string()));
        }
        format!("{TAG}\n{origin}\n{}\n", json::canonical(&value))
    }
}
