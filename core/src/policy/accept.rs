//! Counts cosignatures: the step from a log's word to a witnessed checkpoint.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{Policy, PolicyWitness};
use crate::checkpoint::{Origin, SignedCheckpoint};
use crate::cosignature::{CosignatureTime, verify_cosignature};
use crate::key::{BadSignature, Vkey};
use crate::merkle::TreeHead;
use crate::note::{KeyId, KeyName};
use crate::time::Time;

/// A checkpoint that met a [`Policy`]; only [`Policy::accept`] makes one.
#[derive(Clone, Debug)]
pub struct WitnessedCheckpoint {
    signed: SignedCheckpoint,
    as_of: Time,
    cosigners: Vec<Cosigner>,
}

/// A witness that counted, and when it cosigned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cosigner {
    name: String,
    vkey: Vkey,
    time: CosignatureTime,
}

impl Cosigner {
    /// The name in the policy, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cosigner's key.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// When it cosigned, as it says itself.
    #[must_use]
    pub fn time(&self) -> CosignatureTime {
        self.time
    }
}

impl WitnessedCheckpoint {
    /// The checkpoint with the log's signature.
    #[must_use]
    pub fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.signed.head()
    }

    /// Whose checkpoint it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.signed.origin()
    }

    /// The largest time at or after which cosignatures suffice for the whole quorum.
    ///
    /// At most 300 s later than the clock that accepted it.
    #[must_use]
    pub fn as_of(&self) -> Time {
        self.as_of
    }

    /// Who counted, in the order of the policy.
    #[must_use]
    pub fn cosigners(&self) -> &[Cosigner] {
        &self.cosigners
    }
}

impl Policy {
    /// Checks a checkpoint against the whole policy.
    ///
    /// In this order: the log is listed (any log, if none is listed); the body has three lines; no name and
    /// key id twice; every line that claims to be by a known key verifies; the quorum holds, counting
    /// times from 1 to `now` + 300 s.
    ///
    /// `quorum none` is a policy, but nothing meets it here: without a cosignature nothing says that others
    /// see the same log, nor how old the checkpoint is.
    ///
    /// # Errors
    /// [`QuorumError`], the first rule that is broken.
    pub fn accept(
        &self,
        checkpoint: SignedCheckpoint,
        now: Time,
    ) -> Result<WitnessedCheckpoint, QuorumError> {
        self.check_log(&checkpoint)?;
        // R2: cosigners do not vouch for extension lines, so nothing of ours may depend on them.
        if checkpoint.has_extensions() {
            return Err(QuorumError::Extensions);
        }
        check_lines_differ(&checkpoint)?;
        let latest = now.unix().saturating_add(MAX_FUTURE_SECONDS);
        let mut times = vec![None; self.witnesses.len()];
        for (index, (witness, found)) in self.cosignatures(&checkpoint).into_iter().enumerate() {
            match found {
                Some(Ok(time)) if time.unix() <= latest => times[index] = Some(time),
                // A time that never counts, or not yet, says nothing against the others.
                Some(Ok(_) | Err(BadSignature::Timestamp { .. })) | None => {}
                Some(Err(source)) => {
                    let name = witness.vkey().name().clone();
                    return Err(QuorumError::Signature { name, source });
                }
            }
        }
        if self.quorum.is_none() {
            return Err(QuorumError::NoneAsked);
        }
        let as_of = self.as_of(&times).ok_or_else(|| QuorumError::NotMet {
            counted: times.iter().flatten().count(),
            witnesses: self.witnesses.len(),
        })?;
        let counted = self.witnesses.iter().zip(&times);
        let cosigners = counted.filter_map(|(witness, time)| {
            time.map(|time| Cosigner {
                name: witness.name().to_owned(),
                vkey: witness.vkey().clone(),
                time,
            })
        });
        Ok(WitnessedCheckpoint {
            cosigners: cosigners.collect(),
            as_of: Time::from_unix(as_of.unix()).unwrap_or(Time::MAX),
            signed: checkpoint,
        })
    }

