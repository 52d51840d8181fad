//! Bodies of `authority.*`: who may do what, with which keys.
//!
//! ```text
//! authority.accredit  {"country":"JP","grants":[{"role":"issuer","schemes":["jp.jc-star"]}],
//!                      "keys":["label.jp.example+…"],"member":"jp","name":"Label Office"}
//! authority.key       {"add":"label.jp.example+…"} | {"retire":"1c9d0a2e"}
//!                     | {"revoke":{"compromised_from":412,"key":"1c9d0a2e"}}
//! authority.withdraw  {"effect_on_labels":"no-new"} | {"effect_on_labels":{"suspect_from":412}}
//! ```
//! Every key of an authority carries the authority's name.

use serde::{Deserialize, Serialize};

use super::form::{List, Text, words};
use super::identifiers::OrganisationId;
use super::names::{
    AuthorityName, Category, CountryCode, LevelCode, MemberCode, SchemeId, Territory,
};
use super::{EventKey, check_distinct_keys, json};
use crate::merkle::LeafIndex;
use crate::note::KeyId;
use crate::refusal::{Pointer, Refusal};

/// Body of `authority.accredit`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityAccredit {
    /// Where it sits.
    pub country: CountryCode,
    /// What it may do.
    pub grants: List<Grant, 1, MAX_GRANTS>,
    /// Its first keys.
    pub keys: List<EventKey, 1, MAX_KEYS>,
    /// The member that accredits it.
    pub member: MemberCode,
    /// Its name, for people.
    pub name: Text<256>,
}

/// One role and how far it reaches; an absent list does not limit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Categories of products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<List<Category, 1, MAX_SCOPE>>,
    /// For attesters: which factors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factors: Option<List<Factor, 1, 9>>,
    /// Levels of the schemes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<List<LevelCode, 1, MAX_SCOPE>>,
    /// For holders: the ids they may speak for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisations: Option<List<OrganisationId, 1, MAX_SCOPE>>,
    /// The role.
    pub role: Role,
    /// Schemes; some for issuer, supervisor and lab.
    pub schemes: List<SchemeId, 0, MAX_SCOPE>,
    /// Territories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub territory: Option<List<Territory, 1, MAX_SCOPE>>,
}

words! {
    /// What an authority may do.
    Role, "a role":
    /// Issues labels of the schemes.
    Issuer = "issuer",
    /// Watches over the schemes: may take away and give back.
    Supervisor = "supervisor",
    /// Tests for the schemes.
    Lab = "lab",
    /// Orders measures on a market.
    Market = "market",
    /// Attests non-technical factors.
    Attester = "attester",
    /// Publishes designations.
    Designator = "designator",
    /// Holds labels; may contest attestations.
    Holder = "holder",
}

words! {
    /// A non-technical factor that an attester may speak about.
    Factor, "a factor":
    /// Where the product is designed, made and updated from.
    Production = "production",
    /// Who owns and controls the maker.
    Ownership = "ownership",
    /// Adherence to declarations against unlimited government surveillance.
    SurveillanceDeclaration = "surveillance-declaration",
    /// A duty to report vulnerabilities before they are known to be exploited.
    VulnerabilityPrereport = "vulnerability-prereport",
    /// Threat actors that operate from the jurisdiction.
    ThreatActors = "threat-actors",
    /// Rule of law.
    RuleOfLaw = "rule-of-law",
    /// Security environment.
    SecurityEnvironment = "security-environment",
    /// Malfeasance of the vendor.
    Malfeasance = "malfeasance",
    /// Open, interoperable and secure standards.
    Standards = "standards",
}

/// Body of `authority.key`: exactly one of three changes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthorityKey {
    /// One more key.
    Add(EventKey),
    /// A key that signs no more; what it signed stands.
    Retire(KeyId),
    /// A key that was in the wrong hands.
    Revoke(KeyRevocation),
}

/// Which key was in the wrong hands, and since which index.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRevocation {
    /// From this index on; absent: the event's own.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "json::optional_index"
    )]
    pub compromised_from: Option<LeafIndex>,
    /// The key.
    pub key: KeyId,
}

/// Body of `authority.withdraw`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityWithdraw {
    /// What becomes of the labels it issued.
    pub effect_on_labels: EffectOnLabels,
    /// Who acts in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub successor: Option<AuthorityName>,
}

/// What becomes of the labels of an authority that is suspended or withdrawn.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum EffectOnLabels {
    /// Nothing.
    #[serde(rename = "none")]
    None,
    /// They stand; there will be no new ones.
    #[serde(rename = "no-new")]
    NoNew,
    /// What it granted at this index or later is in doubt.
    #[serde(rename = "suspect_from", with = "json::index")]
    SuspectFrom(LeafIndex),
    /// All of them fall.
    #[serde(rename = "all")]
    All,
}

impl AuthorityAccredit {
    pub(super) fn check(&self, name: &AuthorityName) -> Result<(), Refusal> {
        let keys = Pointer::from("/body/keys");
        check_distinct_keys(self.keys.as_slice(), &keys)?;
        for (index, key) in self.keys.iter().enumerate() {
            check_key_name(key, name, &keys.element(index))?;
        }
        for (index, grant) in self.grants.iter().enumerate() {
            grant.check(&Pointer::from("/body/grants").element(index))?;
        }
        Ok(())
    }
}

impl Grant {
    fn check(&self, at: &Pointer) -> Result<(), Refusal> {
        let of_schemes = matches!(self.role, Role::Issuer | Role::Supervisor | Role::Lab);
        if of_schemes && self.schemes.is_empty() {
            return Err(Refusal::bad_member(
                at.member("schemes"),
                "this role needs at least one scheme",
            ));
        }
        if (self.role == Role::Attester) != self.factors.is_some() {
            return Err(Refusal::bad_member(
                at.member("factors"),
                "an attester lists its factors, no other role does",
            ));
        }
        if (self.role == Role::Holder) != self.organisations.is_some() {
            let why = "a holder lists its organisations, no other role does";
            return Err(Refusal::bad_member(at.member("organisations"), why));
        }
        Ok(())
    }
}

impl AuthorityKey {
    pub(super) fn check(&self, name: &AuthorityName) -> Result<(), Refusal> {
        match self {
            AuthorityKey::Add(key) => check_key_name(key, name, &"/body/add".into()),
            AuthorityKey::Retire(_) | AuthorityKey::Revoke(_) => Ok(()),
        }
    }
}

impl AuthorityWithdraw {
    pub(super) fn check(&self, name: &AuthorityName) -> Result<(), Refusal> {
        if self.successor.as_ref() == Some(name) {
            return Err(Refusal::bad_member(
                "/body/successor",
                "nobody succeeds itself",
            ));
        }
        Ok(())
    }
}

fn check_key_name(key: &EventKey, name: &AuthorityName, at: &Pointer) -> Result<(), Refusal> {
    if key.vkey().name().as_str() == name.as_str() {
        return Ok(());
    }
    Err(Refusal::bad_member(
        at.clone(),
        "a key of an authority carries the authority's name",
    ))
}

/// Two in use, two that follow.
const MAX_KEYS: usize = 4;
/// One for each role, and then some for scopes that differ.
const MAX_GRANTS: usize = 16;
/// More is a scheme of its own.
const MAX_SCOPE: usize = 32;
