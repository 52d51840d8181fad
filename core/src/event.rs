//! Events: what an entry of the log says (`docs/spec/event.md`).
//!
//! ```text
//! labelproof-event/v1                          tag
//! labels.g7.example                            origin of the log it is meant for
//! {"body":{…},"decided_at":"…","kind":"…",…}   one object, canonical JSON (RFC 8785)
//!
//! — label.jp.example NnugSzTj…                 signature lines (c2sp.org/signed-note)
//! ```
//! Reading decides what one event can say by itself. Who may sign it, and whether its subject
//! may take the step, is decided by `state`; what is kept out of the log, by [`admission`].

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256 as Sha256Hasher};

use crate::checkpoint::Origin;
use crate::entry_bundle::MAX_ENTRY_BYTES;
use crate::merkle::LeafHash;
use crate::note::Note;
use crate::refusal::{Malformed, Refusal};
use crate::time::Time;

pub mod admission;
mod authority;
mod content;
mod draft;
pub(crate) mod form;
mod identifiers;
mod json;
mod kind;
mod label;
mod member;
mod names;
mod product;
mod reason;
mod scan;
mod scheme;
mod subject;
mod template;

pub use authority::{
    AuthorityAccredit, AuthorityKey, AuthorityWithdraw, EffectOnLabels, Factor, Grant,
    KeyRevocation, Role,
};
pub use content::{Access, Body, Evidence};
pub use draft::Draft;
pub use form::{BadList, List, MAX_INTEGER, Names, Number, Sha256, Text, WrongForm, WrongLength};
pub(crate) use identifiers::gs1_check_digit;
pub use identifiers::{Gtin14, OrganisationId, PageUri, WebUri};
pub use json::EventKey;
pub use kind::Kind;
pub use label::{
    Assurance, LabelBind, LabelIssue, LabelReinstate, LabelRenew, LabelRevoke, LabelSuspend,
    LabelUnbind, MAX_ALIAS_BYTES, MAX_ALIASES, MAX_GTINS, MAX_MODELS, ValidityEffect,
};
pub use member::{LogGenesis, Member, MemberRoot};
pub use names::{
    AuthorityName, Category, CountryCode, Domain, LevelCode, MemberCode, NativeId, Rules, SchemeId,
    Territory,
};
pub use product::{
    Component, Document, Firmware, MadeFor, Model, Organisation, Product, Standard, SupportDate,
    SupportEnd, UpdateMode, Updates,
};
pub use reason::{Reason, ReasonCode};
pub use scheme::{IdRule, Level, SchemeDefine, ValidityReference};
pub use subject::{LabelId, Subject};
pub use template::template;

use content::{Content, check_distinct_keys, kind_of};

/// An event: an entry that obeys the format, whoever signed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    note: Note,
    origin: Origin,
    id: EventId,
    leaf: LeafHash,
    content: Content,
}

impl Event {
    /// Reads an entry.
    ///
    /// # Errors
    /// The [`Refusal`] of the first rule that the bytes break; the same bytes are refused for
    /// ever, by every log of this version.
    pub fn parse(bytes: &[u8]) -> Result<Event, Refusal> {
        check_size(bytes)?;
        Self::read(bytes.to_vec())
    }

    /// The same for bytes that nobody else needs.
    ///
    /// # Errors
    /// As [`Event::parse`].
    pub fn read(bytes: Vec<u8>) -> Result<Event, Refusal> {
        check_size(&bytes)?;
        let note = Note::read(bytes).map_err(|_| Refusal::Malformed(Malformed::Note))?;
        let (origin, json) = lines(note.text())?;
        let content = match Content::read_canonical(json) {
            Some(content) => content,
            None => read_strictly(json)?,
        };
        if matches!(&content.subject, Subject::Log(subject) if *subject != origin) {
            return Err(Refusal::bad_member(
                "/subject",
                "is not the origin on line 2",
            ));
        }
        let id = EventId::of_text(note.text());
        let leaf = LeafHash::of_entry(note.as_bytes());
        Ok(Event {
            note,
            origin,
            id,
            leaf,
            content,
        })
    }

