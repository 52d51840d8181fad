//! Status: what a bundle proves, as of when, on whose word.
//!
//! ```text
//! checkpoint ─log key, quorum→ WitnessedCheckpoint ─entry C−1→ ProvenState ─map proofs, replay→ VerifiedBundle ─▶ LabelStatus
//! ```
//! Each step is the only maker of the next type, and a failure to learn a status is an [`Unverified`], never a
//! status. What a status means for a buyer belongs to `verdict`; whether this log is the home of a scheme, and how
//! old an answer may be, to whoever holds the trust file.

mod authenticity;
mod build;
mod checks;
mod error;
mod histories;
mod index;
pub mod pack;
mod part;
mod prepare;
mod product;
mod read_log;
mod records;
mod subject;
mod summary;
mod verified;

use std::collections::BTreeMap;
use std::fmt;

use crate::bundle::Bundle;
use crate::checkpoint::{Origin, SignedCheckpoint};
use crate::hands::{Hands, OneHand};
use crate::key::Vkey;
use crate::merkle::{LeafHash, TreeSize};
use crate::policy::{Policy, PolicyLog, WitnessedCheckpoint};
use crate::state::head::StateHead;
use crate::state::key::MapName;
use crate::state::list::{Code, verify_chunk};
use crate::time::Time;
use crate::tlog_proof::TlogProof;

pub use build::{build, build_alias, build_product};
pub use error::{Failure, Unverified};
pub use index::IndexStatus;
pub use part::{Opening, Part};
pub use product::{AliasStatus, Binding, ProductLabel, ProductStatus};
pub use read_log::{BuildError, ReadLog};
pub use subject::{LabelStatus, RecordedEvent, SubjectStatus};
pub use summary::{Grade, LabelSummary, Since};
pub use verified::{Finding, NotProved, VerifiedBundle};

/// What the reader trusts: a log by its origin and first entry, and whose cosignatures count.
#[derive(Clone, Copy, Debug)]
pub struct Trusted<'a> {
    /// The origin of the log.
    pub origin: &'a Origin,
    /// The leaf hash of its entry 0.
    pub genesis: LeafHash,
    /// The log's keys, and the witnesses.
    pub policy: &'a Policy,
}

/// A state head under a witnessed checkpoint; only [`ProvenState::open`] makes one.
#[derive(Clone, Debug)]
pub struct ProvenState {
    checkpoint: WitnessedCheckpoint,
    head: StateHead,
}

impl ProvenState {
    /// Checks that `entry` is the last entry under the proof's checkpoint, that the checkpoint is signed and
    /// witnessed, and that the head is one of the trusted log under the rules of this program.
    ///
    /// # Errors
    /// [`Unverified`], in this order: the log's signature, the quorum, the head.
    pub fn open(
        proof: &TlogProof,
        entry: &[u8],
        trusted: &Trusted<'_>,
        now: Time,
    ) -> Result<Self, Unverified> {
        let keys: Vec<Vkey> = trusted
            .policy
            .logs()
            .iter()
            .map(PolicyLog::vkey)
            .cloned()
            .collect();
        let signed = SignedCheckpoint::open_as(proof.note().clone(), trusted.origin, &keys)?;
        let checkpoint = trusted.policy.accept(signed, now)?;
        let size = checkpoint.head().size();
        if proof.index().get().checked_add(1) != Some(size.get()) {
            return Err(Unverified::NotTheLastEntry {
                index: proof.index(),
                size,
            });
        }
        proof.verify(LeafHash::of_entry(entry), checkpoint.signed())?;
        let head = StateHead::parse(entry)?;
        if head.origin() != trusted.origin || head.index() != proof.index() {
            return Err(Unverified::OtherHead {
                index: proof.index(),
            });
        }
        if head.genesis() != trusted.genesis {
            return Err(Unverified::OtherGenesis {
                got: head.genesis(),
                want: trusted.genesis,
            });
        }
        head.rules().check()?;
        Ok(Self { checkpoint, head })
    }

    /// The checkpoint with its quorum.
    #[must_use]
    pub fn checkpoint(&self) -> &WitnessedCheckpoint {
        &self.checkpoint
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &StateHead {
        &self.head
    }

    /// The size of the log under this head.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.checkpoint.head().size()
    }

    /// The time of which the quorum speaks.
    #[must_use]
    pub fn as_of(&self) -> Time {
        self.checkpoint.as_of()
    }
}

/// One check that was made, in words for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    step: Step,
    text: String,
}

/// The steps of a verification, in order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// The log's signature.
    Log,
    /// The witnesses and the time they speak of.
    Quorum,
    /// The state head.
    Head,
    /// Records and absences in the map, codes in the list.
    Map,
    /// Histories, signers and their scope.
    Authenticity,
    /// Keys and authorities that are no longer believed.
    CutOff,
}

/// Checks everything that a bundle says.
///
/// In this order: the log's signature, the quorum, the state head, the proofs of map and list, then every entry:
/// the histories in it are replayed with the state function and must give the proved records byte for byte.
///
/// # Errors
/// [`Unverified`] for the first check that fails. Nothing of such a bundle may be used.
pub fn verify(
    bundle: &Bundle,
    trusted: &Trusted<'_>,
    now: Time,
) -> Result<VerifiedBundle, Unverified> {
    verify_with(bundle, trusted, now, &OneHand)
}

/// The same with as many hands as there are: the answer does not depend on how many.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(
    bundle: &Bundle,
    trusted: &Trusted<'_>,
    now: Time,
    hands: &impl Hands,
) -> Result<VerifiedBundle, Unverified> {
    let state = ProvenState::open(bundle.proof(), bundle.head_entry().bytes(), trusted, now)?;
    bundle
        .answers()
        .verify(&state.head.map_root())
        .map_err(Unverified::Map)?;
    let parsed = prepare::parse(bundle, hands)?;
    let memo = prepare::verify_signatures(&parsed, hands);
    let mut checks = checks::of_state(&state);
    checks.push(checks::of_map(bundle, &state));
    let mut replayed = authenticity::replay(bundle, &parsed, &state, &memo, hands)?;
    check_list(bundle, &state, &replayed.findings)?;
    checks.append(&mut replayed.checks);
    Ok(VerifiedBundle::new(state, replayed, checks))
}

/// Every chunk must hold the code of some label here, and the right one.
fn check_list(
    bundle: &Bundle,
    state: &ProvenState,
    findings: &BTreeMap<MapName, Finding>,
) -> Result<(), Unverified> {
    let labels = || {
        let labels = findings.values().filter_map(Finding::summary);
        labels.map(|label| (label.record().first_index(), Code::from(label.status())))
    };
    for given in bundle.chunks() {
        let len = state.head.index().get();
        let chunk = verify_chunk(
            state.head.list_root(),
            len,
            given.number,
            given.chunk.clone(),
            &given.path,
        )?;
        let mut used = false;
        for (index, code) in labels() {
            if let Ok(found) = chunk.code(index) {
                used = true;
                if found != code {
                    return Err(Unverified::OtherCode { index });
                }
            }
        }
        if !used {
            return Err(Unverified::UnusedChunk {
                number: given.number,
            });
        }
    }
    Ok(())
}

impl Check {
    pub(crate) fn new(step: Step, text: String) -> Self {
        Self { step, text }
    }

    /// Which step it belongs to.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// What was found.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step.word(), self.text)
    }
}

impl Step {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Quorum => "quorum",
            Self::Head => "head",
            Self::Map => "map",
            Self::Authenticity => "authenticity",
            Self::CutOff => "cut-off",
        }
    }
}
