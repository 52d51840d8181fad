//! The witness itself: decides, stores, then signs; synchronous, one batch after the other.
//!
//! ```text
//! batch ─decide each, in order─▶ one transaction ─committed─▶ sign ─▶ answers
//! ```
//! Nothing is signed that is not on disk. When the disk fails, nothing is signed until the whole store
//! was read back and verified. Threads and sockets belong to `writer` and `http`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use labelproof_core::checkpoint::{Origin, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::evidence::Evidence;
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::TreeHead;
use labelproof_core::note::{Note, SignatureLine};
use labelproof_host::clock::Clock;
use labelproof_host::fs::{Fs, write_atomic};
use labelproof_host::logging::causes;

use crate::decision::{Candidate, Refusal, decide};
use crate::known_logs::KnownLogs;
use crate::store::{Cosigned, Store, StoreError};

/// Makes cosignatures; a seam for tests that watch when it is asked.
pub trait Cosign: Send + Sync + fmt::Debug {
    /// Cosigns the text of a checkpoint: the same line for the same text and time.
    fn cosign(&self, checkpoint_text: &str, time: CosignatureTime) -> SignatureLine;
}

impl Cosign for SigningKey {
    fn cosign(&self, checkpoint_text: &str, time: CosignatureTime) -> SignatureLine {
        cosign(self, checkpoint_text, time)
    }
}

/// Where a witness works and with what.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The files.
    pub fs: Arc<dyn Fs>,
    /// Its folder.
    pub dir: PathBuf,
    /// Its key.
    pub key: Arc<dyn Cosign>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
}

/// A witness over its store; only one may exist for a folder, which `host::lock` sees to.
#[derive(Debug)]
pub struct Witness {
    parts: Parts,
    known: Arc<KnownLogs>,
    store: Result<Store, Lost>,
    shelf: Shelf,
}

/// What is remembered of a store that failed: it must come back with no less.
#[derive(Debug)]
struct Lost {
    heads: BTreeMap<Origin, TreeHead>,
    time: Option<CosignatureTime>,
}

