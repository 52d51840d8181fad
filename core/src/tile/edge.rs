//! The rightmost tile of every level: all that is needed to append to a log kept in tiles.
//!
//! ```text
//! size 70000:    level 2  1 hash      level 1  17 hashes      level 0  112 hashes
//! ```
//! Together they hold every node of the frontier and nothing else, so the root binds each of their hashes.

use thiserror::Error;

use super::{Tile, TileKind, TileLevel, TilePath, Width};
use crate::merkle::{Frontier, LeafHash, NodeHash, TreeHead, TreeSize};

/// The partial tiles of a tree of some size.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TileEdge {
    leaves: u64,
    /// One a level, from the leaves up, each with fewer hashes than a full tile; the last one is not empty.
    levels: Vec<Vec<NodeHash>>,
}

/// Tiles that are not the edge of a tree of this size.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the tiles given are not the partial tiles of a tree of {size} entries")]
pub struct EdgeError {
    size: TreeSize,
}

impl TileEdge {
    /// The edge of the empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            leaves: 0,
            levels: Vec::new(),
        }
    }

    /// Names the tiles that make up the edge of a tree of this size, from the leaves up.
    #[must_use]
    pub fn paths(size: TreeSize) -> Vec<TilePath> {
        TileLevel::all()
            .filter_map(|level| {
                let index =
                    super::TileIndex::new(level.hashes_in(size) / u64::from(Width::FULL.get()));
                TilePath::in_tree(TileKind::Hashes(level), index, size)
            })
            .collect()
    }

    /// Takes up a tree where it was left: the tiles of [`TileEdge::paths`], in that order.
    ///
    /// # Errors
    /// When their number or their widths are not those of the paths. Whether the hashes are right, the root tells.
    pub fn from_tiles(size: TreeSize, tiles: Vec<Tile>) -> Result<Self, EdgeError> {
        let paths = Self::paths(size);
        let fits = paths.len() == tiles.len()
            && paths
                .iter()
                .zip(&tiles)
                .all(|(path, tile)| path.width() == tile.width());
        if !fits {
            return Err(EdgeError { size });
        }
        let mut levels = Vec::new();
        for (path, tile) in paths.iter().zip(tiles) {
            let TileKind::Hashes(level) = path.kind() else {
                return Err(EdgeError { size });
            };
            levels.resize(usize::from(level.get()), Vec::new());
            levels.push(tile.hashes);
        }
        Ok(Self {
            leaves: size.get(),
            levels,
        })
    }

    /// How many entries the tree holds.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        TreeSize::new(self.leaves)
    }

    /// Appends entries and gives every tile that they touch, as wide as it is afterwards, in the order of
    /// [`tiles_between`](super::tiles_between).
    ///
    /// # Panics
    /// If the tree would hold 2^64 entries.
    pub fn grow(&mut self, leaves: impl IntoIterator<Item = LeafHash>) -> Vec<(TilePath, Tile)> {
        let before = self.size();
        let mut touched = Vec::new();
        for leaf in leaves {
            self.append(leaf, &mut touched);
        }
        let after = self.size();
        touched.extend(self.partial_tiles().into_iter().filter(|(path, _)| {
            let TileKind::Hashes(level) = path.kind() else {
                return false;
            };
            level.hashes_in(before) < level.hashes_in(after)
        }));
        touched.sort_by_key(|(path, _)| *path);
        touched
    }

    /// Gives the tiles of [`TileEdge::paths`], in that order.
    #[must_use]
    pub fn partial_tiles(&self) -> Vec<(TilePath, Tile)> {
        TileLevel::all()
            .zip(&self.levels)
            .filter_map(|(level, hashes)| {
                let tile = Tile::new(hashes.clone())?;
                Some((self.path(level, tile.width()), tile))
            })
            .collect()
    }

    /// Computes size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.frontier().head()
    }

    /// Computes the frontier.
    #[must_use]
    pub fn frontier(&self) -> Frontier {
        let mut nodes = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (perfect, later) = rest.split_at(1 << rest.len().ilog2());
                nodes.push(perfect_root(perfect));
                rest = later;
            }
        }
        Frontier::from_nodes(self.size(), nodes).expect("a node for each bit of each width")
    }

    fn append(&mut self, leaf: LeafHash, completed: &mut Vec<(TilePath, Tile)>) {
        self.leaves = self
            .leaves
            .checked_add(1)
            .expect("a tree holds fewer than 2^64 entries");
        let mut hash = NodeHash::from(leaf);
        for level in TileLevel::all() {
            let place = usize::from(level.get());
            if self.levels.len() == place {
                self.levels.push(Vec::with_capacity(Width::FULL.count()));
            }
            let hashes = &mut self.levels[place];
            hashes.push(hash);
            if hashes.len() < Width::FULL.count() {
                return;
            }
            let tile = Tile {
                hashes: std::mem::take(hashes),
            };
            hash = tile.root().expect("it is full");
            completed.push((self.path(level, Width::FULL), tile));
        }
    }

    /// Names the rightmost tile of a level, which has just been widened to `width`.
    fn path(&self, level: TileLevel, width: Width) -> TilePath {
        let hashes = level.hashes_in(self.size());
        let index = (hashes - u64::from(width.get())) / u64::from(Width::FULL.get());
        TilePath::new(TileKind::Hashes(level), super::TileIndex::new(index), width)
            .expect("a tree of this size has this tile")
    }
}

