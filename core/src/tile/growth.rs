//! Which tiles a growth touches.
//!
//! ```text
//! 255 → 257 entries:    tile/0/000  tile/0/001.p/1  tile/1/000.p/1    tile/entries/000  tile/entries/001.p/1
//! ```

use super::path::FULL;
use super::{TileIndex, TileKind, TileLevel, TilePath};
use crate::merkle::TreeSize;

/// Names every tile of hashes that a growth touches, as wide as it is afterwards; from the leaves up, left to right.
pub fn tiles_between(old: TreeSize, new: TreeSize) -> impl Iterator<Item = TilePath> {
    TileLevel::all().flat_map(move |level| between(TileKind::Hashes(level), level, old, new))
}

/// Names every entry bundle that a growth touches, as wide as it is afterwards; left to right.
pub fn bundles_between(old: TreeSize, new: TreeSize) -> impl Iterator<Item = TilePath> {
    between(TileKind::Entries, TileLevel::LEAVES, old, new)
}

fn between(
    kind: TileKind,
    level: TileLevel,
    old: TreeSize,
    new: TreeSize,
) -> impl Iterator<Item = TilePath> {
    let (before, after) = (level.hashes_in(old), level.hashes_in(new));
    let tiles = if before < after {
        before / FULL..after.div_ceil(FULL)
    } else {
        0..0
    };
    tiles.filter_map(move |index| TilePath::in_tree(kind, TileIndex::new(index), new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_70000_has_the_tiles_of_the_specification() {
        let names: Vec<TilePath> = tiles_between(TreeSize::EMPTY, TreeSize::new(70_000)).collect();
        let full = |level: u8| {
            let level = TileKind::Hashes(TileLevel::new(level).unwrap());
            names
                .iter()
                .filter(|name| name.kind() == level && name.width().is_full())
                .count()
        };
        assert_eq!((full(0), full(1), full(2)), (273, 1, 0));
        let partial: Vec<String> = names
            .iter()
            .filter(|name| !name.width().is_full())
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            partial,
            ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        assert_eq!(
            bundles_between(TreeSize::EMPTY, TreeSize::new(70_000)).count(),
            274
        );
    }

    #[test]
    fn a_growth_touches_what_it_widens() {
        let names = |old, new| -> Vec<String> {
            tiles_between(TreeSize::new(old), TreeSize::new(new))
                .chain(bundles_between(TreeSize::new(old), TreeSize::new(new)))
                .map(|name| name.to_string())
                .collect()
        };
        assert_eq!(names(5, 5), [""; 0]);
        assert_eq!(names(5, 7), ["tile/0/000.p/7", "tile/entries/000.p/7"]);
        assert_eq!(
            names(255, 256),
            ["tile/0/000", "tile/1/000.p/1", "tile/entries/000"]
        );
        assert_eq!(names(256, 257), ["tile/0/001.p/1", "tile/entries/001.p/1"]);
    }
}
