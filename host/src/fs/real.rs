//! The real disk.
//!
//! A file that was written stays open until it is synced: a write that the kernel could not
//! bring to the disk is reported to descriptors that were open then, and a descriptor opened
//! afterwards may never hear of it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
#[cfg(target_os = "linux")]
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(target_os = "linux")]
use rustix::io::{ReadWriteFlags, preadv2};

use super::{Call, Fs, FsError, folder_of};

/// [`Fs`] on the machine's own file system.
#[derive(Debug, Default)]
pub struct RealFs {
    unsynced: Mutex<BTreeMap<PathBuf, File>>,
}

impl RealFs {
    /// An [`Fs`] with no file open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn unsynced(&self) -> MutexGuard<'_, BTreeMap<PathBuf, File>> {
        // The map is whole between any two statements, so a panic elsewhere spoils nothing.
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `write` on the descriptor kept for `path`, or on a new one, and keeps it.
    fn with_writable(
        &self,
        path: &Path,
        call: Call,
        options: &OpenOptions,
        write: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<(), FsError> {
        let at = |source| FsError::new(call, path, source);
        let kept = self.unsynced().remove(path);
        let file = match kept {
            Some(file) => file,
            None => options.open(path).map_err(at)?,
        };
        let done = write(&file).map_err(at);
        let crowded = {
            let mut unsynced = self.unsynced();
            unsynced.insert(path.to_owned(), file);
            let many = unsynced.len() > MAX_UNSYNCED;
            many.then(|| unsynced.pop_first()).flatten()
        };
        if let Some((path, file)) = crowded {
            file.sync_all()
                .map_err(|source| FsError::new(Call::SyncFile, &path, source))?;
        }
        done
    }
}

impl Fs for RealFs {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError> {
        fs::read(path).map_err(|source| FsError::new(Call::Read, path, source))
    }

