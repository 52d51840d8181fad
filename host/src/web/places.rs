//! Places for what may only be done so often at once; whoever finds none is told to come again.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of places; clones share them.
#[derive(Clone, Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    count: usize,
}

/// A place that is held.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many places.
    #[must_use]
    pub fn of(count: usize) -> Self {
        let free = Arc::new(Semaphore::new(count));
        Self { free, count }
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.count - self.free.available_permits()
    }

    /// Takes one, if one is free.
    #[must_use]
    pub fn take(&self) -> Option<Place> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        Some(Place { _permit: permit })
    }
}
