//! Snapshots: the map at a published head in one file, so that a start needs not replay every entry.
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
//! It is believed only if its roots are those of the state head at that index in the log.

use labelproof_core::{
    merkle::{LeafIndex, NodeHash, TreeSize},
    state::{
        Snapshot, State, StateView,
        head::StateHead,
        key::MapKey,
        list::Chunk,
        record::{INDEX_BYTES, IndexRecord, STATE_BYTES},
    },
};
use tracing::{info, warn};

use crate::{
    log::{Log, Setting},
    lookup,
    storage::{Lines, StorageError},
};

/// Writes a snapshot of the published head; does nothing before there is one.
///
/// # Errors
/// What the store says; the older snapshot is then still there.
pub fn write(log: &Log) -> Result<(), StorageError> {
    let Some(published) = log.published() else {
        return Ok(());
    };
    let index = published.view.head_index();
    let registry = match &log.tip().state {
        Some(state) => state.registry_indices(index),
        None => return Ok(()),
    };
    put(log.setting(), &published.view, &registry)
}

/// Writes the snapshot of a view; `registry` says where the entries of members, schemes and authorities are.
pub(crate) fn put(
    setting: &Setting,
    view: &StateView,
    registry: &[LeafIndex],
) -> Result<(), StorageError> {
    let (index, map, list) = (view.head_index(), view.map(), view.list());
    let chunks = list.chunks().count();
    let counts = format!("{}\n{chunks}\n{}", map.len(), registry.len());
    let mut bytes = format!("{TAG}\n{}\n{index}\n{counts}\n\n", setting.origin).into_bytes();
    let mut frontiers = view.frontiers().peekable();
    for (key, record) in map.iter() {
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(record);
        if let Some((_, nodes)) = frontiers.next_if(|(of, _)| of == key) {
            for node in &nodes {
                bytes.extend_from_slice(node.as_bytes());
            }
        }
    }
    for chunk in list.chunks() {
        bytes.extend_from_slice(chunk.as_bytes());
    }
    for index in registry {
        bytes.extend_from_slice(&index.get().to_be_bytes());
    }
    setting.directory.write_file(NAME, &bytes)?;
    info!(head = %index, records = map.len(), bytes = bytes.len(), "wrote a snapshot");
    Ok(())
}

/// Reads the snapshot; `None` if there is none, or it is not believed.
///
/// It must lie under the published head, because that head's state is needed too.
///
/// # Errors
/// What the store says.
pub fn read(
    setting: &Setting,
    end: TreeSize,
    published: Option<TreeSize>,
) -> Result<Option<State>, StorageError> {
    let Some(bytes) = setting.directory.read_file(NAME)? else {
        return Ok(None);
    };
    let Some(parts) = Parts::parse(&bytes) else {
        warn!("the snapshot is malformed");
        return Ok(None);
    };
    let covered = TreeSize::new(parts.index.get().saturating_add(1));
    if parts.origin != setting.origin.as_str() || covered > published.unwrap_or(end) {
        warn!(head = %parts.index, "the snapshot is not of this log, or newer than what is published");
        return Ok(None);
    }
    let Ok(head) = StateHead::parse(&setting.directory.entry(parts.index)?) else {
        warn!(head = %parts.index, "the snapshot names an entry that is no state head");
        return Ok(None);
    };
    let registry = lookup::entries_at(setting, &parts.registry)?;
    let snapshot = Snapshot {
        head,
        records: parts.records,
        frontiers: parts.frontiers,
        chunks: parts.chunks,
        registry,
    };
    Ok(State::restore(snapshot)
        .inspect_err(|error| warn!(%error, "the snapshot is not believed"))
        .ok())
}

struct Parts {
    origin: String,
    index: LeafIndex,
    records: Vec<(MapKey, Vec<u8>)>,
    frontiers: Vec<(MapKey, Vec<NodeHash>)>,
    chunks: Vec<Chunk>,
    registry: Vec<LeafIndex>,
}

impl Parts {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = Lines::new(bytes);
        lines.expect(TAG)?;
        let origin = lines.next()?.to_owned();
        let index = LeafIndex::new(lines.number()?);
        let mut count = || usize::try_from(lines.number()?).ok();
        let (records, chunks, registry) = (count()?, count()?, count()?);
        lines.expect("")?;
        let mut rest = lines.rest();
        // Counts are only claimed: nothing is reserved for them, and the bytes run out first.
        let (mut rows, mut frontiers) = (Vec::new(), Vec::new());
        for _ in 0..records {
            let (key, record) = take_row(&mut rest)?;
            let nodes = take_frontier(&mut rest, record)?;
            if !nodes.is_empty() {
                frontiers.push((key, nodes));
            }
            rows.push((key, record.to_vec()));
        }
        let (chunk_bytes, rest) = rest.split_at_checked(chunks.checked_mul(CHUNK_BYTES)?)?;
        let (indices, rest) = rest.as_chunks::<8>();
        if indices.len() != registry || !rest.is_empty() {
            return None;
        }
        Some(Self {
            origin,
            index,
            records: rows,
            frontiers,
            chunks: chunk_bytes
                .chunks(CHUNK_BYTES)
                .map(|chunk| Chunk::from_bytes(chunk).ok())
                .collect::<Option<_>>()?,
            registry: indices
                .iter()
                .map(|index| LeafIndex::new(u64::from_be_bytes(*index)))
                .collect(),
        })
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
const NAME: &str = "snapshot";
const CHUNK_BYTES: usize = 16_384;
