//! Watch lists: files that say which events somebody wants to be told of (`docs/spec/alert.md`).
//!
//! ```text
//! [[watch]]
//! name = "recalls"            also the name of its feed and of its rule, watch:recalls
//! file = "recalls.txt"        read again whenever it changed
//! ```
//! A list with a mistake is refused as a whole, at its line, and the one before it holds on.

mod condition;
mod list;

use std::path::{Path, PathBuf};

use labelproof_core::event::Event;
use labelproof_host::fs::{Fs, FsError};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use self::{condition::Background, list::BadLine};

use self::list::List;
use crate::name::Name;

/// A watch list and the file it comes from.
#[derive(Debug)]
pub struct WatchList {
    name: Name,
    path: PathBuf,
    list: List,
    /// What the file was when it was looked at last.
    seen: Option<[u8; 32]>,
}

impl WatchList {
    /// Reads a list for the first time.
    ///
    /// # Errors
    /// [`WatchError`].
    pub fn open(fs: &dyn Fs, name: Name, path: &Path) -> Result<Self, WatchError> {
        let mut list = Self {
            name,
            path: path.to_owned(),
            list: List::default(),
            seen: None,
        };
        list.refresh(fs)?;
        Ok(list)
    }

    /// Reads the file again if it changed.
    ///
    /// # Errors
    /// [`WatchError`], once for each content of the file. Then the list before it holds on.
    pub fn refresh(&mut self, fs: &dyn Fs) -> Result<(), WatchError> {
        let refused = |why| WatchError {
            path: self.path.clone(),
            why,
        };
        let bytes = match read(fs, &self.path) {
            Ok(bytes) => bytes,
            Err(why) => {
                let seen = Sha256::digest(why.to_string()).into();
                return if self.seen.replace(seen) == Some(seen) {
                    Ok(())
                } else {
                    Err(refused(why))
                };
            }
        };
        let seen = Sha256::digest(&bytes).into();
        if self.seen.replace(seen) == Some(seen) {
            return Ok(());
        }
        self.list = parse(&bytes).map_err(refused)?;
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether [`WatchList::find`] wants to know what came before this event.
    #[must_use]
    pub fn needs_background(&self, event: &Event) -> bool {
        self.list.needs_background() && !event.kind().opens_subject()
    }

    /// The first line that an event meets.
    #[must_use]
    pub fn find(&self, event: &Event, background: &Background) -> Option<String> {
        self.list.find(event, background)
    }
}

fn read(fs: &dyn Fs, path: &Path) -> Result<Vec<u8>, Fault> {
    let bytes = fs.len(path)?;
    if bytes > MAX_LIST_BYTES {
        return Err(Fault::TooLarge { bytes });
    }
    Ok(fs.read(path)?)
}

fn parse(bytes: &[u8]) -> Result<List, Fault> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let before = String::from_utf8_lossy(&bytes[..at]);
        Fault::NotUtf8 {
            line: before.matches('\n').count() + 1,
            column: before
                .chars()
                .rev()
                .take_while(|letter| *letter != '\n')
                .count()
                + 1,
            byte: bytes[at],
        }
    })?;
    // Some editors begin a file with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(List::parse(text)?)
}

/// Why a list is not read.
#[derive(Debug, Error)]
#[error("the watch list {}{why}", path.display())]
pub struct WatchError {
    path: PathBuf,
    why: Fault,
}

#[derive(Debug, Error)]
enum Fault {
    #[error(" cannot be read: {}", causes(.0))]
    Unreadable(#[from] FsError),
    #[error(" has {bytes} bytes, and a list at most {MAX_LIST_BYTES}; make two lists of it")]
    TooLarge { bytes: u64 },
    #[error(
        ":{line}:{column}: byte {byte:#04X} is not UTF-8; the file looks like Latin-1, save it as UTF-8"
    )]
    NotUtf8 {
        line: usize,
        column: usize,
        byte: u8,
    },
    #[error(":{0}")]
    Line(#[from] BadLine),
}

fn causes(error: &FsError) -> String {
    use std::error::Error as _;
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// A hundred thousand lines of 80 bytes.
const MAX_LIST_BYTES: u64 = 8 * 1024 * 1024;

#[cfg(test)]
mod tests;
