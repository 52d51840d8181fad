//! Replays the histories in a bundle and demands that they give its records, byte for byte.
//!
//! ```text
//! entry 0 (pinned) ─▶ members ─▶ schemes, authorities ─▶ labels        the state function of `state`, in order of the log
//! every entry      belongs to the chain of a record in the bundle
//! every record     is the one that its entries give
//! every scheme, authority and member on which another depends has its record here: no later event of it is hidden
//! ```
//! Three things are the log's word, for they lie outside the bundle: the lowest cut in a scheme's record (never
//! later than the cuts that are here), that a scheme in another part of a grant exists, and that a label which
//! takes the place of another, or gives way to one, could do so.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Check, Finding, LabelStatus, ProvenState, RecordedEvent, Step, SubjectStatus, Unverified,
};
use crate::bundle::{Bundle, BundleEntry};
use crate::event::{Event, LabelId, SchemeId, Subject};
use crate::merkle::LeafIndex;
use crate::state::key::{IdRule, MapKey, MapName, MapType, canonical_id};
use crate::state::record::{Record, StateRecord};
use crate::state::{Changed, CutOff, Extent, SignatureMemo, Subjects, replay_untainted};

/// What the replay of a bundle found out.
pub(super) struct Replayed {
    pub(super) findings: BTreeMap<MapName, Finding>,
    pub(super) schemes: IdRules,
    pub(super) checks: Vec<Check>,
}

/// How the ids of proved schemes are folded.
#[derive(Clone, Debug, Default)]
pub(super) struct IdRules(BTreeMap<SchemeId, IdRule>);

impl IdRules {
    /// The name of a label's record; none unless its scheme is proved.
    pub(super) fn label_name(&self, label: &LabelId) -> Option<MapName> {
        let id = canonical_id(*self.0.get(label.scheme())?, label.native().as_str()).ok()?;
        MapName::label(label.scheme().as_str(), &id).ok()
    }
}

/// Replays all entries but the head.
pub(super) fn replay(bundle: &Bundle, state: &ProvenState) -> Result<Replayed, Unverified> {
    let records = Records::of(bundle)?;
    let (_, entries) = bundle.entries().split_last().expect("a bundle has a head");
    let absent = records
        .absent
        .iter()
        .map(|name| ((*name).clone(), Finding::Absent))
        .collect();
    let mut replayed = Replayed {
        findings: absent,
        schemes: IdRules::default(),
        checks: Vec::new(),
    };
    if let Some(stray) = entries
        .iter()
        .find(|entry| records.present.is_empty() || !entry.path().is_empty())
    {
        return Err(Unverified::UnusedEntry {
            index: stray.index(),
        });
    }
    if records.present.is_empty() {
        return Ok(replayed);
    }
    let histories = Histories::replay(entries, &records, state)?;
    histories.check_dependencies(&records)?;
    for (name, record) in records.present.values() {
        histories.check_record(name, record)?;
    }
    for (key, (name, record)) in &records.present {
        let finding = histories.finding(*key, name, record, &records, &mut replayed.checks)?;
        replayed.findings.insert((*name).clone(), finding);
    }
    let rules = histories
        .subjects
        .registry
        .schemes
        .iter()
        .map(|(id, scheme)| (id.clone(), scheme.id_rule()));
    replayed.schemes = IdRules(rules.collect());
    replayed.checks.sort_by_key(Check::step);
    Ok(replayed)
}

/// The answers of the map, by key; proved already.
struct Records<'a> {
    present: BTreeMap<MapKey, (&'a MapName, &'a StateRecord)>,
    absent: Vec<&'a MapName>,
}

impl<'a> Records<'a> {
    fn of(bundle: &'a Bundle) -> Result<Self, Unverified> {
        let mut records = Records {
            present: BTreeMap::new(),
            absent: Vec::new(),
        };
        for (name, record) in bundle.answers().iter() {
            let unknown = || Unverified::UnknownType { name: name.clone() };
            match (name.kind(), record) {
                (MapType::Label | MapType::Authority | MapType::Scheme | MapType::Member, None) => {
                    records.absent.push(name);
                }
                (_, Some(Record::State(record))) => {
                    records.present.insert(name.key(), (name, record));
                }
                _ => return Err(unknown()),
            }
        }
        Ok(records)
    }

