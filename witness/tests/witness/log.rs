//! Logs in memory, honest and forked, and the requests they send.

use std::collections::BTreeMap;

use labelproof_core::add_checkpoint::AddCheckpoint;
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{
    Frontier, LeafHash, NodeHash, NodeId, TreeHead, TreeSize, prove_consistency,
};
use labelproof_core::note::KeyName;

/// A log all of whose entries are known.
pub(crate) struct Log {
    key: SigningKey,
    nodes: BTreeMap<NodeId, NodeHash>,
    heads: Vec<TreeHead>,
}

impl Log {
    /// Entries `0`, `1`, … and from `fork` on others; the key depends on the origin alone.
    pub(crate) fn new(origin: &str, size: usize, fork: usize) -> Self {
        let name = KeyName::parse(origin).unwrap();
        let mut log = Self {
            key: SigningKey::from_seed(name, KeyType::Note, [1; 32]),
            nodes: BTreeMap::new(),
            heads: vec![TreeHead::EMPTY],
        };
        let mut frontier = Frontier::new();
        for index in 0..size {
            let entry = format!("{index}{}", if index < fork { "" } else { "'" });
            let nodes = &mut log.nodes;
            frontier.append_with(LeafHash::of_entry(entry.as_bytes()), |id, hash| {
                nodes.insert(id, hash);
            });
            log.heads.push(frontier.head());
        }
        log
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn head(&self, size: usize) -> TreeHead {
        self.heads[size]
    }

    pub(crate) fn signed(&self, size: usize) -> SignedCheckpoint {
        self.sign(self.head(size))
    }

    pub(crate) fn sign(&self, head: TreeHead) -> SignedCheckpoint {
        let origin = self.key.vkey().name().into();
        SignedCheckpoint::sign(&Checkpoint::new(origin, head), &self.key)
    }

    /// The proof between two sizes; empty where none is needed or possible.
    pub(crate) fn proof(&self, old: usize, new: usize) -> Vec<NodeHash> {
        if old == 0 || old >= new {
            return Vec::new();
        }
        let sizes = (TreeSize::new(old as u64), self.head(new).size());
        prove_consistency(&self.nodes, sizes.0, sizes.1).unwrap()
    }

    /// A right request to grow from one size to another.
    pub(crate) fn request(&self, old: usize, new: usize) -> AddCheckpoint {
        let old_size = TreeSize::new(old as u64);
        let note = self.signed(new).note().clone();
        AddCheckpoint::new(old_size, self.proof(old, new), note).unwrap()
    }

    pub(crate) fn body(&self, old: usize, new: usize) -> Vec<u8> {
        self.request(old, new).to_bytes()
    }
}
