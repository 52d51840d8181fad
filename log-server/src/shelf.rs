//! The shelf: heads that are signed and wait for witnesses, and the one that answers.
//!
//! ```text
//! acknowledged ─▶ waiting … waiting ─▶ published
//! ```
//! Status always answers for the published head, so each head keeps the view of the state it closes; a view
//! costs only what changed since. Readers share the lock; every change leaves heads that are all good to show.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    merkle::{LeafIndex, TreeHead, TreeSize, prove_inclusion},
    policy::WitnessedCheckpoint,
    receipt::Receipt,
    state::{StateView, head::StateHead},
    status::Opening,
    tlog_proof::ProofFrame,
};

use crate::{
    recent::RecentNodes,
    storage::{Directory, StorageError},
};

/// A head that is durable and signed.
#[derive(Debug)]
pub struct Acknowledged {
    pub(crate) signed: Arc<SignedCheckpoint>,
    pub(crate) view: StateView,
    /// The last entry under this checkpoint.
    pub(crate) head: StateHead,
    /// The tree where its batch stands.
    pub(crate) nodes: Arc<RecentNodes>,
    /// What every receipt under it shares, once one was asked for.
    pub(crate) receipts: OnceLock<ProofFrame>,
}

impl Acknowledged {
    /// The receipt of an entry under this head, as it is stored.
    ///
    /// # Errors
    /// As the files say, if the head keeps too few nodes.
    pub(crate) fn receipt(
        &self,
        directory: &Directory,
        index: LeafIndex,
    ) -> Result<String, StorageError> {
        let (nodes, size) = (self.nodes.over(directory), self.signed.head().size());
        let path = prove_inclusion(&nodes, index, size)?;
        let frame = match self.receipts.get() {
            Some(frame) => frame,
            None => {
                let head_path = prove_inclusion(&nodes, self.head.index(), size)?;
                let frame = Receipt::frame(&self.signed, &self.head, &head_path);
                self.receipts.get_or_init(|| frame)
            }
        };
        Ok(frame.write(index, &path).expect(PATHS_ARE_SHORT))
    }

    /// The checkpoint with the log's signature alone.
    #[must_use]
    pub fn signed(&self) -> &Arc<SignedCheckpoint> {
        &self.signed
    }
}

/// The head that answers.
#[derive(Debug)]
pub struct Published {
    pub(crate) witnessed: WitnessedCheckpoint,
    pub(crate) note: Vec<u8>,
    pub(crate) view: StateView,
    pub(crate) nodes: Arc<RecentNodes>,
    /// What every bundle under this head begins with, once one was asked for.
    pub(crate) opening: OnceLock<Opening>,
    /// What every proof under it shares, once one was asked for.
    pub(crate) proofs: OnceLock<ProofFrame>,
}

impl Published {
    /// The proof of an entry under this head, as it is stored.
    ///
    /// # Errors
    /// As the files say, if the head keeps too few nodes.
    pub(crate) fn proof(
        &self,
        directory: &Directory,
        index: LeafIndex,
    ) -> Result<String, StorageError> {
        let nodes = self.nodes.over(directory);
        let path = prove_inclusion(&nodes, index, self.head().size())?;
        let note = self.witnessed.signed().note();
        let frame = self.proofs.get_or_init(|| ProofFrame::new(None, note));
        Ok(frame.write(index, &path).expect(PATHS_ARE_SHORT))
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.witnessed.head()
    }

    /// The checkpoint with its quorum, as it is served.
    #[must_use]
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// The checkpoint with its quorum.
    #[must_use]
    pub fn witnessed(&self) -> &WitnessedCheckpoint {
        &self.witnessed
    }

    /// The state that its head commits to.
    #[must_use]
    pub fn view(&self) -> &StateView {
        &self.view
    }
}

/// What can be shown.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    heads: RwLock<Heads>,
}

#[derive(Debug, Default)]
struct Heads {
    newest: Option<Arc<Acknowledged>>,
    waiting: VecDeque<Arc<Acknowledged>>,
    published: Option<Arc<Published>>,
}

impl Shelf {
    /// Takes up what a store held, and gives the published size.
    pub(crate) fn take_up(&self, newest: Acknowledged, published: Option<Published>) -> TreeSize {
        let mut heads = self.write();
        if heads.published.is_none() {
            heads.published = published.map(Arc::new);
        }
        let published = heads
            .published
            .as_ref()
            .map_or(TreeSize::EMPTY, |published| published.head().size());
        // Heads that were signed before the store failed are still good; over a restart the newest
        // stands for all that were not published.
        let last = heads
            .waiting
            .back()
            .map_or(published, |waiting| waiting.signed.head().size());
        let newest = Arc::new(newest);
        if newest.signed.head().size() > last {
            heads.waiting.push_back(newest.clone());
        }
        heads.newest = Some(newest);
        published
    }

    /// Adds a head that was just acknowledged.
    pub(crate) fn push(&self, acknowledged: Arc<Acknowledged>) {
        let mut heads = self.write();
        heads.waiting.push_back(acknowledged.clone());
        heads.newest = Some(acknowledged);
    }

    /// Whether a head is one that was acknowledged, or is published.
    pub(crate) fn can_show(&self, head: TreeHead) -> bool {
        let heads = self.read();
        let published = heads
            .published
            .as_ref()
            .is_some_and(|published| published.head() == head);
        published
            || heads
                .waiting
                .iter()
                .any(|waiting| waiting.signed.head() == head)
    }

    /// Puts a witnessed head in front; `None` if it was never acknowledged here.
    pub(crate) fn put_in_front(
        &self,
        witnessed: WitnessedCheckpoint,
        note: Vec<u8>,
    ) -> Option<Arc<Published>> {
        let head = witnessed.head();
        let mut heads = self.write();
        let (view, nodes) = match &heads.published {
            Some(old) if old.head() == head => (old.view.clone(), old.nodes.clone()),
            _ => {
                let mut waiting = heads.waiting.iter();
                let found = waiting.find(|waiting| waiting.signed.head() == head)?;
                (found.view.clone(), found.nodes.clone())
            }
        };
        heads
            .waiting
            .retain(|waiting| waiting.signed.head().size() > head.size());
        let published = Arc::new(Published {
            witnessed,
            note,
            view,
            nodes,
            opening: OnceLock::new(),
            proofs: OnceLock::new(),
        });
        heads.published = Some(published.clone());
        Some(published)
    }

    /// The first head that holds an entry and waits for witnesses, else the newest.
    pub(crate) fn acknowledging(&self, index: LeafIndex) -> Option<Arc<Acknowledged>> {
        let heads = self.read();
        let mut waiting = heads.waiting.iter();
        waiting
            .find(|waiting| waiting.signed.head().size().contains(index))
            .or(heads.newest.as_ref())
            .cloned()
    }

    /// The nodes that the newest head keeps.
    pub(crate) fn recent(&self) -> Arc<RecentNodes> {
        let newest = self.newest();
        newest
            .map(|newest| newest.nodes.clone())
            .unwrap_or_default()
    }

    pub(crate) fn newest(&self) -> Option<Arc<Acknowledged>> {
        self.read().newest.clone()
    }

    pub(crate) fn published(&self) -> Option<Arc<Published>> {
        self.read().published.clone()
    }

    /// How many heads wait for the witnesses.
    pub(crate) fn waiting(&self) -> usize {
        self.read().waiting.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Heads> {
        self.heads.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Heads> {
        self.heads.write().unwrap_or_else(PoisonError::into_inner)
    }
}

const PATHS_ARE_SHORT: &str = "a tree of 2^64 entries has paths of 64 hashes";
