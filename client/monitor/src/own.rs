//! Events of one's own keys: what the log holds under them must be in the list of what one signed.
//!
//! ```text
//! [own]
//! keys = ["label.jp.example+…"]        verifier keys, as `labelproof key show` prints them
//! events = "own-events.txt"            a line each: 64 hex digits, the id of an event;
//!                                      or a JSON string, the signed note, as NAME.events.jsonl has them
//! ```
//! Whoever signs writes the list before the event is sent. It is read again when an event is not in it; a list that cannot
//! be read makes no event foreign.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use labelproof_core::{
    event::{Event, EventId},
    key::Vkey,
    time::Time,
};
use labelproof_host::{
    fs::{Fs, FsError},
    logging::causes,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{alert::Alert, finding::Logged};

/// One's own keys, and the list of what they signed.
#[derive(Debug)]
pub(crate) struct Own {
    keys: Vec<Vkey>,
    path: PathBuf,
    known: BTreeSet<EventId>,
    /// What the file was when it was read last.
    seen: Option<[u8; 32]>,
}

/// Whether an event of an own key is in the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Owned {
    /// No own key signed it, or it is in the list.
    Fine,
    /// This key signed it, and the list does not have it.
    Foreign(String),
    /// This key signed it, and the list cannot be read.
    Unknown(String, String),
}

impl Own {
    /// Reads the list for the first time.
    ///
    /// # Errors
    /// [`OwnError`].
    pub(crate) fn open(fs: &dyn Fs, keys: Vec<Vkey>, path: PathBuf) -> Result<Self, OwnError> {
        let mut own = Self {
            keys,
            path,
            known: BTreeSet::new(),
            seen: None,
        };
        own.refresh(fs)?;
        Ok(own)
    }

    /// Judges an event; reads the list again if the event is not in it.
    pub(crate) fn judge(&mut self, fs: &dyn Fs, event: &Event) -> Owned {
        let lines = event.note().signatures();
        let text = event.note().text();
        let mut signs = self.keys.iter().filter(|key| {
            let mut claimed = lines.iter().filter(|line| key.claims(line));
            claimed.any(|line| key.verify_line(text, line).is_ok())
        });
        let Some(key) = signs.next().map(|key| key.name().to_string()) else {
            return Owned::Fine;
        };
        if self.known.contains(&event.id()) {
            return Owned::Fine;
        }
        match self.refresh(fs) {
            Err(error) => Owned::Unknown(key, causes(&error)),
            Ok(()) if self.known.contains(&event.id()) => Owned::Fine,
            Ok(()) => Owned::Foreign(key),
        }
    }

    fn refresh(&mut self, fs: &dyn Fs) -> Result<(), OwnError> {
        let bytes = fs.len(&self.path)?;
        if bytes > MAX_LIST_BYTES {
            return Err(OwnError::TooLarge {
                path: self.path.clone(),
                bytes,
            });
        }
        let read = fs.read(&self.path)?;
        // An editor may leave as many bytes as there were.
        let seen = Sha256::digest(&read).into();
        if self.seen != Some(seen) {
            self.known = parse(&self.path, &read)?;
            self.seen = Some(seen);
        }
        Ok(())
    }
}

