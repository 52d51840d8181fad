//! The running log: what the admission of events, the sequencer, the publisher and the routes share.
//!
//! ```text
//! admit ─▶ tip: state + pool ─▶ cut ─▶ sequencer ─▶ acknowledge ─▶ shelf: heads that wait ─▶ publish
//! ```
//! One lock holds the tip, and the order in which events pass it is their order in the log. What is
//! acknowledged and what is published lie on the shelf, behind a lock of their own that readers share.
//! Nothing here starts a thread or waits: a simulation calls the same methods one by one.

mod setting;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    event::{EventId, LabelId, Subject},
    merkle::{LeafHash, LeafIndex, TreeHead, TreeSize},
    policy::WitnessedCheckpoint,
    state::{
        State, StateView,
        head::StateHead,
        key::{MapKey, MapName},
    },
};
use tokio::sync::{oneshot, watch};

pub use self::setting::Setting;
use crate::{
    feeder::{OlderStore, Skew, WitnessReport},
    index::{Addition, Indexed},
    latest::Latest,
    load::Loaded,
    metrics::Invariant,
    parts::KeptParts,
    pool::Pool,
    progress::{Course, Progress, Standing},
    quota::{Meter, Quotas},
    shelf::{Acknowledged, Published, Shelf},
    snapshot::Covered,
    storage::{Grown, StorageError},
};

/// A log that runs.
#[derive(Debug)]
pub struct Log {
    pub(crate) setting: Setting,
    pub(crate) tip: Mutex<Tip>,
    shelf: Shelf,
    course: Course,
    witnesses: Mutex<Vec<WitnessReport>>,
    index_is_suspect: AtomicBool,
    index_is_checked: AtomicBool,
    pub(crate) snapshot: Covered,
    is_open: AtomicBool,
    genesis: Mutex<Option<LeafHash>>,
    parts: KeptParts,
}

/// Where events are accepted.
#[derive(Debug)]
pub(crate) struct Tip {
    /// The state after the pool; none while the store is being loaded.
    pub(crate) state: Option<State>,
    /// The state before the store failed, for readers: what it knows up to the published head holds.
    failed: Option<State>,
    pub(crate) pool: Pool,
    /// What the pool's entries add to the index.
    pub(crate) pooled: Vec<Indexed>,
    /// Events that are in the pool or in a batch under way.
    pub(crate) waiting: BTreeMap<EventId, (LeafIndex, LeafHash)>,
    pub(crate) hold: Option<Hold>,
    /// What was logged last.
    pub(crate) latest: Latest,
    /// Who has used how much of what it may do.
    pub(crate) meter: Meter,
}

/// Why the log does not take events at the moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Hold {
    /// The store is being loaded.
    Loading,
    /// The store failed, and is being loaded again until that succeeds.
    Failed {
        /// The newest error and what led to it, in words.
        cause: String,
    },
    /// Too few witnesses have said what they hold.
    Asking,
    /// The clock stepped back.
    Clock {
        /// What it says, in Unix milliseconds.
        now_ms: u64,
        /// What the newest head says.
        head_ms: u64,
    },
    /// The clock is far off those of the witnesses.
    Skewed(Skew),
    /// A witness holds more than this store.
    Older(OlderStore),
    /// The process ends.
    Ending,
}

/// Entries on their way into the log, and what becomes known when they are in.
#[derive(Debug)]
pub struct Batch {
    /// The entries, the state head last.
    pub entries: Vec<Vec<u8>>,
    head: StateHead,
    from: TreeSize,
    view: StateView,
    indexed: Vec<Indexed>,
}

impl Batch {
    /// Takes the entries out, for the sequencer.
    pub fn take_entries(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.entries)
    }
}

