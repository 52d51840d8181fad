//! Admission: from submitted bytes to a place in the log, or a refusal.
//!
//! ```text
//! parse ─▶ admission rules ─▶ known already? ─▶ signatures, no lock held ─▶ lock: state function, pool
//! ```
//! Events take their final index here: the order in which they pass the lock is their order in the log.
//! A second submitter of an event waits on the first; what is logged is answered with its index.

use std::sync::MutexGuard;

use labelproof_core::{
    event::{Event, EventId, Kind, LabelId, admission},
    merkle::{LeafHash, LeafIndex},
    refusal::Refusal,
    state::SignatureMemo,
};
use labelproof_host::logging::causes;
use tracing::{error, warn};

use crate::{
    http::error::Problem,
    log::{Hold, Log, Tip},
    lookup,
    pool::{Class, PoolFull},
    progress::Epoch,
    storage::StorageError,
};

/// An event with its place in the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Admitted {
    index: LeafIndex,
    event: EventId,
    leaf: LeafHash,
    epoch: Epoch,
    arrival: Arrival,
}

/// Whether this submission brought the event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// It did.
    New,
    /// It was there: waiting, or in the log.
    Known,
}

impl Admitted {
    /// Where the event stands, or will stand.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// Its id.
    #[must_use]
    pub fn event(&self) -> EventId {
        self.event
    }

    /// The leaf hash of the bytes that are logged; another signature line makes other bytes.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        self.leaf
    }

    /// When it was admitted, for [`crate::progress::Progress::standing`].
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether this submission brought it.
    #[must_use]
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }
}

impl Log {
    /// Admits an event.
    ///
    /// # Errors
    /// [`Problem::Refused`] by parser, admission rules or state function; else why nothing is taken at the moment.
    pub fn admit(&self, bytes: &[u8]) -> Result<Admitted, Problem> {
        let event = self.parse(bytes)?;
        if let Some(known) = self.known(event.id())? {
            return Ok(known);
        }
        let memo = self.verify(&event)?;
        // Between looking up a label and taking the lock again another event of it may come in, and
        // once it is loaded it stays: two rounds are enough unless the index misses something.
        for _ in 0..MAX_LOADS {
            match self.try_admit(&event, &memo)? {
                Attempt::Admitted(admitted) => return Ok(admitted),
                Attempt::Refused(refusal, history) => {
                    let logged = self.in_history(event.id(), &history)?;
                    return logged.ok_or(Problem::Refused(refusal));
                }
                Attempt::Load(labels) => self.load_labels(&labels)?,
            }
        }
        Err(INDEX_MISSES)
    }

    /// Admits the issue of a label that the log does not have, which needs no look at index or files.
    ///
    /// `None` for every other event, and where something changes meanwhile: then [`Log::admit`] decides.
    ///
    /// # Errors
    /// As [`Log::admit`].
    pub(crate) fn admit_new(&self, bytes: &[u8]) -> Result<Option<Admitted>, Problem> {
        let event = self.parse(bytes)?;
        if event.kind() != Kind::LabelIssue {
            return Ok(None);
        }
        let (writable, keys) = {
            let tip = self.tip();
            // A label without a record has no event in the log, so this one is not there either.
            let state = tip.state.as_ref().filter(|state| {
                state.needs_history(&event).is_empty()
                    && state.subject_indices(event.subject()).is_none()
            });
            let Some(state) = state else {
                return Ok(None);
            };
            (self.check_writable(&tip), state.candidate_keys(&event))
        };
        admission::admit(&event, self.setting().clock.now())?;
        writable?;
        let memo = SignatureMemo::verify(&event, &keys);
        match self.try_admit(&event, &memo)? {
            Attempt::Admitted(admitted) => Ok(Some(admitted)),
            // Asked once more it would use up twice what its signer may do.
            Attempt::Refused(refusal, history) if history.is_empty() => Err(refusal.into()),
            Attempt::Refused(..) | Attempt::Load(_) => Ok(None),
        }
    }

