//! Entry bundles: the entries of a log, 256 neighbours a file (c2sp.org/tlog-tiles, "Log entries").
//!
//! ```text
//! u16 length, big-endian ‖ entry     once for each entry, 1 to 256 of them
//! ```
//! Whether the entries are the ones the tree was made of, their leaf hashes tell.

use std::ops::Range;

use thiserror::Error;

use crate::merkle::{LeafHash, TreeSize};
use crate::tile::{TileIndex, TileKind, TilePath, Width};

/// The longest entry of a Labelproof log; the bundle's own lengths would allow 65,535.
///
/// A `label.issue` with eight signatures and every optional field takes about 6 KiB.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// The longest bundle: 256 entries of the longest kind with their lengths.
pub const MAX_BUNDLE_BYTES: usize = Width::FULL.count() * (LENGTH_BYTES + MAX_ENTRY_BYTES);

/// Between 1 and 256 neighbouring entries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryBundle {
    entries: Vec<Vec<u8>>,
}

/// Why bytes are not a bundle.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BundleError {
    /// The bytes end within this entry, counted from zero in the bundle, or before it.
    #[error("bundle ends within entry {0}")]
    Truncated(usize),
    /// Bytes follow the last entry.
    #[error("{0} bytes follow the last entry")]
    TrailingBytes(usize),
    /// An entry is longer than [`MAX_ENTRY_BYTES`].
    #[error("entry {position} has {bytes} bytes, more than {MAX_ENTRY_BYTES}")]
    EntryTooLong {
        /// Which entry of the bundle, counted from zero.
        position: usize,
        /// Its length.
        bytes: usize,
    },
}

impl EntryBundle {
    /// Takes neighbouring entries; `None` unless there are 1 to 256, none longer than [`MAX_ENTRY_BYTES`].
    #[must_use]
    pub fn new(entries: Vec<Vec<u8>>) -> Option<Self> {
        let fits = entries.iter().all(|entry| entry.len() <= MAX_ENTRY_BYTES);
        Width::of_count(entries.len())
            .filter(|_| fits)
            .map(|_| Self { entries })
    }

    /// Reads a bundle of this width.
    ///
    /// # Errors
    /// [`BundleError`], when there are not exactly `width` entries, or one is too long.
    pub fn parse(bytes: &[u8], width: Width) -> Result<Self, BundleError> {
        let (bundle, rest) = Self::read(bytes, width)?;
        if rest.is_empty() {
            Ok(bundle)
        } else {
            Err(BundleError::TrailingBytes(rest.len()))
        }
    }

    /// Gives the first bytes of a wider bundle: those of the bundle of this width that it grew from.
    ///
    /// # Errors
    /// As [`EntryBundle::parse`], but for bytes that follow.
    pub fn cut(bytes: &[u8], width: Width) -> Result<&[u8], BundleError> {
        let rest = walk(bytes, width, |_| ())?;
        Ok(&bytes[..bytes.len() - rest.len()])
    }

    /// Where each entry of a bundle of this width ends, or of the wider one it grew into; its length stands before it.
    ///
    /// # Errors
    /// As [`EntryBundle::cut`].
    pub fn ends(bytes: &[u8], width: Width) -> Result<Vec<u32>, BundleError> {
        let mut ends = Vec::with_capacity(width.count());
        let mut end = 0;
        walk(bytes, width, |entry| {
            end += LENGTH_BYTES + entry.len();
            ends.push(u32::try_from(end).expect("a bundle has 4 MiB at most"));
        })?;
        Ok(ends)
    }

    /// Where the entry at a position lies, by what [`EntryBundle::ends`] says of its bundle.
    #[must_use]
    pub fn place(ends: &[u32], position: usize) -> Option<Range<usize>> {
        let end = *ends.get(position)? as usize;
        let before = position.checked_sub(1).map_or(0, |before| ends[before]);
        Some(before as usize + LENGTH_BYTES..end)
    }

