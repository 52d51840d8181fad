//! The state function: entry bytes and earlier state in, the next state of the subjects out.
//!
//! ```text
//! event ──▶ right log? ──▶ keys in force, signatures ──▶ who may, prev, from which state ──▶ what changed
//! ```
//! Total and bounded: at most 64 signatures are verified and [`MAX_KEYS_AN_ENTRY`] records changed. It reads no clock
//! and no table, and an event that it refuses changes nothing.
//! How records are kept and committed to is `State`'s; steps of labels are `labels`.

use std::collections::BTreeSet;

use crate::event::{
    AuthorityAccredit, AuthorityKey, AuthorityName, AuthorityWithdraw, Body, Event, Grant,
    MAX_ALIASES, MAX_GTINS, MemberCode, MemberRoot, Role, SchemeDefine, SchemeId, Subject,
};
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;
use crate::state::authority::{AuthorityDetail, KeyChanger};
use crate::state::history::{History, check_first};
use crate::state::key::{MapKey, MapName};
use crate::state::labels::{Labels, label_key};
use crate::state::member::MemberDetail;
use crate::state::record::{StateRecord, Status};
use crate::state::registry::{Extent, Registry, Signed};
use crate::state::scheme::SchemeDetail;
use crate::state::signers::{SignatureMemo, Signers};

/// Everything that events are about, in detail.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    pub(crate) registry: Registry,
    pub(crate) labels: Labels,
}

impl Subjects {
    /// Begins with entry 0.
    ///
    /// # Errors
    /// [`Refusal::UnknownSubject`] if the event is no genesis; [`Refusal::BadSignature`].
    pub(crate) fn found(
        extent: Extent,
        event: &Event,
        leaf: LeafHash,
        memo: &SignatureMemo,
    ) -> Result<Self, Refusal> {
        let Body::LogGenesis(body) = event.body() else {
            return Err(Refusal::UnknownSubject);
        };
        let registry = Registry::found(extent, event, body, leaf, memo)?;
        Ok(Self {
            registry,
            labels: Labels::new(extent),
        })
    }

    /// Does what one event asks for; answers which records changed.
    ///
    /// # Errors
    /// The [`Refusal`]. Then nothing changed.
    pub(crate) fn apply(
        &mut self,
        event: &Event,
        at: LeafIndex,
        leaf: LeafHash,
        memo: &SignatureMemo,
    ) -> Result<Vec<Changed>, Refusal> {
        if *event.origin() != self.registry.origin {
            return Err(Refusal::WrongLog);
        }
        let signers = Signers::verify(event, leaf, self.registry.candidates(event, at), memo)?;
        let signed = Signed {
            event,
            at,
            leaf,
            signers,
        };
        match (event.body(), event.subject()) {
            (Body::MemberRoot(body), Subject::Member(code)) => {
                self.rotate_roots(&signed, code, body)
            }
            (Body::SchemeDefine(body), Subject::Scheme(id)) => {
                self.define_scheme(&signed, id, body)
            }
            (Body::AuthorityAccredit(body), Subject::Authority(name)) => {
                self.accredit(&signed, name, body)
            }
            (Body::AuthorityKey(body), Subject::Authority(name)) => {
                self.change_key(&signed, name, body)
            }
            (Body::AuthorityWithdraw(body), Subject::Authority(name)) => {
                self.withdraw(&signed, name, body)
            }
            (_, Subject::Label(label)) => {
                let changed = self.labels.apply(&self.registry, &signed, label)?;
                Ok(changed.into_iter().map(Changed::Label).collect())
            }
            // There is one genesis, and the parser lets no kind have another kind's subject.
            _ => Err(Refusal::BadTransition {
                from: Status::Active.word(),
            }),
        }
    }

    fn rotate_roots(
        &mut self,
        signed: &Signed<'_>,
        code: &MemberCode,
        body: &MemberRoot,
    ) -> Result<Vec<Changed>, Refusal> {
        let member = self
            .registry
            .members
            .get(code)
            .ok_or(Refusal::UnknownSubject)?;
        self.registry.check_member(signed, member)?;
        let member = self
            .registry
            .members
            .get_mut(code)
            .ok_or(Refusal::UnknownSubject)?;
        member.rotate(signed, body)?;
        Ok(vec![Changed::Member(code.clone())])
    }

