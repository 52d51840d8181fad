//! Why a bundle proves nothing: one variant per check, each of one of three kinds.

use thiserror::Error;

use crate::bundle::BundleError;
use crate::checkpoint::CheckpointError;
use crate::merkle::{LeafHash, LeafIndex, TreeSize};
use crate::policy::QuorumError;
use crate::refusal::Refusal;
use crate::state::head::{HeadError, UnknownRules};
use crate::state::key::MapName;
use crate::state::list::ListError;
use crate::tlog_proof::TlogProofError;

/// Why a bundle is not believed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Unverified {
    /// The checkpoint is not one that the trusted log signed.
    #[error("the checkpoint is not signed by the log that is trusted")]
    Checkpoint(#[from] CheckpointError),
    /// Too few witnesses.
    #[error("the checkpoint is not witnessed as the policy asks")]
    Quorum(#[from] QuorumError),
    /// The head is not at the end of the log.
    #[error(
        "entry {index} is not the last of the {size} under the checkpoint, so events after it are hidden"
    )]
    NotTheLastEntry {
        /// Where the head stands.
        index: LeafIndex,
        /// The size of the log.
        size: TreeSize,
    },
    /// The head's entry is not in the log.
    #[error("the state head is not in the log")]
    Inclusion(#[from] TlogProofError),
    /// The last entry is no state head.
    #[error("the last entry is no state head")]
    Head(#[from] HeadError),
    /// The head speaks of another log or another place.
    #[error("entry {index} is a state head of another log or another size")]
    OtherHead {
        /// Where it stands.
        index: LeafIndex,
    },
    /// The log began with another entry 0.
    #[error("the log's entry 0 has leaf hash {got}, trusted is {want}")]
    OtherGenesis {
        /// What the log says.
        got: LeafHash,
        /// What is trusted.
        want: LeafHash,
    },
    /// The log follows another state function.
    #[error("the log's rules are not those of this program")]
    Rules(#[from] UnknownRules),
    /// A record or an absence is not proved.
    #[error("the state does not hold what the bundle says")]
    Map(#[source] BundleError),
    /// A list chunk is not proved.
    #[error("the status list does not hold what the bundle says")]
    List(#[from] ListError),
    /// List and map disagree: the log's state is not what the state function gives.
    #[error("status list and record of the label issued at {index} disagree")]
    OtherCode {
        /// Where the label was issued.
        index: LeafIndex,
    },
    /// A chunk without a label.
    #[error("chunk {number} of the status list belongs to no label here")]
    UnusedChunk {
        /// Its number.
        number: u64,
    },
    /// A name of a type that this version of the state function does not keep.
    #[error("{name} is of a type that this version of the state does not keep")]
    UnknownType {
        /// The name.
        name: MapName,
    },
    /// Records without the entry that everything hangs on.
    #[error("entry 0, from which all authority comes, is missing or another")]
    NoGenesis,
    /// An entry is no event that the state function accepts.
    #[error("the state function refuses entry {index}")]
    Entry {
        /// Where it stands.
        index: LeafIndex,
        /// What it says.
        source: Refusal,
    },
    /// An entry that no record here vouches for, or a path beside a record that does.
    #[error("entry {index} belongs to no record of the bundle")]
    UnusedEntry {
        /// Where it stands.
        index: LeafIndex,
    },
    /// The entries do not give the record.
    #[error("the entries are not the whole history of {name}")]
    OtherRecord {
        /// Whose record it is.
        name: MapName,
    },
    /// A label of a pack may be tainted, or is not active, and its history is not there to tell.
    #[error(
        "the history of {name} is not here, and it is not active, or a key or authority was cut off before its last event"
    )]
    MissingHistory {
        /// Whose record it is.
        name: MapName,
    },
    /// A history on which others depend is not proved.
    #[error("the bundle has no record of {name}, on which others depend")]
    MissingRecord {
        /// Whose record it is.
        name: MapName,
    },
}

/// What kind of failure it is; each has an exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The bytes are not of the form, or of rules this program does not run.
    Malformed,
    /// A proof is wrong, or something is missing that had to be proved.
    Proof,
    /// A signature is wrong, too few signed, or someone who may not.
    Signature,
}

impl Unverified {
    /// The kind of failure.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Checkpoint(error) => match error {
                CheckpointError::OtherOrigin { .. }
                | CheckpointError::NotSigned
                | CheckpointError::Signature(_) => Failure::Signature,
                _ => Failure::Malformed,
            },
            Self::Quorum(_) => Failure::Signature,
            Self::Head(_) | Self::Rules(_) | Self::UnknownType { .. } => Failure::Malformed,
            Self::Entry { source, .. } => of_refusal(source),
            Self::NotTheLastEntry { .. }
            | Self::Inclusion(_)
            | Self::OtherHead { .. }
            | Self::OtherGenesis { .. }
            | Self::Map(_)
            | Self::List(_)
            | Self::OtherCode { .. }
            | Self::UnusedChunk { .. }
            | Self::NoGenesis
            | Self::UnusedEntry { .. }
            | Self::OtherRecord { .. }
            | Self::MissingHistory { .. }
            | Self::MissingRecord { .. } => Failure::Proof,
        }
    }
}

fn of_refusal(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::BadSignature { .. } | Refusal::UnknownAuthority | Refusal::OutOfScope => {
            Failure::Signature
        }
        Refusal::Malformed(_)
        | Refusal::NotCanonical { .. }
        | Refusal::TooLarge { .. }
        | Refusal::UnknownKind => Failure::Malformed,
        Refusal::WrongPrevious { .. }
        | Refusal::DuplicateLabel
        | Refusal::BadTransition { .. }
        | Refusal::BadMember { .. }
        | Refusal::PrivateData { .. }
        | Refusal::WrongLog
        | Refusal::UnknownSubject
        | Refusal::DecidedInFuture => Failure::Proof,
    }
}