impl Witness {
    /// Reads lists and store, and verifies all of it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(parts: Parts) -> Result<Self, OpenError> {
        let known = KnownLogs::load(parts.fs.as_ref(), &parts.dir)?;
        let store = Store::open(&parts.fs, &parts.dir, &known)?;
        let witness = Self {
            known: Arc::new(known),
            shelf: Shelf::new(Arc::clone(&parts.key)),
            store: Err(Lost::nothing()),
            parts,
        };
        witness.shelf.lay_out_all(&store);
        Ok(Self {
            store: Ok(store),
            ..witness
        })
    }

    /// The logs it knows.
    #[must_use]
    pub fn known(&self) -> Arc<KnownLogs> {
        Arc::clone(&self.known)
    }

    /// What it shows to readers; clones see one shelf.
    #[must_use]
    pub fn shelf(&self) -> Shelf {
        self.shelf.clone()
    }

    /// Answers a batch: each request sees what the ones before it changed, all changes are durable in one
    /// step, and only then the first line is signed.
    ///
    /// The answers are in the order of the requests. If the store fails, all that would have been signed are
    /// refused with [`Refusal::Storage`].
    pub fn answer(&mut self, batch: &[Candidate]) -> Vec<Result<SignatureLine, Refusal>> {
        if let Err(error) = self.recover() {
            tracing::error!(error = %causes(&error), "store does not come back, nothing is signed");
            return batch.iter().map(|_| Err(Refusal::Storage)).collect();
        }
        let Ok(store) = &mut self.store else {
            return batch.iter().map(|_| Err(Refusal::Storage)).collect();
        };
        let now = self.parts.clock.now().unix().max(1);
        let now = CosignatureTime::new(now).expect("times up to the year 9999 fit");
        // A clock that stepped back must not show in what we sign.
        let time = store.latest_time().map_or(now, |latest| latest.max(now));
        let mut heads: BTreeMap<&Origin, TreeHead> = BTreeMap::new();
        let mut changes: BTreeMap<&Origin, &Candidate> = BTreeMap::new();
        let mut decisions = Vec::with_capacity(batch.len());
        for candidate in batch {
            let origin = candidate.checkpoint().origin();
            let latest = heads.get(origin).copied().or_else(|| store.latest(origin));
            // A known log has a record, or the store would not have opened.
            let decision = latest
                .ok_or(Refusal::Storage)
                .and_then(|latest| decide(candidate, latest));
            match decision {
                Ok(()) => {
                    heads.insert(origin, candidate.checkpoint().head());
                    changes.insert(origin, candidate);
                }
                // SPEC tlog-witness: "the witness MAY log the request ..., as it might be proof of log misbehavior."
                Err(Refusal::OtherRoot { .. }) => {
                    let in_batch = changes
                        .get(origin)
                        .map(|earlier| earlier.checkpoint().clone());
                    let stored = || reopened(store, &self.known, origin);
                    if let Some(first) = in_batch.or_else(stored) {
                        keep_evidence(&self.parts, &first, candidate.checkpoint());
                    }
                }
                Err(_) => {}
            }
            decisions.push(decision);
        }
        let changes: BTreeMap<Origin, Arc<Cosigned>> = changes
            .into_iter()
            .map(|(origin, candidate)| {
                let cosigned = Cosigned::new(candidate.checkpoint(), time);
                (origin.clone(), Arc::new(cosigned))
            })
            .collect();
        if !changes.is_empty()
            && let Err(error) = store.put(changes.clone())
        {
            tracing::error!(error = %causes(&error), "cannot store, nothing is signed");
            let lost = Lost::of(store);
            self.store = Err(lost);
            // A refusal that was measured against a head of this batch speaks of what is not stored.
            let refused = batch.iter().zip(decisions);
            return refused
                .map(|(candidate, decision)| match decision {
                    Err(refusal) if !heads.contains_key(candidate.checkpoint().origin()) => {
                        Err(refusal)
                    }
                    _ => Err(Refusal::Storage),
                })
                .collect();
        }
        // SPEC tlog-witness: "The witness MUST persist the new checkpoint before responding." Here it is.
        self.shelf.lay_out(changes);
        let answers = batch.iter().zip(decisions);
        answers
            .map(|(candidate, decision)| {
                let text = candidate.checkpoint().note().text();
                decision.map(|()| self.parts.key.cosign(text, time))
            })
            .collect()
    }

    /// Opens the store again after a failure; it must hold no less than before.
    fn recover(&mut self) -> Result<(), StoreError> {
        let Err(lost) = &self.store else {
            return Ok(());
        };
        let store = Store::open(&self.parts.fs, &self.parts.dir, &self.known)?;
        for (origin, head) in &lost.heads {
            let has_less = |back: TreeHead| {
                let sizes = (back.size(), head.size());
                sizes.0 < sizes.1 || sizes.0 == sizes.1 && back.root() != head.root()
            };
            if store.latest(origin).is_none_or(has_less) {
                return Err(StoreError::WentBack {
                    origin: origin.clone(),
                });
            }
        }
        if store.latest_time() < lost.time {
            let origin = lost.heads.keys().next().cloned();
            return origin.map_or(Ok(()), |origin| Err(StoreError::WentBack { origin }));
        }
        // A transaction that failed may have been written; readers see what is stored.
        self.shelf.lay_out_all(&store);
        self.store = Ok(store);
        Ok(())
    }
}

/// The checkpoint that was cosigned last, opened again with the keys that its log has.
fn reopened(store: &Store, known: &KnownLogs, origin: &Origin) -> Option<SignedCheckpoint> {
    let note = Note::parse(store.cosigned(origin)?.note().as_bytes()).ok()?;
    SignedCheckpoint::open_as(note, origin, &known.keys(origin)?).ok()
}

