//! Who may sign what: members, schemes and authorities, in memory as a whole.
//!
//! ```text
//! scheme jp.jc-star            belongs to member jp
//! authority label.jp.example   belongs to the member that owns jp.example
//! label jp.jc-star/…           issued in the scope of a grant; kept by its issuer and the scheme's supervisors
//! ```
//! Questions about keys come with an index, so that past events are judged as they were.
//! What the kinds do to members, schemes and authorities is `subjects`; labels are `labels`.

use std::collections::BTreeMap;

use crate::checkpoint::Origin;
use crate::event::{
    AuthorityName, Body, Event, EventKey, LabelIssue, LogGenesis, Member, MemberCode, Role,
    SchemeId, Subject,
};
use crate::key::Vkey;
use crate::merkle::{LeafHash, LeafIndex};
use crate::note::SignatureLine;
use crate::refusal::Refusal;
use crate::state::authority::AuthorityDetail;
use crate::state::head::Rules;
use crate::state::history::check_first;
use crate::state::label::Power;
use crate::state::member::MemberDetail;
use crate::state::scheme::SchemeDetail;
use crate::state::signers::{Candidate, Holder, SignatureMemo, Signers};

/// How much of the log a state was made from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// All of it: what is not here does not exist.
    Whole,
    /// Some subjects: what is not here was accepted by the log and is not checked again.
    Part,
}

/// An event with all that decides about it: its bytes' hash, its place, its verified signers.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) event: &'a Event,
    pub(crate) at: LeafIndex,
    pub(crate) leaf: LeafHash,
    pub(crate) signers: Signers,
}

/// Members, schemes and authorities.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    pub(crate) origin: Origin,
    pub(crate) extent: Extent,
    pub(crate) members: BTreeMap<MemberCode, MemberDetail>,
    pub(crate) schemes: BTreeMap<SchemeId, SchemeDetail>,
    pub(crate) authorities: BTreeMap<AuthorityName, AuthorityDetail>,
}

impl Registry {
    /// Founds the log: every member signs by its threshold, and so accepts all that stands there.
    ///
    /// # Errors
    /// [`Refusal::WrongPrevious`], [`Refusal::BadMember`] for another state function, [`Refusal::BadSignature`].
    pub(crate) fn found(
        extent: Extent,
        event: &Event,
        body: &LogGenesis,
        leaf: LeafHash,
        memo: &SignatureMemo,
    ) -> Result<Self, Refusal> {
        check_first(event)?;
        check_rules(body)?;
        let signers = Signers::verify(event, leaf, founding_candidates(event, body), memo)?;
        let mut members = BTreeMap::new();
        for member in &body.members {
            let detail = MemberDetail::found(member, event, GENESIS_INDEX, leaf);
            check_threshold(&signers, &detail)?;
            members.insert(member.id.clone(), detail);
        }
        Ok(Self {
            origin: event.origin().clone(),
            extent,
            members,
            schemes: BTreeMap::new(),
            authorities: BTreeMap::new(),
        })
    }

    /// The lines of `event` by keys in force for it at index `at`, the first ones up to the kind's limit.
    pub(crate) fn candidates(&self, event: &Event, at: LeafIndex) -> Vec<Candidate> {
        let limit = counted_lines(event);
        let lines = event.note().signatures().iter().enumerate();
        let known = lines.filter_map(|(line, signature)| {
            let (holder, vkey) = self.key_of(event, signature, at)?;
            Some(Candidate { line, vkey, holder })
        });
        known.take(limit).collect()
    }

    fn key_of(&self, event: &Event, line: &SignatureLine, at: LeafIndex) -> Option<(Holder, Vkey)> {
        if let Some(member) = self.responsible(event)
            && let Some(vkey) = member.roots().find(|vkey| vkey.claims(line))
        {
            return Some((Holder::Member(member.code().clone()), vkey.clone()));
        }
        let (name, vkey) = match (event.body(), event.subject()) {
            (Body::AuthorityKey(_), Subject::Authority(own)) => self
                .authority_key(line, at)
                .filter(|(name, _)| *name == own),
            (_, Subject::Label(_)) => self.authority_key(line, at),
            _ => None,
        }?;
        Some((Holder::Authority(name.clone()), vkey.clone()))
    }

