//! Many events from one file: read, signed, kept, sent, proved.
//!
//! ```text
//! file ─▶ right rows, faults ─▶ NAME.events.jsonl, synced ─▶ log ─▶ proofs ─▶ NAME.results.csv, NAME.errors.csv
//! ```
//! A wrong row keeps no other back. A re-run sends what is missing and nothing else: the log knows an event
//! by its id, and rows that were proved before are in `NAME.logged.jsonl`. A row that changed after it was
//! signed is named; it is signed anew only when the log proves that the old note is not in it.

mod cell;
mod columns;
mod fault;
mod journal;
mod progress;
mod row;
mod rows;
mod send;
mod source;
mod stand;
mod summary;
mod template;

use std::path::{Path, PathBuf};

use labelproof::trust::{TrustFile, TrustedLog};
use labelproof_core::{
    event::{Draft, Event, EventId, Kind},
    key::SigningKey,
    note::Note,
};
use labelproof_host::exit::Exit;

use self::{
    columns::Columns,
    journal::{Journal, Logged, Signed},
    rows::{Entry, Fate, difference, follows},
    source::Checker,
    stand::Stands,
    summary::Summary,
};
use crate::{
    args::Publish,
    deliver::{Destination, with_ending},
    key::load_note_key,
    publish::destination,
    report::{Failure, Report},
    trust,
    world::World,
};

pub(crate) use source::holds_many;
pub(crate) use template::table;

/// Brings every right row of a file into the log; a re-run adds only what is missing.
pub(crate) fn run(
    kind: Kind,
    file: &Path,
    args: &Publish,
    world: &World,
) -> Result<Report, Failure> {
    if args.no_submit && follows(kind) {
        let what =
            format!("each {kind} follows the label's newest event, which only the log knows");
        return Err(Failure::new(Exit::Usage, what).next("run it where the log can be reached"));
    }
    let key = load_note_key(&args.key)?;
    let trust = trust::load(&args.network.trust, world)?;
    let first = trust
        .logs()
        .first()
        .ok_or_else(|| Failure::new(Exit::Usage, "the trust file names no log"))?;
    let checker = Checker {
        kind,
        key: &key,
        origin: first.origin(),
        now: world.now(),
    };
    let bar = progress::bar("reading", None);
    let mut source = checker.read(file, || bar.inc(1))?;
    bar.finish_and_clear();
    let entries: Vec<Entry> = source.items.drain(..).map(Entry::new).collect();
    if entries.is_empty() && source.faults.is_empty() {
        let what = format!("{} holds no event", file.display());
        return Err(Failure::new(Exit::Malformed, what));
    }
    let name = args.out.clone().unwrap_or_else(|| file.with_extension(""));
    let mut run = Run {
        kind,
        args,
        world,
        key: &key,
        columns: source.columns.as_ref(),
        journal: Journal::open(Path::new(&with_ending(&name, "events.jsonl")), world)?,
        logged: Logged::open(&PathBuf::from(with_ending(&name, "logged.jsonl"))),
        entries,
    };
    if let Some(log) = run.home(&trust) {
        run.all(log)?;
    }
    let told = Summary {
        kind,
        file,
        name: &name,
        entries: &run.entries,
        faults: &source.faults,
        wrong_rows: source.wrong_rows,
        is_dry: args.dry_run,
    };
    told.tell(world)
}

/// The rows of one file under one key.
struct Run<'a> {
    kind: Kind,
    args: &'a Publish,
    world: &'a World,
    key: &'a SigningKey,
    columns: Option<&'a Columns>,
    journal: Journal,
    logged: Logged,
    entries: Vec<Entry>,
}

