//! The state of a log: what its first n entries make of labels, authorities, schemes and members.
//!
//! ```text
//! entries 0 … n−1 ── state function ──▶ map: key → record  ── map_root ──┐
//!                                       list: 2 bits an index ─ list_root ┴▶ state head = entry n
//! ```
//! [`State`] is the tip: it takes events one by one as they are admitted, and a head closes each batch.
//! Published heads are served from a [`StateView`], which costs nothing to take and keep.
//! Which event does what is `subjects` and the modules below it; nothing here reads a clock or a file.

use crate::checkpoint::Origin;
use crate::event::{Event, EventId, Kind, LabelId, Subject};
use crate::key::Vkey;
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;

mod ahead;
mod alone;
mod authority;
mod check;
mod cutoff;
pub mod head;
mod history;
mod index_log;
pub mod key;
mod label;
mod labels;
pub mod list;
pub mod map;
mod member;
pub mod record;
mod registry;
mod replay;
mod restore;
mod scheme;
mod signers;
mod snapshot_file;
mod subjects;
mod view;

pub use ahead::{AuthorityKeys, ReadEntry};
pub(crate) use cutoff::replay_untainted;
pub use cutoff::{CutOff, Falls, LeftOut};
pub use label::Coverage;
pub(crate) use registry::Extent;
pub use replay::{HistoryError, Replayed, WrongEntry};
pub use restore::{RestoreError, Snapshot};
pub use signers::SignatureMemo;
pub use snapshot_file::SnapshotFile;
pub(crate) use subjects::{Changed, Subjects};
pub use view::StateView;

use head::{StateHead, StateRoots};
use history::History;
use index_log::{IndexLog, label_keys};
pub(crate) use index_log::{index_keys, label_names};
use key::{MapKey, MapName};
pub(crate) use labels::labels_of;
use list::{Code, StatusList};
use map::Map;
use record::{StateRecord, is_index};
use registry::GENESIS_INDEX;

/// The state after all entries so far: the sequenced ones and those admitted to be sequenced next, in order.
#[derive(Debug)]
pub struct State {
    genesis: LeafHash,
    subjects: Subjects,
    map: Map,
    indexes: IndexLog,
    list: StatusList,
    next: LeafIndex,
    issues: u64,
    clock_ms: u64,
    closed: Option<StateView>,
}

/// An event that the state function accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Applied {
    index: LeafIndex,
    leaf: LeafHash,
    id: EventId,
}

impl State {
    /// Begins a log with its entry 0.
    ///
    /// # Errors
    /// The [`Refusal`] of the parser or the state function.
    pub fn genesis(entry: &[u8]) -> Result<State, Refusal> {
        Self::found(&ReadEntry::read(entry.to_vec(), &AuthorityKeys::none()))
    }

    /// Begins a log with its entry 0, read ahead.
    ///
    /// # Errors
    /// As [`State::genesis`].
    pub fn found(read: &ReadEntry) -> Result<State, Refusal> {
        let event = read.parsed()?;
        let leaf = event.leaf();
        let subjects = Subjects::found(Extent::Whole, event, leaf, &SignatureMemo::empty())?;
        let members: Vec<Changed> = subjects
            .registry
            .members
            .keys()
            .cloned()
            .map(Changed::Member)
            .collect();
        let mut state = State {
            genesis: leaf,
            subjects,
            map: Map::new(),
            indexes: IndexLog::default(),
            list: StatusList::new(),
            next: LeafIndex::new(1),
            issues: 0,
            clock_ms: 0,
            closed: None,
        };
        state.write(&members);
        Ok(state)
    }

