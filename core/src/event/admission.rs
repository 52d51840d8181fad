//! Admission: rules that keep an event out of the log and never make a logged one invalid.
//!
//! ```text
//! clock          decided_at at most five minutes ahead
//! characters     NFC; no control, bidirectional, invisible or unassigned-for-ever characters
//! registers      countries of ISO 3166-1, check digits of LEI and GLN, prefixes of GTINs that are products
//! private data   no hardware address, Matter code, e-mail address, serial number, IMEI
//! ```
//! They need what the state function must not read: a clock, and tables that change with the
//! world. A log asks them first; a client asks them before it signs.

use serde_json::Value;

use super::content::Body;
use super::product::Organisation;
use super::{Event, Gtin14, OrganisationId, scan};
use crate::refusal::{Pointer, Refusal};
use crate::time::Time;

mod characters;
mod country;
mod private;

/// Asks every admission rule about `event`, submitted at `now`.
///
/// # Errors
/// [`Refusal::DecidedInFuture`], [`Refusal::BadMember`] or [`Refusal::PrivateData`], of the
/// first rule that is broken.
pub fn admit(event: &Event, now: Time) -> Result<(), Refusal> {
    if event.decided_at() > now.plus_seconds(MAX_AHEAD_SECONDS) {
        return Err(Refusal::DecidedInFuture);
    }
    if scan::strings(event.json(), |found| passes(found.text, found.member)).is_none() {
        // One more time in full, so that what is wrong can be pointed at.
        let value: Value =
            serde_json::from_str(event.json()).expect("an event's third line was read before");
        admit_strings(&value, &Pointer::root(), "")?;
    }
    admit_registers(event.body())
}

/// Whether nothing is wrong with a string.
fn passes(text: &str, member: &str) -> Option<()> {
    let is_good = characters::fault(text).is_none()
        && (HAS_GRAMMAR.contains(&member) || private::find(text).is_none());
    is_good.then_some(())
}

