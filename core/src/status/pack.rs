//! Packs: many products and labels under one head, made for a shop and read without a network.
//!
//! ```text
//! product   index record · every event that names it · the record of each label among them
//! label     its record and whole history, or its absence, also as a printed id
//! once      every scheme, every authority that signed or tested, their members, genesis
//! ```
//! The history of a label is left out where it is active, its issue is among the events that name a product, and no
//! key or authority of its scheme was cut off up to its last event: then its record says all. A pack is read by
//! `status::verify`; here it is gathered, in two passes over the entries so that it is never in memory as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::build::Builder;
use super::read_log::{BuildError, ReadLog};
use crate::bundle::{FIRST_LINE, MAX_PACK_LINES, Pack, check_lines, write_entry_line};
use crate::event::{Body, Event, Gtin14, LabelId, SchemeId, Subject};
use crate::merkle::{LeafHash, LeafIndex};
use crate::state::StateView;
use crate::state::head::StateHead;
use crate::state::key::{MapKey, MapName};
use crate::state::record::{IndexRecord, StateRecord, Status};
use crate::tlog_proof::TlogProof;

/// What a pack is asked for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum PackSubject {
    /// All labels of a product.
    Product(Gtin14),
    /// One label.
    Label(LabelId),
}

/// One line of a request: `gtin 09521234001010` or `label jp.jc-star/EX-000123`.
impl FromStr for PackSubject {
    type Err = BadSubject;

    fn from_str(line: &str) -> Result<Self, BadSubject> {
        match line.split_once(' ') {
            Some(("gtin", gtin)) => gtin.parse().map(Self::Product).map_err(|_| BadSubject),
            Some(("label", label)) => label.parse().map(Self::Label).map_err(|_| BadSubject),
            _ => Err(BadSubject),
        }
    }
}

impl fmt::Display for PackSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(gtin) => write!(f, "gtin {gtin}"),
            Self::Label(label) => write!(f, "label {label}"),
        }
    }
}

/// A line that asks for nothing a pack can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not `gtin` and 14 digits with a right check digit, nor `label` and scheme/id")]
pub struct BadSubject;

/// A pack whose parts are known, ready to be written.
#[derive(Clone, Debug)]
pub struct PackDraft {
    entries: BTreeSet<LeafIndex>,
    /// Those that are not read again: of schemes, authorities and members, and the head.
    held: BTreeMap<LeafIndex, String>,
    pack: Pack,
    proof: TlogProof,
}

/// Gathers the pack of these subjects under `head`, whose place in the log `proof` shows.
///
/// Entries are asked for in ascending order, so that a reader of files reads each only once or twice.
///
/// # Errors
/// [`BuildError`]; [`BuildError::NoSubject`] if there is none, [`BundleError::TooManyLines`](crate::bundle::BundleError)
/// if nobody could read it.
pub fn build<R: ReadLog>(
    view: &StateView,
    log: &R,
    subjects: &[PackSubject],
    head: &StateHead,
    proof: TlogProof,
) -> Result<PackDraft, BuildError<R::Error>> {
    if subjects.is_empty() {
        return Err(BuildError::NoSubject);
    }
    let mut packer = Packer {
        builder: Builder::under(head, view, log)?,
        kept: BTreeSet::new(),
        indexes: BTreeMap::new(),
        labels: BTreeMap::new(),
    };
    for subject in subjects {
        match subject {
            PackSubject::Product(gtin) => packer.want_index(MapName::product(gtin))?,
            PackSubject::Label(label) => packer.want_label(label)?,
        }
    }
    packer.read_indexes()?;
    packer.read_histories()?;
    packer.finish(head, proof)
}

/// What is known so far of a pack.
struct Packer<'a, R> {
    builder: Builder<'a, R>,
    /// Entries about labels, which are read a second time when they are written.
    kept: BTreeSet<LeafIndex>,
    indexes: BTreeMap<MapKey, IndexPart>,
    labels: BTreeMap<MapName, LabelPart>,
}

struct IndexPart {
    name: MapName,
    record: IndexRecord,
    leaves: Vec<(LeafIndex, LeafHash)>,
}

struct LabelPart {
    label: LabelId,
    /// Those of its own events that are read already.
    leaves: Vec<(LeafIndex, LeafHash)>,
    need: Need,
}

