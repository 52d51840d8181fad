//! The trust store: the newest checkpoint that was accepted from each log, which never steps back.
//!
//! ```text
//! trust.toml.newest/                      beside the trust file
//!   lock
//!   labels.g7.example.checkpoint:
//!     labelproof-newest/v1
//!     2026-11-24T22:00:00Z                the largest as_of accepted so far
//!
//!     labels.g7.example …                 the checkpoint note, as it was served
//! ```
//! It moves forward only after a consistency proof. Who can write here can make the client forget what
//! it saw, but cannot make it accept a head without a quorum.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use labelproof_core::{
    checkpoint::{Origin, SignedCheckpoint},
    evidence::{Evidence, EvidenceError},
    merkle::{ProofError, ReadNodes},
    note::Note,
    policy::WitnessedCheckpoint,
    time::Time,
};
use labelproof_host::{
    fs::{Fs, FsError, write_atomic},
    lock::{DirLock, LockError},
};

use super::TrustedLog;
use crate::{
    evidence::{CompareError, Compared, compare},
    proof::open_checkpoint,
};

/// The newest accepted heads beside one trust file.
#[derive(Clone, Debug)]
pub struct TrustStore {
    dir: PathBuf,
    fs: Arc<dyn Fs>,
}

impl TrustStore {
    /// The store of the trust file at `path`; nothing is read or made yet.
    pub fn beside(path: &Path, fs: Arc<dyn Fs>) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push(".newest");
        Self {
            dir: name.into(),
            fs,
        }
    }

    /// What was last accepted from `log`, `None` if nothing was.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a file that is not the store's or not signed by the log.
    pub fn newest(&self, log: &TrustedLog) -> Result<Option<Newest>, StoreError> {
        let path = self.file_of(log.origin());
        if !self.fs.exists(&path)? {
            return Ok(None);
        }
        let bytes = self.fs.read(&path)?;
        match Newest::parse(&bytes, log) {
            Some(newest) => Ok(Some(newest)),
            None => Err(StoreError::Damaged { path }),
        }
    }

    /// Takes in a head with a quorum and says how it stands to the newest accepted one.
    ///
    /// `nodes` are read from tiles that were verified against `seen`, and only if `seen` is larger
    /// than what is stored.
    ///
    /// # Errors
    /// [`AdvanceError::Fork`] carries evidence; all else leaves the store as it was.
    pub fn advance<R: ReadNodes>(
        &self,
        log: &TrustedLog,
        seen: &WitnessedCheckpoint,
        nodes: &R,
    ) -> Result<Standing, AdvanceError<R::Error>> {
        self.fs
            .create_dir_all(&self.dir)
            .map_err(StoreError::Files)?;
        for _ in 0..MAX_RACES {
            let stored = self.newest(log)?;
            let (standing, next) = step(stored.as_ref(), seen, nodes)?;
            let Some(next) = next else {
                return Ok(standing);
            };
            // The proof came over the network, so it was made without the lock.
            let _lock = self.lock()?;
            if self.newest(log)? == stored {
                let path = self.file_of(log.origin());
                write_atomic(&*self.fs, &path, &next.to_bytes()).map_err(StoreError::Files)?;
                return Ok(standing);
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Waits a moment for another command that is writing.
    fn lock(&self) -> Result<DirLock, StoreError> {
        let mut tries = 0;
        loop {
            match DirLock::take(&self.dir, "labelproof") {
                Err(LockError::Held { .. }) if tries < LOCK_TRIES => {
                    tries += 1;
                    thread::sleep(LOCK_PAUSE);
                }
                taken => return Ok(taken?),
            }
        }
    }

    fn file_of(&self, origin: &Origin) -> PathBuf {
        let name = file_name(origin);
        self.dir.join(format!("{name}.checkpoint"))
    }
}

/// The origin as part of a file's name: bytes that are special to some file system as `:XX`.
pub fn file_name(origin: &Origin) -> String {
    let mut name = String::new();
    for byte in origin.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                name.push(byte.into());
            }
            other => name.push_str(&format!(":{other:02X}")),
        }
    }
    name
}

/// The newest head accepted from one log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Newest {
    checkpoint: SignedCheckpoint,
    as_of: Time,
}

impl Newest {
    /// The checkpoint, signed by the log; its quorum was checked when it was accepted.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The largest `as_of` of any accepted head, this one or another.
    pub fn as_of(&self) -> Time {
        self.as_of
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{TAG}\n{}\n\n", self.as_of).into_bytes();
        bytes.extend(self.checkpoint.note().to_bytes());
        bytes
    }

    fn parse(bytes: &[u8], log: &TrustedLog) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let (tag, rest) = text.split_once('\n')?;
        let (as_of, note) = rest.split_once("\n\n")?;
        let note = Note::parse(note.as_bytes()).ok()?;
        let checkpoint = open_checkpoint(note, log).ok()?;
        let newest = Self {
            checkpoint,
            as_of: as_of.parse().ok()?,
        };
        (tag == TAG && newest.to_bytes() == bytes).then_some(newest)
    }
}

