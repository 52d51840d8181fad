//! What a witness cosigned last, for every log it ever knew, on disk.
//!
//! ```text
//! key     origin
//! value   u8 1 · u64 time of the cosignature, 0 if there is none · note with the log's lines, empty if none
//!         · 32-byte SHA-256 of origin, "\n" and all of the value before
//! ```
//! One redb table; integers big-endian. All records are in memory too, and believed only after the log's
//! signature verified. [`Store::open`] writes the file anew: pages that a failed sync left readable, but not on
//! disk, are then on disk. Our own line is not stored: key, text and time give it back, byte for byte.

mod backend;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use labelproof_core::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use labelproof_core::cosignature::CosignatureTime;
use labelproof_core::merkle::TreeHead;
use labelproof_core::note::{Note, NoteError};
use labelproof_host::fs::{Fs, FsError, write_atomic};
use redb::{
    Builder, Database, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition,
};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use self::backend::{FsBackend, MemoryBackend};
use crate::known_logs::{KnownLogs, ListedLog};

/// What was cosigned last for one log.
///
/// Tens of thousands are held: the note stays text, and is opened again for who needs its signatures.
#[derive(Clone, Debug)]
pub struct Cosigned {
    head: TreeHead,
    time: CosignatureTime,
    note: Box<str>,
}

impl Cosigned {
    /// A checkpoint and the time of its cosignature.
    #[must_use]
    pub fn new(checkpoint: &SignedCheckpoint, time: CosignatureTime) -> Self {
        Self {
            head: checkpoint.head(),
            time,
            note: checkpoint.note().to_string().into(),
        }
    }

    /// The size and root that were cosigned.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// The time in the cosignature.
    #[must_use]
    pub fn time(&self) -> CosignatureTime {
        self.time
    }

    /// The checkpoint's note, with the lines of its log.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// The records, in memory and on disk alike.
#[derive(Debug)]
pub struct Store {
    database: Database,
    records: Records,
    latest_time: Option<CosignatureTime>,
}

/// What every log's record is; none where nothing was cosigned yet.
type Records = BTreeMap<Origin, Option<Arc<Cosigned>>>;

impl Store {
    /// Makes an empty store where none is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create(fs: &Arc<dyn Fs>, dir: &Path) -> Result<Self, StoreError> {
        Self::write_anew(fs, dir, Records::new(), Vec::new())
    }

    /// Reads and verifies every record, and writes the file anew.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Missing`] names a known log without a record: whoever lost it must not
    /// sign for that log again.
    pub fn open(fs: &Arc<dyn Fs>, dir: &Path, known: &KnownLogs) -> Result<Self, StoreError> {
        Self::open_with(fs, dir, known, known)
    }

