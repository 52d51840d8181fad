//! Entries as they come, each read under a head that witnesses have cosigned.
//!
//! ```text
//! poll ─▶ newest head ─consistency from the last one─▶ tiles ─▶ entries from where the last poll ended
//! ```
//! What an entry says, and when to poll again, is the caller's.

use std::ops::ControlFlow;

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    merkle::{LeafHash, LeafIndex},
    time::Time,
};
use labelproof_host::tiles::TilesError;

use crate::{
    head::{AcceptedHead, HeadError, newest_head},
    patience::Pause,
    source::Source,
    trust::{
        TrustedLog,
        store::{TrustStore, grown},
    },
};

/// Where to begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// At this entry.
    At(LeafIndex),
    /// So many entries before the end of the first head that is seen.
    Last(u64),
}

/// Follows one log.
#[derive(Debug)]
pub struct Follower<'a> {
    source: &'a dyn Source,
    log: &'a TrustedLog,
    store: &'a TrustStore,
    pause: &'a dyn Pause,
    next: Start,
    last: Option<SignedCheckpoint>,
}

/// One entry of the log, proved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ProvedEntry<'a> {
    index: LeafIndex,
    bytes: &'a [u8],
}

impl<'a> ProvedEntry<'a> {
    /// Where it stands.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The entry as it was logged.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its leaf hash, which the head binds.
    pub fn leaf(&self) -> LeafHash {
        LeafHash::of_entry(self.bytes)
    }
}

impl<'a> Follower<'a> {
    /// Follows `source` from `start`; nothing is asked yet.
    pub fn new(
        source: &'a dyn Source,
        log: &'a TrustedLog,
        store: &'a TrustStore,
        pause: &'a dyn Pause,
        start: Start,
    ) -> Self {
        Self {
            source,
            log,
            store,
            pause,
            next: start,
            last: None,
        }
    }

    /// Asks for the newest head and calls `show` with every entry that is new under it, in order.
    ///
    /// A head that is older than the last one shows nothing new. When `show` breaks, the next poll
    /// goes on behind the entry it was called with.
    ///
    /// # Errors
    /// [`FollowError`]; what was shown before holds.
    pub fn poll(
        &mut self,
        now: Time,
        mut show: impl FnMut(ProvedEntry<'_>) -> ControlFlow<()>,
    ) -> Result<AcceptedHead<'a>, FollowError> {
        let seen = newest_head(self.source, self.log, self.store, self.pause, now)?;
        let size = seen.head().head().size();
        match &self.last {
            Some(last) if last.head().size() > size => return Ok(seen),
            // The store has done the same, unless somebody threw it away meanwhile.
            Some(last) => {
                grown(last, seen.head().signed(), seen.tiles()).map_err(HeadError::Advance)?;
            }
            None => {}
        }
        self.last = Some(seen.head().signed().clone());
        let from = match self.next {
            Start::At(index) => index,
            Start::Last(count) => LeafIndex::new(size.get().saturating_sub(count)),
        };
        self.next = Start::At(from);
        let next = &mut self.next;
        let shown = seen
            .tiles()
            .entries(from..LeafIndex::new(size.get()), |index, bytes| {
                *next = Start::At(LeafIndex::new(index.get() + 1));
                match show(ProvedEntry { index, bytes }) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => Err(Ended::Enough),
                }
            });
        match shown {
            Ok(()) | Err(Ended::Enough) => Ok(seen),
            Err(Ended::Tiles(error)) => Err(error.into()),
        }
    }

    /// The first entry that was not shown; none before the first poll of a follower that began at the end.
    pub fn next(&self) -> Option<LeafIndex> {
        match self.next {
            Start::At(index) => Some(index),
            Start::Last(_) => None,
        }
    }
}

enum Ended {
    Enough,
    Tiles(TilesError),
}

impl From<TilesError> for Ended {
    fn from(error: TilesError) -> Self {
        Self::Tiles(error)
    }
}

/// Why no entry is shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// No head was accepted.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The entries could not be had, or do not fit the head.
    #[error("cannot read the log's entries")]
    Tiles(#[from] TilesError),
}
