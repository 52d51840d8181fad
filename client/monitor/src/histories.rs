//! Where a label's events are, for the few labels with more than two.
//!
//! ```text
//! record of the label   first index, last index, count      in the map
//! here                  those in between                    key (32 bytes) ‖ index (u64, big-endian)
//! ```
//! Nothing of it is believed: a history counts because it reproduces the record's chain.

use std::collections::BTreeMap;

use labelproof_core::{
    merkle::LeafIndex,
    state::{key::MapKey, record::StateRecord},
};

/// The indices between the first and the last event of each label.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Histories(BTreeMap<MapKey, Vec<LeafIndex>>);

impl Histories {
    /// Keeps what a record's last event was before another one came.
    pub(crate) fn extend(&mut self, key: MapKey, before: &StateRecord) {
        if before.event_count() > 1 {
            self.0.entry(key).or_default().push(before.last_index());
        }
    }

    /// All events of a label with this record, in order of the log.
    pub(crate) fn of(&self, key: &MapKey, record: &StateRecord) -> Vec<LeafIndex> {
        let mut all = vec![record.first_index()];
        all.extend(self.0.get(key).into_iter().flatten());
        if record.event_count() > 1 {
            all.push(record.last_index());
        }
        all
    }

    /// The rows, to be kept in a file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let rows = self
            .0
            .iter()
            .flat_map(|(key, indices)| indices.iter().map(move |index| (key, index)));
        let mut bytes = Vec::new();
        for (key, index) in rows {
            bytes.extend_from_slice(key.as_bytes());
            bytes.extend_from_slice(&index.get().to_be_bytes());
        }
        bytes
    }

    /// Reads rows back; `None` for bytes that are none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (rows, rest) = bytes.as_chunks::<ROW_BYTES>();
        if !rest.is_empty() {
            return None;
        }
        let mut all = Self::default();
        for row in rows {
            let (key, index) = row.split_first_chunk::<32>()?;
            let index = LeafIndex::new(u64::from_be_bytes(index.try_into().ok()?));
            all.0
                .entry(MapKey::from_bytes(*key))
                .or_default()
                .push(index);
        }
        Some(all)
    }
}

pub(crate) const ROW_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use labelproof_core::merkle::LeafHash;

    use super::*;

    #[test]
    fn a_history_is_whole_and_reads_back() {
        let leaf = LeafHash::from_bytes([1; 32]);
        let key = MapKey::from_bytes([7; 32]);
        let mut record = StateRecord::begin(LeafIndex::new(3), &leaf);
        let mut histories = Histories::default();
        let mut want = vec![LeafIndex::new(3)];
        assert_eq!(histories.of(&key, &record), want);
        for index in [8, 9, 20] {
            histories.extend(key, &record);
            record.record_event(LeafIndex::new(index), &leaf);
            want.push(LeafIndex::new(index));
            assert_eq!(histories.of(&key, &record), want);
            assert_eq!(Histories::parse(&histories.to_bytes()).unwrap(), histories);
        }
        assert_eq!(histories.to_bytes().len(), 2 * ROW_BYTES);
        assert!(Histories::parse(&[0; ROW_BYTES + 1]).is_none());
    }
}
