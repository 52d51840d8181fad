//! Bodies of `log.genesis` and `member.root`: the members and their root keys.
//!
//! ```text
//! log.genesis   {"members":[{"associate":false,"domains":["jp.example"],"id":"jp","name":"Japan",
//!                "roots":["root.jp.example+…"],"territories":["JP"],"threshold":1}],"rules":"state/0.2"}
//! member.root   {"roots":["…"],"threshold":2}
//! ```
//! Who must have signed is decided by the state function.

use serde::{Deserialize, Serialize};

use super::EventKey;
use super::form::{List, Number, Text};
use super::names::{CountryCode, Domain, MemberCode, Rules};
use crate::refusal::{Pointer, Refusal};

/// Body of `log.genesis`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LogGenesis {
    /// Everyone with a root key, members first or not.
    pub members: List<Member, 1, MAX_MEMBERS>,
    /// The state function that rules from entry 1 on.
    pub rules: Rules,
}

/// One member, or an associate: roots and schemes, but no witness and no vote.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Whether it is an associate.
    pub associate: bool,
    /// Where its authorities have their names.
    pub domains: List<Domain, 1, MAX_DOMAINS>,
    /// Its code.
    pub id: MemberCode,
    /// Its name, for people.
    pub name: Text<128>,
    /// Its root keys.
    pub roots: List<EventKey, 1, MAX_ROOTS>,
    /// The countries it speaks for; a union lists its own code and those it contains.
    pub territories: List<CountryCode, 1, MAX_TERRITORIES>,
    /// How many distinct root keys must sign.
    pub threshold: Number<1, 8>,
}

/// Body of `member.root`: the whole new set of root keys.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MemberRoot {
    /// Its root keys from now on.
    pub roots: List<EventKey, 1, MAX_ROOTS>,
    /// How many distinct root keys must sign from now on.
    pub threshold: Number<1, 8>,
}

impl LogGenesis {
    /// Checks what holds between members: one id each, domains apart, thresholds that can be met.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let list = Pointer::from("/body/members");
        for (index, member) in self.members.iter().enumerate() {
            let at = list.element(index);
            let earlier = &self.members.as_slice()[..index];
            check_roots(&member.roots, member.threshold, &at)?;
            if earlier.iter().any(|other| other.id == member.id) {
                return Err(Refusal::bad_member(
                    at.member("id"),
                    "another member has this id",
                ));
            }
            for (place, domain) in member.domains.iter().enumerate() {
                let theirs = earlier.iter().flat_map(|other| &other.domains);
                if theirs
                    .into_iter()
                    .any(|other| domain.is_under(other) || other.is_under(domain))
                {
                    let pointer = at.member("domains").element(place);
                    return Err(Refusal::bad_member(
                        pointer,
                        "equals, contains or lies under another member's domain",
                    ));
                }
            }
        }
        Ok(())
    }
}

impl MemberRoot {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        check_roots(&self.roots, self.threshold, &"/body".into())
    }
}

/// Signatures are counted by distinct public key, so that no key may stand twice under two names.
fn check_roots<const MAX: usize>(
    roots: &List<EventKey, 1, MAX>,
    threshold: Number<1, 8>,
    at: &Pointer,
) -> Result<(), Refusal> {
    super::check_distinct_keys(roots.as_slice(), &at.member("roots"))?;
    if threshold.get() > roots.len() as u64 {
        return Err(Refusal::bad_member(
            at.member("threshold"),
            "more than there are roots",
        ));
    }
    Ok(())
}

/// Twice the members and associates in sight.
const MAX_MEMBERS: usize = 24;
/// Enough for officers of several offices (`docs/spec/event.md`).
const MAX_ROOTS: usize = 8;
/// Ministries differ; more is a registry of its own.
const MAX_DOMAINS: usize = 16;
/// The European Union has 27 countries and one code of its own.
const MAX_TERRITORIES: usize = 64;
