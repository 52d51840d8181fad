//! Makes the bundle of a subject: which records, which absences, and all entries that their histories take.
//!
//! ```text
//! label      its history · scheme · every authority that signed or is named as lab · their member · genesis
//! authority  its history and successor · member · genesis
//! scheme     its history · member · genesis
//! absent     the absence; for a label also the scheme whose rule folds its id, or the scheme's absence
//! ```
//! Pure: entries come through [`ReadLog`], and whatever it says is checked against the records.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::bundle::{Answer, Answers, Bundle, BundleEntry, BundleError};
use crate::event::{
    AuthorityKey, AuthorityName, Body, Event, LabelId, MemberCode, SchemeId, Subject,
};
use crate::merkle::{LeafHash, LeafIndex};
use crate::note::SignatureLine;
use crate::refusal::Refusal;
use crate::state::StateView;
use crate::state::head::StateHead;
use crate::state::key::{MapName, canonical_id};
use crate::state::map::proof::MapProof;
use crate::state::record::{Record, RecordError, StateRecord};
use crate::tlog_proof::TlogProof;

/// Where a maker of bundles finds entries; nothing it says is believed.
pub trait ReadLog {
    /// Why it cannot answer.
    type Error;

    /// The bytes of an entry.
    ///
    /// # Errors
    /// As the source says.
    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, Self::Error>;

    /// Where the accepted events of a subject are, in order; those past the head are ignored.
    ///
    /// # Errors
    /// As the source says.
    fn events_of(&self, subject: &Subject) -> Result<Vec<LeafIndex>, Self::Error>;
}

/// Why a bundle cannot be made.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BuildError<E> {
    /// The log's source failed.
    #[error("cannot read the log")]
    Read(E),
    /// The source does not know all events of a subject.
    #[error("the events found for {name} are not those of its record")]
    Incomplete {
        /// Whose record it is.
        name: MapName,
    },
    /// An entry is no event.
    #[error("entry {index} is no event")]
    Entry {
        /// Its index.
        index: LeafIndex,
        /// Why.
        source: Refusal,
    },
    /// There is no bundle about the log itself.
    #[error("a bundle is about a label, an authority, a scheme or a member")]
    NoSubject,
    /// View and head do not belong together.
    #[error("the head does not commit to this view")]
    OtherHead,
    /// A record of the view is malformed.
    #[error("a record of the state is malformed")]
    Record(#[from] RecordError),
    /// The parts do not make a bundle.
    #[error("the parts do not make a bundle")]
    Bundle(#[from] BundleError),
}

/// Makes the bundle of `subject` under `head`, whose place in the log `proof` shows.
///
/// # Errors
/// [`BuildError`].
pub fn build<R: ReadLog>(
    view: &StateView,
    log: &R,
    subject: &Subject,
    head: &StateHead,
    proof: TlogProof,
) -> Result<Bundle, BuildError<R::Error>> {
    if head.index() != view.head_index() || head.map_root() != view.map().root() {
        return Err(BuildError::OtherHead);
    }
    let mut builder = Builder {
        view,
        log,
        names: BTreeSet::new(),
        entries: BTreeMap::new(),
    };
    match subject {
        Subject::Label(label) => builder.label(label)?,
        Subject::Authority(name) => builder.authority(name)?,
        Subject::Scheme(id) => {
            builder.scheme(id)?;
        }
        Subject::Member(code) => builder.member(code)?,
        Subject::Log(_) => return Err(BuildError::NoSubject),
    }
    builder.entries.insert(head.index(), head.to_bytes());
    let entries = builder
        .entries
        .into_iter()
        .map(|(index, bytes)| BundleEntry::new(index, bytes, Vec::new()));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let answers = builder
        .names
        .into_iter()
        .map(|name| answer(view, name))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Bundle::new(
        entries,
        Answers::Each(answers),
        Vec::new(),
        proof,
    )?)
}

fn answer(view: &StateView, name: MapName) -> Result<Answer, RecordError> {
    match view.prove(&name.key()) {
        MapProof::Inclusion { record, siblings } => {
            let record = Record::from_bytes(name.kind(), &record)?;
            Ok(Answer::Present {
                name,
                record,
                siblings,
            })
        }
        MapProof::Absence { other, siblings } => Ok(Answer::Absent {
            name,
            other,
            siblings,
        }),
    }
}

struct Builder<'a, R> {
    view: &'a StateView,
    log: &'a R,
    names: BTreeSet<MapName>,
    entries: BTreeMap<LeafIndex, Vec<u8>>,
}