/// How a head stands to the newest one accepted before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Nothing was accepted from this log before.
    First,
    /// Smaller than what was accepted: there is news that it does not know.
    Older,
    /// The same size and root.
    Same,
    /// Larger.
    Newer,
}

/// Compares a head with the stored one, without reading a tile.
///
/// # Errors
/// [`Fork`] for equal sizes with different roots: two checkpoints that no honest log signs.
pub fn relate(stored: &Newest, seen: &WitnessedCheckpoint) -> Result<Standing, Fork> {
    let (old, new) = (stored.checkpoint.head(), seen.head());
    match new.size().cmp(&old.size()) {
        std::cmp::Ordering::Less => Ok(Standing::Older),
        std::cmp::Ordering::Greater => Ok(Standing::Newer),
        std::cmp::Ordering::Equal if old.root() == new.root() => Ok(Standing::Same),
        std::cmp::Ordering::Equal => {
            let evidence = Evidence::fork_at_one_size(&stored.checkpoint, seen.signed());
            Err(Fork(Box::new(
                evidence.expect("equal sizes with different roots are a fork"),
            )))
        }
    }
}

/// How `seen` stands to what is stored, and what to store instead, if anything.
fn step<R: ReadNodes>(
    stored: Option<&Newest>,
    seen: &WitnessedCheckpoint,
    nodes: &R,
) -> Result<(Standing, Option<Newest>), AdvanceError<R::Error>> {
    let as_of = stored.map_or(seen.as_of(), |stored| stored.as_of.max(seen.as_of()));
    let next = |checkpoint: &SignedCheckpoint| {
        let checkpoint = checkpoint.clone();
        Some(Newest { checkpoint, as_of })
    };
    let Some(stored) = stored else {
        return Ok((Standing::First, next(seen.signed())));
    };
    let standing = relate(stored, seen)?;
    let next = match standing {
        Standing::Newer => {
            grown(&stored.checkpoint, seen.signed(), nodes)?;
            next(seen.signed())
        }
        // Only the time moves; the same head may carry newer cosignatures.
        Standing::Same if as_of > stored.as_of => next(seen.signed()),
        Standing::Older if as_of > stored.as_of => next(&stored.checkpoint),
        Standing::First | Standing::Same | Standing::Older => None,
    };
    Ok((standing, next))
}

/// Checks that `new` appends to `old`, with nodes that were verified against `new`.
pub(crate) fn grown<R: ReadNodes>(
    old: &SignedCheckpoint,
    new: &SignedCheckpoint,
    nodes: &R,
) -> Result<(), AdvanceError<R::Error>> {
    match compare(nodes, new, old)? {
        Compared::Consistent => Ok(()),
        Compared::Forked(evidence) => Err(Fork(evidence).into()),
        Compared::Ahead => Err(AdvanceError::Proof(ProofError::SizesReversed {
            old: old.head().size(),
            new: new.head().size(),
        })),
    }
}

/// A log showed two histories; the evidence convinces others.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the log signed two histories")]
pub struct Fork(pub Box<Evidence>);

/// Why a head was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdvanceError<E> {
    /// The heads are not of one log.
    #[error(transparent)]
    Evidence(EvidenceError),
    /// The log misbehaved.
    #[error(transparent)]
    Fork(#[from] Fork),
    /// The proof made from the log's tiles does not hold.
    #[error("the log's tiles do not prove that the new head appends to the one seen before")]
    Proof(#[from] ProofError),
    /// The store itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tiles could not be had.
    #[error("cannot read the log's tiles")]
    Tiles(#[source] E),
}

impl<E> From<CompareError<E>> for AdvanceError<E> {
    fn from(error: CompareError<E>) -> Self {
        match error {
            CompareError::Evidence(error) => Self::Evidence(error),
            CompareError::Proof(error) => Self::Proof(error),
            CompareError::Tiles(error) => Self::Tiles(error),
        }
    }
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Other commands moved it on each time.
    #[error("the trust store is written to by others all the time; repeat")]
    Busy,
    /// Not a file this program wrote, or signed by a log that is no longer trusted.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The disk.
    #[error(transparent)]
    Files(#[from] FsError),
    /// Another command holds the store.
    #[error(transparent)]
    Lock(#[from] LockError),
}

const TAG: &str = "labelproof-newest/v1";

/// Each race is lost to somebody who moved on, and the newest head of all wins.
const MAX_RACES: usize = 64;

/// A writer replaces one small file: five seconds, then something is wrong.
const LOCK_TRIES: u32 = 250;
const LOCK_PAUSE: Duration = Duration::from_millis(20);
