//! What a monitor finds, in three kinds that are never mixed, and the entries it verified.
//!
//! ```text
//! evidence      statements the log signed that cannot stand together; anybody can check them offline
//! observation   seen, and no proof of whose fault it is
//! blind         the monitor cannot see; says nothing about the log
//! ```
//! Who wants to know of what is for the rules to say.

use labelproof_core::{
    checkpoint::Origin,
    event::{AuthorityName, Event},
    evidence::Evidence,
    merkle::{LeafIndex, TreeSize},
    note::Note,
    tile::TilePath,
    time::Time,
    tlog_proof::TlogProof,
};

/// One thing found in a log, or about seeing it.
#[derive(Clone, Debug)]
pub enum Finding {
    /// The monitor cannot see; the log is accused of nothing.
    Blind {
        /// Which log it wants to see.
        origin: Origin,
        /// Why it cannot.
        why: Blindness,
    },
    /// The log signed what it should not have.
    Evidence(Evidence),
    /// Something to look at that proves nothing.
    Observed {
        /// Which log.
        origin: Origin,
        /// What was seen.
        what: Observation,
    },
    /// What was blind sees again, and has missed nothing.
    SeesAgain {
        /// Which log.
        origin: Origin,
        /// Since when it had been blind.
        since: Time,
    },
}

/// An accepted event with its proof under a witnessed checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Logged {
    event: Event,
    proof: TlogProof,
}

impl Logged {
    /// An event that was verified at the place the proof names.
    #[must_use]
    pub fn new(event: Event, proof: TlogProof) -> Self {
        Self { event, proof }
    }

    /// Where it stands.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.proof.index()
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// That it is in the log.
    #[must_use]
    pub fn proof(&self) -> &TlogProof {
        &self.proof
    }
}

/// What was seen of a log that may be anybody's fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Observation {
    /// The event that should come each day did not.
    #[error("no event of {authority} since {since}")]
    CanarySilent {
        /// Who should have signed it.
        authority: AuthorityName,
        /// When the last one came, or the monitor started.
        since: Time,
        /// How often it lasted as long as it may.
        times: u64,
        /// The newest head, which does not hold another.
        head: Note,
    },
    /// The source shows an older head than it did.
    #[error("the source shows size {to} after size {from}")]
    HeadWentBack {
        /// The newest head before.
        from: TreeSize,
        /// The head it shows now.
        to: TreeSize,
        /// That head.
        head: Note,
    },
    /// The log signs heads that too few witnesses cosign.
    #[error("too few witnesses cosign its heads")]
    QuorumLost {
        /// The newest of them.
        head: Note,
        /// Since when.
        since: Time,
    },
    /// No newer cosignature than this.
    #[error("last witnessed at {as_of}")]
    Stale {
        /// How new the newest quorum is.
        as_of: Time,
        /// The head it is on.
        head: Note,
    },
    /// A tile or bundle that a witnessed head stands for cannot be had.
    #[error("the source does not give {path}")]
    TileMissing {
        /// Its name.
        path: TilePath,
        /// The head.
        head: Note,
    },
    /// A tile or bundle is not what a witnessed head says.
    #[error("the source gives a wrong {path}")]
    TileWrong {
        /// Its name.
        path: TilePath,
        /// The head.
        head: Note,
    },
}

/// Why a monitor cannot see.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Blindness {
    /// More entries wait than it can verify in time.
    #[error("{entries} entries wait to be verified")]
    Backlog {
        /// How many.
        entries: u64,
    },
    /// Its own clock stepped, or is far from that of the witnesses.
    #[error("its own clock is off by about {seconds} s")]
    Clock {
        /// By how much at least.
        seconds: u64,
    },
    /// The newest quorum is old by its own clock, which was near no witness's time since the start.
    #[error(
        "the newest quorum is {seconds} s old by its own clock, which nothing has shown to be right since the start"
    )]
    ClockUnproven {
        /// How old.
        seconds: u64,
    },
    /// The checkpoint is not signed by the key in the trust file.
    #[error("the source shows no checkpoint signed by a key of the trust file")]
    OtherKey,
    /// Entry 0 is not the genesis in the trust file.
    #[error("the source shows a log with another entry 0 than the trust file")]
    OtherGenesis,
    /// Its own disk.
    #[error("its own files cannot be read or written: {why}")]
    OwnFiles {
        /// What the system says.
        why: String,
    },
    /// Nothing answers.
    #[error("the source does not answer: {why}")]
    Unreachable {
        /// What the system says.
        why: String,
    },
    /// The log follows rules that this program does not know.
    #[error("the log follows the state function {rules}, which this program does not know")]
    UnknownRules {
        /// Which.
        rules: String,
    },
}