/// How much of a label's history is needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Need {
    /// All of it.
    Whole,
    /// What names a product, unless the label's issue is not among that.
    Indexed,
}

impl<R: ReadLog> Packer<'_, R> {
    fn want_index(&mut self, name: MapName) -> Result<(), BuildError<R::Error>> {
        let key = name.key();
        match self.builder.view.map().get(&key) {
            None => {
                self.builder.names.insert(name);
            }
            Some(record) => {
                let part = IndexPart {
                    name,
                    record: IndexRecord::from_bytes(record)?,
                    leaves: Vec::new(),
                };
                self.indexes.insert(key, part);
            }
        }
        Ok(())
    }

    fn want_label(&mut self, label: &LabelId) -> Result<(), BuildError<R::Error>> {
        let names = self
            .builder
            .printed_names(label.scheme(), label.native().as_str())?;
        let Some((name, alias)) = names else {
            return Ok(());
        };
        if self.builder.view.map().get(&name.key()).is_some() {
            self.part(name, label).need = Need::Whole;
            return Ok(());
        }
        self.builder.names.insert(name);
        self.want_index(alias)
    }

    fn part(&mut self, name: MapName, label: &LabelId) -> &mut LabelPart {
        self.labels.entry(name).or_insert_with(|| LabelPart {
            label: label.clone(),
            leaves: Vec::new(),
            need: Need::Indexed,
        })
    }

    /// Reads the events that name the products and printed ids, in order of the log.
    fn read_indexes(&mut self) -> Result<(), BuildError<R::Error>> {
        let mut wanted: BTreeMap<LeafIndex, Vec<MapKey>> = BTreeMap::new();
        for (key, part) in &self.indexes {
            for index in self.builder.indices_under(key, &part.record)? {
                wanted.entry(index).or_default().push(*key);
            }
        }
        for (index, keys) in wanted {
            let leaf = self.take(index, None)?;
            for key in keys {
                let part = self.indexes.get_mut(&key).expect("it asked for the entry");
                part.leaves.push((index, leaf));
            }
        }
        for (_, part) in std::mem::take(&mut self.indexes) {
            if IndexRecord::of_events(&part.leaves) != Some(part.record) {
                return Err(BuildError::Incomplete { name: part.name });
            }
            self.builder.names.insert(part.name);
        }
        Ok(())
    }

    /// Reads an entry about a label, and files it under the label it is about unless that is `read_for`.
    fn take(
        &mut self,
        index: LeafIndex,
        read_for: Option<&MapName>,
    ) -> Result<LeafHash, BuildError<R::Error>> {
        let read = self.builder.read(index)?;
        let (event, leaf) = (read.event(), *read.leaf());
        self.builder.authorities_of(event)?;
        self.kept.insert(index);
        if let (None, Subject::Label(label)) = (read_for, event.subject())
            && let Some(name) = self.builder.label_name(label)?
        {
            let need = need_after(event);
            let part = self.part(name, label);
            if part.leaves.is_empty() && need == Need::Whole {
                part.need = need;
            }
            part.leaves.push((index, leaf));
        }
        Ok(leaf)
    }

    /// Reads the histories of the labels that need theirs, in order of the log.
    fn read_histories(&mut self) -> Result<(), BuildError<R::Error>> {
        let mut cuts: BTreeMap<SchemeId, Option<LeafIndex>> = BTreeMap::new();
        let mut records: BTreeMap<MapName, (StateRecord, Vec<(LeafIndex, LeafHash)>)> =
            BTreeMap::new();
        let mut wanted: BTreeMap<LeafIndex, Vec<MapName>> = BTreeMap::new();
        for (name, part) in std::mem::take(&mut self.labels) {
            let record = self.builder.view.map().get(&name.key());
            let Some(record) = record else {
                return Err(BuildError::Incomplete { name });
            };
            let record = StateRecord::from_bytes(record)?;
            self.builder.names.insert(name.clone());
            let leaves = part.leaves.iter().map(|(index, leaf)| (*index, leaf));
            if record.has_history(leaves) {
                continue;
            }
            let scheme = part.label.scheme();
            let cut = match cuts.get(scheme) {
                Some(known) => *known,
                None => {
                    let cut = self.scheme_cut(scheme)?;
                    cuts.insert(scheme.clone(), cut);
                    cut
                }
            };
            let is_reached = cut.is_some_and(|cut| cut <= record.last_index());
            // SPEC bundle.md: an excerpt is active. Of any other a reader wants to know since when, and why.
            let is_asked_why = record.status() != Status::Active;
            if part.need == Need::Whole || is_reached || is_asked_why {
                let label = Subject::Label(part.label);
                for index in self.builder.indices(&label, &name.key(), &record)? {
                    wanted.entry(index).or_default().push(name.clone());
                }
                records.insert(name, (record, Vec::new()));
            }
        }
        for (index, names) in wanted {
            let leaf = self.take(index, names.first())?;
            for name in names {
                let (_, leaves) = records.get_mut(&name).expect("it asked for the entry");
                leaves.push((index, leaf));
            }
        }
        for (name, (record, leaves)) in records {
            if !record.has_history(leaves.iter().map(|(index, leaf)| (*index, leaf))) {
                return Err(BuildError::Incomplete { name });
            }
        }
        Ok(())
    }

    fn scheme_cut(&self, scheme: &SchemeId) -> Result<Option<LeafIndex>, BuildError<R::Error>> {
        let name = MapName::scheme(scheme.as_str()).map_err(|_| BuildError::NoSubject)?;
        match self.builder.view.map().get(&name.key()) {
            Some(record) => Ok(StateRecord::from_bytes(record)?.successor_index()),
            None => Err(BuildError::Incomplete { name }),
        }
    }

    fn finish(self, head: &StateHead, proof: TlogProof) -> Result<PackDraft, BuildError<R::Error>> {
        let Builder {
            names,
            entries,
            view,
            ..
        } = self.builder;
        let mut held = BTreeMap::new();
        for (index, read) in entries {
            let mut line = String::new();
            read.write_line(&mut line);
            held.insert(index, line);
        }
        held.insert(head.index(), line_of(head.index(), &head.to_bytes()));
        let names: Vec<MapName> = names.into_iter().collect();
        let mut entries = self.kept;
        entries.extend(held.keys());
        let draft = PackDraft {
            entries,
            held,
            pack: Pack::of_map(view.map(), &names)?,
            proof,
        };
        check_lines(draft.lines(), MAX_PACK_LINES)?;
        Ok(draft)
    }
}

