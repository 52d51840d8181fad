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
    let mut first = true;
    loop {
        let pause = if first { Duration::ZERO } else { PAUSE };
        let stopping = !matches!(
            stop.recv_timeout(pause),
            Err(mpsc::RecvTimeoutError::Timeout)
        );
        let published = log.standing().published();
        let grown = published.get().saturating_sub(log.snapshot.get().get());
        let work = || -> Result<(), StorageError> {
            if !stopping && (first || log.is_index_behind()) {
                catch_up(log)?;
            }
            if is_due(published, grown) || (stopping && grown > 0) {
                snapshot::write(log)?;
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

/// A snapshot is as long as the log, so that one is written for each part that the log grew by: what it costs an event
/// stays the same.
fn is_due(published: TreeSize, grown: u64) -> bool {
    grown >= SNAPSHOT_ENTRIES.max(published.get() / SNAPSHOT_PART)
}

/// How late an index that missed something is noticed.
const PAUSE: Duration = Duration::from_secs(1);
/// Replaying this many entries at a start takes about three seconds, most of it for signatures.
const SNAPSHOT_ENTRIES: u64 = 65_536;
/// From a million entries on a crash costs a sixteenth of them to replay.
const SNAPSHOT_PART: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_written_down_as_seldom_as_it_takes_to_grow() {
        for (published, grown, want) in [
            (65_535, 65_535, false),
            (65_536, 65_536, true),
            (1_000_000, 65_536, true),
            (3_200_000, 199_999, false),
            (3_200_000, 200_000, true),
        ] {
            assert_eq!(is_due(TreeSize::new(published), grown), want, "{published}");
        }
    }
}
