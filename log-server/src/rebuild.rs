//! Rebuilding: index and snapshot, made anew from nothing but the entries.
//!
//! ```text
//! entry 0 … entry n−1 ─state function, each state head compared─▶ state ─▶ index, snapshot
//!            └ leaf hashes ─▶ root, compared with the head record
//! ```
//! The index must be empty when it begins. Labels whose details are not held any more are read back by way of
//! the part of the index that is there.

use std::ops::Range;

use labelproof_core::{
    event::Event,
    merkle::{Frontier, LeafHash, LeafIndex, RootHash, TreeHead, TreeSize},
    refusal::Refusal,
    state::{ReadEntry, Replayed, State, StateView, WrongEntry},
};
use labelproof_host::{ahead::Ahead, hands::in_order};

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
    let state = State::genesis(&genesis).map_err(LoadError::Genesis)?;
    let ahead = Ahead::default();
    let mut run = Run::begin(setting, state, &genesis, published);
    in_order(
        bundles_from(run.state.next_index(), end.size()),
        |part| read_ahead(setting, part, &ahead),
        |entries| {
            let entries = entries?;
            for (index, leaf, read) in &entries {
                run.take(*index, *leaf, read)?;
                tell(index.get() + 1);
            }
            ahead.learn(&run.state, entries.iter().map(|(.., read)| read));
            Ok::<_, RebuildError>(())
        },
    )?;
    run.flush();
    setting.index.flush();
    let got = run.frontier.head();
    if got != end {
        return Err(RebuildError::WrongRoot {
            got: got.root(),
            want: end,
        });
    }
    if let Some((view, registry)) = &run.kept {
        snapshot::put(setting, view, registry)?;
    }
    Ok(Rebuilt {
        head: end,
        events: run.events,
        state_heads: run.state_heads,
        snapshot: run.kept.map(|(view, _)| view.head_index()),
    })
}

/// The entries from `from` on, below `end`, in the parts in which they are stored.
fn bundles_from(from: LeafIndex, end: TreeSize) -> impl Iterator<Item = Range<u64>> {
    let bundles = from.get() / WIDTH..end.get().div_ceil(WIDTH);
    bundles
        .map(move |bundle| (bundle * WIDTH).max(from.get())..((bundle + 1) * WIDTH).min(end.get()))
}

/// An entry read ahead of its turn, checked against its leaf hash.
type Read = (LeafIndex, LeafHash, ReadEntry);

fn read_ahead(
    setting: &Setting,
    part: Range<u64>,
    ahead: &Ahead,
) -> Result<Vec<Read>, StorageError> {
    let (from, end) = (LeafIndex::new(part.start), TreeSize::new(part.end));
    let entries = setting.directory.entries(from, end);
    let read = entries.map(|item| {
        let (index, entry) = item?;
        let leaf = LeafHash::of_entry(&entry);
        Ok((index, leaf, ahead.read(entry)))
    });
    read.collect()
}

fn refused(index: LeafIndex, source: Refusal) -> RebuildError {
    LoadError::Refused { index, source }.into()
}

/// The state so far, and the entries that are not in the index yet.
struct Run<'a> {
    setting: &'a Setting,
    state: State,
    published: Option<TreeSize>,
    kept: Option<(StateView, Vec<LeafIndex>)>,
    from: TreeSize,
    frontier: Frontier,
    waiting: Vec<Indexed>,
    events: u64,
    state_heads: u64,
}

impl<'a> Run<'a> {
    fn begin(
        setting: &'a Setting,
        state: State,
        genesis: &[u8],
        published: Option<TreeSize>,
    ) -> Self {
        let mut run = Self {
            setting,
            state,
            published,
            kept: None,
            from: TreeSize::EMPTY,
            frontier: Frontier::default(),
            waiting: Vec::new(),
            events: 0,
            state_heads: 0,
        };
        run.frontier.append(LeafHash::of_entry(genesis));
        let event = Event::parse(genesis).expect("the state began with it");
        run.event(GENESIS, &event);
        run
    }

    fn take(
        &mut self,
        index: LeafIndex,
        leaf: LeafHash,
        read: &ReadEntry,
    ) -> Result<(), RebuildError> {
        let replayed = match self.state.replay(read) {
            Err(WrongEntry::NeedsHistory { labels, .. }) => {
                self.flush();
                load_labels(self.setting, &mut self.state, &labels)?;
                self.state.replay(read)?
            }
            other => other?,
        };
        self.frontier.append(leaf);
        match replayed {
            Replayed::Head(_) => self.head(index),
            Replayed::Accepted(_) => {
                self.event(index, read.event().expect("nothing else is accepted"));
            }
            Replayed::Refused(source) => return Err(refused(index, source)),
        }
        if self.waiting.len() >= PART_EVENTS {
            self.flush();
        }
        Ok(())
    }

    fn head(&mut self, index: LeafIndex) {
        self.state_heads += 1;
        if self.published == Some(self.frontier.head().size()) {
            let registry = self.state.registry_indices(index);
            let view = self.state.closed_view().cloned();
            self.kept = view.map(|view| (view, registry));
        }
        if self.state.loaded_labels() > MAX_LOADED_LABELS {
            self.state.forget_labels_before(index);
        }
    }

    fn event(&mut self, index: LeafIndex, event: &Event) {
        self.waiting
            .push(lookup::indexed(&self.state, event, index));
        self.events += 1;
    }

    fn flush(&mut self) {
        let head = self.frontier.head();
        if head.size() == self.from {
            return;
        }
        self.setting.index.append(Addition {
            from: self.from,
            head,
            events: std::mem::take(&mut self.waiting),
        });
        self.from = head.size();
    }
}

/// Entries of a bundle (tlog-tiles).
const WIDTH: u64 = 256;
/// One transaction of the index.
const PART_EVENTS: usize = 1_000;
