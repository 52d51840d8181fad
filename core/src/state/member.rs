//! A member of the log: its root keys, and what it owns.
//!
//! ```text
//! absent ──log.genesis──▶ in force ──member.root──▶ in force, with other roots
//! ```
//! Domains and territories stand in the genesis and do not change.

use crate::event::{
    AuthorityName, Event, EventKey, List, Member, MemberCode, MemberRoot, Territory,
};
use crate::key::Vkey;
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;
use crate::state::history::History;
use crate::state::record::StateRecord;
use crate::state::registry::Signed;

/// What the state function knows of one member.
#[derive(Clone, Debug)]
pub(crate) struct MemberDetail {
    member: Member,
    roots: Vec<EventKey>,
    threshold: u64,
    history: History,
}

impl MemberDetail {
    /// Takes a member as the genesis names it.
    pub(crate) fn found(member: &Member, genesis: &Event, at: LeafIndex, leaf: LeafHash) -> Self {
        Self {
            member: member.clone(),
            roots: member.roots.iter().cloned().collect(),
            threshold: member.threshold.get(),
            history: History::start(genesis, at, leaf),
        }
    }

    /// Rotates the roots; the caller has counted the signatures of the old ones.
    ///
    /// # Errors
    /// [`Refusal::WrongPrevious`]. Then nothing changed.
    pub(crate) fn rotate(&mut self, signed: &Signed<'_>, body: &MemberRoot) -> Result<(), Refusal> {
        self.history.check_previous(signed.event)?;
        self.roots = body.roots.iter().cloned().collect();
        self.threshold = body.threshold.get();
        self.history.push(signed);
        Ok(())
    }

    pub(crate) fn code(&self) -> &MemberCode {
        &self.member.id
    }

    pub(crate) fn roots(&self) -> impl Iterator<Item = &Vkey> {
        self.roots.iter().map(EventKey::vkey)
    }

    /// How many distinct public keys of the roots an event needs.
    pub(crate) fn threshold(&self) -> u64 {
        self.threshold
    }

    /// Whether an authority of this name may be the member's.
    pub(crate) fn owns(&self, name: &AuthorityName) -> bool {
        self.member
            .domains
            .iter()
            .any(|domain| name.is_under(domain))
    }

    /// Whether these territories are all its own; no list means everywhere.
    pub(crate) fn speaks_for<const MIN: usize, const MAX: usize>(
        &self,
        listed: Option<&List<Territory, MIN, MAX>>,
    ) -> bool {
        let own = |territory: &Territory| {
            self.member
                .territories
                .iter()
                .any(|code| code.as_str() == territory.as_str())
        };
        listed.is_some_and(|listed| listed.iter().all(own))
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn record(&self) -> StateRecord {
        self.history.record()
    }
}
