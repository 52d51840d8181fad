//! Full tiles and bundles in memory, as they are sent: they never change, and many ask for the same.
//!
//! ```text
//! tiles of hashes       the upper ones and the newest, which proofs are made of
//! bundles, compressed   the newest, which every mirror and monitor asks for
//! ```
//! The oldest is forgotten first. What is partial soon is part of more, and is never kept.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use labelproof_core::tile::TilePath;

/// Objects by name, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Kept {
    most_bytes: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_path: BTreeMap<TilePath, Bytes>,
    order: VecDeque<TilePath>,
    bytes: usize,
}

impl Kept {
    /// Keeps nothing yet, and never more than so many bytes.
    pub(super) fn of(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            held: Mutex::default(),
        }
    }

    /// An object that was kept.
    pub(super) fn get(&self, path: TilePath) -> Option<Bytes> {
        self.held().by_path.get(&path).cloned()
    }

    /// Keeps an object if it is full and there can be room for it.
    pub(super) fn keep(&self, path: TilePath, bytes: &Bytes) {
        if !path.width().is_full() || bytes.len() > self.most_bytes {
            return;
        }
        let mut held = self.held();
        // Two who asked at once both come with it.
        if held.by_path.contains_key(&path) {
            return;
        }
        held.by_path.insert(path, bytes.clone());
        held.order.push_back(path);
        held.bytes += bytes.len();
        while held.bytes > self.most_bytes {
            let oldest = held.order.pop_front().expect("what has bytes has an order");
            let gone = held.by_path.remove(&oldest);
            held.bytes -= gone.expect("what has an order is there").len();
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TilePath {
        text.parse().unwrap()
    }

    #[test]
    fn the_oldest_is_forgotten_when_the_bytes_are_used_up() {
        let kept = Kept::of(100);
        let names = ["tile/0/000", "tile/0/001", "tile/1/000", "tile/entries/000"];
        for name in names {
            kept.keep(path(name), &Bytes::from(vec![7; 30]));
            // A second time changes nothing.
            kept.keep(path(name), &Bytes::from(vec![8; 30]));
        }
        let held = names.map(|name| kept.get(path(name)).is_some());
        assert_eq!(held, [false, true, true, true]);
        assert_eq!(kept.get(path(names[1])).unwrap(), vec![7; 30]);
        assert_eq!(kept.held().bytes, 90);
        kept.keep(path("tile/0/002"), &Bytes::from(vec![7; 100]));
        let held = kept.held();
        assert_eq!((held.by_path.len(), held.order.len()), (1, 1));
    }

    #[test]
    fn what_is_partial_or_too_long_is_not_kept() {
        let kept = Kept::of(100);
        kept.keep(path("tile/0/000.p/255"), &Bytes::from_static(b"partial"));
        kept.keep(path("tile/0/000"), &Bytes::from(vec![7; 101]));
        assert!(kept.held().by_path.is_empty() && kept.held().order.is_empty());
    }
}
