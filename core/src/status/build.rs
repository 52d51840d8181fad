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
use std::fmt::Write as _;
use std::sync::Arc;

use super::part::{Opening, Part, ReadEvent};
use super::read_log::{BuildError, ReadLog};
use crate::bundle::{Answer, FIRST_LINE, MAX_BUNDLE_LINES, check_lines};
use crate::event::{
    AuthorityKey, AuthorityName, Body, Event, Gtin14, LabelId, MemberCode, SchemeId, Subject,
};
use crate::merkle::LeafIndex;
use crate::note::{KeyId, KeyName, SignatureLine};
use crate::state::StateView;
use crate::state::head::StateHead;
use crate::state::key::{IdRule, MapKey, MapName, canonical_id};
use crate::state::map::proof::MapProof;
use crate::state::record::{IndexRecord, Record, RecordError, StateRecord};

/// Makes the bundle of `subject` under the head that `opening` is of, as it is stored.
///
/// A label that is none may be printed on a product all the same: then the bundle is that of the printed id.
///
/// # Errors
/// [`BuildError`].
pub fn build<R: ReadLog>(
    view: &StateView,
    log: &R,
    subject: &Subject,
    opening: &Opening,
) -> Result<Vec<u8>, BuildError<R::Error>> {
    let mut builder = Builder::under(opening.head(), view, log)?;
    match subject {
        Subject::Label(label) => builder.label_or_alias(label)?,
        Subject::Authority(name) => builder.authority(name)?,
        Subject::Scheme(id) => {
            builder.scheme(id)?;
        }
        Subject::Member(code) => builder.member(code)?,
        Subject::Log(_) => return Err(BuildError::NoSubject),
    }
    builder.finish(opening)
}

/// Makes the bundle of all labels of a product, or of its absence.
///
/// # Errors
/// [`BuildError`].
pub fn build_product<R: ReadLog>(
    view: &StateView,
    log: &R,
    gtin: &Gtin14,
    opening: &Opening,
) -> Result<Vec<u8>, BuildError<R::Error>> {
    let mut builder = Builder::under(opening.head(), view, log)?;
    builder.indexed(MapName::product(gtin))?;
    builder.finish(opening)
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
    opening: &Opening,
) -> Result<Vec<u8>, BuildError<R::Error>> {
    let mut builder = Builder::under(opening.head(), view, log)?;
    builder.printed(scheme, printed)?;
    builder.finish(opening)
}

