//! The work of a verification that can be shared out: entries parsed, signatures verified.
//!
//! ```text
//! entries ─parse, in parts→ ParsedEntries ─┬─ signatures_to_check ─verify, in parts→ SignatureMemo ─┐
//!                                          └────────────────────── verify_with ◀────────────────────┘
//! ```
//! Parts are made on as many threads as the caller has; here is none. What is not prepared, or prepared for other
//! bytes, is done by `verify_with`: a memo saves time and decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Unverified;
use crate::bundle::{Bundle, BundleEntry};
use crate::event::{AuthorityKey, Body, Event, EventKey, Subject};
use crate::key::Vkey;
use crate::merkle::LeafHash;
use crate::note::{KeyId, KeyName};
use crate::state::{MAX_COUNTED_LINES, SignatureMemo};

/// Entries of a bundle as events, with their leaf hashes; parts are joined in order.
#[derive(Clone, Debug, Default)]
pub struct ParsedEntries {
    parsed: Vec<(LeafHash, Arc<Event>)>,
}

/// The signature lines of one event that will count if their keys are in force.
#[derive(Clone, Debug)]
pub struct SignatureCheck {
    leaf: LeafHash,
    event: Arc<Event>,
    keys: Vec<(usize, Vkey)>,
}

/// The entries of a bundle that are events: all but the state head at its end.
#[must_use]
pub fn event_entries(bundle: &Bundle) -> &[BundleEntry] {
    let (_, events) = bundle.entries().split_last().expect("a bundle has a head");
    events
}

impl ParsedEntries {
    /// Parses a part of [`event_entries`].
    ///
    /// # Errors
    /// [`Unverified::Entry`] for the first entry that is no event.
    pub fn parse(entries: &[BundleEntry]) -> Result<Self, Unverified> {
        let parse = |entry: &BundleEntry| -> Result<_, Unverified> {
            let event = Event::parse(entry.bytes()).map_err(|source| Unverified::Entry {
                index: entry.index(),
                source,
            })?;
            Ok((entry.leaf(), Arc::new(event)))
        };
        Ok(Self {
            parsed: entries.iter().map(parse).collect::<Result<_, _>>()?,
        })
    }

    /// Adds the part that follows.
    pub fn append(&mut self, mut next: Self) {
        self.parsed.append(&mut next.parsed);
    }

    /// As many as there are entries, or none: then they were parsed for another bundle.
    pub(super) fn of(&self, bundle: &Bundle) -> Option<&[(LeafHash, Arc<Event>)]> {
        let entries = event_entries(bundle);
        let same = self.parsed.len() == entries.len()
            && self
                .parsed
                .iter()
                .zip(entries)
                .all(|((_, event), entry)| event.bytes() == entry.bytes());
        same.then_some(&self.parsed)
    }
}

/// The signatures of labels' events by keys that an authority of the bundle has or had, to be verified in parts.
///
/// Keys of members sign so few events that they are left to the verification.
#[must_use]
pub fn signatures_to_check(parsed: &ParsedEntries) -> Vec<SignatureCheck> {
    let mut keys: BTreeMap<(&KeyName, KeyId), Vec<&Vkey>> = BTreeMap::new();
    for (_, event) in &parsed.parsed {
        let added: Vec<&Vkey> = match event.body() {
            Body::AuthorityAccredit(body) => body.keys.iter().map(EventKey::vkey).collect(),
            Body::AuthorityKey(AuthorityKey::Add(key)) => vec![key.vkey()],
            _ => continue,
        };
        for vkey in added {
            keys.entry((vkey.name(), vkey.id())).or_default().push(vkey);
        }
    }
    let mut checks = Vec::new();
    for (leaf, event) in &parsed.parsed {
        if !matches!(event.subject(), Subject::Label(_)) {
            continue;
        }
        let lines = event.note().signatures().iter().enumerate();
        let claimed = lines.flat_map(|(at, line)| {
            let known = keys.get(&(line.name(), line.id())).into_iter().flatten();
            known.map(move |vkey| (at, (*vkey).clone()))
        });
        let claimed: Vec<(usize, Vkey)> = claimed.take(MAX_COUNTED_LINES).collect();
        if !claimed.is_empty() {
            checks.push(SignatureCheck {
                leaf: *leaf,
                event: event.clone(),
                keys: claimed,
            });
        }
    }
    checks
}

impl SignatureCheck {
    /// Verifies a part of [`signatures_to_check`].
    #[must_use]
    pub fn verify(part: &[Self]) -> SignatureMemo {
        let mut memo = SignatureMemo::empty();
        for check in part {
            memo.add(&check.event, check.leaf, &check.keys);
        }
        memo
    }
}