impl Log {
    /// A log whose store is not loaded yet.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        Self {
            setting,
            tip: Mutex::new(Tip {
                state: None,
                failed: None,
                pool: Pool::default(),
                pooled: Vec::new(),
                waiting: BTreeMap::new(),
                hold: Some(Hold::Loading),
                latest: Latest::default(),
                meter: Meter::default(),
            }),
            shelf: Shelf::default(),
            course: Course::default(),
            witnesses: Mutex::default(),
            index_is_suspect: AtomicBool::new(false),
            index_is_checked: AtomicBool::new(false),
            snapshot: Covered::default(),
            is_open: AtomicBool::new(false),
            genesis: Mutex::default(),
            parts: KeptParts::default(),
        }
    }

    /// The same, under these quotas.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        self.tip().meter = Meter::new(quotas);
        self
    }

    /// Takes up what a store holds; events are taken once it is open.
    pub fn install(&self, loaded: Loaded) {
        let size = loaded.newest.signed.head().size();
        let genesis = loaded.state.genesis_hash();
        *self.genesis.lock().unwrap_or_else(PoisonError::into_inner) = Some(genesis);
        self.snapshot.set(loaded.snapshot);
        let mut tip = self.tip();
        tip.state = Some(loaded.state);
        tip.failed = None;
        if matches!(tip.hold, Some(Hold::Loading | Hold::Failed { .. })) {
            tip.hold = if self.is_open.load(Ordering::Relaxed) {
                None
            } else {
                Some(Hold::Asking)
            };
        }
        let published = self.shelf.take_up(loaded.newest, loaded.published);
        self.course.turn(|progress| {
            progress.load(size);
            progress.publish(published);
        });
    }

    /// Lets the log sign: enough witnesses have said what they hold, and none holds more.
    pub fn open(&self) {
        let mut tip = self.tip();
        self.is_open.store(true, Ordering::Relaxed);
        if tip.hold == Some(Hold::Asking) {
            tip.hold = None;
        }
    }

    /// Stops taking events, unless that was stopped for good before.
    pub fn hold(&self, hold: Hold) {
        let mut tip = self.tip();
        let is_ending = hold == Hold::Ending;
        if !matches!(tip.hold, Some(Hold::Older(_) | Hold::Ending)) {
            tip.hold = Some(hold);
        }
        drop(tip);
        if is_ending {
            self.course.turn(Progress::end);
        }
    }

    /// Stops signing while the clock is far off those of the witnesses; `None` lets it go on.
    pub fn set_skew(&self, skew: Option<Skew>) {
        let mut tip = self.tip();
        match (&tip.hold, skew) {
            (None | Some(Hold::Clock { .. } | Hold::Skewed(_)), Some(skew)) => {
                tip.hold = Some(Hold::Skewed(skew));
            }
            (Some(Hold::Skewed(_)), None) => tip.hold = None,
            _ => {}
        }
    }

    /// Cuts a batch: everything in the pool, and the state head that closes it. `None` if nothing waits.
    ///
    /// The clock may step back by two seconds, and the head then repeats the time of the one before;
    /// beyond that nothing is signed until it has caught up.
    pub fn cut(&self) -> Option<Batch> {
        let acknowledged = self.standing().acknowledged().get();
        let mut guard = self.tip();
        let tip = &mut *guard;
        let now_ms = self.setting.clock.unix_ms();
        let state = tip.state.as_mut()?;
        let head_ms = state.clock_ms();
        let steps_back = now_ms.saturating_add(MAX_STEP_BACK_MS) < head_ms;
        match &tip.hold {
            Some(
                Hold::Loading
                | Hold::Failed { .. }
                | Hold::Asking
                | Hold::Skewed(_)
                | Hold::Older(_),
            ) => {
                return None;
            }
            None | Some(Hold::Clock { .. }) if steps_back => {
                if tip.hold.is_none() {
                    self.setting.metrics.broke(Invariant::ClockForward);
                }
                tip.hold = Some(Hold::Clock { now_ms, head_ms });
                return None;
            }
            Some(Hold::Ending) if steps_back => return None,
            Some(Hold::Clock { .. }) => tip.hold = None,
            None | Some(Hold::Ending) => {}
        }
        if tip.pool.is_empty() {
            return None;
        }
        let mut entries = tip.pool.take();
        let head = state.append_head(now_ms);
        if state.loaded_labels() > MAX_LOADED_LABELS {
            // What is acknowledged can be read back by way of the index.
            state.forget_labels_before(LeafIndex::new(acknowledged));
        }
        let from = TreeSize::new(head.index().get() - entries.len() as u64);
        entries.push(head.to_bytes());
        let view = state.closed_view().expect("a head was just made").clone();
        Some(Batch {
            entries,
            head,
            from,
            view,
            indexed: std::mem::take(&mut tip.pooled),
        })
    }

    /// Tells everyone that a batch is durable and signed.
    pub(crate) fn acknowledge(
        &self,
        batch: Batch,
        signed: SignedCheckpoint,
        grown: &Arc<Grown>,
    ) -> Arc<Acknowledged> {
        let head = signed.head();
        let ids: Vec<EventId> = batch.indexed.iter().map(|event| event.event).collect();
        // In this order, so that an event is never in neither of the two.
        self.setting.index.append(Addition {
            from: batch.from,
            head,
            events: batch.indexed,
        });
        let mut tip = self.tip();
        for id in &ids {
            if let Some(place) = tip.waiting.remove(id) {
                tip.latest.insert(*id, place);
            }
        }
        drop(tip);
        let acknowledged = Arc::new(Acknowledged {
            signed: Arc::new(signed),
            view: batch.view,
            head: batch.head,
            nodes: Arc::new(self.shelf.recent().and(grown)),
            receipts: OnceLock::new(),
        });
        self.shelf.push(acknowledged.clone());
        self.course
            .advance(|progress| progress.acknowledge(head.size()));
        acknowledged
    }

    /// Forgets the tip after an error of the store: only a full reload knows what the log holds.
    ///
    /// `cause` is that error in words, for whoever asks why nothing is taken.
    pub fn poison(&self, cause: String) {
        let mut tip = self.tip();
        if let Some(state) = tip.state.take() {
            tip.failed = Some(state);
        }
        tip.pool.take();
        tip.pooled.clear();
        tip.waiting.clear();
        if !matches!(tip.hold, Some(Hold::Older(_) | Hold::Ending)) {
            tip.hold = Some(Hold::Failed { cause });
        }
        drop(tip);
        self.course.turn(Progress::fail);
    }

    /// The log, its key, its policy, its stores.
    #[must_use]
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Follows how far the log is.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.course.follow()
    }

    /// How far the log is now.
    #[must_use]
    pub fn standing(&self) -> Progress {
        self.course.now()
    }

    /// Waits until the event at `index` stands at `goal`, or something happened after which it may not.
    pub(crate) fn wait(&self, goal: Standing, index: LeafIndex) -> oneshot::Receiver<()> {
        self.course.wait(goal, index)
    }

    /// The newest head that is durable and signed.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Acknowledged>> {
        self.shelf.newest()
    }

    /// The bytes of an entry that is acknowledged, for an answer.
    ///
    /// # Errors
    /// As [`crate::storage::Directory::entry`].
    pub(crate) fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, StorageError> {
        let read = self.setting.directory.entry(index);
        self.setting.metrics.noticed(read)
    }

    /// The first head on the shelf that holds an entry, else the newest: what a receipt stands under.
    pub(crate) fn acknowledging(&self, index: LeafIndex) -> Option<Arc<Acknowledged>> {
        self.shelf.acknowledging(index)
    }

    /// The head that answers.
    #[must_use]
    pub fn published(&self) -> Option<Arc<Published>> {
        self.shelf.published()
    }

    pub(crate) fn has_state(&self) -> bool {
        self.tip().state.is_some()
    }

    /// The leaf hash of entry 0, which clients pin.
    #[must_use]
    pub fn genesis(&self) -> Option<LeafHash> {
        *self.genesis.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the events of a subject are, as far as the tip and the index know; some may be newer than
    /// the published head.
    pub(crate) fn events_of(&self, subject: &Subject, key: &MapKey) -> Vec<LeafIndex> {
        if let Subject::Label(_) = subject {
            return self.setting.index.entries(key);
        }
        let tip = self.tip();
        let state = tip.state.as_ref().or(tip.failed.as_ref());
        state
            .and_then(|state| state.subject_indices(subject))
            .unwrap_or_default()
    }

    /// Parts of bundles that were made before.
    pub(crate) fn parts(&self) -> &KeptParts {
        &self.parts
    }

    /// The name of a label's record in the map; none if its scheme is not defined.
    pub(crate) fn label_name(&self, label: &LabelId) -> Option<MapName> {
        let tip = self.tip();
        let state = tip.state.as_ref().or(tip.failed.as_ref())?;
        state.record_name(&Subject::Label(label.clone()))
    }

    /// Why no events are taken, if none are.
    #[must_use]
    pub fn held(&self) -> Option<Hold> {
        self.tip().hold.clone()
    }

    /// How many heads wait for the witnesses.
    #[must_use]
    pub fn unpublished(&self) -> usize {
        self.shelf.waiting()
    }

    /// How the witnesses stand.
    #[must_use]
    pub fn witnesses(&self) -> Vec<WitnessReport> {
        self.witnesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_witnesses(&self, report: Vec<WitnessReport>) {
        *self
            .witnesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = report;
    }

    /// Asks for the index to be made anew from the entries.
    pub(crate) fn suspect_index(&self) {
        self.index_is_suspect.store(true, Ordering::Relaxed);
    }

    /// Whether the index missed something since this was last asked.
    pub(crate) fn take_index_suspicion(&self) -> bool {
        let missed = self.index_is_suspect.swap(false, Ordering::Relaxed);
        missed || self.setting.index.is_damaged()
    }

    /// Remembers that the index was compared with this log, and filled up to its end.
    pub(crate) fn index_is_checked(&self) {
        self.index_is_checked.store(true, Ordering::Relaxed);
    }

    /// Whether the index missed something, is not filled up to the end, or was never compared with this log.
    pub(crate) fn is_index_behind(&self) -> bool {
        let suspect = self.index_is_suspect.load(Ordering::Relaxed);
        let unchecked = !self.index_is_checked.load(Ordering::Relaxed);
        suspect
            || unchecked
            || self.setting.index.is_damaged()
            || self.setting.index.watermark().size() < self.standing().acknowledged()
    }

    /// Whether a head is one that was acknowledged, or is published.
    pub(crate) fn can_show(&self, head: TreeHead) -> bool {
        self.shelf.can_show(head)
    }

    /// Puts a witnessed head in front; `None` if it is no newer than the one there, or was never acknowledged here.
    pub(crate) fn put_in_front(
        &self,
        witnessed: WitnessedCheckpoint,
        note: Vec<u8>,
    ) -> Option<Arc<Published>> {
        let size = witnessed.head().size();
        let published = self.shelf.put_in_front(witnessed, note)?;
        self.course.advance(|progress| progress.publish(size));
        Some(published)
    }

    /// Locks the tip. A thread that panicked inside may have left half a step behind, so the tip is
    /// then forgotten, as after an error of the store.
    pub(crate) fn tip(&self) -> MutexGuard<'_, Tip> {
        self.tip.lock().unwrap_or_else(|poisoned| {
            self.tip.clear_poison();
            let mut tip = poisoned.into_inner();
            tip.state = None;
            tip.hold = Some(Hold::Loading);
            tip
        })
    }
}

/// Network time steps a clock by milliseconds; two seconds is a leap second and one more.
const MAX_STEP_BACK_MS: u64 = 2_000;
/// Details of labels kept in memory, about 1 KiB each; a label that is needed again costs a few reads.
pub(crate) const MAX_LOADED_LABELS: usize = 16_384;
