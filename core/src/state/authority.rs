//! An authority: its keys with their lives, its roles, and from where on it is not believed.
//!
//! ```text
//! absent ──authority.accredit──▶ in force ──authority.key──▶ in force ──authority.withdraw──▶ withdrawn, for ever
//!
//! key:  in force ──retire──▶ retired ──revoke──▶ revoked, cut at `compromised_from` or the revoke's own index
//!          └──────────────revoke─────────────────┘   └──revoke──▶ revoked, cut only lowered
//! cut of the authority = lowest cut of its keys, the index of `suspect_from`, 0 for `all`
//! ```
//! Keys are asked for by index, so the same detail answers for past events.

use std::collections::BTreeSet;

use crate::event::{
    AuthorityAccredit, AuthorityKey, AuthorityName, AuthorityWithdraw, EffectOnLabels, EventKey,
    Grant, KeyRevocation, LabelIssue, MemberCode, Role, SchemeId,
};
use crate::key::Vkey;
use crate::merkle::LeafIndex;
use crate::note::KeyId;
use crate::refusal::Refusal;
use crate::state::history::{History, reason_number};
use crate::state::record::{StateRecord, Status};
use crate::state::registry::{GENESIS_INDEX, Signed};

/// What the state function knows of one authority.
#[derive(Clone, Debug)]
pub(crate) struct AuthorityDetail {
    name: AuthorityName,
    member: MemberCode,
    grants: Vec<Grant>,
    keys: Vec<KeyLife>,
    withdrawal: Option<Withdrawal>,
    history: History,
}

/// A key and the events that made it, ended it and made it suspect.
#[derive(Clone, Debug)]
struct KeyLife {
    vkey: Vkey,
    added: LeafIndex,
    ended: Option<LeafIndex>,
    cut: Option<LeafIndex>,
}

#[derive(Clone, Debug)]
struct Withdrawal {
    at: LeafIndex,
    reason: u8,
    effect: EffectOnLabels,
    successor: Option<AuthorityName>,
}

/// Who asks for a change of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyChanger {
    /// The roots of its member: everything.
    Member,
    /// The authority itself: it may only end a key, from now on.
    Itself,
}

impl AuthorityDetail {
    /// Takes an authority as its member accredits it.
    ///
    /// # Errors
    /// [`Refusal::BadMember`] for two keys of one id.
    pub(crate) fn accredit(
        name: &AuthorityName,
        signed: &Signed<'_>,
        body: &AuthorityAccredit,
    ) -> Result<Self, Refusal> {
        let mut detail = Self {
            name: name.clone(),
            member: body.member.clone(),
            grants: body.grants.iter().cloned().collect(),
            keys: Vec::new(),
            withdrawal: None,
            history: History::start(signed.event, signed.at, signed.leaf),
        };
        for key in &body.keys {
            detail.add_key(key, "/body/keys", signed.at)?;
        }
        Ok(detail)
    }

    /// Adds, retires or revokes a key.
    ///
    /// # Errors
    /// [`Refusal::BadTransition`] after the withdrawal, [`Refusal::WrongPrevious`],
    /// [`Refusal::OutOfScope`] for what only the member may do, [`Refusal::BadMember`] for a key
    /// that cannot take this step. Then nothing changed.
    pub(crate) fn change_key(
        &mut self,
        signed: &Signed<'_>,
        body: &AuthorityKey,
        by: KeyChanger,
    ) -> Result<(), Refusal> {
        self.check_in_force()?;
        self.history.check_previous(signed.event)?;
        match body {
            AuthorityKey::Add(key) => {
                by.must_be_member()?;
                self.add_key(key, "/body/add", signed.at)?;
            }
            AuthorityKey::Retire(id) => {
                by.must_be_member()?;
                self.retire_key(*id, signed.at)?;
            }
            AuthorityKey::Revoke(revocation) => self.revoke_key(revocation, by, signed.at)?,
        }
        self.history.push(signed);
        Ok(())
    }