impl Run<'_> {
    /// The log that the rows are for; those of another log fail.
    fn home<'t>(&mut self, trust: &'t TrustFile) -> Option<&'t TrustedLog> {
        let mut home: Option<&TrustedLog> = None;
        for entry in &mut self.entries {
            match trust.home_of(entry.subject()) {
                Ok(log) if home.is_none_or(|home| home.origin() == log.origin()) => {
                    home = Some(log);
                }
                Ok(log) => {
                    let what =
                        format!("belongs to log {}; give it a file of its own", log.origin());
                    entry.fail_at(
                        self.columns,
                        Some("/subject"),
                        "other-log",
                        Exit::Usage,
                        what,
                    );
                }
                Err(error) => {
                    let what = error.to_string();
                    entry.fail_at(
                        self.columns,
                        Some("/subject"),
                        "other-log",
                        Exit::Usage,
                        what,
                    );
                }
            }
        }
        home
    }

    fn all(&mut self, log: &TrustedLog) -> Result<(), Failure> {
        let changed = self.recall(log)?;
        if self.args.no_submit {
            for (place, old) in changed {
                self.refuse_changed(place, &old[0], None);
            }
            self.sign_open(log, &Stands::default())?;
            self.keep()?;
            for entry in self.entries.iter_mut().filter(|entry| entry.is_open()) {
                // A dry run without the log: every rule that needs no log was asked.
                entry.fate = if self.args.dry_run {
                    Fate::Accepted
                } else {
                    Fate::Kept
                };
            }
            return Ok(());
        }
        let unsigned = |entry: &Entry| entry.is_open() && entry.signed.is_none();
        let wanted: Vec<usize> = match follows(self.kind) {
            true => (0..self.entries.len())
                .filter(|place| unsigned(&self.entries[*place]))
                .collect(),
            false => changed.iter().map(|(place, _)| *place).collect(),
        };
        // All is in the log: no need to ask it anything.
        if !self.entries.iter().any(Entry::is_open) {
            return Ok(());
        }
        let to = destination(&self.args.network, log, self.world)?;
        let stands = self.look_at(&wanted, &to)?;
        for (place, old) in changed {
            self.decide_changed(place, &old, &stands)?;
        }
        self.sign_open(log, &stands)?;
        self.keep()?;
        self.send(&to)?;
        self.follow_again(log, &to)?;
        self.prove_effects(&to)
    }

    /// Finds what an earlier run signed; gives the rows that say something else now, with the old notes.
    fn recall(&mut self, log: &TrustedLog) -> Result<Vec<(usize, Vec<Signed>)>, Failure> {
        let mut changed = Vec::new();
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if !entry.is_open() {
                continue;
            }
            let before = self.journal.about(self.kind, entry.subject());
            if before.is_empty() {
                continue;
            }
            let draft = self.draft(place)?;
            let same = before.iter().find(|signed| {
                let text = draft.text(log.origin(), signed.prev);
                self.note(text)
                    .is_some_and(|note| note.to_string() == signed.text)
            });
            match same {
                Some(signed) => {
                    let signed = (*signed).clone();
                    let index = self.logged.index(signed.event);
                    let entry = &mut self.entries[place];
                    entry.signed = Some(signed);
                    if let Some(index) = index {
                        entry.fate = Fate::Before(index);
                    }
                }
                None => changed.push((place, before.into_iter().cloned().collect())),
            }
        }
        Ok(changed)
    }

    /// A row that says something else than what was signed for its label.
    fn decide_changed(
        &mut self,
        place: usize,
        old: &[Signed],
        stands: &Stands,
    ) -> Result<(), Failure> {
        let Some(stand) = stands.of(place) else {
            return Ok(()); // The row failed when its label was looked at.
        };
        for signed in old {
            match stand.index_of(signed.event) {
                Some(index) => {
                    self.logged.add(signed.event, index)?;
                    // A label is issued once; of other kinds this is the next event.
                    if self.kind.opens_subject() {
                        self.refuse_changed(place, signed, Some(index));
                        return Ok(());
                    }
                }
                None => {
                    let entry = &self.entries[place];
                    self.journal
                        .remove(self.kind, entry.subject(), signed.event);
                    let what = format!(
                        "line {} changed after it was signed as {}; that note is not in the log, the row is signed anew",
                        entry.item.line, signed.event
                    );
                    self.world.warn(what);
                }
            }
        }
        Ok(())
    }

    fn refuse_changed(
        &mut self,
        place: usize,
        old: &Signed,
        index: Option<labelproof_core::merkle::LeafIndex>,
    ) {
        let entry = &mut self.entries[place];
        let pointer = difference(old, &entry.item.draft);
        let what = match index {
            Some(index) => format!(
                "changed after it was logged as entry {index}; put the row back as it was, and change the label with `labelproof amend`"
            ),
            None => format!(
                "changed after it was signed as {}; put the row back as it was, or run where the log can say that the old note is not in it",
                old.event
            ),
        };
        let pointer = pointer.as_deref();
        entry.fail_at(self.columns, pointer, "changed", Exit::Malformed, what);
    }

    /// Signs every open row that has no note.
    fn sign_open(&mut self, log: &TrustedLog, stands: &Stands) -> Result<(), Failure> {
        for place in 0..self.entries.len() {
            let entry = &self.entries[place];
            if !entry.is_open() || entry.signed.is_some() {
                continue;
            }
            let prev = match follows(self.kind) {
                true => stands.of(place).and_then(stand::Stand::newest),
                false => None,
            };
            self.sign(place, log, prev)?;
        }
        Ok(())
    }

    fn sign(
        &mut self,
        place: usize,
        log: &TrustedLog,
        prev: Option<EventId>,
    ) -> Result<(), Failure> {
        let text = self.draft(place)?.text(log.origin(), prev);
        let event = self
            .note(text)
            .and_then(|note| Event::parse(&note.to_bytes()).ok());
        let entry = &mut self.entries[place];
        match event {
            None => entry.fail(
                "too-large",
                Exit::Malformed,
                "cannot be signed: with the log's origin and the event before it, it is too long",
            ),
            Some(event) => entry.signed = Some(self.journal.add(&event)),
        }
        Ok(())
    }

    /// Nothing is sent before it is on disk; a dry run leaves nothing there.
    fn keep(&mut self) -> Result<(), Failure> {
        match self.args.dry_run {
            true => Ok(()),
            false => self.journal.save(self.world),
        }
    }

    /// Rows whose label moved on since they were signed follow its newest event, once.
    fn follow_again(&mut self, log: &TrustedLog, to: &Destination<'_>) -> Result<(), Failure> {
        let is_behind = |entry: &Entry| matches!(&entry.fate, Fate::Failed(fault) if fault.code == "wrong-previous");
        let behind: Vec<usize> = (0..self.entries.len())
            .filter(|place| follows(self.kind) && is_behind(&self.entries[*place]))
            .collect();
        if behind.is_empty() {
            return Ok(());
        }
        for place in &behind {
            self.entries[*place].fate = Fate::Open;
        }
        let stands = self.look_at(&behind, to)?;
        for place in behind {
            let Some(stand) = stands.of(place) else {
                continue;
            };
            let event = self.entries[place].event();
            match event.and_then(|event| Some((event, stand.index_of(event)?))) {
                Some((event, index)) => {
                    self.logged.add(event, index)?;
                    self.entries[place].fate = Fate::Known(index);
                }
                None => self.sign(place, log, stand.newest())?,
            }
        }
        self.keep()?;
        self.send(to)
    }

    fn draft(&self, place: usize) -> Result<Draft, Failure> {
        let draft = Draft::from_json(self.kind, &self.entries[place].item.draft);
        draft.map_err(|refusal| Failure::of(Exit::Internal, &refusal))
    }

    fn note(&self, text: String) -> Option<Note> {
        let line = self.key.sign_note(&text);
        Note::new(text, vec![line]).ok()
    }
}