/// Walks every string; `member` is the name of the nearest object member above it.
fn admit_strings(value: &Value, at: &Pointer, member: &str) -> Result<(), Refusal> {
    match value {
        Value::String(text) => admit_string(text, at, member),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .try_for_each(|(index, element)| admit_strings(element, &at.element(index), member)),
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| admit_strings(value, &at.member(name), name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn admit_string(text: &str, at: &Pointer, member: &str) -> Result<(), Refusal> {
    if let Some(fault) = characters::fault(text) {
        return Err(Refusal::bad_member(at.clone(), fault));
    }
    if HAS_GRAMMAR.contains(&member) {
        return Ok(());
    }
    match private::find(text) {
        Some(what) => Err(Refusal::PrivateData {
            pointer: at.clone(),
            what,
        }),
        None => Ok(()),
    }
}

fn admit_registers(body: &Body) -> Result<(), Refusal> {
    let root = At::Root("/body");
    match body {
        Body::LogGenesis(genesis) => {
            for (index, member) in genesis.members.iter().enumerate() {
                let members = root.member("members");
                let at = members.element(index);
                admit_countries(
                    member.territories.iter().map(super::CountryCode::as_str),
                    &at.member("territories"),
                )?;
            }
            Ok(())
        }
        Body::AuthorityAccredit(accredit) => {
            admit_country(accredit.country.as_str(), &root.member("country"))?;
            for (index, grant) in accredit.grants.iter().enumerate() {
                let grants = root.member("grants");
                let at = grants.element(index);
                let territory = grant
                    .territory
                    .iter()
                    .flatten()
                    .map(super::Territory::as_str);
                admit_countries(territory, &at.member("territory"))?;
                let organisations = grant
                    .organisations
                    .as_ref()
                    .map_or(&[][..], |list| list.as_slice());
                admit_organisation_ids(organisations, &at.member("organisations"))?;
            }
            Ok(())
        }
        Body::LabelIssue(issue) | Body::LabelAmend(issue) => {
            admit_organisation(&issue.holder, &root.member("holder"))?;
            admit_organisation(&issue.manufacturer, &root.member("manufacturer"))?;
            if let Some(representative) = &issue.representative {
                admit_organisation(representative, &root.member("representative"))?;
            }
            admit_products(issue.gtins.as_slice(), &root)?;
            admit_countries(
                issue.territory.iter().map(super::Territory::as_str),
                &root.member("territory"),
            )
        }
        Body::LabelBind(bind) => admit_products(bind.gtins.as_slice(), &root),
        Body::MemberRoot(_)
        | Body::SchemeDefine(_)
        | Body::AuthorityKey(_)
        | Body::AuthorityWithdraw(_)
        | Body::LabelRenew(_)
        | Body::LabelUnbind(_)
        | Body::LabelSuspend(_)
        | Body::LabelReinstate(_)
        | Body::LabelRevoke(_) => Ok(()),
    }
}

/// A label of a coupon, a book or a shop's own number would be shown for what every shop means by it.
fn admit_products(gtins: &[Gtin14], body: &At<'_>) -> Result<(), Refusal> {
    let at = body.member("gtins");
    for (index, gtin) in gtins.iter().enumerate() {
        if let Err(what) = gtin.check_prefix() {
            return Err(Refusal::bad_member(at.element(index).pointer(), what));
        }
    }
    Ok(())
}

fn admit_organisation(organisation: &Organisation, at: &At<'_>) -> Result<(), Refusal> {
    admit_country(organisation.country.as_str(), &at.member("country"))?;
    admit_organisation_ids(organisation.ids.as_slice(), &at.member("ids"))
}

fn admit_organisation_ids(ids: &[OrganisationId], at: &At<'_>) -> Result<(), Refusal> {
    for (index, id) in ids.iter().enumerate() {
        let right = match id.as_str().split_once(':') {
            Some(("lei", lei)) => has_lei_check_digits(lei),
            // A GLN has the check digit of a GTIN-13.
            Some(("gln", gln)) => Gtin14::from_digits(gln).is_ok(),
            _ => true,
        };
        if !right {
            return Err(Refusal::bad_member(
                at.element(index).pointer(),
                "its check digits are wrong",
            ));
        }
    }
    Ok(())
}

fn admit_countries<'a>(codes: impl Iterator<Item = &'a str>, at: &At<'_>) -> Result<(), Refusal> {
    codes
        .enumerate()
        .try_for_each(|(index, code)| admit_country(code, &at.element(index)))
}

fn admit_country(code: &str, at: &At<'_>) -> Result<(), Refusal> {
    if code == "*" || country::is_assigned(code) {
        return Ok(());
    }
    Err(Refusal::bad_member(
        at.pointer(),
        "no country of ISO 3166-1 has this code",
    ))
}

/// A place in an event, written out only where something is wrong.
#[derive(Clone, Copy)]
enum At<'a> {
    Root(&'static str),
    Member(&'a At<'a>, &'static str),
    Element(&'a At<'a>, usize),
}

impl At<'_> {
    fn member(&self, name: &'static str) -> At<'_> {
        At::Member(self, name)
    }

    fn element(&self, index: usize) -> At<'_> {
        At::Element(self, index)
    }

    fn pointer(&self) -> Pointer {
        match self {
            At::Root(pointer) => Pointer::from(*pointer),
            At::Member(above, name) => above.pointer().member(name),
            At::Element(above, index) => above.pointer().element(*index),
        }
    }
}

/// ISO 17442: the number that letters as 10 … 35 and digits make leaves 1 when divided by 97.
fn has_lei_check_digits(lei: &str) -> bool {
    let rest = lei.bytes().fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    });
    rest == 1
}

/// Two honest clocks differ by less.
const MAX_AHEAD_SECONDS: u64 = 5 * 60;

/// Members whose own grammar leaves no room for private data, and whose digits look like some.
const HAS_GRAMMAR: [&str; 22] = [
    "add",
    "decided_at",
    "effective_from",
    "effective_until",
    "gtins",
    "ids",
    "key",
    "keys",
    "kind",
    "native_id",
    "organisations",
    "prev",
    "retire",
    "roots",
    "sha256",
    "subject",
    "supersedes",
    "suspension",
    "until",
    "valid_from",
    "valid_until",
    "support_end",
];
