//! The index on disk, in sled 0.34.7.
//!
//! ```text
//! tree events   event id, its first 16 bytes                → index, u64 big-endian
//! tree keys     map key, its first 16 bytes ‖ index, 6      → later entries of the same run
//! tree meta     "runs of short keys and listings"           → size, u64 ‖ root, 32 bytes
//! ```
//! A watermark of another name is of an index with other keys: it is filled again.
//! sled's own promises are not relied on: a power cut may lose what it flushed and a flipped bit may hide
//! keys, so a reader takes its answers as candidates only. One thread writes, row by row: what a batch of sled's
//! replaces is freed long after it, gigabytes later. Until they are written rows are in memory. It syncs once a
//! second: what a crash takes is filled in again. After `flush` the file is synced once more, because sled starts
//! the write-back without waiting for the disk.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use labelproof_core::{
    event::EventId,
    merkle::{LeafIndex, RootHash, TreeHead, TreeSize},
    state::key::MapKey,
};
use sled::{Db, Tree};
use tracing::warn;

use super::{
    Addition, Index,
    run::{MAX_IN_A_ROW, Run, SHORT_BYTES, Unwritten, entries_of, row},
};

/// Look-ups in a directory of their own.
#[derive(Debug)]
pub struct SledIndex {
    trees: Trees,
    unwritten: Arc<Unwritten>,
    // The lock also keeps the order of the watermark the order of the queue.
    writer: Mutex<Writer>,
    is_damaged: AtomicBool,
}

#[derive(Debug)]
struct Writer {
    queue: mpsc::SyncSender<Message>,
    watermark: TreeHead,
}

#[derive(Clone, Debug)]
struct Trees {
    db: Db,
    path: PathBuf,
    events: Tree,
    keys: Tree,
    meta: Tree,
}

#[derive(Debug)]
enum Message {
    Add {
        run: Arc<Run>,
        watermark: Option<TreeHead>,
    },
    Clear,
    Flush(mpsc::SyncSender<()>),
}

impl SledIndex {
    /// Opens the index in `path`; one that cannot be opened is thrown away and begun anew.
    ///
    /// # Errors
    /// What sled says when not even an empty one can be opened.
    pub fn open(path: &Path) -> Result<Self, sled::Error> {
        let trees = match Trees::open(path) {
            Ok(trees) => trees,
            Err(error) => {
                warn!(%error, "the index cannot be opened; it is made anew from the entries");
                let removed = match path.is_dir() {
                    true => std::fs::remove_dir_all(path),
                    false => std::fs::remove_file(path),
                };
                removed.map_err(sled::Error::from)?;
                Trees::open(path)?
            }
        };
        let watermark = trees.watermark().unwrap_or(TreeHead::EMPTY);
        let (queue, messages) = mpsc::sync_channel(MAX_QUEUE);
        let unwritten = Arc::new(Unwritten::default());
        let (own_trees, own_unwritten) = (trees.clone(), unwritten.clone());
        thread::Builder::new()
            .name("index".into())
            .spawn(move || run(&own_trees, &own_unwritten, &messages))
            .map_err(sled::Error::from)?;
        Ok(Self {
            trees,
            unwritten,
            writer: Mutex::new(Writer { queue, watermark }),
            is_damaged: AtomicBool::new(false),
        })
    }

    fn send(writer: &Writer, message: Message) {
        // The thread ends only when the queue is dropped; were it gone, the index would miss things,
        // which every reader of an index expects.
        if writer.queue.send(message).is_err() {
            warn!("the index thread is gone");
        }
    }

    /// The first row that may name an entry of a key from here on. Fillings overlap, so a long row may hold shorter
    /// ones: no row in front of [`MAX_IN_A_ROW`] entries reaches over all of them.
    fn first_row_that_may_name(&self, key: &MapKey, from: LeafIndex) -> Vec<u8> {
        let mut begin = row(key, from);
        let (mut behind, mut entries) = (from, 0);
        let before = self
            .trees
            .keys
            .range(row(key, LeafIndex::new(0))..=row(key, from));
        for found in before.rev() {
            let (found, value) = match found {
                Ok(found) => found,
                Err(error) => {
                    self.cannot_be_read(&error);
                    break;
                }
            };
            let named = entries_of(&found, &value);
            entries += named.iter().filter(|index| **index < behind).count();
            behind = named.first().copied().unwrap_or(behind);
            begin = found.to_vec();
            if entries >= MAX_IN_A_ROW {
                break;
            }
        }
        begin
    }

