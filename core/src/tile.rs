//! Tiles: the hashes of a tree, 256 neighbours a file (c2sp.org/tlog-tiles, "Merkle Tree").
//!
//! ```text
//! tile/0/x001/067          256 hashes of 32 bytes: of leaves 1067·256 … 1067·256 + 255
//! tile/1/004.p/43          43 hashes: of the full level-0 tiles 4·256 … 4·256 + 42
//! ```
//! A hash in a tile of level l is the root of a full tile of level l − 1. Full tiles never change; the rightmost tile of
//! a level is partial and grows. `path` names tiles, `edge` grows the rightmost ones; entries are in `entry_bundle`.

mod edge;
mod growth;
mod path;

use thiserror::Error;

use crate::merkle::{NodeHash, NodeId, WholeTree};

pub use edge::{EdgeError, TileEdge};
pub use growth::{bundles_between, tiles_between};
pub use path::{ParseTilePathError, TileIndex, TileKind, TileLevel, TilePath, Width};

/// Between 1 and 256 neighbouring hashes of one tile level.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tile {
    hashes: Vec<NodeHash>,
}

/// Bytes that are not a tile of the width its name says.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a tile of {width} hashes has {want} bytes, not {got}")]
pub struct TileError {
    width: Width,
    got: usize,
    want: usize,
}

impl Tile {
    /// Takes neighbouring hashes; `None` unless there are 1 to 256.
    #[must_use]
    pub fn new(hashes: Vec<NodeHash>) -> Option<Self> {
        Width::of_count(hashes.len()).map(|_| Self { hashes })
    }

    /// Reads a tile of this width, 32 bytes a hash.
    ///
    /// # Errors
    /// When the number of bytes is not exactly that of `width` hashes.
    pub fn parse(bytes: &[u8], width: Width) -> Result<Self, TileError> {
        let (got, want) = (bytes.len(), width.count() * HASH_BYTES);
        if got != want {
            return Err(TileError { width, got, want });
        }
        let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
        Ok(Self {
            hashes: hashes.iter().copied().map(NodeHash::from_bytes).collect(),
        })
    }

    /// Writes the tile as [`Tile::parse`] reads it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes
            .iter()
            .flat_map(|hash| *hash.as_bytes())
            .collect()
    }

    /// How many hashes there are.
    #[must_use]
    pub fn width(&self) -> Width {
        Width::of_count(self.hashes.len()).expect("a tile has 1 to 256 hashes")
    }

    /// The hashes, from left to right.
    #[must_use]
    pub fn hashes(&self) -> &[NodeHash] {
        &self.hashes
    }

    /// Computes the one hash that stands for a full tile on the level above; `None` of a partial one.
    #[must_use]
    pub fn root(&self) -> Option<NodeHash> {
        self.width().is_full().then(|| {
            let root = WholeTree::of_nodes(self.hashes.iter().copied()).root();
            NodeHash::from_bytes(*root.as_bytes())
        })
    }

    /// Computes the hash of a subtree that stands on this tile's hashes; `None` if part of it is missing.
    ///
    /// The tile must be the one that [`TilePath::of_node`] names for the subtree.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<NodeHash> {
        let rise = id.level() % LEVELS;
        let first = usize::try_from((id.index() << rise) % u64::from(Width::FULL.get())).ok()?;
        let mut hashes = self.hashes.get(first..first + (1 << rise))?.to_vec();
        while hashes.len() > 1 {
            let (pairs, _) = hashes.as_chunks::<2>();
            hashes = pairs
                .iter()
                .map(|[left, right]| NodeHash::of_children(left, right))
                .collect();
        }
        hashes.pop()
    }
}

/// Tree levels between a tile's hashes and those of the tile above.
const LEVELS: u8 = 8;

const HASH_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{Frontier, LeafHash};

    fn tile(width: u64) -> Tile {
        let leaf = |i: u64| NodeHash::from(LeafHash::of_entry(&i.to_be_bytes()));
        Tile::new((0..width).map(leaf).collect()).unwrap()
    }

    #[test]
    fn bytes_and_tile_are_the_same() {
        for width in [1, 2, 255, 256] {
            let tile = tile(width);
            let bytes = tile.to_bytes();
            assert_eq!(Tile::parse(&bytes, tile.width()), Ok(tile));
        }
    }

    #[test]
    fn a_tile_has_the_length_of_its_width() {
        let bytes = tile(5).to_bytes();
        let width = |count| Width::new(count).unwrap();
        assert!(Tile::parse(&bytes, width(4)).is_err());
        assert!(Tile::parse(&bytes, width(6)).is_err());
        assert!(Tile::parse(&bytes[..159], width(5)).is_err());
        assert!(Tile::parse(&[bytes.as_slice(), &[0]].concat(), width(5)).is_err());
        assert_eq!(Tile::new(Vec::new()), None);
        assert_eq!(Tile::new(vec![tile(1).hashes()[0]; 257]), None);
    }

    #[test]
    fn only_a_full_tile_has_a_root() {
        let full = tile(256);
        let mut frontier = Frontier::new();
        for index in 0..256u64 {
            frontier.append(LeafHash::of_entry(&index.to_be_bytes()));
        }
        assert_eq!(full.root(), Some(frontier.nodes()[0]));
        assert_eq!(tile(255).root(), None);
    }

    #[test]
    fn a_tile_gives_the_subtrees_on_it() {
        let tile = tile(7);
        let id = |level, index| NodeId::new(level, index).unwrap();
        let pair = NodeHash::of_children(&tile.hashes()[4], &tile.hashes()[5]);
        assert_eq!(tile.node(id(0, 6)), Some(tile.hashes()[6]));
        assert_eq!(tile.node(id(1, 2)), Some(pair));
        assert_eq!(tile.node(id(1, 3)), None, "its right half is not there");
        assert_eq!(tile.node(id(9, 2)), Some(pair), "eight levels up");
        assert!(tile.node(id(2, 0)).is_some());
    }
}