    fn define_scheme(
        &mut self,
        signed: &Signed<'_>,
        id: &SchemeId,
        body: &SchemeDefine,
    ) -> Result<Vec<Changed>, Refusal> {
        let member = self
            .registry
            .members
            .get(&id.member())
            .ok_or(Refusal::OutOfScope)?;
        self.registry.check_member(signed, member)?;
        if self.registry.schemes.contains_key(id) {
            return Err(Refusal::BadTransition {
                from: Status::Active.word(),
            });
        }
        check_first(signed.event)?;
        self.registry
            .schemes
            .insert(id.clone(), SchemeDetail::define(signed, body));
        Ok(vec![Changed::Scheme(id.clone())])
    }

    fn accredit(
        &mut self,
        signed: &Signed<'_>,
        name: &AuthorityName,
        body: &AuthorityAccredit,
    ) -> Result<Vec<Changed>, Refusal> {
        let member = self.registry.members.get(&body.member);
        let member = member
            .ok_or_else(|| Refusal::bad_member("/body/member", "is no member of this log"))?;
        self.registry.check_member(signed, member)?;
        if !member.owns(name) {
            return Err(Refusal::OutOfScope);
        }
        for grant in &body.grants {
            self.check_grant(member, grant)?;
        }
        check_breadth(body)?;
        if let Some(known) = self.registry.authorities.get(name) {
            return Err(Refusal::BadTransition {
                from: known.record().status().word(),
            });
        }
        check_first(signed.event)?;
        let detail = AuthorityDetail::accredit(name, signed, body)?;
        self.registry.authorities.insert(name.clone(), detail);
        Ok(vec![Changed::Authority(name.clone())])
    }

    /// A member grants what is its own: its schemes, its territories.
    fn check_grant(&self, member: &MemberDetail, grant: &Grant) -> Result<(), Refusal> {
        for scheme in &grant.schemes {
            if scheme.member() != *member.code() {
                return Err(Refusal::OutOfScope);
            }
            if self.registry.extent == Extent::Whole {
                self.registry.scheme(scheme)?;
            }
        }
        match grant.role {
            Role::Market | Role::Designator if !member.speaks_for(grant.territory.as_ref()) => {
                Err(Refusal::OutOfScope)
            }
            _ => Ok(()),
        }
    }

    fn change_key(
        &mut self,
        signed: &Signed<'_>,
        name: &AuthorityName,
        body: &AuthorityKey,
    ) -> Result<Vec<Changed>, Refusal> {
        let by = self.key_changer(signed, name)?;
        self.change_authority(name, |authority| authority.change_key(signed, body, by))
    }

    /// The roots of its member if enough of them signed, else the authority itself.
    fn key_changer(
        &self,
        signed: &Signed<'_>,
        name: &AuthorityName,
    ) -> Result<KeyChanger, Refusal> {
        let member = self.accredited_by(name)?;
        match self.registry.check_member(signed, member) {
            Ok(()) => Ok(KeyChanger::Member),
            Err(_) if signed.signers.authorities().next().is_some() => Ok(KeyChanger::Itself),
            Err(refusal) => Err(refusal),
        }
    }

    fn withdraw(
        &mut self,
        signed: &Signed<'_>,
        name: &AuthorityName,
        body: &AuthorityWithdraw,
    ) -> Result<Vec<Changed>, Refusal> {
        let member = self.accredited_by(name)?;
        self.registry.check_member(signed, member)?;
        if let Some(successor) = &body.successor {
            self.check_successor(member, successor, signed.at)?;
        }
        self.change_authority(name, |authority| authority.withdraw(signed, body))
    }

    fn accredited_by(&self, name: &AuthorityName) -> Result<&MemberDetail, Refusal> {
        let authority = self.registry.authorities.get(name);
        let member = authority.and_then(|known| self.registry.members.get(known.member()));
        member.ok_or(Refusal::UnknownSubject)
    }

