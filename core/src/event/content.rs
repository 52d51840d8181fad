//! Content of an event: line 3, typed, and the rules that hold within one event.
//!
//! ```text
//! {"body":{…},"decided_at":"2026-02-03T01:00:00Z","kind":"label.issue","subject":"jp.jc-star/EX-000123"}
//! ```
//! A draft is the same object without `kind` and `prev`; both are read here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::form::{List, Sha256, Text, words};
use super::json::{self, EventKey};
use super::scan;
use super::{
    AuthorityAccredit, AuthorityKey, AuthorityWithdraw, EventId, Kind, LabelBind, LabelIssue,
    LabelReinstate, LabelRenew, LabelRevoke, LabelSuspend, LabelUnbind, LogGenesis, MemberRoot,
    Reason, SchemeDefine, Subject, WebUri,
};
use crate::refusal::{Malformed, Pointer, Refusal};
use crate::time::Time;

/// What an event says, by its kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Body {
    /// `log.genesis`
    LogGenesis(LogGenesis),
    /// `member.root`
    MemberRoot(MemberRoot),
    /// `scheme.define`
    SchemeDefine(SchemeDefine),
    /// `authority.accredit`
    AuthorityAccredit(AuthorityAccredit),
    /// `authority.key`
    AuthorityKey(AuthorityKey),
    /// `authority.withdraw`
    AuthorityWithdraw(AuthorityWithdraw),
    /// `label.issue`
    LabelIssue(Box<LabelIssue>),
    /// `label.renew`
    LabelRenew(LabelRenew),
    /// `label.amend`
    LabelAmend(Box<LabelIssue>),
    /// `label.bind`
    LabelBind(LabelBind),
    /// `label.unbind`
    LabelUnbind(LabelUnbind),
    /// `label.suspend`
    LabelSuspend(LabelSuspend),
    /// `label.reinstate`
    LabelReinstate(LabelReinstate),
    /// `label.revoke`
    LabelRevoke(LabelRevoke),
}

impl Body {
    /// The kind it is the body of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Body::LogGenesis(_) => Kind::LogGenesis,
            Body::MemberRoot(_) => Kind::MemberRoot,
            Body::SchemeDefine(_) => Kind::SchemeDefine,
            Body::AuthorityAccredit(_) => Kind::AuthorityAccredit,
            Body::AuthorityKey(_) => Kind::AuthorityKey,
            Body::AuthorityWithdraw(_) => Kind::AuthorityWithdraw,
            Body::LabelIssue(_) => Kind::LabelIssue,
            Body::LabelRenew(_) => Kind::LabelRenew,
            Body::LabelAmend(_) => Kind::LabelAmend,
            Body::LabelBind(_) => Kind::LabelBind,
            Body::LabelUnbind(_) => Kind::LabelUnbind,
            Body::LabelSuspend(_) => Kind::LabelSuspend,
            Body::LabelReinstate(_) => Kind::LabelReinstate,
            Body::LabelRevoke(_) => Kind::LabelRevoke,
        }
    }

    /// Whether the event takes something away, so that it needs a reason.
    #[must_use]
    pub fn takes_away(&self) -> bool {
        match self {
            Body::AuthorityKey(change) => matches!(change, AuthorityKey::Revoke(_)),
            Body::AuthorityWithdraw(_)
            | Body::LabelUnbind(_)
            | Body::LabelSuspend(_)
            | Body::LabelRevoke(_) => true,
            Body::LogGenesis(_)
            | Body::MemberRoot(_)
            | Body::SchemeDefine(_)
            | Body::AuthorityAccredit(_)
            | Body::LabelIssue(_)
            | Body::LabelRenew(_)
            | Body::LabelAmend(_)
            | Body::LabelBind(_)
            | Body::LabelReinstate(_) => false,
        }
    }
}

/// A document that a decision rests on: its hash, never the document.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Who may read it.
    pub access: Access,
    /// Its media type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Text<128>>,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<WebUri>,
}

