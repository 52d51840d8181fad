//! Entries read ahead of their turn: parsed, and their signatures verified, on as many threads as there are.
//!
//! ```text
//! entries ─parse, verify by the keys known so far, in any order─▶ ReadEntry ─in order of the log─▶ State::replay
//! ```
//! What is read ahead saves time and decides nothing: a signature by a key that was not known yet is verified when
//! its turn comes.

use std::collections::BTreeMap;

use crate::event::{AuthorityKey, Body, Event, EventKey, Subject};
use crate::key::Vkey;
use crate::note::KeyName;
use crate::refusal::{Malformed, Refusal};
use crate::state::State;
use crate::state::head::StateHead;
use crate::state::registry::MAX_COUNTED_LINES;
use crate::state::signers::SignatureMemo;

/// The keys that authorities have or had.
#[derive(Clone, Debug, Default)]
pub struct AuthorityKeys(BTreeMap<KeyName, Vec<Vkey>>);

/// An entry, and what can be known of it before its turn comes.
#[derive(Clone, Debug)]
pub struct ReadEntry(Form);

#[derive(Clone, Debug)]
pub(super) enum Form {
    /// It claims to be a state head.
    Head(Vec<u8>),
    /// An event, and its signatures that were verified.
    Event(Box<Event>, SignatureMemo),
    /// No entry of ours.
    Refused(Refusal),
}

impl AuthorityKeys {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The keys that these events add, whoever signed them.
    pub(crate) fn claimed<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut keys = Self::none();
        for event in events {
            match event.body() {
                Body::AuthorityAccredit(body) => keys.extend(body.keys.iter().map(EventKey::vkey)),
                Body::AuthorityKey(AuthorityKey::Add(key)) => keys.extend([key.vkey()]),
                _ => {}
            }
        }
        keys
    }

    fn extend<'a>(&mut self, keys: impl IntoIterator<Item = &'a Vkey>) {
        for key in keys {
            let known = self.0.entry(key.name().clone()).or_default();
            known.push(key.clone());
        }
    }

    /// Verifies the lines of a label's event that claim to be by these keys.
    ///
    /// Keys of members sign so few events that they are left to the state function.
    pub(crate) fn verify(&self, event: &Event) -> SignatureMemo {
        let mut memo = SignatureMemo::empty();
        if !matches!(event.subject(), Subject::Label(_)) {
            return memo;
        }
        let lines = event.note().signatures().iter().enumerate();
        let claimed = lines.flat_map(|(at, line)| {
            let known = self.0.get(line.name()).into_iter().flatten();
            let known = known.filter(|vkey| vkey.claims(line));
            known.map(move |vkey| (at, vkey))
        });
        for (at, vkey) in claimed.take(MAX_COUNTED_LINES) {
            memo.add(event, at, vkey);
        }
        memo
    }
}

impl ReadEntry {
    /// Reads an entry, and verifies its signatures by `keys`.
    #[must_use]
    pub fn read(entry: Vec<u8>, keys: &AuthorityKeys) -> Self {
        if StateHead::is_head(&entry) {
            return Self(Form::Head(entry));
        }
        Self(match Event::read(entry) {
            Ok(event) => {
                let memo = keys.verify(&event);
                Form::Event(Box::new(event), memo)
            }
            Err(refusal) => Form::Refused(refusal),
        })
    }

    /// The event that it is, whether or not the state function accepts it; none for anything else.
    #[must_use]
    pub fn event(&self) -> Option<&Event> {
        match &self.0 {
            Form::Event(event, _) => Some(event),
            Form::Head(_) | Form::Refused(_) => None,
        }
    }

    /// The same, taken out.
    #[must_use]
    pub fn into_event(self) -> Option<Box<Event>> {
        match self.0 {
            Form::Event(event, _) => Some(event),
            Form::Head(_) | Form::Refused(_) => None,
        }
    }

    /// The entry, if it claims to be a state head.
    #[must_use]
    pub fn head(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Head(entry) => Some(entry),
            Form::Event(..) | Form::Refused(_) => None,
        }
    }

    /// The event that it is.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn parsed(&self) -> Result<&Event, Refusal> {
        match &self.0 {
            Form::Event(event, _) => Ok(event),
            Form::Head(_) => Err(Refusal::Malformed(Malformed::Note)),
            Form::Refused(refusal) => Err(refusal.clone()),
        }
    }

    pub(super) fn form(&self) -> &Form {
        &self.0
    }
}

impl State {
    /// The keys that authorities have or had after the entries so far, to read the next ones with.
    #[must_use]
    pub fn authority_keys(&self) -> AuthorityKeys {
        let mut keys = AuthorityKeys::none();
        for authority in self.subjects.registry.authorities.values() {
            keys.extend(authority.keys());
        }
        keys
    }
}
