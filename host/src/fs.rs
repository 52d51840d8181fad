//! Files: the few calls the products make, behind a trait, so that a real disk, a recorder
//! and a seeded simulation run the same code.
//!
//! ```text
//! write_atomic(path):  write path.tmp · sync path.tmp · rename path.tmp path · sync folder
//! ```
//! A file's bytes are durable after [`Fs::sync_file`], its name after [`Fs::sync_dir`] of
//! its folder; nothing else is promised. What the bytes mean is left to the callers.

pub mod real;
pub mod recording;
pub mod simulated;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

pub use real::RealFs;
pub use recording::{Journal, Record, RecordingFs};
pub use simulated::{Fault, SimulatedFs};

/// The calls; every one names its file by path and is complete when it returns.
///
/// Callers sync what they write: until then no write is promised to have met the disk,
/// and an error of the disk may be reported by a later call on the same file.
pub trait Fs: Send + Sync + fmt::Debug {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`FsError`] of the call, as for every method here.
    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError>;

    /// Reads exactly `len` bytes from `offset`; fewer there is an `UnexpectedEof`.
    ///
    /// # Errors
    /// [`FsError`].
    fn read_range(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, FsError>;

    /// The same without waiting for the disk; `None` for what is not in memory.
    ///
    /// Why something cannot be read, [`Fs::read_range`] says.
    fn read_at_hand(&self, _path: &Path, _offset: u64, _len: usize) -> Option<Vec<u8>> {
        None
    }

    /// Creates the file, or empties the one that is there, and writes `bytes`.
    ///
    /// # Errors
    /// [`FsError`]; the file may then hold any part of `bytes`.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FsError>;

    /// Writes `bytes` at `offset` of a file, made when it is not there; a gap reads as zeroes.
    ///
    /// # Errors
    /// [`FsError`]; the range may then hold any part of `bytes`.
    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> Result<(), FsError>;

    /// Cuts or extends (with zeroes) a file that exists.
    ///
    /// # Errors
    /// [`FsError`].
    fn set_len(&self, path: &Path, len: u64) -> Result<(), FsError>;

    /// Makes the bytes and length of a file durable; not its name.
    ///
    /// # Errors
    /// [`FsError`]; what was unsynced must then be taken as lost, also if a later sync succeeds.
    fn sync_file(&self, path: &Path) -> Result<(), FsError>;

    /// Puts `from` in the place of `to` at once; both are in one folder.
    ///
    /// # Errors
    /// [`FsError`]; `InvalidInput` when the folders differ.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError>;

    /// Makes the names in a folder durable: made, renamed and removed ones.
    ///
    /// # Errors
    /// [`FsError`].
    fn sync_dir(&self, dir: &Path) -> Result<(), FsError>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`FsError`].
    fn remove(&self, path: &Path) -> Result<(), FsError>;

    /// Names in a folder, sorted; one that is not UTF-8 is an `InvalidData`.
    ///
    /// # Errors
    /// [`FsError`].
    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError>;

    /// Makes one folder whose parent exists.
    ///
    /// # Errors
    /// [`FsError`]; `AlreadyExists` when anything has the name.
    fn create_dir(&self, dir: &Path) -> Result<(), FsError>;

    /// Length of a file in bytes.
    ///
    /// # Errors
    /// [`FsError`].
    fn len(&self, path: &Path) -> Result<u64, FsError>;

    /// Whether a file or folder has the name.
    ///
    /// # Errors
    /// [`FsError`] when the machine cannot say.
    fn exists(&self, path: &Path) -> Result<bool, FsError>;

    /// Makes a folder and the missing ones above it, their names durable on return.
    ///
    /// A folder that is there is synced too: whoever made it may have died before the sync.
    ///
    /// # Errors
    /// [`FsError`].
    fn create_dir_all(&self, dir: &Path) -> Result<(), FsError> {
        let mut down: Vec<&Path> = dir.ancestors().collect();
        down.reverse();
        for at in down {
            if at.as_os_str().is_empty() || at.parent().is_none() {
                continue;
            }
            let there = self.exists(at)?;
            if !there {
                match self.create_dir(at) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    other => other?,
                }
            }
            match self.sync_dir(folder_of(at)) {
                // Above our own folders stand some that we may pass and not read.
                Err(error) if there && error.kind() == io::ErrorKind::PermissionDenied => {}
                other => other?,
            }
        }
        Ok(())
    }
}