    fn add_key(
        &mut self,
        key: &EventKey,
        pointer: &'static str,
        at: LeafIndex,
    ) -> Result<(), Refusal> {
        let vkey = key.vkey();
        if vkey.name().as_str() != self.name.as_str() {
            return Err(Refusal::bad_member(
                pointer,
                "a key of an authority carries the authority's name",
            ));
        }
        // An id is four bytes: of two keys with one id nobody could say whose line a line is.
        if self.keys.iter().any(|life| life.vkey.id() == vkey.id()) {
            return Err(Refusal::bad_member(
                pointer,
                "the authority has or had a key of this id",
            ));
        }
        self.keys.push(KeyLife {
            vkey: vkey.clone(),
            added: at,
            ended: None,
            cut: None,
        });
        Ok(())
    }

    fn retire_key(&mut self, id: KeyId, at: LeafIndex) -> Result<(), Refusal> {
        let life = self.key_mut(id, "/body/retire")?;
        if life.ended.is_some() {
            return Err(Refusal::bad_member(
                "/body/retire",
                "this key is not in force",
            ));
        }
        life.ended = Some(at);
        Ok(())
    }

    fn revoke_key(
        &mut self,
        revocation: &KeyRevocation,
        by: KeyChanger,
        at: LeafIndex,
    ) -> Result<(), Refusal> {
        if revocation.compromised_from.is_some() {
            by.must_be_member()?;
        }
        let cut = revocation.compromised_from.unwrap_or(at);
        if cut > at {
            let why = "is later than the index of this event";
            return Err(Refusal::bad_member("/body/revoke/compromised_from", why));
        }
        let life = self.key_mut(revocation.key, "/body/revoke/key")?;
        if life.cut.is_some_and(|known| cut >= known) {
            return Err(Refusal::bad_member(
                "/body/revoke",
                "this key was revoked; its cut can only be lowered",
            ));
        }
        life.cut = Some(cut);
        life.ended.get_or_insert(at);
        Ok(())
    }

    fn key_mut(&mut self, id: KeyId, pointer: &'static str) -> Result<&mut KeyLife, Refusal> {
        let life = self.keys.iter_mut().find(|life| life.vkey.id() == id);
        life.ok_or_else(|| Refusal::bad_member(pointer, "the authority never had this key"))
    }

    /// Ends the authority.
    ///
    /// # Errors
    /// [`Refusal::BadTransition`] if it ended before, [`Refusal::WrongPrevious`],
    /// [`Refusal::BadMember`] for a cut that lies ahead of the event.
    pub(crate) fn withdraw(
        &mut self,
        signed: &Signed<'_>,
        body: &AuthorityWithdraw,
    ) -> Result<(), Refusal> {
        self.check_in_force()?;
        self.history.check_previous(signed.event)?;
        let effect = body.effect_on_labels;
        if matches!(effect, EffectOnLabels::SuspectFrom(index) if index > signed.at) {
            let why = "is later than the index of this event";
            return Err(Refusal::bad_member(
                "/body/effect_on_labels/suspect_from",
                why,
            ));
        }
        self.withdrawal = Some(Withdrawal {
            at: signed.at,
            reason: reason_number(signed.event),
            effect,
            successor: body.successor.clone(),
        });
        self.history.push(signed);
        Ok(())
    }

    fn check_in_force(&self) -> Result<(), Refusal> {
        match self.withdrawal {
            None => Ok(()),
            Some(_) => Err(Refusal::BadTransition {
                from: Status::Withdrawn.word(),
            }),
        }
    }

    pub(crate) fn member(&self) -> &MemberCode {
        &self.member
    }

