//! The histories of a bundle, replayed: each label in one part, all that labels depend on in every part.
//!
//! ```text
//! events ─┬─ about labels, together with those whose place they take ─cut─▶ parts ─┐
//!         └─ all others ─────────────────────────────────────────────▶ each part ──┴─▶ in order of the log ─▶ joined
//! ```
//! What a label's event may do is decided by members, schemes and authorities, by its own label, and by the one that
//! it supersedes; so what is found out does not depend on how labels are shared out.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::take;
use std::ops::Range;
use std::sync::Arc;

use super::records::{Excerpts, Part, Past, Records};
use super::{RecordedEvent, Unverified};
use crate::event::{AuthorityName, Event, Subject};
use crate::hands::Hands;
use crate::merkle::{LeafHash, LeafIndex};
use crate::state::key::MapKey;
use crate::state::{Changed, Extent, SignatureMemo, Subjects, index_keys};

/// What a replay goes by.
pub(super) struct Work<'a> {
    pub(super) records: &'a Records<'a>,
    pub(super) excerpts: &'a Excerpts,
    pub(super) memo: &'a SignatureMemo,
}

/// The subjects of a bundle after all its entries, and which entries made each.
pub(super) struct Histories {
    pub(super) subjects: Subjects,
    pub(super) events: BTreeMap<MapKey, Vec<RecordedEvent>>,
    pub(super) known: BTreeMap<MapKey, Changed>,
    pub(super) indexes: BTreeMap<MapKey, Vec<(LeafHash, RecordedEvent)>>,
    pub(super) excerpts: BTreeMap<MapKey, Issued>,
    pub(super) superseded: BTreeSet<MapKey>,
}

/// The issue of a label of which only some events are here.
pub(super) struct Issued {
    pub(super) at: LeafIndex,
    pub(super) newest: LeafIndex,
    pub(super) issuer: AuthorityName,
    pub(super) issue: Arc<Event>,
}

/// An error, and the entry at which it came up.
type Refused = (LeafIndex, Unverified);

impl Histories {
    /// Replays all events.
    ///
    /// # Errors
    /// The first in order of the log.
    pub(super) fn replay(
        events: &[Past],
        genesis: LeafHash,
        work: &Work<'_>,
        hands: &impl Hands,
    ) -> Result<Self, Unverified> {
        match events.first() {
            Some(first) if first.index() == LeafIndex::new(0) && first.leaf == genesis => {}
            _ => return Err(Unverified::NoGenesis),
        }
        let shared = Shared::of(events);
        let one = |groups: &[Range<usize>]| Self::part(events, &shared.places(groups), work);
        let parts = hands.in_parts(&shared.groups(), one);
        let mut refused: Option<Refused> = None;
        let mut replayed = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Ok(part) => replayed.push(part),
                Err(error) if refused.as_ref().is_none_or(|first| error.0 < first.0) => {
                    refused = Some(error);
                }
                Err(_) => {}
            }
        }
        match refused {
            Some((_, error)) => Err(error),
            None => Ok(Self::join(replayed)),
        }
    }

    /// Replays the events at these places; the first is the genesis.
    fn part(events: &[Past], places: &[usize], work: &Work<'_>) -> Result<Self, Refused> {
        let mut all = places.iter().map(|place| &events[*place]);
        let genesis = all.next().expect("every part has the genesis");
        let event = genesis.recorded.event();
        let subjects = Subjects::found(Extent::Part, event, genesis.leaf, work.memo);
        let index = genesis.index();
        let mut histories = Self {
            subjects: subjects.map_err(|source| (index, Unverified::Entry { index, source }))?,
            events: BTreeMap::new(),
            known: BTreeMap::new(),
            indexes: BTreeMap::new(),
            excerpts: BTreeMap::new(),
            superseded: BTreeSet::new(),
        };
        let members = histories.subjects.registry.all();
        let at = |error| (index, error);
        histories.keep(genesis, members, work.records).map_err(at)?;
        for past in all {
            let at = |error| (past.index(), error);
            let changed = histories.take(past, work).map_err(at)?;
            histories.keep(past, changed, work.records).map_err(at)?;
        }
        Ok(histories)
    }

    /// One of all parts; there is at least one.
    fn join(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let mut indexes: BTreeMap<MapKey, Vec<(LeafHash, RecordedEvent)>> = BTreeMap::new();
        for (key, filed) in parts.iter_mut().flat_map(|part| take(&mut part.indexes)) {
            indexes.entry(key).or_default().extend(filed);
        }
        for filed in indexes.values_mut() {
            filed.sort_by_key(|(_, event)| event.index());
        }
        let all = &mut parts;
        let details = gathered(all, |part| &mut part.subjects.labels.details);
        let mut joined = Self {
            events: gathered(all, |part| &mut part.events),
            known: gathered(all, |part| &mut part.known),
            excerpts: gathered(all, |part| &mut part.excerpts),
            superseded: gathered(all, |part| &mut part.superseded),
            indexes,
            subjects: parts.swap_remove(0).subjects,
        };
        joined.subjects.labels.details = details;
        joined
    }

    /// Runs the state function on an event, or judges it alone where its label's history is not here.
    fn take(&mut self, past: &Past, work: &Work<'_>) -> Result<Vec<Changed>, Unverified> {
        let (index, leaf, event) = (past.index(), past.leaf, &past.recorded);
        let refused = |source| Unverified::Entry { index, source };
        let part = work.excerpts.part_of(past, work.records);
        self.superseded.extend(past.superseded);
        if let Part::Excerpt(key) | Part::Both(key) = part {
            let known = self.excerpts.get(&key).map(|issued| &issued.issuer);
            let issuer = self
                .subjects
                .judge_alone(event.event(), index, leaf, work.memo, known)
                .map_err(refused)?;
            let issued = self.excerpts.entry(key).or_insert_with(|| Issued {
                at: index,
                newest: index,
                issuer,
                issue: event.shared(),
            });
            issued.newest = index;
        }
        if matches!(part, Part::Excerpt(_)) {
            return Ok(Vec::new());
        }
        self.subjects
            .apply(event.event(), index, leaf, work.memo)
            .map_err(refused)
    }

    /// Files an event under each record whose chain or index it is part of; there must be one in the bundle.
    fn keep(
        &mut self,
        past: &Past,
        changed: Vec<Changed>,
        records: &Records<'_>,
    ) -> Result<(), Unverified> {
        let event = &past.recorded;
        let is_scheme = matches!(event.event().subject(), Subject::Scheme(_));
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
                self.events.entry(key).or_default().push(event.clone());
            }
        }
        if !records.indexes.is_empty() {
            for key in index_keys(&self.subjects.registry, event.event()) {
                if records.indexes.contains_key(&key) {
                    is_vouched_for = true;
                    let filed = self.indexes.entry(key).or_default();
                    filed.push((past.leaf, event.clone()));
                }
            }
        }
        if is_vouched_for {
            Ok(())
        } else {
            Err(Unverified::UnusedEntry {
                index: event.index(),
            })
        }
    }
}

