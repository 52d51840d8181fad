//! Evidence: statements a log signed that no honest log signs (`docs/spec/evidence.md`).
//!
//! ```text
//! claim        what the log signed                                   who decides
//! fork         two heads of which neither continues the other        the file
//! back-dated   two state heads, the later one with an earlier clock  the file
//! wrong-head   a state head that the entries before it do not give   a Judge who reads those entries
//! bad-entry    an entry that the state function does not accept      a Judge who reads those entries
//! ```
//! Nothing here needs a quorum: the log's own signature accuses it. What others say, a cosigner's clock or a reader's,
//! accuses nobody.

mod back_dated;
mod entry;
mod fork;
mod form;
mod judge;

use std::fmt;

use thiserror::Error;

use crate::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use crate::key::Vkey;
use crate::merkle::{LeafIndex, NodeHash, ProofError, RootHash};
use crate::state::head::UnknownRules;
use crate::tlog_proof::{TlogProof, TlogProofError};

pub use back_dated::ProvenBackDated;
pub use entry::SignedEntry;
pub use fork::ProvenFork;
pub use judge::{Fault, Judge, JudgeError, ProvenBadEntry, ProvenWrongHead};

use fork::Fork;

/// What a log is said to have done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// Signed two heads that no one log can have.
    Fork,
    /// Signed a state head whose clock runs back.
    BackDated,
    /// Signed a state head that its entries do not give.
    WrongHead,
    /// Signed an entry that no honest log takes.
    BadEntry,
}

impl Claim {
    const ALL: [Self; 4] = [Self::Fork, Self::BackDated, Self::WrongHead, Self::BadEntry];

    fn word(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::BackDated => "back-dated",
            Self::WrongHead => "wrong-head",
            Self::BadEntry => "bad-entry",
        }
    }
}

/// The word of the claim.
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A file of evidence whose form is right; nothing in it was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    origin: Origin,
    body: Body,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Body {
    Fork(Fork),
    /// The head of the smaller index first; the extra data of a proof are its entry.
    BackDated([TlogProof; 2]),
    WrongHead(TlogProof),
    BadEntry(TlogProof),
}

impl Evidence {
    /// Two heads of one size with different roots.
    ///
    /// # Errors
    /// [`EvidenceError`] unless the two prove a fork.
    pub fn fork_at_one_size(
        one: &SignedCheckpoint,
        other: &SignedCheckpoint,
    ) -> Result<Self, EvidenceError> {
        Self::fork(one, other, None)
    }

    /// Two heads of different sizes, the root that the larger has for the smaller's size, and the path
    /// that leads from there to the larger.
    ///
    /// # Errors
    /// [`EvidenceError`] unless these prove a fork.
    pub fn fork_between_sizes(
        smaller: &SignedCheckpoint,
        larger: &SignedCheckpoint,
        root: RootHash,
        path: Vec<NodeHash>,
    ) -> Result<Self, EvidenceError> {
        Self::fork(smaller, larger, Some((root, path)))
    }

    fn fork(
        smaller: &SignedCheckpoint,
        larger: &SignedCheckpoint,
        other_root: Option<(RootHash, Vec<NodeHash>)>,
    ) -> Result<Self, EvidenceError> {
        Ok(Self {
            origin: smaller.origin().clone(),
            body: Body::Fork(Fork::between(smaller, larger, other_root)?),
        })
    }

    /// Two state heads of which the one of the larger index has the earlier clock.
    ///
    /// # Errors
    /// [`EvidenceError`] unless the two prove it.
    pub fn back_dated(earlier: &SignedEntry, later: &SignedEntry) -> Result<Self, EvidenceError> {
        back_dated::check(earlier.clone(), later.clone())?;
        let proofs = [earlier.to_proof()?, later.to_proof()?];
        Ok(Self {
            origin: earlier.checkpoint().origin().clone(),
            body: Body::BackDated(proofs),
        })
    }

    /// A state head that the entries before it do not give; that they do not, the caller has found by replay.
    ///
    /// # Errors
    /// [`EvidenceError::NotAHead`] for an entry that does not call itself one, [`EvidenceError::Genesis`] at index 0.
    pub fn wrong_head(head: &SignedEntry) -> Result<Self, EvidenceError> {
        judge::check_head(head)?;
        Ok(Self {
            origin: head.checkpoint().origin().clone(),
            body: Body::WrongHead(head.to_proof()?),
        })
    }

