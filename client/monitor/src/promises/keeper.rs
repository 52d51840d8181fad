//! The keeper: what strangers and peers hand in is judged, watched, and held against our copy of the log.
//!
//! ```text
//! a head      not-mine · consistent · ahead, watched · forked, with evidence
//! a receipt   kept · watched until its deadline · forked, with evidence
//! an event    that takes away, and the state function would take: watched
//! each poll   heads that ours has reached are compared; deadlines that passed are told
//! ```
//! Evidence is made only of what the log's key signed and of nodes that a head of the log proves. A copy that cannot be
//! read decides nothing.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use labelproof::evidence::{CompareError, Compared, compare};
use labelproof_core::{
    checkpoint::{Checkpoint, Origin, SignedCheckpoint},
    event::Event,
    evidence::{Decision, Evidence, Proven},
    key::Vkey,
    merkle::{LeafHash, LeafIndex},
    note::Note,
    receipt::ReceiptError,
    refusal::Refusal,
    time::Time,
    tlog_proof::TlogProof,
};
use labelproof_host::{
    fs::FsError,
    logging::causes,
    tiles::{DirTiles, TileReader, TilesError},
};
use thiserror::Error;
use tracing::warn;

use super::{
    Full, Promise, Promises,
    file::{Files, of_receipt},
    queue::{Queue, Said},
};
use crate::{alert::Alert, board::Standing, follow::Shared, rules::Listener};

/// Watches promises; clones share them.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    shared: Shared,
    files: Files,
    promises: Mutex<Promises>,
    adverse: Queue,
}

/// What is to say of a head.
#[derive(Clone, Debug)]
pub struct Judged {
    /// How it stands to ours.
    pub verdict: Verdict,
    /// Our newest head of that log.
    pub ours: Option<SignedCheckpoint>,
}

/// How a head stands to ours.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is of a log that this monitor does not follow.
    NotMine,
    /// Ours continues it, or is the same.
    Consistent,
    /// It is larger; it is compared once ours is as large.
    Ahead,
    /// The log signed two histories.
    Forked(Box<Evidence>),
}

/// What is to say of a receipt.
#[derive(Clone, Debug)]
pub enum Promised {
    /// The event is in the log, under the newest head.
    Kept,
    /// The head is not there yet; it is watched.
    Watched {
        /// Until when it has to be.
        deadline: Time,
    },
    /// The log signed another history.
    Forked(Box<Evidence>),
}