    /// As [`Store::open`], where `known` is about to become `with`, whose keys may verify a record that
    /// those of `known` cannot: a list that was lost and is made again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_with(
        fs: &Arc<dyn Fs>,
        dir: &Path,
        known: &KnownLogs,
        with: &KnownLogs,
    ) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let bytes = fs.read(&path)?;
        // redb takes an empty file for a new database; for us it is a lost one.
        if bytes.is_empty() {
            return Err(StoreError::Empty { path });
        }
        let copy = MemoryBackend::from(bytes);
        let records = read_all(copy.clone(), with)?;
        let mut active = known.active().iter().map(ListedLog::origin);
        if let Some(origin) = active.find(|origin| !records.contains_key(origin)) {
            return Err(StoreError::Missing {
                origin: origin.clone(),
            });
        }
        // The new file is made where the copy was: what a second one took would stay with the process.
        let mut room = copy.take();
        room.clear();
        Self::write_anew(fs, dir, records, room)
    }

    /// The head cosigned last, the empty tree's if nothing was; `None` for an origin without record.
    #[must_use]
    pub fn latest(&self, origin: &Origin) -> Option<TreeHead> {
        let record = self.records.get(origin)?.as_ref();
        Some(record.map_or(TreeHead::EMPTY, |cosigned| cosigned.head))
    }

    /// What was cosigned last for an origin, if anything was.
    #[must_use]
    pub fn cosigned(&self, origin: &Origin) -> Option<&Arc<Cosigned>> {
        self.records.get(origin)?.as_ref()
    }

    /// Every record, by origin.
    pub fn records(&self) -> impl Iterator<Item = (&Origin, Option<&Arc<Cosigned>>)> {
        self.records
            .iter()
            .map(|(origin, record)| (origin, record.as_ref()))
    }

    /// The latest time in any cosignature.
    #[must_use]
    pub fn latest_time(&self) -> Option<CosignatureTime> {
        self.latest_time
    }

    /// Makes a record at size 0 for each origin that has none and never had; durable on return.
    ///
    /// # Errors
    /// [`StoreError::Missing`] for an origin that `known` names, retired or not: its record was lost, and
    /// beginning anew could sign a fork. Else [`StoreError`]; the store must not be used after.
    pub fn begin(&mut self, origins: &[Origin], known: &KnownLogs) -> Result<(), StoreError> {
        let mut new = Records::new();
        for origin in origins {
            if self.records.contains_key(origin) {
                continue;
            }
            if known.keys_ever(origin).is_some() {
                return Err(StoreError::Missing {
                    origin: origin.clone(),
                });
            }
            new.insert(origin.clone(), None);
        }
        self.write(new)
    }

    /// Replaces records, all or none; durable on return.
    ///
    /// # Errors
    /// [`StoreError`]; the store must not be used after.
    pub fn put(&mut self, changes: BTreeMap<Origin, Arc<Cosigned>>) -> Result<(), StoreError> {
        let changes = changes.into_iter();
        self.write(changes.map(|(origin, one)| (origin, Some(one))).collect())
    }

    fn write(&mut self, changes: Records) -> Result<(), StoreError> {
        write_records(&self.database, &changes)?;
        self.latest_time = self.latest_time.max(latest_time(&changes));
        self.records.extend(changes);
        Ok(())
    }

    /// Makes the file in `room`, which is empty, and puts it in place.
    fn write_anew(
        fs: &Arc<dyn Fs>,
        dir: &Path,
        records: Records,
        room: Vec<u8>,
    ) -> Result<Self, StoreError> {
        // Made in memory: redb writes once more when it is closed, and tells nobody if that fails.
        let memory = MemoryBackend::from(room);
        write_records(&open_database(memory.clone())?, &records)?;
        let path = dir.join(FILE);
        write_atomic(fs.as_ref(), &path, &memory.take())?;
        Ok(Self {
            database: open_database(FsBackend::new(Arc::clone(fs), path))?,
            latest_time: latest_time(&records),
            records,
        })
    }
}

fn latest_time(records: &Records) -> Option<CosignatureTime> {
    let cosigned = records.values().flatten();
    cosigned.map(|cosigned| cosigned.time).max()
}

fn open_database(backend: impl StorageBackend) -> Result<Database, StoreError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder.set_check_integrity_on_open(true);
    builder
        .create_with_backend(backend)
        .map_err(StoreError::database)
}

fn write_records(database: &Database, changes: &Records) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(StoreError::database)?;
    {
        let mut table = transaction
            .open_table(TABLE)
            .map_err(StoreError::database)?;
        for (origin, record) in changes {
            let value = encode(origin, record.as_deref());
            table
                .insert(origin.as_str(), value.as_slice())
                .map_err(StoreError::database)?;
        }
    }
    // Immediate durability is redb's default: when this returns, the pages are synced.
    transaction.commit().map_err(StoreError::database)
}

/// Reads every record of a copy in memory: to open is to write, and what a failed sync left in the file, readable but
/// not on disk, must not become the newest of it before all of it is written anew.
fn read_all(copy: MemoryBackend, known: &KnownLogs) -> Result<Records, StoreError> {
    let database = open_database(copy)?;
    let transaction = database.begin_read().map_err(StoreError::database)?;
    let table = transaction
        .open_table(TABLE)
        .map_err(StoreError::database)?;
    let mut records = Records::new();
    for entry in table.iter().map_err(StoreError::database)? {
        let (key, value) = entry.map_err(StoreError::database)?;
        let malformed = |_| StoreError::Malformed {
            origin: key.value().to_owned(),
        };
        let origin: Origin = key.value().parse().map_err(malformed)?;
        let record = decode(&origin, value.value(), known)?;
        records.insert(origin, record.map(Arc::new));
    }
    Ok(records)
}

