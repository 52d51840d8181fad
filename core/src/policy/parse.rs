//! Reads a policy file, one line after the other.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{Group, Member, Policy, PolicyLog, PolicyWitness};
use crate::key::{KeyError, KeyType, Vkey};
use crate::note::KeyName;

pub(super) fn parse(file: &[u8]) -> Result<Policy, PolicyError> {
    let mut reader = Reader::default();
    let mut last = 0;
    for (index, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
        last = index + 1;
        let read = (index < MAX_LINES)
            .then_some(line)
            .ok_or(PolicyFault::TooManyLines)
            .and_then(|line| reader.line(line));
        read.map_err(|fault| PolicyError { line: last, fault })?;
    }
    reader.finish(file).map_err(|fault| PolicyError {
        line: last.max(1),
        fault,
    })
}

#[derive(Default)]
struct Reader {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    names: BTreeMap<Vec<u8>, Member>,
    used: BTreeSet<Vec<u8>>,
    quorum: Option<Option<Member>>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        // SPEC tlog-policy: "each line is terminated by ASCII newline".
        let line = line.strip_suffix(b"\n").ok_or(PolicyFault::NoNewline)?;
        // SPEC tlog-policy: "the allowed octet values are 0x09 (tab), 0x0A (newline), 0x20-0x7E, and 0x80-0xFF".
        let forbidden = |byte: &&u8| !matches!(**byte, b'\t' | 0x20..=0x7e | 0x80..=0xff);
        if let Some(byte) = line.iter().find(forbidden) {
            return Err(PolicyFault::Octet { byte: *byte });
        }
        let items = line.split(|byte| matches!(byte, b' ' | b'\t'));
        let items: Vec<&[u8]> = items.filter(|item| !item.is_empty()).collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", vkey] => self.log(vkey, None),
            [b"log", vkey, url] => self.log(vkey, Some(url)),
            [b"witness", name, vkey] => self.witness(name, vkey, None),
            [b"witness", name, vkey, url] => self.witness(name, vkey, Some(url)),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.set_quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(PolicyFault::ItemCount),
            _ => Err(PolicyFault::UnknownWord),
        }
    }

    fn log(&mut self, vkey: &[u8], url: Option<&[u8]>) -> Result<(), PolicyFault> {
        let vkey = read_vkey(vkey, KeyType::Note)?;
        // SPEC tlog-policy: "duplicate if they wrap the same underlying public key".
        let same = |log: &PolicyLog| log.vkey.public_key() == vkey.public_key();
        if self.logs.iter().any(same) {
            return Err(PolicyFault::DuplicateKey);
        }
        let url = url.map(text);
        self.logs.push(PolicyLog { vkey, url });
        Ok(())
    }

    fn witness(&mut self, name: &[u8], vkey: &[u8], url: Option<&[u8]>) -> Result<(), PolicyFault> {
        let vkey = read_vkey(vkey, KeyType::Cosignature)?;
        let same = |witness: &PolicyWitness| witness.vkey.public_key() == vkey.public_key();
        if self.witnesses.iter().any(same) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness {
            name: name.to_vec(),
            shown: text(name),
            vkey,
            url: url.map(text),
        });
        Ok(())
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], names: &[&[u8]]) -> Result<(), PolicyFault> {
        let members = names
            .iter()
            .map(|member| self.use_as_member(member))
            .collect::<Result<Vec<_>, _>>()?;
        let threshold = read_threshold(threshold, members.len())?;
        // Defined last: a group cannot be its own member.
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group { threshold, members });
        Ok(())
    }

    fn use_as_member(&mut self, name: &[u8]) -> Result<Member, PolicyFault> {
        if name == NONE {
            return Err(PolicyFault::NoneAsName);
        }
        let member = *self.names.get(name).ok_or_else(|| unknown_name(name))?;
        // SPEC tlog-policy: "Each defined name can be listed as a group member at most once."
        if self.used.insert(name.to_vec()) {
            Ok(member)
        } else {
            Err(PolicyFault::UsedTwice { name: text(name) })
        }
    }

    fn set_quorum(&mut self, name: &[u8]) -> Result<(), PolicyFault> {
        // SPEC tlog-policy: "A policy file must include exactly one quorum line."
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        self.quorum = Some(if name == NONE {
            None
        } else {
            Some(*self.names.get(name).ok_or_else(|| unknown_name(name))?)
        });
        Ok(())
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), PolicyFault> {
        // SPEC tlog-policy: witnesses and groups share one namespace, in which `none` is predefined.
        if name == NONE {
            return Err(PolicyFault::NoneAsName);
        }
        if self.names.insert(name.to_vec(), member).is_some() {
            return Err(PolicyFault::DefinedTwice { name: text(name) });
        }
        Ok(())
    }

    fn finish(self, file: &[u8]) -> Result<Policy, PolicyFault> {
        let quorum = self.quorum.ok_or(PolicyFault::NoQuorum)?;
        let policy = Policy {
            text: file.to_vec(),
            logs: self.logs,
            witnesses: self.witnesses,
            groups: self.groups,
            quorum,
        };
        one_vote_each(&policy)?;
        Ok(policy)
    }
}

