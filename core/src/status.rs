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
mod error;
mod subject;

use std::collections::BTreeMap;
use std::fmt;

use crate::bundle::Bundle;
use crate::checkpoint::{Origin, SignedCheckpoint};
use crate::event::{LabelId, Subject};
use crate::key::Vkey;
use crate::merkle::{LeafHash, LeafIndex, TreeSize};
use crate::policy::{Policy, PolicyLog, WitnessedCheckpoint};
use crate::state::head::StateHead;
use crate::state::key::MapName;
use crate::state::list::{Code, verify_chunk};
use crate::time::Time;
use crate::tlog_proof::TlogProof;

pub use build::{BuildError, ReadLog, build};
pub use error::{Failure, Unverified};
pub use subject::{LabelStatus, RecordedEvent, SubjectStatus};

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

/// A bundle of which everything was checked; only [`verify`] makes one.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    state: ProvenState,
    findings: BTreeMap<MapName, Finding>,
    schemes: authenticity::IdRules,
    checks: Vec<Check>,
}

/// What was proved of one subject.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finding {
    /// A label that was issued.
    Label(Box<LabelStatus>),
    /// An authority, a scheme or a member.
    Subject(Box<SubjectStatus>),
    /// There is none under this name.
    Absent,
}

/// The bundle proves nothing about a subject that was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the bundle proves nothing about what was asked for")]
pub struct NotProved;

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
    let state = ProvenState::open(bundle.proof(), bundle.head_entry().bytes(), trusted, now)?;
    bundle
        .answers()
        .verify(&state.head.map_root())
        .map_err(Unverified::Map)?;
    let mut checks = state_checks(&state);
    checks.push(map_check(bundle, &state));
    let replayed = authenticity::replay(bundle, &state)?;
    check_list(bundle, &state, &replayed.findings)?;
    checks.extend(replayed.checks);
    Ok(VerifiedBundle {
        state,
        findings: replayed.findings,
        schemes: replayed.schemes,
        checks,
    })
}

/// Every chunk must hold the code of some label here, and the right one.
fn check_list(
    bundle: &Bundle,
    state: &ProvenState,
    findings: &BTreeMap<MapName, Finding>,
) -> Result<(), Unverified> {
    let labels = || {
        findings.values().filter_map(|finding| match finding {
            Finding::Label(label) => {
                Some((label.record().first_index(), Code::from(label.status())))
            }
            Finding::Subject(_) | Finding::Absent => None,
        })
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

fn state_checks(state: &ProvenState) -> Vec<Check> {
    let checkpoint = state.checkpoint();
    let cosigners: Vec<&str> = checkpoint
        .cosigners()
        .iter()
        .map(crate::policy::Cosigner::name)
        .collect();
    vec![
        Check::new(
            Step::Log,
            format!(
                "checkpoint of {}, size {}, signed by the log's key {}",
                checkpoint.origin(),
                state.size(),
                checkpoint.signed().log_key().id()
            ),
        ),
        Check::new(
            Step::Quorum,
            format!(
                "cosigned by {}: the quorum holds as of {}",
                cosigners.join(", "),
                state.as_of()
            ),
        ),
        Check::new(
            Step::Head,
            format!(
                "entry {} is the state head of the {} entries before it, by {}",
                state.head.index(),
                state.head.index(),
                state.head.rules()
            ),
        ),
    ]
}

fn map_check(bundle: &Bundle, state: &ProvenState) -> Check {
    let (mut present, mut absent) = (0, 0);
    for (_, record) in bundle.answers().iter() {
        *(if record.is_some() {
            &mut present
        } else {
            &mut absent
        }) += 1;
    }
    let root = state.head.map_root();
    Check::new(
        Step::Map,
        format!("{present} records and {absent} absences are proved under map root {root}"),
    )
}

impl VerifiedBundle {
    /// The head under which all was proved.
    #[must_use]
    pub fn state(&self) -> &ProvenState {
        &self.state
    }

    /// The time of which the quorum speaks.
    #[must_use]
    pub fn as_of(&self) -> Time {
        self.state.as_of()
    }

    /// Everything that was proved, by name.
    pub fn findings(&self) -> impl Iterator<Item = (&MapName, &Finding)> {
        self.findings.iter()
    }

    /// The labels that were proved, in order of their names.
    pub fn labels(&self) -> impl Iterator<Item = &LabelStatus> {
        self.findings.values().filter_map(|finding| match finding {
            Finding::Label(label) => Some(&**label),
            Finding::Subject(_) | Finding::Absent => None,
        })
    }

    /// What was proved of a subject that the reader names.
    ///
    /// The key is computed from the name given here, folded by the rule of the scheme's own proved definition;
    /// where the scheme itself is proved absent, so are its labels.
    ///
    /// # Errors
    /// [`NotProved`] if the bundle says nothing about it: that is no answer, above all not "absent".
    pub fn find(&self, subject: &Subject) -> Result<&Finding, NotProved> {
        let name = match subject {
            Subject::Label(label) => return self.find_label(label),
            Subject::Authority(name) => MapName::authority(name.as_str()),
            Subject::Scheme(id) => MapName::scheme(id.as_str()),
            Subject::Member(code) => MapName::member(code.as_str()),
            Subject::Log(_) => return Err(NotProved),
        };
        self.findings
            .get(&name.map_err(|_| NotProved)?)
            .ok_or(NotProved)
    }

    fn find_label(&self, label: &LabelId) -> Result<&Finding, NotProved> {
        match self.schemes.label_name(label) {
            Some(name) => self.findings.get(&name).ok_or(NotProved),
            None => match self.find(&Subject::Scheme(label.scheme().clone()))? {
                absent @ Finding::Absent => Ok(absent),
                Finding::Label(_) | Finding::Subject(_) => Err(NotProved),
            },
        }
    }

    /// The entry that stands at this index in the log, if it is an event of the bundle.
    #[must_use]
    pub fn event(&self, index: LeafIndex) -> Option<&RecordedEvent> {
        let mut all = self.findings.values().flat_map(Finding::events);
        all.find(|event| event.index() == index)
    }

    /// Every check that was made, in order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }
}

impl Finding {
    /// The whole history of the subject, in order of the log; empty if there is none.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        match self {
            Finding::Label(label) => label.events(),
            Finding::Subject(subject) => subject.events(),
            Finding::Absent => &[],
        }
    }
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
