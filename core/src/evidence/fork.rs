//! Forks: two heads that one log signed and no one log can have.
//!
//! ```text
//! sizes a = b    two roots
//! sizes a < b    the larger head has another root for size a; a consistency path leads from that root to it
//! ```

use super::EvidenceError;
use crate::checkpoint::{Origin, SignedCheckpoint};
use crate::key::Vkey;
use crate::merkle::{NodeHash, RootHash, TreeHead, verify_consistency};
use crate::note::Note;

/// What the file says of a fork.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fork {
    pub(super) smaller: Note,
    pub(super) larger: Note,
    pub(super) other_root: Option<(RootHash, Vec<NodeHash>)>,
}

impl Fork {
    pub(super) fn between(
        smaller: &SignedCheckpoint,
        larger: &SignedCheckpoint,
        other_root: Option<(RootHash, Vec<NodeHash>)>,
    ) -> Result<Self, EvidenceError> {
        check(smaller, larger, other_root.as_ref())?;
        Ok(Self {
            smaller: smaller.note().clone(),
            larger: larger.note().clone(),
            other_root,
        })
    }

    pub(super) fn open(&self, origin: &Origin, keys: &[Vkey]) -> Result<ProvenFork, EvidenceError> {
        let smaller = SignedCheckpoint::open_as(self.smaller.clone(), origin, keys)?;
        let larger = SignedCheckpoint::open_as(self.larger.clone(), origin, keys)?;
        check(&smaller, &larger, self.other_root.as_ref())?;
        Ok(ProvenFork { smaller, larger })
    }
}

/// Two heads that one log signed and no one log can have; only [`super::Evidence::verify`] makes one.
#[derive(Clone, Debug)]
pub struct ProvenFork {
    smaller: SignedCheckpoint,
    larger: SignedCheckpoint,
}

impl ProvenFork {
    /// The head of the smaller size, or the first of equal ones.
    #[must_use]
    pub fn smaller(&self) -> &SignedCheckpoint {
        &self.smaller
    }

    /// The head of the larger size, or the second of equal ones.
    #[must_use]
    pub fn larger(&self) -> &SignedCheckpoint {
        &self.larger
    }
}

fn check(
    smaller: &SignedCheckpoint,
    larger: &SignedCheckpoint,
    other_root: Option<&(RootHash, Vec<NodeHash>)>,
) -> Result<(), EvidenceError> {
    if smaller.origin() != larger.origin() {
        return Err(EvidenceError::OtherLog);
    }
    let (a, b) = (smaller.head(), larger.head());
    let other = match other_root {
        None if a.size() == b.size() => b.root(),
        Some((root, path)) if a.size() < b.size() => {
            verify_consistency(TreeHead::new(a.size(), *root), b, path)?;
            *root
        }
        _ => return Err(EvidenceError::Sizes),
    };
    if other == a.root() {
        return Err(EvidenceError::NoFork);
    }
    Ok(())
}