/// Events of a label come in order, so one whose first is no issue was bound later.
fn need_after(event: &Event) -> Need {
    match event.body() {
        Body::LabelIssue(_) => Need::Indexed,
        _ => Need::Whole,
    }
}

impl PackDraft {
    /// How many entries it has.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// How many lines it takes, at most [`MAX_PACK_LINES`].
    #[must_use]
    pub fn lines(&self) -> usize {
        let proof = self.proof.to_string();
        // The first line, and the empty one before the proof.
        2 + self.entries.len() + self.pack.count_lines() + proof.lines().count()
    }

    /// The pack as it is stored, piece by piece; entries are read again as they are written.
    pub fn pieces<'a, R: ReadLog>(
        &'a self,
        log: &'a R,
    ) -> impl Iterator<Item = Result<Vec<u8>, R::Error>> + 'a {
        let first = std::iter::once(Ok(format!("{FIRST_LINE}\n")));
        let entries = self.entries.iter().map(move |index| {
            let line = match self.held.get(index) {
                Some(line) => line.clone(),
                None => line_of(*index, &log.entry(*index)?),
            };
            Ok(line)
        });
        let answers = self.pack.lines().map(Ok);
        let end = std::iter::once_with(|| Ok(format!("\n{}", self.proof)));
        let mut lines = first.chain(entries).chain(answers).chain(end);
        std::iter::from_fn(move || {
            let mut piece = Vec::new();
            for line in lines.by_ref() {
                match line {
                    Ok(line) => piece.extend_from_slice(line.as_bytes()),
                    Err(error) => return Some(Err(error)),
                }
                if piece.len() >= PIECE_BYTES {
                    break;
                }
            }
            (!piece.is_empty()).then_some(Ok(piece))
        })
    }
}

fn line_of(index: LeafIndex, entry: &[u8]) -> String {
    let mut line = String::new();
    write_entry_line(&mut line, index, entry);
    line
}

/// A few packets at once; with what waits to be sent far below a pack.
const PIECE_BYTES: usize = 64 << 10;