pub(super) fn answer(view: &StateView, name: MapName) -> Result<Answer, RecordError> {
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
    pub(super) entries: BTreeMap<LeafIndex, Arc<ReadEvent>>,
    parts: BTreeMap<MapName, Arc<Part>>,
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
            parts: BTreeMap::new(),
            rules: BTreeMap::new(),
            signers: BTreeSet::new(),
        })
    }

    /// Writes the lines in order; each that is in many bundles was written before.
    fn finish(self, opening: &Opening) -> Result<Vec<u8>, BuildError<R::Error>> {
        let mut text = String::with_capacity(USUAL_BYTES);
        text.push_str(FIRST_LINE);
        text.push('\n');
        for entry in self.entries.values() {
            entry.write_line(&mut text);
        }
        text.push_str(opening.line());
        for name in self.names {
            match self.parts.get(&name) {
                Some(part) => text.push_str(part.answer()),
                None => write!(text, "{}", answer(self.view, name)?)
                    .expect("a string takes what is written"),
            }
        }
        text.push_str(opening.end());
        // Fewer bytes than lines are allowed have no more lines: counting them took a tenth of the work.
        if text.len() > MAX_BUNDLE_LINES {
            check_lines(text.matches('\n').count(), MAX_BUNDLE_LINES)?;
        }
        Ok(text.into_bytes())
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
        for index in self.indices_under(&key, &record)? {
            let read = self.read(index)?;
            leaves.push((index, *read.leaf()));
            if let Subject::Label(label) = read.event().subject()
                && let Some(of) = self.label_name(label)?
            {
                labels.entry(of).or_insert_with(|| label.clone());
            }
            self.entries.insert(index, read);
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
                let part = self.scheme(scheme)?;
                let definition = part.as_ref().and_then(|part| part.events().first());
                let rule = match definition.map(|read| read.event().body()) {
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
        let record = match self.view.map().get(&name.key()) {
            Some(record) => StateRecord::from_bytes(record)?,
            None => {
                self.names.insert(name);
                return Ok(());
            }
        };
        for read in self.history(&name, &Subject::Label(label.clone()), &record)? {
            self.authorities_of(read.event())?;
            self.entries.insert(read.index(), read);
        }
        self.names.insert(name);
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
        let Some(part) = self.authority_part(&name)? else {
            return Ok(());
        };
        let is_by = |read: &Arc<ReadEvent>| match read.event().body() {
            Body::AuthorityAccredit(body) => body.keys.iter().any(|key| key.vkey().claims(line)),
            Body::AuthorityKey(AuthorityKey::Add(key)) => key.vkey().claims(line),
            _ => false,
        };
        if part.events().iter().any(is_by) {
            self.authority(&name)
        } else {
            Ok(())
        }
    }

    /// An authority that was accredited after the head is none yet.
    fn authority_if_known(&mut self, name: &AuthorityName) -> Result<(), BuildError<R::Error>> {
        match self.authority_part(name)? {
            Some(_) => self.authority(name),
            None => Ok(()),
        }
    }

    fn authority(&mut self, authority: &AuthorityName) -> Result<(), BuildError<R::Error>> {
        let mut next = Some(authority.clone());
        // Each round adds a name that was not there, so a ring of successors ends.
        while let Some(authority) = next.take() {
            let name = authority_name(&authority)?;
            if self.names.contains(&name) {
                break;
            }
            let part = self.authority_part(&authority)?;
            let Some(part) = self.add(name, part) else {
                break;
            };
            for read in part.events() {
                match read.event().body() {
                    Body::AuthorityAccredit(body) => self.member(&body.member)?,
                    Body::AuthorityWithdraw(body) => next.clone_from(&body.successor),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Adds a scheme and its member, if there is one.
    fn scheme(&mut self, id: &SchemeId) -> Result<Option<Arc<Part>>, BuildError<R::Error>> {
        let name = MapName::scheme(id.as_str()).map_err(|_| BuildError::NoSubject)?;
        let part = self.part(&name, &Subject::Scheme(id.clone()))?;
        let part = self.add(name, part);
        if part.is_some() {
            self.member(&id.member())?;
        }
        Ok(part)
    }

    fn member(&mut self, code: &MemberCode) -> Result<(), BuildError<R::Error>> {
        let name = MapName::member(code.as_str()).map_err(|_| BuildError::NoSubject)?;
        if !self.names.contains(&name) {
            let part = self.part(&name, &Subject::Member(code.clone()))?;
            self.add(name, part);
        }
        Ok(())
    }

    /// Where the events are that an index of the view has.
    pub(super) fn indices_under(
        &self,
        key: &MapKey,
        record: &IndexRecord,
    ) -> Result<Vec<LeafIndex>, BuildError<R::Error>> {
        // Of a single event the record itself says where it is; most products have no more.
        if record.count() == 1 {
            return Ok(vec![record.last_index()]);
        }
        let mut indices = self.log.events_under(key).map_err(BuildError::Read)?;
        indices.retain(|index| *index < self.view.head_index());
        Ok(indices)
    }

    /// The entry at an index, which is an event.
    pub(super) fn read(&self, index: LeafIndex) -> Result<Arc<ReadEvent>, BuildError<R::Error>> {
        if let Some(known) = self.entries.get(&index) {
            return Ok(known.clone());
        }
        let entry = self.log.entry(index).map_err(BuildError::Read)?;
        match ReadEvent::parse(index, &entry) {
            Ok(read) => Ok(Arc::new(read)),
            Err(source) => Err(BuildError::Entry { index, source }),
        }
    }

    /// Where the events of a subject are that the view covers.
    pub(super) fn indices(
        &self,
        subject: &Subject,
        key: &MapKey,
        record: &StateRecord,
    ) -> Result<Vec<LeafIndex>, BuildError<R::Error>> {
        // Of up to two events the record itself says where they are; most labels have no more.
        match record.event_count() {
            1 => return Ok(vec![record.first_index()]),
            2 => return Ok(vec![record.first_index(), record.last_index()]),
            _ => {}
        }
        let mut indices = self.log.events_of(subject, key).map_err(BuildError::Read)?;
        indices.push(record.first_index());
        indices.retain(|index| *index < self.view.head_index());
        indices.sort_unstable();
        indices.dedup();
        Ok(indices)
    }

    /// The whole history of a subject that has this record.
    fn history(
        &self,
        name: &MapName,
        subject: &Subject,
        record: &StateRecord,
    ) -> Result<Vec<Arc<ReadEvent>>, BuildError<R::Error>> {
        let indices = self.indices(subject, &name.key(), record)?;
        let events: Vec<Arc<ReadEvent>> = indices
            .into_iter()
            .map(|index| self.read(index))
            .collect::<Result<_, _>>()?;
        if !record.has_history(events.iter().map(|read| (read.index(), read.leaf()))) {
            return Err(BuildError::Incomplete { name: name.clone() });
        }
        Ok(events)
    }

    fn authority_part(
        &self,
        authority: &AuthorityName,
    ) -> Result<Option<Arc<Part>>, BuildError<R::Error>> {
        let name = authority_name(authority)?;
        self.part(&name, &Subject::Authority(authority.clone()))
    }

    /// The part of a scheme, an authority or a member; none if there is no such one.
    fn part(
        &self,
        name: &MapName,
        subject: &Subject,
    ) -> Result<Option<Arc<Part>>, BuildError<R::Error>> {
        if let Some(known) = self.parts.get(name) {
            return Ok(Some(known.clone()));
        }
        let Some(record) = self.view.map().get(&name.key()) else {
            return Ok(None);
        };
        let kept = self.log.kept(name).filter(|kept| kept.record() == record);
        let part = match kept {
            Some(kept) if kept.is_of(self.view.map().root()) => return Ok(Some(kept)),
            Some(kept) => kept.under(self.view)?,
            None => {
                let parsed = StateRecord::from_bytes(record)?;
                let events = self.history(name, subject, &parsed)?;
                Part::new(self.view, name.clone(), record.to_vec(), &events)?
            }
        };
        let part = Arc::new(part);
        self.log.keep(&part);
        Ok(Some(part))
    }

    /// Adds a part with its history, or the absence of one.
    fn add(&mut self, name: MapName, part: Option<Arc<Part>>) -> Option<Arc<Part>> {
        if let Some(part) = &part
            && !self.parts.contains_key(&name)
        {
            let events = part.events().iter();
            self.entries
                .extend(events.map(|read| (read.index(), read.clone())));
            self.parts.insert(name.clone(), part.clone());
        }
        self.names.insert(name);
        part
    }
}

fn authority_name<E>(authority: &AuthorityName) -> Result<MapName, BuildError<E>> {
    MapName::authority(authority.as_str()).map_err(|_| BuildError::NoSubject)
}

/// A label can be called by a printed id only if that could be a native one.
fn own_label(scheme: &SchemeId, printed: &str) -> Option<LabelId> {
    let id: String = printed.chars().filter(|letter| *letter != ' ').collect();
    format!("{scheme}/{id}").parse().ok()
}

/// A label of one issue with its issuer's part takes 10 to 13 kB.
const USUAL_BYTES: usize = 16 * 1024;
