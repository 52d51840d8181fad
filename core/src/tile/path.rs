//! Names of tiles and entry bundles (c2sp.org/tlog-tiles).
//!
//! ```text
//! tile/<level>/<index>[.p/<width>]        tile/0/x001/x234/067      tile/1/004.p/43
//! tile/entries/<index>[.p/<width>]        tile/entries/000.p/7
//! ```
//! A name is parsed to its numbers and always written anew from them, so nothing a stranger typed reaches a file system.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::merkle::{LeafIndex, NodeId, TreeSize};

/// How many hashes or entries a tile holds: 1 to 256.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Width(u16);

/// How many tiles of hashes lie below: 0 to 7.
///
/// The specification counts to 63, but a tree whose size fits 64 bits has no tile above level 7.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TileLevel(u8);

/// Tiles of the same level to the left.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TileIndex(u64);

/// What a tile holds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum TileKind {
    /// The entries themselves.
    Entries,
    /// The hashes of this level.
    Hashes(TileLevel),
}

/// The name of a tile or of an entry bundle.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TilePath {
    kind: TileKind,
    index: TileIndex,
    width: Width,
}

/// Text that names no tile, or not in the one way.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not the name of a tile or entry bundle")]
pub struct ParseTilePathError;

impl Width {
    /// A tile that will never grow.
    pub const FULL: Self = Self(256);

    /// Takes a number from 1 to 256.
    #[must_use]
    pub const fn new(width: u16) -> Option<Self> {
        if width >= 1 && width <= Self::FULL.0 {
            Some(Self(width))
        } else {
            None
        }
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Gives the number as a length.
    #[must_use]
    pub const fn count(self) -> usize {
        self.0 as usize
    }

    /// Tells whether the tile will never grow.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.0 == Self::FULL.0
    }

    pub(crate) fn of_count(count: usize) -> Option<Self> {
        u16::try_from(count).ok().and_then(Self::new)
    }
}

impl TileLevel {
    /// The level of leaf hashes.
    pub const LEAVES: Self = Self(0);

    /// Takes a number from 0 to 7.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level < TILE_LEVELS {
            Some(Self(level))
        } else {
            None
        }
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The level above; `None` of the topmost.
    #[must_use]
    pub const fn above(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }

    /// Gives all levels, from the leaves up.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..TILE_LEVELS).map(Self)
    }

    /// Tells how many hashes this level has in a tree: full tiles of the level below.
    #[must_use]
    pub const fn hashes_in(self, size: TreeSize) -> u64 {
        size.get() >> (8 * self.0)
    }
}

impl TileIndex {
    /// Takes any number; whether a level has such a tile, [`TilePath::new`] tells.
    #[must_use]
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// Gives the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl TilePath {
    /// Puts a name together; `None` if the tile would start past 2^64 entries.
    #[must_use]
    pub const fn new(kind: TileKind, index: TileIndex, width: Width) -> Option<Self> {
        let level = match kind {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => level.0,
        };
        // Level 7 has one tile; its 256 hashes span all 2^64 entries there can be.
        let last = u64::MAX.unbounded_shr(8 * (level as u32 + 1));
        if index.0 <= last {
            Some(Self { kind, index, width })
        } else {
            None
        }
    }

    /// Names a tile as wide as it is in a tree of this size; `None` if the tree has no such tile.
    #[must_use]
    pub fn in_tree(kind: TileKind, index: TileIndex, size: TreeSize) -> Option<Self> {
        let level = match kind {
            TileKind::Entries => TileLevel::LEAVES,
            TileKind::Hashes(level) => level,
        };
        let first = index.0.checked_mul(FULL)?;
        let count = level.hashes_in(size).checked_sub(first)?.min(FULL);
        let width = u16::try_from(count).ok().and_then(Width::new)?;
        Self::new(kind, index, width)
    }

    /// Names the tile whose hashes a subtree stands on; `None` if a tree of this size does not hold the subtree.
    #[must_use]
    pub fn of_node(id: NodeId, size: TreeSize) -> Option<Self> {
        if id.index() >= size.get() >> id.level() {
            return None;
        }
        let level = TileLevel::new(id.level() / 8)?;
        let index = TileIndex(id.index() >> (8 - id.level() % 8));
        Self::in_tree(TileKind::Hashes(level), index, size)
    }

    /// Names the bundle that holds an entry; `None` if a tree of this size does not hold it.
    #[must_use]
    pub fn of_entry(index: LeafIndex, size: TreeSize) -> Option<Self> {
        if !size.contains(index) {
            return None;
        }
        Self::in_tree(TileKind::Entries, TileIndex(index.get() / FULL), size)
    }

    /// Whether it holds entries or hashes, and of which level.
    #[must_use]
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// Tiles of its kind to the left.
    #[must_use]
    pub const fn index(&self) -> TileIndex {
        self.index
    }

    /// How many entries or hashes it holds.
    #[must_use]
    pub const fn width(&self) -> Width {
        self.width
    }

    /// Names the same tile with another width.
    #[must_use]
    pub const fn with_width(self, width: Width) -> Self {
        Self { width, ..self }
    }

