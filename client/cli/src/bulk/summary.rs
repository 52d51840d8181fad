//! What a run did with many rows: a summary, a file of results, a file of errors.
//!
//! ```text
//! NAME.results.csv    line,subject,event,index,result
//! NAME.errors.csv     line,column,name,subject,code,error
//! ```

use std::path::Path;

use labelproof_core::event::Kind;
use labelproof_host::exit::Exit;
use serde_json::json;

use super::{
    fault::Fault,
    rows::{Entry, Fate},
};
use crate::{
    deliver::with_ending,
    report::{Failure, Report, Said, Tone, in_line},
    table::push_row,
    world::World,
};

/// How many rows ended in which way.
#[derive(Debug, Default)]
struct Counts {
    added: usize,
    before: usize,
    accepted: usize,
    kept: usize,
    wrong: usize,
}

/// What is told of a run.
#[derive(Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) kind: Kind,
    pub(crate) file: &'a Path,
    pub(crate) name: &'a Path,
    pub(crate) entries: &'a [Entry],
    /// Of rows that were never right.
    pub(crate) faults: &'a [Fault],
    pub(crate) wrong_rows: usize,
    /// Nothing is written, for nothing was done.
    pub(crate) is_dry: bool,
}

impl Summary<'_> {
    /// Writes the files and says everything.
    ///
    /// # Errors
    /// As [`World::write`].
    pub(crate) fn tell(&self, world: &World) -> Result<Report, Failure> {
        let mut faults: Vec<&Fault> = self.faults.iter().collect();
        let mut counts = Counts {
            wrong: self.wrong_rows,
            ..Counts::default()
        };
        for entry in self.entries {
            match &entry.fate {
                Fate::Added(_) => counts.added += 1,
                Fate::Before(_) | Fate::Known(_) => counts.before += 1,
                Fate::Accepted => counts.accepted += 1,
                Fate::Open | Fate::Kept => counts.kept += 1,
                Fate::Failed(fault) => {
                    counts.wrong += 1;
                    faults.push(fault);
                }
            }
        }
        faults.sort_by_key(|fault| (fault.line, fault.column));
        let exit = faults
            .iter()
            .fold(Exit::Done, |worst, fault| worst.worse(fault.exit));
        let files = match self.is_dry {
            true => Vec::new(),
            false => self.write(&faults, world)?,
        };
        let result = json!({
            "file": self.file.display().to_string(), "kind": self.kind.to_string(),
            "rows": self.entries.len() + self.wrong_rows,
            "added": counts.added, "already_logged": counts.before, "accepted": counts.accepted,
            "signed_only": counts.kept, "wrong": counts.wrong,
            "faults": faults.iter().take(MAX_TOLD).map(|fault| fault.json()).collect::<Vec<_>>(),
            "files": files, "dry_run": self.is_dry,
        });
        Ok(Report {
            exit,
            said: vec![self.said(&counts, &faults, &files)],
            result,
        })
    }

    fn said(&self, counts: &Counts, faults: &[&Fault], files: &[String]) -> Said {
        let done = counts.added + counts.accepted + counts.kept;
        let (tone, word) = match (counts.wrong, done) {
            (0, 0) => (Tone::Good, "NOTHING TO DO"),
            (0, _) if self.is_dry => (Tone::Good, "WOULD BE TAKEN"),
            (0, _) if counts.kept > 0 => (Tone::Good, "SIGNED"),
            (0, _) => (Tone::Good, "DONE"),
            (_, 0) if counts.before == 0 => (Tone::Bad, "NOTHING DONE"),
            _ if self.is_dry => (Tone::Unsure, "SOME WOULD BE REFUSED"),
            _ => (Tone::Unsure, "PARTLY DONE"),
        };
        let mut body = format!(
            "  {:10} {} of {}\n",
            "rows",
            self.entries.len() + self.wrong_rows,
            in_line(&self.file.display().to_string())
        );
        let mut line = |name: &str, count: usize, about: &str| {
            if count > 0 {
                body.push_str(&format!("  {name:10} {count}{about}\n"));
            }
        };
        line("added", counts.added, ", each proved to be in the log");
        line("already", counts.before, " in the log before this run");
        line(
            "accepted",
            counts.accepted,
            " by the rules; nothing was logged",
        );
        line(
            "signed",
            counts.kept,
            "; send them with `labelproof submit`",
        );
        line("wrong", counts.wrong, "");
        if !files.is_empty() {
            body.push_str(&format!("  {:10} {}\n", "files", files.join(", ")));
        }
        for fault in faults.iter().take(MAX_SHOWN) {
            body.push_str(&format!("  {}\n", in_line(&fault.to_string())));
        }
        if faults.len() > MAX_SHOWN {
            let more = faults.len() - MAX_SHOWN;
            body.push_str(&format!("  and {more} more\n"));
        }
        if counts.wrong > 0 {
            body.push_str(
                "  next: mend these rows in the same file and run the same command again; what is logged stays\n",
            );
        }
        Said::Answer {
            tone,
            word: word.into(),
            about: format!("{} {}", self.kind, self.file.display()),
            body,
        }
    }

    fn write(&self, faults: &[&Fault], world: &World) -> Result<Vec<String>, Failure> {
        let mut results = String::new();
        push_row(
            &mut results,
            ["line", "subject", "event", "index", "result"],
        );
        for entry in self.entries {
            let (index, result) = match &entry.fate {
                Fate::Open | Fate::Kept | Fate::Accepted => (None, "signed"),
                Fate::Before(index) | Fate::Known(index) => (Some(index), "already-logged"),
                Fate::Added(index) => (Some(index), "added"),
                Fate::Failed(fault) => (None, &*fault.code),
            };
            push_row(
                &mut results,
                [
                    &*entry.item.line.to_string(),
                    &*entry.subject().to_string(),
                    &*entry.event().map(|id| id.to_string()).unwrap_or_default(),
                    &*index.map(ToString::to_string).unwrap_or_default(),
                    result,
                ],
            );
        }
        let mut files = Vec::new();
        // Where every row was wrong nothing was signed.
        let journal = with_ending(self.name, "events.jsonl");
        if world.exists(Path::new(&journal))? {
            files.push(journal);
        }
        let file = with_ending(self.name, "results.csv");
        world.write(Path::new(&file), results.as_bytes())?;
        files.push(file);
        let file = with_ending(self.name, "errors.csv");
        // An old list of errors must not stand beside a run that had none.
        if !faults.is_empty() || world.exists(Path::new(&file))? {
            world.write(Path::new(&file), listed(faults).as_bytes())?;
            files.push(file);
        }
        Ok(files)
    }
}

fn listed(faults: &[&Fault]) -> String {
    let mut table = String::new();
    let header = ["line", "column", "name", "subject", "code", "error"];
    push_row(&mut table, header);
    for fault in faults {
        push_row(
            &mut table,
            [
                &*fault.line.to_string(),
                &*fault.column.map(|it| it.to_string()).unwrap_or_default(),
                fault.name.as_deref().unwrap_or_default(),
                fault.subject.as_deref().unwrap_or_default(),
                &fault.code,
                &fault.what,
            ],
        );
    }
    table
}

/// What fits a screen; the file of errors has them all.
const MAX_SHOWN: usize = 20;
/// What a program is told at once.
const MAX_TOLD: usize = 1_000;