    /// The entry as it was submitted.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.note.as_bytes()
    }

    /// The signed note.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The log it is meant for.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its id, which signatures do not change.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The hash of the entry, under which the log's tree holds it; another signature line makes another one.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        self.leaf
    }

    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.content.subject
    }

    /// What it does.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.content.body.kind()
    }

    /// The event of the same subject that it follows.
    #[must_use]
    pub fn prev(&self) -> Option<EventId> {
        self.content.prev
    }

    /// When it was decided.
    #[must_use]
    pub fn decided_at(&self) -> Time {
        self.content.decided_at
    }

    /// From when it has effect, if not from [`Event::decided_at`].
    #[must_use]
    pub fn effective_from(&self) -> Option<Time> {
        self.content.effective_from
    }

    /// The first instant at which it has no effect any more.
    #[must_use]
    pub fn effective_until(&self) -> Option<Time> {
        self.content.effective_until
    }

    /// Why, for an event that takes something away.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.content.reason.as_ref()
    }

    /// The law it rests on.
    #[must_use]
    pub fn legal_basis(&self) -> Option<&str> {
        self.content.legal_basis.as_ref().map(Text::as_str)
    }

    /// The documents it rests on.
    #[must_use]
    pub fn evidence(&self) -> &[Evidence] {
        self.content.evidence.as_ref().map_or(&[], List::as_slice)
    }

    /// What it says.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.content.body
    }

    /// Line 3.
    #[must_use]
    pub fn json(&self) -> &str {
        self.note
            .text()
            .lines()
            .nth(2)
            .expect("three lines were read")
    }
}

fn check_size(bytes: &[u8]) -> Result<(), Refusal> {
    if bytes.len() <= MAX_ENTRY_BYTES {
        return Ok(());
    }
    Err(Refusal::TooLarge {
        got: bytes.len() as u64,
        limit: MAX_ENTRY_BYTES as u64,
    })
}

/// Reads line 3 step by step, so that the first rule that is broken can be named.
fn read_strictly(json: &str) -> Result<Content, Refusal> {
    let kind = kind_of(json)?;
    let (content, value) = Content::read(kind, json)?;
    let canonical = json::canonical(&value);
    if canonical == json {
        return Ok(content);
    }
    let same = canonical
        .bytes()
        .zip(json.bytes())
        .take_while(|(ours, theirs)| ours == theirs)
        .count();
    Err(Refusal::NotCanonical { offset: same })
}

/// Cuts the text of a note into origin and JSON.
fn lines(text: &str) -> Result<(Origin, &str), Refusal> {
    let mut lines = text.split('\n');
    let (Some(tag), Some(origin), Some(json), Some(""), None) = (
        lines.next(),
        lines.next(),
        lines.next(),
        lines.next(),
        lines.next(),
    ) else {
        return Err(Refusal::Malformed(Malformed::Lines));
    };
    if tag != TAG {
        return Err(Refusal::Malformed(Malformed::Tag));
    }
    let origin: Origin = origin
        .parse()
        .map_err(|_| Refusal::Malformed(Malformed::Origin))?;
    Ok((origin, json))
}

/// The id of an event: SHA-256 of the note text, without signatures.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventId([u8; 32]);

impl EventId {
    /// The id of the event with this note text.
    #[must_use]
    pub fn of_text(text: &str) -> EventId {
        EventId(Sha256Hasher::digest(text.as_bytes()).into())
    }

    /// The id with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> EventId {
        EventId(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = WrongForm;

    fn from_str(text: &str) -> Result<EventId, WrongForm> {
        form::hex32(text)
            .map(EventId)
            .ok_or(WrongForm::new("an event id", "64 hex digits, lower case"))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

form::as_json_string!(EventId);

/// Line 1 of every event.
const TAG: &str = "labelproof-event/v1";

#[cfg(test)]
mod tests {
    use super::*;

    /// Line 3 of an event of each kind.
    fn examples() -> impl Iterator<Item = String> {
        Kind::ALL.iter().map(|kind| {
            let draft = Draft::from_json(*kind, template(*kind)).unwrap();
            let text = draft.text(&"labels.g7.example".parse().unwrap(), None);
            text.lines().nth(2).unwrap().to_owned()
        })
    }

    #[test]
    fn the_quick_reading_gives_what_the_strict_one_gives() {
        for json in examples() {
            let quickly = Content::read_canonical(&json).expect(&json);
            assert_eq!(Ok(quickly), read_strictly(&json));
        }
    }

    #[test]
    fn the_quick_reading_takes_nothing_that_the_strict_one_refuses() {
        for json in examples() {
            for (at, _) in json.match_indices(|char: char| char.is_ascii()) {
                for put in ["", " ", "0", "\"", ",\"a\":null"] {
                    let other = [&json[..at], put, &json[at + 1..]].concat();
                    if Content::read_canonical(&other).is_some() {
                        assert!(read_strictly(&other).is_ok(), "{other}");
                    }
                }
            }
        }
    }
}
