//! Catching up: what is copied is verified, and told before the position moves.
//!
//! ```text
//! bundles, read ahead on every core ─▶ a piece: entries up to a state head ─▶ evidence, kept ─▶ alerts, in the journal ─▶ state, kept now and then
//! ```
//! After a crash the pieces since the last kept state come again, and their alerts carry the ids they had.

use std::{
    mem,
    sync::{MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use labelproof::evidence::{MakeError, back_dated, bad_entry, wrong_head};
use labelproof_core::{
    checkpoint::SignedCheckpoint,
    event::{Event, LabelId, Subject},
    evidence::Evidence,
    merkle::{LeafIndex, TreeSize, prove_inclusion},
    state::{AuthorityKeys, ReadEntry},
    tile::Width,
    time::Time,
    tlog_proof::TlogProof,
};
use labelproof_host::{
    hands::in_order,
    tiles::{DirTiles, TileReader, TilesError},
};
use tracing::warn;

use super::{Follower, Hitch, Progress, own_files};
use crate::{
    alert::Alert,
    finding::{Blindness, Logged},
    own::{self, Owned},
    rules::{self, Rules},
    verify::{Breach, Halt, Verdict, Verifier},
    watch::Background,
};

/// The copy, under the head that it is complete for.
pub(super) struct Copy {
    head: SignedCheckpoint,
    tiles: TileReader<DirTiles>,
}

/// What a piece of the log holds that somebody may want to know.
#[derive(Default)]
struct Piece {
    entries: u64,
    events: Vec<LoggedEvent>,
    /// How many of the events are under a head of this piece.
    closed: usize,
    breaches: Vec<(LeafIndex, Breach)>,
    ends_in_head: bool,
}

struct LoggedEvent {
    index: LeafIndex,
    event: Box<Event>,
    /// The clock of the head that closed its batch.
    clock_ms: Option<u64>,
}

impl Piece {
    /// Whether it is to be told before more is read.
    fn is_enough(&self) -> bool {
        (self.ends_in_head && self.entries >= PIECE_ENTRIES) || self.entries >= MAX_PIECE_ENTRIES
    }
}

/// Why an entry is not taken.
pub(super) enum Ended {
    Halt(Halt),
    Copy(TilesError),
}

impl From<TilesError> for Ended {
    fn from(error: TilesError) -> Self {
        Self::Copy(error)
    }
}

impl Follower {
    /// Verifies everything that is copied, for a while.
    pub(super) fn catch_up(&mut self, now: Time) -> Result<(), Hitch> {
        let copied = self.copied().map_err(|error| own_files(&error))?;
        let Some(head) = copied else {
            return Ok(());
        };
        let tiles = self.folder.tiles_under(&head);
        let copy = Copy { head, tiles };
        self.standing.downloaded = copy.head.head().size();
        let refreshed = self.rules().refresh(now);
        self.shared.tell(refreshed)?;
        let mut verifier = match self.verifier.take() {
            Some(verifier) => verifier,
            None => {
                let verifier = self.take_up(&copy.tiles).map_err(Hitch::Copy)?;
                self.kept = verifier.next();
                verifier
            }
        };
        let done = self.pieces(&mut verifier, &copy, now);
        if done.is_ok() {
            self.standing.verified = TreeSize::new(verifier.next().get());
            self.judge_adverse(&mut verifier, &copy);
        }
        // Without it what was not told is verified again, from what was kept.
        if !matches!(done, Err(Fault::Untold(_))) {
            self.standing.verified = TreeSize::new(verifier.next().get());
            self.verifier = Some(verifier);
        }
        match done {
            Ok(()) => Ok(()),
            Err(Fault::Untold(hitch) | Fault::Told(hitch)) => Err(hitch),
            Err(Fault::Doubt) => {
                warn!(origin = %self.log.origin(), "the own state is in doubt; verifying from entry 0");
                self.drop_state()?;
                Err(Blindness::OwnFiles {
                    why: "what was kept of the log does not fit it, and is made anew".to_owned(),
                }
                .into())
            }
        }
    }

    fn pieces(&mut self, verifier: &mut Verifier, copy: &Copy, now: Time) -> Result<(), Fault> {
        let (from, size) = (verifier.next().get(), copy.head.head().size().get());
        if from >= size {
            return Ok(());
        }
        // SPEC state.md: the head is the entry at C−1.
        let last = LeafIndex::new(size - 1);
        let begin = Instant::now();
        let keys = RwLock::new(verifier.keys());
        let mut piece = Piece::default();
        let bundle = u64::from(Width::FULL.get());
        let read = in_order(
            (from / bundle..size.div_ceil(bundle)).map(|number| from.max(number * bundle)),
            |first| read_ahead(copy, LeafIndex::new(first), &keys),
            |ahead| {
                for (index, entry) in ahead.map_err(Ended::from)? {
                    take(verifier, copy, &mut piece, index, entry)?;
                    // The last piece is settled below, where it must end in a head.
                    if index == last || !piece.is_enough() {
                        continue;
                    }
                    self.settle(verifier, copy, mem::take(&mut piece), now)
                        .map_err(Fault::Untold)?;
                    *keys.write().unwrap_or_else(PoisonError::into_inner) = verifier.keys();
                    self.must_go_on().map_err(Fault::Told)?;
                    if begin.elapsed() > MAX_CATCH_UP {
                        let entries = size - verifier.next().get();
                        return Err(Fault::Told(Blindness::Backlog { entries }.into()));
                    }
                }
                Ok(())
            },
        );
        if let Err(untold @ Fault::Untold(_)) = read {
            return Err(untold);
        }
        let is_told = |piece: &Piece| piece.breaches.last().is_some_and(|(at, _)| *at == last);
        if verifier.next().get() == size && !piece.ends_in_head && !is_told(&piece) {
            piece.breaches.push((last, Breach::BadEntry));
        }
        self.settle(verifier, copy, piece, now)
            .map_err(Fault::Untold)?;
        read
    }

    /// Tells what a piece holds, and moves on behind it.
    fn settle(
        &mut self,
        verifier: &mut Verifier,
        copy: &Copy,
        piece: Piece,
        now: Time,
    ) -> Result<(), Hitch> {
        for (index, breach) in &piece.breaches {
            let evidence = evidence(copy, *index, *breach)?;
            self.accuse(index.get(), evidence, now)?;
        }
        let mut alerts = Vec::new();
        for logged in piece.events {
            if let Some(listener) = &self.shared.listener {
                let mut listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
                listener.logged(logged.index, &logged.event);
            }
            let closed = logged.clock_ms.and_then(|ms| Time::from_unix(ms / 1_000));
            if let (Some(canary), Some(closed)) = (&mut self.canary, closed) {
                canary.hear(&logged.event, closed.min(now));
            }
            let since = self.since;
            if since.is_some_and(|since| since.tells(logged.index, logged.clock_ms)) {
                alerts.extend(self.watched(verifier, copy, logged, now)?);
            }
        }
        self.shared.tell(alerts)?;
        self.standing.entries += piece.entries;
        self.standing.verified = TreeSize::new(verifier.next().get());
        self.shared.board.put(self.standing.clone());
        self.keep_canary()?;
        self.keep_state_if_due(verifier)?;
        verifier.forget();
        let (done, total) = (verifier.next().get(), self.standing.downloaded.get());
        self.shared
            .onlooker
            .progress(Progress::Verifying { done, total });
        Ok(())
    }

    fn watched(
        &self,
        verifier: &Verifier,
        copy: &Copy,
        logged: LoggedEvent,
        now: Time,
    ) -> Result<Vec<Alert>, Hitch> {
        let event = *logged.event;
        let mut rules = self.rules();
        let background = match rules.needs_background(&event) {
            true => background(verifier, copy, &event, logged.index)?,
            false => Background::default(),
        };
        let met = rules.event(&event, &background);
        let owned = rules.owned(&event);
        if met.is_empty() && owned == Owned::Fine {
            return Ok(Vec::new());
        }
        let path = prove_inclusion(&copy.tiles, logged.index, copy.head.head().size())
            .map_err(Hitch::Copy)?;
        let proof = TlogProof::new(None, logged.index, path, copy.head.note().clone());
        let proof = proof.map_err(|error| own_files(&error))?;
        let logged = Logged::new(event, proof);
        let mut alerts = rules::watched(&met, &logged, now);
        alerts.extend(own::alert(&owned, &logged, now));
        Ok(alerts)
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.shared
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why catching up ended early.
enum Fault {
    /// What was verified is told, or will be.
    Told(Hitch),
    /// What was verified is not told.
    Untold(Hitch),
    /// The own state does not fit the log.
    Doubt,
}

impl From<Ended> for Fault {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Copy(error) => Self::Told(Hitch::Copy(error)),
            Ended::Halt(Halt::OtherGenesis) => Self::Told(Blindness::OtherGenesis.into()),
            Ended::Halt(Halt::UnknownRules(rules)) => {
                Self::Told(Blindness::UnknownRules { rules }.into())
            }
            Ended::Halt(Halt::NeedsHistory(_) | Halt::Doubt) => Self::Doubt,
        }
    }
}

/// The rest of a bundle from an entry on, each entry parsed, its signatures verified by the keys known so far.
fn read_ahead(
    copy: &Copy,
    first: LeafIndex,
    keys: &RwLock<AuthorityKeys>,
) -> Result<Vec<(LeafIndex, ReadEntry)>, TilesError> {
    let bundle = copy.tiles.bundle(first)?;
    let start = first.get() - first.get() % u64::from(Width::FULL.get());
    let keys = keys.read().unwrap_or_else(PoisonError::into_inner);
    let entries = (start..).zip(bundle.into_entries());
    let entries = entries.skip_while(|(index, _)| *index < first.get());
    let read = |(index, entry)| (LeafIndex::new(index), ReadEntry::read(entry, &keys));
    Ok(entries.map(read).collect())
}

/// Verifies the next entry, and keeps what it is.
fn take(
    verifier: &mut Verifier,
    copy: &Copy,
    piece: &mut Piece,
    index: LeafIndex,
    entry: ReadEntry,
) -> Result<(), Ended> {
    let mut verdict = verifier.take(&entry);
    if let Err(Halt::NeedsHistory(labels)) = &verdict {
        let labels = labels.clone();
        load(verifier, copy, &labels)?;
        verdict = verifier.take(&entry);
    }
    let verdict = verdict.map_err(Ended::Halt)?;
    piece.entries += 1;
    piece.ends_in_head = false;
    match verdict {
        Verdict::Event => piece.events.push(LoggedEvent {
            index,
            event: entry.into_event().expect("it is one"),
            clock_ms: None,
        }),
        Verdict::Head { clock_ms } => {
            for logged in &mut piece.events[piece.closed..] {
                logged.clock_ms = Some(clock_ms);
            }
            piece.closed = piece.events.len();
            piece.ends_in_head = true;
        }
        Verdict::Broken(breach) => {
            piece.breaches.push((index, breach));
            piece.ends_in_head = breach != Breach::BadEntry;
        }
        Verdict::StillWrong => piece.ends_in_head = true,
    }
    Ok(())
}

/// Takes in the events of labels that an entry asks for.
pub(super) fn load(verifier: &mut Verifier, copy: &Copy, labels: &[LabelId]) -> Result<(), Ended> {
    for label in labels {
        let indices = verifier.history(&Subject::Label(label.clone()));
        let entries = indices
            .into_iter()
            .map(|at| Ok((at, copy.tiles.entry(at)?)))
            .collect::<Result<Vec<_>, TilesError>>()?;
        verifier.load(label, &entries).map_err(Ended::Halt)?;
    }
    Ok(())
}

/// What earlier events of the subject say of it.
fn background(
    verifier: &Verifier,
    copy: &Copy,
    event: &Event,
    index: LeafIndex,
) -> Result<Background, Hitch> {
    let history = verifier.history(event.subject());
    let mut events = Vec::new();
    for at in history.into_iter().filter(|at| *at < index) {
        let entry = copy.tiles.entry(at).map_err(Hitch::Copy)?;
        events.extend(Event::parse(&entry));
    }
    Ok(Background::of(&events))
}

/// The evidence of a breach, under the head of the copy.
fn evidence(copy: &Copy, at: LeafIndex, breach: Breach) -> Result<Evidence, Hitch> {
    let Copy { head, tiles } = copy;
    let made = match breach {
        Breach::BadEntry => bad_entry(tiles, head, at),
        Breach::WrongHead => wrong_head(tiles, head, at),
        Breach::BackDated => back_dated(tiles, head, at),
    };
    made.map_err(|error| match error {
        MakeError::Tiles(error) => Hitch::Copy(error),
        error => own_files(&error).into(),
    })
}

/// A few thousand signatures: a tenth of a second, and what is told at once.
const PIECE_ENTRIES: u64 = 4_096;
/// Six full pools: only a log that closes no batch comes so far.
const MAX_PIECE_ENTRIES: u64 = 65_536;
/// How long heads may wait to be looked at; what is left then is a backlog.
const MAX_CATCH_UP: Duration = Duration::from_secs(60);
