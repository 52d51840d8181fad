//! Makes the bundle of a subject: which records, which absences, and all entries that their histories take.
//!
//! ```text
//! label      its history · scheme · every authority that signed or is named as lab · their member · genesis
//! product    every event that names it, and every label among them as above
//! printed id the same, and the label that has it as its own
//! authority  its history and successor · member · genesis
//! scheme     its history · member · genesis
//! absent     the absence; for a label also as a printed id, and the scheme whose rule folds it, or its absence
//! ```
//! Pure: entries come through [`ReadLog`], and whatever it says is checked against the records.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::bundle::{Answer, Answers, Bundle, BundleEntry, BundleError};
use crate::event::{
    AuthorityKey, AuthorityName, Body, Event, Gtin14, LabelId, MemberCode, SchemeId, Subject,
};
use crate::merkle::{LeafHash, LeafIndex};
use crate::note::{KeyId, KeyName, SignatureLine};
use crate::refusal::Refusal;
use crate::state::StateView;
use crate::state::head::StateHead;
use crate::state::key::{IdRule, MapKey, MapName, canonical_id};
use crate::state::map::proof::MapProof;
use crate::state::record::{IndexRecord, Record, RecordError, StateRecord};
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

    /// Where the events are that are entered in the index of a product or a printed id, as `events_of` has them.
    ///
    /// # Errors
    /// As the source says.
    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, Self::Error>;
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
/// A label that is none may be printed on a product all the same: then the bundle is that of the printed id.
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
    let mut builder = Builder::under(head, view, log)?;
    match subject {
        Subject::Label(label) => builder.label_or_alias(label)?,
        Subject::Authority(name) => builder.authority(name)?,
        Subject::Scheme(id) => {
            builder.scheme(id)?;
        }
        Subject::Member(code) => builder.member(code)?,
        Subject::Log(_) => return Err(BuildError::NoSubject),
    }
    builder.finish(head, proof)
}

/// Makes the bundle of all labels of a product, or of its absence.
///
/// # Errors
/// [`BuildError`].
pub fn build_product<R: ReadLog>(
    view: &StateView,
    log: &R,
    gtin: &Gtin14,
    head: &StateHead,
    proof: TlogProof,
) -> Result<Bundle, BuildError<R::Error>> {
    let mut builder = Builder::under(head, view, log)?;
    builder.indexed(MapName::product(gtin))?;
    builder.finish(head, proof)
}

/// Makes the bundle of all labels of a scheme that are or were called by a printed id, or of their absence.
///
/// # Errors
/// [`BuildError`]; [`BuildError::NoSubject`] for what is no printed id.
pub fn build_alias<R: ReadLog>(
    view: &StateView,
    log: &R,
    scheme: &SchemeId,
    printed: &str,
    head: &StateHead,
    proof: TlogProof,
) -> Result<Bundle, BuildError<R::Error>> {
    let mut builder = Builder::under(head, view, log)?;
    builder.printed(scheme, printed)?;
    builder.finish(head, proof)
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

/// Gathers what a bundle takes.
pub(super) struct Builder<'a, R> {
    pub(super) view: &'a StateView,
    pub(super) log: &'a R,
    pub(super) names: BTreeSet<MapName>,
    pub(super) entries: BTreeMap<LeafIndex, Vec<u8>>,
    rules: BTreeMap<SchemeId, Option<IdRule>>,
    signers: BTreeSet<(KeyName, KeyId)>,
}

impl<'a, R: ReadLog> Builder<'a, R> {
    pub(super) fn under(
        head: &StateHead,
        view: &'a StateView,
        log: &'a R,
    ) -> Result<Self, BuildError<R::Error>> {
        if head.index() != view.head_index() || head.map_root() != view.map().root() {
            return Err(BuildError::OtherHead);
        }
        Ok(Self {
            view,
            log,
            names: BTreeSet::new(),
            entries: BTreeMap::new(),
            rules: BTreeMap::new(),
            signers: BTreeSet::new(),
        })
    }

