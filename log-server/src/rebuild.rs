//! Rebuilding: index and snapshot, made anew from nothing but the entries.
//!
//! ```text
//! entry 0 … entry n−1 ─state function, each state head compared─▶ state ─▶ index, snapshot
//!            └ leaf hashes ─▶ root, compared with the head record
//! ```
//! The index must be empty when it begins. Labels whose details are not held any more are read back by way of
//! the part of the index that is there.

use labelproof_core::{
    event::Event,
    merkle::{Frontier, LeafHash, LeafIndex, RootHash, TreeHead, TreeSize},
    refusal::Refusal,
    state::{Replayed, State, StateView, WrongEntry},
};

use crate::{
    index::{Addition, Indexed},
    load::{GENESIS, LoadError, load_labels},
    log::{MAX_LOADED_LABELS, Setting},
    lookup, snapshot,
    storage::StorageError,
};

/// What was rebuilt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rebuilt {
    head: TreeHead,
    events: u64,
    state_heads: u64,
    snapshot: Option<LeafIndex>,
}

impl Rebuilt {
    /// The log that index and snapshot are of.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// How many events the index holds.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many state heads were compared.
    #[must_use]
    pub fn state_heads(&self) -> u64 {
        self.state_heads
    }

    /// The state head that the snapshot is of; none before anything was published.
    #[must_use]
    pub fn snapshot(&self) -> Option<LeafIndex> {
        self.snapshot
    }
}

/// Why the entries give no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// An entry is none of an honest log.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The entries are not those of the head record.
    #[error("the entries have the root {got}, the head record says {}", want.root())]
    WrongRoot {
        /// What the entries give.
        got: RootHash,
        /// What the record says.
        want: TreeHead,
    },
}

impl From<StorageError> for RebuildError {
    fn from(error: StorageError) -> Self {
        Self::Load(error.into())
    }
}

impl From<WrongEntry> for RebuildError {
    fn from(error: WrongEntry) -> Self {
        Self::Load(error.into())
    }
}

/// Replays the log up to `end` into the empty index of `setting`, and writes a snapshot of the state under
/// the published size; `tell` is called with the number of entries done.
///
/// # Errors
/// [`RebuildError`]; the index is then not whole, and says so by its watermark.
pub fn rebuild(
    setting: &Setting,
    end: TreeHead,
    published: Option<TreeSize>,
    mut tell: impl FnMut(u64),
) -> Result<Rebuilt, RebuildError> {
    let genesis = setting.directory.entry(GENESIS)?;
    let mut state = State::genesis(&genesis).map_err(LoadError::Genesis)?;
    let mut run = Run::begin(&state, &genesis);
    let mut kept: Option<(StateView, Vec<LeafIndex>)> = None;
    for item in setting.directory.entries(state.next_index(), end.size()) {
        let (index, entry) = item?;
        let replayed = match state.replay_entry(&entry) {
            Err(WrongEntry::NeedsHistory { labels, .. }) => {
                run.flush(setting);
                load_labels(setting, &mut state, &labels)?;
                state.replay_entry(&entry)?
            }
            other => other?,
        };
        run.frontier.append(LeafHash::of_entry(&entry));
        match replayed {
            Replayed::Head(_) => {
                run.state_heads += 1;
                if published == Some(run.frontier.head().size()) {
                    let registry = state.registry_indices(index);
                    kept = state.closed_view().cloned().map(|view| (view, registry));
                }
                if state.loaded_labels() > MAX_LOADED_LABELS {
                    state.forget_labels_before(index);
                }
            }
            Replayed::Accepted(_) => run.event(&state, index, &entry),
            Replayed::Refused(source) => return Err(refused(index, source)),
        }
        if run.waiting.len() >= PART_EVENTS {
            run.flush(setting);
        }
        tell(index.get() + 1);
    }
    run.flush(setting);
    setting.index.flush();
    let got = run.frontier.head();
    if got != end {
        return Err(RebuildError::WrongRoot {
            got: got.root(),
            want: end,
        });
    }
    if let Some((view, registry)) = &kept {
        snapshot::put(setting, view, registry)?;
    }
    Ok(Rebuilt {
        head: end,
        events: run.events,
        state_heads: run.state_heads,
        snapshot: kept.map(|(view, _)| view.head_index()),
    })
}

fn refused(index: LeafIndex, source: Refusal) -> RebuildError {
    LoadError::Refused { index, source }.into()
}

/// The entries that are not in the index yet.
struct Run {
    from: TreeSize,
    frontier: Frontier,
    waiting: Vec<Indexed>,
    events: u64,
    state_heads: u64,
}

impl Run {
    fn begin(state: &State, genesis: &[u8]) -> Self {
        let mut run = Self {
            from: TreeSize::EMPTY,
            frontier: Frontier::default(),
            waiting: Vec::new(),
            events: 0,
            state_heads: 0,
        };
        run.frontier.append(LeafHash::of_entry(genesis));
        run.event(state, GENESIS, genesis);
        run
    }

    fn event(&mut self, state: &State, index: LeafIndex, entry: &[u8]) {
        let event = Event::parse(entry).expect("the state function has accepted it");
        self.waiting.push(lookup::indexed(state, &event, index));
        self.events += 1;
    }

    fn flush(&mut self, setting: &Setting) {
        let head = self.frontier.head();
        if head.size() == self.from {
            return;
        }
        setting.index.append(Addition {
            from: self.from,
            head,
            events: std::mem::take(&mut self.waiting),
        });
        self.from = head.size();
    }
}

/// One transaction of the index.
const PART_EVENTS: usize = 1_000;