    /// Names the tile whose hash at [`TilePath::position`] is the root of this one, in a tree of this size; `None` of
    /// bundles, and if there is no such tile yet.
    #[must_use]
    pub fn parent(&self, size: TreeSize) -> Option<Self> {
        let TileKind::Hashes(level) = self.kind else {
            return None;
        };
        let above = level.above()?;
        Self::in_tree(
            TileKind::Hashes(above),
            TileIndex(self.index.0 / FULL),
            size,
        )
    }

    /// Names the tile that holds the hashes of a bundle's entries; `None` of a tile of hashes.
    #[must_use]
    pub fn leaves(&self) -> Option<Self> {
        let kind = TileKind::Hashes(TileLevel::LEAVES);
        (self.kind == TileKind::Entries).then_some(Self { kind, ..*self })
    }

    /// Where its root stands in its parent.
    #[must_use]
    pub const fn position(&self) -> usize {
        (self.index.0 % FULL) as usize
    }

    /// The index of its first entry or hash on its own level.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.index.0 * FULL
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let mut groups = vec![self.index.0 % 1000];
        let mut rest = self.index.0 / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.width.is_full() {
            Ok(())
        } else {
            write!(f, ".p/{}", self.width)
        }
    }
}

impl FromStr for TilePath {
    type Err = ParseTilePathError;

    fn from_str(text: &str) -> Result<Self, ParseTilePathError> {
        let path = read(text).ok_or(ParseTilePathError)?;
        if path.to_string() == text {
            Ok(path)
        } else {
            Err(ParseTilePathError)
        }
    }
}

/// Reads a name loosely; that it was the canonical one is for the caller to compare.
fn read(text: &str) -> Option<TilePath> {
    let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let kind = if kind == "entries" {
        TileKind::Entries
    } else {
        TileKind::Hashes(TileLevel::new(kind.parse().ok()?)?)
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, Width::new(width.parse().ok()?)?),
        None => (rest, Width::FULL),
    };
    let mut number: u64 = 0;
    for group in index.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 {
            return None;
        }
        let group: u64 = digits.parse().ok()?;
        number = number.checked_mul(1000)?.checked_add(group)?;
    }
    TilePath::new(kind, TileIndex(number), width)
}

/// Writes the number behind each of these types.
macro_rules! display_number {
    ($($number:ident)*) => {$(
        impl fmt::Display for $number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

display_number!(Width TileLevel TileIndex);

/// 256^8 = 2^64.
const TILE_LEVELS: u8 = 8;

pub(super) const FULL: u64 = Width::FULL.0 as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_written_the_same() {
        for name in "tile/0/000 tile/0/999 tile/0/x001/000 tile/0/x001/x234/067 \
            tile/0/x001/067.p/12 tile/1/004.p/43 tile/7/000.p/255 tile/entries/000.p/1 tile/entries/x072/x057/x594/x037/x927/935"
            .split(' ')
        {
            let path: TilePath = name.parse().unwrap();
            assert_eq!(path.to_string(), name);
        }
    }

    #[test]
    fn rejects_every_other_spelling() {
        let names = "tile tile/ tile/0 tile/0/ /tile/0/000 tile/0/000/ tile//000 tile/00/000 \
            tile/+0/000 tile/8/000 tile/64/000 tile/-1/000 tile/data/000 tile/0/0 \
            tile/0/00 tile/0/0000 tile/0/x000 tile/0/x000/000 tile/0/001/000 \
            tile/0/x001/x000 tile/0/+01 tile/0/x+01/000 tile/0/0x1 tile/0/000.p \
            tile/0/000.p/ tile/0/000.p/0 tile/0/000.p/256 tile/0/000.p/257 \
            tile/0/000.p/01 tile/0/000.p/+1 tile/0/000.p/1/ tile/0/000.p/1.p/1 \
            tile/0/../0/000 tile/0/000%2Ep/1 tile/7/001 tile/6/256 \
            tile/entries/x072/x057/x594/x037/x927/936 \
            tile/0/x018/x446/x744/x073/x709/x551/616 TILE/0/000 tile/Entries/000";
        for name in names
            .split(' ')
            .chain(["", "tile/0/000\n", "tile/0/000.p/1 "])
        {
            assert_eq!(
                name.parse::<TilePath>(),
                Err(ParseTilePathError),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_subtree_is_found_in_the_tile_below_it() {
        let size = TreeSize::new(70_000);
        let name = |level, index| {
            TilePath::of_node(NodeId::new(level, index).unwrap(), size).map(|path| path.to_string())
        };
        assert_eq!(name(0, 69_999).as_deref(), Some("tile/0/273.p/112"));
        assert_eq!(name(0, 70_000), None);
        assert_eq!(name(7, 2).as_deref(), Some("tile/0/001"));
        assert_eq!(name(8, 2).as_deref(), Some("tile/1/000"));
        assert_eq!(name(16, 0).as_deref(), Some("tile/2/000.p/1"));
        assert_eq!(name(16, 1), None);
        let entry = TilePath::of_entry(LeafIndex::new(69_999), size).unwrap();
        assert_eq!(entry.to_string(), "tile/entries/273.p/112");
        let leaves = entry.leaves().unwrap();
        assert_eq!(leaves.to_string(), "tile/0/273.p/112");
        assert_eq!(leaves.parent(size).unwrap().to_string(), "tile/1/001.p/17");
        assert_eq!(
            (leaves.position(), leaves.leaves(), entry.parent(size)),
            (17, None, None)
        );
    }
}
