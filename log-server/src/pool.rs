//! The pool: accepted events that wait for the next batch, and the only place that pushes back.
//!
//! One slot in four is kept for events that take something away: a flood of issues must not hold up
//! a revocation. Order is never changed. What is accepted is `admission`'s, what is cut is `sequencer`'s.

/// The most events that wait: the largest batch, so that a batch always takes the whole pool.
pub const MAX_POOL_EVENTS: usize = 10_000;

/// The most bytes that wait: what one staged object may hold.
pub const MAX_POOL_BYTES: usize = 16 * 1024 * 1024;

/// Whether an event gives something or takes something away.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Issues, reinstates, defines, accredits.
    Grants,
    /// Suspends, revokes, withdraws, changes a key.
    TakesAway,
}

/// No room for an event of this class until the next batch is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the pool is full")]
pub struct PoolFull;

/// Entries in the order in which they will stand in the log.
#[derive(Debug, Default)]
pub struct Pool {
    entries: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    /// Tells whether an entry of this length has room.
    ///
    /// # Errors
    /// [`PoolFull`].
    pub fn check_room(&self, class: Class, length: usize) -> Result<(), PoolFull> {
        let (events, bytes) = room(class);
        if self.entries.len() >= events || self.bytes + length > bytes {
            return Err(PoolFull);
        }
        Ok(())
    }

    /// Which part of the room for events of this class is taken, by number or by bytes, whichever is more: 0 to 1,
    /// and above 1 where others use more than this class may.
    #[must_use]
    pub fn fill(&self, class: Class) -> f64 {
        let (events, bytes) = room(class);
        let by_number = self.entries.len() as f64 / events as f64;
        by_number.max(self.bytes as f64 / bytes as f64)
    }

    /// Appends an entry for which there was room.
    pub fn push(&mut self, entry: Vec<u8>) {
        self.bytes += entry.len();
        self.entries.push(entry);
    }

    /// Takes everything, in order.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        self.bytes = 0;
        std::mem::take(&mut self.entries)
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The events, and the bytes, up to which events of a class are taken.
fn room(class: Class) -> (usize, usize) {
    match class {
        Class::TakesAway => (MAX_POOL_EVENTS, MAX_POOL_BYTES),
        Class::Grants => (MAX_POOL_EVENTS / 4 * 3, MAX_POOL_BYTES / 4 * 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_one_slot_in_four_for_events_that_take_away() {
        let mut pool = Pool::default();
        while pool.check_room(Class::Grants, 1).is_ok() {
            pool.push(vec![0]);
        }
        assert_eq!(pool.len(), 7_500);
        assert_eq!(
            [Class::Grants, Class::TakesAway].map(|class| pool.fill(class)),
            [1.0, 0.75]
        );
        while pool.check_room(Class::TakesAway, 1).is_ok() {
            pool.push(vec![0]);
        }
        assert_eq!(pool.len(), MAX_POOL_EVENTS);
        assert_eq!(pool.take().len(), MAX_POOL_EVENTS);
        assert_eq!(pool.check_room(Class::Grants, 1), Ok(()));
    }

    #[test]
    fn counts_bytes_as_well_as_events() {
        let mut pool = Pool::default();
        pool.push(vec![0; MAX_POOL_BYTES / 4 * 3]);
        assert_eq!(pool.check_room(Class::Grants, 1), Err(PoolFull));
        assert_eq!(pool.check_room(Class::TakesAway, 1), Ok(()));
        assert_eq!(
            pool.check_room(Class::TakesAway, MAX_POOL_BYTES / 4 + 1),
            Err(PoolFull)
        );
    }
}