    /// What each witness says of a checkpoint, in the order of the policy; `None` if it says nothing.
    ///
    /// Nothing is accepted here: for lists that people read, and for feeding those who are missing.
    #[must_use]
    pub fn cosignatures(
        &self,
        checkpoint: &SignedCheckpoint,
    ) -> Vec<(
        &PolicyWitness,
        Option<Result<CosignatureTime, BadSignature>>,
    )> {
        let by_line = self.witnesses_by_line();
        let mut all: Vec<_> = self.witnesses.iter().map(|w| (w, None)).collect();
        let note = checkpoint.note();
        for line in note.signatures() {
            if let Some(index) = by_line.get(&(line.name(), line.id())) {
                let (witness, found) = &mut all[*index];
                let verified = verify_cosignature(witness.vkey(), note.text(), line);
                // Of two lines by one key a wrong one is told, else the first.
                if found.is_none() || verified == Err(BadSignature::Invalid) {
                    *found = Some(verified);
                }
            }
        }
        all
    }

    fn check_log(&self, checkpoint: &SignedCheckpoint) -> Result<(), QuorumError> {
        let key = checkpoint.log_key();
        if !self.logs.is_empty() && !self.logs.iter().any(|log| log.vkey() == key) {
            let name = key.name().clone();
            return Err(QuorumError::UnknownLog { name });
        }
        // The key that opened it has been checked; other listed logs' keys are known keys too.
        for line in checkpoint.note().signatures() {
            for log in self.logs.iter().filter(|log| log.vkey().claims(line)) {
                let verified = log.vkey().verify_line(checkpoint.note().text(), line);
                verified.map_err(|source| QuorumError::Signature {
                    name: line.name().clone(),
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// The largest time t such that the quorum holds with the cosignatures of t or later.
    fn as_of(&self, times: &[Option<CosignatureTime>]) -> Option<CosignatureTime> {
        let distinct: BTreeSet<CosignatureTime> = times.iter().flatten().copied().collect();
        let mut newest_first = distinct.into_iter().rev();
        newest_first.find(|t| self.holds(|index| times[index].is_some_and(|time| time >= *t)))
    }
}

fn check_lines_differ(checkpoint: &SignedCheckpoint) -> Result<(), QuorumError> {
    let mut seen = BTreeSet::new();
    for line in checkpoint.note().signatures() {
        if !seen.insert((line.name(), line.id())) {
            return Err(QuorumError::DuplicateLine {
                name: line.name().clone(),
                id: line.id(),
            });
        }
    }
    Ok(())
}

/// Why a checkpoint did not meet a policy.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum QuorumError {
    /// The policy lists logs, and this key is none of theirs.
    #[error("log key {name} is not in the policy")]
    UnknownLog {
        /// The key's name.
        name: KeyName,
    },
    /// The body has more than three lines.
    #[error("checkpoint has extension lines")]
    Extensions,
    /// Two lines with one name and key id.
    #[error("two lines by {name} with key id {id}")]
    DuplicateLine {
        /// The name in both lines.
        name: KeyName,
        /// The id in both lines.
        id: KeyId,
    },
    /// A line that claims to be by a known key is wrong.
    #[error("line by {name} is wrong")]
    Signature {
        /// The name in the line.
        name: KeyName,
        /// What is wrong.
        source: BadSignature,
    },
    /// The policy asks for no cosignature, so nothing can be accepted on it.
    #[error("policy asks for no cosignature, so no checkpoint is witnessed under it")]
    NoneAsked,
    /// Not enough witnesses count.
    #[error("quorum not met: {counted} of {witnesses} known witnesses count")]
    NotMet {
        /// How many cosignatures counted.
        counted: usize,
        /// How many witnesses the policy knows.
        witnesses: usize,
    },
}

/// How far a cosigner's clock may run ahead of ours before its statement is ignored.
const MAX_FUTURE_SECONDS: u64 = 300;
