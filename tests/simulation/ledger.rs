//! The ledger around the signer: what was ever signed, and whether two roots had one size (I4).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use labelproof_core::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use labelproof_core::key::{KeyType, SigningKey, Vkey};
use labelproof_core::merkle::RootHash;
use labelproof_core::note::KeyName;
use labelproof_log::sequencer::Sign;

pub(crate) const ORIGIN: &str = "labels.g7.example";

/// Signs with the log's key and writes down every root.
#[derive(Debug)]
pub(crate) struct Ledger {
    key: SigningKey,
    page: Mutex<Page>,
}

#[derive(Debug, Default)]
struct Page {
    roots: BTreeMap<u64, RootHash>,
    fork: Option<u64>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let name = KeyName::parse(ORIGIN).unwrap();
        let key = SigningKey::from_seed(name, KeyType::Note, [1; 32]);
        Self {
            key,
            page: Mutex::default(),
        }
    }

    pub(crate) fn vkey(&self) -> &Vkey {
        self.key.vkey()
    }

    /// Root by size, of everything that was signed.
    pub(crate) fn roots(&self) -> BTreeMap<u64, RootHash> {
        self.page().roots.clone()
    }

    /// The size for which two roots were signed, if there is one.
    pub(crate) fn fork(&self) -> Option<u64> {
        self.page().fork
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sign for Ledger {
    fn sign(&self, checkpoint: &Checkpoint) -> SignedCheckpoint {
        let head = checkpoint.head();
        let mut page = self.page();
        let first = *page.roots.entry(head.size().get()).or_insert(head.root());
        if first != head.root() {
            page.fork = Some(head.size().get());
        }
        drop(page);
        SignedCheckpoint::sign(checkpoint, &self.key)
    }
}

pub(crate) fn origin() -> Origin {
    ORIGIN.parse().unwrap()
}
