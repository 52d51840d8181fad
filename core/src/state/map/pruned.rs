//! Pruned trees: one proof for many keys, present and absent.
//!
//! ```text
//! pre-order: node(bit), then its left and its right side
//!            cut(hash)          a side without any of the keys; never both sides of one node
//!            leaf               the next of the given records, whose keys ascend
//!            other(key, record) the leaf at which the walk for an absent key ends
//! ```
//! Everything is used: each given record by one `leaf`, each `other` by an absent key. The text form
//! belongs to `bundle`.

use thiserror::Error;

use super::super::key::MapKey;
use super::proof::OtherLeaf;
use super::tree::{Part, Shape};
use super::{Map, MapHash, MapRoot};

/// A part of the map's tree in pre-order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrunedTree {
    tokens: Vec<Token>,
}

/// One node of a [`PrunedTree`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Token {
    /// An inner node that parts at this bit; its two sides follow.
    Node(u8),
    /// A side that no key needs.
    Cut(MapHash),
    /// The next of the given records.
    Leaf,
    /// A leaf at which the walk for an absent key ends.
    Other(OtherLeaf),
}

impl Map {
    /// Cuts the tree down to what answers for these keys.
    #[must_use]
    pub fn prune(&self, keys: &[MapKey]) -> PrunedTree {
        let mut tokens = Vec::new();
        if let Some(root) = &self.root {
            Part::Node(root).prune(keys, &mut tokens);
        }
        PrunedTree { tokens }
    }
}

impl Part<'_> {
    fn prune(self, keys: &[MapKey], tokens: &mut Vec<Token>) {
        if keys.is_empty() {
            tokens.push(Token::Cut(self.hash()));
            return;
        }
        match self.shape() {
            Shape::Leaf(leaf) if keys.contains(leaf.key()) => tokens.push(Token::Leaf),
            Shape::Leaf(leaf) => {
                let other = OtherLeaf::new(*leaf.key(), leaf.record().to_vec());
                tokens.push(Token::Other(other));
            }
            Shape::Inner { bit, left, right } => {
                let (ones, zeros): (Vec<MapKey>, Vec<MapKey>) =
                    keys.iter().partition(|key| key.bit(bit));
                tokens.push(Token::Node(bit));
                left.prune(&zeros, tokens);
                right.prune(&ones, tokens);
            }
        }
    }
}

impl PrunedTree {
    /// Takes the nodes as they were read.
    #[must_use]
    pub fn new(tokens: Vec<Token>) -> Self {
        Self { tokens }
    }

    /// The nodes in pre-order.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The root of the map of which the tree shows exactly these records and these absences.
    ///
    /// # Errors
    /// [`PrunedError`] for the first rule it breaks.
    pub fn root(
        &self,
        records: &[(MapKey, Vec<u8>)],
        absent: &[MapKey],
    ) -> Result<MapRoot, PrunedError> {
        self.fold(records, absent).map(MapRoot::from)
    }

    /// Checks that a map with this root has exactly these records and nothing under the absent keys.
    ///
    /// # Errors
    /// [`PrunedError::RootMismatch`] if the tree leads to another root, else what [`PrunedTree::root`] says.
    pub fn verify(
        &self,
        root: &MapRoot,
        records: &[(MapKey, Vec<u8>)],
        absent: &[MapKey],
    ) -> Result<(), PrunedError> {
        if self.root(records, absent)? == *root {
            Ok(())
        } else {
            Err(PrunedError::RootMismatch)
        }
    }

    fn fold(
        &self,
        records: &[(MapKey, Vec<u8>)],
        absent: &[MapKey],
    ) -> Result<MapHash, PrunedError> {
        if !records.is_sorted_by(|low, high| low.0 < high.0)
            || !absent.is_sorted_by(|low, high| low < high)
        {
            return Err(PrunedError::KeyOrder);
        }
        let mut walk = Walk {
            tokens: self.tokens.iter(),
            records: records.iter(),
            last: None,
        };
        let absent: Vec<&MapKey> = absent.iter().collect();
        let side = walk.side(&mut Vec::new(), &absent)?;
        if side.is_cut || walk.tokens.next().is_some() || walk.records.next().is_some() {
            return Err(PrunedError::Unused);
        }
        Ok(side.hash)
    }
}

