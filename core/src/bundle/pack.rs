//! Packs: many answers under one pruned tree instead of a path each.
//!
//! ```text
//! node <bit>                                 the tree in pre-order: left, then right
//! cut <base64 hash>                          a side that no answer needs
//! leaf                                       the next record line
//! other <base64 of v(32) ‖ key ‖ v(len) ‖ record>   a leaf at which the walk for an absent key ends
//! record <type> <field> … <base64 record>    one for each leaf; keys ascend
//! absent <type> <field> …                    keys ascend
//! ```

use std::fmt;

use super::BundleError;
use crate::state::key::{MapKey, MapName};
use crate::state::map::pruned::{PrunedError, PrunedTree, Token};
use crate::state::map::{Map, MapRoot};
use crate::state::record::Record;
use crate::text::to_base64;

/// Answers under one pruned tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pack {
    tree: PrunedTree,
    records: Vec<(MapName, Record)>,
    absent: Vec<MapName>,
}

impl Pack {
    /// Puts a pack together.
    ///
    /// # Errors
    /// [`BundleError::Pruned`] if the tree has another shape than the answers need.
    pub fn new(
        tree: PrunedTree,
        records: Vec<(MapName, Record)>,
        absent: Vec<MapName>,
    ) -> Result<Self, BundleError> {
        let pack = Self {
            tree,
            records,
            absent,
        };
        pack.tree.check(&pack.leaves(), &pack.absent_keys())?;
        Ok(pack)
    }

    /// Answers these names from a map; each once.
    ///
    /// # Errors
    /// [`BundleError::Pruned`] for an empty map, which has no tree; [`BundleError::OtherRecord`] if the map
    /// holds under a name what is no record of its type.
    pub fn of_map(map: &Map, names: &[MapName]) -> Result<Self, BundleError> {
        let mut names = names.to_vec();
        names.sort_by_cached_key(MapName::key);
        names.dedup();
        let mut records = Vec::new();
        let mut absent = Vec::new();
        let keys: Vec<MapKey> = names.iter().map(MapName::key).collect();
        for (name, key) in names.into_iter().zip(&keys) {
            match map.get(key) {
                None => absent.push(name),
                Some(bytes) => match Record::from_bytes(name.kind(), bytes) {
                    Ok(record) => records.push((name, record)),
                    Err(_) => return Err(BundleError::OtherRecord { name }),
                },
            }
        }
        Self::new(map.prune(&keys), records, absent)
    }

    /// Checks all answers against a map's root.
    ///
    /// # Errors
    /// [`PrunedError`] if the tree does not lead to it.
    pub fn verify(&self, root: &MapRoot) -> Result<(), PrunedError> {
        self.tree.verify(root, &self.leaves(), &self.absent_keys())
    }

    /// Every name with its record, or `None` where it is absent.
    pub fn iter(&self) -> impl Iterator<Item = (&MapName, Option<&Record>)> {
        let records = self
            .records
            .iter()
            .map(|(name, record)| (name, Some(record)));
        records.chain(self.absent.iter().map(|name| (name, None)))
    }

    fn leaves(&self) -> Vec<(MapKey, Vec<u8>)> {
        self.records
            .iter()
            .map(|(name, record)| (name.key(), record.to_bytes()))
            .collect()
    }

    fn absent_keys(&self) -> Vec<MapKey> {
        self.absent.iter().map(MapName::key).collect()
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in self.tree.tokens() {
            match token {
                Token::Node(bit) => writeln!(f, "node {bit}")?,
                Token::Cut(hash) => writeln!(f, "cut {}", to_base64(hash.as_bytes()))?,
                Token::Leaf => writeln!(f, "leaf")?,
                Token::Other(leaf) => writeln!(f, "other {}", to_base64(&leaf.to_bytes()))?,
            }
        }
        for (name, record) in &self.records {
            writeln!(f, "record {name} {}", to_base64(&record.to_bytes()))?;
        }
        self.absent
            .iter()
            .try_for_each(|name| writeln!(f, "absent {name}"))
    }
}