/// Refuses a policy in which two keys of one name can both count.
///
/// Two keys may stand in for each other only where they meet: in a group that asks for one member.
fn one_vote_each(policy: &Policy) -> Result<(), PolicyFault> {
    // The names below each group, and whether they count; a group's members stand above it.
    let mut below: Vec<BTreeSet<&KeyName>> = Vec::with_capacity(policy.groups.len());
    let mut twice: Vec<Option<&KeyName>> = Vec::with_capacity(policy.groups.len());
    for group in &policy.groups {
        let mut names = BTreeSet::new();
        let mut found = None;
        for member in &group.members {
            match member {
                Member::Witness(index) => {
                    let name = policy.witnesses[*index].vkey.name();
                    let new = names.insert(name);
                    found = found.or((!new && group.threshold > 1).then_some(name));
                }
                Member::Group(index) => {
                    let both = names.intersection(&below[*index]).next().copied();
                    found = found.or(twice[*index]);
                    found = found.or(both.filter(|_| group.threshold > 1));
                    names.extend(&below[*index]);
                }
            }
        }
        below.push(names);
        twice.push(found);
    }
    match policy.quorum {
        Some(Member::Group(index)) => match twice[index] {
            Some(name) => Err(PolicyFault::TwoVotes { name: name.clone() }),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn read_vkey(item: &[u8], want: KeyType) -> Result<Vkey, PolicyFault> {
    let vkey = str::from_utf8(item).map_err(|_| PolicyFault::Vkey(KeyError::Malformed))?;
    let vkey = Vkey::parse(vkey)?;
    // SPEC tlog-policy: keys "must use a signature type appropriate" for a log or a witness.
    if vkey.key_type() == want {
        Ok(vkey)
    } else {
        Err(PolicyFault::KeyType { want })
    }
}

fn read_threshold(item: &[u8], members: usize) -> Result<usize, PolicyFault> {
    if members == 0 {
        return Err(PolicyFault::ItemCount);
    }
    let threshold = match item {
        b"any" => 1,
        b"all" => members,
        digits => str::from_utf8(digits)
            .ok()
            .and_then(crate::text::parse_decimal)
            .and_then(|k| usize::try_from(k).ok())
            .ok_or(PolicyFault::Threshold { members })?,
    };
    // SPEC tlog-policy: "it is required that 1 <= k <= n."
    if (1..=members).contains(&threshold) {
        Ok(threshold)
    } else {
        Err(PolicyFault::Threshold { members })
    }
}

fn unknown_name(name: &[u8]) -> PolicyFault {
    PolicyFault::UnknownName { name: text(name) }
}

fn text(item: &[u8]) -> String {
    String::from_utf8_lossy(item).into_owned()
}

/// Where a policy file breaks a rule.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("policy line {line}: {fault}")]
pub struct PolicyError {
    line: usize,
    fault: PolicyFault,
}

impl PolicyError {
    /// The line, counted from 1; the last one for what is wrong with the whole.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The rule.
    #[must_use]
    pub fn fault(&self) -> &PolicyFault {
        &self.fault
    }
}

/// Which rule a policy file breaks.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PolicyFault {
    /// The last line does not end with a newline: the file may be cut short.
    #[error("no newline at the end, the file may be cut short")]
    NoNewline,
    /// An octet that is neither tab, newline, printable ASCII nor above 0x7f.
    #[error("octet 0x{byte:02x} is not allowed")]
    Octet {
        /// The octet.
        byte: u8,
    },
    /// More than 2048 lines.
    #[error("more than {MAX_LINES} lines")]
    TooManyLines,
    /// The first item is not `log`, `witness`, `group` or `quorum`.
    #[error("line starts with none of log, witness, group, quorum")]
    UnknownWord,
    /// Too few or too many items for the first.
    #[error("wrong number of items")]
    ItemCount,
    /// The verifier key is malformed.
    #[error("{0}")]
    Vkey(#[from] KeyError),
    /// The key makes signatures of a type this line cannot have.
    #[error("a key of type 0x{:02x} is wanted here", want.byte())]
    KeyType {
        /// The type that fits.
        want: KeyType,
    },
    /// A public key that stands on an earlier line of its kind, perhaps under another name.
    #[error("public key stands on an earlier line")]
    DuplicateKey,
    /// A name that an earlier line defined.
    #[error("name {name:?} is defined already")]
    DefinedTwice {
        /// The name.
        name: String,
    },
    /// A name that no earlier line defined.
    #[error("name {name:?} is not defined above")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A name that is a member of a group already.
    #[error("name {name:?} is a member already")]
    UsedTwice {
        /// The name.
        name: String,
    },
    /// `none` where only a name of the file may stand.
    #[error("`none` can only be the quorum")]
    NoneAsName,
    /// The threshold is not `any`, `all` or 1 to the number of members.
    #[error("threshold is neither any, all nor 1 to {members}")]
    Threshold {
        /// How many members the line has.
        members: usize,
    },
    /// A second quorum line.
    #[error("second quorum line")]
    SecondQuorum,
    /// No quorum line.
    #[error("no quorum line")]
    NoQuorum,
    /// Two keys of one name could both count for the quorum.
    #[error("two keys of {name} can both count; put them into an `any` group of their own")]
    TwoVotes {
        /// The name of both keys.
        name: KeyName,
    },
}

const NONE: &[u8] = b"none";

/// The specification asks for 32 logs, 32 witnesses and 32 groups at least; this leaves room for
/// ten times as many and as many comments.
const MAX_LINES: usize = 2048;