/// Writes down two roots that a log signed for one size; the first such file of a log stays.
fn keep_evidence(parts: &Parts, first: &SignedCheckpoint, second: &SignedCheckpoint) {
    let Ok(evidence) = Evidence::fork_at_one_size(first, second) else {
        return;
    };
    let dir = parts.dir.join(EVIDENCE_DIR);
    let path = dir.join(format!("{}.evidence", first.origin().hash()));
    let write = || match parts.fs.exists(&path)? {
        true => Ok(()),
        false => {
            parts.fs.create_dir_all(&dir)?;
            write_atomic(parts.fs.as_ref(), &path, &evidence.to_bytes())
        }
    };
    // Failing to keep it must not keep us from refusing.
    match write() {
        Ok(()) => tracing::error!(path = %path.display(), "a log signed a fork, evidence kept"),
        Err(error) => {
            tracing::error!(error = %causes(&error), "a log signed a fork, evidence lost");
        }
    }
}

impl Lost {
    fn nothing() -> Self {
        Self {
            heads: BTreeMap::new(),
            time: None,
        }
    }

    fn of(store: &Store) -> Self {
        let origins = store.records().map(|(origin, _)| origin);
        let heads = origins.filter_map(|origin| Some((origin.clone(), store.latest(origin)?)));
        Self {
            heads: heads.collect(),
            time: store.latest_time(),
        }
    }
}

/// The checkpoints readers may have, by origin hash: log's lines, then ours; all of them stored before.
///
/// Our line is made when it is asked for: key, text and time give the same one each time.
#[derive(Clone, Debug)]
pub struct Shelf {
    key: Arc<dyn Cosign>,
    cosigned: Arc<RwLock<BTreeMap<String, Arc<Cosigned>>>>,
}

impl Shelf {
    fn new(key: Arc<dyn Cosign>) -> Self {
        Self {
            key,
            cosigned: Arc::default(),
        }
    }

    /// The latest checkpoint of the log whose origin has this SHA-256, in lower-case hex.
    #[must_use]
    pub fn get(&self, origin_hash: &str) -> Option<String> {
        let shelf = self.cosigned.read();
        let shelf = shelf.unwrap_or_else(PoisonError::into_inner);
        let cosigned = Arc::clone(shelf.get(origin_hash)?);
        drop(shelf);
        // What is on the shelf was opened as a note before.
        let note = Note::parse(cosigned.note().as_bytes()).ok()?;
        let line = self.key.cosign(note.text(), cosigned.time());
        Some(format!("{note}{line}\n"))
    }

    fn lay_out(&self, changes: impl IntoIterator<Item = (Origin, Arc<Cosigned>)>) {
        let shelf = self.cosigned.write();
        let mut shelf = shelf.unwrap_or_else(PoisonError::into_inner);
        let changes = changes.into_iter();
        shelf.extend(changes.map(|(origin, cosigned)| (origin.hash(), cosigned)));
    }

    fn lay_out_all(&self, store: &Store) {
        let records = store.records();
        let cosigned =
            records.filter_map(|(origin, record)| Some((origin.clone(), Arc::clone(record?))));
        self.lay_out(cosigned);
    }
}

/// Where proofs that a log signed a fork are kept, one a log.
pub const EVIDENCE_DIR: &str = "evidence";

/// Why a witness does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The lists of logs are unfit.
    #[error("cannot read the lists of logs")]
    KnownLogs(#[from] crate::known_logs::KnownLogsError),
    /// The store is unfit.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
}

/// Makes the files of a new witness, but the key: two empty lists and an empty store.
///
/// # Errors
/// [`OpenError`].
pub fn create(fs: &Arc<dyn Fs>, dir: &Path) -> Result<(), OpenError> {
    KnownLogs::default().save(fs.as_ref(), dir)?;
    Store::create(fs, dir)?;
    Ok(())
}
