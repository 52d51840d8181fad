//! A recorder around any [`Fs`]: what was changed, in order, with marks by other parties.
//!
//! ```text
//! Write("staged/7.tmp") · SyncFile("staged/7.tmp") · Rename("staged/7.tmp" → "staged/7")
//! SyncDir("staged") · Mark("swap") · Mark("sign") · Mark("acknowledge")
//! ```
//! Only calls that succeeded are recorded; reads are not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Fs, FsError};

/// One thing that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Record {
    /// A file got bytes.
    Write(PathBuf),
    /// A file got a length.
    SetLen(PathBuf),
    /// A file's bytes became durable.
    SyncFile(PathBuf),
    /// A file took a name.
    Rename {
        /// Its old name.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
    },
    /// A folder's names became durable.
    SyncDir(PathBuf),
    /// A file went.
    Remove(PathBuf),
    /// A folder was made.
    CreateDir(PathBuf),
    /// Something outside the files, named by who did it: "swap", "sign", "acknowledge".
    Mark(String),
}

/// What happened so far; clones share one list.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<Record>>>);

impl Journal {
    /// Adds a mark after everything recorded before.
    pub fn mark(&self, what: &str) {
        self.push(Record::Mark(what.to_owned()));
    }

    /// Everything recorded so far, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    /// Forgets everything recorded so far.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn push(&self, record: Record) {
        self.lock().push(record);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`Fs`] that passes calls on and writes down what changed.
#[derive(Debug)]
pub struct RecordingFs {
    inner: Arc<dyn Fs>,
    journal: Journal,
}

impl RecordingFs {
    /// Records the changes made through it into `journal`.
    #[must_use]
    pub fn new(inner: Arc<dyn Fs>, journal: Journal) -> Self {
        Self { inner, journal }
    }
}

impl Fs for RecordingFs {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError> {
        self.inner.read(path)
    }

    fn read_range(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, FsError> {
        self.inner.read_range(path, offset, len)
    }

    fn read_at_hand(&self, path: &Path, offset: u64, len: usize) -> Option<Vec<u8>> {
        self.inner.read_at_hand(path, offset, len)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FsError> {
        self.inner.write(path, bytes)?;
        self.journal.push(Record::Write(path.to_owned()));
        Ok(())
    }

    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> Result<(), FsError> {
        self.inner.write_at(path, offset, bytes)?;
        self.journal.push(Record::Write(path.to_owned()));
        Ok(())
    }

    fn set_len(&self, path: &Path, len: u64) -> Result<(), FsError> {
        self.inner.set_len(path, len)?;
        self.journal.push(Record::SetLen(path.to_owned()));
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> Result<(), FsError> {
        self.inner.sync_file(path)?;
        self.journal.push(Record::SyncFile(path.to_owned()));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError> {
        self.inner.rename(from, to)?;
        self.journal.push(Record::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), FsError> {
        self.inner.sync_dir(dir)?;
        self.journal.push(Record::SyncDir(dir.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), FsError> {
        self.inner.remove(path)?;
        self.journal.push(Record::Remove(path.to_owned()));
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError> {
        self.inner.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<(), FsError> {
        self.inner.create_dir(dir)?;
        self.journal.push(Record::CreateDir(dir.to_owned()));
        Ok(())
    }

    fn len(&self, path: &Path) -> Result<u64, FsError> {
        self.inner.len(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, FsError> {
        self.inner.exists(path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RealFs, write_atomic};
    use super::*;

    #[test]
    fn records_the_steps_of_an_atomic_write_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::default();
        let fs = RecordingFs::new(Arc::new(RealFs::new()), journal.clone());
        let (path, temp) = (dir.path().join("head"), dir.path().join("head.tmp"));
        write_atomic(&fs, &path, b"x").unwrap();
        journal.mark("swap");
        let want = [
            Record::Write(temp.clone()),
            Record::SyncFile(temp.clone()),
            Record::Rename {
                from: temp,
                to: path,
            },
            Record::SyncDir(dir.path().to_owned()),
            Record::Mark("swap".to_owned()),
        ];
        assert_eq!(journal.records(), want);
    }

    #[test]
    fn does_not_record_what_failed() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::default();
        let fs = RecordingFs::new(Arc::new(RealFs::new()), journal.clone());
        fs.remove(&dir.path().join("missing")).unwrap_err();
        assert_eq!(journal.records(), []);
    }
}