    fn cannot_be_read(&self, error: &sled::Error) {
        if !self.is_damaged.swap(true, Ordering::Relaxed) {
            warn!(%error, "the index cannot be read");
        }
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index for SledIndex {
    fn event(&self, id: &EventId) -> Option<LeafIndex> {
        self.unwritten.event(id).or_else(|| {
            match self.trees.events.get(&id.as_bytes()[..SHORT_BYTES]) {
                Ok(value) => value.and_then(|value| index_of(&value)),
                Err(error) => {
                    self.cannot_be_read(&error);
                    None
                }
            }
        })
    }

    fn entries(&self, key: &MapKey) -> Vec<LeafIndex> {
        self.entries_from(key, LeafIndex::new(0), usize::MAX)
    }

    fn entries_from(&self, key: &MapKey, from: LeafIndex, limit: usize) -> Vec<LeafIndex> {
        let unwritten = self.unwritten.entries_from(key, from, limit);
        let keys = &self.trees.keys;
        let begin = self.first_row_that_may_name(key, from);
        // Rows of two fillings may overlap; each names all entries from its first to its last.
        let mut next = from;
        let mut is_next = |index: &LeafIndex| {
            let is_next = *index >= next;
            if is_next {
                next = LeafIndex::new(index.get().saturating_add(1));
            }
            is_next
        };
        let mut indices: Vec<LeafIndex> = keys
            .range(begin..=row(key, LeafIndex::new(u64::MAX)))
            .map_while(|found| found.inspect_err(|error| self.cannot_be_read(error)).ok())
            .flat_map(|(row, value)| entries_of(&row, &value))
            .filter(|index| is_next(index))
            .take(limit)
            .chain(unwritten)
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices.truncate(limit);
        indices
    }

    fn append(&self, addition: Addition) {
        let run = Arc::new(Run::of(&addition.events));
        self.unwritten.push(&run);
        let mut writer = self.writer();
        let follows = addition.from == writer.watermark.size();
        if follows {
            writer.watermark = addition.head;
        }
        let watermark = follows.then_some(addition.head);
        Self::send(&writer, Message::Add { run, watermark });
    }

    fn watermark(&self) -> TreeHead {
        self.writer().watermark
    }

    fn is_damaged(&self) -> bool {
        self.is_damaged.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        let mut writer = self.writer();
        self.is_damaged.store(false, Ordering::Relaxed);
        writer.watermark = TreeHead::EMPTY;
        self.unwritten.clear();
        Self::send(&writer, Message::Clear);
    }

    fn flush(&self) {
        let (done, wait) = mpsc::sync_channel(1);
        Self::send(&self.writer(), Message::Flush(done));
        // An error means that the thread is gone, so there is nothing to wait for.
        let _ = wait.recv();
    }
}

fn run(trees: &Trees, unwritten: &Unwritten, messages: &mpsc::Receiver<Message>) {
    let mut unsynced: Option<Instant> = None;
    loop {
        let pause = unsynced.map_or(FOREVER, |since| SYNC_AFTER.saturating_sub(since.elapsed()));
        let result = match messages.recv_timeout(pause) {
            Ok(Message::Add { run, watermark }) => {
                let result = trees.add(&run, watermark);
                // Written or lost: in both cases memory is not where it stays.
                unwritten.forget(&run);
                unsynced.get_or_insert_with(Instant::now);
                result
            }
            Ok(Message::Clear) => trees.clear(),
            Ok(Message::Flush(done)) => {
                let result = trees.sync();
                unsynced = None;
                // Nobody waits any more if this fails.
                let _ = done.send(());
                result
            }
            Err(mpsc::RecvTimeoutError::Timeout) => Ok(()),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                report(trees.sync());
                return;
            }
        };
        report(result);
        if unsynced.is_some_and(|since| since.elapsed() >= SYNC_AFTER) {
            report(trees.sync());
            unsynced = None;
        }
    }
}

fn report(result: Result<(), sled::Error>) {
    if let Err(error) = result {
        warn!(%error, "the index cannot be written; it will be made anew from the entries");
    }
}

impl Trees {
    fn open(path: &Path) -> Result<Self, sled::Error> {
        let db = sled::Config::new()
            .path(path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()?;
        Ok(Self {
            events: db.open_tree("events")?,
            keys: db.open_tree("keys")?,
            meta: db.open_tree("meta")?,
            path: path.to_owned(),
            db,
        })
    }

    fn watermark(&self) -> Option<TreeHead> {
        let value = self.meta.get(WATERMARK).ok()??;
        let (size, root) = value.split_first_chunk::<8>()?;
        let root = <[u8; 32]>::try_from(root).ok()?;
        Some(TreeHead::new(
            TreeSize::new(u64::from_be_bytes(*size)),
            RootHash::from_bytes(root),
        ))
    }

    fn add(&self, run: &Run, watermark: Option<TreeHead>) -> Result<(), sled::Error> {
        for (id, index) in run.events() {
            let id = &id.as_bytes()[..SHORT_BYTES];
            self.events.insert(id, &index.get().to_be_bytes())?;
        }
        for (row, value) in run.rows() {
            self.keys.insert(row, value)?;
        }
        // Last, so that a crash before it has everything before it filled in again.
        if let Some(head) = watermark {
            let mut value = head.size().get().to_be_bytes().to_vec();
            value.extend_from_slice(head.root().as_bytes());
            self.meta.insert(WATERMARK, value)?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), sled::Error> {
        self.db.flush()?;
        File::open(self.path.join("db"))?.sync_all()?;
        Ok(())
    }

    fn clear(&self) -> Result<(), sled::Error> {
        // The watermark goes first: a crash in between leaves an index that says it knows nothing.
        self.meta.clear()?;
        self.events.clear()?;
        self.keys.clear()
    }
}

fn index_of(bytes: &[u8]) -> Option<LeafIndex> {
    Some(LeafIndex::new(u64::from_be_bytes(bytes.try_into().ok()?)))
}

const WATERMARK: &[u8] = b"runs of short keys and listings";
/// Batches that may wait to be written; then appending waits. 64 may be unpublished, as many may be unindexed.
const MAX_QUEUE: usize = 64;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// The index is disposable, and each sync takes the disk from the batches; a second is little to fill in again.
const SYNC_AFTER: Duration = Duration::from_secs(1);
/// With nothing to sync there is nothing to wake up for.
const FOREVER: Duration = Duration::from_secs(3_600);
