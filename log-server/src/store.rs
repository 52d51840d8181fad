//! A log's directory as a whole: key, head record and objects, on the real disk.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use labelproof_core::{
    checkpoint::Origin,
    key::{SigningKey, Vkey},
    refusal::Refusal,
    state::State,
};
use labelproof_host::{
    clock::Clock,
    fs::{Fs, FsError, RealFs},
};

use crate::{
    sequencer::{Parts, SequenceError, Sequencer},
    storage::{
        Directory, FileHead, HeadRecord, HeadStore as _, InstanceId, StorageError, SwapError,
    },
};

/// The files of one log.
#[derive(Clone, Debug)]
pub struct Store {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

/// Why a store could not be made or begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something is in the way.
    #[error("{} is not empty; a store is made in an empty directory", .dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The log has entries already.
    #[error("the log has a genesis already")]
    Sealed,
    /// The genesis is refused.
    #[error("the genesis is refused")]
    Genesis(#[source] Refusal),
    /// A call of the file system failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// An object of the store is wrong.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The head record is missing or wrong.
    #[error(transparent)]
    Head(#[from] SwapError),
    /// The sequencer could not write.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

impl Store {
    /// Names the directory on the real disk; nothing is read yet.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self::on(Arc::new(RealFs::new()), dir)
    }

    /// Names the directory on any file system.
    #[must_use]
    pub fn on(fs: Arc<dyn Fs>, dir: &Path) -> Self {
        Self {
            fs,
            dir: dir.to_owned(),
        }
    }

    /// Makes the directory, which must be empty but for its lock, if it is there.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`].
    pub fn make_directory(&self) -> Result<(), StoreError> {
        self.fs.create_dir_all(&self.dir)?;
        let names = self.fs.list(&self.dir)?;
        if names.iter().any(|name| name != LOCK) {
            return Err(StoreError::NotEmpty {
                dir: self.dir.clone(),
            });
        }
        Ok(())
    }

    /// Makes an empty log.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(&self, origin: &Origin, instance: InstanceId) -> Result<(), StoreError> {
        self.directory().create()?;
        Ok(self
            .heads()
            .create(&HeadRecord::empty(origin.as_str(), instance))?)
    }

    /// Puts the genesis and the first state head into an empty log.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] if there are entries, [`StoreError::Genesis`] if it is refused.
    pub fn seal(
        &self,
        key: SigningKey,
        genesis: Vec<u8>,
        clock: &dyn Clock,
        instance: InstanceId,
    ) -> Result<(), StoreError> {
        let mut state = State::genesis(&genesis).map_err(StoreError::Genesis)?;
        let parts = self.parts(key, instance);
        if *state.origin() != parts.origin {
            return Err(StoreError::Genesis(Refusal::WrongLog));
        }
        let mut sequencer = Sequencer::load(parts)?;
        if sequencer.signed().is_some() {
            return Err(StoreError::Sealed);
        }
        let head = state.append_head(clock.unix_ms());
        sequencer.sequence(vec![genesis, head.to_bytes()], &mut |_| {})?;
        Ok(())
    }

    /// What a sequencer for this store is made of.
    #[must_use]
    pub fn parts(&self, key: SigningKey, instance: InstanceId) -> Parts {
        Parts {
            origin: origin_of(key.vkey()),
            directory: self.directory(),
            heads: Arc::new(self.heads()),
            signer: Arc::new(key),
            instance,
        }
    }

    /// The objects.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory::new(self.fs.clone(), self.dir.clone())
    }

    /// The head record.
    #[must_use]
    pub fn heads(&self) -> FileHead {
        FileHead::new(self.fs.clone(), self.dir.join("head"))
    }

    /// Where the key is.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        self.dir.join("key")
    }

    /// Where the index is.
    #[must_use]
    pub fn index_path(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// Whether a head record is there.
    ///
    /// # Errors
    /// [`StoreError::Head`] if it cannot be read.
    pub fn exists(&self) -> Result<bool, StoreError> {
        Ok(self.heads().read()?.is_some())
    }
}

/// The origin of a log is the name of its key.
#[must_use]
pub fn origin_of(vkey: &Vkey) -> Origin {
    Origin::from(vkey.name())
}

/// Draws the id of this process.
///
/// # Errors
/// [`StoreError::Random`].
pub fn draw_instance() -> Result<InstanceId, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(StoreError::Random)?;
    Ok(InstanceId::from_bytes(bytes))
}

const LOCK: &str = "lock";
