//! Publishing: what the witnesses agreed on becomes what readers see.
//!
//! ```text
//! witnessed ─▶ DIR/checkpoint, durable ─▶ the head that answers ─▶ callers who wait
//! ```
//! `/checkpoint` only moves forward; the same head comes again with fresher cosignatures. Without a quorum
//! the last witnessed one stays.

use std::sync::Arc;

use labelproof_core::policy::WitnessedCheckpoint;
use tracing::{debug, warn};

use crate::{log::Log, shelf::Published, storage::StorageError};

/// Publishes a checkpoint; `None` if a newer one is out, or it is not one of ours.
///
/// # Errors
/// What the store says; then nothing changed for readers, and the same checkpoint may be tried again.
pub fn publish(
    log: &Log,
    witnessed: &WitnessedCheckpoint,
) -> Result<Option<Arc<Published>>, StorageError> {
    let size = witnessed.head().size();
    if log
        .published()
        .is_some_and(|published| published.head().size() > size)
    {
        debug!(%size, "a newer head is published already");
        return Ok(None);
    }
    if !log.can_show(witnessed.head()) {
        warn!(%size, "a witnessed head is not one of this log's");
        return Ok(None);
    }
    let note = witnessed.signed().note().to_bytes();
    log.setting().directory.write_checkpoint(&note)?;
    // Dying here: the next start reads the checkpoint and publishes it.
    Ok(log.put_in_front(witnessed.clone(), note))
}