    fn finish(
        mut self,
        head: &StateHead,
        proof: TlogProof,
    ) -> Result<Bundle, BuildError<R::Error>> {
        self.entries.insert(head.index(), head.to_bytes());
        let entries = self
            .entries
            .into_iter()
            .map(|(index, bytes)| BundleEntry::new(index, bytes, Vec::new()));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let answers = self
            .names
            .into_iter()
            .map(|name| answer(self.view, name))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Bundle::new(
            entries,
            Answers::Each(answers),
            Vec::new(),
            proof,
        )?)
    }

    fn label_or_alias(&mut self, label: &LabelId) -> Result<(), BuildError<R::Error>> {
        let Some((name, _)) = self.printed_names(label.scheme(), label.native().as_str())? else {
            return Ok(());
        };
        if self.view.map().get(&name.key()).is_some() {
            self.label(name, label)
        } else {
            self.printed(label.scheme(), label.native().as_str())
        }
    }

    fn printed(&mut self, scheme: &SchemeId, printed: &str) -> Result<(), BuildError<R::Error>> {
        let Some((own, alias)) = self.printed_names(scheme, printed)? else {
            return Ok(());
        };
        match own_label(scheme, printed) {
            Some(label) if self.view.map().get(&own.key()).is_some() => self.label(own, &label)?,
            _ => {
                self.names.insert(own);
            }
        }
        self.indexed(alias)
    }

    /// Adds an index with its events, and every label that they name; or its absence.
    fn indexed(&mut self, name: MapName) -> Result<(), BuildError<R::Error>> {
        let key = name.key();
        let Some(record) = self.view.map().get(&key) else {
            self.names.insert(name);
            return Ok(());
        };
        let record = IndexRecord::from_bytes(record)?;
        let mut leaves = Vec::new();
        let mut labels = BTreeMap::new();
        for index in self.indices_under(&key)? {
            let (entry, event) = self.read(index)?;
            leaves.push((index, LeafHash::of_entry(&entry)));
            if let Subject::Label(label) = event.subject()
                && let Some(of) = self.label_name(label)?
            {
                labels.entry(of).or_insert_with(|| label.clone());
            }
            self.entries.insert(index, entry);
        }
        if IndexRecord::of_events(&leaves) != Some(record) {
            return Err(BuildError::Incomplete { name });
        }
        self.names.insert(name);
        labels
            .into_iter()
            .try_for_each(|(name, label)| self.label(name, &label))
    }

    pub(super) fn label_name(
        &mut self,
        label: &LabelId,
    ) -> Result<Option<MapName>, BuildError<R::Error>> {
        let names = self.printed_names(label.scheme(), label.native().as_str())?;
        Ok(names.map(|(name, _)| name))
    }

    /// The names under which a printed id is a label or an alias; adds its scheme, and none if that is absent.
    pub(super) fn printed_names(
        &mut self,
        scheme: &SchemeId,
        printed: &str,
    ) -> Result<Option<(MapName, MapName)>, BuildError<R::Error>> {
        let rule = match self.rules.get(scheme) {
            Some(known) => *known,
            None => {
                let definition = self.scheme(scheme)?;
                let rule = match definition.as_ref().map(Event::body) {
                    Some(Body::SchemeDefine(body)) => Some(body.id_rule),
                    Some(_) => return Err(BuildError::NoSubject),
                    None => None,
                };
                self.rules.insert(scheme.clone(), rule);
                rule
            }
        };
        let Some(rule) = rule else {
            return Ok(None);
        };
        let id = canonical_id(rule, printed).map_err(|_| BuildError::NoSubject)?;
        let names = MapName::label(scheme.as_str(), &id)
            .and_then(|label| Ok((label, MapName::alias(scheme.as_str(), &id)?)));
        names.map(Some).map_err(|_| BuildError::NoSubject)
    }

    fn label(&mut self, name: MapName, label: &LabelId) -> Result<(), BuildError<R::Error>> {
        for event in self.subject(name, &Subject::Label(label.clone()))? {
            self.authorities_of(&event)?;
        }
        Ok(())
    }

    /// Adds those who signed an event about a label, and the lab that it names.
    pub(super) fn authorities_of(&mut self, event: &Event) -> Result<(), BuildError<R::Error>> {
        for line in event.note().signatures() {
            if self.signers.insert((line.name().clone(), line.id())) {
                self.signer(line)?;
            }
        }
        match event.body() {
            Body::LabelIssue(issue) | Body::LabelAmend(issue) => match &issue.lab {
                Some(lab) => self.authority_if_known(lab),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Adds the authority that a line is by. Anybody can write a line under any name; only the id of a key that
    /// the authority has or had makes it matter to a reader.
    fn signer(&mut self, line: &SignatureLine) -> Result<(), BuildError<R::Error>> {
        let Ok(name) = line.name().as_str().parse::<AuthorityName>() else {
            return Ok(());
        };
        let subject = Subject::Authority(name.clone());
        for index in self.indices(&subject)? {
            let (_, event) = self.read(index)?;
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

    /// Where the events are that the view covers and an index has.
    pub(super) fn indices_under(
        &self,
        key: &MapKey,
    ) -> Result<Vec<LeafIndex>, BuildError<R::Error>> {
        let mut indices = self.log.events_under(key).map_err(BuildError::Read)?;
        indices.retain(|index| *index < self.view.head_index());
        Ok(indices)
    }

    /// The bytes and the event at an index.
    pub(super) fn read(&self, index: LeafIndex) -> Result<(Vec<u8>, Event), BuildError<R::Error>> {
        let entry = match self.entries.get(&index) {
            Some(entry) => entry.clone(),
            None => self.log.entry(index).map_err(BuildError::Read)?,
        };
        let event = Event::parse(&entry).map_err(|source| BuildError::Entry { index, source })?;
        Ok((entry, event))
    }

    /// Where the events of a subject are that the view covers.
    pub(super) fn indices(
        &self,
        subject: &Subject,
    ) -> Result<Vec<LeafIndex>, BuildError<R::Error>> {
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
            let (entry, event) = self.read(index)?;
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

/// A label can be called by a printed id only if that could be a native one.
fn own_label(scheme: &SchemeId, printed: &str) -> Option<LabelId> {
    let id: String = printed.chars().filter(|letter| *letter != ' ').collect();
    format!("{scheme}/{id}").parse().ok()
}