/// What all parts hold of one kind.
fn gathered<C: Default + IntoIterator + FromIterator<C::Item>>(
    parts: &mut [Histories],
    of: impl Fn(&mut Histories) -> &mut C,
) -> C {
    parts.iter_mut().flat_map(|part| take(of(part))).collect()
}

/// Which events belong to every part, and which to one.
struct Shared {
    /// Places of events that are about no label, in order.
    others: Vec<usize>,
    /// Places of labels' events, those of labels that belong together side by side.
    labels: Vec<(Option<MapKey>, usize)>,
}

impl Shared {
    fn of(events: &[Past]) -> Self {
        let mut together = Together::default();
        for past in events {
            if let (Some(label), Some(superseded)) = (past.label, past.superseded) {
                together.join(label, superseded);
            }
        }
        let mut shared = Self {
            others: Vec::new(),
            labels: Vec::new(),
        };
        for (place, past) in events.iter().enumerate() {
            if place > 0 && matches!(past.recorded.event().subject(), Subject::Label(_)) {
                let label = past.label.map(|label| together.of(label));
                shared.labels.push((label, place));
            } else {
                shared.others.push(place);
            }
        }
        shared.labels.sort_unstable();
        shared
    }

    /// The ranges of `labels` that belong together.
    fn groups(&self) -> Vec<Range<usize>> {
        let mut groups = Vec::new();
        let mut from = 0;
        for group in self.labels.chunk_by(|one, next| one.0 == next.0) {
            groups.push(from..from + group.len());
            from += group.len();
        }
        groups
    }

    /// Places of what belongs to every part and of these groups, in order of the log.
    fn places(&self, groups: &[Range<usize>]) -> Vec<usize> {
        let labels = groups.iter().flat_map(|group| &self.labels[group.clone()]);
        let labels = labels.map(|(_, place)| *place);
        let mut places: Vec<usize> = self.others.iter().copied().chain(labels).collect();
        places.sort_unstable();
        places
    }
}

/// Labels that belong together, as a forest: a label without parent stands for all below it.
#[derive(Default)]
struct Together(BTreeMap<MapKey, MapKey>);

impl Together {
    fn join(&mut self, one: MapKey, other: MapKey) {
        let (one, other) = (self.of(one), self.of(other));
        if one != other {
            self.0.insert(one, other);
        }
    }

    /// The label that stands for this one. Each step halves the path for those who come after.
    fn of(&mut self, mut label: MapKey) -> MapKey {
        while let Some(parent) = self.0.get(&label).copied() {
            if let Some(above) = self.0.get(&parent).copied() {
                self.0.insert(label, above);
            }
            label = parent;
        }
        label
    }
}
