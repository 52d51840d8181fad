//! The journal: every alert, numbered, durable before anybody is told.
//!
//! ```text
//! DIR/alerts.jsonl    one alert a line; numbers grow, a gap means nothing
//! DIR/alerts.mark     what tells it from other journals
//! append              what was told before, by its id, is left out · write · sync · readers wake
//! read(after, n)      what follows a number
//! ```
//! In memory are the ids of the newest 131,072 alerts and, of older ones about entries, how far each rule had
//! come in each log; and where in the file some of the numbers are. A damaged line is passed over and counted.

mod mark;
mod memory;
mod recent;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use labelproof_core::checkpoint::Origin;
use labelproof_host::fs::{Fs, FsError};
use tokio::sync::watch;

use self::{memory::Memory, recent::Recent};
use crate::{
    alert::{Alert, MAX_ALERT_BYTES, Numbered, Rule},
    records::{Reader, Records},
};

/// The alerts of a monitor; clones share one journal.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    book: Mutex<Book>,
    mark: Mutex<Option<Arc<str>>>,
    grown: watch::Sender<u64>,
}

/// What the file holds.
#[derive(Debug)]
struct Book {
    records: Records,
    memory: Memory,
    recent: Recent,
    newest: u64,
    /// A number and where its line begins, for about one line in [`STRIDE_BYTES`].
    places: Vec<(u64, u64)>,
    damaged: u64,
}

