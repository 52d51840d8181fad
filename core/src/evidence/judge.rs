//! The judge of one entry: runs the state function over all entries before it.
//!
//! ```text
//! entries 0 … n−1 ─┬─ leaf hashes ──▶ must be what the path of entry n has on its left, else they are not this log's
//!                  └─ state function ─▶ what entry n should be, or whether it is accepted
//! ```
//! The path of one entry binds every entry before it, so nobody who hands them in needs to be believed. Which rules
//! hold, entry 0 says; a log under others is not judged.

use thiserror::Error;

use super::{Claim, EvidenceError, Proven, SignedEntry};
use crate::merkle::{Frontier, LeafHash, LeafIndex, TreeSize, left_of};
use crate::refusal::Refusal;
use crate::state::head::StateHead;
use crate::state::{Replayed, State, WrongEntry};

/// Decides about one entry once it was handed all entries before it.
#[derive(Debug)]
pub struct Judge {
    claim: EntryClaim,
    accused: SignedEntry,
    run: Run,
    seen: Frontier,
}

#[derive(Clone, Copy, Debug)]
enum EntryClaim {
    WrongHead,
    BadEntry,
}

/// How far the state function is.
#[derive(Debug)]
enum Run {
    Begin,
    At(Box<State>),
    Stuck(JudgeError),
}

impl Judge {
    pub(super) fn of_head(head: SignedEntry) -> Result<Self, EvidenceError> {
        check_head(&head)?;
        Ok(Self::new(EntryClaim::WrongHead, head))
    }

    pub(super) fn of_event(entry: SignedEntry) -> Result<Self, EvidenceError> {
        check_event(&entry)?;
        Ok(Self::new(EntryClaim::BadEntry, entry))
    }

    fn new(claim: EntryClaim, accused: SignedEntry) -> Self {
        Self {
            claim,
            accused,
            run: Run::Begin,
            seen: Frontier::new(),
        }
    }

    /// What is judged.
    #[must_use]
    pub fn claim(&self) -> Claim {
        match self.claim {
            EntryClaim::WrongHead => Claim::WrongHead,
            EntryClaim::BadEntry => Claim::BadEntry,
        }
    }

    /// The entry that is accused.
    #[must_use]
    pub fn accused(&self) -> &SignedEntry {
        &self.accused
    }

    /// How many entries must be handed in: all before the accused one.
    #[must_use]
    pub fn needs(&self) -> TreeSize {
        TreeSize::new(self.accused.index().get())
    }

    /// Takes the next entry, from entry 0 on.
    pub fn take(&mut self, entry: &[u8]) {
        let at = LeafIndex::new(self.seen.size().get());
        self.seen.append(LeafHash::of_entry(entry));
        self.run = match std::mem::replace(&mut self.run, Run::Begin) {
            Run::Begin => match State::genesis(entry) {
                Ok(state) => Run::At(Box::new(state)),
                Err(source) => Run::Stuck(JudgeError::Genesis { source }),
            },
            Run::At(mut state) => match state.replay_entry(entry) {
                Ok(Replayed::Head(_) | Replayed::Accepted(_) | Replayed::Refused(_)) => {
                    Run::At(state)
                }
                // The clock is no part of the state; that it runs back is another claim.
                Err(WrongEntry::ClockBack { .. }) => {
                    state.append_head(0);
                    Run::At(state)
                }
                Err(WrongEntry::Head { .. } | WrongEntry::NeedsHistory { .. }) => {
                    Run::Stuck(JudgeError::Earlier { at })
                }
            },
            Run::Stuck(why) => Run::Stuck(why),
        };
    }

