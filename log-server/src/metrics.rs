//! What the log counts, by the words of its types.
//!
//! ```text
//! labelproof_log_admissions_total{result="new"} 17          results: new, known, tried, or the code of a problem
//! labelproof_log_should_be_zero_total{invariant="tiles"} 0   anything else is a fault to look into
//! ```
//! Counters lie here, gauges are asked of the log when the page is written. Each name stands in the table of
//! docs/OPERATING.md, which a test compares with the page.

mod page;

use std::{collections::BTreeMap, time::Duration};

use labelproof_host::metrics::{Counter, Held, Histogram};

pub(crate) use self::page::page;
use crate::{
    admission::Arrival,
    http::{error::Problem, openapi::problems::admission_codes},
    load::LoadError,
    pool::Class,
    sequencer::SequenceError,
    storage::StorageError,
};

/// What a log has counted since its process started.
#[derive(Debug)]
pub struct Metrics {
    /// By result; the names are all there from the start.
    admissions: BTreeMap<&'static str, Counter>,
    quota_refusals: BTreeMap<Class, Counter>,
    batch_entries: Histogram,
    commit_seconds: Histogram,
    storage_errors: BTreeMap<Work, Counter>,
    broken: BTreeMap<Invariant, Counter>,
    connections: Held,
}

/// What should never happen, as far as the process can notice it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Invariant {
    /// What was admitted makes a batch.
    EventSequenced,
    /// The index knows every event of the log.
    IndexComplete,
    /// A staged batch is read back as it was written.
    StagedBytes,
    /// The entries of the store give the state that its heads say.
    StateHead,
    /// No witness holds a larger head that this log signed.
    WitnessBehind,
    /// The clock does not step back by more than two seconds.
    ClockForward,
    /// Tiles and bundles hash to what the head record says.
    Tiles,
}

/// During what the store failed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Work {
    /// A batch was written.
    Sequencing,
    /// The store was loaded anew.
    Reload,
    /// A witnessed checkpoint was written.
    Publishing,
    /// The index was filled, or a snapshot written.
    Housekeeping,
    /// A request was answered.
    Request,
}

impl Default for Metrics {
    fn default() -> Self {
        let results = [NEW, KNOWN, TRIED].into_iter().chain(admission_codes());
        Self {
            admissions: counters(results),
            quota_refusals: counters(CLASSES),
            batch_entries: Histogram::new(&BATCH_ENTRIES, 1),
            commit_seconds: Histogram::new(&COMMIT_MICROSECONDS, 1_000_000),
            storage_errors: counters(Work::ALL),
            broken: counters(Invariant::ALL),
            connections: Held::default(),
        }
    }
}

impl Metrics {
    /// The connections there are; whoever accepts them counts them.
    pub(crate) fn connections(&self) -> &Held {
        &self.connections
    }

    pub(crate) fn admitted(&self, arrival: Arrival) {
        let result = match arrival {
            Arrival::New => NEW,
            Arrival::Known => KNOWN,
        };
        count(&self.admissions, result);
    }

    /// A dry run was answered well.
    pub(crate) fn tried(&self) {
        count(&self.admissions, TRIED);
    }

    pub(crate) fn refused(&self, problem: &Problem) {
        count(&self.admissions, problem.code());
    }

    pub(crate) fn over_quota(&self, class: Class) {
        count(&self.quota_refusals, class);
    }

    /// A batch of so many entries is in the log.
    pub(crate) fn committed(&self, entries: usize, took: Duration) {
        self.batch_entries.record(entries as u64);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commit_seconds.record(microseconds);
    }

    pub(crate) fn not_sequenced(&self, error: &SequenceError) {
        self.failed(Work::Sequencing, Invariant::broken_by(error));
    }

    pub(crate) fn not_loaded(&self, error: &LoadError) {
        let invariant = match error {
            LoadError::Sequence(error) => Invariant::broken_by(error),
            LoadError::Storage(error) => Invariant::shown_by(error),
            LoadError::Genesis(_)
            | LoadError::Refused { .. }
            | LoadError::Entry(_)
            | LoadError::NoHead { .. } => Some(Invariant::StateHead),
            LoadError::NoGenesis => None,
        };
        self.failed(Work::Reload, invariant);
    }

    pub(crate) fn store_failed(&self, work: Work, error: &StorageError) {
        self.failed(work, Invariant::shown_by(error));
    }

    /// An answer failed by store or index.
    pub(crate) fn request_failed(&self) {
        count(&self.storage_errors, Work::Request);
    }

    /// Passes on what was read, and counts if the store does not hold what it should.
    pub(crate) fn noticed<T>(&self, read: Result<T, StorageError>) -> Result<T, StorageError> {
        read.inspect_err(|error| {
            if let Some(invariant) = Invariant::shown_by(error) {
                self.broke(invariant);
            }
        })
    }

    pub(crate) fn broke(&self, invariant: Invariant) {
        count(&self.broken, invariant);
    }

