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
    /// Reads an object of this kind, checks what holds within it, and gives it back as JSON too.
    pub(super) fn read(kind: Kind, json: &str) -> Result<(Content, Value), Refusal> {
        let (content, value) = match kind {
            Kind::LogGenesis => members(json, Body::LogGenesis),
            Kind::MemberRoot => members(json, Body::MemberRoot),
            Kind::SchemeDefine => members(json, Body::SchemeDefine),
            Kind::AuthorityAccredit => members(json, Body::AuthorityAccredit),
            Kind::AuthorityKey => members(json, Body::AuthorityKey),
            Kind::AuthorityWithdraw => members(json, Body::AuthorityWithdraw),
            Kind::LabelIssue => members(json, |body| Body::LabelIssue(Box::new(body))),
            Kind::LabelRenew => members(json, Body::LabelRenew),
            Kind::LabelAmend => members(json, |body| Body::LabelAmend(Box::new(body))),
            Kind::LabelBind => members(json, Body::LabelBind),
            Kind::LabelUnbind => members(json, Body::LabelUnbind),
            Kind::LabelSuspend => members(json, Body::LabelSuspend),
            Kind::LabelReinstate => members(json, Body::LabelReinstate),
            Kind::LabelRevoke => members(json, Body::LabelRevoke),
        }?;
        content.check()?;
        Ok((content, value))
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

fn members<B: DeserializeOwned + Serialize>(
    json: &str,
    wrap: impl Fn(B) -> Body,
) -> Result<(Content, Value), Refusal> {
    let members: Members<B> = json::read(json)?;
    let value = serde_json::to_value(&members)
        .expect("members are strings, integers, lists and maps by string");
    let content = Content {
        subject: members.subject,
        prev: members.prev,
        decided_at: members.decided_at,
        effective_from: members.effective_from,
        effective_until: members.effective_until,
        reason: members.reason,
        legal_basis: members.legal_basis,
        evidence: members.evidence,
        body: wrap(members.body),
    };
    Ok((content, value))
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