struct Walk<'a> {
    tokens: std::slice::Iter<'a, Token>,
    records: std::slice::Iter<'a, (MapKey, Vec<u8>)>,
    last: Option<MapKey>,
}

struct Side {
    hash: MapHash,
    is_cut: bool,
}

impl Walk<'_> {
    /// Takes one subtree. `above` has the bits that lead here and the side taken; bits strictly
    /// increase downwards, so the recursion is at most 256 deep. `absent` are the keys whose walk passes here.
    fn side(
        &mut self,
        above: &mut Vec<(u8, bool)>,
        absent: &[&MapKey],
    ) -> Result<Side, PrunedError> {
        match self.tokens.next().ok_or(PrunedError::Unfinished)? {
            Token::Node(bit) => {
                if above.last().is_some_and(|(upper, _)| upper >= bit) {
                    return Err(PrunedError::BitsNotIncreasing { bit: *bit });
                }
                let (ones, zeros): (Vec<&MapKey>, Vec<&MapKey>) =
                    absent.iter().partition(|key| key.bit(*bit));
                above.push((*bit, false));
                let left = self.side(above, &zeros)?;
                above.pop();
                above.push((*bit, true));
                let right = self.side(above, &ones)?;
                above.pop();
                if left.is_cut && right.is_cut {
                    return Err(PrunedError::Unused);
                }
                Ok(Side {
                    hash: MapHash::of_inner(*bit, &left.hash, &right.hash),
                    is_cut: false,
                })
            }
            Token::Cut(hash) => match absent {
                [] => Ok(Side {
                    hash: *hash,
                    is_cut: true,
                }),
                _ => Err(PrunedError::WalkEndsAtCut),
            },
            Token::Leaf => {
                let (key, record) = self.records.next().ok_or(PrunedError::Unfinished)?;
                self.leaf(above, key, record, absent)
            }
            Token::Other(_) if absent.is_empty() => Err(PrunedError::Unused),
            Token::Other(leaf) => self.leaf(above, leaf.key(), leaf.record(), absent),
        }
    }

    fn leaf(
        &mut self,
        above: &[(u8, bool)],
        key: &MapKey,
        record: &[u8],
        absent: &[&MapKey],
    ) -> Result<Side, PrunedError> {
        if above.iter().any(|(bit, right)| key.bit(*bit) != *right) {
            return Err(PrunedError::WrongPlace { key: *key });
        }
        if self.last.is_some_and(|last| last >= *key) {
            return Err(PrunedError::KeyOrder);
        }
        self.last = Some(*key);
        if absent.contains(&key) {
            return Err(PrunedError::SameKey);
        }
        Ok(Side {
            hash: MapHash::of_leaf(key, record),
            is_cut: false,
        })
    }
}

/// Why a pruned tree proves nothing.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum PrunedError {
    /// Nodes or records are missing.
    #[error("the pruned tree ends before its nodes or records do")]
    Unfinished,
    /// A node, record or leaf that no answer needs.
    #[error("the pruned tree has parts that no answer needs")]
    Unused,
    /// A node that does not part below the one above it.
    #[error("the node at bit {bit} stands under one that parts no earlier")]
    BitsNotIncreasing {
        /// Its bit.
        bit: u8,
    },
    /// Keys of records, absences or leaves do not ascend.
    #[error("keys do not ascend")]
    KeyOrder,
    /// A leaf whose key does not lead to it.
    #[error("key {key} does not lead to its leaf")]
    WrongPlace {
        /// The key.
        key: MapKey,
    },
    /// The walk for an absent key ends at a cut, so nothing is known of it.
    #[error("the walk for an absent key ends at a cut")]
    WalkEndsAtCut,
    /// The walk for an absent key ends at its own leaf.
    #[error("the absent key has a leaf")]
    SameKey,
    /// The tree leads to another root.
    #[error("the pruned tree leads to another root")]
    RootMismatch,
}

#[cfg(test)]
mod tests;
