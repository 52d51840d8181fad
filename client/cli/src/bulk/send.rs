//! Sending the open rows, and what each answer makes of its row.

use labelproof::{
    batch::{Mode, Note, Outcome, Sender},
    lookup::look_at,
    patience::Sleep,
    submit::Arrival,
};
use labelproof_core::merkle::LeafIndex;
use labelproof_host::exit::Exit;

use super::{
    Run,
    columns::Columns,
    journal::Logged,
    progress,
    rows::{Entry, Fate},
    stand::Shared,
};
use crate::{
    deliver::Destination,
    lookup::failed,
    outcome::{entry_exit, problem_exit, server_exit},
    report::{Failure, chain},
};

impl Run<'_> {
    /// Sends every open row that is signed.
    ///
    /// # Errors
    /// Only when what is known cannot be kept; an answer of the log is never one.
    pub(super) fn send(&mut self, to: &Destination<'_>) -> Result<(), Failure> {
        let open: Vec<(usize, super::Signed)> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_open())
            .filter_map(|(place, entry)| Some((place, entry.signed.clone()?)))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let notes: Vec<Note<'_>> = open
            .iter()
            .map(|(_, signed)| Note {
                event: signed.event,
                text: &signed.text,
            })
            .collect();
        let mode = match self.args.dry_run {
            true => Mode::DryRun,
            false => Mode::Take,
        };
        let bar = progress::bar("sending", Some(notes.len()));
        let sender = Sender::new(&to.server, to.log, self.world.now(), mode, &Sleep);
        let (entries, logged, columns) = (&mut self.entries, &mut self.logged, self.columns);
        let mut kept = Ok(());
        let mut unproved = Vec::new();
        sender.send(&notes, |at, outcome| {
            bar.inc(1);
            let place = open[at].0;
            let now = settle(&mut entries[place], outcome, logged, columns);
            match now {
                Ok(None) => {}
                Ok(Some(index)) => unproved.push((place, index)),
                Err(failure) => kept = Err(failure),
            }
        });
        bar.finish_and_clear();
        kept?;
        let patience = Shared::default();
        for (place, index) in unproved {
            self.find(place, index, to, &patience)?;
        }
        Ok(())
    }

    /// An event that came before under another signature is found in the label's proved history; a row whose label
    /// cannot be looked at is not known.
    fn find(
        &mut self,
        place: usize,
        index: LeafIndex,
        to: &Destination<'_>,
        patience: &Shared,
    ) -> Result<(), Failure> {
        let entry = &mut self.entries[place];
        let Some(event) = entry.event() else {
            return Ok(());
        };
        let ask = || look_at(&to.server, to.log, entry.subject(), self.world.now());
        let looked = match patience.ask(ask) {
            Ok(looked) => looked,
            Err(error) => {
                let failure = failed(&to.server, &error, self.world);
                let what = failure.what();
                let what = format!("the log says it has the event as entry {index}; {what}");
                entry.fail("not-known", failure.exit(), what);
                return Ok(());
            }
        };
        let mut history = looked.history().iter();
        if history.any(|past| past.index() == index && past.event().id() == event) {
            entry.fate = Fate::Known(index);
            return self.logged.add(event, index);
        }
        let what = format!("the log says it has the event as entry {index}, and does not prove it");
        entry.fail("not-proved", Exit::NotInLog, what);
        Ok(())
    }
}

/// Takes an answer; gives the index of an event that is still to be found.
fn settle(
    entry: &mut Entry,
    outcome: Outcome,
    logged: &mut Logged,
    columns: Option<&Columns>,
) -> Result<Option<LeafIndex>, Failure> {
    match outcome {
        Outcome::Proved { index, arrival } => {
            entry.fate = match arrival {
                Arrival::New => Fate::Added(index),
                Arrival::Known => Fate::Known(index),
            };
            if let Some(event) = entry.event() {
                logged.add(event, index)?;
            }
        }
        Outcome::Known { index } => return Ok(Some(index)),
        Outcome::Accepted => entry.fate = Fate::Accepted,
        Outcome::Refused(problem) => {
            let exit = problem_exit(&problem);
            let pointer = problem.pointer().or(match problem.code() {
                // What these are about is in the label's id.
                "duplicate-label" | "bad-transition" | "unknown-subject" => Some("/subject"),
                "decided-in-future" => Some("/decided_at"),
                _ => None,
            });
            let (code, what) = (problem.code(), problem.sentence());
            entry.fail_at(
                columns,
                pointer,
                code,
                exit,
                format!("the log refused: {what}"),
            );
        }
        Outcome::Unproved { index, error } => {
            let what = format!("entry {index} is not proved: {}", chain(&error));
            entry.fail("not-proved", entry_exit(&error), what);
        }
        Outcome::Promised { index } => {
            let what = format!(
                "was logged as entry {index}, but no head that covers it has its quorum yet; run the same command later"
            );
            entry.fail("not-witnessed", Exit::NotSigned, what);
        }
        Outcome::Unanswered(error) => {
            let what = format!("{}; run the same command again", chain(&*error));
            entry.fail("not-sent", server_exit(&error), what);
        }
    }
    Ok(None)
}