/// Hashes a power of two of neighbours into the node over them.
fn perfect_root(hashes: &[NodeHash]) -> NodeHash {
    match hashes {
        [one] => *one,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            NodeHash::of_children(&perfect_root(left), &perfect_root(right))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tile::tiles_between;

    fn leaf(index: u64) -> LeafHash {
        LeafHash::of_entry(&index.to_be_bytes())
    }

    #[test]
    fn grows_in_any_steps_to_the_same_tiles() {
        for (step, size) in [
            (1, 600),
            (3, 1_000),
            (256, 70_000),
            (257, 70_000),
            (70_000, 70_000),
        ] {
            let mut edge = TileEdge::new();
            let mut frontier = Frontier::new();
            let mut store = BTreeMap::new();
            while edge.size().get() < size {
                let old = edge.size();
                let end = size.min(old.get() + step);
                let touched = edge.grow((old.get()..end).map(leaf));
                (old.get()..end).for_each(|index| frontier.append(leaf(index)));
                let mut want: Vec<TilePath> = tiles_between(old, edge.size()).collect();
                want.sort();
                assert_eq!(
                    touched.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
                    want
                );
                store.extend(touched);
                if end % 997 == 0 || end == size {
                    assert_eq!(edge.frontier(), frontier);
                }
            }
            let tiles = TileEdge::paths(edge.size())
                .iter()
                .map(|path| store[path].clone())
                .collect();
            assert_eq!(TileEdge::from_tiles(edge.size(), tiles), Ok(edge));
        }
    }

    #[test]
    fn takes_up_a_tree_without_partial_leaf_tiles() {
        let mut edge = TileEdge::new();
        let touched: BTreeMap<_, _> = edge.grow((0..65_536).map(leaf)).into_iter().collect();
        let paths = TileEdge::paths(edge.size());
        assert_eq!(
            paths.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["tile/2/000.p/1"]
        );
        let tiles = vec![touched[&paths[0]].clone()];
        let mut resumed = TileEdge::from_tiles(edge.size(), tiles).unwrap();
        assert_eq!(resumed.head(), edge.head());
        assert_eq!(resumed.grow([leaf(65_536)]), edge.grow([leaf(65_536)]));
        assert_eq!(resumed.head(), edge.head());
    }

    #[test]
    fn rejects_tiles_of_another_size() {
        let mut edge = TileEdge::new();
        let tile = edge.grow((0..5).map(leaf)).remove(0).1;
        assert!(TileEdge::from_tiles(TreeSize::new(5), vec![tile.clone()]).is_ok());
        assert!(TileEdge::from_tiles(TreeSize::new(6), vec![tile.clone()]).is_err());
        assert!(TileEdge::from_tiles(TreeSize::new(5), Vec::new()).is_err());
        assert!(TileEdge::from_tiles(TreeSize::new(5), vec![tile.clone(), tile]).is_err());
        assert_eq!(
            TileEdge::from_tiles(TreeSize::EMPTY, Vec::new()),
            Ok(TileEdge::new())
        );
    }
}
