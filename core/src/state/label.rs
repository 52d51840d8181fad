//! A label: the table of states of `event.md`, as code.
//!
//! ```text
//! event                     from                                              to
//! issue                     absent                                            active
//! renew                     active, suspended; lapsed if its scheme says so   unchanged; active
//! amend, bind, unbind       active, suspended                                 unchanged
//! suspend                   active, suspended                                 suspended
//! reinstate                 suspended                                         active, once no suspension stands
//! issue that supersedes it  active, suspended, lapsed                         superseded
//! revoke                    active, suspended, superseded, withdrawn, lapsed, revoked   revoked
//! ```
//! Several suspensions may stand; a reinstate lifts the one it names. Who may do what is asked of
//! `registry` before: here a [`Power`] comes in. What the events amount to is `standing`, products and
//! validity are `coverage`.

use crate::event::{
    AuthorityName, Body, Event, EventId, LabelBind, LabelIssue, LabelUnbind, ValidityEffect,
};
use crate::refusal::Refusal;
use crate::state::history::{History, check_first};
use crate::state::key::IdRule;
use crate::state::record::StateRecord;
use crate::state::registry::Signed;
use crate::state::scheme::SchemeDetail;
use crate::time::Time;

mod coverage;
mod standing;

pub use coverage::Coverage;
pub(crate) use coverage::{Renewal, canonical_aliases};
pub(crate) use standing::Standing;

/// By what right an event about an issued label was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Power {
    /// The authority that signed the issue, or its successor.
    OwnIssuer,
    /// A supervisor of the scheme.
    Supervisor,
}

/// What the state function knows of one label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LabelDetail {
    issuer: AuthorityName,
    standing: Standing,
    newest_grant: Option<Time>,
    history: History,
}

/// A step about a label that was issued before.
#[derive(Clone, Debug)]
pub(crate) enum Step<'a> {
    Renew(Renewal),
    Amend {
        body: &'a LabelIssue,
        id_rule: IdRule,
    },
    Bind(&'a LabelBind),
    Unbind(&'a LabelUnbind),
    Suspend(ValidityEffect),
    /// Lifts the suspension with this id.
    Reinstate(EventId),
    Revoke,
    /// Another label takes its place.
    Supersede,
}

impl<'a> Step<'a> {
    /// The step that an event takes with a label of this scheme; an issue supersedes another one.
    ///
    /// # Errors
    /// [`Refusal::UnknownSubject`] for an event that is about no label.
    pub(crate) fn of(body: &'a Body, scheme: &SchemeDetail) -> Result<Self, Refusal> {
        Ok(match body {
            Body::LabelIssue(_) => Self::Supersede,
            Body::LabelRenew(body) => Self::Renew(Renewal::of(body, scheme)),
            Body::LabelAmend(body) => Self::Amend {
                body,
                id_rule: scheme.id_rule(),
            },
            Body::LabelBind(body) => Self::Bind(body),
            Body::LabelUnbind(body) => Self::Unbind(body),
            Body::LabelSuspend(body) => Self::Suspend(body.validity_effect),
            Body::LabelReinstate(body) => Self::Reinstate(body.suspension),
            Body::LabelRevoke(_) => Self::Revoke,
            Body::LogGenesis(_)
            | Body::MemberRoot(_)
            | Body::SchemeDefine(_)
            | Body::AuthorityAccredit(_)
            | Body::AuthorityKey(_)
            | Body::AuthorityWithdraw(_) => return Err(Refusal::UnknownSubject),
        })
    }
}

impl LabelDetail {
    /// Issues the label.
    ///
    /// # Errors
    /// [`Refusal::WrongPrevious`] if the event names one before it.
    pub(crate) fn issue(
        issuer: AuthorityName,
        signed: &Signed<'_>,
        body: &LabelIssue,
        id_rule: IdRule,
    ) -> Result<Self, Refusal> {
        check_first(signed.event)?;
        Ok(Self {
            issuer,
            standing: Standing::issued(body, id_rule, signed.at),
            newest_grant: None,
            history: History::start(signed.event, signed.at, signed.leaf),
        })
    }

    /// Takes a further step.
    ///
    /// # Errors
    /// [`Refusal::WrongPrevious`], also for a blind event that was seen or is older than the newest reinstate;
    /// [`Refusal::BadTransition`], [`Refusal::OutOfScope`], [`Refusal::BadMember`]. Then nothing changed.
    pub(crate) fn apply(
        &mut self,
        signed: &Signed<'_>,
        step: &Step<'_>,
        power: Power,
    ) -> Result<(), Refusal> {
        let event = signed.event;
        self.check_previous(event, step)?;
        self.standing.check(step)?;
        self.standing.advance(signed, step, power)?;
        if matches!(step, Step::Reinstate(_)) {
            let newest = self
                .newest_grant
                .map_or(event.decided_at(), |known| known.max(event.decided_at()));
            self.newest_grant = Some(newest);
        }
        self.history.push(signed);
        Ok(())
    }

    /// A superseding issue is bound by its own label's chain, a blind event by time and novelty.
    fn check_previous(&self, event: &Event, step: &Step<'_>) -> Result<(), Refusal> {
        let may_be_blind = matches!(step, Step::Suspend(_) | Step::Revoke);
        match step {
            Step::Supersede => Ok(()),
            _ if may_be_blind && event.prev().is_none() => self.check_blind(event),
            _ => self.history.check_previous(event),
        }
    }

    fn check_blind(&self, event: &Event) -> Result<(), Refusal> {
        let late = self
            .newest_grant
            .is_none_or(|newest| event.decided_at() > newest);
        if late && !self.history.contains(event.id()) {
            Ok(())
        } else {
            Err(Refusal::WrongPrevious {
                want: Some(self.history.newest()),
            })
        }
    }

    /// The authority that signed the accepted issue.
    pub(crate) fn issuer(&self) -> &AuthorityName {
        &self.issuer
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn record(&self) -> StateRecord {
        self.standing.write(self.history.record())
    }
}