words! {
    /// Who may read a document.
    Access, "an access":
    /// Everybody.
    Public = "public",
    /// Authorities.
    AuthorityOnly = "authority-only",
}

/// Line 3 of an event, or a draft of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Content {
    pub(super) subject: Subject,
    pub(super) prev: Option<EventId>,
    pub(super) decided_at: Time,
    pub(super) effective_from: Option<Time>,
    pub(super) effective_until: Option<Time>,
    pub(super) reason: Option<Reason>,
    pub(super) legal_basis: Option<Text<MAX_LEGAL_BASIS_BYTES>>,
    pub(super) evidence: Option<List<Evidence, 1, MAX_EVIDENCE>>,
    pub(super) body: Body,
}

/// The members as they travel; `kind` and `prev` are absent in a draft.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Members<B> {
    body: B,
    decided_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_until: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<List<Evidence, 1, MAX_EVIDENCE>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_basis: Option<Text<MAX_LEGAL_BASIS_BYTES>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    subject: Subject,
}

impl Content {
    /// Reads an event's object, as long as it is canonical and right; `None` says that [`Content::read`] has to.
    pub(super) fn read_canonical(json: &str) -> Option<Content> {
        let mut kind = None;
        scan::strings(json, |found| {
            if found.depth == 1 && found.member == "kind" {
                kind = found.text.parse().ok();
            }
            Some(())
        })?;
        let content = Content::of(kind?, json, &mut AsWritten)?;
        content.check().ok()?;
        Some(content)
    }

    /// Reads an object of this kind, checks what holds within it, and gives it back as JSON too.
    pub(super) fn read(kind: Kind, json: &str) -> Result<(Content, Value), Refusal> {
        let mut strictly = Strictly { value: Value::Null };
        let content = Content::of(kind, json, &mut strictly)?;
        content.check()?;
        Ok((content, strictly.value))
    }

    fn of<R: ReadMembers>(kind: Kind, json: &str, reader: &mut R) -> R::Outcome<Content> {
        match kind {
            Kind::LogGenesis => reader.content(json, Body::LogGenesis),
            Kind::MemberRoot => reader.content(json, Body::MemberRoot),
            Kind::SchemeDefine => reader.content(json, Body::SchemeDefine),
            Kind::AuthorityAccredit => reader.content(json, Body::AuthorityAccredit),
            Kind::AuthorityKey => reader.content(json, Body::AuthorityKey),
            Kind::AuthorityWithdraw => reader.content(json, Body::AuthorityWithdraw),
            Kind::LabelIssue => reader.content(json, |body| Body::LabelIssue(Box::new(body))),
            Kind::LabelRenew => reader.content(json, Body::LabelRenew),
            Kind::LabelAmend => reader.content(json, |body| Body::LabelAmend(Box::new(body))),
            Kind::LabelBind => reader.content(json, Body::LabelBind),
            Kind::LabelUnbind => reader.content(json, Body::LabelUnbind),
            Kind::LabelSuspend => reader.content(json, Body::LabelSuspend),
            Kind::LabelReinstate => reader.content(json, Body::LabelReinstate),
            Kind::LabelRevoke => reader.content(json, Body::LabelRevoke),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.body.takes_away() && self.reason.is_none() {
            return Err(Refusal::bad_member(
                "/reason",
                "missing; an event that takes something away says why",
            ));
        }
        if self
            .effective_until
            .is_some_and(|until| until <= self.effective_from.unwrap_or(self.decided_at))
        {
            return Err(Refusal::bad_member(
                "/effective_until",
                "is not after the time from which it holds",
            ));
        }
        match (&self.body, &self.subject) {
            (Body::LogGenesis(body), Subject::Log(_)) => body.check(),
            (Body::MemberRoot(body), Subject::Member(_)) => body.check(),
            (Body::SchemeDefine(body), Subject::Scheme(_)) => body.check(),
            (Body::AuthorityAccredit(body), Subject::Authority(name)) => body.check(name),
            (Body::AuthorityKey(body), Subject::Authority(name)) => body.check(name),
            (Body::AuthorityWithdraw(body), Subject::Authority(name)) => body.check(name),
            (Body::LabelIssue(body) | Body::LabelAmend(body), Subject::Label(id)) => body.check(id),
            (Body::LabelRenew(body), Subject::Label(_)) => body.check(),
            (Body::LabelBind(body), Subject::Label(_)) => body.check(),
            (Body::LabelUnbind(body), Subject::Label(_)) => body.check(),
            (
                Body::LabelSuspend(_) | Body::LabelReinstate(_) | Body::LabelRevoke(_),
                Subject::Label(_),
            ) => Ok(()),
            (body, _) => Err(Refusal::bad_member(
                "/subject",
                format_args!("is not a subject of {}", body.kind()),
            )),
        }
    }
}

/// The kind that an object names.
pub(super) fn kind_of(json: &str) -> Result<Kind, Refusal> {
    #[derive(Deserialize)]
    struct Probe {
        kind: Option<String>,
    }
    if !json.starts_with('{') {
        return Err(Refusal::Malformed(Malformed::Json));
    }
    let probe: Probe = json::read(json)?;
    let word = probe
        .kind
        .ok_or_else(|| Refusal::bad_member("/kind", "missing"))?;
    word.parse().map_err(|_| Refusal::UnknownKind)
}

/// A way to read members.
trait ReadMembers {
    /// What comes of it.
    type Outcome<T>;

