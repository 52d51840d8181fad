//! Replays the histories in a bundle and demands that they give its records, byte for byte.
//!
//! ```text
//! entry 0 (pinned) ─▶ members ─▶ schemes, authorities ─▶ labels        the state function of `state`, in order of the log
//! every entry      belongs to the chain or the index of a record in the bundle
//! every record     is the one that its entries give; an excerpt of a pack is judged by `state::alone`
//! every scheme, authority and member on which another depends has its record here: no later event of it is hidden
//! ```
//! Three things are the log's word, for they lie outside the bundle: the lowest cut in a scheme's record (never
//! later than the cuts that are here), that a scheme in another part of a grant exists, and that a label which
//! takes the place of another, or gives way to one, could do so.

use std::collections::{BTreeMap, BTreeSet};

use super::histories::{Histories, Work};
use super::prepare::{Parsed, event_entries};
use super::records::{Excerpts, IdRules, Past, Records};
use super::{
    Check, Finding, IndexStatus, LabelStatus, LabelSummary, ProvenState, RecordedEvent, Since,
    SubjectStatus, Unverified,
};
use crate::bundle::Bundle;
use crate::event::{Event, Subject};
use crate::hands::Hands;
use crate::merkle::LeafIndex;
use crate::state::key::{MapKey, MapName};
use crate::state::record::{IndexRecord, StateRecord, Status};
use crate::state::{Changed, CutOff, SignatureMemo, label_names, replay_untainted};

/// What the replay of a bundle found out.
pub(super) struct Replayed {
    pub(super) findings: BTreeMap<MapName, Finding>,
    pub(super) schemes: IdRules,
    pub(super) checks: Vec<Check>,
}

/// Replays all entries but the head.
pub(super) fn replay(
    bundle: &Bundle,
    parsed: &[Parsed],
    state: &ProvenState,
    memo: &SignatureMemo,
    hands: &impl Hands,
) -> Result<Replayed, Unverified> {
    let records = Records::of(bundle)?;
    let entries = event_entries(bundle);
    let absent = records.absent.iter();
    let absent = absent.map(|name| ((*name).clone(), Finding::Absent));
    if let Some(stray) = entries
        .iter()
        .find(|entry| records.is_empty() || !entry.path().is_empty())
    {
        return Err(Unverified::UnusedEntry {
            index: stray.index(),
        });
    }
    if records.is_empty() {
        return Ok(Replayed {
            findings: absent.collect(),
            schemes: IdRules::default(),
            checks: Vec::new(),
        });
    }
    let claimed = IdRules::claimed(parsed.iter().map(|(_, event)| &**event));
    let events = Past::of(entries, parsed, &claimed, hands);
    let excerpts = Excerpts::of(bundle, &records, &events);
    let work = Work {
        records: &records,
        excerpts: &excerpts,
        memo,
    };
    let histories = Histories::replay(&events, state.head().genesis(), &work, hands)?;
    histories.check_dependencies(&records)?;
    let present: Vec<Present<'_>> = records
        .present
        .iter()
        .map(|(key, (name, record))| (*key, *name, *record))
        .collect();
    hands.try_each(&present, |(key, name, record)| {
        if excerpts.contains(key) {
            Ok(())
        } else {
            histories.check_record(name, record)
        }
    })?;
    let indexes: Vec<_> = records.indexes.iter().collect();
    let indexes = hands.try_each(&indexes, |(key, (name, record))| {
        let index = histories.index(key, name, record, &records)?;
        Ok::<_, Unverified>(((*name).clone(), Finding::Index(Box::new(index))))
    })?;
    let subjects = hands.try_each(&present, |(key, name, record)| {
        let finding = if excerpts.contains(key) {
            histories.excerpt(key, name, record, &records)?
        } else {
            histories.finding(key, name, record, &work)?
        };
        Ok::<_, Unverified>(((*name).clone(), finding))
    })?;
    let findings: BTreeMap<MapName, Finding> = absent.chain(indexes).chain(subjects).collect();
    let rules = histories
        .subjects
        .registry
        .schemes
        .iter()
        .map(|(id, scheme)| (id.clone(), scheme.id_rule()));
    Ok(Replayed {
        checks: super::checks::of_findings(&findings, bundle.answers().is_pack()),
        findings,
        schemes: IdRules::new(rules),
    })
}