fn encode(origin: &Origin, record: Option<&Cosigned>) -> Vec<u8> {
    let mut value = vec![VERSION];
    let time = record.map_or(0, |cosigned| cosigned.time.unix());
    value.extend_from_slice(&time.to_be_bytes());
    if let Some(cosigned) = record {
        value.extend_from_slice(cosigned.note.as_bytes());
    }
    let digest = digest(origin, &value);
    value.extend_from_slice(&digest);
    value
}

fn decode(
    origin: &Origin,
    value: &[u8],
    known: &KnownLogs,
) -> Result<Option<Cosigned>, StoreError> {
    let malformed = || StoreError::Malformed {
        origin: origin.to_string(),
    };
    let (content, check) = value.split_last_chunk::<32>().ok_or_else(malformed)?;
    if digest(origin, content) != *check {
        return Err(malformed());
    }
    let ([version], rest) = content.split_first_chunk::<1>().ok_or_else(malformed)?;
    let (time, note) = rest.split_first_chunk::<8>().ok_or_else(malformed)?;
    let time = u64::from_be_bytes(*time);
    if *version != VERSION {
        return Err(malformed());
    }
    if time == 0 && note.is_empty() {
        return Ok(None);
    }
    let time = CosignatureTime::new(time).ok_or_else(malformed)?;
    let Some(keys) = known.keys_ever(origin) else {
        return Err(StoreError::Unknown {
            origin: origin.clone(),
        });
    };
    let unverified = |source| StoreError::Unverified {
        origin: origin.clone(),
        source,
    };
    let note = Note::parse(note).map_err(|error: NoteError| unverified(error.into()))?;
    let checkpoint = SignedCheckpoint::open_as(note, origin, &keys).map_err(unverified)?;
    Ok(Some(Cosigned::new(&checkpoint, time)))
}

fn digest(origin: &Origin, content: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(origin.as_str());
    hash.update(b"\n");
    hash.update(content);
    hash.finalize().into()
}

/// Why the store could not be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A call on a file failed.
    #[error(transparent)]
    Io(#[from] FsError),
    /// redb failed, or found its file damaged.
    #[error("database failed")]
    Database(#[source] Box<redb::Error>),
    /// The file is there and empty.
    #[error("{} is empty: what was cosigned is lost", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A known log has no record: signing for it could sign a fork.
    #[error("state of the known log {origin} is missing; retire it, or restore the state")]
    Missing {
        /// The log.
        origin: Origin,
    },
    /// A record of a log whose key is in no list.
    #[error("state of {origin} cannot be verified: its key is in no list; add the log again")]
    Unknown {
        /// The log.
        origin: Origin,
    },
    /// A record is not what was written.
    #[error("state of {origin} is damaged")]
    Malformed {
        /// The key of the record.
        origin: String,
    },
    /// A record whose checkpoint does not verify.
    #[error("state of {origin} cannot be verified")]
    Unverified {
        /// The log.
        origin: Origin,
        /// What is wrong.
        source: CheckpointError,
    },
    /// What was read back is older than what this process holds.
    #[error("state of {origin} went back")]
    WentBack {
        /// The log.
        origin: Origin,
    },
}

impl StoreError {
    fn database(error: impl Into<redb::Error>) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// The database's name in a witness's folder.
pub const FILE: &str = "state.redb";

const TABLE: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("cosigned");

const VERSION: u8 = 1;

/// All records are in memory anyway; this holds the pages that a transaction of some dozen requests touches.
/// Larger ones read the rest again, which costs no more than 8 MiB here did.
const CACHE_BYTES: usize = 1024 * 1024;
