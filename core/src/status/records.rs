//! The answers of a bundle sorted by what has to be done with them, and labels of a pack without their history.
//!
//! ```text
//! state record   its whole history is here and gives it; in a pack a label may be an excerpt:
//! excerpt        the events that indexes of the pack vouch for; the record says the rest
//! index record   its events are here, all and in order
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::Unverified;
use super::prepare::Parsed;
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
    fn claimed<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let rules = events.filter_map(|event| match (event.body(), event.subject()) {
            (Body::SchemeDefine(body), crate::event::Subject::Scheme(id)) => {
                Some((id.clone(), body.id_rule))
            }
            _ => None,
        });
        Self::new(rules)
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

/// The labels of a pack whose whole history is not here.
pub(super) struct Excerpts {
    rules: IdRules,
    labels: BTreeSet<MapKey>,
}

impl Excerpts {
    /// A bundle with a path for each answer has none: there every label needs its whole history.
    pub(super) fn of(
        bundle: &Bundle,
        records: &Records<'_>,
        entries: &[BundleEntry],
        parsed: &[Parsed],
        hands: &impl Hands,
    ) -> Self {
        let mut excerpts = Self {
            rules: IdRules::claimed(parsed.iter().map(|(_, event)| &**event)),
            labels: BTreeSet::new(),
        };
        if !bundle.answers().is_pack() {
            return excerpts;
        }
        let keys_of = |(_, event): &Parsed| -> Vec<MapKey> {
            let names = labels_of(event).filter_map(|label| excerpts.rules.label_name(label));
            names.map(|name| name.key()).collect()
        };
        let keys = hands.in_parts(parsed, |part| part.iter().map(keys_of).collect::<Vec<_>>());
        let mut events: Vec<(MapKey, LeafIndex, &LeafHash)> = Vec::new();
        for ((entry, (leaf, _)), keys) in entries.iter().zip(parsed).zip(keys.iter().flatten()) {
            events.extend(keys.iter().map(|key| (*key, entry.index(), leaf)));
        }
        events.sort_unstable_by_key(|(key, index, _)| (*key, *index));
        let is_whole = |key: &MapKey, record: &StateRecord| {
            let from = events.partition_point(|(of, ..)| of < key);
            let history = events[from..].iter().take_while(|(of, ..)| of == key);
            record.has_history(history.map(|(_, index, leaf)| (*index, *leaf)))
        };
        let labels = records
            .present
            .iter()
            .filter(|(key, (name, record))| name.kind() == MapType::Label && !is_whole(key, record))
            .map(|(key, _)| *key);
        excerpts.labels = labels.collect();
        excerpts
    }

    /// What has to be done with an event.
    pub(super) fn part_of(&self, event: &Event, records: &Records<'_>) -> Part {
        if self.labels.is_empty() {
            return Part::History;
        }
        let mut labels = labels_of(event);
        let key = |label: &LabelId| self.rules.label_name(label).map(|name| name.key());
        let Some(own) = labels.next().and_then(key) else {
            return Part::History;
        };
        if !self.labels.contains(&own) {
            return Part::History;
        }
        let other = labels.next().and_then(key);
        let is_whole =
            |key: MapKey| records.present.contains_key(&key) && !self.labels.contains(&key);
        if other.is_some_and(is_whole) {
            Part::Both(own)
        } else {
            Part::Excerpt(own)
        }
    }

    pub(super) fn contains(&self, key: &MapKey) -> bool {
        self.labels.contains(key)
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