    /// An entry that the state function does not accept where it stands, or that ends a checkpoint and is no state
    /// head; that it is so, the caller has found by replay.
    ///
    /// # Errors
    /// [`EvidenceError::IsAHead`] for an entry that calls itself a state head, [`EvidenceError::Genesis`] at index 0.
    pub fn bad_entry(entry: &SignedEntry) -> Result<Self, EvidenceError> {
        judge::check_event(entry)?;
        Ok(Self {
            origin: entry.checkpoint().origin().clone(),
            body: Body::BadEntry(entry.to_proof()?),
        })
    }

    /// What the log is said to have done.
    #[must_use]
    pub fn claim(&self) -> Claim {
        match &self.body {
            Body::Fork(_) => Claim::Fork,
            Body::BackDated(_) => Claim::BackDated,
            Body::WrongHead(_) => Claim::WrongHead,
            Body::BadEntry(_) => Claim::BadEntry,
        }
    }

    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Decides whether the log of this origin with these keys did what the claim says, or gives the judge who decides
    /// it from the entries of the log.
    ///
    /// # Errors
    /// [`EvidenceError`]: the file does not prove its claim.
    pub fn verify(&self, keys: &[Vkey]) -> Result<Decision, EvidenceError> {
        let open = |proof| SignedEntry::open(proof, &self.origin, keys);
        Ok(match &self.body {
            Body::Fork(fork) => Decision::Proven(Proven::Fork(fork.open(&self.origin, keys)?)),
            Body::BackDated([earlier, later]) => {
                let proven = back_dated::check(open(earlier)?, open(later)?)?;
                Decision::Proven(Proven::BackDated(proven))
            }
            Body::WrongHead(head) => Decision::NeedsEntries(Judge::of_head(open(head)?)?),
            Body::BadEntry(entry) => Decision::NeedsEntries(Judge::of_event(open(entry)?)?),
        })
    }
}

/// What [`Evidence::verify`] came to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made for a file")]
pub enum Decision {
    /// The log did it.
    Proven(Proven),
    /// The entries of the log decide.
    NeedsEntries(Judge),
}

/// What a log was proved to have done, with the statements that prove it.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made for a file")]
pub enum Proven {
    /// It signed two histories.
    Fork(ProvenFork),
    /// It signed a state head whose clock runs back.
    BackDated(ProvenBackDated),
    /// It signed a state head that its entries do not give.
    WrongHead(ProvenWrongHead),
    /// It signed an entry that no honest log takes.
    BadEntry(ProvenBadEntry),
}

/// Why a file is no evidence, or does not prove its claim.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A checkpoint is malformed or not signed by the log.
    #[error("unfit checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The clocks of the two heads are in their order.
    #[error("clock of the state head at {later} is not behind that of the one at {earlier}")]
    Clocks {
        /// The smaller index.
        earlier: LeafIndex,
        /// The larger one.
        later: LeafIndex,
    },
    /// The last line is not the digest of the others.
    #[error("digest does not match the lines above it")]
    Digest,
    /// An entry is not proved to be under its checkpoint.
    #[error("entry is not proved")]
    Entry(#[from] TlogProofError),
    /// The claim is about entry 0, which says itself which rules hold.
    #[error("entry 0 is judged by the trust file alone")]
    Genesis,
    /// The entry calls itself a state head, and the claim is about events.
    #[error("entry {index} is a state head, of which this claim does not speak")]
    IsAHead {
        /// Its index.
        index: LeafIndex,
    },
    /// A line that the grammar does not have there.
    #[error("malformed evidence near line {line}")]
    Malformed {
        /// The line, counted from 1.
        line: usize,
    },
    /// A proof comes without its entry.
    #[error("a proof does not carry its entry")]
    NoEntry,
    /// The heads can stand together.
    #[error("heads are of one and the same log, no fork")]
    NoFork,
    /// The entry is no state head of this log for this place, and the claim is about state heads.
    #[error("entry {index} is not a state head of the log at its place")]
    NotAHead {
        /// Its index.
        index: LeafIndex,
    },
    /// The two entries are one, or the larger index comes first.
    #[error("entries are not in the order of the log")]
    Order,
    /// The statements are of different logs.
    #[error("statements are not of one log")]
    OtherLog,
    /// The path does not lead to the larger head.
    #[error("wrong consistency proof")]
    Proof(#[from] ProofError),
    /// A state head follows rules that this program cannot judge.
    #[error("cannot judge by these rules")]
    Rules(#[from] UnknownRules),
    /// A root is given for equal sizes, none for different ones, or the larger size comes first.
    #[error("sizes do not fit the lines given")]
    Sizes,
}
