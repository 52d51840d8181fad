//! Adverse events that were handed in, or are late: what the state function would say of each as the next entry.

use std::sync::PoisonError;

use tracing::warn;

use super::{
    Follower,
    catch_up::{Copy, load},
};
use crate::verify::{Halt, Verifier};

impl Follower {
    /// Judges what waits, with everything verified that the log shows.
    pub(super) fn judge_adverse(&self, verifier: &mut Verifier, copy: &Copy) {
        let Some(listener) = &self.shared.listener else {
            return;
        };
        let lock = || listener.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = lock().waiting(&self.standing);
        if waiting.is_empty() {
            return;
        }
        self.shared.board.put(self.standing.clone());
        for event in &waiting {
            let mut said = verifier.try_out(event);
            if let Err(Halt::NeedsHistory(labels)) = &said {
                let labels = labels.clone();
                if load(verifier, copy, &labels).is_err() {
                    warn!(event = %event.id(), "cannot be judged now; at the next poll again");
                    continue;
                }
                said = verifier.try_out(event);
            }
            if let Ok(said) = said {
                lock().judged(event, said);
            }
        }
        verifier.forget();
    }
}