    /// Writes the bundle as [`EntryBundle::parse`] reads it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            let length = u16::try_from(entry.len()).expect("an entry has at most 16 KiB");
            bytes.extend(length.to_be_bytes());
            bytes.extend(entry);
        }
        bytes
    }

    /// How many entries there are.
    #[must_use]
    pub fn width(&self) -> Width {
        Width::of_count(self.entries.len()).expect("a bundle has 1 to 256 entries")
    }

    /// The entries, from left to right.
    #[must_use]
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// Takes the entries out.
    #[must_use]
    pub fn into_entries(self) -> Vec<Vec<u8>> {
        self.entries
    }

    /// Computes the hash of each entry.
    pub fn leaf_hashes(&self) -> impl Iterator<Item = LeafHash> {
        self.entries.iter().map(|entry| LeafHash::of_entry(entry))
    }

    /// Appends entries to a log of `old` entries whose partial bundle is `edge`, and gives every bundle they touch.
    ///
    /// `edge` is `None` if the last bundle is full or there is none.
    ///
    /// # Panics
    /// If `edge` is not as wide as the last bundle of `old` entries, or an entry is longer than [`MAX_ENTRY_BYTES`]:
    /// both come from our own store.
    pub fn grow(
        old: TreeSize,
        edge: Option<Self>,
        entries: impl IntoIterator<Item = Vec<u8>>,
    ) -> Vec<(TilePath, Self)> {
        let full = Width::FULL.count();
        let mut index = old.get() / u64::from(Width::FULL.get());
        let mut bundle = edge.map_or_else(Vec::new, Self::into_entries);
        assert_eq!(
            bundle.len() as u64,
            old.get() % u64::from(Width::FULL.get()),
            "the edge of {old} entries"
        );
        let mut touched = Vec::new();
        let mut name = |entries: Vec<Vec<u8>>, index: u64| {
            let bundle = Self::new(entries).expect("1 to 256 entries of at most 16 KiB");
            let path = TilePath::new(TileKind::Entries, TileIndex::new(index), bundle.width());
            touched.push((path.expect("fewer than 2^64 entries"), bundle));
        };
        let mut grew = false;
        for entry in entries {
            bundle.push(entry);
            grew = true;
            if bundle.len() == full {
                name(std::mem::take(&mut bundle), index);
                index += 1;
                grew = false;
            }
        }
        if grew {
            name(bundle, index);
        }
        touched
    }

    /// Reads `width` entries and gives what follows them.
    fn read(bytes: &[u8], width: Width) -> Result<(Self, &[u8]), BundleError> {
        let mut entries = Vec::with_capacity(width.count());
        let rest = walk(bytes, width, |entry| entries.push(entry.to_vec()))?;
        Ok((Self { entries }, rest))
    }
}

/// Shows each of `width` entries, from left to right, and gives what follows them; copies nothing.
fn walk<'a>(
    bytes: &'a [u8],
    width: Width,
    mut show: impl FnMut(&'a [u8]),
) -> Result<&'a [u8], BundleError> {
    let mut rest = bytes;
    for position in 0..width.count() {
        let truncated = BundleError::Truncated(position);
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>().ok_or(truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length > MAX_ENTRY_BYTES {
            let bytes = length;
            return Err(BundleError::EntryTooLong { position, bytes });
        }
        let (entry, after) = after.split_at_checked(length).ok_or(truncated)?;
        show(entry);
        rest = after;
    }
    Ok(rest)
}