/// The alert of an event that is not fine.
pub(crate) fn alert(owned: &Owned, logged: &Logged, now: Time) -> Option<Alert> {
    match owned {
        Owned::Fine => None,
        Owned::Foreign(key) => Some(Alert::not_mine(key, logged, now)),
        Owned::Unknown(key, why) => Some(Alert::not_compared(key, why, logged, now)),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<BTreeSet<EventId>, OwnError> {
    let mut known = BTreeSet::new();
    // What follows the last newline is being written.
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    for (line, number) in bytes[..whole].split(|byte| *byte == b'\n').zip(1..) {
        let text = line.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let id = id_of(text).ok_or_else(|| OwnError::Line {
            path: path.to_owned(),
            number,
        })?;
        known.insert(id);
    }
    Ok(known)
}

fn id_of(line: &[u8]) -> Option<EventId> {
    if line.starts_with(b"\"") {
        let note: String = serde_json::from_slice(line).ok()?;
        return Event::parse(note.as_bytes()).ok().map(|event| event.id());
    }
    str::from_utf8(line).ok()?.parse().ok()
}

/// Why the list is not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum OwnError {
    #[error(transparent)]
    Files(#[from] FsError),
    #[error("{} has {bytes} bytes, and a list of own events at most {MAX_LIST_BYTES}", path.display())]
    TooLarge { path: PathBuf, bytes: u64 },
    #[error("{}:{number}: neither the id of an event nor a signed note in JSON", path.display())]
    Line { path: PathBuf, number: u32 },
}

/// A hundred thousand notes of their largest, or ten million ids.
const MAX_LIST_BYTES: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use labelproof_host::fs::SimulatedFs;

    use super::*;
    use crate::samples;

    fn own(fs: &SimulatedFs) -> Own {
        let keys = vec![samples::issuer_key().vkey().clone()];
        Own::open(fs, keys, "own.txt".into()).unwrap()
    }

    #[test]
    fn what_is_in_the_list_is_mine_in_either_form() {
        let fs = SimulatedFs::new(1);
        let note = serde_json::to_string(&samples::revoke(1).note().to_string()).unwrap();
        let list = format!("# mine\n{}\n{note}\n", samples::issue(1).id());
        fs.write(Path::new("own.txt"), list.as_bytes()).unwrap();
        let mut own = own(&fs);
        assert_eq!(own.judge(&fs, &samples::issue(1)), Owned::Fine);
        assert_eq!(own.judge(&fs, &samples::revoke(1)), Owned::Fine);
        let key = samples::issuer_key().vkey().name().to_string();
        assert_eq!(own.judge(&fs, &samples::issue(2)), Owned::Foreign(key));
        // It grows, and is read again; a line that is being written does not count.
        let more = format!("{list}{}\n1234", samples::issue(2).id());
        fs.write(Path::new("own.txt"), more.as_bytes()).unwrap();
        assert_eq!(own.judge(&fs, &samples::issue(2)), Owned::Fine);
    }

    #[test]
    fn a_list_that_changed_is_read_again_though_it_is_as_long_as_before() {
        let fs = SimulatedFs::new(1);
        let list = |number| format!("{}\n", samples::issue(number).id());
        fs.write(Path::new("own.txt"), list(1).as_bytes()).unwrap();
        let mut own = own(&fs);
        fs.write(Path::new("own.txt"), list(2).as_bytes()).unwrap();
        assert_eq!(own.judge(&fs, &samples::issue(2)), Owned::Fine);
        // Also after one that could not be read.
        let wrong = "x".repeat(list(2).len() - 1) + "\n";
        fs.write(Path::new("own.txt"), wrong.as_bytes()).unwrap();
        let judge = |own: &mut Own| own.judge(&fs, &samples::issue(3));
        for _ in 0..2 {
            assert!(matches!(judge(&mut own), Owned::Unknown(..)));
        }
        fs.write(Path::new("own.txt"), list(3).as_bytes()).unwrap();
        assert_eq!(judge(&mut own), Owned::Fine);
    }

    #[test]
    fn what_another_key_signed_is_not_looked_at() {
        let fs = SimulatedFs::new(1);
        fs.write(Path::new("own.txt"), b"").unwrap();
        let mut own = own(&fs);
        own.keys = vec![samples::key("label.jp.example", 8).vkey().clone()];
        assert_eq!(own.judge(&fs, &samples::issue(1)), Owned::Fine);
    }

    #[test]
    fn a_list_that_cannot_be_read_makes_nothing_foreign() {
        let fs = SimulatedFs::new(1);
        fs.write(Path::new("own.txt"), b"").unwrap();
        let mut own = own(&fs);
        fs.write(Path::new("own.txt"), b"own events\n").unwrap();
        let judged = own.judge(&fs, &samples::issue(1));
        assert!(
            matches!(&judged, Owned::Unknown(_, why) if why.contains("own.txt:1")),
            "{judged:?}"
        );
    }
}