/// A state record of the map that is to be accounted for.
type Present<'a> = (MapKey, &'a MapName, &'a StateRecord);

impl Histories {
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

    /// The events of an index give its record, and every label that they name is here.
    fn index(
        &self,
        key: &MapKey,
        name: &MapName,
        record: &IndexRecord,
        records: &Records<'_>,
    ) -> Result<IndexStatus, Unverified> {
        let events = self.indexes.get(key).cloned().unwrap_or_default();
        for (_, event) in &events {
            let names = label_names(&self.subjects.registry, event.event());
            // The first is the event's own label: the one that names the product.
            names
                .into_iter()
                .take(1)
                .try_for_each(|name| records.require(name))?;
        }
        IndexStatus::new(name.clone(), *record, events)
            .ok_or_else(|| Unverified::OtherRecord { name: name.clone() })
    }

    /// A label of which only indexed events are here: its record speaks for the rest, if it is active and nothing can
    /// be tainted.
    fn excerpt(
        &self,
        key: &MapKey,
        name: &MapName,
        record: &StateRecord,
        records: &Records<'_>,
    ) -> Result<Finding, Unverified> {
        let other = || Unverified::OtherRecord { name: name.clone() };
        if self.superseded.contains(key) {
            return Err(other());
        }
        let issued = self.excerpts.get(key).ok_or_else(other)?;
        if issued.at != record.first_index() || issued.newest > record.last_index() {
            return Err(other());
        }
        let cut = self.scheme_cut(&issued.issue, records).ok_or_else(other)?;
        let is_reached = cut.is_some_and(|cut| cut <= record.last_index());
        if is_reached || record.status() != Status::Active {
            return Err(Unverified::MissingHistory { name: name.clone() });
        }
        let (issuer, issue) = (issued.issuer.clone(), issued.issue.clone());
        let since = Since::AtTheLatest(record.last_index());
        LabelSummary::new(*record, issuer, since, CutOff::OutOfReach, issue)
            .map(|summary| Finding::Summary(Box::new(summary)))
            .ok_or_else(other)
    }

    /// The cut in the proved record of the scheme of a label; none if the scheme is not here.
    fn scheme_cut(&self, event: &Event, records: &Records<'_>) -> Option<Option<LeafIndex>> {
        let Subject::Label(label) = event.subject() else {
            return None;
        };
        let scheme = MapName::scheme(label.scheme().as_str()).ok()?;
        let (_, scheme) = records.present.get(&scheme.key())?;
        Some(scheme.successor_index())
    }

    fn finding(
        &self,
        key: &MapKey,
        name: &MapName,
        record: &StateRecord,
        work: &Work<'_>,
    ) -> Result<Finding, Unverified> {
        let other = || Unverified::OtherRecord { name: name.clone() };
        let events = self.events.get(key).ok_or_else(other)?.clone();
        let subject = match self.known.get(key).ok_or_else(other)? {
            Changed::Label(_) => {
                let label = self.label(*key, record, events, work).ok_or_else(other)?;
                return Ok(Finding::Label(Box::new(label)));
            }
            Changed::Authority(name) => Subject::Authority(name.clone()),
            Changed::Scheme(id) => Subject::Scheme(id.clone()),
            Changed::Member(code) => Subject::Member(code.clone()),
        };
        Ok(Finding::Subject(Box::new(SubjectStatus::new(
            subject, *record, events,
        ))))
    }

    fn label(
        &self,
        key: MapKey,
        record: &StateRecord,
        events: Vec<RecordedEvent>,
        work: &Work<'_>,
    ) -> Option<LabelStatus> {
        let detail = self.subjects.labels.details.get(&key)?;
        let cut = self.scheme_cut(events.first()?.event(), work.records)?;
        let cut_off = match cut {
            Some(cut) if cut <= record.last_index() => {
                let history: Vec<_> = events
                    .iter()
                    .map(|event| (event.index(), event.event()))
                    .collect();
                replay_untainted(&self.subjects.registry, key, &history, work.memo)
            }
            Some(_) | None => CutOff::OutOfReach,
        };
        let (issuer, standing) = (detail.issuer().clone(), detail.standing());
        let coverage = standing.coverage().clone();
        LabelStatus::new(*record, issuer, standing.since(), coverage, cut_off, events)
    }
}