    /// The origin of the log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.subjects.registry.origin
    }

    /// The leaf hash of entry 0.
    #[must_use]
    pub fn genesis_hash(&self) -> LeafHash {
        self.genesis
    }

    /// Where the next entry will stand.
    #[must_use]
    pub fn next_index(&self) -> LeafIndex {
        self.next
    }

    /// How many label issues were accepted.
    #[must_use]
    pub fn issues(&self) -> u64 {
        self.issues
    }

    /// The clock of the newest head, Unix milliseconds; 0 before the first.
    #[must_use]
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }

    /// The signature lines that count for `event` now, by position, and their keys: what to verify ahead.
    #[must_use]
    pub fn candidate_keys(&self, event: &Event) -> Vec<(usize, Vkey)> {
        let candidates = self.subjects.registry.candidates(event, self.next);
        candidates
            .into_iter()
            .map(|candidate| (candidate.line, candidate.vkey))
            .collect()
    }

    /// The labels whose events must be handed to [`State::load_label`] before `event` can be applied.
    #[must_use]
    pub fn needs_history(&self, event: &Event) -> Vec<LabelId> {
        let is_missing = |label: &&LabelId| {
            let key = labels::label_key(&self.subjects.registry, label);
            key.is_ok_and(|key| !self.knows(&key) && self.map.get(&key).is_some())
        };
        labels::labels_of(event)
            .filter(is_missing)
            .cloned()
            .collect()
    }

    /// The record of a label as it is now; none if there is no such label.
    ///
    /// # Panics
    /// If the map holds a record that this program would not write.
    #[must_use]
    pub fn label_record(&self, label: &LabelId) -> Option<StateRecord> {
        let key = labels::label_key(&self.subjects.registry, label).ok()?;
        let bytes = self.map.get(&key)?;
        Some(StateRecord::from_bytes(bytes).expect("the state function writes well-formed records"))
    }

    fn knows(&self, label: &MapKey) -> bool {
        self.subjects.labels.details.contains_key(label)
    }

    /// Applies an event as the entry at [`State::next_index`].
    ///
    /// # Errors
    /// The [`Refusal`]. Then nothing changed.
    ///
    /// # Panics
    /// If [`State::needs_history`] names a label that was not loaded.
    pub fn apply(&mut self, event: &Event, memo: &SignatureMemo) -> Result<Applied, Refusal> {
        assert!(
            self.needs_history(event).is_empty(),
            "the labels of the event are loaded"
        );
        self.take(event, memo)
    }

    /// The same for an event whose labels are known to be loaded.
    fn take(&mut self, event: &Event, memo: &SignatureMemo) -> Result<Applied, Refusal> {
        let index = self.next;
        let leaf = event.leaf();
        let changed = self.subjects.apply(event, index, leaf, memo)?;
        self.advance();
        if event.kind() == Kind::LabelIssue {
            self.issues += 1;
        }
        self.write(&changed);
        for key in index_keys(&self.subjects.registry, event) {
            self.indexes.append(&mut self.map, key, index, &leaf);
        }
        Ok(Applied {
            index,
            leaf,
            id: event.id(),
        })
    }

    fn advance(&mut self) {
        self.next = LeafIndex::new(self.next.get() + 1);
    }

    fn write(&mut self, changed: &[Changed]) {
        self.list.extend_to(self.next.get());
        for what in changed {
            let record = self
                .subjects
                .record(what)
                .expect("what changed is known in detail");
            self.map.insert(what.key(), &record.to_bytes());
            if matches!(what, Changed::Label(_)) {
                self.list
                    .set(record.first_index(), Code::from(record.status()));
            }
        }
    }

    /// Closes a batch: makes the head that covers all entries so far, and takes its place at [`State::next_index`].
    ///
    /// A clock that ran back is held at the previous head's.
    pub fn append_head(&mut self, clock_ms: u64) -> StateHead {
        let head = self.head_at(clock_ms.max(self.clock_ms));
        self.clock_ms = head.clock_ms();
        self.closed = Some(self.view());
        self.advance();
        head
    }

    /// The state under the newest head: what is served once that head is published. None before the first.
    #[must_use]
    pub fn closed_view(&self) -> Option<&StateView> {
        self.closed.as_ref()
    }

    /// Lets go of that view, for whoever serves nothing: what comes next then changes the map in place.
    pub fn forget_closed_view(&mut self) {
        self.closed = None;
    }

    fn head_at(&mut self, clock_ms: u64) -> StateHead {
        self.list.extend_to(self.next.get());
        self.list.settle();
        self.map.settle();
        let roots = StateRoots {
            map_root: self.map.root(),
            list_root: self.list.root(),
            issues: self.issues,
        };
        StateHead::new(
            self.origin().clone(),
            self.genesis,
            self.next,
            roots,
            clock_ms,
        )
    }

    /// The records and the list as they are now, for answers under the head that closes them.
    #[must_use]
    pub fn view(&self) -> StateView {
        StateView::new(
            self.map.clone(),
            self.indexes.clone(),
            self.list.clone(),
            self.next,
        )
    }

    /// The keys of the map under which an event counts: the labels in whose history it stands, the products and
    /// printed ids in whose index; none of a label whose scheme is not defined.
    #[must_use]
    pub fn index_keys(&self, event: &Event) -> Vec<MapKey> {
        let registry = &self.subjects.registry;
        [label_keys(registry, event), index_keys(registry, event)].concat()
    }

    /// The same for an accepted event, but for the label that it issues, whose record says where that is.
    #[must_use]
    pub fn later_keys(&self, event: &Event) -> Vec<MapKey> {
        let registry = &self.subjects.registry;
        let is_issue = event.kind() == Kind::LabelIssue;
        let later = labels::labels_of(event).skip(usize::from(is_issue));
        let labels = later.filter_map(|label| labels::label_key(registry, label).ok());
        labels.chain(index_keys(registry, event)).collect()
    }

    /// Where the first event is of the label, authority, scheme or member whose record is under a key; none if there is
    /// no such record.
    ///
    /// # Panics
    /// If the map holds a record that this program would not write.
    #[must_use]
    pub fn first_event(&self, key: &MapKey) -> Option<LeafIndex> {
        let bytes = self.map.get(key).filter(|bytes| !is_index(bytes))?;
        let record = StateRecord::from_bytes(bytes);
        Some(
            record
                .expect("the state function writes well-formed records")
                .first_index(),
        )
    }

    /// What a label covers; none if there is no such label, or it is not loaded.
    #[must_use]
    pub fn label_coverage(&self, label: &LabelId) -> Option<&Coverage> {
        let key = labels::label_key(&self.subjects.registry, label).ok()?;
        let detail = self.subjects.labels.details.get(&key)?;
        Some(detail.standing().coverage())
    }

    /// Where the accepted events of a subject are; none if there is no such subject, or a label that is not loaded.
    #[must_use]
    pub fn subject_indices(&self, subject: &Subject) -> Option<Vec<LeafIndex>> {
        match subject {
            Subject::Log(origin) => (origin == self.origin()).then(|| vec![GENESIS_INDEX]),
            _ => Some(self.subjects.history(subject)?.indices().collect()),
        }
    }

    /// The id of the newest accepted event of a subject: what the next one names as `prev`.
    #[must_use]
    pub fn newest_event(&self, subject: &Subject) -> Option<EventId> {
        self.subjects.history(subject).map(History::newest)
    }

    /// The name of a subject's record; none for the log itself, or a label of a scheme that is not defined.
    #[must_use]
    pub fn record_name(&self, subject: &Subject) -> Option<MapName> {
        match subject {
            Subject::Label(label) => labels::label_name(&self.subjects.registry, label).ok(),
            Subject::Authority(name) => MapName::authority(name.as_str()).ok(),
            Subject::Scheme(id) => MapName::scheme(id.as_str()).ok(),
            Subject::Member(code) => MapName::member(code.as_str()).ok(),
            Subject::Log(_) => None,
        }
    }

    /// Forgets the details of labels whose newest event is older than `index`; they load again when asked for.
    pub fn forget_labels_before(&mut self, index: LeafIndex) {
        let details = &mut self.subjects.labels.details;
        if index >= self.next {
            details.clear();
            return;
        }
        details.retain(|_, label| label.history().last_index() >= index);
    }

    /// How many labels are known in detail.
    #[must_use]
    pub fn loaded_labels(&self) -> usize {
        self.subjects.labels.details.len()
    }
}

impl Applied {
    /// Where the event stands.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The hash of its entry.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        self.leaf
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }
}