    fn failed(&self, work: Work, invariant: Option<Invariant>) {
        count(&self.storage_errors, work);
        if let Some(invariant) = invariant {
            self.broke(invariant);
        }
    }
}

impl Invariant {
    const ALL: [Self; 7] = [
        Self::EventSequenced,
        Self::IndexComplete,
        Self::StagedBytes,
        Self::StateHead,
        Self::WitnessBehind,
        Self::ClockForward,
        Self::Tiles,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::EventSequenced => "event-sequenced",
            Self::IndexComplete => "index-complete",
            Self::StagedBytes => "staged-bytes",
            Self::StateHead => "state-head",
            Self::WitnessBehind => "witness-behind",
            Self::ClockForward => "clock-forward",
            Self::Tiles => "tiles",
        }
    }

    /// What an error of the sequencer breaks; a disk that is full or gone breaks nothing.
    fn broken_by(error: &SequenceError) -> Option<Self> {
        match error {
            SequenceError::Batch(_) => Some(Self::EventSequenced),
            SequenceError::Storage(error) => Self::shown_by(error),
            SequenceError::Poisoned
            | SequenceError::NoStore
            | SequenceError::OtherLog { .. }
            | SequenceError::Head(_) => None,
        }
    }

    fn shown_by(error: &StorageError) -> Option<Self> {
        match error {
            StorageError::Fs(_) => None,
            StorageError::WrongDigest { .. } | StorageError::Batch { .. } => {
                Some(Self::StagedBytes)
            }
            StorageError::Bundle { .. }
            | StorageError::WrongRoot { .. }
            | StorageError::WrongEntry { .. } => Some(Self::Tiles),
        }
    }
}

impl Work {
    const ALL: [Self; 5] = [
        Self::Sequencing,
        Self::Reload,
        Self::Publishing,
        Self::Housekeeping,
        Self::Request,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Sequencing => "sequencing",
            Self::Reload => "reload",
            Self::Publishing => "publishing",
            Self::Housekeeping => "housekeeping",
            Self::Request => "request",
        }
    }
}

const fn class_word(class: Class) -> &'static str {
    match class {
        Class::Grants => "grants",
        Class::TakesAway => "takes-away",
    }
}

/// One for each name.
fn counters<K: Ord>(names: impl IntoIterator<Item = K>) -> BTreeMap<K, Counter> {
    let counters = names.into_iter().map(|name| (name, Counter::default()));
    counters.collect()
}

/// Counts under a name; one that is not in the table is none of this log's, and a test looks for those.
fn count<K: Ord>(counters: &BTreeMap<K, Counter>, name: K) {
    if let Some(counter) = counters.get(&name) {
        counter.count();
    }
}

const CLASSES: [Class; 2] = [Class::Grants, Class::TakesAway];
const NEW: &str = "new";
const KNOWN: &str = "known";
const TRIED: &str = "tried";
/// From a lone event with its state head to the largest batch.
const BATCH_ENTRIES: [u64; 8] = [2, 4, 16, 64, 256, 1_024, 4_096, 10_001];
/// A disk that syncs in a millisecond, to one that holds up the promise of 60 s.
const COMMIT_MICROSECONDS: [u64; 10] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_500_000, 10_000_000,
];

#[cfg(test)]
mod tests {
    use labelproof_core::merkle::{LeafIndex, RootHash, TreeHead, TreeSize};

    use super::*;
    use crate::storage::BatchError;

    fn broken(metrics: &Metrics) -> Vec<&'static str> {
        let broken = metrics.broken.iter();
        broken
            .filter(|(_, counter)| counter.get() > 0)
            .map(|(invariant, _)| invariant.word())
            .collect()
    }

    #[test]
    fn an_error_counts_for_the_invariant_that_it_shows_broken() {
        let head = TreeHead::new(TreeSize::EMPTY, RootHash::EMPTY);
        let wrong_root = || StorageError::WrongRoot {
            stored: head,
            record: head,
        };
        let batch = || BatchError::WrongRoot {
            declared: head,
            computed: head,
        };
        let staged = || StorageError::Batch {
            object: "staged/x".to_owned(),
            source: batch(),
        };
        let index = LeafIndex::new(3);
        let cases: [(LoadError, &[&str]); 5] = [
            (SequenceError::Batch(batch()).into(), &["event-sequenced"]),
            (SequenceError::from(staged()).into(), &["staged-bytes"]),
            (LoadError::NoHead { index }, &["state-head"]),
            (wrong_root().into(), &["tiles"]),
            (SequenceError::Poisoned.into(), &[]),
        ];
        for (error, want) in cases {
            let metrics = Metrics::default();
            metrics.not_loaded(&error);
            assert_eq!(broken(&metrics), want, "{error}");
            assert_eq!(metrics.storage_errors[&Work::Reload].get(), 1);
        }
        let metrics = Metrics::default();
        assert!(metrics.noticed::<()>(Err(wrong_root())).is_err());
        assert_eq!(broken(&metrics), ["tiles"]);
    }
}