    /// All keys that it has or had.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Vkey> {
        self.keys.iter().map(|life| &life.vkey)
    }

    /// The keys with which it signs an event at index `at`.
    pub(crate) fn keys_at(&self, at: LeafIndex) -> impl Iterator<Item = &Vkey> {
        let in_force = self.is_in_force_at(at);
        self.keys
            .iter()
            .filter(move |life| in_force && life.is_in_force_at(at))
            .map(|life| &life.vkey)
    }

    /// Whether it was accredited before index `at` and not withdrawn before it.
    pub(crate) fn is_in_force_at(&self, at: LeafIndex) -> bool {
        self.history.first_index() < at
            && self
                .withdrawal
                .as_ref()
                .is_none_or(|withdrawal| at <= withdrawal.at)
    }

    /// Who stands in its place for an event at index `at`.
    pub(crate) fn successor_at(&self, at: LeafIndex) -> Option<&AuthorityName> {
        let withdrawal = self.withdrawal.as_ref()?;
        if withdrawal.at < at {
            withdrawal.successor.as_ref()
        } else {
            None
        }
    }

    /// Whether it was ever given this role in the scheme; grants do not change.
    pub(crate) fn has_role(&self, role: Role, scheme: &SchemeId) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.role == role && grant.schemes.contains(scheme))
    }

    /// Whether some grant lets it issue this label.
    pub(crate) fn may_issue(&self, scheme: &SchemeId, issue: &LabelIssue) -> bool {
        self.grants.iter().any(|grant| {
            grant.role == Role::Issuer
                && grant.schemes.contains(scheme)
                && grant
                    .categories
                    .as_ref()
                    .is_none_or(|listed| listed.contains(&issue.product.category))
                && grant
                    .levels
                    .as_ref()
                    .is_none_or(|listed| listed.contains(&issue.level))
                && grant
                    .territory
                    .as_ref()
                    .is_none_or(|listed| issue.territory.iter().all(|one| listed.contains(one)))
        })
    }

    /// The schemes in which a cut of this authority can taint labels, each once, in order.
    pub(crate) fn schemes(&self) -> BTreeSet<&SchemeId> {
        let tainting =
            |grant: &&Grant| matches!(grant.role, Role::Issuer | Role::Supervisor | Role::Lab);
        self.grants
            .iter()
            .filter(tainting)
            .flat_map(|grant| grant.schemes.iter())
            .collect()
    }

    /// The index from which on nothing it granted is believed for sure.
    pub(crate) fn cut(&self) -> Option<LeafIndex> {
        self.keys
            .iter()
            .filter_map(|life| life.cut)
            .chain(self.own_cut())
            .min()
    }

    /// The cut of a standing `suspect_from` or `all`, whatever the key.
    pub(crate) fn own_cut(&self) -> Option<LeafIndex> {
        match self.withdrawal.as_ref()?.effect {
            EffectOnLabels::None | EffectOnLabels::NoNew => None,
            EffectOnLabels::SuspectFrom(index) => Some(index),
            EffectOnLabels::All => Some(GENESIS_INDEX),
        }
    }

    /// The cut of one key.
    pub(crate) fn key_cut(&self, key: &Vkey) -> Option<LeafIndex> {
        self.keys.iter().find(|life| life.vkey == *key)?.cut
    }

    /// Whether it was withdrawn with all its labels.
    pub(crate) fn is_withdrawn_with_all(&self) -> bool {
        matches!(
            self.withdrawal,
            Some(Withdrawal {
                effect: EffectOnLabels::All,
                ..
            })
        )
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn record(&self) -> StateRecord {
        let mut record = self.history.record();
        if let Some(withdrawal) = &self.withdrawal {
            record.set_status(Status::Withdrawn, withdrawal.reason);
        }
        record.set_successor_index(self.cut());
        record
    }
}

impl KeyLife {
    fn is_in_force_at(&self, at: LeafIndex) -> bool {
        self.added < at && self.ended.is_none_or(|ended| at <= ended)
    }
}

impl KeyChanger {
    fn must_be_member(self) -> Result<(), Refusal> {
        match self {
            Self::Member => Ok(()),
            Self::Itself => Err(Refusal::OutOfScope),
        }
    }
}
