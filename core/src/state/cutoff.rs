//! Cut-offs: what is left of a label when a key or an authority is no longer believed from some index on.
//!
//! ```text
//! cut of the scheme > last event of the label   nothing of it can be tainted
//! otherwise replay its history:
//!   issue, renew, amend, bind, reinstate        left out if no signature of it is by a key and an authority before their cuts,
//!                           or the lab it names has a standing `suspect_from` or `all` at or below it
//!   unbind, suspend, revoke, being superseded   always count
//! ```
//! Something left out: at best a person decides; with `all` the label falls. What the rest gives is replayed with
//! less than the log had: an amend that repeats a product whose binding is left out does not bind it.

use crate::event::{AuthorityName, Body, Event, Subject};
use crate::key::Vkey;
use crate::merkle::LeafIndex;
use crate::refusal::Refusal;
use crate::state::authority::AuthorityDetail;
use crate::state::key::MapKey;
use crate::state::label::{Coverage, Standing, Step};
use crate::state::labels::{label_key, power};
use crate::state::record::Status;
use crate::state::registry::{Registry, Signed};
use crate::state::signers::{SignatureMemo, Signers};

/// What the cuts of keys and authorities leave of a label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CutOff {
    /// No cut of the scheme reaches the label's events.
    OutOfReach,
    /// The history was replayed and no event is cut: the status stands.
    NothingLeftOut,
    /// Events of the label are not believed.
    LeftOut(LeftOut),
}

/// Which events of a label are not believed, and what the rest amounts to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    events: Vec<LeafIndex>,
    remaining: Option<Box<Remaining>>,
    falls: Falls,
}

/// What the believed events of a label amount to.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Remaining {
    status: Status,
    coverage: Coverage,
}

/// What follows from a left-out event at best, the worse the later.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Falls {
    /// A person decides, reason `compromised`.
    IntoDoubt,
    /// Its authority was withdrawn with all its labels.
    WithItsAuthority,
}

impl LeftOut {
    /// Where the events are that are left out, at least one.
    #[must_use]
    pub fn events(&self) -> &[LeafIndex] {
        &self.events
    }

    /// The status that the other events give; none if the issue itself is left out.
    #[must_use]
    pub fn remaining(&self) -> Option<Status> {
        self.remaining.as_ref().map(|remaining| remaining.status)
    }

    /// The products, printed ids and validity that the other events give; none if the issue itself is left out.
    #[must_use]
    pub fn coverage(&self) -> Option<&Coverage> {
        self.remaining
            .as_deref()
            .map(|remaining| &remaining.coverage)
    }

    /// What follows at best.
    #[must_use]
    pub fn falls(&self) -> Falls {
        self.falls
    }
}

/// Replays a label's whole history, in order of the log, without what the cuts taint.
///
/// The caller has checked the history and those of its signers by `chain`, and every signature.
pub(crate) fn replay_untainted(
    registry: &Registry,
    label: MapKey,
    history: &[(LeafIndex, &Event)],
    memo: &SignatureMemo,
) -> CutOff {
    let mut replay = Replay {
        registry,
        memo,
        label,
        left_out: Vec::new(),
        falls: Falls::IntoDoubt,
    };
    let mut standing = None;
    for (at, event) in history {
        replay.step(&mut standing, *at, event);
    }
    if replay.left_out.is_empty() {
        return CutOff::NothingLeftOut;
    }
    CutOff::LeftOut(LeftOut {
        events: replay.left_out,
        remaining: standing.map(|(_, standing): (AuthorityName, Standing)| {
            Box::new(Remaining {
                status: standing.status(),
                coverage: standing.coverage().clone(),
            })
        }),
        falls: replay.falls,
    })
}

struct Replay<'a> {
    registry: &'a Registry,
    memo: &'a SignatureMemo,
    label: MapKey,
    left_out: Vec<LeafIndex>,
    falls: Falls,
}

