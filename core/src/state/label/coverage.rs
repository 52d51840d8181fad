//! Coverage: the products, printed ids and validity of a label, as its events have left them.
//!
//! ```text
//! issue, amend   a whole body; an amend changes nothing of what stands here but the models
//! renew          valid_until, later or open; further aliases
//! bind, unbind   GTINs and models: what is bound must be new, what is unbound must be there
//! ```
//! GTINs and printed ids are compared as sets, printed ids in canonical form, models as they were written.

use crate::event::{
    Gtin14, LabelBind, LabelId, LabelIssue, LabelRenew, LabelUnbind, LevelCode, MAX_ALIAS_BYTES,
    MAX_ALIASES, MAX_GTINS, MAX_MODELS, Model, NativeId, Text, ValidityReference,
};
use crate::refusal::{Pointer, Refusal};
use crate::state::key::{CanonicalId, IdRule, canonical_id};
use crate::state::scheme::SchemeDetail;
use crate::time::Time;

/// What a label covers, and what an amend must leave as it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Coverage {
    native_id: NativeId,
    level: LevelCode,
    supersedes: Option<LabelId>,
    valid_from: Time,
    valid_until: Option<Time>,
    validity_reference: ValidityReference,
    gtins: Vec<Gtin14>,
    models: Vec<Model>,
    aliases: Vec<CanonicalId>,
}

/// What a renewal asks for; `may_be_late` if the scheme lets a lapsed label come back.
#[derive(Clone, Debug)]
pub(crate) struct Renewal {
    pub(super) valid_until: Option<Time>,
    pub(super) aliases: Vec<CanonicalId>,
    pub(super) may_be_late: bool,
}

impl Coverage {
    /// What an issue says.
    pub(crate) fn issued(body: &LabelIssue, id_rule: IdRule) -> Self {
        let mut coverage = Self {
            native_id: body.native_id.clone(),
            level: body.level.clone(),
            supersedes: body.supersedes.clone(),
            valid_from: body.valid_from,
            valid_until: body.valid_until,
            validity_reference: body.validity_reference,
            gtins: body.gtins.as_slice().to_vec(),
            models: body.models.as_slice().to_vec(),
            aliases: Vec::new(),
        };
        coverage.add_aliases(&canonical_aliases(id_rule, body.aliases.as_slice()));
        coverage
    }

    /// The product numbers, in the order in which they were bound.
    #[must_use]
    pub fn gtins(&self) -> &[Gtin14] {
        &self.gtins
    }

    /// The models, in the order in which they were bound.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The ids printed on the product beside the native one, in canonical form.
    #[must_use]
    pub fn aliases(&self) -> &[CanonicalId] {
        &self.aliases
    }

    /// The first instant at which it holds no more; none: open-ended.
    #[must_use]
    pub fn valid_until(&self) -> Option<Time> {
        self.valid_until
    }

    pub(super) fn check_renewal(&self, renewal: &Renewal) -> Result<(), Refusal> {
        if renewal.aliases.is_empty() && renewal.valid_until == self.valid_until {
            return Err(Refusal::bad_member(
                "/body/valid_until",
                "is no later than before, and no printed id is added",
            ));
        }
        self.check_late_renewal(renewal)
    }

    /// A lapsed label comes back also without a later end.
    pub(super) fn check_late_renewal(&self, renewal: &Renewal) -> Result<(), Refusal> {
        if ends_before(renewal.valid_until, self.valid_until) {
            return Err(Refusal::bad_member(
                "/body/valid_until",
                "is earlier than before; a renewal only lengthens",
            ));
        }
        let known = |number: &usize| {
            let alias = &renewal.aliases[*number];
            self.aliases.contains(alias) || renewal.aliases[..*number].contains(alias)
        };
        if let Some(number) = (0..renewal.aliases.len()).find(known) {
            return Err(Refusal::bad_member(
                Pointer::from("/body/aliases").element(number),
                "is a printed id of the label already",
            ));
        }
        check_total(
            "/body/aliases",
            self.aliases.len() + renewal.aliases.len(),
            MAX_ALIASES,
        )
    }

    pub(super) fn renew(&mut self, renewal: &Renewal) {
        self.valid_until = renewal.valid_until;
        self.add_aliases(&renewal.aliases);
    }