    fn content<B: DeserializeOwned + Serialize>(
        &mut self,
        json: &str,
        wrap: impl Fn(B) -> Body,
    ) -> Self::Outcome<Content>;
}

/// Takes only what is written as we would write it.
struct AsWritten;

impl ReadMembers for AsWritten {
    type Outcome<T> = Option<T>;

    fn content<B: DeserializeOwned + Serialize>(
        &mut self,
        json: &str,
        wrap: impl Fn(B) -> Body,
    ) -> Option<Content> {
        Some(json::read_as_written::<Members<B>>(json)?.content(wrap))
    }
}

/// Says what is wrong, and keeps what was read as JSON.
struct Strictly {
    value: Value,
}

impl ReadMembers for Strictly {
    type Outcome<T> = Result<T, Refusal>;

    fn content<B: DeserializeOwned + Serialize>(
        &mut self,
        json: &str,
        wrap: impl Fn(B) -> Body,
    ) -> Result<Content, Refusal> {
        let members: Members<B> = json::read(json)?;
        self.value = serde_json::to_value(&members)
            .expect("members are strings, integers, lists and maps by string");
        Ok(members.content(wrap))
    }
}

impl<B> Members<B> {
    fn content(self, wrap: impl Fn(B) -> Body) -> Content {
        Content {
            subject: self.subject,
            prev: self.prev,
            decided_at: self.decided_at,
            effective_from: self.effective_from,
            effective_until: self.effective_until,
            reason: self.reason,
            legal_basis: self.legal_basis,
            evidence: self.evidence,
            body: wrap(self.body),
        }
    }
}

/// Refuses a list in which one public key stands twice, whatever names it carries.
pub(super) fn check_distinct_keys(keys: &[EventKey], at: &Pointer) -> Result<(), Refusal> {
    for (index, key) in keys.iter().enumerate() {
        if keys[..index]
            .iter()
            .any(|other| other.vkey().public_key() == key.vkey().public_key())
        {
            return Err(Refusal::bad_member(
                at.element(index),
                "repeats an earlier key",
            ));
        }
    }
    Ok(())
}

/// A section of a law, not its text.
pub(super) const MAX_LEGAL_BASIS_BYTES: usize = 256;
/// A decision rests on a few documents; each costs about 200 bytes.
pub(super) const MAX_EVIDENCE: usize = 16;
