//! One event of a label whose other events are not at hand: whether those who signed it might.
//!
//! ```text
//! issue                  issuer in scope, level and host of the scheme, lab in force: as the state function judges it
//! renew, bind, unbind    the own issuer
//! ```
//! That the event was accepted, a proved index record says; what became of the label, its own record.

use crate::event::{AuthorityName, Body, Event, Subject};
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;
use crate::state::history::check_first;
use crate::state::label::Step;
use crate::state::labels::{check_scheme, power};
use crate::state::registry::Signed;
use crate::state::signers::{SignatureMemo, Signers};
use crate::state::subjects::Subjects;

impl Subjects {
    /// Judges an event about a label that `issuer` issued, or that it issues; answers the issuer.
    ///
    /// # Errors
    /// Any [`Refusal`] that does not need the label's history; [`Refusal::UnknownSubject`] for an event about a label
    /// that was not issued before.
    pub(crate) fn judge_alone(
        &self,
        event: &Event,
        at: LeafIndex,
        leaf: LeafHash,
        memo: &SignatureMemo,
        issuer: Option<&AuthorityName>,
    ) -> Result<AuthorityName, Refusal> {
        let registry = &self.registry;
        if *event.origin() != registry.origin {
            return Err(Refusal::WrongLog);
        }
        let Subject::Label(label) = event.subject() else {
            return Err(Refusal::UnknownSubject);
        };
        let signed = Signed {
            event,
            at,
            leaf,
            signers: Signers::verify(event, leaf, registry.candidates(event, at), memo)?,
        };
        match (event.body(), issuer) {
            (Body::LabelIssue(body), None) => {
                check_first(event)?;
                let issuer = registry.issuer(&signed, label.scheme(), body)?;
                check_scheme(registry, &signed, label, body)?;
                Ok(issuer)
            }
            (Body::LabelIssue(_), Some(_)) => Err(Refusal::DuplicateLabel),
            (_, None) => Err(Refusal::UnknownSubject),
            (body, Some(issuer)) => {
                let step = Step::of(body, registry.scheme(label.scheme())?)?;
                power(registry, &signed, label, issuer, &step)?;
                Ok(issuer.clone())
            }
        }
    }
}