impl Replay<'_> {
    fn step(
        &mut self,
        standing: &mut Option<(AuthorityName, Standing)>,
        at: LeafIndex,
        event: &Event,
    ) {
        let leaf = event.leaf();
        let candidates = self.registry.candidates(event, at);
        let Ok(signers) = Signers::verify(event, leaf, candidates, self.memo) else {
            self.left_out.push(at);
            return;
        };
        let mut signed = Signed {
            event,
            at,
            leaf,
            signers,
        };
        let falls = if self.grants(event) {
            self.remove_tainted(&mut signed)
        } else {
            Falls::IntoDoubt
        };
        if self.advance(standing, &signed).is_err() {
            self.left_out.push(at);
            self.falls = self.falls.max(falls);
        }
    }

    /// Whether the event gives this label something; a superseding issue takes from the other one.
    fn grants(&self, event: &Event) -> bool {
        match event.body() {
            Body::LabelIssue(_) => self.is_own(event),
            Body::LabelRenew(_)
            | Body::LabelAmend(_)
            | Body::LabelBind(_)
            | Body::LabelReinstate(_) => true,
            Body::LabelUnbind(_)
            | Body::LabelSuspend(_)
            | Body::LabelRevoke(_)
            | Body::LogGenesis(_)
            | Body::MemberRoot(_)
            | Body::SchemeDefine(_)
            | Body::AuthorityAccredit(_)
            | Body::AuthorityKey(_)
            | Body::AuthorityWithdraw(_) => false,
        }
    }

    fn is_own(&self, event: &Event) -> bool {
        match event.subject() {
            Subject::Label(label) => {
                label_key(self.registry, label).is_ok_and(|key| key == self.label)
            }
            _ => false,
        }
    }

    /// Takes the tainted signatures away; answers what follows if none is left that may.
    fn remove_tainted(&self, signed: &mut Signed<'_>) -> Falls {
        let at = signed.at;
        let is_all = |name: &AuthorityName| {
            let authority = self.registry.authorities.get(name);
            authority.is_some_and(AuthorityDetail::is_withdrawn_with_all)
        };
        let lab = lab_of(signed.event);
        let signers = signed.signers.authorities().map(|(name, _)| name);
        let falls = if signers.chain(lab).any(is_all) {
            Falls::WithItsAuthority
        } else {
            Falls::IntoDoubt
        };
        let lab_stands = lab.is_none_or(|lab| self.stands(lab, None, at));
        signed
            .signers
            .retain_authorities(|name, vkey| lab_stands && self.stands(name, Some(vkey), at));
        falls
    }

    /// Whether an authority, and the key with which it signed, are believed at index `at`.
    fn stands(&self, name: &AuthorityName, key: Option<&Vkey>, at: LeafIndex) -> bool {
        let Some(authority) = self.registry.authorities.get(name) else {
            return false;
        };
        let own = authority.own_cut();
        let of_key = key.and_then(|key| authority.key_cut(key));
        own.into_iter().chain(of_key).all(|cut| at < cut)
    }

    fn advance(
        &self,
        standing: &mut Option<(AuthorityName, Standing)>,
        signed: &Signed<'_>,
    ) -> Result<(), Refusal> {
        let Subject::Label(label) = signed.event.subject() else {
            return Err(Refusal::UnknownSubject);
        };
        let scheme = self.registry.scheme(label.scheme())?;
        if let Body::LabelIssue(body) = signed.event.body()
            && self.is_own(signed.event)
        {
            let issuer = self.registry.issuer(signed, label.scheme(), body)?;
            let issued = Standing::issued(body, scheme.id_rule(), signed.at);
            *standing = Some((issuer, issued));
            return Ok(());
        }
        let step = Step::of(signed.event.body(), scheme)?;
        // Without a believed issue there is nothing to take away from, and nothing to give to.
        let Some((issuer, standing)) = standing else {
            return if self.grants(signed.event) {
                Err(Refusal::UnknownSubject)
            } else {
                Ok(())
            };
        };
        let power = power(self.registry, signed, label, issuer, &step)?;
        standing.advance(signed, &step, power)
    }
}

fn lab_of(event: &Event) -> Option<&AuthorityName> {
    match event.body() {
        Body::LabelIssue(body) | Body::LabelAmend(body) => body.lab.as_ref(),
        _ => None,
    }
}