impl Keeper {
    /// Watches what the folder holds, and what comes, of the logs with these keys.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn open(
        shared: Shared,
        dir: PathBuf,
        keys: &BTreeMap<Origin, Vec<Vkey>>,
    ) -> Result<Self, FsError> {
        let files = Files::open(shared.fs.clone(), dir)?;
        let mut promises = Promises::default();
        for promise in files.read(keys)? {
            if promises.add(promise).is_err() {
                warn!("more promises are kept than can be watched");
                break;
            }
        }
        Ok(Self(Arc::new(Inner {
            shared,
            files,
            promises: Mutex::new(promises),
            adverse: Queue::default(),
        })))
    }

    /// How many promises are open.
    pub fn open_promises(&self) -> usize {
        self.promises().len()
    }

    /// Judges a checkpoint that somebody saw.
    ///
    /// # Errors
    /// [`Unjudged`].
    pub fn judge_head(&self, note: &[u8]) -> Result<Judged, Unjudged> {
        let note = Note::parse(note).map_err(|_| Unjudged::Malformed("it is no signed note"))?;
        let checkpoint = Checkpoint::parse(note.text())
            .map_err(|_| Unjudged::Malformed("its text is no checkpoint"))?;
        let Some(log) = self.log(checkpoint.origin()) else {
            let verdict = Verdict::NotMine;
            return Ok(Judged {
                verdict,
                ours: None,
            });
        };
        let seen = SignedCheckpoint::open_as(note, log.origin(), log.log_keys())
            .map_err(|_| Unjudged::NotSigned)?;
        let verdict = match self.compare(&log, &seen)? {
            Compared::Consistent => Verdict::Consistent,
            Compared::Ahead => {
                self.watch(Promise::Head(seen))?;
                Verdict::Ahead
            }
            Compared::Forked(evidence) => {
                Verdict::Forked(self.accuse(seen.head().size().get(), *evidence)?)
            }
        };
        let ours = log.witnessed().cloned();
        Ok(Judged { verdict, ours })
    }

    /// Keeps and tells evidence that decides by itself, if it holds; says whether it did.
    ///
    /// # Errors
    /// [`Unjudged`].
    pub fn judge_evidence(&self, file: &[u8]) -> Result<bool, Unjudged> {
        let evidence = Evidence::parse(file).map_err(|_| Unjudged::Malformed("no evidence"))?;
        let log = self.log(evidence.origin()).ok_or(Unjudged::NotMine)?;
        let place = match evidence.verify(log.log_keys()) {
            Ok(Decision::Proven(Proven::Fork(fork))) => fork.smaller().head().size().get(),
            Ok(Decision::Proven(Proven::BackDated(heads))) => heads.later().index().get(),
            // What the entries decide, our own follower finds.
            Ok(Decision::Proven(_) | Decision::NeedsEntries(_)) | Err(_) => return Ok(false),
        };
        self.accuse(place, evidence)?;
        Ok(true)
    }

    /// Judges the receipt of an event, and watches it.
    ///
    /// # Errors
    /// [`Unjudged`].
    pub fn judge_receipt(&self, entry: &[u8], receipt: &[u8]) -> Result<Promised, Unjudged> {
        let event = Event::parse(entry).map_err(|_| Unjudged::Malformed("entry is no event"))?;
        let receipt = TlogProof::parse(receipt)
            .map_err(|_| Unjudged::Malformed("receipt is no tlog-proof"))?;
        let log = self.log(event.origin()).ok_or(Unjudged::NotMine)?;
        let leaf = LeafHash::of_entry(event.bytes());
        let promise = of_receipt(receipt, leaf, log.origin(), log.log_keys())?;
        let Promise::Receipt { seen, deadline, .. } = &promise else {
            return Err(Unjudged::NotSigned);
        };
        let deadline = *deadline;
        match self.compare(&log, seen)? {
            Compared::Consistent => Ok(Promised::Kept),
            Compared::Ahead => {
                self.watch(promise)?;
                Ok(Promised::Watched { deadline })
            }
            Compared::Forked(evidence) => {
                let size = seen.head().size().get();
                Ok(Promised::Forked(self.accuse(size, *evidence)?))
            }
        }
    }

    /// Judges an event that takes something away and that its log has not shown, and watches it; since when.
    ///
    /// Waits so long for the next poll; who asks again later gets the same answer.
    ///
    /// # Errors
    /// [`Unjudged`].
    pub fn judge_adverse(&self, entry: &[u8], patience: Duration) -> Result<Time, Unjudged> {
        let event = Event::parse(entry).map_err(|_| Unjudged::Malformed("it is no event"))?;
        self.log(event.origin()).ok_or(Unjudged::NotMine)?;
        if !event.body().takes_away() {
            return Err(Unjudged::NotAdverse);
        }
        let id = event.id();
        if self.promises().adverse(id).is_none() {
            let now = self.0.shared.clock.now();
            match self.0.adverse.ask(event, now, patience)? {
                Some(Said::Watched) => {}
                Some(Said::Refused(refusal)) => return Err(Unjudged::Refused(refusal)),
                Some(Said::NoRoom(full)) => return Err(full.into()),
                None => return Err(Unjudged::NotYet),
            }
        }
        self.promises().adverse(id).ok_or(Unjudged::NotYet)
    }

    fn log(&self, origin: &Origin) -> Option<Standing> {
        let logs = self.0.shared.board.logs();
        logs.into_iter().find(|log| log.origin() == origin)
    }

    fn compare(&self, log: &Standing, seen: &SignedCheckpoint) -> Result<Compared, Unjudged> {
        let ours = log.witnessed().ok_or(Unjudged::NotYet)?;
        let tiles = DirTiles::new(self.0.shared.fs.clone(), log.mirror().to_owned());
        let tiles = TileReader::new(tiles, ours);
        Ok(compare(&tiles, ours, seen)?)
    }

    fn watch(&self, promise: Promise) -> Result<(), Unjudged> {
        let mut promises = self.promises();
        if let Some(key) = promises.add(promise.clone())?
            && let Err(error) = self.0.files.keep(key, &promise)
        {
            // What would not outlive a restart was not promised to anybody.
            promises.decided(key);
            return Err(error.into());
        }
        Ok(())
    }

    /// Keeps evidence about this size or index, and tells of it.
    fn accuse(&self, place: u64, found: Evidence) -> Result<Box<Evidence>, FsError> {
        let shared = &self.0.shared;
        let kept = shared.casebook.keep(place, found)?;
        shared.tell(vec![Alert::evidence(&kept, shared.clock.now())])?;
        Ok(Box::new(kept))
    }

    fn decided(&self, keys: impl IntoIterator<Item = super::Key>) {
        for key in keys {
            self.promises().decided(key);
            self.0.files.forget(key);
        }
    }

    fn promises(&self) -> MutexGuard<'_, Promises> {
        // Nothing in it is left half done.
        self.0
            .promises
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Compares what can be compared now; what is to be told of promises that are late.
    fn polled(&self, log: &Standing, now: Time) -> Vec<Alert> {
        let Some(ours) = log.witnessed() else {
            return Vec::new();
        };
        let due = self.promises().due(log.origin(), ours.head().size());
        for (key, seen) in due {
            match self.compare(log, &seen) {
                Ok(Compared::Consistent) => self.decided([key]),
                Ok(Compared::Forked(evidence)) => {
                    match self.accuse(seen.head().size().get(), *evidence) {
                        Ok(_) => self.decided([key]),
                        Err(error) => {
                            warn!(
                                why = causes(&error),
                                "evidence cannot be kept; at the next poll again"
                            );
                        }
                    }
                }
                // The copy is behind, or is being mended.
                Ok(Compared::Ahead) | Err(_) => {}
            }
        }
        let mut promises = self.promises();
        let expired = promises.expired(now);
        let alerts = promises.overdue(log, self.0.shared.limits.max_age, now);
        drop(promises);
        self.decided(expired);
        alerts
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({} open)", self.open_promises())
    }
}

