//! The model under [`SimulatedFs`](super::SimulatedFs): what is durable, and what is not yet.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::path::{Component, Path};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Files and folders by number; the root is folder 0.
#[derive(Debug)]
pub(super) struct Disk {
    files: BTreeMap<u64, FileNode>,
    dirs: BTreeMap<u64, DirNode>,
    next: u64,
}

#[derive(Debug, Default)]
struct FileNode {
    durable: Vec<u8>,
    cached: Vec<u8>,
    unsynced: Vec<FileChange>,
}

#[derive(Debug)]
enum FileChange {
    Write { start: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Debug, Default)]
struct DirNode {
    durable: Names,
    cached: Names,
    unsynced: Vec<DirChange>,
}

type Names = BTreeMap<String, Node>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Node {
    File(u64),
    Dir(u64),
}

#[derive(Debug)]
enum DirChange {
    Add(String, Node),
    Remove(String),
    Rename {
        from: String,
        to: String,
        node: Node,
    },
}

impl Disk {
    pub(super) fn new() -> Self {
        let dirs = BTreeMap::from([(ROOT, DirNode::default())]);
        Self {
            files: BTreeMap::new(),
            dirs,
            next: ROOT + 1,
        }
    }

    pub(super) fn content(&self, path: &Path) -> io::Result<&[u8]> {
        Ok(&self.files[&self.file(path)?].cached)
    }

