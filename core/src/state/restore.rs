//! Snapshots: a state taken up again without replaying every entry.
//!
//! ```text
//! records of the map ──── map root ───┐
//! frontiers of indexes ── must give the roots of their records
//! list chunks ──────────── list root ─┴ must equal a head of the log
//! entries of members, schemes, authorities ── state function ── must give exactly their records
//! ```
//! Nothing in a snapshot is believed for itself. Labels are loaded when an event asks for them.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::event::Event;
use crate::merkle::{LeafHash, LeafIndex, NodeHash};
use crate::refusal::Refusal;
use crate::state::State;
use crate::state::authority::AuthorityDetail;
use crate::state::head::StateHead;
use crate::state::history::History;
use crate::state::index_log::IndexLog;
use crate::state::key::MapKey;
use crate::state::list::{Chunk, ListError, StatusList};
use crate::state::map::Map;
use crate::state::member::MemberDetail;
use crate::state::record::{RecordError, is_index};
use crate::state::registry::{Extent, GENESIS_INDEX};
use crate::state::scheme::SchemeDetail;
use crate::state::signers::SignatureMemo;
use crate::state::subjects::{Changed, Subjects};
use crate::state::view::StateView;

/// The parts of a state under one head.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The head that commits to them; the caller has found it in the log.
    pub head: StateHead,
    /// All records.
    pub records: Map,
    /// The frontiers of the index records whose count is no power of two, in ascending order of their keys.
    pub frontiers: Vec<(MapKey, Vec<NodeHash>)>,
    /// All chunks of the status list.
    pub chunks: Vec<Chunk>,
    /// The entries that [`State::registry_indices`] names, in order of the log.
    pub registry: Vec<(LeafIndex, Vec<u8>)>,
}

/// Why a snapshot is not believed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The list has another shape.
    #[error("the status list does not fit")]
    List(#[from] ListError),
    /// Map or list have another root than the head says.
    #[error("map or list are not those of the head")]
    OtherRoot,
    /// An index record has a byte that none has.
    #[error("the record under {key} is no index record")]
    BadRecord {
        /// Its key.
        key: MapKey,
        /// What is wrong with it.
        source: RecordError,
    },
    /// A frontier is missing, is one too many or gives another root.
    #[error("the subtrees of the index under {key} do not give its record")]
    OtherFrontier {
        /// The record's key.
        key: MapKey,
    },
    /// An entry is none that the state function accepts there.
    #[error("the entry at {at} does not belong into the snapshot")]
    BadEntry {
        /// Its index.
        at: LeafIndex,
        /// What the state function says to it.
        source: Refusal,
    },
    /// The entries do not reproduce the records.
    #[error("the entries of members, schemes and authorities do not give their records")]
    OtherRecords,
}

impl State {
    /// Takes up the state under the snapshot's head; the next entry is the one after it.
    ///
    /// # Errors
    /// [`RestoreError`]; the answer to all of them is to replay the log.
    pub fn restore(snapshot: Snapshot) -> Result<State, RestoreError> {
        let head = &snapshot.head;
        let map = snapshot.records;
        let list = StatusList::from_chunks(head.index().get(), snapshot.chunks)?;
        if map.root() != head.map_root() || list.root() != head.list_root() {
            return Err(RestoreError::OtherRoot);
        }
        let (genesis, subjects) = replay_registry(&snapshot.registry)?;
        let known = subjects.registry.all();
        let fits = |what: &Changed| {
            let record = subjects.record(what).map(|record| record.to_bytes());
            map.get(&what.key()) == record.as_ref().map(<[u8; _]>::as_slice)
        };
        // Every other state record is a label's, and there are as many of those as accepted issues.
        let indexed = || map.iter().filter(|(_, record)| is_index(record));
        let indexes = IndexLog::restore(indexed(), snapshot.frontiers)?;
        let others = (map.len() - indexed().count()) as u64;
        let complete = others == head.issues() + known.len() as u64;
        let same_log = genesis == head.genesis() && subjects.registry.origin == *head.origin();
        if !complete || !same_log || !known.iter().all(fits) {
            return Err(RestoreError::OtherRecords);
        }
        let closed = StateView::new(map.clone(), indexes.clone(), list.clone(), head.index());
        Ok(State {
            closed: Some(closed),
            genesis,
            subjects,
            map,
            indexes,
            list,
            next: LeafIndex::new(head.index().get() + 1),
            issues: head.issues(),
            clock_ms: head.clock_ms(),
        })
    }

    /// Where the accepted events of members, schemes and authorities are, below `end`: what a snapshot keeps.
    #[must_use]
    pub fn registry_indices(&self, end: LeafIndex) -> Vec<LeafIndex> {
        let registry = &self.subjects.registry;
        let members = registry.members.values().map(MemberDetail::history);
        let schemes = registry.schemes.values().map(SchemeDetail::history);
        let authorities = registry.authorities.values().map(AuthorityDetail::history);
        let histories = members.chain(schemes).chain(authorities);
        let all: BTreeSet<LeafIndex> = histories.flat_map(History::indices).collect();
        all.range(..end).copied().collect()
    }
}

fn replay_registry(entries: &[(LeafIndex, Vec<u8>)]) -> Result<(LeafHash, Subjects), RestoreError> {
    let Some(((GENESIS_INDEX, genesis), rest)) = entries.split_first() else {
        return Err(RestoreError::OtherRecords);
    };
    let bad = |at| move |source| RestoreError::BadEntry { at, source };
    let leaf = LeafHash::of_entry(genesis);
    let event = Event::parse(genesis).map_err(bad(GENESIS_INDEX))?;
    let memo = SignatureMemo::empty();
    let mut subjects =
        Subjects::found(Extent::Whole, &event, leaf, &memo).map_err(bad(GENESIS_INDEX))?;
    let mut before = GENESIS_INDEX;
    for (at, entry) in rest {
        if *at <= before {
            return Err(RestoreError::OtherRecords);
        }
        before = *at;
        let event = Event::parse(entry).map_err(bad(*at))?;
        subjects
            .apply(&event, *at, LeafHash::of_entry(entry), &memo)
            .map_err(bad(*at))?;
    }
    Ok((leaf, subjects))
}