    /// Tells whether the log would take an event now, and takes nothing; what is logged already it would take again.
    ///
    /// # Errors
    /// As [`Log::admit`].
    pub fn try_out(&self, bytes: &[u8]) -> Result<EventId, Problem> {
        let event = self.parse(bytes)?;
        if self.known(event.id())?.is_some() {
            return Ok(event.id());
        }
        let memo = self.verify(&event)?;
        for _ in 0..MAX_LOADS {
            let guard = self.writable()?;
            let state = guard.state.as_ref().expect("a writable tip has a state");
            let labels = state.needs_history(&event);
            if labels.is_empty() {
                state.check(&event, &memo)?;
                return Ok(event.id());
            }
            drop(guard);
            self.load_labels(&labels)?;
        }
        Err(INDEX_MISSES)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Event, Problem> {
        let event = Event::parse(bytes)?;
        if *event.origin() != self.setting().origin {
            return Err(Refusal::WrongLog.into());
        }
        Ok(event)
    }

    /// Applies the admission rules and verifies signatures, with no lock held.
    fn verify(&self, event: &Event) -> Result<SignatureMemo, Problem> {
        let now = self.setting().clock.now();
        admission::admit(event, now)?;
        // The keys in force may change before the lock is taken again; what the memo then misses is
        // verified under the lock.
        let keys = self
            .writable()?
            .state
            .as_ref()
            .map(|state| state.candidate_keys(event))
            .unwrap_or_default();
        Ok(SignatureMemo::verify(event, &keys))
    }

    fn try_admit(&self, event: &Event, memo: &SignatureMemo) -> Result<Attempt, Problem> {
        let mut guard = self.writable()?;
        let epoch = self.standing().epoch();
        let tip = &mut *guard;
        let place = |index, leaf, arrival| Admitted {
            index,
            event: event.id(),
            leaf,
            epoch,
            arrival,
        };
        if let Some((index, leaf)) = tip.waiting.get(&event.id()) {
            return Ok(Attempt::Admitted(place(*index, *leaf, Arrival::Known)));
        }
        let state = tip.state.as_mut().expect("a writable tip has a state");
        let labels = state.needs_history(event);
        if !labels.is_empty() {
            return Ok(Attempt::Load(labels));
        }
        tip.pool
            .check_room(class_of(event.kind()), event.bytes().len())
            .map_err(|PoolFull| Problem::PoolFull)?;
        // Only a verified signature uses up what its holder may do; without one the state function refuses.
        if let Some(name) = memo.signer(event) {
            let now_ms = self.setting().clock.unix_ms();
            let class = class_of(event.kind());
            let taken = tip.meter.take(name.as_str(), class, now_ms);
            if taken.is_err() {
                self.setting().metrics.over_quota(class);
            }
            taken.map_err(Problem::Quota)?;
        }
        let applied = match state.apply(event, memo) {
            Ok(applied) => applied,
            Err(refusal) => {
                let history = state.subject_indices(event.subject()).unwrap_or_default();
                return Ok(Attempt::Refused(refusal, history));
            }
        };
        let indexed = lookup::indexed(state, event, applied.index());
        tip.pool.push(event.bytes().to_vec());
        tip.pooled.push(indexed);
        tip.waiting
            .insert(event.id(), (applied.index(), applied.leaf()));
        Ok(Attempt::Admitted(place(
            applied.index(),
            applied.leaf(),
            Arrival::New,
        )))
    }

    /// Locks the tip if events may be added to it.
    fn writable(&self) -> Result<MutexGuard<'_, Tip>, Problem> {
        let tip = self.tip();
        self.check_writable(&tip)?;
        Ok(tip)
    }

    /// Checks that events may be added to the tip.
    fn check_writable(&self, tip: &Tip) -> Result<(), Problem> {
        if let Some(hold) = &tip.hold {
            return Err(Problem::Starting { why: hold.why() });
        }
        let Some(state) = &tip.state else {
            return Err(Problem::Starting {
                why: Hold::Loading.why(),
            });
        };
        let published = self.standing().published().get();
        let unpublished = state.next_index().get().saturating_sub(published);
        if self.unpublished() >= MAX_UNPUBLISHED_BATCHES || unpublished >= MAX_UNPUBLISHED_EVENTS {
            return Err(Problem::NoQuorum);
        }
        Ok(())
    }

    /// Where an event stands that waits, that was logged lately, or that the index knows.
    fn known(&self, id: EventId) -> Result<Option<Admitted>, Problem> {
        let in_memory = {
            let tip = self.tip();
            tip.waiting
                .get(&id)
                .copied()
                .or_else(|| tip.latest.get(&id))
        };
        if let Some((index, leaf)) = in_memory {
            let epoch = self.standing().epoch();
            return Ok(Some(Admitted {
                index,
                event: id,
                leaf,
                epoch,
                arrival: Arrival::Known,
            }));
        }
        self.logged_event(id)
    }

    /// Where an event stands that is in the log.
    ///
    /// # Errors
    /// [`Problem::Storage`] if its entry cannot be read.
    pub fn logged_event(&self, id: EventId) -> Result<Option<Admitted>, Problem> {
        match self.setting().index.event(&id) {
            Some(index) => self.logged(id, index),
            None => Ok(None),
        }
    }

