//! The head store: the one record that says how long the log is.
//!
//! ```text
//! labelproof-log-head/v1
//! labels.g7.example        origin
//! 261                      size, decimal
//! CsUYapGGPo4dkMgIAUqo…=   root, base64
//! 9f86d081884c7d65…        SHA-256 of the batch that led here, hex, or "-" before the first
//! 6b1f…                    instance id of the process that wrote it, 16 bytes, hex
//! ```
//! Whoever can roll this record back can fork the log, and the witnesses then stop it. It only
//! changes by compare-and-swap, and only what it says is ever signed.

use std::{fmt, path::PathBuf, sync::Arc};

use labelproof_core::merkle::TreeHead;
use labelproof_host::fs::{Fs, FsError, write_atomic};

use super::{lines::Lines, staged::BatchDigest};

/// Tells one running process from another; drawn anew at every start.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct InstanceId([u8; 16]);

impl InstanceId {
    /// Takes 16 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        (hex::encode(bytes) == text).then_some(Self(bytes))
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the head store holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeadRecord {
    origin: String,
    head: TreeHead,
    batch: Option<BatchDigest>,
    instance: InstanceId,
}

impl HeadRecord {
    /// Says that the log is `head`, and that `batch` led there.
    #[must_use]
    pub fn new(
        origin: &str,
        head: TreeHead,
        batch: Option<BatchDigest>,
        instance: InstanceId,
    ) -> Self {
        Self {
            origin: origin.to_owned(),
            head,
            batch,
            instance,
        }
    }

    /// The record of a log without entries.
    #[must_use]
    pub fn empty(origin: &str, instance: InstanceId) -> Self {
        Self::new(origin, TreeHead::EMPTY, None, instance)
    }

    /// Reads a record strictly.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = Lines::new(bytes);
        lines.expect(TAG)?;
        let origin = lines.next()?.to_owned();
        let head = TreeHead::new(lines.size()?, lines.root()?);
        let batch = match lines.next()? {
            "-" => None,
            digest => Some(BatchDigest::parse(digest)?),
        };
        let instance = InstanceId::parse(lines.next()?)?;
        lines.rest().is_empty().then_some(Self {
            origin,
            head,
            batch,
            instance,
        })
    }

    /// Writes the record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let batch = self
            .batch
            .map_or_else(|| "-".to_owned(), |digest| digest.to_string());
        let Self {
            origin,
            head,
            instance,
            ..
        } = self;
        format!(
            "{TAG}\n{origin}\n{}\n{}\n{batch}\n{instance}\n",
            head.size(),
            head.root()
        )
        .into_bytes()
    }

    /// The log it is about.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Size and root of the log.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// The batch that led here.
    #[must_use]
    pub fn batch(&self) -> Option<BatchDigest> {
        self.batch
    }

    /// The process that wrote it.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// The same log, held by another process.
    #[must_use]
    pub fn taken_over_by(&self, instance: InstanceId) -> Self {
        Self {
            instance,
            ..self.clone()
        }
    }
}

/// Why the head store did not change, or may not have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwapError {
    /// Another writer was there first: this process must stop.
    #[error("another process moved the head record to size {}", .found.head.size())]
    Lost {
        /// What is there.
        found: Box<HeadRecord>,
    },
    /// There is no record, or one that cannot be read.
    #[error("the head record is missing or malformed")]
    Unreadable,
    /// It failed on the way; what is stored has to be read back.
    #[error("the head record could not be written")]
    Fs(#[from] FsError),
}

/// Where the head record lives.
pub trait HeadStore: Send + Sync {
    /// Reads the record; `None` where there is none.
    ///
    /// # Errors
    /// [`SwapError::Unreadable`] for a malformed record, [`SwapError::Fs`] where reading failed.
    fn read(&self) -> Result<Option<HeadRecord>, SwapError>;

    /// Makes `new` durable if `expected` is what is stored.
    ///
    /// # Errors
    /// [`SwapError::Lost`] if something else is stored; [`SwapError::Fs`] if it is not known what is.
    fn swap(&self, expected: &HeadRecord, new: &HeadRecord) -> Result<(), SwapError>;
}

/// The head store of one machine: a file, replaced as a whole under the directory's lock.
#[derive(Debug)]
pub struct FileHead {
    fs: Arc<dyn Fs>,
    path: PathBuf,
}

impl FileHead {
    /// Names the file; nothing is read yet.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, path: PathBuf) -> Self {
        Self { fs, path }
    }

    /// Writes the first record of a new store.
    ///
    /// # Errors
    /// [`SwapError::Lost`] if a record is there already.
    pub fn create(&self, record: &HeadRecord) -> Result<(), SwapError> {
        match self.read()? {
            Some(found) => Err(SwapError::Lost {
                found: Box::new(found),
            }),
            None => Ok(write_atomic(&*self.fs, &self.path, &record.to_bytes())?),
        }
    }
}

impl HeadStore for FileHead {
    fn read(&self) -> Result<Option<HeadRecord>, SwapError> {
        match self.fs.read(&self.path) {
            Ok(bytes) => HeadRecord::parse(&bytes)
                .map(Some)
                .ok_or(SwapError::Unreadable),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn swap(&self, expected: &HeadRecord, new: &HeadRecord) -> Result<(), SwapError> {
        // The lock on the directory keeps other processes out between the comparison and the swap.
        let found = self.read()?.ok_or(SwapError::Unreadable)?;
        if found != *expected {
            return Err(SwapError::Lost {
                found: Box::new(found),
            });
        }
        Ok(write_atomic(&*self.fs, &self.path, &new.to_bytes())?)
    }
}

const TAG: &str = "labelproof-log-head/v1";
