//! Bodies of `label.*`: one label's life.
//!
//! ```text
//! label.issue      the label itself, see `docs/spec/event.md`
//! label.renew      {"valid_until":"2030-02-03T00:00:00Z"}    absent: open-ended; aliases? are more printed ids
//! label.amend      a whole body of label.issue
//! label.bind       {"gtins":["09521234001027"],"models":[]}  not both empty; label.unbind alike
//! label.suspend    {"validity_effect":"suspended"}          until? is information
//! label.reinstate  {"suspension":"<id of the event lifted>"}
//! label.revoke     {}
//! ```
//! The parts of a product are in `product`.

use serde::{Deserialize, Serialize};

use super::EventId;
use super::form::{List, Text, words};
use super::identifiers::{Gtin14, PageUri, WebUri};
use super::names::{AuthorityName, LevelCode, NativeId, Territory};
use super::product::{
    Component, Document, Firmware, Model, Organisation, Product, Standard, SupportEnd, Updates,
};
use super::scheme::ValidityReference;
use super::subject::LabelId;
use crate::refusal::{Pointer, Refusal};
use crate::time::Time;

/// Body of `label.issue`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelIssue {
    /// Other ids printed on the product.
    pub aliases: List<Text<MAX_ALIAS_BYTES>, 0, MAX_ALIASES>,
    /// How it was found to conform.
    pub assurance: Assurance,
    /// What the label covers.
    pub components: List<Component, 1, 4>,
    /// The maker's page on reporting vulnerabilities: a role, never a person.
    pub contact: WebUri,
    /// Which firmware is covered.
    pub firmware: Firmware,
    /// The product numbers it is sold under.
    pub gtins: List<Gtin14, 0, MAX_GTINS>,
    /// Who holds the label.
    pub holder: Organisation,
    /// Who tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lab: Option<AuthorityName>,
    /// The level reached, a code of the scheme.
    pub level: LevelCode,
    /// Who made the product.
    pub manufacturer: Organisation,
    /// The models of the family.
    pub models: List<Model, 1, MAX_MODELS>,
    /// The device's statement of the network it needs (RFC 8520).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mud: Option<Document>,
    /// The id that the scheme gave, as in the subject.
    pub native_id: NativeId,
    /// The page the printed code points to.
    pub page: PageUri,
    /// How to change the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_uri: Option<WebUri>,
    /// The product.
    pub product: Product,
    /// Who answers for the maker in the territory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representative: Option<Organisation>,
    /// The bill of materials of its software.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbom: Option<Document>,
    /// The version of the scheme's specification.
    pub scheme_version: Text<64>,
    /// How to set it up safely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_config_uri: Option<WebUri>,
    /// The standards met.
    pub standards: List<Standard, 0, 16>,
    /// The label that this one takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<LabelId>,
    /// Until when the maker supports it.
    pub support_end: SupportEnd,
    /// Where the label is meant to be used.
    pub territory: List<Territory, 1, 64>,
    /// How it is updated.
    pub updates: Updates,
    /// From this instant.
    pub valid_from: Time,
    /// Up to this instant, which is outside; absent: open-ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
    /// The date at which the label must be valid.
    pub validity_reference: ValidityReference,
}

words! {
    /// How conformity was found, from weak to strong.
    Assurance, "an assurance":
    /// The maker says so.
    SelfDeclared = "self-declared",
    /// The authority looked at the declaration.
    AuthorityChecked = "authority-checked",
    /// Somebody else tested it.
    ThirdPartyTest = "third-party-test",
    /// Somebody else tried to break it.
    ThirdPartyPentest = "third-party-pentest",
    /// Certified under an accredited scheme.
    Certified = "certified",
}

/// Body of `label.renew`: until when the label holds from now on, and what is printed on it from now on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRenew {
    /// Further ids printed on the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<List<Text<MAX_ALIAS_BYTES>, 1, MAX_ALIASES>>,
    /// Up to this instant, which is outside; absent: open-ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
}

