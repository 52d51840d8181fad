//! The file of a snapshot: the map at a head, the list, and where the entries of the registry stand.
//!
//! ```text
//! labelproof-snapshot/v2
//! labels.g7.example       origin
//! 922                     index of the state head
//! 211                     records · list chunks · entries of members, schemes and authorities
//! 1
//! 14
//!                         an empty line, then
//! key ‖ record            32 and 80 or 56 bytes, sorted by key; what its second byte says it is
//! … ‖ subtrees            32 bytes each, behind an index record whose count is no power of two:
//!                         as many as its count has bits set
//! chunk                   16,384 bytes each
//! index                   u64, big-endian: where an entry of the third kind stands
//! ```
//! The head and those entries are the log's, and read from it; what they say of the rest is `restore`'s.

use std::iter;

use crate::checkpoint::Origin;
use crate::merkle::{LeafIndex, NodeHash};
use crate::state::head::StateHead;
use crate::state::key::MapKey;
use crate::state::list::Chunk;
use crate::state::map::Map;
use crate::state::record::{INDEX_BYTES, IndexRecord, STATE_BYTES};
use crate::state::{Snapshot, StateView};
use crate::text::parse_decimal;

/// A snapshot's file whose form is right; nothing in it is believed.
#[derive(Clone, Debug)]
pub struct SnapshotFile {
    origin: Origin,
    head: LeafIndex,
    records: Map,
    frontiers: Vec<(MapKey, Vec<NodeHash>)>,
    chunks: Vec<Chunk>,
    registry: Vec<LeafIndex>,
}

impl SnapshotFile {
    /// Writes a view in parts of about 64 KiB, for whole it is hundreds of megabytes of a large log; `registry` says where
    /// the entries of members, schemes and authorities are.
    pub fn parts(
        origin: &Origin,
        view: &StateView,
        registry: &[LeafIndex],
    ) -> impl Iterator<Item = Vec<u8>> {
        let (index, map, list) = (view.head_index(), view.map(), view.list());
        let chunks = list.chunks().count();
        let counts = format!("{}\n{chunks}\n{}", map.len(), registry.len());
        let opening = format!("{TAG}\n{origin}\n{index}\n{counts}\n\n").into_bytes();
        let mut frontiers = view.frontiers().peekable();
        let rows = map.iter().map(move |(key, record)| {
            let mut row = [key.as_bytes(), record].concat();
            if let Some((_, nodes)) = frontiers.next_if(|(of, _)| of == key) {
                row.extend(nodes.iter().flat_map(|node| *node.as_bytes()));
            }
            row
        });
        let chunks = list.chunks().map(|chunk| chunk.as_bytes().to_vec());
        let indices = registry
            .iter()
            .map(|index| index.get().to_be_bytes().to_vec());
        let mut rest = iter::once(opening).chain(rows).chain(chunks).chain(indices);
        iter::from_fn(move || {
            let mut part = Vec::with_capacity(PART_BYTES + CHUNK_BYTES);
            while part.len() < PART_BYTES
                && let Some(bytes) = rest.next()
            {
                part.extend_from_slice(&bytes);
            }
            (!part.is_empty()).then_some(part)
        })
    }

    /// Reads a file; `None` if it is none.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut line = || {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (line, tail) = rest.split_at(end);
            rest = &tail[1..];
            str::from_utf8(line).ok()
        };
        if line()? != TAG {
            return None;
        }
        let origin = line()?.parse().ok()?;
        let head = LeafIndex::new(parse_decimal(line()?)?);
        let mut count = || usize::try_from(parse_decimal(line()?)?).ok();
        let (count, chunks, registry) = (count()?, count()?, count()?);
        if !line()?.is_empty() {
            return None;
        }
        // Counts are only claimed: nothing is reserved for them, and the bytes run out first.
        let mut frontiers = Vec::new();
        let rows = (0..count).map_while(|_| {
            let (key, record) = take_row(&mut rest)?;
            let nodes = take_frontier(&mut rest, record)?;
            if !nodes.is_empty() {
                frontiers.push((key, nodes));
            }
            Some((key, record))
        });
        // No millions of small vectors on the way: what they leave behind in the heap stays with the process.
        let records = Map::from_sorted(rows).ok()?;
        if records.len() != count {
            return None;
        }
        let (chunk_bytes, rest) = rest.split_at_checked(chunks.checked_mul(CHUNK_BYTES)?)?;
        let (indices, rest) = rest.as_chunks::<8>();
        if indices.len() != registry || !rest.is_empty() {
            return None;
        }
        let chunks = chunk_bytes.chunks(CHUNK_BYTES);
        let chunks = chunks.map(|chunk| Chunk::from_bytes(chunk).ok());
        let index = |bytes: &[u8; 8]| LeafIndex::new(u64::from_be_bytes(*bytes));
        Some(Self {
            origin,
            head,
            records,
            frontiers,
            chunks: chunks.collect::<Option<_>>()?,
            registry: indices.iter().map(index).collect(),
        })
    }

    /// The log it says it is of.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where the state head is that commits to it.
    #[must_use]
    pub fn head_index(&self) -> LeafIndex {
        self.head
    }

    /// Where the entries of members, schemes and authorities are: the caller reads them from the log.
    #[must_use]
    pub fn registry(&self) -> &[LeafIndex] {
        &self.registry
    }

    /// Puts the parts together with the head and the entries of [`SnapshotFile::registry`].
    #[must_use]
    pub fn with(self, head: StateHead, registry: Vec<(LeafIndex, Vec<u8>)>) -> Snapshot {
        Snapshot {
            head,
            records: self.records,
            frontiers: self.frontiers,
            chunks: self.chunks,
            registry,
        }
    }
}

fn take_row<'a>(rest: &mut &'a [u8]) -> Option<(MapKey, &'a [u8])> {
    let (key, tail) = rest.split_first_chunk::<32>()?;
    let length = match tail.get(1)? {
        1 => STATE_BYTES,
        2 => INDEX_BYTES,
        _ => return None,
    };
    let (record, tail) = tail.split_at_checked(length)?;
    *rest = tail;
    Some((MapKey::from_bytes(*key), record))
}

/// The subtrees behind a record; none where its root tells how to go on.
fn take_frontier(rest: &mut &[u8], record: &[u8]) -> Option<Vec<NodeHash>> {
    if record.len() != INDEX_BYTES {
        return Some(Vec::new());
    }
    let count = IndexRecord::from_bytes(record).ok()?.count();
    if count.is_power_of_two() {
        return Some(Vec::new());
    }
    let length = usize::try_from(count.count_ones()).ok()? * 32;
    let (nodes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    let (nodes, _) = nodes.as_chunks::<32>();
    Some(nodes.iter().copied().map(NodeHash::from_bytes).collect())
}

const TAG: &str = "labelproof-snapshot/v2";
const CHUNK_BYTES: usize = 16_384;
/// What is written at once.
const PART_BYTES: usize = 65_536;
