//! Catching up: what is copied is verified, and told before the position moves.
//!
//! ```text
//! a piece: entries up to a state head ─▶ evidence, kept ─▶ alerts, in the journal ─▶ state, kept now and then
//! ```
//! After a crash the pieces since the last kept state come again, and their alerts carry the ids they had.

use std::{
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use labelproof::evidence::{MakeError, back_dated, bad_entry, wrong_head};
use labelproof_core::{
    checkpoint::SignedCheckpoint,
    event::{Event, LabelId, Subject},
    evidence::Evidence,
    merkle::{LeafIndex, TreeSize, prove_inclusion},
    time::Time,
    tlog_proof::TlogProof,
};
use labelproof_host::tiles::{DirTiles, TileReader, TilesError};
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

/// Why a piece ends.
pub(super) enum Ended {
    /// It is large enough.
    Enough,
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
            self.judge_adverse(&mut verifier, &copy);
        }
        // Without it what was not told is verified again, from what was kept.
        if !matches!(done, Err(Fault::Untold(_))) {
            self.verifier = Some(verifier);
        }
        self.standing.verified = self.verified();
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
        let size = copy.head.head().size().get();
        let begin = Instant::now();
        while verifier.next().get() < size {
            self.must_go_on().map_err(Fault::Told)?;
            let waiting = size - verifier.next().get();
            if begin.elapsed() > MAX_CATCH_UP {
                let entries = waiting;
                return Err(Fault::Told(Blindness::Backlog { entries }.into()));
            }
            let mut piece = Piece::default();
            let ended = read(verifier, copy, &mut piece);
            // SPEC state.md: the head is the entry at C−1.
            if verifier.next().get() == size && !piece.ends_in_head && piece.entries > 0 {
                let last = LeafIndex::new(size - 1);
                if piece
                    .breaches
                    .last()
                    .is_none_or(|(index, _)| *index != last)
                {
                    piece.breaches.push((last, Breach::BadEntry));
                }
            }
            self.settle(verifier, copy, piece, now)
                .map_err(Fault::Untold)?;
            let total = size;
            let done = verifier.next().get();
            self.shared
                .onlooker
                .progress(Progress::Verifying { done, total });
            match ended {
                Ok(()) | Err(Ended::Enough) => {}
                Err(Ended::Copy(error)) => return Err(Fault::Told(Hitch::Copy(error))),
                Err(Ended::Halt(halt)) => {
                    return Err(match halt {
                        Halt::OtherGenesis => Fault::Told(Blindness::OtherGenesis.into()),
                        Halt::UnknownRules(rules) => {
                            Fault::Told(Blindness::UnknownRules { rules }.into())
                        }
                        Halt::NeedsHistory(_) | Halt::Doubt => Fault::Doubt,
                    });
                }
            }
        }
        Ok(())
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
            let since = self.since;
            if since.is_some_and(|since| since.tells(logged.index, logged.clock_ms)) {
                alerts.extend(self.watched(verifier, copy, logged, now)?);
            }
        }
        self.shared.tell(alerts)?;
        self.standing.entries += piece.entries;
        self.standing.verified = TreeSize::new(verifier.next().get());
        self.shared.board.put(self.standing.clone());
        self.keep_state_if_due(verifier)?;
        verifier.forget();
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
    /// Everything that was verified is told.
    Told(Hitch),
    /// What was verified is not told.
    Untold(Hitch),
    /// The own state does not fit the log.
    Doubt,
}

/// Verifies entries up to a state head, once there are enough.
fn read(verifier: &mut Verifier, copy: &Copy, piece: &mut Piece) -> Result<(), Ended> {
    let range = verifier.next()..LeafIndex::new(copy.head.head().size().get());
    copy.tiles.entries(range, |index, entry| {
        let mut verdict = verifier.take(entry);
        if let Err(Halt::NeedsHistory(labels)) = &verdict {
            let labels = labels.clone();
            load(verifier, copy, &labels)?;
            verdict = verifier.take(entry);
        }
        piece.ends_in_head = false;
        match verdict.map_err(Ended::Halt)? {
            Verdict::Event(event) => piece.events.push(LoggedEvent {
                index,
                event,
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
        piece.entries += 1;
        let is_enough = piece.ends_in_head && piece.entries >= PIECE_ENTRIES;
        match is_enough || piece.entries >= MAX_PIECE_ENTRIES {
            true => Err(Ended::Enough),
            false => Ok(()),
        }
    })
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
