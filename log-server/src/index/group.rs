//! Groups: rows that name one entry, as most do, many of them in one row of the store.
//!
//! ```text
//! group    the first 12 bits of their hashes, u16 ‖ the first entry of all groups of the run, 6 bytes  →  keys of rows, 22 bytes each
//! ```
//! A row costs the store the same if it holds a dozen others: a node that is copied, a line in its own log. A look-up
//! reads one group of each long run, a few dozen at a million entries; short runs are not worth that.

use std::ops::RangeInclusive;

use labelproof_core::merkle::LeafIndex;

use super::run::{ROW_BYTES, Short, entries_of};

/// Whether so many rows are to be put into groups.
pub(super) fn are_many(rows: usize) -> bool {
    rows >= MIN_IN_A_GROUP * GROUPS
}

/// The groups of a run, from rows that name one entry, in order of their keys.
pub(super) fn groups(
    rows: &[[u8; ROW_BYTES]],
) -> impl Iterator<Item = ([u8; GROUP_KEY_BYTES], &[u8])> {
    let first = rows
        .iter()
        .map(|[.., a, b, c, d, e, f]| [*a, *b, *c, *d, *e, *f]);
    let [a, b, c, d, e, f] = first.min().unwrap_or_default();
    let groups = rows.chunk_by(|row, next| number_of(row) == number_of(next));
    groups.map(move |rows| {
        let [high, low] = number_of(&rows[0]).to_be_bytes();
        ([high, low, a, b, c, d, e, f], rows.as_flattened())
    })
}

/// Where the groups stand that may hold a row of a hash.
pub(super) fn groups_of(hash: Short) -> RangeInclusive<[u8; GROUP_KEY_BYTES]> {
    let [high, low] = number_of(hash.as_bytes()).to_be_bytes();
    let key = |index: u8| [high, low, index, index, index, index, index, index];
    key(0)..=key(u8::MAX)
}

/// The entries that a group names under a hash; none where it is damaged.
pub(super) fn entries_in(group: &[u8], hash: Short) -> impl Iterator<Item = LeafIndex> {
    let (rows, _) = group.as_chunks::<ROW_BYTES>();
    let own = rows
        .iter()
        .filter(move |row| row.starts_with(hash.as_bytes()));
    own.flat_map(|row| entries_of(row, &[]))
}

fn number_of(hash: &[u8]) -> u16 {
    u16::from_be_bytes([hash[0], hash[1]]) >> (u16::BITS - GROUP_BITS)
}

/// Of the hash, in the number of a group.
const GROUP_BITS: u32 = 12;
/// Groups of a run: with the sixteen rows of the fullest run each they are a third of a kilobyte.
const GROUPS: usize = 1 << GROUP_BITS;
/// With fewer the store would soon have more groups to look through than it is spared rows.
const MIN_IN_A_GROUP: usize = 4;
/// The number and an index.
const GROUP_KEY_BYTES: usize = 2 + 6;

#[cfg(test)]
mod tests {
    use labelproof_core::state::key::MapKey;

    use super::super::run::row;
    use super::*;

    fn short(number: u16) -> Short {
        let mut bytes = [7; 32];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Short::from(&MapKey::from_bytes(bytes))
    }

    #[test]
    fn each_row_is_in_the_group_of_its_hash_and_in_no_other() {
        let rows = [
            (0x1233, 9),
            (0x1234, 5),
            (0x1234, 8),
            (0x1240, 6),
            (0xffff, 7),
        ];
        let rows = rows.map(|(hash, index)| row(short(hash), LeafIndex::new(index)));
        let groups: Vec<_> = groups(&rows).collect();
        assert!(groups.is_sorted());
        assert_eq!(groups.len(), 3);
        let found = |hash| {
            let range = groups_of(short(hash));
            let own = groups.iter().filter(|(key, _)| range.contains(key));
            let found = own.flat_map(|(_, group)| entries_in(group, short(hash)));
            found.map(LeafIndex::get).collect::<Vec<_>>()
        };
        assert_eq!(found(0x1234), [5, 8]);
        assert_eq!(found(0x1233), [9]);
        assert_eq!(found(0xffff), [7]);
        assert_eq!((found(0x1235), found(0)), (vec![], vec![]));
    }

    #[test]
    fn the_groups_of_two_runs_stand_side_by_side() {
        let [earlier, later] = [3, 4].map(|index| row(short(1), LeafIndex::new(index)));
        let key = |row| groups(&[row]).map(|(key, _)| key).collect::<Vec<_>>();
        assert!(key(earlier) < key(later));
        assert!(groups_of(short(1)).contains(&key(later)[0]));
    }
}
