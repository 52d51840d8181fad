//! Labels in detail, by map key: those touched since start and those loaded when asked.
//!
//! ```text
//! issue      issuer in scope, level and host of the scheme, lab in force ──▶ a new label
//!            `supersedes` another of the own issuer                       ──▶ and a step of that one
//! renew, amend, bind, unbind   own issuer; an amend within its scope       ──▶ a step of the label
//! suspend, reinstate, revoke   own issuer or supervisor                   ──▶ a step of the label
//! ```
//! The steps themselves are `label`'s.

use std::collections::BTreeMap;

use crate::event::{AuthorityName, Body, Event, LabelId, LabelIssue, Subject};
use crate::refusal::Refusal;
use crate::state::key::{CanonicalId, MapKey, MapName, canonical_id};
use crate::state::label::{LabelDetail, Power, Step};
use crate::state::registry::{Extent, Registry, Signed};

/// The labels that are known in detail.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    pub(crate) extent: Extent,
    /// Boxed: a new one then moves pointers to those beside it, not what they hold.
    pub(crate) details: BTreeMap<MapKey, Box<LabelDetail>>,
}

impl Labels {
    pub(crate) fn new(extent: Extent) -> Self {
        Self {
            extent,
            details: BTreeMap::new(),
        }
    }

    /// Does what an event about a label asks for; answers which labels changed.
    ///
    /// # Errors
    /// Any [`Refusal`] of a `label.*` event. Then nothing changed.
    pub(crate) fn apply(
        &mut self,
        registry: &Registry,
        signed: &Signed<'_>,
        label: &LabelId,
    ) -> Result<Vec<MapKey>, Refusal> {
        if let Body::LabelIssue(body) = signed.event.body() {
            return self.issue(registry, signed, label, body);
        }
        let scheme = registry.scheme(label.scheme())?;
        let step = Step::of(signed.event.body(), scheme)?;
        let key = label_key(registry, label)?;
        let detail = self.details.get_mut(&key).ok_or(Refusal::UnknownSubject)?;
        let power = power(registry, signed, label, detail.issuer(), &step)?;
        if let Step::Amend { body, .. } = &step {
            check_scheme(registry, signed, label, body)?;
        }
        detail.apply(signed, &step, power)?;
        Ok(vec![key])
    }

    fn issue(
        &mut self,
        registry: &Registry,
        signed: &Signed<'_>,
        label: &LabelId,
        body: &LabelIssue,
    ) -> Result<Vec<MapKey>, Refusal> {
        let key = label_key(registry, label)?;
        let issuer = registry.issuer(signed, label.scheme(), body)?;
        check_scheme(registry, signed, label, body)?;
        if self.details.contains_key(&key) {
            return Err(Refusal::DuplicateLabel);
        }
        let id_rule = registry.scheme(label.scheme())?.id_rule();
        let detail = LabelDetail::issue(issuer, signed, body, id_rule)?;
        let mut changed = vec![key];
        if let Some(other) = &body.supersedes {
            changed.extend(self.supersede(registry, signed, key, other)?);
        }
        self.details.insert(key, Box::new(detail));
        Ok(changed)
    }

    /// The last check of an issue, and the only one that changes another label.
    fn supersede(
        &mut self,
        registry: &Registry,
        signed: &Signed<'_>,
        by: MapKey,
        other: &LabelId,
    ) -> Result<Option<MapKey>, Refusal> {
        let key = label_key(registry, other)?;
        if key == by {
            return Err(Refusal::bad_member(
                "/body/supersedes",
                "a label cannot take its own place",
            ));
        }
        let Some(detail) = self.details.get_mut(&key) else {
            return match self.extent {
                Extent::Whole => Err(Refusal::UnknownSubject),
                Extent::Part => Ok(None),
            };
        };
        registry
            .check_own_issuer(signed, other.scheme(), detail.issuer(), None)
            .map_err(|_| Refusal::OutOfScope)?;
        detail.apply(signed, &Step::Supersede, Power::OwnIssuer)?;
        Ok(Some(key))
    }
}

/// By what right a step is taken.
///
/// # Errors
/// [`Refusal::OutOfScope`], [`Refusal::UnknownAuthority`].
pub(crate) fn power(
    registry: &Registry,
    signed: &Signed<'_>,
    label: &LabelId,
    issuer: &AuthorityName,
    step: &Step<'_>,
) -> Result<Power, Refusal> {
    let own = |body| registry.check_own_issuer(signed, label.scheme(), issuer, body);
    match step {
        Step::Renew(_) | Step::Bind(_) | Step::Unbind(_) => own(None)?,
        Step::Amend { body, .. } => own(Some(body))?,
        // The issue that supersedes was judged as an issue; whose label it replaces, with it.
        Step::Supersede => {}
        Step::Suspend(_) | Step::Reinstate(_) | Step::Revoke => {
            return registry.power(signed, label.scheme(), issuer);
        }
    }
    Ok(Power::OwnIssuer)
}

/// What an issue or an amend says must exist in its scheme; the lab must be accredited.
pub(crate) fn check_scheme(
    registry: &Registry,
    signed: &Signed<'_>,
    label: &LabelId,
    body: &LabelIssue,
) -> Result<(), Refusal> {
    let scheme = registry.scheme(label.scheme())?;
    if !scheme.has_level(&body.level) {
        return Err(Refusal::bad_member(
            "/body/level",
            "the scheme has no such level",
        ));
    }
    if !scheme.hosts(&body.page) {
        return Err(Refusal::bad_member(
            "/body/page",
            "is not on a host of the scheme",
        ));
    }
    match &body.lab {
        Some(lab) => registry.check_lab(lab, label.scheme(), signed.at),
        None => Ok(()),
    }
}

/// The labels in whose history an event counts: its subject and the one it supersedes.
pub(crate) fn labels_of(event: &Event) -> impl Iterator<Item = &LabelId> {
    let (subject, superseded) = match (event.subject(), event.body()) {
        (Subject::Label(label), Body::LabelIssue(body)) => (Some(label), body.supersedes.as_ref()),
        (Subject::Label(label), _) => (Some(label), None),
        _ => (None, None),
    };
    subject.into_iter().chain(superseded)
}

/// The key of a label's record, with its id made canonical by its scheme.
///
/// # Errors
/// [`Refusal::UnknownSubject`] if there is no such scheme.
pub(crate) fn label_key(registry: &Registry, label: &LabelId) -> Result<MapKey, Refusal> {
    Ok(MapKey::label(label.scheme(), &id_of(registry, label)?))
}

/// The name of that record.
///
/// # Errors
/// As [`label_key`].
pub(crate) fn label_name(registry: &Registry, label: &LabelId) -> Result<MapName, Refusal> {
    let id = id_of(registry, label)?;
    Ok(MapName::label(label.scheme().as_str(), &id).expect("a scheme id is a field of a name"))
}

fn id_of(registry: &Registry, label: &LabelId) -> Result<CanonicalId, Refusal> {
    let rule = registry.scheme(label.scheme())?.id_rule();
    let id = canonical_id(rule, label.native().as_str());
    Ok(id.expect("a native id is short and has no spaces"))
}
