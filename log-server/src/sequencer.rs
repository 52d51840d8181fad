//! The sequencer: one writer, one batch at a time, straight down the page.
//!
//! ```text
//! stage ─▶ check ─▶ reserve ─▶ sign ─▶ apply ─▶ acknowledge
//! ```
//! Only `reserve` changes how long the log is; only what is reserved is signed; only what is
//! applied is acknowledged. Recovery is not other code: it runs `apply` again from the staged batch
//! and signs the head record again, which gives the same bytes. Any error poisons the sequencer,
//! and only a new one, loaded from disk, goes on. What goes into a batch is decided in `admission`.

use std::{fmt, sync::Arc};

use labelproof_core::{
    checkpoint::{Checkpoint, Origin, SignedCheckpoint},
    key::SigningKey,
    merkle::{Frontier, TreeHead, TreeSize},
};

use crate::storage::{
    BatchError, Directory, Grown, HeadRecord, HeadStore, InstanceId, StagedBatch, StorageError,
    SwapError,
};

/// Signs checkpoints; a trait so that a test can keep a ledger of every root that was ever signed.
pub trait Sign: Send + Sync {
    /// Signs exactly this checkpoint; equal checkpoints give equal bytes.
    fn sign(&self, checkpoint: &Checkpoint) -> SignedCheckpoint;
}

impl Sign for SigningKey {
    fn sign(&self, checkpoint: &Checkpoint) -> SignedCheckpoint {
        SignedCheckpoint::sign(checkpoint, self)
    }
}

/// What a sequencer is made of.
#[derive(Clone)]
pub struct Parts {
    /// The log.
    pub origin: Origin,
    /// The object store.
    pub directory: Directory,
    /// The head store.
    pub heads: Arc<dyn HeadStore>,
    /// The log's key.
    pub signer: Arc<dyn Sign>,
    /// This process.
    pub instance: InstanceId,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("origin", &self.origin)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// The one writer of a log.
#[derive(Debug)]
pub struct Sequencer {
    parts: Parts,
    record: HeadRecord,
    frontier: Frontier,
    newest: Option<Arc<Grown>>,
    poisoned: bool,
}

/// Why a batch was not sequenced, or a store not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// An earlier error was never cleared by a reload.
    #[error("the sequencer stopped at an earlier error")]
    Poisoned,
    /// The directory holds no log.
    #[error("there is no log here: make one with init")]
    NoStore,
    /// The store is another log's.
    #[error("this is the store of {found}")]
    OtherLog {
        /// The origin in the head record.
        found: String,
    },
    /// The entries make no batch.
    #[error("the batch cannot be staged")]
    Batch(#[from] BatchError),
    /// An object is missing, wrong, or could not be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The head record could not be moved.
    #[error(transparent)]
    Head(#[from] SwapError),
}

impl SequenceError {
    /// Whether another process writes this log: then this one must stop.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Head(SwapError::Lost { .. }))
    }
}

impl Sequencer {
    /// Loads a store, whoever wrote it last: finishes a batch that was reserved, and drops one that was not.
    ///
    /// Everything the head record implies is checked before anything is signed.
    ///
    /// # Errors
    /// [`SequenceError::NoStore`], [`SequenceError::OtherLog`], or the object that is wrong.
    pub fn load(parts: Parts) -> Result<Self, SequenceError> {
        let stored = stored(&parts)?;
        Self::take_up(parts, &stored)
    }

    /// Loads a store that this process wrote last: what follows an error.
    ///
    /// # Errors
    /// As [`Sequencer::load`]; [`SwapError::Lost`] if another process has taken the store over.
    pub fn resume(parts: Parts) -> Result<Self, SequenceError> {
        let stored = stored(&parts)?;
        if stored.instance() != parts.instance {
            return Err(SwapError::Lost {
                found: Box::new(stored),
            }
            .into());
        }
        Self::take_up(parts, &stored)
    }

    fn take_up(parts: Parts, stored: &HeadRecord) -> Result<Self, SequenceError> {
        // Taking over writes the record anew: what an earlier process could not sync is durable
        // from here on, before anything is built on it.
        let record = stored.taken_over_by(parts.instance);
        parts.heads.swap(stored, &record)?;

        parts.directory.sweep_staged()?;
        for digest in parts.directory.staged()? {
            if record.batch() == Some(digest) {
                // Reserved: these entries are in the log, whether or not a tile of them was written.
                let batch = parts.directory.read_staged(digest)?;
                let before = parts.directory.frontier(batch.before())?;
                let checked = check(&parts.origin, &batch, &before, record.head());
                let grown = checked.map_err(|source| StorageError::Batch {
                    object: format!("staged/{digest}"),
                    source,
                })?;
                parts.directory.apply(&batch, &grown)?;
            }
            // Else never reserved: nobody was told of it, nothing of it was signed.
            parts.directory.unstage(digest)?;
        }
        let frontier = parts.directory.frontier(record.head())?;
        Ok(Self {
            parts,
            record,
            frontier,
            newest: None,
            poisoned: false,
        })
    }

