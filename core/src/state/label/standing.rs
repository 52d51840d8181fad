//! Standing: what the accepted events of a label amount to; the part that a cut-off recomputes.
//!
//! ```text
//! status      and where it was set, suspensions that stand, the standing revocation, the successor
//! coverage    products, printed ids, validity
//! ```
//! The table of states and who may take a step are `label`'s.

use super::{Coverage, Power, Step};
use crate::event::{EventId, LabelIssue, ValidityEffect};
use crate::merkle::LeafIndex;
use crate::refusal::Refusal;
use crate::state::history::reason_number;
use crate::state::key::IdRule;
use crate::state::record::{Flag, StateRecord, Status};
use crate::state::registry::Signed;

/// What the accepted events amount to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    status: Status,
    since: LeafIndex,
    coverage: Coverage,
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

impl Standing {
    /// A label that was just issued.
    pub(crate) fn issued(body: &LabelIssue, id_rule: IdRule, at: LeafIndex) -> Self {
        Self {
            status: Status::Active,
            since: at,
            coverage: Coverage::issued(body, id_rule),
            superseded_for: 0,
            suspensions: Vec::new(),
            revocation: None,
            successor: None,
        }
    }

    /// Checks that the step starts from this status, and that what it says of products, printed ids and validity
    /// fits to what is there.
    ///
    /// # Errors
    /// [`Refusal::BadTransition`], [`Refusal::BadMember`].
    pub(crate) fn check(&self, step: &Step<'_>) -> Result<(), Refusal> {
        self.check_from(step)?;
        match step {
            Step::Renew(renewal) if self.status == Status::Lapsed => {
                self.coverage.check_late_renewal(renewal)
            }
            Step::Renew(renewal) => self.coverage.check_renewal(renewal),
            Step::Amend { body, id_rule } => self.coverage.check_amend(body, *id_rule),
            Step::Bind(body) => self.coverage.check_bind(body),
            Step::Unbind(body) => self.coverage.check_unbind(body),
            Step::Suspend(_) | Step::Reinstate(_) | Step::Revoke | Step::Supersede => Ok(()),
        }
    }

    /// Takes one step of the table.
    ///
    /// [`Standing::check`] comes before it, but where a cut-off leaves earlier events out: a log has accepted this
    /// one against more than is left.
    ///
    /// # Errors
    /// [`Refusal::BadTransition`], [`Refusal::OutOfScope`] for lifting a supervisor's suspension
    /// without being one, [`Refusal::BadMember`] for lifting what does not stand. Then nothing changed.
    pub(crate) fn advance(
        &mut self,
        signed: &Signed<'_>,
        step: &Step<'_>,
        power: Power,
    ) -> Result<(), Refusal> {
        self.check_from(step)?;
        match step {
            Step::Renew(renewal) => {
                self.coverage.renew(renewal);
                if self.status != Status::Lapsed {
                    return Ok(());
                }
                self.status = Status::Active;
            }
            Step::Amend { body, .. } => {
                self.coverage.amend(body);
                return Ok(());
            }
            Step::Bind(body) => {
                self.coverage.bind(body);
                return Ok(());
            }
            Step::Unbind(body) => {
                self.coverage.unbind(body);
                return Ok(());
            }
            Step::Suspend(effect) => {
                self.suspensions.push(Suspension {
                    id: signed.event.id(),
                    by: power,
                    effect: *effect,
                    reason: reason_number(signed.event),
                });
                self.status = Status::Suspended;
            }
            Step::Reinstate(suspension) => self.lift(*suspension, power)?,
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

    fn check_from(&self, step: &Step<'_>) -> Result<(), Refusal> {
        let allowed = match (step, self.status) {
            (Step::Reinstate(_), Status::Suspended) => true,
            (
                Step::Renew(_)
                | Step::Amend { .. }
                | Step::Bind(_)
                | Step::Unbind(_)
                | Step::Suspend(_),
                Status::Active | Status::Suspended,
            ) => true,
            (Step::Renew(renewal), Status::Lapsed) => renewal.may_be_late,
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

    /// What the label covers.
    pub(crate) fn coverage(&self) -> &Coverage {
        &self.coverage
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

    pub(super) fn write(&self, mut record: StateRecord) -> StateRecord {
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
        record.set_not_after(self.coverage.valid_until());
        record.set_successor_index(self.successor);
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Draft, Event, Kind, template};
    use crate::key::{KeyType, SigningKey};
    use crate::note::Note;
    use crate::state::label::Renewal;
    use crate::state::signers::{SignatureMemo, Signers};

    fn event(kind: Kind) -> Event {
        let draft = Draft::from_json(kind, template(kind)).unwrap();
        let text = draft.text(&"labels.g7.example".parse().unwrap(), None);
        let key = SigningKey::from_seed("a.example".parse().unwrap(), KeyType::Note, [7; 32]);
        let note = Note::new(text.clone(), vec![key.sign_note(&text)]).unwrap();
        Event::parse(&note.to_bytes()).unwrap()
    }

    /// No event of this version lapses a label, but the table of states says what comes after it.
    #[test]
    fn lapsed_label_comes_back_only_by_a_renewal_where_its_scheme_says_so() {
        let issue = event(Kind::LabelIssue);
        let Body::LabelIssue(body) = issue.body() else {
            panic!("{issue:?}")
        };
        let mut standing = Standing::issued(body, IdRule::Upper, LeafIndex::new(3));
        standing.status = Status::Lapsed;
        let renew = |may_be_late| {
            Step::Renew(Renewal {
                valid_until: body.valid_until,
                aliases: Vec::new(),
                may_be_late,
            })
        };
        let never = Err(Refusal::BadTransition { from: "lapsed" });
        assert_eq!(standing.check(&renew(false)), never);
        assert_eq!(
            standing.check(&Step::Amend {
                body,
                id_rule: IdRule::Upper
            }),
            never
        );
        let leaf = issue.leaf();
        let signed = Signed {
            event: &issue,
            at: LeafIndex::new(9),
            leaf,
            signers: Signers::verify(&issue, leaf, Vec::new(), &SignatureMemo::empty()).unwrap(),
        };
        let step = renew(true);
        assert_eq!(standing.check(&step), Ok(()), "also without a later end");
        standing.advance(&signed, &step, Power::OwnIssuer).unwrap();
        assert_eq!(
            (standing.status(), standing.since()),
            (Status::Active, LeafIndex::new(9))
        );
        assert!(standing.check(&step).is_err(), "it does nothing any more");
    }
}
