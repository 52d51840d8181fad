//! The events that were logged last, in memory: whoever sends one again is answered without a look at the disk.

use std::collections::{BTreeMap, VecDeque};

use labelproof_core::{
    event::EventId,
    merkle::{LeafHash, LeafIndex},
};

/// Where the newest events of the log are.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    places: BTreeMap<EventId, (LeafIndex, LeafHash)>,
    order: VecDeque<EventId>,
}

impl Latest {
    /// Where an event is, if it is one of them.
    pub(crate) fn get(&self, id: &EventId) -> Option<(LeafIndex, LeafHash)> {
        self.places.get(id).copied()
    }

    /// Adds an event that is durable; the oldest is forgotten.
    pub(crate) fn insert(&mut self, id: EventId, place: (LeafIndex, LeafHash)) {
        if self.places.insert(id, place).is_none() {
            self.order.push_back(id);
        }
        if self.order.len() > MAX_LATEST
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
    }
}

/// What a flood of duplicates is made of was sent lately; each costs about 150 bytes, all 10 MiB.
const MAX_LATEST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let id = |number: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
            EventId::from_bytes(bytes)
        };
        let mut latest = Latest::default();
        for number in 0..MAX_LATEST + 2 {
            let place = (LeafIndex::new(number as u64), LeafHash::of_entry(b""));
            latest.insert(id(number), place);
            latest.insert(id(number), place);
        }
        assert_eq!(latest.get(&id(1)), None);
        assert_eq!(latest.get(&id(2)).map(|(index, _)| index.get()), Some(2));
        assert_eq!(latest.places.len(), MAX_LATEST);
    }
}
