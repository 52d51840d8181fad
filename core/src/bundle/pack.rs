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
    root: MapRoot,
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
        let leaves: Vec<(MapKey, Vec<u8>)> = records
            .iter()
            .map(|(name, record)| (name.key(), record.to_bytes()))
            .collect();
        let keys: Vec<MapKey> = absent.iter().map(MapName::key).collect();
        let root = tree.root(&leaves, &keys)?;
        Ok(Self {
            tree,
            records,
            absent,
            root,
        })
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
        if self.root == *root {
            Ok(())
        } else {
            Err(PrunedError::RootMismatch)
        }
    }

    /// Every name with its record, or `None` where it is absent.
    pub fn iter(&self) -> impl Iterator<Item = (&MapName, Option<&Record>)> {
        let records = self
            .records
            .iter()
            .map(|(name, record)| (name, Some(record)));
        records.chain(self.absent.iter().map(|name| (name, None)))
    }

    /// How many lines it has.
    pub(crate) fn count_lines(&self) -> usize {
        self.tree.tokens().len() + self.records.len() + self.absent.len()
    }

    /// The lines as they are stored, one after the other.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let tokens = self.tree.tokens().iter().map(|token| match token {
            Token::Node(bit) => format!("node {bit}\n"),
            Token::Cut(hash) => format!("cut {}\n", to_base64(hash.as_bytes())),
            Token::Leaf => "leaf\n".to_owned(),
            Token::Other(leaf) => format!("other {}\n", to_base64(&leaf.to_bytes())),
        });
        let records = self
            .records
            .iter()
            .map(|(name, record)| format!("record {name} {}\n", to_base64(&record.to_bytes())));
        let absent = self.absent.iter().map(|name| format!("absent {name}\n"));
        tokens.chain(records).chain(absent)
    }
}

impl fmt::Display for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|line| f.write_str(&line))
    }
}