    fn require(&self, name: MapName) -> Result<(), Unverified> {
        if self.present.contains_key(&name.key()) {
            Ok(())
        } else {
            Err(Unverified::MissingRecord { name })
        }
    }
}

/// The subjects of a bundle after all its entries, and which entries made each.
struct Histories {
    subjects: Subjects,
    events: BTreeMap<MapKey, Vec<RecordedEvent>>,
    known: BTreeMap<MapKey, Changed>,
}

impl Histories {
    fn replay(
        entries: &[BundleEntry],
        records: &Records<'_>,
        state: &ProvenState,
    ) -> Result<Self, Unverified> {
        let (genesis, rest) = entries.split_first().ok_or(Unverified::NoGenesis)?;
        if genesis.index() != LeafIndex::new(0) || genesis.leaf() != state.head().genesis() {
            return Err(Unverified::NoGenesis);
        }
        let memo = SignatureMemo::empty();
        let event = parse(genesis)?;
        let subjects = Subjects::found(Extent::Part, &event, genesis.leaf(), &memo);
        let mut histories = Histories {
            subjects: subjects.map_err(|source| Unverified::Entry {
                index: genesis.index(),
                source,
            })?,
            events: BTreeMap::new(),
            known: BTreeMap::new(),
        };
        let members = histories.subjects.registry.all();
        histories.keep(genesis.index(), event, members, records)?;
        for entry in rest {
            let event = parse(entry)?;
            let changed = histories
                .subjects
                .apply(&event, entry.index(), entry.leaf(), &memo);
            let changed = changed.map_err(|source| Unverified::Entry {
                index: entry.index(),
                source,
            })?;
            histories.keep(entry.index(), event, changed, records)?;
        }
        Ok(histories)
    }

    /// Files an event under each record whose chain it is part of; there must be one in the bundle.
    fn keep(
        &mut self,
        index: LeafIndex,
        event: Event,
        changed: Vec<Changed>,
        records: &Records<'_>,
    ) -> Result<(), Unverified> {
        let is_scheme = matches!(event.subject(), Subject::Scheme(_));
        // A cut is written into a scheme's record without counting in its chain.
        let chained = changed
            .into_iter()
            .filter(|what| is_scheme || !matches!(what, Changed::Scheme(_)));
        let mut is_vouched_for = false;
        for what in chained {
            let key = what.key();
            self.known.insert(key, what);
            if records.present.contains_key(&key) {
                is_vouched_for = true;
                self.events
                    .entry(key)
                    .or_default()
                    .push(RecordedEvent::new(index, event.clone()));
            }
        }
        if is_vouched_for {
            Ok(())
        } else {
            Err(Unverified::UnusedEntry { index })
        }
    }

    /// Everything that gave another its authority has its record, so that nothing newer about it is left out.
    fn check_dependencies(&self, records: &Records<'_>) -> Result<(), Unverified> {
        let registry = &self.subjects.registry;
        let mut members = BTreeSet::new();
        for id in registry.schemes.keys() {
            records.require(MapName::scheme(id.as_str()).expect("a scheme id is a field"))?;
            members.insert(id.member());
        }
        for (name, authority) in &registry.authorities {
            records.require(
                MapName::authority(name.as_str()).expect("an authority's name is a field"),
            )?;
            members.insert(authority.member().clone());
        }
        for code in members {
            records.require(MapName::member(code.as_str()).expect("a member code is a field"))?;
        }
        Ok(())
    }

