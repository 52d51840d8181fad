//! redb's storage: on [`Fs`], so that the simulated disk reaches every page, and in memory, whole.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use labelproof_host::fs::{Fs, FsError};
use redb::StorageBackend;

/// One file of an [`Fs`].
#[derive(Debug)]
pub(super) struct FsBackend {
    fs: Arc<dyn Fs>,
    path: PathBuf,
}

impl FsBackend {
    pub(super) fn new(fs: Arc<dyn Fs>, path: PathBuf) -> Self {
        Self { fs, path }
    }
}

impl StorageBackend for FsBackend {
    fn len(&self) -> io::Result<u64> {
        self.fs.len(&self.path).map_err(to_io)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = self.fs.read_range(&self.path, offset, out.len());
        out.copy_from_slice(&bytes.map_err(to_io)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fs.set_len(&self.path, len).map_err(to_io)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fs.sync_file(&self.path).map_err(to_io)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.fs.write_at(&self.path, offset, data).map_err(to_io)
    }
}

/// Bytes in memory; clones share them, so that they can be had once the database is closed.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryBackend(Arc<Mutex<Vec<u8>>>);

impl From<Vec<u8>> for MemoryBackend {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(bytes)))
    }
}

impl MemoryBackend {
    /// All bytes as they are now; none are left.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StorageBackend for MemoryBackend {
    fn len(&self) -> io::Result<u64> {
        u64::try_from(self.lock().len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let range = range(offset, out.len())?;
        let bytes = self.lock();
        out.copy_from_slice(bytes.get(range).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        self.lock().resize(len, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let range = range(offset, data.len())?;
        let mut bytes = self.lock();
        let part = bytes.get_mut(range).ok_or(io::ErrorKind::UnexpectedEof)?;
        part.copy_from_slice(data);
        Ok(())
    }
}

fn range(offset: u64, len: usize) -> io::Result<Range<usize>> {
    let start = usize::try_from(offset).map_err(io::Error::other)?;
    let end = start.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(start..end)
}

fn to_io(error: FsError) -> io::Error {
    io::Error::new(error.kind(), error)
}
