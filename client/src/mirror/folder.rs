//! The folder of a mirror: whose it is, and its files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    merkle::TreeSize,
    note::Note,
    policy::WitnessedCheckpoint,
    tile::{TileIndex, TileKind, TileLevel, TilePath, Width},
    time::Time,
};
use labelproof_host::{
    fs::{Fs, FsError, TEMP_SUFFIX, folder_of, write_atomic, write_whole},
    lock::{DirLock, LockError},
    tiles::{DirTiles, TileReader},
};

use super::copy::full;
use crate::{proof::open_checkpoint, trust::TrustedLog};

/// A folder that mirrors one log, locked while this lives unless it is only read.
#[derive(Debug)]
pub struct Folder {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    _lock: Option<DirLock>,
}

/// Files that were put and may not be on the disk yet.
#[derive(Debug, Default)]
pub(super) struct Unsynced(Vec<PathBuf>);

impl Unsynced {
    /// Whether it is time to sync them.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_UNSYNCED
    }
}

impl Folder {
    /// Opens the mirror of `log` in `dir`, or begins one in a folder that is empty or not there.
    ///
    /// # Errors
    /// [`FolderError::OtherLog`] and [`FolderError::NotAMirror`] for folders that are somebody else's.
    pub fn open_or_begin(
        fs: Arc<dyn Fs>,
        dir: &Path,
        log: &TrustedLog,
    ) -> Result<Self, FolderError> {
        let marker = dir.join(MARKER);
        let is_new = !fs.exists(&marker)?;
        if is_new {
            fs.create_dir_all(dir)?;
            let is_ours = |name: &String| name == LOCK || *name == format!("{MARKER}{TEMP_SUFFIX}");
            if !fs.list(dir)?.iter().all(is_ours) {
                return Err(FolderError::NotAMirror { dir: dir.into() });
            }
        }
        let folder = Self {
            _lock: Some(DirLock::take(dir, "labelproof mirror")?),
            fs,
            dir: dir.into(),
        };
        if is_new {
            write_atomic(&*folder.fs, &marker, marker_of(log).as_bytes())?;
        } else {
            folder.must_be_of(log)?;
        }
        Ok(folder)
    }

