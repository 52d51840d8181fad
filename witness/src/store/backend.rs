//! redb's storage on [`Fs`], so that the simulated disk reaches every page.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

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

fn to_io(error: FsError) -> io::Error {
    io::Error::new(error.kind(), error)
}