    /// A successor is an authority of the same member, in force.
    fn check_successor(
        &self,
        member: &MemberDetail,
        successor: &AuthorityName,
        at: LeafIndex,
    ) -> Result<(), Refusal> {
        let known = match (
            self.registry.authorities.get(successor),
            self.registry.extent,
        ) {
            (Some(authority), _) => {
                authority.member() == member.code() && authority.is_in_force_at(at)
            }
            (None, Extent::Part) => member.owns(successor),
            (None, Extent::Whole) => false,
        };
        if known {
            Ok(())
        } else {
            Err(Refusal::bad_member(
                "/body/successor",
                "is no authority of the same member in force",
            ))
        }
    }

    /// Changes an authority and tells its schemes of the cut that follows.
    fn change_authority(
        &mut self,
        name: &AuthorityName,
        change: impl FnOnce(&mut AuthorityDetail) -> Result<(), Refusal>,
    ) -> Result<Vec<Changed>, Refusal> {
        let authority = self
            .registry
            .authorities
            .get_mut(name)
            .ok_or(Refusal::UnknownSubject)?;
        change(authority)?;
        let mut changed = vec![Changed::Authority(name.clone())];
        if let Some(cut) = authority.cut() {
            for id in authority.schemes() {
                if let Some(scheme) = self.registry.schemes.get_mut(id)
                    && scheme.lower_cut(cut)
                {
                    changed.push(Changed::Scheme(id.clone()));
                }
            }
        }
        Ok(changed)
    }

    /// The accepted events of a subject with a record.
    pub(crate) fn history(&self, subject: &Subject) -> Option<&History> {
        Some(match subject {
            Subject::Label(label) => {
                let key = label_key(&self.registry, label).ok()?;
                self.labels.details.get(&key)?.history()
            }
            Subject::Authority(name) => self.registry.authorities.get(name)?.history(),
            Subject::Scheme(id) => self.registry.schemes.get(id)?.history(),
            Subject::Member(code) => self.registry.members.get(code)?.history(),
            Subject::Log(_) => return None,
        })
    }

    /// The record of what changed; none if it is not known in detail.
    pub(crate) fn record(&self, what: &Changed) -> Option<StateRecord> {
        match what {
            Changed::Label(key) => {
                let detail = self.labels.details.get(key);
                detail.map(|detail| detail.record())
            }
            Changed::Authority(name) => self
                .registry
                .authorities
                .get(name)
                .map(AuthorityDetail::record),
            Changed::Scheme(id) => self.registry.schemes.get(id).map(SchemeDetail::record),
            Changed::Member(code) => self.registry.members.get(code).map(MemberDetail::record),
        }
    }
}

impl Registry {
    /// Every member, scheme and authority.
    pub(crate) fn all(&self) -> Vec<Changed> {
        let members = self.members.keys().cloned().map(Changed::Member);
        let schemes = self.schemes.keys().cloned().map(Changed::Scheme);
        let authorities = self.authorities.keys().cloned().map(Changed::Authority);
        members.chain(schemes).chain(authorities).collect()
    }
}

/// A later cut rewrites the record of every scheme named here, in one entry.
fn check_breadth(body: &AuthorityAccredit) -> Result<(), Refusal> {
    let schemes: BTreeSet<&SchemeId> = body
        .grants
        .iter()
        .flat_map(|grant| grant.schemes.iter())
        .collect();
    let keys = schemes.len() + 1;
    if keys <= MAX_KEYS_AN_ENTRY {
        Ok(())
    } else {
        Err(Refusal::TooLarge {
            got: keys as u64,
            limit: MAX_KEYS_AN_ENTRY as u64,
        })
    }
}

/// A subject whose record an event changed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Changed {
    Label(MapKey),
    Authority(AuthorityName),
    Scheme(SchemeId),
    Member(MemberCode),
}

impl Changed {
    /// Where the record stands in the map.
    pub(crate) fn key(&self) -> MapKey {
        let name = match self {
            Changed::Label(key) => return *key,
            Changed::Authority(name) => MapName::authority(name.as_str()),
            Changed::Scheme(id) => MapName::scheme(id.as_str()),
            Changed::Member(code) => MapName::member(code.as_str()),
        };
        name.expect("names of events are fields of map names").key()
    }
}

/// Records that one entry may change (state.md).
const MAX_KEYS_AN_ENTRY: usize = 128;

// An issue names the most: its label, one that it supersedes, products and printed ids.
const _: () = assert!(2 + MAX_GTINS + MAX_ALIASES <= MAX_KEYS_AN_ENTRY);
