//! Conditions: what a line of a watch list asks for, and what an event answers.
//!
//! ```text
//! scheme jp.jc-star          issuer label.jp.example     holder gln:9521234000006   gtin 09521234001010
//! label jp.jc-star/EX-000123 reason vulnerability        kind label.revoke
//! ```
//! A revocation names its label only. Who holds it, who issued it and which products it covers stands in the events
//! before it, the [`Background`].

use std::{collections::BTreeSet, fmt};

use labelproof_core::event::{
    AuthorityName, Body, Event, Gtin14, Kind, LabelId, LabelIssue, OrganisationId, ReasonCode,
    SchemeId, Subject,
};
use labelproof_core::note::SignatureLine;

/// One thing that holds of an event, or does not.
///
/// The order is that of how few events each holds of, rarest first.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Condition {
    /// In lower case: two spellings that a scheme may tell apart are one here, rather told than missed.
    Label(String),
    Gtin(Gtin14),
    Holder(OrganisationId),
    Issuer(AuthorityName),
    Scheme(SchemeId),
    Reason(ReasonCode),
    Kind(Kind),
}

impl Condition {
    /// Reads a word and its value.
    ///
    /// # Errors
    /// What the value should be; `None` for a word that is not known.
    pub(super) fn read(word: &str, value: &str) -> Result<Self, Option<String>> {
        let refused = |why: labelproof_core::event::WrongForm| Some(format!("`{value}` is {why}"));
        Ok(match word {
            "scheme" => Self::Scheme(value.parse().map_err(refused)?),
            "issuer" => Self::Issuer(value.parse().map_err(refused)?),
            "holder" => Self::Holder(value.parse().map_err(refused)?),
            "gtin" => Self::Gtin(Gtin14::from_digits(value).map_err(refused)?),
            "label" => Self::label(&value.parse().map_err(refused)?),
            "reason" => Self::Reason(value.parse().map_err(refused)?),
            "kind" => Self::Kind(value.parse().map_err(refused)?),
            _ => return Err(None),
        })
    }

    fn label(label: &LabelId) -> Self {
        Self::Label(label.to_string().to_ascii_lowercase())
    }

    /// Whether the answer may stand in earlier events of the subject.
    pub(super) fn needs_background(&self) -> bool {
        match self {
            Self::Gtin(_) | Self::Holder(_) | Self::Issuer(_) | Self::Scheme(_) => true,
            Self::Label(_) | Self::Reason(_) | Self::Kind(_) => false,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(label) => write!(f, "label {label}"),
            Self::Gtin(gtin) => write!(f, "gtin {gtin}"),
            Self::Holder(id) => write!(f, "holder {id}"),
            Self::Issuer(name) => write!(f, "issuer {name}"),
            Self::Scheme(id) => write!(f, "scheme {id}"),
            Self::Reason(code) => write!(f, "reason {code}"),
            Self::Kind(kind) => write!(f, "kind {kind}"),
        }
    }
}

/// What earlier events of a subject say of it: who issued and holds a label and what it covers, or which schemes an
/// authority was accredited for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Background(BTreeSet<Condition>);

impl Background {
    /// Reads the accepted events of one subject, in the order of the log.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut known = BTreeSet::new();
        for event in events {
            match event.body() {
                Body::LabelAmend(body) => {
                    // It says all of it anew; only the issuer stays.
                    known.retain(|fact| matches!(fact, Condition::Issuer(_)));
                    known.extend(body_facts(body));
                }
                Body::LabelIssue(body) => {
                    known.extend(signers(event));
                    known.extend(body_facts(body));
                }
                Body::LabelBind(body) => known.extend(gtins(body.gtins.as_slice())),
                Body::LabelUnbind(body) => {
                    for gtin in gtins(body.gtins.as_slice()) {
                        known.remove(&gtin);
                    }
                }
                Body::AuthorityAccredit(_) => known.extend(granted(event)),
                _ => {}
            }
        }
        Self(known)
    }
}

/// Everything that holds of an event.
pub(super) fn facts(event: &Event, background: &Background) -> BTreeSet<Condition> {
    let mut facts = background.0.clone();
    facts.insert(Condition::Kind(event.kind()));
    facts.extend(
        event
            .reason()
            .map(|reason| Condition::Reason(reason.code())),
    );
    facts.extend(signers(event));
    match event.subject() {
        Subject::Label(label) => {
            facts.insert(Condition::label(label));
            facts.insert(Condition::Scheme(label.scheme().clone()));
        }
        Subject::Authority(name) => {
            facts.insert(Condition::Issuer(name.clone()));
        }
        Subject::Scheme(id) => {
            facts.insert(Condition::Scheme(id.clone()));
        }
        Subject::Member(_) | Subject::Log(_) => {}
    }
    match event.body() {
        Body::LabelIssue(body) | Body::LabelAmend(body) => facts.extend(body_facts(body)),
        Body::LabelBind(body) => facts.extend(gtins(body.gtins.as_slice())),
        Body::LabelUnbind(body) => facts.extend(gtins(body.gtins.as_slice())),
        Body::AuthorityAccredit(_) => facts.extend(granted(event)),
        _ => {}
    }
    facts
}

/// Names of keys that signed. A line of an unknown key proves nothing; here it can only tell too much.
fn signers(event: &Event) -> impl Iterator<Item = Condition> {
    let names = event.note().signatures().iter().map(SignatureLine::name);
    names.filter_map(|name| name.as_str().parse().ok().map(Condition::Issuer))
}

fn body_facts(body: &LabelIssue) -> impl Iterator<Item = Condition> {
    let organisations = [&body.holder, &body.manufacturer]
        .into_iter()
        .chain(&body.representative);
    let ids = organisations.flat_map(|organisation| organisation.ids.as_slice());
    ids.cloned()
        .map(Condition::Holder)
        .chain(gtins(body.gtins.as_slice()))
        .chain(body.supersedes.as_ref().map(Condition::label))
}

fn gtins(gtins: &[Gtin14]) -> impl Iterator<Item = Condition> {
    gtins.iter().cloned().map(Condition::Gtin)
}

fn granted(event: &Event) -> BTreeSet<Condition> {
    let Body::AuthorityAccredit(body) = event.body() else {
        return BTreeSet::new();
    };
    let mut facts = BTreeSet::new();
    for grant in body.grants.as_slice() {
        facts.extend(
            grant
                .schemes
                .as_slice()
                .iter()
                .cloned()
                .map(Condition::Scheme),
        );
        let ids = grant
            .organisations
            .as_ref()
            .map_or(&[][..], |ids| ids.as_slice());
        facts.extend(ids.iter().cloned().map(Condition::Holder));
    }
    facts
}
