//! The index on disk, in sled 0.34.7.
//!
//! ```text
//! tree rows     event id or map key, its first 16 bytes ‖ index, 6      → later entries of the same run
//! tree groups   12 bits of such hashes, u16 ‖ index, 6                  → rows of a long run that name one entry
//! tree meta     "rows and groups of runs"                               → size, u64 ‖ root, 32 bytes
//! ```
//! A watermark of another name is of an index with other keys: it is filled again, and what a former form left is dropped.
//! sled's own promises are not relied on: a power cut may lose what it flushed and a flipped bit may hide
//! keys, so a reader takes its answers as candidates only. One thread writes, row by row: what a batch of sled's
//! replaces is freed long after it, gigabytes later. It gathers runs for some seconds, for a long one has fewer rows; until
//! then they are in memory, and what a crash takes is filled in again. After `flush` the file is synced once more,
//! because sled starts the write-back without waiting for the disk.

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
use sled::{Db, IVec, Tree};
use tracing::warn;

use super::{
    Addition, Index,
    group::{are_many, entries_in, groups, groups_of},
    run::{MAX_IN_A_ROW, ROW_BYTES, Run, Short, Unwritten, entries_of, row},
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
    rows: Tree,
    groups: Tree,
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

    /// The first `limit` entries under a hash from one on.
    fn under(&self, hash: Short, from: LeafIndex, limit: usize) -> Vec<LeafIndex> {
        // In this order, so that what is written meanwhile is not missed.
        let unwritten = self.unwritten.entries_from(hash, from, limit);
        // Rows of two fillings may overlap; each names all entries from its first to its last.
        let mut next = from;
        let mut is_next = |index: &LeafIndex| {
            let is_next = *index >= next;
            if is_next {
                next = LeafIndex::new(index.get().saturating_add(1));
            }
            is_next
        };
        let rows = self.first_row_that_may_name(hash, from)..=row(hash, LeafIndex::new(u64::MAX));
        let of_rows = self
            .readable(self.trees.rows.range(rows))
            .flat_map(|(row, value)| entries_of(&row, &value))
            .filter(|index| is_next(index))
            .take(limit);
        let of_groups = self
            .readable(self.trees.groups.range(groups_of(hash)))
            .flat_map(|(_, group)| entries_in(&group, hash).collect::<Vec<_>>())
            .filter(|index| *index >= from);
        let mut indices: Vec<LeafIndex> = of_rows.chain(of_groups).chain(unwritten).collect();
        indices.sort_unstable();
        indices.dedup();
        indices.truncate(limit);
        indices
    }

    /// The first row that may name an entry under a hash from here on. Fillings overlap, so a long row may hold shorter
    /// ones: no row in front of [`MAX_IN_A_ROW`] entries reaches over all of them.
    fn first_row_that_may_name(&self, hash: Short, from: LeafIndex) -> [u8; ROW_BYTES] {
        let mut begin = row(hash, from);
        let (mut behind, mut entries) = (from, 0);
        let before = self.trees.rows.range(row(hash, LeafIndex::new(0))..=begin);
        for (found, value) in self.readable(before.rev()) {
            let named = entries_of(&found, &value);
            let Some(first) = named.first() else { continue };
            entries += named.iter().filter(|index| **index < behind).count();
            behind = *first;
            begin = row(hash, behind);
            if entries >= MAX_IN_A_ROW {
                break;
            }
        }
        begin
    }

    /// Rows of the store, up to one that cannot be read.
    fn readable(
        &self,
        found: impl Iterator<Item = Result<(IVec, IVec), sled::Error>>,
    ) -> impl Iterator<Item = (IVec, IVec)> {
        found.map_while(|row| row.inspect_err(|error| self.cannot_be_read(error)).ok())
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
        let found = self.under(Short::from(id), LeafIndex::new(0), 1);
        found.first().copied()
    }

    fn entries(&self, key: &MapKey) -> Vec<LeafIndex> {
        self.entries_from(key, LeafIndex::new(0), usize::MAX)
    }

    fn entries_from(&self, key: &MapKey, from: LeafIndex, limit: usize) -> Vec<LeafIndex> {
        self.under(Short::from(key), from, limit)
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

/// Runs on their way to be written together.
#[derive(Debug, Default)]
struct Gathered {
    runs: Vec<Arc<Run>>,
    watermark: Option<TreeHead>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Gathered {
    fn add(&mut self, run: Arc<Run>, watermark: Option<TreeHead>) {
        self.runs.push(run);
        self.watermark = watermark.or(self.watermark);
        self.since.get_or_insert_with(Instant::now);
    }

    /// For how long more may come.
    fn pause(&self) -> Duration {
        let places: usize = self.runs.iter().map(|run| run.len()).sum();
        match self.since {
            None => FOREVER,
            Some(_) if places >= MAX_GATHERED => Duration::ZERO,
            Some(since) => GATHER_FOR.saturating_sub(since.elapsed()),
        }
    }

    /// Writes them, and forgets them whether or not that succeeds: memory is not where they stay.
    fn write(&mut self, trees: &Trees, unwritten: &Unwritten) -> Result<(), sled::Error> {
        let Self {
            runs, watermark, ..
        } = std::mem::take(self);
        let result = trees.add(&Run::of_all(&runs), watermark);
        unwritten.forget(&runs);
        result.and_then(|()| trees.sync())
    }
}

fn run(trees: &Trees, unwritten: &Unwritten, messages: &mpsc::Receiver<Message>) {
    report(trees.drop_former());
    let mut gathered = Gathered::default();
    loop {
        let mut flushed = None;
        match messages.recv_timeout(gathered.pause()) {
            Ok(Message::Add { run, watermark }) => gathered.add(run, watermark),
            Ok(Message::Clear) => {
                gathered = Gathered::default();
                report(trees.clear());
            }
            Ok(Message::Flush(done)) => flushed = Some(done),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                report(gathered.write(trees, unwritten));
                return;
            }
        }
        if flushed.is_some() || gathered.pause().is_zero() {
            report(gathered.write(trees, unwritten));
        }
        if let Some(done) = flushed {
            // Nobody waits any more if this fails.
            let _ = done.send(());
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
            rows: db.open_tree("rows")?,
            groups: db.open_tree("groups")?,
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
        let mut lone = Vec::new();
        for (row, later) in run.rows() {
            match later.is_empty() {
                true => lone.push(row),
                false => drop(self.rows.insert(row, later)?),
            }
        }
        if are_many(lone.len()) {
            for (key, group) in groups(&lone) {
                self.groups.insert(key, group)?;
            }
        } else {
            for row in lone {
                self.rows.insert(row, &[])?;
            }
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

    /// Drops what only former forms have; by name, for what else there is may be of a later one.
    fn drop_former(&self) -> Result<(), sled::Error> {
        let mut said_it_knew = false;
        for watermark in FORMER_WATERMARKS {
            said_it_knew |= self.meta.remove(watermark)?.is_some();
        }
        // A program of that form, run again, must not find its watermark without the rows.
        if said_it_knew {
            self.sync()?;
        }
        for tree in FORMER_TREES {
            self.db.drop_tree(tree)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), sled::Error> {
        // The watermark goes first: a crash in between leaves an index that says it knows nothing.
        self.meta.clear()?;
        self.rows.clear()?;
        self.groups.clear()
    }
}

const WATERMARK: &[u8] = b"rows and groups of runs";
/// No later form may use these names again.
const FORMER_WATERMARKS: [&str; 5] = [
    "watermark",
    "keys watermark",
    "keys and listings",
    "runs of keys and listings",
    "runs of short keys and listings",
];
const FORMER_TREES: [&str; 3] = ["events", "labels", "keys"];
/// Batches that may wait to be written; then appending waits. 64 may be unpublished, as many may be unindexed.
const MAX_QUEUE: usize = 64;
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Places in runs that are written together: a few for each of 26,000 events, 3 MiB, and no second to fill in again.
const MAX_GATHERED: usize = 128 * 1024;
/// A log with little to do soon has its index on disk; one in a hurry has gathered enough before.
const GATHER_FOR: Duration = Duration::from_secs(10);
/// With nothing to write there is nothing to wake up for.
const FOREVER: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_former_forms_left_and_nothing_of_a_later_one() {
        let dir = tempfile::tempdir().unwrap();
        let trees = Trees::open(dir.path()).unwrap();
        for tree in ["events", "labels", "keys", "rows", "of a later form"] {
            let tree = trees.db.open_tree(tree).unwrap();
            tree.insert("row", "").unwrap();
        }
        let watermarks = ["runs of keys and listings", "of a later form"];
        for watermark in watermarks {
            trees.meta.insert(watermark, "").unwrap();
        }
        trees.sync().unwrap();
        drop(trees);

        let index = SledIndex::open(dir.path()).unwrap();
        index.flush();
        let trees = &index.trees;
        let mut names = trees.db.tree_names();
        names.retain(|name| !name.starts_with(b"__sled"));
        names.sort();
        assert_eq!(names, ["groups", "meta", "of a later form", "rows"]);
        assert!(trees.rows.contains_key("row").unwrap());
        let left: Vec<IVec> = trees.meta.iter().keys().map(Result::unwrap).collect();
        assert_eq!(left, ["of a later form"]);
    }
}