const LENGTH_BYTES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::bundles_between;

    fn entry(index: u64) -> Vec<u8> {
        let length = usize::try_from(index % 7).unwrap();
        vec![index.to_be_bytes()[7]; length]
    }

    fn width(count: u16) -> Width {
        Width::new(count).unwrap()
    }

    #[test]
    fn bytes_and_bundle_are_the_same() {
        for count in [1, 2, 255, 256] {
            let bundle = EntryBundle::new((0..count).map(entry).collect()).unwrap();
            assert_eq!(
                EntryBundle::parse(&bundle.to_bytes(), bundle.width()),
                Ok(bundle)
            );
        }
        let longest = EntryBundle::new(vec![vec![7; MAX_ENTRY_BYTES]; 256]).unwrap();
        assert_eq!(longest.to_bytes().len(), MAX_BUNDLE_BYTES);
    }

    #[test]
    fn a_bundle_has_as_many_entries_as_its_name_says() {
        let bytes = EntryBundle::new((1..6).map(entry).collect())
            .unwrap()
            .to_bytes();
        let parse = |bytes: &[u8], count| EntryBundle::parse(bytes, width(count)).unwrap_err();
        assert_eq!(parse(&bytes, 4), BundleError::TrailingBytes(7));
        assert_eq!(parse(&bytes, 6), BundleError::Truncated(5));
        assert_eq!(
            parse(&bytes[..bytes.len() - 1], 5),
            BundleError::Truncated(4)
        );
        assert_eq!(
            parse(&[&bytes[..], &[0]].concat(), 5),
            BundleError::TrailingBytes(1)
        );
        assert_eq!(parse(&[], 1), BundleError::Truncated(0));
        assert_eq!(parse(&[0], 1), BundleError::Truncated(0));
    }

    #[test]
    fn rejects_an_entry_over_the_limit() {
        let mut bytes = 16_385u16.to_be_bytes().to_vec();
        bytes.resize(2 + 16_385, 0);
        let error = BundleError::EntryTooLong {
            position: 0,
            bytes: 16_385,
        };
        assert_eq!(EntryBundle::parse(&bytes, width(1)), Err(error));
        assert_eq!(EntryBundle::new(vec![vec![0; 16_385]]), None);
        assert_eq!(EntryBundle::new(Vec::new()), None);
        assert_eq!(EntryBundle::new(vec![Vec::new(); 257]), None);
    }

    #[test]
    fn a_wider_bundle_holds_the_narrower_one() {
        let wide = EntryBundle::new((0..256).map(entry).collect())
            .unwrap()
            .to_bytes();
        for count in [1, 100, 256] {
            let narrow = EntryBundle::new((0..u64::from(count)).map(entry).collect()).unwrap();
            assert_eq!(
                EntryBundle::cut(&wide, width(count)),
                Ok(&narrow.to_bytes()[..])
            );
            let ends = EntryBundle::ends(&wide, width(count)).unwrap();
            assert_eq!(
                ends.last(),
                Some(&u32::try_from(narrow.to_bytes().len()).unwrap())
            );
            for position in 0..usize::from(count) {
                let place = EntryBundle::place(&ends, position).unwrap();
                assert_eq!(wide[place], narrow.entries()[position][..]);
            }
            assert_eq!(EntryBundle::place(&ends, usize::from(count)), None);
            let short = &narrow.to_bytes()[..narrow.to_bytes().len() - 1];
            assert_eq!(
                EntryBundle::ends(short, width(count)),
                Err(BundleError::Truncated(usize::from(count) - 1))
            );
        }
    }

    #[test]
    fn grows_in_any_steps_to_the_same_bundles() {
        for step in [1, 3, 256, 257, 1000] {
            let (mut old, mut edge) = (0, None);
            while old < 1000 {
                let new = 1000.min(old + step);
                let sizes = (TreeSize::new(old), TreeSize::new(new));
                let touched = EntryBundle::grow(sizes.0, edge, (old..new).map(entry));
                assert!(
                    touched
                        .iter()
                        .map(|(path, _)| *path)
                        .eq(bundles_between(sizes.0, sizes.1))
                );
                for (path, bundle) in &touched {
                    let range = path.first()..path.first() + u64::from(path.width().get());
                    assert!(bundle.entries().iter().cloned().eq(range.map(entry)));
                }
                let last = touched.into_iter().next_back().map(|(_, bundle)| bundle);
                edge = last.filter(|bundle| !bundle.width().is_full());
                old = new;
            }
        }
    }
}
