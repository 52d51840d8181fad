//! Housekeeping beside the log: the index catches up, the published map is written down now and then.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use labelproof_core::merkle::TreeSize;
use labelproof_host::logging::causes;
use tracing::error;

use crate::{index::catch_up, log::Log, metrics::Work, snapshot, storage::StorageError};

/// Works until `stop` is dropped, and then writes a last snapshot.
pub(crate) fn run(log: &Arc<Log>, stop: &mpsc::Receiver<()>) {
    let mut written = TreeSize::EMPTY;
    let mut first = true;
    loop {
        let pause = if first { Duration::ZERO } else { PAUSE };
        let stopping = !matches!(
            stop.recv_timeout(pause),
            Err(mpsc::RecvTimeoutError::Timeout)
        );
        let published = log.standing().published();
        let grown = published.get().saturating_sub(written.get());
        let mut work = || -> Result<(), StorageError> {
            if !stopping && (first || log.is_index_behind()) {
                catch_up(log)?;
            }
            if grown >= SNAPSHOT_ENTRIES || (stopping && grown > 0) {
                snapshot::write(log)?;
                written = published;
            }
            Ok(())
        };
        if let Err(error) = work() {
            let metrics = &log.setting().metrics;
            metrics.store_failed(Work::Housekeeping, &error);
            error!(
                error = causes(&error),
                "housekeeping failed; it is tried again"
            );
        }
        first = false;
        if stopping {
            return;
        }
    }
}

/// How late an index that missed something is noticed.
const PAUSE: Duration = Duration::from_secs(1);
/// Replaying this many entries at a start takes about three seconds, most of it for signatures.
const SNAPSHOT_ENTRIES: u64 = 65_536;
