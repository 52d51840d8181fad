//! Loading: from files to a log that runs, at the start and after every error of the store.
//!
//! ```text
//! head record ─▶ sequencer (finishes a reserved batch) ─▶ state: snapshot or entry 0, then the entries
//! checkpoint  ─▶ quorum, and a head of this very log ─▶ published
//! ```
//! Whatever is not trusted is checked here: entries against the tiles, tiles against the head record, the
//! snapshot against a state head, each state head against the entries before it.

use std::sync::{Arc, OnceLock};

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    event::LabelId,
    merkle::{LeafIndex, TreeHead, TreeSize},
    note::Note,
    policy::WitnessedCheckpoint,
    refusal::Refusal,
    state::{Replayed, State, StateView, WrongEntry, head::StateHead},
};
use tracing::{info, warn};

use crate::{
    log::Setting,
    lookup,
    sequencer::{SequenceError, Sequencer},
    shelf::{Acknowledged, Published},
    snapshot,
    storage::StorageError,
};

/// What a store holds, ready to run.
#[derive(Debug)]
pub struct Loaded {
    pub(crate) state: State,
    pub(crate) newest: Acknowledged,
    pub(crate) published: Option<Published>,
    /// How much of the log came from a snapshot.
    pub(crate) snapshot: TreeSize,
}

/// Why a store cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store itself.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// An object of it.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// It holds no genesis.
    #[error("the log has no genesis yet: seal one with `labelproof-log genesis seal`")]
    NoGenesis,
    /// Entry 0 is no genesis of this log.
    #[error("entry 0 is no genesis")]
    Genesis(#[source] Refusal),
    /// An entry that the state function did not accept: an honest log has none.
    #[error("entry {index} changes nothing, which no log of ours would append")]
    Refused {
        /// Which entry.
        index: LeafIndex,
        /// What the state function says to it.
        #[source]
        source: Refusal,
    },
    /// An entry does not follow from those before it.
    #[error("the entries cannot be replayed")]
    Entry(#[from] WrongEntry),
    /// The last entry is not a state head.
    #[error("the last entry, {index}, is not a state head")]
    NoHead {
        /// Which entry.
        index: LeafIndex,
    },
}

/// Loads what the store holds up to the end that the sequencer stands at.
///
/// # Errors
/// [`LoadError`]; nothing was signed that was not signed before.
pub fn load(setting: &Setting, sequencer: &Sequencer) -> Result<Loaded, LoadError> {
    let signed = sequencer.signed().ok_or(LoadError::NoGenesis)?;
    let witnessed = stored_checkpoint(setting, sequencer.head())?;
    let published_size = witnessed
        .as_ref()
        .map(|(witnessed, _)| witnessed.head().size());
    let mut snapshot = TreeSize::EMPTY;
    let mut replayed = match snapshot::read(setting, sequencer.head().size(), published_size)? {
        Some(state) => {
            snapshot = TreeSize::new(state.next_index().get());
            replay(setting, state, sequencer.head().size(), published_size)
        }
        None => Err(LoadError::NoGenesis),
    };
    if let Err(error) = &replayed {
        if !matches!(error, LoadError::NoGenesis) {
            warn!(%error, "the snapshot leads nowhere; the log is replayed from entry 0");
        }
        snapshot = TreeSize::EMPTY;
        let genesis = setting.directory.entry(GENESIS)?;
        let state = State::genesis(&genesis).map_err(LoadError::Genesis)?;
        replayed = replay(setting, state, sequencer.head().size(), published_size);
    }
    let (state, published_view) = replayed?;
    let last = LeafIndex::new(sequencer.head().size().get() - 1);
    let view = state
        .closed_view()
        .filter(|view| view.head_index() == last)
        .ok_or(LoadError::NoHead { index: last })?;
    let head = StateHead::parse(&setting.directory.entry(last)?)
        .map_err(|_| LoadError::NoHead { index: last })?;
    let newest = Acknowledged {
        signed: Arc::new(signed),
        view: view.clone(),
        head,
        nodes: Arc::default(),
        receipts: OnceLock::new(),
    };
    let published = witnessed
        .zip(published_view)
        .map(|((witnessed, note), view)| Published {
            witnessed,
            note,
            view,
            nodes: Arc::default(),
            opening: OnceLock::new(),
            proofs: OnceLock::new(),
        });
    info!(
        size = %sequencer.head().size(),
        published = %published_size.unwrap_or(TreeSize::EMPTY),
        labels = state.issues(),
        "the store is loaded"
    );
    Ok(Loaded {
        state,
        newest,
        published,
        snapshot,
    })
}

/// Replays what follows a state, and keeps the view under the published head on the way.
fn replay(
    setting: &Setting,
    mut state: State,
    end: TreeSize,
    published: Option<TreeSize>,
) -> Result<(State, Option<StateView>), LoadError> {
    let is_published = |state: &State| published == Some(TreeSize::new(state.next_index().get()));
    let mut view = state
        .closed_view()
        .filter(|_| is_published(&state))
        .cloned();
    for item in setting.directory.entries(state.next_index(), end) {
        let (index, entry) = item?;
        let replayed = match state.replay_entry(&entry) {
            Err(WrongEntry::NeedsHistory { labels, .. }) => {
                load_labels(setting, &mut state, &labels)?;
                state.replay_entry(&entry)?
            }
            other => other?,
        };
        match replayed {
            Replayed::Head(_) if is_published(&state) => view = state.closed_view().cloned(),
            Replayed::Head(_) | Replayed::Accepted(_) => {}
            Replayed::Refused(source) => return Err(LoadError::Refused { index, source }),
        }
    }
    Ok((state, view))
}

pub(crate) fn load_labels(
    setting: &Setting,
    state: &mut State,
    labels: &[LabelId],
) -> Result<(), LoadError> {
    for label in labels {
        let entries = lookup::label_entries(setting, state, label)?;
        if let Err(error) = state.load_label(label, &entries) {
            // The replay then asks for it once more and fails, and a replay from entry 0 needs no index.
            warn!(%label, %error, "the index does not know the whole history of a label");
        }
    }
    Ok(())
}

/// The stored checkpoint, if it meets the quorum and is a head of this very log.
fn stored_checkpoint(
    setting: &Setting,
    head: TreeHead,
) -> Result<Option<(WitnessedCheckpoint, Vec<u8>)>, StorageError> {
    let Some(bytes) = setting.directory.checkpoint()? else {
        return Ok(None);
    };
    let now = setting.clock.now();
    let opened = Note::parse(&bytes)
        .ok()
        .and_then(|note| SignedCheckpoint::open(note, &setting.vkey).ok());
    let Some(witnessed) = opened.and_then(|signed| setting.policy.accept(signed, now).ok()) else {
        warn!(
            "the stored checkpoint does not meet the policy; nothing is published until the witnesses cosign"
        );
        return Ok(None);
    };
    let size = witnessed.head().size();
    if size > head.size() || size == TreeSize::EMPTY {
        warn!(%size, "the stored checkpoint is larger than the log");
        return Ok(None);
    }
    match setting.directory.frontier(witnessed.head()) {
        Ok(_) => Ok(Some((witnessed, bytes))),
        Err(StorageError::WrongRoot { .. }) => {
            warn!(%size, "the stored checkpoint is not of this log");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Every log begins with its genesis.
pub(crate) const GENESIS: LeafIndex = LeafIndex::new(0);
