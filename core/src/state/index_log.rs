//! Indexes of the map: which events name a product or a printed id, appended to one by one.
//!
//! ```text
//! map        key → count, last index, root                  the index record
//! frontiers  key → left-to-right perfect subtrees, 32 bytes each      where count is no power of two
//! ```
//! A root alone goes on from 1, 2, 4, 8 … events; most products never have a third. Frontiers are in a map of their
//! own, so that they too are kept for published heads by sharing; nobody commits to its root.

use crate::event::{Body, Event, Gtin14, Subject};
use crate::merkle::{Frontier, LeafHash, LeafIndex, NodeHash, TreeSize};
use crate::state::key::{MapKey, MapName};
use crate::state::label::canonical_aliases;
use crate::state::labels::{label_key, label_name, labels_of};
use crate::state::map::Map;
use crate::state::record::{IndexRecord, index_leaf};
use crate::state::registry::Registry;
use crate::state::restore::RestoreError;

/// What appending to index records needs beside the records.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexLog {
    /// A key whose count became a power of two keeps an empty value.
    frontiers: Map,
}

impl IndexLog {
    /// Takes up the frontiers of a snapshot, in ascending order of their keys, for the index records of its map.
    ///
    /// # Errors
    /// [`RestoreError::BadRecord`], [`RestoreError::OtherFrontier`] if a frontier is missing, is one too many or
    /// does not give its record's root.
    pub(crate) fn restore<'a>(
        records: impl Iterator<Item = (&'a MapKey, &'a [u8])>,
        frontiers: Vec<(MapKey, Vec<NodeHash>)>,
    ) -> Result<Self, RestoreError> {
        let mut known = Map::new();
        let mut frontiers = frontiers.into_iter().peekable();
        for (&key, record) in records {
            let record = IndexRecord::from_bytes(record)
                .map_err(|source| RestoreError::BadRecord { key, source })?;
            if record.count().is_power_of_two() {
                continue;
            }
            let found = frontiers.next_if(|(of, _)| *of == key);
            let (_, nodes) = found.ok_or(RestoreError::OtherFrontier { key })?;
            let frontier = Frontier::from_nodes(TreeSize::new(record.count()), nodes).ok();
            let frontier = frontier.filter(|frontier| frontier.root() == record.root());
            let frontier = frontier.ok_or(RestoreError::OtherFrontier { key })?;
            known.insert(key, &value_of(&frontier));
        }
        match frontiers.next() {
            Some((key, _)) => Err(RestoreError::OtherFrontier { key }),
            None => Ok(Self { frontiers: known }),
        }
    }

    /// Enters an event in the index under `key`.
    ///
    /// # Panics
    /// If the index has an event at `at` or behind it already.
    pub(crate) fn append(&mut self, map: &mut Map, key: MapKey, at: LeafIndex, leaf: &LeafHash) {
        let mut frontier = match map.get(&key) {
            Some(bytes) => {
                let record = IndexRecord::from_bytes(bytes).expect("the state function wrote it");
                assert!(at > record.last_index(), "events come in order of the log");
                self.frontier(&key, &record)
            }
            None => Frontier::new(),
        };
        frontier.append(index_leaf(at, leaf));
        let record = IndexRecord::of_frontier(at, &frontier).expect("it has an event now");
        map.insert(key, &record.to_bytes());
        if !record.count().is_power_of_two() {
            self.frontiers.insert(key, &value_of(&frontier));
        } else if self.frontiers.get(&key).is_some() {
            self.frontiers.insert(key, &[]);
        }
    }

    /// The subtrees that make up each index whose root alone is not enough, from left to right, in order of the keys.
    pub(crate) fn frontiers(&self) -> impl Iterator<Item = (MapKey, Vec<NodeHash>)> {
        let kept = self.frontiers.iter().filter(|(_, value)| !value.is_empty());
        kept.map(|(key, value)| (*key, nodes_of(value)))
    }

    fn frontier(&self, key: &MapKey, record: &IndexRecord) -> Frontier {
        let nodes = if record.count().is_power_of_two() {
            vec![NodeHash::from_bytes(*record.root().as_bytes())]
        } else {
            let value = self.frontiers.get(key);
            nodes_of(value.expect("each such record has its frontier"))
        };
        Frontier::from_nodes(TreeSize::new(record.count()), nodes)
            .expect("a frontier has a node for each bit of its size")
    }
}

/// The keys of the indexes in which an accepted event is entered, each once.
///
/// SPEC state.md: issue, bind and unbind under the products they name, issue and renew under the printed ids.
pub(crate) fn index_keys(registry: &Registry, event: &Event) -> Vec<MapKey> {
    let Subject::Label(label) = event.subject() else {
        return Vec::new();
    };
    let (gtins, aliases) = match event.body() {
        Body::LabelIssue(body) => (body.gtins.as_slice(), body.aliases.as_slice()),
        Body::LabelBind(body) => (body.gtins.as_slice(), &[][..]),
        Body::LabelUnbind(body) => (body.gtins.as_slice(), &[][..]),
        Body::LabelRenew(body) => (&[][..], body.added_aliases()),
        _ => return Vec::new(),
    };
    let Ok(scheme) = registry.scheme(label.scheme()) else {
        return Vec::new();
    };
    let mut products: Vec<&Gtin14> = gtins.iter().collect();
    let mut printed = canonical_aliases(scheme.id_rule(), aliases);
    products.sort_unstable();
    printed.sort_unstable();
    printed.dedup();
    let products = products.into_iter().map(MapKey::product);
    let printed = printed.iter().map(|id| MapKey::alias(label.scheme(), id));
    products.chain(printed).collect()
}

/// The labels in whose history an event counts; none whose scheme is not defined.
pub(crate) fn label_names(registry: &Registry, event: &Event) -> Vec<MapName> {
    let name = |label| label_name(registry, label).ok();
    labels_of(event).filter_map(name).collect()
}

/// Their keys.
pub(crate) fn label_keys(registry: &Registry, event: &Event) -> Vec<MapKey> {
    let key = |label| label_key(registry, label).ok();
    labels_of(event).filter_map(key).collect()
}

fn nodes_of(value: &[u8]) -> Vec<NodeHash> {
    let (nodes, _) = value.as_chunks::<32>();
    nodes.iter().copied().map(NodeHash::from_bytes).collect()
}

fn value_of(frontier: &Frontier) -> Vec<u8> {
    let nodes = frontier.nodes().iter();
    nodes.flat_map(|node| *node.as_bytes()).collect()
}