    pub(super) fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.find(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn names(&self, dir: &Path) -> io::Result<Vec<String>> {
        Ok(self.dirs[&self.dir(dir)?].cached.keys().cloned().collect())
    }

    /// Makes an empty file unless there is one.
    pub(super) fn create(&mut self, path: &Path) -> io::Result<()> {
        match self.find(path) {
            Ok(Node::File(_)) => return Ok(()),
            Ok(Node::Dir(_)) => return Err(io::ErrorKind::IsADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let (dir, name) = self.place(path)?;
        let number = self.number();
        self.files.insert(number, FileNode::default());
        self.change_dir(dir, DirChange::Add(name, Node::File(number)));
        Ok(())
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        if self.exists(path)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (dir, name) = self.place(path)?;
        let number = self.number();
        self.dirs.insert(number, DirNode::default());
        self.change_dir(dir, DirChange::Add(name, Node::Dir(number)));
        Ok(())
    }

    pub(super) fn write_at(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = position(offset)?;
        start
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        let change = FileChange::Write {
            start,
            bytes: bytes.to_vec(),
        };
        self.change_file(path, change)
    }

    pub(super) fn set_len(&mut self, path: &Path, len: u64) -> io::Result<()> {
        self.change_file(path, FileChange::SetLen(position(len)?))
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = self.find(from)?;
        let (dir, from) = self.place(from)?;
        let (to_dir, to) = self.place(to)?;
        if dir != to_dir {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.change_dir(dir, DirChange::Rename { from, to, node });
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.file(path)?;
        let (dir, name) = self.place(path)?;
        self.change_dir(dir, DirChange::Remove(name));
        Ok(())
    }

    pub(super) fn sync_file(&mut self, path: &Path) -> io::Result<()> {
        let file = self.file_mut(path)?;
        for change in mem::take(&mut file.unsynced) {
            change.apply(&mut file.durable);
        }
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        let dir = self.dir_mut(path)?;
        for change in mem::take(&mut dir.unsynced) {
            change.apply(&mut dir.durable);
        }
        Ok(())
    }

    /// A sync that failed: what was waiting will never be durable, though it is still read.
    pub(super) fn lose_file(&mut self, path: &Path) -> io::Result<()> {
        self.file_mut(path)?.unsynced.clear();
        Ok(())
    }

    pub(super) fn flip_bit(&mut self, path: &Path, bit: u64) -> io::Result<()> {
        let at = position(bit / 8)?;
        let mask = 1_u8 << (bit % 8);
        let file = self.file_mut(path)?;
        *file
            .cached
            .get_mut(at)
            .ok_or(io::ErrorKind::UnexpectedEof)? ^= mask;
        if let Some(byte) = file.durable.get_mut(at) {
            *byte ^= mask;
        }
        Ok(())
    }

    /// The same content with nothing left to sync.
    pub(super) fn durable_copy(&self) -> Disk {
        let files = self.files.iter().map(|(number, file)| {
            let content = file.cached.clone();
            let copy = FileNode {
                durable: content.clone(),
                cached: content,
                unsynced: Vec::new(),
            };
            (*number, copy)
        });
        let dirs = self.dirs.iter().map(|(number, dir)| {
            let names = dir.cached.clone();
            let copy = DirNode {
                durable: names.clone(),
                cached: names,
                unsynced: Vec::new(),
            };
            (*number, copy)
        });
        Disk {
            files: files.collect(),
            dirs: dirs.collect(),
            next: self.next,
        }
    }

    /// The power goes and comes back.
    pub(super) fn crash(&mut self, random: &mut ChaCha8Rng) {
        for dir in self.dirs.values_mut() {
            let changes = mem::take(&mut dir.unsynced);
            for change in surviving_names(changes, random) {
                change.apply(&mut dir.durable);
            }
            dir.cached.clone_from(&dir.durable);
        }
        for file in self.files.values_mut() {
            let changes = mem::take(&mut file.unsynced);
            survive(&mut file.durable, changes, random);
            file.cached.clone_from(&file.durable);
        }
        self.drop_unreachable();
    }

    fn drop_unreachable(&mut self) {
        let mut files = BTreeSet::new();
        let mut dirs = BTreeSet::from([ROOT]);
        let mut open = vec![ROOT];
        while let Some(dir) = open.pop() {
            for node in self.dirs[&dir].durable.values() {
                match *node {
                    Node::File(number) => {
                        files.insert(number);
                    }
                    Node::Dir(number) => {
                        if dirs.insert(number) {
                            open.push(number);
                        }
                    }
                }
            }
        }
        self.files.retain(|number, _| files.contains(number));
        self.dirs.retain(|number, _| dirs.contains(number));
    }

    fn change_file(&mut self, path: &Path, change: FileChange) -> io::Result<()> {
        let file = self.file_mut(path)?;
        change.apply(&mut file.cached);
        file.unsynced.push(change);
        Ok(())
    }

    fn change_dir(&mut self, dir: u64, change: DirChange) {
        let dir = self.dirs.get_mut(&dir).expect("found by `place`");
        change.apply(&mut dir.cached);
        dir.unsynced.push(change);
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn find(&self, path: &Path) -> io::Result<Node> {
        let mut node = Node::Dir(ROOT);
        for name in components(path)? {
            let Node::Dir(dir) = node else {
                return Err(io::ErrorKind::NotADirectory.into());
            };
            node = *self.dirs[&dir]
                .cached
                .get(name)
                .ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    fn file(&self, path: &Path) -> io::Result<u64> {
        match self.find(path)? {
            Node::File(number) => Ok(number),
            Node::Dir(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn dir(&self, path: &Path) -> io::Result<u64> {
        match self.find(path)? {
            Node::Dir(number) => Ok(number),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn file_mut(&mut self, path: &Path) -> io::Result<&mut FileNode> {
        let number = self.file(path)?;
        Ok(self.files.get_mut(&number).expect("a name leads to a node"))
    }

    fn dir_mut(&mut self, path: &Path) -> io::Result<&mut DirNode> {
        let number = self.dir(path)?;
        Ok(self.dirs.get_mut(&number).expect("a name leads to a node"))
    }

    /// The folder that holds the last name of `path`, and that name.
    fn place(&self, path: &Path) -> io::Result<(u64, String)> {
        let mut names = components(path)?;
        let name = names.pop().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        let dir = self.dir(&names.iter().collect::<std::path::PathBuf>())?;
        Ok((dir, name))
    }
}

impl FileChange {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            FileChange::Write { start, bytes } => put(content, *start, bytes),
            FileChange::SetLen(len) => content.resize(*len, 0),
        }
    }
}

impl DirChange {
    fn apply(&self, names: &mut Names) {
        match self {
            DirChange::Add(name, node) => {
                names.insert(name.clone(), *node);
            }
            DirChange::Remove(name) => {
                names.remove(name);
            }
            DirChange::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// Which changes of names reached the disk: none, all, those before some point, or any.
fn surviving_names(mut changes: Vec<DirChange>, random: &mut ChaCha8Rng) -> Vec<DirChange> {
    match random.next_u32() % 4 {
        0 => changes.clear(),
        1 => {}
        2 => changes.truncate(below(random, changes.len() + 1)),
        _ => changes.retain(|_| random.next_u32() & 1 == 0),
    }
    changes
}

/// Lets none, all or parts of `changes` reach `durable`.
fn survive(durable: &mut Vec<u8>, changes: Vec<FileChange>, random: &mut ChaCha8Rng) {
    match random.next_u32() % 4 {
        0 => {}
        1 => changes.iter().for_each(|change| change.apply(durable)),
        _ => {
            let old_len = durable.len();
            for change in changes {
                tear(durable, &change, random);
            }
            // The new length may not have reached the disk, or only in part.
            if durable.len() > old_len && random.next_u32().is_multiple_of(4) {
                durable.truncate(old_len + below(random, durable.len() - old_len + 1));
            }
        }
    }
}

fn tear(durable: &mut Vec<u8>, change: &FileChange, random: &mut ChaCha8Rng) {
    match change {
        FileChange::SetLen(_) => {
            if random.next_u32() & 1 == 0 {
                change.apply(durable);
            }
        }
        FileChange::Write { start, bytes } => {
            let mut at = 0;
            while at < bytes.len() {
                // Sectors lie on the file's own grid, not on the write's.
                let to_boundary = SECTOR_BYTES - (start + at) % SECTOR_BYTES;
                let end = bytes.len().min(at + to_boundary);
                if random.next_u32() & 1 == 0 {
                    put(durable, start + at, &bytes[at..end]);
                }
                at = end;
            }
        }
    }
}

fn put(content: &mut Vec<u8>, start: usize, bytes: &[u8]) {
    let end = start + bytes.len();
    if bytes.is_empty() {
        return;
    }
    if content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes);
}

fn components(path: &Path) -> io::Result<Vec<&str>> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => {
                names.push(name.to_str().ok_or(io::ErrorKind::InvalidInput)?);
            }
            Component::ParentDir | Component::Prefix(_) => {
                return Err(io::ErrorKind::InvalidInput.into());
            }
        }
    }
    Ok(names)
}

/// A number below `bound`, which is not 0.
pub(super) fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).expect("usize fits in u64");
    usize::try_from(random.next_u64() % bound).expect("smaller than a usize")
}

pub(super) fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

const ROOT: u64 = 0;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