    /// Opens a mirror that is there.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(fs: Arc<dyn Fs>, dir: &Path, log: &TrustedLog) -> Result<Self, FolderError> {
        let mut folder = Self::open_to_read(fs, dir, log)?;
        folder._lock = Some(DirLock::take(dir, "labelproof mirror --check")?);
        Ok(folder)
    }

    /// Opens a mirror for its checkpoint and tiles alone: no lock is taken and nothing is written, so another program
    /// may go on copying. A tile that it drops meanwhile is missing; what is read is right or an error.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open_to_read(
        fs: Arc<dyn Fs>,
        dir: &Path,
        log: &TrustedLog,
    ) -> Result<Self, FolderError> {
        if !fs.exists(&dir.join(MARKER))? {
            return Err(FolderError::NotAMirror { dir: dir.into() });
        }
        let folder = Self {
            _lock: None,
            fs,
            dir: dir.into(),
        };
        folder.must_be_of(log)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The head it serves, `None` before the first copy was complete.
    ///
    /// # Errors
    /// [`FolderError::BadCheckpoint`] for one that the trust file does not accept.
    pub fn checkpoint(
        &self,
        log: &TrustedLog,
        now: Time,
    ) -> Result<Option<WitnessedCheckpoint>, FolderError> {
        let Some(signed) = self.signed_checkpoint(log)? else {
            return Ok(None);
        };
        match log.policy().accept(signed, now) {
            Ok(head) => Ok(Some(head)),
            Err(_) => Err(self.bad_checkpoint()),
        }
    }

    /// The same for whoever wrote it here and trusts that the quorum was checked then.
    ///
    /// # Errors
    /// [`FolderError::BadCheckpoint`] for one that the log did not sign.
    pub fn signed_checkpoint(
        &self,
        log: &TrustedLog,
    ) -> Result<Option<SignedCheckpoint>, FolderError> {
        let path = self.dir.join(CHECKPOINT);
        if !self.fs.exists(&path)? {
            return Ok(None);
        }
        let note = Note::parse(&self.fs.read(&path)?);
        match note.map(|note| open_checkpoint(note, log)) {
            Ok(Ok(signed)) => Ok(Some(signed)),
            _ => Err(self.bad_checkpoint()),
        }
    }

    fn bad_checkpoint(&self) -> FolderError {
        let path = self.dir.join(CHECKPOINT);
        FolderError::BadCheckpoint { path }
    }

    /// Its tiles, checked against a head.
    pub fn tiles(&self, head: &WitnessedCheckpoint) -> TileReader<DirTiles> {
        self.tiles_under(head.signed())
    }

    /// Its tiles, checked against a head that needs no quorum.
    pub fn tiles_under(&self, checkpoint: &SignedCheckpoint) -> TileReader<DirTiles> {
        TileReader::new(DirTiles::new(self.fs.clone(), self.dir.clone()), checkpoint)
    }

    /// Throws a file away that is not what a head stands for; the next copy brings it again. Tells whether there was one.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn discard(&self, path: TilePath) -> Result<bool, FsError> {
        match self.fs.remove(&self.file(path)) {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn has(&self, path: TilePath) -> Result<bool, FsError> {
        self.fs.exists(&self.file(path))
    }

    pub(super) fn read(&self, path: TilePath) -> Result<Option<Vec<u8>>, FsError> {
        match self.fs.read(&self.file(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a file that the checkpoint stands for already.
    pub(super) fn put(&self, path: TilePath, bytes: &[u8]) -> Result<(), FsError> {
        write_atomic(&*self.fs, &self.place(path)?, bytes)
    }

    /// Puts a file for a checkpoint that is written once it is synced.
    pub(super) fn put_unsynced(
        &self,
        path: TilePath,
        bytes: &[u8],
        unsynced: &mut Unsynced,
    ) -> Result<(), FsError> {
        let file = self.place(path)?;
        write_whole(&*self.fs, &file, bytes)?;
        unsynced.0.push(file);
        Ok(())
    }

    /// Waits for the disk. Together it takes little longer than for one: the first sync takes most of the others along.
    pub(super) fn sync(&self, unsynced: &mut Unsynced) -> Result<(), FsError> {
        let files = std::mem::take(&mut unsynced.0);
        for file in &files {
            self.fs.sync_file(file)?;
        }
        let dirs: BTreeSet<&Path> = files.iter().map(|file| folder_of(file)).collect();
        dirs.into_iter().try_for_each(|dir| self.fs.sync_dir(dir))
    }

    /// Where a file goes, its folder made.
    fn place(&self, path: TilePath) -> Result<PathBuf, FsError> {
        let file = self.file(path);
        if !self.fs.exists(folder_of(&file))? {
            self.fs.create_dir_all(folder_of(&file))?;
        }
        Ok(file)
    }

    pub(super) fn put_checkpoint(&self, note: &[u8]) -> Result<(), FsError> {
        write_atomic(&*self.fs, &self.dir.join(CHECKPOINT), note)
    }

    /// Removes partial tiles left of the edge of `size`: the full ones are there. Those of a tree of size `from` were
    /// looked at.
    ///
    /// SPEC tlog-tiles: a partial tile may be deleted once the full one is available. Those at the edge
    /// stay for who still reads under an older checkpoint, 255 of a kind at most.
    pub(super) fn drop_partials(&self, from: TreeSize, size: TreeSize) -> Result<(), FsError> {
        let kinds = TileLevel::all().map(TileKind::Hashes);
        for kind in kinds.chain([TileKind::Entries]) {
            let level = match kind {
                TileKind::Hashes(level) => level,
                TileKind::Entries => TileLevel::LEAVES,
            };
            for index in full(level, from)..full(level, size) {
                self.drop_partials_of(kind, TileIndex::new(index))?;
            }
        }
        Ok(())
    }

    fn drop_partials_of(&self, kind: TileKind, index: TileIndex) -> Result<(), FsError> {
        let narrow = Width::new(1).expect("a width of one is one");
        let narrow = TilePath::new(kind, index, narrow).expect("the tree has the full tile");
        let file = self.file(narrow);
        let dir = folder_of(&file);
        if self.fs.exists(dir)? {
            for name in self.fs.list(dir)? {
                self.fs.remove(&dir.join(name))?;
            }
        }
        Ok(())
    }

    fn file(&self, path: TilePath) -> PathBuf {
        self.dir.join(path.to_string())
    }

    fn must_be_of(&self, log: &TrustedLog) -> Result<(), FolderError> {
        let found = self.fs.read(&self.dir.join(MARKER))?;
        if found == marker_of(log).as_bytes() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&found).into_owned();
        Err(FolderError::OtherLog {
            dir: self.dir.clone(),
            found: text.lines().nth(1).unwrap_or("nothing").into(),
        })
    }
}

fn marker_of(log: &TrustedLog) -> String {
    format!("{TAG}\n{}\n{}\n", log.origin(), log.genesis())
}

/// Why a folder is not the mirror that was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Its checkpoint is not one that the trust file accepts.
    #[error("{} is not a checkpoint that the trust file accepts", path.display())]
    BadCheckpoint {
        /// The file.
        path: PathBuf,
    },
    /// The disk.
    #[error(transparent)]
    Files(#[from] FsError),
    /// Another mirror works in it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It holds something else.
    #[error("{} is not a mirror, and a mirror is begun in an empty folder", dir.display())]
    NotAMirror {
        /// The folder.
        dir: PathBuf,
    },
    /// It mirrors another log.
    #[error("{} mirrors another log: {found}, or one with another genesis", dir.display())]
    OtherLog {
        /// The folder.
        dir: PathBuf,
        /// The origin it says.
        found: String,
    },
}

const TAG: &str = "labelproof-mirror/v1";
const MARKER: &str = "labelproof-mirror";
const CHECKPOINT: &str = "checkpoint";
const LOCK: &str = "lock";
/// Of each thread: the four of a copy leave as many files open as `RealFs` does before it syncs them one by one.
const MAX_UNSYNCED: usize = 16;