impl<R: ReadLog> Builder<'_, R> {
    fn label(&mut self, label: &LabelId) -> Result<(), BuildError<R::Error>> {
        let Some(definition) = self.scheme(label.scheme())? else {
            return Ok(());
        };
        let Body::SchemeDefine(scheme) = definition.body() else {
            return Err(BuildError::NoSubject);
        };
        let id = canonical_id(scheme.id_rule, label.native().as_str())
            .map_err(|_| BuildError::NoSubject)?;
        let name =
            MapName::label(label.scheme().as_str(), &id).map_err(|_| BuildError::NoSubject)?;
        for event in self.subject(name, &Subject::Label(label.clone()))? {
            for line in event.note().signatures() {
                self.signer(line)?;
            }
            if let Body::LabelIssue(issue) | Body::LabelAmend(issue) = event.body()
                && let Some(lab) = &issue.lab
            {
                self.authority_if_known(lab)?;
            }
        }
        Ok(())
    }

    /// Adds the authority that a line is by. Anybody can write a line under any name; only the id of a key that
    /// the authority has or had makes it matter to a reader.
    fn signer(&mut self, line: &SignatureLine) -> Result<(), BuildError<R::Error>> {
        let Ok(name) = line.name().as_str().parse::<AuthorityName>() else {
            return Ok(());
        };
        let subject = Subject::Authority(name.clone());
        for index in self.indices(&subject)? {
            let entry = self.log.entry(index).map_err(BuildError::Read)?;
            let event =
                Event::parse(&entry).map_err(|source| BuildError::Entry { index, source })?;
            let is_by = match event.body() {
                Body::AuthorityAccredit(body) => {
                    body.keys.iter().any(|key| key.vkey().claims(line))
                }
                Body::AuthorityKey(AuthorityKey::Add(key)) => key.vkey().claims(line),
                _ => false,
            };
            if is_by {
                return self.authority_if_known(&name);
            }
        }
        Ok(())
    }

    /// An authority that was accredited after the head is none yet.
    fn authority_if_known(&mut self, name: &AuthorityName) -> Result<(), BuildError<R::Error>> {
        let key = MapName::authority(name.as_str())
            .map_err(|_| BuildError::NoSubject)?
            .key();
        if self.view.map().get(&key).is_some() {
            self.authority(name)
        } else {
            Ok(())
        }
    }

    fn authority(&mut self, authority: &AuthorityName) -> Result<(), BuildError<R::Error>> {
        let mut next = Some(authority.clone());
        // Each round adds a name that was not there, so a ring of successors ends.
        while let Some(authority) = next.take() {
            let name = MapName::authority(authority.as_str()).map_err(|_| BuildError::NoSubject)?;
            if self.names.contains(&name) {
                break;
            }
            for event in self.subject(name, &Subject::Authority(authority))? {
                match event.body() {
                    Body::AuthorityAccredit(body) => self.member(&body.member)?,
                    Body::AuthorityWithdraw(body) => next.clone_from(&body.successor),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Adds a scheme and its member; answers its definition, if there is one.
    fn scheme(&mut self, id: &SchemeId) -> Result<Option<Event>, BuildError<R::Error>> {
        let name = MapName::scheme(id.as_str()).map_err(|_| BuildError::NoSubject)?;
        let events = self.subject(name, &Subject::Scheme(id.clone()))?;
        if !events.is_empty() {
            self.member(&id.member())?;
        }
        Ok(events.into_iter().next())
    }

    fn member(&mut self, code: &MemberCode) -> Result<(), BuildError<R::Error>> {
        let name = MapName::member(code.as_str()).map_err(|_| BuildError::NoSubject)?;
        self.subject(name, &Subject::Member(code.clone()))
            .map(|_| ())
    }

    /// Where the events of a subject are that the view covers.
    fn indices(&self, subject: &Subject) -> Result<Vec<LeafIndex>, BuildError<R::Error>> {
        let mut indices = self.log.events_of(subject).map_err(BuildError::Read)?;
        indices.retain(|index| *index < self.view.head_index());
        Ok(indices)
    }

    /// Adds one subject with its whole history, or its absence; answers its events.
    fn subject(
        &mut self,
        name: MapName,
        subject: &Subject,
    ) -> Result<Vec<Event>, BuildError<R::Error>> {
        let Some(record) = self.view.map().get(&name.key()) else {
            self.names.insert(name);
            return Ok(Vec::new());
        };
        let record = StateRecord::from_bytes(record)?;
        let mut leaves: Vec<(LeafIndex, LeafHash)> = Vec::new();
        let mut events = Vec::new();
        for index in self.indices(subject)? {
            let entry = match self.entries.get(&index) {
                Some(entry) => entry.clone(),
                None => self.log.entry(index).map_err(BuildError::Read)?,
            };
            let event =
                Event::parse(&entry).map_err(|source| BuildError::Entry { index, source })?;
            leaves.push((index, LeafHash::of_entry(&entry)));
            events.push(event);
            self.entries.insert(index, entry);
        }
        if !record.has_history(leaves.iter().map(|(index, leaf)| (*index, leaf))) {
            return Err(BuildError::Incomplete { name });
        }
        self.names.insert(name);
        Ok(events)
    }
}
