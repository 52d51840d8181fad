//! The object store on a directory: staged batches, tiles, entry bundles, the checkpoint.
//!
//! ```text
//! staged/<sha256>          one batch, until it is applied
//! tile/0/x001/067          one growing file a tile: 32 bytes a hash, cut to the width asked for
//! tile/entries/x001/067    one growing file a bundle: u16 length, big-endian, and the entry
//! checkpoint               the newest witnessed checkpoint
//! ```
//! Nothing here is trusted: what is read is checked against the head record, and what lies behind
//! the size that record says is not there. Deciding when to write is `sequencer`'s.

mod apply;
mod places;

use std::{io, path::PathBuf, sync::Arc};

use labelproof_core::{
    entry_bundle::EntryBundle,
    merkle::{Frontier, LeafHash, LeafIndex, NodeHash, NodeId, ReadNodes, TreeHead, TreeSize},
    tile::{TileIndex, TileKind, TileLevel, TilePath, Width},
};
use labelproof_host::{
    fs::{Fs, TEMP_SUFFIX, write_atomic, write_atomic_parts},
    tiles::{SourceError, TileSource},
};

use self::places::Places;
use super::{
    error::StorageError,
    staged::{BatchDigest, StagedBatch},
};

/// The files of one log.
#[derive(Clone, Debug)]
pub struct Directory {
    fs: Arc<dyn Fs>,
    root: PathBuf,
    places: Arc<Places>,
}

impl Directory {
    /// A text in which the names of objects are no paths of this machine: for who is not its operator.
    #[must_use]
    pub fn without_root(&self, text: &str) -> String {
        let root = self.root.display().to_string();
        text.replace(&format!("{root}/"), "")
            .replace(&root, "the store")
    }

    /// Names the directory; nothing is read yet.
    #[must_use]
    pub fn new(fs: Arc<dyn Fs>, root: PathBuf) -> Self {
        Self {
            fs,
            root,
            places: Arc::default(),
        }
    }