    /// Checks that a new body leaves everything as it is but what a label may say anew.
    pub(super) fn check_amend(&self, body: &LabelIssue, id_rule: IdRule) -> Result<(), Refusal> {
        let new = Self::issued(body, id_rule);
        let members = [
            ("/body/native_id", new.native_id == self.native_id),
            ("/body/level", new.level == self.level),
            ("/body/supersedes", new.supersedes == self.supersedes),
            ("/body/valid_from", new.valid_from == self.valid_from),
            ("/body/valid_until", new.valid_until == self.valid_until),
            (
                "/body/validity_reference",
                new.validity_reference == self.validity_reference,
            ),
            ("/body/gtins", are_equal_sets(&new.gtins, &self.gtins)),
            ("/body/aliases", are_equal_sets(&new.aliases, &self.aliases)),
        ];
        match members.into_iter().find(|(_, is_same)| !is_same) {
            Some((pointer, _)) => Err(Refusal::bad_member(
                pointer,
                "an amend leaves it as it is; renew, bind and unbind change validity, printed ids and products",
            )),
            None => Ok(()),
        }
    }

    pub(super) fn amend(&mut self, body: &LabelIssue) {
        self.models = body.models.as_slice().to_vec();
    }

    pub(super) fn check_bind(&self, body: &LabelBind) -> Result<(), Refusal> {
        let bound = "is bound to the label already";
        check_all(body.gtins.as_slice(), "/body/gtins", bound, |gtin| {
            !self.gtins.contains(gtin)
        })?;
        check_all(body.models.as_slice(), "/body/models", bound, |model| {
            !self.models.contains(model)
        })?;
        check_total(
            "/body/gtins",
            self.gtins.len() + body.gtins.len(),
            MAX_GTINS,
        )?;
        check_total(
            "/body/models",
            self.models.len() + body.models.len(),
            MAX_MODELS,
        )
    }

    /// Binds what is not bound yet.
    pub(super) fn bind(&mut self, body: &LabelBind) {
        add_new(&mut self.gtins, body.gtins.as_slice());
        add_new(&mut self.models, body.models.as_slice());
    }

    pub(super) fn check_unbind(&self, body: &LabelUnbind) -> Result<(), Refusal> {
        let free = "is not bound to the label";
        check_all(body.gtins.as_slice(), "/body/gtins", free, |gtin| {
            self.gtins.contains(gtin)
        })?;
        check_all(body.models.as_slice(), "/body/models", free, |model| {
            self.models.contains(model)
        })
    }

    /// Takes away what is there.
    pub(super) fn unbind(&mut self, body: &LabelUnbind) {
        self.gtins.retain(|gtin| !body.gtins.contains(gtin));
        self.models.retain(|model| !body.models.contains(model));
    }

    fn add_aliases(&mut self, aliases: &[CanonicalId]) {
        add_new(&mut self.aliases, aliases);
    }
}

impl Renewal {
    pub(super) fn of(body: &LabelRenew, scheme: &SchemeDetail) -> Self {
        Self {
            valid_until: body.valid_until,
            aliases: canonical_aliases(scheme.id_rule(), body.added_aliases()),
            may_be_late: scheme.renews_lapsed(),
        }
    }
}

/// Printed ids in the one form in which they are compared and found.
pub(crate) fn canonical_aliases(
    rule: IdRule,
    printed: &[Text<MAX_ALIAS_BYTES>],
) -> Vec<CanonicalId> {
    let canonical = |alias: &Text<MAX_ALIAS_BYTES>| {
        canonical_id(rule, alias.as_str()).expect("a printed id is short and not blank")
    };
    printed.iter().map(canonical).collect()
}

/// An open end is the last of all.
fn ends_before(one: Option<Time>, other: Option<Time>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn check_all<T>(
    elements: &[T],
    list: &'static str,
    why: &'static str,
    is_right: impl Fn(&T) -> bool,
) -> Result<(), Refusal> {
    match elements.iter().position(|element| !is_right(element)) {
        Some(number) => Err(Refusal::bad_member(
            Pointer::from(list).element(number),
            why,
        )),
        None => Ok(()),
    }
}

fn check_total(list: &'static str, total: usize, limit: usize) -> Result<(), Refusal> {
    if total <= limit {
        return Ok(());
    }
    Err(Refusal::bad_member(
        list,
        format_args!("the label would have {total}, at most {limit} are allowed"),
    ))
}

fn add_new<T: Clone + PartialEq>(known: &mut Vec<T>, more: &[T]) {
    for element in more {
        if !known.contains(element) {
            known.push(element.clone());
        }
    }
}

/// Neither list has an element twice.
fn are_equal_sets<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.len() == other.len() && one.iter().all(|element| other.contains(element))
}
