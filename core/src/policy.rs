//! Trust policies: which logs, which witnesses, how many of them (c2sp.org/tlog-policy).
//!
//! ```text
//! log labels.g7.example+…                        a log's verifier key, then perhaps its URL
//! witness ca witness.example/ca+… https://…      a name, a cosigner's verifier key, perhaps its URL
//! group members 5 ca de fr gb it jp us           k, `any` or `all` of names defined above
//! quorum members                                 one name, or `none`
//! ```
//! This file holds what a policy says; `policy::parse` reads one, `policy::accept` counts.
//! Names are octets and mean nothing outside the file.

mod accept;
mod parse;

use std::collections::BTreeMap;

pub use accept::{Cosigner, QuorumError, WitnessedCheckpoint};
pub use parse::{PolicyError, PolicyFault};

use crate::key::Vkey;
use crate::note::{KeyId, KeyName};

/// A policy that obeys every rule of its specification, and of ours: one member, one vote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    text: Vec<u8>,
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] with the first line that breaks a rule.
    pub fn parse(file: &[u8]) -> Result<Self, PolicyError> {
        parse::parse(file)
    }

    /// The file as it was read.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &self.text
    }

    /// The logs, in the order of the file; may be empty.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of the file; some may not count for the quorum.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// How many witnesses any two sets that meet the quorum have in common at least.
    ///
    /// A fork needs that many witnesses to sign both sides; `quorum none` gives 0.
    #[must_use]
    pub fn smallest_overlap(&self) -> usize {
        let mut overlaps: Vec<usize> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let members = group.members.iter();
            let mut each: Vec<usize> = members
                .map(|member| match member {
                    Member::Witness(_) => 1,
                    Member::Group(index) => overlaps[*index],
                })
                .collect();
            // Two choices of k among n share at least 2k − n members; the cheapest ones, at worst.
            let shared = (2 * group.threshold).saturating_sub(each.len());
            each.sort_unstable();
            overlaps.push(each.iter().take(shared).sum());
        }
        match self.quorum {
            None => 0,
            Some(Member::Witness(_)) => 1,
            Some(Member::Group(index)) => overlaps[index],
        }
    }

    /// Tells whether the quorum holds if exactly the witnesses that `counts` names (by their place in
    /// [`Policy::witnesses`]) have cosigned. `quorum none` never holds: see [`Policy::accept`].
    #[must_use]
    pub fn holds(&self, counts: impl Fn(usize) -> bool) -> bool {
        // A group's members stand above it, so one pass in the order of the file decides all.
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let members = group.members.iter();
            let met = members.filter(|member| match member {
                Member::Witness(index) => counts(*index),
                Member::Group(index) => groups[*index],
            });
            let holds = met.count() >= group.threshold;
            groups.push(holds);
        }
        match self.quorum {
            None => false,
            Some(Member::Witness(index)) => counts(index),
            Some(Member::Group(index)) => groups[index],
        }
    }

    /// The witnesses by name and id of their keys, which is how lines name them.
    fn witnesses_by_line(&self) -> BTreeMap<(&KeyName, KeyId), usize> {
        let each = self.witnesses.iter().enumerate();
        each.map(|(index, witness)| ((witness.vkey.name(), witness.vkey.id()), index))
            .collect()
    }
}

/// A `log` line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyLog {
    vkey: Vkey,
    url: Option<String>,
}

impl PolicyLog {
    /// The log's key; its name is the log's origin.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Where the log answers; octets that are not UTF-8 are replaced, and then no URL.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// A `witness` line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyWitness {
    name: Vec<u8>,
    shown: String,
    vkey: Vkey,
    url: Option<String>,
}

impl PolicyWitness {
    /// The name for people; octets that are not UTF-8 are replaced.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shown
    }

    /// The name as it stands in the file.
    #[must_use]
    pub fn name_bytes(&self) -> &[u8] {
        &self.name
    }

    /// The cosigner's key.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Where the witness takes checkpoints; octets that are not UTF-8 are replaced, and then no URL.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// A `group` line; `members` stand above it in the file, 1 ≤ `threshold` ≤ their number.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// What a name stands for, by its place among its like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Member {
    Witness(usize),
    Group(usize),
}
