//! A source that is asked no faster than was agreed, however many threads ask.
//!
//! ```text
//! requests = 50     the n-th request of a second waits its 20 ms
//! ```
//! What a busy server asks for on top is `patience`'s.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use labelproof::{log_server::ServerError, patience::Pause, source::Source};
use labelproof_core::{note::Note, tile::TilePath};
use labelproof_host::tiles::{SourceError, TileSource};

/// A source with a cap on requests.
#[derive(Debug)]
pub(crate) struct Polite {
    source: Box<dyn Source>,
    pause: Arc<dyn Pause>,
    apart: Duration,
    next: Mutex<Instant>,
}

impl Polite {
    /// At most `requests` a second; waits with `pause`, and a wish to stop ends the wait only.
    pub(crate) fn new(source: Box<dyn Source>, pause: Arc<dyn Pause>, requests: u32) -> Self {
        Self {
            source,
            pause,
            apart: Duration::from_secs(1) / requests.max(1),
            next: Mutex::new(Instant::now()),
        }
    }

    fn wait(&self) {
        let now = Instant::now();
        let mine = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = now.max(*next);
            *next = mine + self.apart;
            mine
        };
        let wait = mine.saturating_duration_since(now);
        if !wait.is_zero() {
            let _ = self.pause.pause(wait);
        }
    }
}

impl TileSource for Polite {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        self.wait();
        self.source.get(path)
    }
}

impl Source for Polite {
    fn checkpoint(&self) -> Result<Note, ServerError> {
        self.wait();
        self.source.checkpoint()
    }
}

#[cfg(test)]
mod tests {
    use labelproof::patience::Wish;
    use labelproof::source::FolderSource;
    use labelproof_host::fs::SimulatedFs;

    use super::*;

    #[derive(Debug, Default)]
    struct Counted(Mutex<Duration>);

    impl Pause for Counted {
        fn pause(&self, time: Duration) -> Wish {
            let mut longest = self.0.lock().unwrap();
            *longest = longest.max(time);
            Wish::GoOn
        }
    }

    #[test]
    fn a_hundred_requests_at_ten_a_second_wait_for_ten_seconds() {
        let fs = Arc::new(SimulatedFs::new(1));
        let pause = Arc::new(Counted::default());
        let folder = Box::new(FolderSource::at(fs, "log".into()));
        let polite = Polite::new(folder, pause.clone(), 10);
        for _ in 0..101 {
            let _ = polite.checkpoint();
        }
        // Nothing slept: the last one was told to wait for all before it.
        let longest = *pause.0.lock().unwrap();
        assert!(longest > Duration::from_secs(9), "{longest:?}");
        assert!(longest <= Duration::from_secs(10), "{longest:?}");
    }
}
