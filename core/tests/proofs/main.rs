//! Files that carry proofs: add-checkpoint, tlog-proof, receipt, evidence. Each is fed back with a bit flipped,
//! a hash more, a hash less, another index, another size.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod add_checkpoint;
mod evidence;
mod mutations;
mod receipt;
mod tlog_proof;

use std::collections::BTreeMap;

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{
    Frontier, LeafHash, LeafIndex, NodeHash, NodeId, TreeHead, TreeSize, prove_consistency,
    prove_inclusion,
};
use labelproof_core::note::KeyName;

/// A log in memory, all of whose entries are known.
pub(crate) struct Log {
    nodes: BTreeMap<NodeId, NodeHash>,
    frontier: Frontier,
    heads: Vec<TreeHead>,
}

impl Log {
    pub(crate) fn new(entries: &[Vec<u8>]) -> Self {
        let mut log = Self {
            nodes: BTreeMap::new(),
            frontier: Frontier::new(),
            heads: vec![TreeHead::EMPTY],
        };
        for entry in entries {
            let nodes = &mut log.nodes;
            log.frontier
                .append_with(LeafHash::of_entry(entry), |id, hash| {
                    nodes.insert(id, hash);
                });
            log.heads.push(log.frontier.head());
        }
        log
    }

    /// Entries `0`, `1`, … and from `fork` on `0'`, `1'`, …
    pub(crate) fn of(size: usize, fork: usize) -> Self {
        let entries: Vec<Vec<u8>> = (0..size)
            .map(|index| format!("{index}{}", if index < fork { "" } else { "'" }).into_bytes())
            .collect();
        Self::new(&entries)
    }

    pub(crate) fn head(&self, size: usize) -> TreeHead {
        self.heads[size]
    }

    pub(crate) fn signed(&self, size: usize) -> SignedCheckpoint {
        let origin = "labels.g7.example".parse().unwrap();
        SignedCheckpoint::sign(&Checkpoint::new(origin, self.head(size)), &log_key())
    }

    pub(crate) fn inclusion(&self, index: u64, size: usize) -> Vec<NodeHash> {
        let size = self.head(size).size();
        prove_inclusion(&self.nodes, LeafIndex::new(index), size).unwrap()
    }

    pub(crate) fn consistency(&self, old: u64, new: usize) -> Vec<NodeHash> {
        prove_consistency(&self.nodes, TreeSize::new(old), self.head(new).size()).unwrap()
    }
}

pub(crate) fn log_key() -> SigningKey {
    let name = KeyName::parse("labels.g7.example").unwrap();
    SigningKey::from_seed(name, KeyType::Note, [1; 32])
}

/// Paths that differ from a right one: a bit flipped, a hash more, a hash less, two swapped.
pub(crate) fn wrong_paths(path: &[NodeHash]) -> Vec<Vec<NodeHash>> {
    let mut wrong = vec![
        [path, &[NodeHash::from_bytes([0; 32])]].concat(),
        [&[NodeHash::from_bytes([0; 32])], path].concat(),
    ];
    for at in 0..path.len() {
        wrong.push([&path[..at], &path[at + 1..]].concat());
        for bit in [0, 77, 255] {
            let mut bytes = *path[at].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut flipped = path.to_vec();
            flipped[at] = NodeHash::from_bytes(bytes);
            wrong.push(flipped);
        }
        if at > 0 {
            let mut swapped = path.to_vec();
            swapped.swap(at, at - 1);
            wrong.push(swapped);
        }
    }
    wrong
}
