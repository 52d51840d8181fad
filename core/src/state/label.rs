//! A label: the table of states of `events.md`, as code.
//!
//! ```text
//! event                     from                                              to
//! issue                     absent                                            active
//! suspend                   active, suspended                                 suspended
//! reinstate                 suspended                                         active, once no suspension stands
//! issue that supersedes it  active, suspended, lapsed                         superseded
//! revoke                    active, suspended, superseded, withdrawn, lapsed, revoked   revoked
//! ```
//! Several suspensions may stand; a reinstate lifts the one it names. Who may do what is asked of
//! `registry` before: here a [`Power`] comes in.

use crate::event::{AuthorityName, Event, EventId, LabelIssue, ValidityEffect};
use crate::merkle::LeafIndex;
use crate::refusal::Refusal;
use crate::state::history::{History, check_first, reason_number};
use crate::state::record::{Flag, StateRecord, Status};
use crate::state::registry::Signed;
use crate::time::Time;

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

/// What the accepted events amount to; the part that a cut-off recomputes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    status: Status,
    since: LeafIndex,
    not_after: Option<Time>,
    superseded_for: u8,
    suspensions: Vec<Suspension>,
    revocation: Option<Revocation>,
    successor: Option<LeafIndex>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Suspension {
    id: EventId,
    by: Power,
    effect: ValidityEffect,
    reason: u8,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Revocation {
    prior: Status,
    reason: u8,
}

/// A step about a label that was issued before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Suspend(ValidityEffect),
    /// Lifts the suspension with this id.
    Reinstate(EventId),
    Revoke,
    /// Another label takes its place.
    Supersede,
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
    ) -> Result<Self, Refusal> {
        check_first(signed.event)?;
        Ok(Self {
            issuer,
            standing: Standing::issued(body, signed.at),
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
        step: Step,
        power: Power,
    ) -> Result<(), Refusal> {
        let event = signed.event;
        self.check_previous(event, step)?;
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
    fn check_previous(&self, event: &Event, step: Step) -> Result<(), Refusal> {
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

impl Standing {
    /// A label that was just issued.
    pub(crate) fn issued(body: &LabelIssue, at: LeafIndex) -> Self {
        Self {
            status: Status::Active,
            since: at,
            not_after: body.valid_until,
            superseded_for: 0,
            suspensions: Vec::new(),
            revocation: None,
            successor: None,
        }
    }

    /// Takes one step of the table.
    ///
    /// # Errors
    /// [`Refusal::BadTransition`], [`Refusal::OutOfScope`] for lifting a supervisor's suspension
    /// without being one, [`Refusal::BadMember`] for lifting what does not stand. Then nothing changed.
    pub(crate) fn advance(
        &mut self,
        signed: &Signed<'_>,
        step: Step,
        power: Power,
    ) -> Result<(), Refusal> {
        self.check_from(step)?;
        match step {
            Step::Suspend(effect) => {
                self.suspensions.push(Suspension {
                    id: signed.event.id(),
                    by: power,
                    effect,
                    reason: reason_number(signed.event),
                });
                self.status = Status::Suspended;
            }
            Step::Reinstate(suspension) => self.lift(suspension, power)?,
            Step::Revoke => {
                let prior = self
                    .revocation
                    .as_ref()
                    .map_or(self.status, |standing| standing.prior);
                self.revocation = Some(Revocation {
                    prior,
                    reason: reason_number(signed.event),
                });
                self.status = Status::Revoked;
            }
            Step::Supersede => {
                self.status = Status::Superseded;
                self.successor = Some(signed.at);
                self.superseded_for = reason_number(signed.event);
            }
        }
        self.since = signed.at;
        Ok(())
    }

    fn check_from(&self, step: Step) -> Result<(), Refusal> {
        let allowed = match (step, self.status) {
            (Step::Suspend(_), Status::Active | Status::Suspended)
            | (Step::Reinstate(_), Status::Suspended) => true,
            (Step::Supersede, Status::Active | Status::Suspended | Status::Lapsed) => true,
            (Step::Revoke, status) => status != Status::Annulled,
            _ => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(Refusal::BadTransition {
                from: self.status.word(),
            })
        }
    }

    fn lift(&mut self, id: EventId, power: Power) -> Result<(), Refusal> {
        let supervised = self
            .suspensions
            .iter()
            .any(|standing| standing.by == Power::Supervisor);
        if supervised && power == Power::OwnIssuer {
            return Err(Refusal::OutOfScope);
        }
        let Some(position) = self
            .suspensions
            .iter()
            .position(|standing| standing.id == id)
        else {
            return Err(Refusal::bad_member(
                "/body/suspension",
                "no suspension of this id stands",
            ));
        };
        self.suspensions.remove(position);
        if self.suspensions.is_empty() {
            self.status = Status::Active;
        }
        Ok(())
    }

    /// Where the event stands that set the status.
    pub(crate) fn since(&self) -> LeafIndex {
        self.since
    }

    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// The number of the reason of the event that set the status, 0 if active.
    pub(crate) fn reason(&self) -> u8 {
        match self.status {
            Status::Suspended => self.suspensions.last().map_or(0, |newest| newest.reason),
            Status::Revoked => self.revocation.as_ref().map_or(0, |newest| newest.reason),
            Status::Superseded => self.superseded_for,
            _ => 0,
        }
    }

    fn write(&self, mut record: StateRecord) -> StateRecord {
        let supervised = self
            .suspensions
            .iter()
            .any(|standing| standing.by == Power::Supervisor);
        // With several suspensions the strictest one decides.
        let harmless = !self.suspensions.is_empty()
            && self
                .suspensions
                .iter()
                .all(|standing| standing.effect == ValidityEffect::None);
        if supervised {
            record.raise(Flag::SupervisorSuspension);
        }
        if harmless {
            record.raise(Flag::NoValidityEffect);
        }
        record.set_status(self.status, self.reason());
        record.set_prior(self.revocation.as_ref().map(|standing| standing.prior));
        record.set_not_after(self.not_after);
        record.set_successor_index(self.successor);
        record
    }
}
