//! Whose signatures an event carries.
//!
//! Lines by keys that are not in force for the event are ignored, a line of a known (name, key id)
//! that fails makes the event invalid, and the rest is counted by distinct public key (event.md).
//! Which keys are in force is `registry`'s; what the signers may do is for the kinds.

use std::collections::BTreeMap;

use crate::event::{AuthorityName, Event, MemberCode};
use crate::key::{PublicKey, Vkey};
use crate::merkle::LeafHash;
use crate::note::{KeyName, MAX_SIGNATURE_LINES};
use crate::refusal::Refusal;

/// Signature checks made ahead, so that no lock is held for them.
///
/// It answers only for the very bytes, line and key it was made from; the state function verifies what it misses.
/// Parts that were filled on several threads are merged into one.
#[derive(Clone, Debug, Default)]
pub struct SignatureMemo {
    checked: BTreeMap<(LeafHash, usize), Vec<(PublicKey, Outcome)>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Good,
    Bad,
}

impl SignatureMemo {
    /// Knows nothing yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Verifies the lines of `event` at these positions by these keys, as `State::candidate_keys` names them.
    #[must_use]
    pub fn verify(event: &Event, keys: &[(usize, Vkey)]) -> Self {
        let mut memo = Self::empty();
        for (line, vkey) in keys.iter().take(MAX_SIGNATURE_LINES) {
            memo.add(event, *line, vkey);
        }
        memo
    }

    /// Verifies a line of one more event.
    pub(crate) fn add(&mut self, event: &Event, line: usize, vkey: &Vkey) {
        let found = (*vkey.public_key(), outcome(event, line, vkey));
        let line = (event.leaf(), line);
        self.checked.entry(line).or_default().push(found);
    }

    /// Takes over what another one knows.
    pub(crate) fn merge(&mut self, mut other: Self) {
        if self.checked.len() < other.checked.len() {
            std::mem::swap(self, &mut other);
        }
        for (line, outcomes) in other.checked {
            self.checked.entry(line).or_default().extend(outcomes);
        }
    }

    /// The name in the first line of `event` that was verified: who is answerable for it.
    #[must_use]
    pub fn signer<'event>(&self, event: &'event Event) -> Option<&'event KeyName> {
        let leaf = event.leaf();
        let mut lines = event.note().signatures().iter().enumerate();
        let signer = lines.find(|(line, _)| {
            let found = self.checked.get(&(leaf, *line));
            let mut found = found.into_iter().flatten();
            found.any(|(_, outcome)| *outcome == Outcome::Good)
        });
        signer.map(|(_, line)| line.name())
    }

    fn outcome(&self, event: &Event, leaf: LeafHash, line: usize, vkey: &Vkey) -> Outcome {
        let known = self.checked.get(&(leaf, line));
        let mut same = known
            .into_iter()
            .flatten()
            .filter(|(key, _)| key == vkey.public_key());
        match same.next() {
            Some((_, known)) => *known,
            None => outcome(event, line, vkey),
        }
    }
}

fn outcome(event: &Event, line: usize, vkey: &Vkey) -> Outcome {
    let note = event.note();
    let line = note.signatures().get(line);
    match line.map(|line| vkey.verify_line(note.text(), line)) {
        Some(Ok(())) => Outcome::Good,
        Some(Err(_)) | None => Outcome::Bad,
    }
}

/// For whom a key signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Holder {
    Authority(AuthorityName),
    Member(MemberCode),
}

/// A line by a key in force, not verified yet.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) line: usize,
    pub(crate) vkey: Vkey,
    pub(crate) holder: Holder,
}

/// The keys in force whose signatures over one event were verified.
#[derive(Clone, Debug)]
pub(crate) struct Signers {
    verified: Vec<(Holder, Vkey)>,
}

impl Signers {
    /// Verifies every candidate.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`] if one of them fails: its key is known, so the note was tampered with.
    pub(crate) fn verify(
        event: &Event,
        leaf: LeafHash,
        candidates: Vec<Candidate>,
        memo: &SignatureMemo,
    ) -> Result<Self, Refusal> {
        let needed = candidates.len() as u64;
        let good = |candidate: &Candidate| {
            memo.outcome(event, leaf, candidate.line, &candidate.vkey) == Outcome::Good
        };
        let valid = candidates
            .iter()
            .filter(|candidate| good(candidate))
            .count() as u64;
        if valid < needed {
            return Err(Refusal::BadSignature { valid, needed });
        }
        let verified = candidates
            .into_iter()
            .map(|candidate| (candidate.holder, candidate.vkey));
        Ok(Self {
            verified: verified.collect(),
        })
    }

    /// How many distinct public keys signed for `member`.
    pub(crate) fn roots_of(&self, member: &MemberCode) -> u64 {
        let mut keys: Vec<&PublicKey> = Vec::new();
        for (holder, vkey) in &self.verified {
            let counts = matches!(holder, Holder::Member(code) if code == member);
            if counts && !keys.contains(&vkey.public_key()) {
                keys.push(vkey.public_key());
            }
        }
        keys.len() as u64
    }

    /// The authorities that signed and their keys, in the order of the lines.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = (&AuthorityName, &Vkey)> {
        self.verified
            .iter()
            .filter_map(|(holder, vkey)| match holder {
                Holder::Authority(name) => Some((name, vkey)),
                Holder::Member(_) => None,
            })
    }

    /// Keeps the authorities' signatures that `keep` approves of: a cut-off leaves the others out.
    pub(crate) fn retain_authorities(&mut self, keep: impl Fn(&AuthorityName, &Vkey) -> bool) {
        self.verified.retain(|(holder, vkey)| match holder {
            Holder::Authority(name) => keep(name, vkey),
            Holder::Member(_) => true,
        });
    }
}