    fn check_record(&self, name: &MapName, record: &StateRecord) -> Result<(), Unverified> {
        let other = || Unverified::OtherRecord { name: name.clone() };
        let known = self.known.get(&name.key()).ok_or_else(other)?;
        let mut replayed = self.subjects.record(known).ok_or_else(other)?;
        if matches!(known, Changed::Scheme(_)) {
            let (proved, here) = (record.successor_index(), replayed.successor_index());
            // Authorities that are not in the bundle can only have lowered it.
            if here.is_some_and(|here| proved.is_none_or(|proved| proved > here)) {
                return Err(other());
            }
            replayed.set_successor_index(proved);
        }
        if replayed.to_bytes() == record.to_bytes() {
            Ok(())
        } else {
            Err(other())
        }
    }

    fn finding(
        &self,
        key: MapKey,
        name: &MapName,
        record: &StateRecord,
        records: &Records<'_>,
        checks: &mut Vec<Check>,
    ) -> Result<Finding, Unverified> {
        let other = || Unverified::OtherRecord { name: name.clone() };
        let events = self.events.get(&key).cloned().ok_or_else(other)?;
        let subject = match self.known.get(&key).ok_or_else(other)? {
            Changed::Label(_) => {
                let label = self.label(key, record, events, records).ok_or_else(other)?;
                checks.extend(label_checks(&label));
                return Ok(Finding::Label(Box::new(label)));
            }
            Changed::Authority(name) => Subject::Authority(name.clone()),
            Changed::Scheme(id) => Subject::Scheme(id.clone()),
            Changed::Member(code) => Subject::Member(code.clone()),
        };
        let given = gives(events.len());
        let text = format!("{subject}: {given} the record, and its authority goes back to entry 0");
        checks.push(Check::new(Step::Authenticity, text));
        Ok(Finding::Subject(Box::new(SubjectStatus::new(
            subject, *record, events,
        ))))
    }

    fn label(
        &self,
        key: MapKey,
        record: &StateRecord,
        events: Vec<RecordedEvent>,
        records: &Records<'_>,
    ) -> Option<LabelStatus> {
        let detail = self.subjects.labels.details.get(&key)?;
        let Subject::Label(label) = events.first()?.event().subject() else {
            return None;
        };
        let scheme = MapName::scheme(label.scheme().as_str()).ok()?;
        let (_, scheme) = records.present.get(&scheme.key())?;
        let cut_off = match scheme.successor_index() {
            Some(cut) if cut <= record.last_index() => {
                let history: Vec<_> = events
                    .iter()
                    .map(|event| (event.index(), event.event()))
                    .collect();
                replay_untainted(&self.subjects.registry, key, &history)
            }
            Some(_) | None => CutOff::OutOfReach,
        };
        let (issuer, standing) = (detail.issuer().clone(), detail.standing());
        let coverage = standing.coverage().clone();
        LabelStatus::new(*record, issuer, standing.since(), coverage, cut_off, events)
    }
}

fn label_checks(label: &LabelStatus) -> [Check; 2] {
    let (name, issuer) = (label.label(), label.issuer());
    let history = format!(
        "{name}: issued at {} by {issuer}, in scope; {} the record",
        label.record().first_index(),
        gives(label.events().len())
    );
    let cut = match label.cut_off() {
        CutOff::OutOfReach => {
            format!("{name}: no key or authority of the scheme was cut off before its last event")
        }
        CutOff::NothingLeftOut => {
            format!("{name}: replayed against the cut-offs of its scheme, every event stands")
        }
        CutOff::LeftOut(left) => {
            let count = left.events().len();
            let are = if count == 1 { "event is" } else { "events are" };
            format!("{name}: {count} {are} by keys or authorities that are no longer believed")
        }
    };
    [
        Check::new(Step::Authenticity, history),
        Check::new(Step::CutOff, cut),
    ]
}

fn gives(events: usize) -> String {
    match events {
        1 => "its 1 event gives".into(),
        many => format!("its {many} events give"),
    }
}

fn parse(entry: &BundleEntry) -> Result<Event, Unverified> {
    Event::parse(entry.bytes()).map_err(|source| Unverified::Entry {
        index: entry.index(),
        source,
    })
}