/// Replaces or makes `path` so that a crash leaves the old bytes or the new, never a mix.
///
/// On return bytes and name are durable. A temporary file left by a crash is
/// `path` + [`TEMP_SUFFIX`]; the next call writes over it.
///
/// # Errors
/// [`FsError`] of the first call that failed; `path` then holds the old bytes or the new.
pub fn write_atomic(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    write_atomic_parts(fs, path, [bytes]).map(|_| ())
}

/// The same for a file that is never whole in memory; gives its length.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_atomic_parts<P: AsRef<[u8]>>(
    fs: &dyn Fs,
    path: &Path,
    parts: impl IntoIterator<Item = P>,
) -> Result<u64, FsError> {
    let temp = temp_of(path);
    let mut parts = parts.into_iter();
    let first = parts.next();
    let first = first.as_ref().map_or(&[][..], P::as_ref);
    fs.write(&temp, first)?;
    let mut length = first.len() as u64;
    for part in parts {
        fs.write_at(&temp, length, part.as_ref())?;
        length += part.as_ref().len() as u64;
    }
    fs.sync_file(&temp)?;
    fs.rename(&temp, path)?;
    fs.sync_dir(folder_of(path))?;
    Ok(length)
}

/// Replaces or makes `path` at once for whoever reads it, without waiting for the disk.
///
/// Until [`Fs::sync_file`] and [`Fs::sync_dir`] of its folder a crash may leave any part of the bytes under its name.
///
/// # Errors
/// [`FsError`] of the first call that failed; `path` then holds the old bytes or the new.
pub fn write_whole(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    let temp = temp_of(path);
    fs.write(&temp, bytes)?;
    fs.rename(&temp, path)
}

/// What [`write_atomic`] and [`write_whole`] append to a name until the rename; listings skip such names.
pub const TEMP_SUFFIX: &str = ".tmp";

/// The folder that holds the name `path`; `.` for a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

fn temp_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(TEMP_SUFFIX);
    PathBuf::from(name)
}

/// A call on a file that failed: which call, on what; why is its `source()`.
#[derive(Debug, thiserror::Error)]
#[error("cannot {call} {}", path.display())]
pub struct FsError {
    call: Call,
    path: PathBuf,
    source: io::Error,
}

impl FsError {
    pub(crate) fn new(call: Call, path: &Path, source: io::Error) -> Self {
        Self {
            call,
            path: path.to_owned(),
            source,
        }
    }

    /// Which call failed.
    #[must_use]
    pub fn call(&self) -> Call {
        self.call
    }

    /// The file or folder it was for.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kind of the cause.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// Whether the name does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }
}

/// The calls of [`Fs`], by name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Call {
    /// [`Fs::read`] and [`Fs::read_range`].
    Read,
    /// [`Fs::write`] and [`Fs::write_at`].
    Write,
    /// [`Fs::set_len`].
    SetLen,
    /// [`Fs::sync_file`].
    SyncFile,
    /// [`Fs::rename`].
    Rename,
    /// [`Fs::sync_dir`].
    SyncDir,
    /// [`Fs::remove`].
    Remove,
    /// [`Fs::list`].
    List,
    /// [`Fs::create_dir`].
    CreateDir,
    /// [`Fs::len`].
    Len,
    /// [`Fs::exists`].
    Exists,
    /// Opening or taking the lock of a folder ([`crate::lock`]).
    Lock,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Call::Read => "read",
            Call::Write => "write",
            Call::SetLen => "set the length of",
            Call::SyncFile => "sync file",
            Call::Rename => "rename",
            Call::SyncDir => "sync folder",
            Call::Remove => "remove",
            Call::List => "list",
            Call::CreateDir => "make folder",
            Call::Len => "measure",
            Call::Exists => "look up",
            Call::Lock => "lock",
        })
    }
}