    fn read_range(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, FsError> {
        let read = || {
            let mut bytes = vec![0; len];
            File::open(path)?.read_exact_at(&mut bytes, offset)?;
            Ok(bytes)
        };
        read().map_err(|source| FsError::new(Call::Read, path, source))
    }

    #[cfg(target_os = "linux")]
    fn read_at_hand(&self, path: &Path, offset: u64, len: usize) -> Option<Vec<u8>> {
        let file = File::open(path).ok()?;
        let mut bytes = vec![0; len];
        let slices = &mut [IoSliceMut::new(&mut bytes)];
        // A part of it is as little as none: the rest would have to be waited for, or is not there.
        let read = preadv2(&file, slices, offset, ReadWriteFlags::NOWAIT).ok()?;
        (read == len).then_some(bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FsError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        self.with_writable(path, Call::Write, &options, |file| {
            file.set_len(0)?;
            file.write_all_at(bytes, 0)
        })
    }

    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> Result<(), FsError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        self.with_writable(path, Call::Write, &options, |file| {
            file.write_all_at(bytes, offset)
        })
    }

    fn set_len(&self, path: &Path, len: u64) -> Result<(), FsError> {
        let mut options = OpenOptions::new();
        options.write(true);
        self.with_writable(path, Call::SetLen, &options, |file| file.set_len(len))
    }

    fn sync_file(&self, path: &Path) -> Result<(), FsError> {
        let kept = self.unsynced().remove(path);
        let sync = || match kept {
            Some(file) => file.sync_all(),
            None => File::open(path)?.sync_all(),
        };
        sync().map_err(|source| FsError::new(Call::SyncFile, path, source))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError> {
        let rename = || {
            if folder_of(from) != folder_of(to) {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            fs::rename(from, to)
        };
        rename().map_err(|source| FsError::new(Call::Rename, from, source))?;
        let mut unsynced = self.unsynced();
        unsynced.remove(to);
        if let Some(file) = unsynced.remove(from) {
            unsynced.insert(to.to_owned(), file);
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), FsError> {
        let sync = || File::open(dir)?.sync_all();
        sync().map_err(|source| FsError::new(Call::SyncDir, dir, source))
    }

    fn remove(&self, path: &Path) -> Result<(), FsError> {
        fs::remove_file(path).map_err(|source| FsError::new(Call::Remove, path, source))?;
        self.unsynced().remove(path);
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError> {
        let list = || {
            let mut names = Vec::new();
            for entry in fs::read_dir(dir)? {
                let name = entry?.file_name().into_string();
                names.push(name.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?);
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|source| FsError::new(Call::List, dir, source))
    }

    fn create_dir(&self, dir: &Path) -> Result<(), FsError> {
        fs::create_dir(dir).map_err(|source| FsError::new(Call::CreateDir, dir, source))
    }

    fn len(&self, path: &Path) -> Result<u64, FsError> {
        let measured = fs::metadata(path).map(|metadata| metadata.len());
        measured.map_err(|source| FsError::new(Call::Len, path, source))
    }

    fn exists(&self, path: &Path) -> Result<bool, FsError> {
        path.try_exists()
            .map_err(|source| FsError::new(Call::Exists, path, source))
    }
}

/// Files open because they are unsynced; beyond it the first by name is synced and closed.
///
/// A batch touches about 50 files and syncs each; 64 leaves the common limit of
/// 1,024 descriptors to connections.
const MAX_UNSYNCED: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::{write_atomic, write_atomic_parts};
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn atomic_write_replaces_and_leaves_no_temporary_file() {
        let (dir, fs) = (folder(), RealFs::new());
        let path = dir.path().join("head");
        write_atomic(&fs, &path, b"long old content").unwrap();
        write_atomic(&fs, &path, b"new").unwrap();
        assert_eq!(fs.read(&path).unwrap(), b"new");
        assert_eq!(fs.list(dir.path()).unwrap(), ["head"]);
        assert!(fs.unsynced().is_empty());
    }

    #[test]
    fn parts_are_written_one_behind_the_other() {
        let (dir, fs) = (folder(), RealFs::new());
        let path = dir.path().join("snapshot");
        write_atomic(&fs, &path, b"long old content").unwrap();
        for (parts, want) in [(&["ab", "", "cde"][..], &b"abcde"[..]), (&[], b"")] {
            let length = write_atomic_parts(&fs, &path, parts).unwrap();
            assert_eq!(fs.read(&path).unwrap(), want);
            assert_eq!(length, want.len() as u64);
        }
    }

    #[test]
    fn folders_are_made_with_the_missing_ones_above() {
        let (dir, fs) = (folder(), RealFs::new());
        let deep = dir.path().join("a/b/c");
        fs.create_dir_all(&deep).unwrap();
        fs.create_dir_all(&deep).unwrap();
        assert!(fs.exists(&deep).unwrap());
    }

    #[test]
    fn ranges_are_read_exactly() {
        let (dir, fs) = (folder(), RealFs::new());
        let path = dir.path().join("file");
        fs.write_at(&path, 3, b"abc").unwrap();
        assert_eq!(fs.read_range(&path, 2, 3).unwrap(), b"\0ab");
        // Not every file system can tell what is in memory.
        let at_hand = fs.read_at_hand(&path, 2, 3);
        assert!(at_hand.is_none_or(|bytes| bytes == b"\0ab"));
        assert_eq!(fs.read_at_hand(&path, 4, 3), None);
        let short = fs.read_range(&path, 4, 3).unwrap_err();
        assert_eq!(short.kind(), io::ErrorKind::UnexpectedEof);
        fs.set_len(&path, 4).unwrap();
        assert_eq!(fs.read(&path).unwrap(), b"\0\0\0a");
        assert_eq!(fs.len(&path).unwrap(), 4);
    }

    #[test]
    fn errors_name_call_and_path() {
        let (dir, fs) = (folder(), RealFs::new());
        let error = fs.read(&dir.path().join("missing")).unwrap_err();
        assert!(error.is_not_found());
        assert!(error.to_string().starts_with("cannot read /"), "{error}");
        assert!(error.path().ends_with("missing"));
    }

    #[test]
    fn rename_stays_in_one_folder() {
        let (dir, fs) = (folder(), RealFs::new());
        fs.create_dir(&dir.path().join("d")).unwrap();
        fs.write(&dir.path().join("f"), b"").unwrap();
        let error = fs
            .rename(&dir.path().join("f"), &dir.path().join("d/f"))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn open_files_are_bounded() {
        let (dir, fs) = (folder(), RealFs::new());
        for i in 0..2 * MAX_UNSYNCED {
            fs.write(&dir.path().join(i.to_string()), b"x").unwrap();
        }
        assert_eq!(fs.unsynced().len(), MAX_UNSYNCED);
    }
}