    /// The key of an authority in force that a line claims to be by.
    fn authority_key(
        &self,
        line: &SignatureLine,
        at: LeafIndex,
    ) -> Option<(&AuthorityName, &Vkey)> {
        let (name, detail) = self.authorities.get_key_value(line.name().as_str())?;
        let vkey = detail.keys_at(at).find(|vkey| vkey.claims(line))?;
        Some((name, vkey))
    }

    /// The member whose roots sign the event; none for labels, or if there is no such member.
    pub(crate) fn responsible(&self, event: &Event) -> Option<&MemberDetail> {
        let code = match (event.body(), event.subject()) {
            (Body::MemberRoot(_), Subject::Member(code)) => code.clone(),
            (Body::SchemeDefine(_), Subject::Scheme(scheme)) => scheme.member(),
            (Body::AuthorityAccredit(body), _) => body.member.clone(),
            (_, Subject::Authority(name)) => self.authorities.get(name)?.member().clone(),
            _ => return None,
        };
        self.members.get(&code)
    }

    /// Checks that the roots of `member` signed by its threshold.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`] if too few did; if none did, what [`Self::stranger`] says.
    pub(crate) fn check_member(
        &self,
        signed: &Signed<'_>,
        member: &MemberDetail,
    ) -> Result<(), Refusal> {
        if signed.signers.roots_of(member.code()) == 0 {
            return Err(self.stranger(signed.event, signed.at));
        }
        check_threshold(&signed.signers, member)
    }

    /// Why an event is refused that nobody signed who may: known for something else, or unknown.
    pub(crate) fn stranger(&self, event: &Event, at: LeafIndex) -> Refusal {
        let is_known = |line: &SignatureLine| {
            let roots = self.members.values().flat_map(MemberDetail::roots);
            roots.into_iter().any(|vkey| vkey.claims(line))
                || self.authority_key(line, at).is_some()
        };
        if event.note().signatures().iter().any(is_known) {
            Refusal::OutOfScope
        } else {
            Refusal::UnknownAuthority
        }
    }

    /// The first signer that may issue this label, and its scheme.
    ///
    /// # Errors
    /// [`Refusal::OutOfScope`], [`Refusal::UnknownAuthority`].
    pub(crate) fn issuer(
        &self,
        signed: &Signed<'_>,
        scheme: &SchemeId,
        body: &LabelIssue,
    ) -> Result<AuthorityName, Refusal> {
        let may_issue = |name: &AuthorityName| {
            let authority = self.authorities.get(name);
            authority.is_some_and(|authority| authority.may_issue(scheme, body))
        };
        let issuer = signed
            .signers
            .authorities()
            .map(|(name, _)| name)
            .find(|name| may_issue(name));
        issuer
            .cloned()
            .ok_or_else(|| self.stranger(signed.event, signed.at))
    }

    /// By what right an event about a label of `issuer` was signed; a supervisor's counts more.
    ///
    /// # Errors
    /// [`Refusal::OutOfScope`], [`Refusal::UnknownAuthority`].
    pub(crate) fn power(
        &self,
        signed: &Signed<'_>,
        scheme: &SchemeId,
        issuer: &AuthorityName,
    ) -> Result<Power, Refusal> {
        let signers = || signed.signers.authorities().map(|(name, _)| name);
        let supervises = |name: &AuthorityName| {
            let authority = self.authorities.get(name);
            authority.is_some_and(|authority| authority.has_role(Role::Supervisor, scheme))
        };
        if signers().any(supervises) {
            Ok(Power::Supervisor)
        } else if signers().any(|name| self.stands_for(name, issuer, signed.at)) {
            Ok(Power::OwnIssuer)
        } else {
            Err(self.stranger(signed.event, signed.at))
        }
    }