impl Journal {
    /// Opens the journal of a folder, or begins it.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path) -> Result<Self, FsError> {
        let path = dir.join(FILE);
        let mut memory = Memory::new(MAX_REMEMBERED);
        let mut recent = Recent::default();
        let mut newest = 0;
        let mut places = Vec::new();
        let (mut damaged, mut skipped) = (0, 0);
        let records = Records::open(fs.clone(), &path, MAX_ALERT_BYTES + 1, |at, line| {
            match read(line) {
                Some(known) if known.number() > newest => {
                    newest = known.number();
                    skipped = 0;
                    memory.add(known.alert());
                    recent.add(&known);
                    note_place(&mut places, newest, at);
                }
                _ => {
                    damaged += 1;
                    // It may have been several alerts once, and their numbers were perhaps seen.
                    skipped += 1 + line.len() as u64 / MIN_ALERT_BYTES;
                }
            }
        })?;
        let book = Book {
            records,
            memory,
            recent,
            newest: newest + skipped,
            places,
            damaged,
        };
        Ok(Self(Arc::new(Inner {
            fs,
            path,
            book: Mutex::new(book),
            mark: Mutex::new(None),
            grown: watch::channel(newest + skipped).0,
        })))
    }

    /// Keeps the alerts that were not told before, and gives their numbers.
    ///
    /// Alerts of one rule about entries of one log come in the order of the log.
    ///
    /// # Errors
    /// [`FsError`]. Then none of them is kept, and the same may be tried again.
    pub fn append(&self, alerts: Vec<Alert>) -> Result<Vec<Numbered>, FsError> {
        let mut book = self.book();
        let mut fresh: Vec<Numbered> = Vec::new();
        for alert in alerts {
            let is_known = book.memory.knows(&alert)
                || fresh.iter().any(|other| other.alert().id() == alert.id());
            if !is_known {
                let number = book.newest + 1 + fresh.len() as u64;
                fresh.push(Numbered::new(number, alert));
            }
        }
        if fresh.is_empty() {
            return Ok(fresh);
        }
        let mut lines = String::new();
        let mut starts = Vec::with_capacity(fresh.len());
        for numbered in &fresh {
            starts.push(book.records.len() + lines.len() as u64);
            lines.push_str(&numbered.to_json());
            lines.push('\n');
        }
        book.records.append(lines.as_bytes())?;
        for (numbered, at) in fresh.iter().zip(starts) {
            book.newest = numbered.number();
            book.memory.add(numbered.alert());
            book.recent.add(numbered);
            note_place(&mut book.places, numbered.number(), at);
        }
        let newest = book.newest;
        drop(book);
        // Two appends may come here in either order.
        self.0.grown.send_if_modified(|grown| {
            let is_newer = *grown < newest;
            *grown = newest.max(*grown);
            is_newer
        });
        Ok(fresh)
    }

    /// The alerts after a number, in order: at most `limit`, and no more than fit a megabyte.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn read(&self, after: u64, limit: usize) -> Result<Vec<Numbered>, FsError> {
        let (from, end) = {
            let book = self.book();
            if after >= book.newest {
                return Ok(Vec::new());
            }
            let next = book
                .places
                .partition_point(|(number, _)| *number <= after + 1);
            let from = next
                .checked_sub(1)
                .map_or(0, |before| book.places[before].1);
            (from, book.records.len())
        };
        let Inner { fs, path, .. } = &*self.0;
        let mut reader = Reader::new(&**fs, path, from, end, MAX_ALERT_BYTES + 1);
        let mut found: Vec<Numbered> = Vec::new();
        let mut bytes = 0;
        while found.len() < limit && bytes < MAX_READ_BYTES {
            let Some(line) = reader.next()? else { break };
            let least = found.last().map_or(after, Numbered::number);
            if let Some(known) = read(&line.bytes).filter(|known| known.number() > least) {
                bytes += line.bytes.len();
                found.push(known);
            }
        }
        Ok(found)
    }

    /// The alert with this number; `None` if there is none.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn one(&self, number: u64) -> Result<Option<Numbered>, FsError> {
        let Some(before) = number.checked_sub(1) else {
            return Ok(None);
        };
        let found = self.read(before, 1)?.into_iter().next();
        Ok(found.filter(|found| found.number() == number))
    }

    /// What tells this journal from all others; made when it is asked for first.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn mark(&self) -> Result<Arc<str>, FsError> {
        let Inner { fs, path, mark, .. } = &*self.0;
        let mut known = mark.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mark) = &*known {
            return Ok(Arc::clone(mark));
        }
        let dir = path.parent().unwrap_or(Path::new(""));
        let mark: Arc<str> = mark::mark(&**fs, dir)?.into();
        *known = Some(Arc::clone(&mark));
        Ok(mark)
    }

    /// The number of the newest alert, 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.book().newest
    }

    /// How many lines could not be read when the journal was opened.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.book().damaged
    }

    /// The numbers of the newest alerts, of one rule or of all, the newest first; of each at most fifty are known.
    #[must_use]
    pub fn recent(&self, rule: Option<&Rule>, most: usize) -> Vec<u64> {
        self.book().recent.numbers(rule, most)
    }

    /// The number of the newest alert with evidence against a log.
    #[must_use]
    pub fn evidence(&self, origin: &Origin) -> Option<u64> {
        self.book().recent.evidence(origin)
    }

    /// How many alerts each rule raised since the journal was begun.
    #[must_use]
    pub fn counts(&self) -> Vec<(Rule, u64)> {
        self.book().recent.counts()
    }

    /// The number of the newest alert, and each newer one.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.grown.subscribe()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // An append that panics has changed nothing before its write, and only adds after it.
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(line: &[u8]) -> Option<Numbered> {
    Numbered::from_json(str::from_utf8(line).ok()?).ok()
}

fn note_place(places: &mut Vec<(u64, u64)>, number: u64, at: u64) {
    if places
        .last()
        .is_none_or(|(_, last)| at - last >= STRIDE_BYTES)
    {
        places.push((number, at));
    }
}

const FILE: &str = "alerts.jsonl";
/// Half a year of a thousand alerts a day, and a few megabytes.
const MAX_REMEMBERED: usize = 131_072;
/// What is read in vain to find a number.
const STRIDE_BYTES: u64 = 64 * 1024;
/// A page of a hundred usual alerts.
const MAX_READ_BYTES: usize = 1 << 20;
/// The shortest there is has about 400.
const MIN_ALERT_BYTES: u64 = 256;

#[cfg(test)]
mod tests;