/// Body of `label.bind`: what the label covers beside what it covered before.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelBind {
    /// The product numbers that are added.
    pub gtins: List<Gtin14, 0, MAX_GTINS>,
    /// The models that are added.
    pub models: List<Model, 0, MAX_MODELS>,
}

/// Body of `label.unbind`: what the label covers no more.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelUnbind {
    /// The product numbers that are taken away.
    pub gtins: List<Gtin14, 0, MAX_GTINS>,
    /// The models that are taken away, as they were written.
    pub models: List<Model, 0, MAX_MODELS>,
}

/// Body of `label.suspend`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSuspend {
    /// When the authority means to look again; information, only a reinstate lifts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Whether units count as labelled meanwhile.
    pub validity_effect: ValidityEffect,
}

words! {
    /// Whether units count as labelled while a label is suspended.
    ValidityEffect, "a validity effect":
    /// They do not.
    Suspended = "suspended",
    /// They do: only new use of the label stops.
    None = "none",
}

/// Body of `label.reinstate`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelReinstate {
    /// The suspension that is lifted.
    pub suspension: EventId,
}

/// Body of `label.revoke`: nothing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRevoke {}

impl LabelIssue {
    pub(super) fn check(&self, subject: &LabelId) -> Result<(), Refusal> {
        check_printed(self.aliases.as_slice())?;
        if self.native_id != *subject.native() {
            return Err(Refusal::bad_member(
                "/body/native_id",
                "is not the native id of the subject",
            ));
        }
        if self
            .valid_until
            .is_some_and(|until| until <= self.valid_from)
        {
            return Err(Refusal::bad_member(
                "/body/valid_until",
                "is not after valid_from",
            ));
        }
        match &self.supersedes {
            Some(other) if other == subject => Err(Refusal::bad_member(
                "/body/supersedes",
                "a label cannot take its own place",
            )),
            Some(other) if other.scheme() != subject.scheme() => Err(Refusal::bad_member(
                "/body/supersedes",
                "is a label of another scheme",
            )),
            _ => Ok(()),
        }
    }
}

impl LabelRenew {
    /// The printed ids that are added, perhaps none.
    #[must_use]
    pub fn added_aliases(&self) -> &[Text<MAX_ALIAS_BYTES>] {
        self.aliases.as_ref().map_or(&[], List::as_slice)
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_printed(self.added_aliases())
    }
}

impl LabelBind {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_names_some(&self.gtins, &self.models)
    }
}

impl LabelUnbind {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_names_some(&self.gtins, &self.models)
    }
}

/// A printed id is found by its canonical form, which has no spaces.
fn check_printed(aliases: &[Text<MAX_ALIAS_BYTES>]) -> Result<(), Refusal> {
    let is_blank = |alias: &Text<MAX_ALIAS_BYTES>| alias.as_str().bytes().all(|byte| byte == b' ');
    match aliases.iter().position(is_blank) {
        Some(number) => Err(Refusal::bad_member(
            Pointer::from("/body/aliases").element(number),
            "has nothing but spaces",
        )),
        None => Ok(()),
    }
}

fn check_names_some(
    gtins: &List<Gtin14, 0, MAX_GTINS>,
    models: &List<Model, 0, MAX_MODELS>,
) -> Result<(), Refusal> {
    if gtins.is_empty() && models.is_empty() {
        return Err(Refusal::bad_member(
            "/body",
            "names neither a GTIN nor a model",
        ));
    }
    Ok(())
}

/// Product numbers that a label covers: a shop's shelf of one family, and a whole body can still name them.
pub const MAX_GTINS: usize = 64;
/// Models that a label covers; with short numbers they fill an entry.
pub const MAX_MODELS: usize = 256;
/// Printed ids of a label beside its native id: one for each renewal in a product's life.
pub const MAX_ALIASES: usize = 8;
/// A printed id is no longer than a native id.
pub const MAX_ALIAS_BYTES: usize = 96;