    /// Decides.
    ///
    /// # Errors
    /// [`JudgeError`]: nothing is proved; only [`JudgeError::NotProven`] says that the entry is as it should be.
    pub fn decide(self) -> Result<Proven, JudgeError> {
        let (got, want) = (self.seen.size(), self.needs());
        if got != want {
            return Err(JudgeError::Count { got, want });
        }
        let (index, size) = (
            self.accused.index(),
            self.accused.checkpoint().head().size(),
        );
        if left_of(index, size, self.accused.path()) != self.seen.nodes() {
            return Err(JudgeError::OtherEntries { before: index });
        }
        let mut state = match self.run {
            Run::At(state) => state,
            Run::Stuck(why) => return Err(why),
            Run::Begin => return Err(JudgeError::Count { got, want }),
        };
        let ends_checkpoint = index.get() + 1 == size.get();
        let replayed = state.replay_entry(self.accused.bytes());
        match (self.claim, replayed) {
            (EntryClaim::WrongHead, Err(WrongEntry::Head { .. })) => {
                Ok(Proven::WrongHead(ProvenWrongHead {
                    gives: state.append_head(0),
                    claimed: StateHead::parse(self.accused.bytes()).ok(),
                    entry: self.accused,
                }))
            }
            (EntryClaim::BadEntry, Ok(Replayed::Refused(refusal))) => {
                Ok(Proven::BadEntry(ProvenBadEntry {
                    entry: self.accused,
                    fault: Fault::Refused(refusal),
                }))
            }
            // SPEC R1: the head of a checkpoint of size C is the entry at C − 1.
            (EntryClaim::BadEntry, Ok(Replayed::Accepted(_))) if ends_checkpoint => {
                Ok(Proven::BadEntry(ProvenBadEntry {
                    entry: self.accused,
                    fault: Fault::NoHead,
                }))
            }
            (_, Ok(_) | Err(_)) => Err(JudgeError::NotProven { index }),
        }
    }
}

/// A state head that its entries do not give; only [`Judge::decide`] makes one.
#[derive(Clone, Debug)]
pub struct ProvenWrongHead {
    entry: SignedEntry,
    claimed: Option<StateHead>,
    gives: StateHead,
}

impl ProvenWrongHead {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> &SignedEntry {
        &self.entry
    }

    /// What it says; nothing if it is malformed.
    #[must_use]
    pub fn claimed(&self) -> Option<&StateHead> {
        self.claimed.as_ref()
    }

    /// What the entries before it give; its clock is that of the head before.
    #[must_use]
    pub fn gives(&self) -> &StateHead {
        &self.gives
    }
}

/// An entry that no honest log has at its place; only [`Judge::decide`] makes one.
#[derive(Clone, Debug)]
pub struct ProvenBadEntry {
    entry: SignedEntry,
    fault: Fault,
}

impl ProvenBadEntry {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> &SignedEntry {
        &self.entry
    }

    /// What is wrong with it.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }
}

/// Why no honest log has an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It ends a checkpoint, and is no state head.
    NoHead,
    /// The state function does not accept it.
    Refused(Refusal),
}

/// Why a judge finds nothing proved.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum JudgeError {
    /// Fewer or more entries were handed in than stand before the accused one.
    #[error("{got} entries were handed in, {want} stand before the accused one")]
    Count {
        /// How many were handed in.
        got: TreeSize,
        /// How many there are.
        want: TreeSize,
    },
    /// An entry before the accused one is a wrong state head already.
    #[error("the state head at {at}, before the accused entry, is wrong already")]
    Earlier {
        /// Its index.
        at: LeafIndex,
    },
    /// Entry 0 is no genesis by the rules this program knows.
    #[error("entry 0 is no genesis that this program can judge by")]
    Genesis {
        /// What the state function says to it.
        source: Refusal,
    },
    /// The entry is as the entries before it want it.
    #[error("entry {index} is as it should be; the claim is not true")]
    NotProven {
        /// Its index.
        index: LeafIndex,
    },
    /// The entries are not those that the accused checkpoint stands for.
    #[error("the entries handed in are not the {before} entries before the accused one")]
    OtherEntries {
        /// The index of the accused entry.
        before: LeafIndex,
    },
}

pub(super) fn check_head(head: &SignedEntry) -> Result<(), EvidenceError> {
    let index = head.index();
    match (index.get(), StateHead::is_head(head.bytes())) {
        (0, _) => Err(EvidenceError::Genesis),
        (_, false) => Err(EvidenceError::NotAHead { index }),
        (_, true) => Ok(()),
    }
}

pub(super) fn check_event(entry: &SignedEntry) -> Result<(), EvidenceError> {
    let index = entry.index();
    match (index.get(), StateHead::is_head(entry.bytes())) {
        (0, _) => Err(EvidenceError::Genesis),
        (_, true) => Err(EvidenceError::IsAHead { index }),
        (_, false) => Ok(()),
    }
}