    /// Checks that the label's own issuer signed, and may give the label what `body` says, if there is one.
    ///
    /// # Errors
    /// [`Refusal::OutOfScope`], [`Refusal::UnknownAuthority`].
    pub(crate) fn check_own_issuer(
        &self,
        signed: &Signed<'_>,
        scheme: &SchemeId,
        issuer: &AuthorityName,
        body: Option<&LabelIssue>,
    ) -> Result<(), Refusal> {
        let may_give = |name: &AuthorityName| {
            let authority = self.authorities.get(name);
            body.is_none_or(|body| authority.is_some_and(|known| known.may_issue(scheme, body)))
        };
        let mut signers = signed.signers.authorities().map(|(name, _)| name);
        if signers.any(|name| self.stands_for(name, issuer, signed.at) && may_give(name)) {
            Ok(())
        } else {
            Err(self.stranger(signed.event, signed.at))
        }
    }

    /// Whether `name` is `issuer`, or follows it at index `at`.
    pub(crate) fn stands_for(
        &self,
        name: &AuthorityName,
        issuer: &AuthorityName,
        at: LeafIndex,
    ) -> bool {
        let mut holder = issuer;
        for _ in 0..MAX_SUCCESSIONS {
            if holder == name {
                return true;
            }
            let authority = self.authorities.get(holder);
            match authority.and_then(|authority| authority.successor_at(at)) {
                Some(successor) => holder = successor,
                None => return false,
            }
        }
        false
    }

    /// Checks that a named lab may test for the scheme at index `at`.
    ///
    /// # Errors
    /// [`Refusal::BadMember`].
    pub(crate) fn check_lab(
        &self,
        lab: &AuthorityName,
        scheme: &SchemeId,
        at: LeafIndex,
    ) -> Result<(), Refusal> {
        let authority = self.authorities.get(lab);
        if authority.is_some_and(|lab| lab.is_in_force_at(at) && lab.has_role(Role::Lab, scheme)) {
            Ok(())
        } else {
            Err(Refusal::bad_member(
                "/body/lab",
                "is not accredited as a lab of this scheme",
            ))
        }
    }

    /// The scheme, which must be defined.
    ///
    /// # Errors
    /// [`Refusal::UnknownSubject`].
    pub(crate) fn scheme(&self, id: &SchemeId) -> Result<&SchemeDetail, Refusal> {
        self.schemes.get(id).ok_or(Refusal::UnknownSubject)
    }
}

/// A log of another state function than this program's is not judged by this one.
fn check_rules(body: &LogGenesis) -> Result<(), Refusal> {
    let rules: Rules = body
        .rules
        .as_str()
        .parse()
        .map_err(|_| Refusal::bad_member("/body/rules", "is not a state function"))?;
    rules
        .check()
        .map_err(|unknown| Refusal::bad_member("/body/rules", unknown))
}

fn founding_candidates(event: &Event, body: &LogGenesis) -> Vec<Candidate> {
    let mut found = Vec::new();
    for (line, signature) in event.note().signatures().iter().enumerate() {
        let claimed = |member: &Member| {
            let vkey = member
                .roots
                .iter()
                .map(EventKey::vkey)
                .find(|vkey| vkey.claims(signature))?;
            let holder = Holder::Member(member.id.clone());
            Some(Candidate {
                line,
                vkey: vkey.clone(),
                holder,
            })
        };
        found.extend(body.members.iter().filter_map(claimed));
    }
    found
}

fn check_threshold(signers: &Signers, member: &MemberDetail) -> Result<(), Refusal> {
    let valid = signers.roots_of(member.code());
    if valid >= member.threshold() {
        Ok(())
    } else {
        Err(Refusal::BadSignature {
            valid,
            needed: member.threshold(),
        })
    }
}

fn counted_lines(event: &Event) -> usize {
    if event.kind().is_signed_by_roots_together() {
        MAX_COUNTED_ROOT_LINES
    } else {
        MAX_COUNTED_LINES
    }
}

/// Where a log's genesis stands.
pub(crate) const GENESIS_INDEX: LeafIndex = LeafIndex::new(0);

/// The first lines that count; more would only be work for a verifier (event.md).
pub(crate) const MAX_COUNTED_LINES: usize = 8;

/// Lines that count where many roots sign together: all that a note can hold (event.md).
const MAX_COUNTED_ROOT_LINES: usize = 64;

/// A successor's successor and so on: more than a generation of agencies.
const MAX_SUCCESSIONS: usize = 16;
