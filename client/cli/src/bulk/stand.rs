//! Where labels stand now, asked of the log a few at a time, each answer proved.

use std::{
    collections::HashMap,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    sync::mpsc,
    thread,
    time::Duration,
};

use labelproof::{
    lookup::{Freshness, freshness, look_at},
    patience::{Passing, Pause, Retry, Sleep, Wish, patiently},
};
use labelproof_core::{
    event::{EventId, Subject},
    merkle::LeafIndex,
    state::record::Status,
};
use labelproof_host::exit::Exit;

use super::{Run, progress, rows::Fate};
use crate::{
    deliver::Destination,
    lookup::failed,
    publish::{MAX_AGE, shows},
    report::Failure,
};

/// Where a label stands.
#[derive(Debug)]
pub(crate) struct Stand {
    events: Vec<(EventId, LeafIndex)>,
    status: Option<Status>,
}

impl Stand {
    /// Its newest event; none if it was never issued.
    pub(crate) fn newest(&self) -> Option<EventId> {
        self.events.last().map(|(event, _)| *event)
    }

    /// Where an event of its history is.
    pub(crate) fn index_of(&self, event: EventId) -> Option<LeafIndex> {
        let found = self.events.iter().find(|(other, _)| *other == event);
        found.map(|(_, index)| *index)
    }
}

/// Where the labels of some rows stand, by the places of the rows.
#[derive(Debug, Default)]
pub(crate) struct Stands(HashMap<usize, Stand>);

impl Stands {
    /// Where the label of a row stands.
    pub(crate) fn of(&self, place: usize) -> Option<&Stand> {
        self.0.get(&place)
    }
}

impl Run<'_> {
    /// Looks at the labels of these rows; a row whose label cannot be looked at, or must exist and does not, fails.
    pub(super) fn look_at(
        &mut self,
        places: &[usize],
        to: &Destination<'_>,
    ) -> Result<Stands, Failure> {
        let mut stands = Stands::default();
        let subjects: Vec<(usize, Subject)> = places
            .iter()
            .map(|place| (*place, self.entries[*place].subject().clone()))
            .collect();
        let bar = progress::bar("asking", Some(subjects.len()));
        let now = self.world.now();
        let (next, patience) = (AtomicUsize::new(0), Shared::default());
        let (answers, arriving) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..ASKERS {
                let (answers, subjects) = (answers.clone(), &subjects);
                let (next, patience) = (&next, &patience);
                scope.spawn(move || {
                    while let Some((place, subject)) =
                        subjects.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let ask = || look_at(&to.server, to.log, subject, now);
                        let found = patience.ask(ask).map(|looked| {
                            let as_of = looked.as_of();
                            let events = looked
                                .history()
                                .iter()
                                .map(|past| (past.event().id(), past.index()));
                            let stand = Stand {
                                events: events.collect(),
                                status: looked.status(),
                            };
                            (stand, as_of)
                        });
                        let _ = answers.send((*place, found));
                    }
                });
            }
            drop(answers);
            for (place, found) in arriving {
                bar.inc(1);
                let entry = &mut self.entries[place];
                match found {
                    Err(error) => {
                        let failure = failed(&to.server, &error, self.world);
                        entry.fail("not-known", failure.exit(), failure.what());
                    }
                    Ok((_, as_of))
                        if !matches!(
                            freshness(as_of, now, MAX_AGE, None),
                            Freshness::Fresh { .. }
                        ) =>
                    {
                        let what = "the log's answer about it is too old to act on";
                        entry.fail("too-old", Exit::TooOld, what);
                    }
                    Ok((stand, _)) if stand.events.is_empty() && !self.kind.opens_subject() => {
                        let what = "was never issued; the log proves that";
                        let pointer = Some("/subject");
                        entry.fail_at(
                            self.columns,
                            pointer,
                            "unknown-label",
                            Exit::UnknownLabel,
                            what,
                        );
                    }
                    Ok((stand, _)) => {
                        stands.0.insert(place, stand);
                    }
                }
            }
        });
        bar.finish_and_clear();
        Ok(stands)
    }

    /// What takes away is done when the label's record shows it, not when it is logged.
    ///
    /// # Errors
    /// Exit 20 when the log's newest head is of another history than the one seen before.
    pub(super) fn prove_effects(&mut self, to: &Destination<'_>) -> Result<(), Failure> {
        let logged = |fate: &Fate| matches!(fate, Fate::Added(_) | Fate::Known(_));
        let places: Vec<usize> = (0..self.entries.len())
            .filter(|place| logged(&self.entries[*place].fate))
            .collect();
        let Some(last) = places.last() else {
            return Ok(());
        };
        if self.kind.may_be_blind() {
            let stands = self.look_at(&places, to)?;
            for place in &places {
                let Some(status) = stands.of(*place).and_then(|stand| stand.status) else {
                    continue;
                };
                if !shows(self.kind, status) {
                    let what = format!("is logged, but the label is {status}");
                    self.entries[*place].fail("no-effect", Exit::NotInLog, what);
                }
            }
        }
        // One answer goes into the trust store: the next run knows how far the log was.
        let subject = self.entries[*last].subject();
        let file = Path::new(&self.args.network.trust).display();
        match crate::lookup::look_up(&to.server, to.log, &to.store, subject, self.world) {
            Ok(_) => self.world.trace(format!("the head is kept beside {file}")),
            // Every row has its own proof; only the next run knows less.
            Err(failure) if failure.exit() == Exit::Unreachable => self.world.warn(format!(
                "{}; the newest head is not kept beside {file}",
                failure.what()
            )),
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

/// Patience that all askers share: a log that used it up for one row is asked once for each of the others.
#[derive(Debug, Default)]
pub(super) struct Shared {
    used_up: AtomicBool,
}

impl Shared {
    /// Does `work` with what patience is left.
    ///
    /// # Errors
    /// The last failure.
    pub(super) fn ask<T, E: Passing>(&self, work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        patiently(self, work).inspect_err(|error| {
            if error.retry() != Retry::Never {
                self.used_up.store(true, Ordering::Relaxed);
            }
        })
    }
}

impl Pause for Shared {
    fn pause(&self, time: Duration) -> Wish {
        if self.used_up.load(Ordering::Relaxed) {
            return Wish::Stop;
        }
        Sleep.pause(time)
    }
}

/// Two cores at each end.
const ASKERS: usize = 4;
