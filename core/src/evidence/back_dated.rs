//! Back-dating: of two state heads the later one has the earlier clock.
//!
//! ```text
//! index  4711 < 4803        clock  1775033400123 > 1775033400122
//! ```
//! The two may stand under different checkpoints: if these do not continue each other the log is guilty of more.

use super::{EvidenceError, SignedEntry};
use crate::state::head::StateHead;

/// Two state heads with clocks in the wrong order; only [`super::Evidence::verify`] makes one.
#[derive(Clone, Debug)]
pub struct ProvenBackDated {
    earlier: (SignedEntry, StateHead),
    later: (SignedEntry, StateHead),
}

impl ProvenBackDated {
    /// The entry of the smaller index.
    #[must_use]
    pub fn earlier(&self) -> &SignedEntry {
        &self.earlier.0
    }

    /// Its clock, Unix milliseconds.
    #[must_use]
    pub fn earlier_clock_ms(&self) -> u64 {
        self.earlier.1.clock_ms()
    }

    /// The entry of the larger index.
    #[must_use]
    pub fn later(&self) -> &SignedEntry {
        &self.later.0
    }

    /// Its clock, Unix milliseconds, smaller than the other.
    #[must_use]
    pub fn later_clock_ms(&self) -> u64 {
        self.later.1.clock_ms()
    }
}

pub(super) fn check(
    earlier: SignedEntry,
    later: SignedEntry,
) -> Result<ProvenBackDated, EvidenceError> {
    if earlier.checkpoint().origin() != later.checkpoint().origin() {
        return Err(EvidenceError::OtherLog);
    }
    if earlier.index() >= later.index() {
        return Err(EvidenceError::Order);
    }
    let (one, other) = (head_of(&earlier)?, head_of(&later)?);
    if one.clock_ms() <= other.clock_ms() {
        return Err(EvidenceError::Clocks {
            earlier: earlier.index(),
            later: later.index(),
        });
    }
    Ok(ProvenBackDated {
        earlier: (earlier, one),
        later: (later, other),
    })
}

/// The state head that an entry is; one of another log or for another place is a wrong head, not a back-dated one.
fn head_of(entry: &SignedEntry) -> Result<StateHead, EvidenceError> {
    let index = entry.index();
    let head = StateHead::parse(entry.bytes()).map_err(|_| EvidenceError::NotAHead { index })?;
    if head.origin() != entry.checkpoint().origin() || head.index() != index {
        return Err(EvidenceError::NotAHead { index });
    }
    head.rules().check()?;
    Ok(head)
}