    /// Makes the folders of a new store.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(&self) -> Result<(), StorageError> {
        self.fs.create_dir_all(&self.root.join(STAGED))?;
        self.fs.create_dir_all(&self.root.join("tile"))?;
        Ok(())
    }

    /// Stages a batch as one durable object and gives its digest.
    ///
    /// # Errors
    /// What the file system says; then nothing may be assumed about the object.
    pub fn stage(&self, batch: &StagedBatch) -> Result<BatchDigest, StorageError> {
        let bytes = batch.to_bytes();
        let digest = BatchDigest::of(&bytes);
        write_atomic(&*self.fs, &self.staged_path(digest), &bytes)?;
        Ok(digest)
    }

    /// Reads a staged batch back and checks that its bytes have the digest of its name.
    ///
    /// # Errors
    /// [`StorageError::WrongDigest`] or [`StorageError::Batch`] names the object.
    pub fn read_staged(&self, digest: BatchDigest) -> Result<StagedBatch, StorageError> {
        let bytes = self.fs.read(&self.staged_path(digest))?;
        let found = BatchDigest::of(&bytes);
        let object = format!("{STAGED}/{digest}");
        if found != digest {
            return Err(StorageError::WrongDigest { object, found });
        }
        StagedBatch::parse(&bytes).map_err(|source| StorageError::Batch { object, source })
    }

    /// Lists the staged batches.
    ///
    /// # Errors
    /// What the file system says.
    pub fn staged(&self) -> Result<Vec<BatchDigest>, StorageError> {
        let names = self.fs.list(&self.root.join(STAGED))?;
        Ok(names
            .iter()
            .filter_map(|name| BatchDigest::parse(name))
            .collect())
    }

    /// Removes the temporary files that a crash left among the staged batches.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sweep_staged(&self) -> Result<(), StorageError> {
        let folder = self.root.join(STAGED);
        for name in self.fs.list(&folder)? {
            if name.ends_with(TEMP_SUFFIX) {
                self.fs.remove(&folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Deletes a staged batch that was applied, or that was never reserved.
    ///
    /// # Errors
    /// What the file system says.
    pub fn unstage(&self, digest: BatchDigest) -> Result<(), StorageError> {
        self.fs.remove(&self.staged_path(digest))?;
        self.fs.sync_dir(&self.root.join(STAGED))?;
        Ok(())
    }

    /// Rebuilds the frontier of a size from the tiles and checks it, and the entries at the right
    /// edge, against the head record.
    ///
    /// # Errors
    /// [`StorageError::WrongRoot`] or [`StorageError::WrongEntry`] if something differs.
    pub fn frontier(&self, record: TreeHead) -> Result<Frontier, StorageError> {
        let size = record.size();
        let nodes = self.read_nodes(&Frontier::ids(size))?;
        let frontier =
            Frontier::from_nodes(size, nodes).expect("as many nodes as ids were asked for");
        if frontier.head() != record {
            return Err(StorageError::WrongRoot {
                stored: frontier.head(),
                record,
            });
        }
        if let Some(last) = size.get().checked_sub(1).map(LeafIndex::new) {
            self.check_bundle(
                TilePath::of_entry(last, size).expect("the last entry is in the tree"),
            )?;
        }
        Ok(frontier)
    }

    /// Checks the entries of a bundle against the leaf hashes of its tile.
    fn check_bundle(&self, path: TilePath) -> Result<EntryBundle, StorageError> {
        let tile = TilePath::new(
            TileKind::Hashes(TileLevel::LEAVES),
            path.index(),
            path.width(),
        )
        .expect("a bundle and its tile have one index");
        let leaves = split_hashes(&self.object(tile)?);
        let bundle = self.bundle(path)?;
        let wrong = bundle
            .leaf_hashes()
            .zip(leaves)
            .position(|(entry, leaf)| NodeHash::from(entry) != leaf);
        match wrong {
            None => Ok(bundle),
            Some(at) => {
                let index = LeafIndex::new(path.first() + at as u64);
                Err(StorageError::WrongEntry {
                    object: path.to_string(),
                    index,
                })
            }
        }
    }

    /// The bytes of a tile or bundle, cut to the width of its name.
    ///
    /// # Errors
    /// What the file system says; [`StorageError::Bundle`] where there are fewer entries.
    pub fn object(&self, path: TilePath) -> Result<Vec<u8>, StorageError> {
        let file = self.path(path);
        match path.kind() {
            TileKind::Hashes(_) => {
                Ok(self
                    .fs
                    .read_range(&file, 0, path.width().count() * HASH_BYTES)?)
            }
            TileKind::Entries => {
                let mut bytes = self.fs.read(&file)?;
                let ends = self.ends(path, &bytes)?;
                let end = ends.last().map_or(0, |end| *end as usize);
                self.places.learn(path.index().get(), ends);
                bytes.truncate(end);
                Ok(bytes)
            }
        }
    }

    /// The same if it is in memory: it is not waited for, and who waits for it learns what is wrong with it.
    #[must_use]
    pub fn object_at_hand(&self, path: TilePath) -> Option<Vec<u8>> {
        let file = self.path(path);
        match path.kind() {
            TileKind::Hashes(_) => {
                let len = path.width().count() * HASH_BYTES;
                self.fs.read_at_hand(&file, 0, len)
            }
            TileKind::Entries => {
                let last = path.width().count() - 1;
                let len = self.places.of(path.index().get(), last)?.end;
                let bytes = self.fs.read_at_hand(&file, 0, len)?;
                // What is remembered may have been misread once: the lengths in the bundle decide.
                if EntryBundle::cut(&bytes, path.width()).is_ok_and(|cut| cut.len() == len) {
                    Some(bytes)
                } else {
                    self.places.forget(path.index().get());
                    None
                }
            }
        }
    }

    fn ends(&self, path: TilePath, bundle: &[u8]) -> Result<Vec<u32>, StorageError> {
        EntryBundle::ends(bundle, path.width()).map_err(|source| StorageError::Bundle {
            object: path.to_string(),
            source,
        })
    }

    /// The entries of a bundle.
    ///
    /// # Errors
    /// As [`Directory::object`].
    pub fn bundle(&self, path: TilePath) -> Result<EntryBundle, StorageError> {
        let bytes = self.object(path)?;
        EntryBundle::parse(&bytes, path.width()).map_err(|source| StorageError::Bundle {
            object: path.to_string(),
            source,
        })
    }

    /// The bytes of one entry, checked against its leaf hash.
    ///
    /// # Errors
    /// [`StorageError::WrongEntry`] if the bundle and the tile disagree.
    pub fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, StorageError> {
        let (path, position) = bundle_of(index);
        let file = self.path(path);
        let leaf = self.read_node(NodeId::new(0, index.get()).expect(EVERY_INDEX))?;
        if let Some(place) = self.places.of(path.index().get(), position) {
            let read = self.fs.read_range(&file, place.start as u64, place.len());
            match read {
                Ok(entry) if NodeHash::from(LeafHash::of_entry(&entry)) == leaf => {
                    return Ok(entry);
                }
                _ => self.places.forget(path.index().get()),
            }
        }
        let bundle = self.fs.read(&file)?;
        let ends = self.ends(path, &bundle)?;
        let place = EntryBundle::place(&ends, position).expect("it is the last of the bundle");
        let entry = bundle[place].to_vec();
        if NodeHash::from(LeafHash::of_entry(&entry)) != leaf {
            return Err(StorageError::WrongEntry {
                object: path.to_string(),
                index,
            });
        }
        self.places.learn(path.index().get(), ends);
        Ok(entry)
    }

    /// The same if it is in memory: it is not waited for, and who waits for it learns what is wrong with it.
    #[must_use]
    pub fn entry_at_hand(&self, index: LeafIndex) -> Option<Vec<u8>> {
        let (path, position) = bundle_of(index);
        let place = self.places.of(path.index().get(), position)?;
        let tile = self.path(path.leaves()?);
        let at = (position * HASH_BYTES) as u64;
        let leaf = self.fs.read_at_hand(&tile, at, HASH_BYTES)?;
        let entry = self
            .fs
            .read_at_hand(&self.path(path), place.start as u64, place.len())?;
        (leaf == LeafHash::of_entry(&entry).as_bytes()).then_some(entry)
    }

    /// The entries from `from` on, below `end`, in order, each checked against its leaf hash.
    pub fn entries(
        &self,
        from: LeafIndex,
        end: TreeSize,
    ) -> impl Iterator<Item = Result<(LeafIndex, Vec<u8>), StorageError>> {
        let first = from.get() / WIDTH;
        let bundles = first..end.get().div_ceil(WIDTH);
        bundles.flat_map(move |index| {
            let path = TilePath::in_tree(TileKind::Entries, TileIndex::new(index), end)
                .expect("bundles below the end");
            let entries = self.check_bundle(path).map(EntryBundle::into_entries);
            let (entries, error) = match entries {
                Ok(entries) => (entries, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            let numbered = (path.first()..)
                .map(LeafIndex::new)
                .zip(entries)
                .filter(move |(at, _)| *at >= from);
            numbered.map(Ok).chain(error)
        })
    }

    /// The stored checkpoint, if one was published.
    ///
    /// # Errors
    /// What the file system says.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, StorageError> {
        match self.fs.read(&self.root.join(CHECKPOINT)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the stored checkpoint durably.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_checkpoint(&self, note: &[u8]) -> Result<(), StorageError> {
        Ok(write_atomic(&*self.fs, &self.root.join(CHECKPOINT), note)?)
    }

    /// Reads a file beside the objects, such as the snapshot; `None` where there is none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read_file(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match self.fs.read(&self.root.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces a file beside the objects by these parts, one behind the other; gives its length.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_file<P: AsRef<[u8]>>(
        &self,
        name: &str,
        parts: impl IntoIterator<Item = P>,
    ) -> Result<u64, StorageError> {
        Ok(write_atomic_parts(&*self.fs, &self.root.join(name), parts)?)
    }

    fn staged_path(&self, digest: BatchDigest) -> PathBuf {
        self.root.join(STAGED).join(digest.to_string())
    }

    /// The growing file of a tile or bundle: that of its full width.
    fn path(&self, path: TilePath) -> PathBuf {
        self.root.join(path.with_width(Width::FULL).to_string())
    }
}

impl ReadNodes for Directory {
    type Error = StorageError;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, StorageError> {
        ids.iter().map(|id| self.read_node(*id)).collect()
    }
}

impl Directory {
    /// Reads the hashes below a node that its tile holds, and hashes them up to it.
    fn read_node(&self, id: NodeId) -> Result<NodeHash, StorageError> {
        let within = id.level() % TILE_HEIGHT;
        let level =
            TileLevel::new(id.level() / TILE_HEIGHT).expect("64 levels of nodes are 8 of tiles");
        let first = id.index() << within;
        let path = self.path(full(TileKind::Hashes(level), first / WIDTH));
        let offset = (first % WIDTH) * HASH_BYTES as u64;
        let bytes = self.fs.read_range(&path, offset, HASH_BYTES << within)?;
        let mut hashes = split_hashes(&bytes);
        while hashes.len() > 1 {
            let (pairs, _) = hashes.as_chunks::<2>();
            hashes = pairs
                .iter()
                .map(|[left, right]| NodeHash::of_children(left, right))
                .collect();
        }
        Ok(hashes.pop().expect("a node has at least one hash below it"))
    }
}

/// For `fsck`, which checks what it reads itself.
impl TileSource for Directory {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        match self.object(*path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::Fs(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Ok(None)
            }
            Err(StorageError::Fs(error)) if error.is_not_found() => Ok(None),
            Err(StorageError::Fs(error)) => Err(error.into()),
            // A bundle that cannot be cut to its width: whoever asked sees the same in the bytes.
            Err(_) => Ok(Some(self.fs.read(&self.path(*path))?)),
        }
    }
}

/// The bundle that ends with an entry, and the entry's position in it.
fn bundle_of(index: LeafIndex) -> (TilePath, usize) {
    let upto = TreeSize::new(index.get() + 1);
    let path = TilePath::of_entry(index, upto).expect("the last entry of a tree is in it");
    let position = path.width().count() - 1;
    (path, position)
}

fn full(kind: TileKind, index: u64) -> TilePath {
    TilePath::new(kind, TileIndex::new(index), Width::FULL)
        .expect("indices of a log are below 2^64 entries")
}

fn split_hashes(bytes: &[u8]) -> Vec<NodeHash> {
    bytes
        .as_chunks::<HASH_BYTES>()
        .0
        .iter()
        .map(|hash| NodeHash::from_bytes(*hash))
        .collect()
}

/// SPEC tlog-tiles: hashes in a full tile, entries in a full bundle.
const WIDTH: u64 = 256;
/// SPEC tlog-tiles: tree levels a tile spans.
const TILE_HEIGHT: u8 = 8;
const HASH_BYTES: usize = 32;
const EVERY_INDEX: &str = "level 0 holds every index";
const STAGED: &str = "staged";
const CHECKPOINT: &str = "checkpoint";
