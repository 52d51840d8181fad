//! The answers of a bundle sorted by what has to be done with them, and labels of a pack without their history.
//!
//! ```text
//! state record   its whole history is here and gives it; in a pack a label may be an excerpt:
//! excerpt        the events that indexes of the pack vouch for; the record says the rest
//! index record   its events are here, all and in order
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::prepare::Parsed;
use super::{RecordedEvent, Unverified};
use crate::bundle::{Bundle, BundleEntry};
use crate::event::{Body, Event, LabelId, SchemeId};
use crate::hands::Hands;
use crate::merkle::{LeafHash, LeafIndex};
use crate::state::key::{IdRule, MapKey, MapName, MapType, canonical_id};
use crate::state::labels_of;
use crate::state::record::{IndexRecord, Record, StateRecord};

/// The answers of the map, by key; proved already.
pub(super) struct Records<'a> {
    pub(super) present: BTreeMap<MapKey, (&'a MapName, &'a StateRecord)>,
    pub(super) indexes: BTreeMap<MapKey, (&'a MapName, &'a IndexRecord)>,
    pub(super) absent: Vec<&'a MapName>,
}

impl<'a> Records<'a> {
    pub(super) fn of(bundle: &'a Bundle) -> Result<Self, Unverified> {
        let mut records = Records {
            present: BTreeMap::new(),
            indexes: BTreeMap::new(),
            absent: Vec::new(),
        };
        for (name, record) in bundle.answers().iter() {
            let is_kept = match name.kind() {
                MapType::Label
                | MapType::Authority
                | MapType::Scheme
                | MapType::Member
                | MapType::Product
                | MapType::Alias => true,
                MapType::About | MapType::Recognitions | MapType::Territory | MapType::Feed => {
                    false
                }
            };
            match record {
                _ if !is_kept => return Err(Unverified::UnknownType { name: name.clone() }),
                None => records.absent.push(name),
                Some(Record::State(record)) => {
                    records.present.insert(name.key(), (name, record));
                }
                Some(Record::Index(record)) => {
                    records.indexes.insert(name.key(), (name, record));
                }
            }
        }
        Ok(records)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.present.is_empty() && self.indexes.is_empty()
    }

    pub(super) fn require(&self, name: MapName) -> Result<(), Unverified> {
        if self.present.contains_key(&name.key()) {
            Ok(())
        } else {
            Err(Unverified::MissingRecord { name })
        }
    }
}

/// How the ids of schemes are folded.
#[derive(Clone, Debug, Default)]
pub(super) struct IdRules(BTreeMap<SchemeId, IdRule>);

impl IdRules {
    pub(super) fn new(rules: impl IntoIterator<Item = (SchemeId, IdRule)>) -> Self {
        Self(rules.into_iter().collect())
    }

    /// What the definitions among these events say, before anybody has judged them.
    pub(super) fn claimed<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let rules = events.filter_map(|event| match (event.body(), event.subject()) {
            (Body::SchemeDefine(body), crate::event::Subject::Scheme(id)) => {
                Some((id.clone(), body.id_rule))
            }
            _ => None,
        });
        Self::new(rules)
    }

    /// The key of a label's record; none unless its scheme is known.
    fn label_key(&self, label: &LabelId) -> Option<MapKey> {
        let id = canonical_id(*self.0.get(label.scheme())?, label.native().as_str()).ok()?;
        Some(MapKey::label(label.scheme(), &id))
    }

    /// The name of a label's record; none unless its scheme is known.
    pub(super) fn label_name(&self, label: &LabelId) -> Option<MapName> {
        let id = canonical_id(*self.0.get(label.scheme())?, label.native().as_str()).ok()?;
        MapName::label(label.scheme().as_str(), &id).ok()
    }

    /// The names of the label and of the alias with this printed id; none unless the scheme is known.
    pub(super) fn printed_names(
        &self,
        scheme: &SchemeId,
        printed: &str,
    ) -> Option<(MapName, MapName)> {
        let id = canonical_id(*self.0.get(scheme)?, printed).ok()?;
        let label = MapName::label(scheme.as_str(), &id).ok()?;
        Some((label, MapName::alias(scheme.as_str(), &id).ok()?))
    }
}

/// An event of a bundle, with the labels in whose history it counts.
pub(super) struct Past {
    pub(super) recorded: RecordedEvent,
    pub(super) leaf: LeafHash,
    /// Its own; none if it is about no label, or one of a scheme that is not here.
    pub(super) label: Option<MapKey>,
    /// The one whose place that takes.
    pub(super) superseded: Option<MapKey>,
}

impl Past {
    pub(super) fn of(
        entries: &[BundleEntry],
        parsed: &[Parsed],
        rules: &IdRules,
        hands: &impl Hands,
    ) -> Vec<Self> {
        let both: Vec<(&BundleEntry, &Parsed)> = entries.iter().zip(parsed).collect();
        let past = |(entry, (leaf, event)): &(&BundleEntry, &Parsed)| {
            let mut labels = labels_of(event).map(|label| rules.label_key(label));
            Self {
                recorded: RecordedEvent::new(entry.index(), event.clone()),
                leaf: *leaf,
                label: labels.next().flatten(),
                superseded: labels.next().flatten(),
            }
        };
        let parts = hands.in_parts(&both, |part| part.iter().map(past).collect::<Vec<_>>());
        parts.into_iter().flatten().collect()
    }

    pub(super) fn index(&self) -> LeafIndex {
        self.recorded.index()
    }
}

/// The labels of a pack whose whole history is not here.
#[derive(Default)]
pub(super) struct Excerpts(BTreeSet<MapKey>);

impl Excerpts {
    /// A bundle with a path for each answer has none: there every label needs its whole history.
    pub(super) fn of(bundle: &Bundle, records: &Records<'_>, all: &[Past]) -> Self {
        if !bundle.answers().is_pack() {
            return Self::default();
        }
        let keys = |past: &Past| past.label.into_iter().chain(past.superseded);
        let mut events: Vec<(MapKey, LeafIndex, LeafHash)> = all
            .iter()
            .flat_map(|past| keys(past).map(|key| (key, past.index(), past.leaf)))
            .collect();
        events.sort_unstable_by_key(|(key, index, _)| (*key, *index));
        let is_whole = |key: &MapKey, record: &StateRecord| {
            let from = events.partition_point(|(of, ..)| of < key);
            let history = events[from..].iter().take_while(|(of, ..)| of == key);
            record.has_history(history.map(|(_, index, leaf)| (*index, leaf)))
        };
        let labels = records
            .present
            .iter()
            .filter(|(key, (name, record))| name.kind() == MapType::Label && !is_whole(key, record))
            .map(|(key, _)| *key);
        Self(labels.collect())
    }

    /// What has to be done with an event.
    pub(super) fn part_of(&self, past: &Past, records: &Records<'_>) -> Part {
        let Some(own) = past.label.filter(|own| self.contains(own)) else {
            return Part::History;
        };
        let is_whole = |key| records.present.contains_key(&key) && !self.contains(&key);
        if past.superseded.is_some_and(is_whole) {
            Part::Both(own)
        } else {
            Part::Excerpt(own)
        }
    }

    pub(super) fn contains(&self, key: &MapKey) -> bool {
        self.0.contains(key)
    }
}

/// What an event belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A history that is replayed.
    History,
    /// A label of which this and some other events are here.
    Excerpt(MapKey),
    /// Such a label, and the history of the one that it supersedes.
    Both(MapKey),
}