    /// Checks a place that the index named: the entry there must be this event.
    fn logged(&self, id: EventId, index: LeafIndex) -> Result<Option<Admitted>, Problem> {
        let progress = self.standing();
        if !progress.acknowledged().contains(index) {
            return Ok(None);
        }
        let read = self.setting().directory.entry(index);
        let entry = self.setting().metrics.noticed(read)?;
        let is_it = Event::parse(&entry).is_ok_and(|event| event.id() == id);
        let leaf = LeafHash::of_entry(&entry);
        Ok(is_it.then_some(Admitted {
            index,
            event: id,
            leaf,
            epoch: progress.epoch(),
            arrival: Arrival::Known,
        }))
    }

    /// Looks for a refused event among its subject's newest: the index may have missed that it is logged.
    fn in_history(&self, id: EventId, history: &[LeafIndex]) -> Result<Option<Admitted>, Problem> {
        for index in history.iter().rev().take(MAX_HISTORY) {
            if let Some(admitted) = self.logged(id, *index)? {
                warn!(event = %id, %index, "the index missed an event; it is made anew");
                self.suspect_index();
                return Ok(Some(admitted));
            }
        }
        Ok(None)
    }

    /// Loads the histories of labels into the tip.
    fn load_labels(&self, labels: &[LabelId]) -> Result<(), Problem> {
        for label in labels {
            let place = self.tip().state.as_ref().and_then(|state| {
                let key = lookup::label_key(state, label)?;
                Some((key, state.first_event(&key), state.next_index()))
            });
            let indices = place
                .map(|(key, first, end)| lookup::label_indices(self.setting(), &key, first, end))
                .unwrap_or_default();
            let entries = lookup::entries_at(self.setting(), &indices)?;
            let mut tip = self.tip();
            let Some(state) = tip.state.as_mut() else {
                return Err(Problem::Starting {
                    why: Hold::Loading.why(),
                });
            };
            if let Err(error) = state.load_label(label, &entries) {
                warn!(%label, %error, "the index does not know the whole history of a label; it is made anew");
                self.suspect_index();
                return Err(Problem::REINDEXING);
            }
        }
        Ok(())
    }
}

/// A label that was just loaded is asked for again.
const INDEX_MISSES: Problem = Problem::Starting {
    why: "the index is being rebuilt",
};

enum Attempt {
    Admitted(Admitted),
    /// Refused; and where the accepted events of its subject are.
    Refused(Refusal, Vec<LeafIndex>),
    /// The histories of these labels are needed first.
    Load(Vec<LabelId>),
}

impl Hold {
    /// Why nothing is taken, in words.
    #[must_use]
    pub fn why(&self) -> &'static str {
        match self {
            Self::Loading => "the store is being loaded",
            Self::Failed { .. } => "the store failed and is being loaded again",
            Self::Asking => "too few witnesses have said yet which size they hold",
            Self::Clock { .. } => "the clock of this machine stepped back",
            Self::Skewed(_) => {
                "the clock of this machine is over an hour off those of the witnesses"
            }
            Self::Older(_) => {
                "a witness holds a larger size of this log; this store is an old copy"
            }
            Self::Ending => "the log is stopping",
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        error!(error = causes(&error), "the store cannot be read");
        Self::Storage
    }
}

/// Whether events of a kind give or take away.
pub(crate) fn class_of(kind: Kind) -> Class {
    match kind {
        Kind::LabelUnbind
        | Kind::LabelSuspend
        | Kind::LabelRevoke
        | Kind::AuthorityKey
        | Kind::AuthorityWithdraw
        | Kind::MemberRoot => Class::TakesAway,
        Kind::LogGenesis
        | Kind::SchemeDefine
        | Kind::AuthorityAccredit
        | Kind::LabelIssue
        | Kind::LabelRenew
        | Kind::LabelAmend
        | Kind::LabelBind
        | Kind::LabelReinstate => Class::Grants,
    }
}

/// Batches that may wait for the quorum: a minute at the usual interval.
pub const MAX_UNPUBLISHED_BATCHES: usize = 64;
/// Entries that may wait for the quorum: what the views kept back to the published head cost in memory.
pub const MAX_UNPUBLISHED_EVENTS: u64 = 65_536;
/// Rounds of loading histories; a label that is loaded stays, so the third is never needed.
const MAX_LOADS: usize = 3;
/// How far back a refused event is looked for: each is one read, and anyone can cause it.
const MAX_HISTORY: usize = 16;
