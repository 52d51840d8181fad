//! The board: how the monitor stands with each log, written by the followers, read by pages and metrics.
//!
//! ```text
//! downloaded ≥ verified      sizes; what lies between is copied and not yet verified
//! witnessed                  the newest head ever accepted; may be ahead of both
//! ```

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use labelproof_core::{
    checkpoint::{Origin, SignedCheckpoint},
    key::Vkey,
    merkle::TreeSize,
    time::Time,
};

/// How the monitor stands with each log; clones share one board.
#[derive(Clone, Debug)]
pub struct Board(Arc<Mutex<Vec<Standing>>>);

impl Board {
    /// A board with these logs, in the order of the trust file.
    #[must_use]
    pub fn new(logs: Vec<Standing>) -> Self {
        Self(Arc::new(Mutex::new(logs)))
    }

    /// How each log stands, in the order of the trust file.
    #[must_use]
    pub fn logs(&self) -> Vec<Standing> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts the newest standing of a log in the place of the one before.
    pub fn put(&self, standing: Standing) {
        let mut logs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match logs.iter_mut().find(|log| log.origin == standing.origin) {
            Some(log) => *log = standing,
            None => logs.push(standing),
        }
    }
}

/// How the monitor stands with one log.
#[derive(Clone, Debug)]
pub struct Standing {
    pub(crate) origin: Origin,
    pub(crate) log_keys: Vec<Vkey>,
    pub(crate) source: String,
    pub(crate) mirror: PathBuf,
    pub(crate) downloaded: TreeSize,
    pub(crate) verified: TreeSize,
    pub(crate) witnessed: Option<SignedCheckpoint>,
    pub(crate) as_of: Option<Time>,
    pub(crate) cosigned: Vec<(String, Option<Time>)>,
    pub(crate) polled: Option<Time>,
    pub(crate) blind: Option<(Time, String)>,
    pub(crate) observed: Vec<(Time, String)>,
    pub(crate) is_stale: bool,
    /// By how many seconds the own clock is behind the witnesses, at least; none until one of them bore it out.
    pub(crate) behind: Option<u64>,
    pub(crate) entries: u64,
}

impl Standing {
    /// A log of which nothing is known yet: its keys, where it is read from, and the folder of its copy.
    #[must_use]
    pub fn begin(origin: Origin, log_keys: Vec<Vkey>, source: String, mirror: PathBuf) -> Self {
        Self {
            origin,
            log_keys,
            source,
            mirror,
            downloaded: TreeSize::EMPTY,
            verified: TreeSize::EMPTY,
            witnessed: None,
            as_of: None,
            cosigned: Vec::new(),
            polled: None,
            blind: None,
            observed: Vec::new(),
            is_stale: false,
            behind: None,
            entries: 0,
        }
    }

    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The keys of the log in the trust file.
    #[must_use]
    pub fn log_keys(&self) -> &[Vkey] {
        &self.log_keys
    }

    /// The address or folder it is read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The folder with the verified copy.
    #[must_use]
    pub fn mirror(&self) -> &Path {
        &self.mirror
    }

    /// How many entries are copied.
    #[must_use]
    pub fn downloaded(&self) -> TreeSize {
        self.downloaded
    }

    /// How many entries are verified, and told.
    #[must_use]
    pub fn verified(&self) -> TreeSize {
        self.verified
    }

    /// The newest accepted head.
    #[must_use]
    pub fn witnessed(&self) -> Option<&SignedCheckpoint> {
        self.witnessed.as_ref()
    }

    /// The time of the newest quorum ever accepted.
    #[must_use]
    pub fn as_of(&self) -> Option<Time> {
        self.as_of
    }

    /// The newest cosignature of each witness of the policy that was seen since the start.
    #[must_use]
    pub fn cosigned(&self) -> &[(String, Option<Time>)] {
        &self.cosigned
    }

    /// When the source last gave a checkpoint.
    #[must_use]
    pub fn polled(&self) -> Option<Time> {
        self.polled
    }

    /// Since when the monitor cannot see, and why.
    #[must_use]
    pub fn blind(&self) -> Option<&(Time, String)> {
        self.blind.as_ref()
    }

    /// What is not as it should be, though the monitor sees, and since when.
    #[must_use]
    pub fn observed(&self) -> &[(Time, String)] {
        &self.observed
    }

    /// Whether the newest quorum is older than it may be, by a clock that is known to be right.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// How many entries were verified since the start.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }
}