impl Listener for Keeper {
    fn logged(&mut self, _: LeafIndex, event: &Event) {
        let kept = self.promises().logged(event.id());
        self.decided(kept);
    }

    fn waiting(&mut self, log: &Standing) -> Vec<Event> {
        let mut waiting = self.0.adverse.of(log.origin());
        let max_age = self.0.shared.limits.max_age;
        waiting.extend(self.promises().to_call_late(log, max_age));
        waiting
    }

    fn judged(&mut self, event: &Event, said: Result<(), Refusal>) {
        let id = event.id();
        let refused = self.promises().call_late(id, &said);
        self.decided(refused);
        let Some(since) = self.0.adverse.since(id) else {
            return;
        };
        let said = match said {
            Err(refusal) => Said::Refused(refusal),
            Ok(()) => {
                // A clock that is behind would take a minute away from the log. While nothing bears it out, as after
                // a start with a copy that lags, it may be behind by as much as a log may be silent.
                let behind = self.log(event.origin()).and_then(|log| log.behind);
                let unknown = self.0.shared.limits.max_age.as_secs();
                let since = since.plus_seconds(behind.unwrap_or(unknown));
                let event = Box::new(event.clone());
                match self.watch(Promise::Adverse { event, since }) {
                    Ok(()) => Said::Watched,
                    Err(Unjudged::Full(full)) => Said::NoRoom(full),
                    Err(error) => {
                        warn!(
                            why = causes(&error),
                            "cannot watch an event; at the next poll again"
                        );
                        return;
                    }
                }
            }
        };
        self.0.adverse.say(id, said);
    }

    fn head(&mut self, standing: &Standing, now: Time) -> Vec<Alert> {
        self.polled(standing, now)
    }
}

/// Why something that was handed in is not judged.
#[derive(Debug, Error)]
pub enum Unjudged {
    /// Not what it should be.
    #[error("{0}")]
    Malformed(&'static str),
    /// Of a log that this monitor does not follow.
    #[error("it is of a log that this monitor does not follow")]
    NotMine,
    /// No key of the log in the trust file signed it.
    #[error("no key of that log in the trust file signed it, or a signature line of it fails")]
    NotSigned,
    /// The receipt promises nothing.
    #[error("the receipt promises nothing")]
    Receipt(#[from] ReceiptError),
    /// Nothing of ours to hold it against.
    #[error("this monitor has not verified so much of that log yet")]
    NotYet,
    /// Our copy does not prove how the two stand to each other.
    #[error("the monitor's copy of that log cannot be read now")]
    Copy(#[from] CompareError<TilesError>),
    /// It takes nothing away.
    #[error("it takes nothing away; only events that do are watched")]
    NotAdverse,
    /// The log would not have to take it.
    #[error("the state function refuses it as the next entry")]
    Refused(#[source] Refusal),
    /// As many are watched as can be.
    #[error(transparent)]
    Full(#[from] Full),
    /// Our own files.
    #[error("the monitor's files cannot be written")]
    Files(#[from] FsError),
}
