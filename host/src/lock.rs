//! One process a folder: a lock on `DIR/lock`, held by an open file description.
//!
//! ```text
//! 4711 labelproof-log serve      who holds it: process id, program
//! ```
//! The kernel frees the lock when the process ends however it ends, so a file that is left
//! behind means nothing. The text is for people; only the lock decides.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::fs::{Call, FsError};

/// Holds a folder until it is dropped.
#[derive(Debug)]
pub struct DirLock {
    // Never read: the lock lives as long as this descriptor.
    _file: File,
}

impl DirLock {
    /// Takes the lock of `dir`, which exists; `program` is what others are told about the holder.
    ///
    /// # Errors
    /// [`LockError::Held`] at once when another process, or another lock of this one, has it.
    pub fn take(dir: &Path, program: &str) -> Result<DirLock, LockError> {
        let path = dir.join(LOCK_NAME);
        let failed = |source| LockError::Io(FsError::new(Call::Lock, &path, source));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    dir: dir.to_owned(),
                    holder: holder(&file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut name = || {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{} {program}", std::process::id())
        };
        name().map_err(failed)?;
        Ok(DirLock { _file: file })
    }
}

/// Why a folder could not be locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Somebody works in it.
    #[error("{} is in use by process {holder}; stop it first", dir.display())]
    Held {
        /// The folder.
        dir: PathBuf,
        /// Process id and program, as the holder wrote them.
        holder: String,
    },
    /// The lock file cannot be opened, locked or written.
    #[error(transparent)]
    Io(FsError),
}

fn holder(file: &File) -> String {
    let mut text = String::new();
    match file.take(MAX_HOLDER_BYTES).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

const LOCK_NAME: &str = "lock";

/// A process id and a command name; the rest of a strange file is not shown.
const MAX_HOLDER_BYTES: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_holder_is_refused_and_told_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = DirLock::take(dir.path(), "labelproof-log serve").unwrap();
        let error = DirLock::take(dir.path(), "other").unwrap_err();
        let want = format!("process {} labelproof-log serve", std::process::id());
        assert!(error.to_string().contains(&want), "{error}");
        drop(held);
        DirLock::take(dir.path(), "other").unwrap();
    }

    #[test]
    fn file_left_behind_means_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lock"), "1 somebody\n").unwrap();
        DirLock::take(dir.path(), "labelproof-log serve").unwrap();
    }

    #[test]
    fn missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = DirLock::take(&dir.path().join("none"), "x").unwrap_err();
        assert!(error.to_string().contains("none/lock"), "{error}");
    }
}