    /// Puts entries at the end of the log and calls `acknowledge` with the checkpoint that holds them.
    ///
    /// # Errors
    /// The first step that failed. Whether the entries are in the log is then known only to the
    /// head record: nothing was acknowledged, and a new [`Sequencer::load`] decides.
    pub fn sequence(
        &mut self,
        entries: Vec<Vec<u8>>,
        acknowledge: &mut dyn FnMut(&SignedCheckpoint),
    ) -> Result<(), SequenceError> {
        if self.poisoned {
            return Err(SequenceError::Poisoned);
        }
        self.poisoned = true;
        let Self {
            parts,
            record,
            frontier,
            ..
        } = self;
        let batch = StagedBatch::new(parts.origin.as_str(), frontier, entries)?;
        // Dying here: nothing was written.

        let digest = parts.directory.stage(&batch)?;
        // Dying here: a staged batch that no head record names; `load` drops it.

        let staged = parts.directory.read_staged(digest)?;
        let grown = check(&parts.origin, &staged, frontier, batch.after()).map_err(|source| {
            StorageError::Batch {
                object: format!("staged/{digest}"),
                source,
            }
        })?;
        // Consistency: `grown` is this frontier with entries appended, so it extends the log if this
        // frontier is still the one the head record stands for.
        if frontier.head() != record.head() {
            return Err(StorageError::WrongRoot {
                stored: frontier.head(),
                record: record.head(),
            }
            .into());
        }
        // Dying here: the same.

        let reserved = HeadRecord::new(
            parts.origin.as_str(),
            grown.head(),
            Some(digest),
            parts.instance,
        );
        reserve(&*parts.heads, record, &reserved)?;
        // Dying here: the log has grown. `load` applies the batch and signs this same record.

        let signed = parts
            .signer
            .sign(&Checkpoint::new(parts.origin.clone(), reserved.head()));
        // Dying here: the signature never left; signing again gives the same bytes.

        parts.directory.apply(&staged, &grown)?;
        // Dying here: some or all tiles are written; `load` writes them again, to the same bytes.

        parts.directory.unstage(digest)?;
        // Dying here: the batch is durable and signed, and nobody was told; a submitter who asks
        // again is answered with the index.

        self.record = reserved;
        self.frontier = grown.after().clone();
        self.newest = Some(Arc::new(grown));
        self.poisoned = false;
        acknowledge(&signed);
        Ok(())
    }

    /// Signs the head record: the one thing that may be signed. `None` for a log without entries.
    #[must_use]
    pub fn signed(&self) -> Option<SignedCheckpoint> {
        let head = self.record.head();
        (head.size() != TreeSize::EMPTY).then(|| {
            self.parts
                .signer
                .sign(&Checkpoint::new(self.parts.origin.clone(), head))
        })
    }

    /// Size and root of the log.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.record.head()
    }

    /// What the newest batch added to the tree; none before the first.
    pub(crate) fn newest(&self) -> Option<&Arc<Grown>> {
        self.newest.as_ref()
    }

    /// Whether an error stopped it.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

/// The head record of this log.
fn stored(parts: &Parts) -> Result<HeadRecord, SequenceError> {
    let stored = parts.heads.read()?.ok_or(SequenceError::NoStore)?;
    if stored.origin() != parts.origin.as_str() {
        return Err(SequenceError::OtherLog {
            found: stored.origin().to_owned(),
        });
    }
    Ok(stored)
}

/// Recomputes from re-read bytes where the batch leads; that must be `want`.
fn check(
    origin: &Origin,
    staged: &StagedBatch,
    before: &Frontier,
    want: TreeHead,
) -> Result<Grown, BatchError> {
    if staged.origin() != origin.as_str() {
        return Err(BatchError::OtherLog {
            found: staged.origin().to_owned(),
        });
    }
    let grown = staged.check(before)?;
    if grown.head() != want {
        return Err(BatchError::WrongRoot {
            declared: want,
            computed: grown.head(),
        });
    }
    Ok(grown)
}

/// Moves the head record. An unclear answer is read back and decided by what is there.
fn reserve(heads: &dyn HeadStore, from: &HeadRecord, to: &HeadRecord) -> Result<(), SwapError> {
    match heads.swap(from, to) {
        Err(SwapError::Fs(cause)) => match heads.read()? {
            // It is there, but a sync may have failed on the way: only a swap that succeeds from
            // here makes it durable, and only durable records are signed.
            Some(found) if found == *to => heads.swap(to, to),
            _ => Err(SwapError::Fs(cause)),
        },
        other => other,
    }
}
