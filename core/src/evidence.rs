//! Evidence: statements a log signed that cannot stand together.
//!
//! ```text
//! labelproof-evidence/v1
//! claim fork                     or: back-dated, wrong-head, bad-entry
//! origin labels.g7.example
//! note <base64>                  a log-signed checkpoint, one a line; of a fork two, the smaller first
//! proof <base64>                 a tlog-proof of an entry; of the other claims
//! root <base64>                  another root for the smaller size, if the sizes differ
//! path <base64>                  its consistency path to the larger, one hash a line
//! sha256 <hex>                   over all lines above
//! ```
//! A fork decides by itself. What the other claims say of entries is not judged in this module.

use std::fmt;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::checkpoint::{CheckpointError, Origin, SignedCheckpoint};
use crate::key::Vkey;
use crate::merkle::{
    MAX_CONSISTENCY_HASHES, NodeHash, ProofError, RootHash, TreeHead, verify_consistency,
};
use crate::note::Note;
use crate::text::{parse_base64, to_base64};
use crate::tlog_proof::TlogProof;

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
    Fork {
        smaller: Note,
        larger: Note,
        other_root: Option<(RootHash, Vec<NodeHash>)>,
    },
    Entries {
        claim: EntryClaim,
        proofs: Vec<TlogProof>,
    },
}

/// The claims about entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum EntryClaim {
    BackDated,
    WrongHead,
    BadEntry,
}

impl EntryClaim {
    fn claim(self) -> Claim {
        match self {
            Self::BackDated => Claim::BackDated,
            Self::WrongHead => Claim::WrongHead,
            Self::BadEntry => Claim::BadEntry,
        }
    }

    /// Two heads are back-dated by each other; one entry is wrong alone.
    fn proofs(self) -> usize {
        match self {
            Self::BackDated => 2,
            Self::WrongHead | Self::BadEntry => 1,
        }
    }
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
        check_fork(smaller, larger, other_root.as_ref())?;
        Ok(Self {
            origin: smaller.origin().clone(),
            body: Body::Fork {
                smaller: smaller.note().clone(),
                larger: larger.note().clone(),
                other_root,
            },
        })
    }

    /// Reads a file of evidence.
    ///
    /// # Errors
    /// [`EvidenceError`] unless writing the result gives the same bytes again.
    pub fn parse(file: &[u8]) -> Result<Self, EvidenceError> {
        let text = str::from_utf8(file).map_err(|_| EvidenceError::Malformed { line: 1 })?;
        let mut lines = Lines::new(text)?;
        if lines.take("labelproof-evidence/") != Some("v1") {
            return Err(lines.malformed());
        }
        let word = lines.take("claim ").ok_or_else(|| lines.malformed())?;
        let claim = Claim::ALL.into_iter().find(|claim| claim.word() == word);
        let claim = claim.ok_or_else(|| lines.malformed())?;
        let origin = lines.take("origin ").and_then(|origin| origin.parse().ok());
        let origin = origin.ok_or_else(|| lines.malformed())?;
        let body = match claim {
            Claim::Fork => lines.fork()?,
            Claim::BackDated => lines.entries(EntryClaim::BackDated)?,
            Claim::WrongHead => lines.entries(EntryClaim::WrongHead)?,
            Claim::BadEntry => lines.entries(EntryClaim::BadEntry)?,
        };
        let digest = lines.take("sha256 ").ok_or_else(|| lines.malformed())?;
        let evidence = Self { origin, body };
        if digest != evidence.digest() {
            return Err(EvidenceError::Digest);
        }
        if evidence.to_string() == text {
            Ok(evidence)
        } else {
            Err(lines.malformed())
        }
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// What the log is said to have done.
    #[must_use]
    pub fn claim(&self) -> Claim {
        match &self.body {
            Body::Fork { .. } => Claim::Fork,
            Body::Entries { claim, .. } => claim.claim(),
        }
    }

    /// Which log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The proofs of entries, of the claims about entries.
    #[must_use]
    pub fn proofs(&self) -> &[TlogProof] {
        match &self.body {
            Body::Fork { .. } => &[],
            Body::Entries { proofs, .. } => proofs,
        }
    }

    /// Decides whether the log with this key did what the claim says.
    ///
    /// # Errors
    /// [`EvidenceError::NotDecidable`] for every claim but a fork: whether it holds cannot be told from
    /// the file with what this module knows, and that is neither a yes nor a no. Any other error: the
    /// file does not prove its claim.
    pub fn verify(&self, log: &Vkey) -> Result<ProvenFork, EvidenceError> {
        let Body::Fork {
            smaller,
            larger,
            other_root,
        } = &self.body
        else {
            return Err(EvidenceError::NotDecidable {
                claim: self.claim(),
            });
        };
        if Origin::from(log.name()) != self.origin {
            return Err(EvidenceError::OtherLog);
        }
        let smaller = SignedCheckpoint::open(smaller.clone(), log)?;
        let larger = SignedCheckpoint::open(larger.clone(), log)?;
        check_fork(&smaller, &larger, other_root.as_ref())?;
        Ok(ProvenFork { smaller, larger })
    }

    fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.unsealed()))
    }

    fn unsealed(&self) -> String {
        let mut text = format!(
            "{FIRST_LINE}\nclaim {}\norigin {}\n",
            self.claim(),
            self.origin
        );
        let mut line = |word: &str, value: &str| {
            text.push_str(word);
            text.push(' ');
            text.push_str(value);
            text.push('\n');
        };
        match &self.body {
            Body::Fork {
                smaller,
                larger,
                other_root,
            } => {
                line("note", &to_base64(&smaller.to_bytes()));
                line("note", &to_base64(&larger.to_bytes()));
                if let Some((root, path)) = other_root {
                    line("root", &root.to_string());
                    for hash in path {
                        line("path", &hash.to_string());
                    }
                }
            }
            Body::Entries { proofs, .. } => {
                for proof in proofs {
                    line("proof", &to_base64(&proof.to_bytes()));
                }
            }
        }
        text
    }
}

/// The file.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}sha256 {}", self.unsealed(), self.digest())
    }
}

/// Two heads one log key signed that no one log can have; only [`Evidence::verify`] makes one.
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

fn check_fork(
    smaller: &SignedCheckpoint,
    larger: &SignedCheckpoint,
    other_root: Option<&(RootHash, Vec<NodeHash>)>,
) -> Result<(), EvidenceError> {
    if smaller.origin() != larger.origin() || smaller.log_key() != larger.log_key() {
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

/// The lines of a file, one after the other.
struct Lines<'a> {
    rest: std::iter::Peekable<std::str::Split<'a, char>>,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Result<Self, EvidenceError> {
        let lines = text.strip_suffix('\n');
        let lines = lines.ok_or(EvidenceError::Malformed { line: 1 })?;
        Ok(Self {
            rest: lines.split('\n').peekable(),
            line: 1,
        })
    }

    /// Takes the next line if it starts with `word`.
    fn take(&mut self, word: &str) -> Option<&'a str> {
        let value = self.rest.peek()?.strip_prefix(word)?;
        self.rest.next();
        self.line += 1;
        Some(value)
    }

    fn bytes(&mut self, word: &str) -> Result<Vec<u8>, EvidenceError> {
        let value = self.take(word).and_then(parse_base64);
        value.ok_or_else(|| self.malformed())
    }

    fn note(&mut self) -> Result<Note, EvidenceError> {
        let bytes = self.bytes("note ")?;
        Note::parse(&bytes).map_err(|_| self.malformed())
    }

    fn fork(&mut self) -> Result<Body, EvidenceError> {
        let (smaller, larger) = (self.note()?, self.note()?);
        let mut other_root = None;
        if let Some(root) = self.take("root ") {
            let root = root.parse().map_err(|_| self.malformed())?;
            let mut path = Vec::new();
            while let Some(hash) = self.take("path ") {
                if path.len() == MAX_CONSISTENCY_HASHES {
                    return Err(self.malformed());
                }
                path.push(hash.parse().map_err(|_| self.malformed())?);
            }
            other_root = Some((root, path));
        }
        Ok(Body::Fork {
            smaller,
            larger,
            other_root,
        })
    }

    fn entries(&mut self, claim: EntryClaim) -> Result<Body, EvidenceError> {
        let mut proofs = Vec::new();
        for _ in 0..claim.proofs() {
            let bytes = self.bytes("proof ")?;
            proofs.push(TlogProof::parse(&bytes).map_err(|_| self.malformed())?);
        }
        Ok(Body::Entries { claim, proofs })
    }

    fn malformed(&self) -> EvidenceError {
        EvidenceError::Malformed { line: self.line }
    }
}

/// Why a file is no evidence, or does not prove its claim.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum EvidenceError {
    /// A line that the grammar does not have there.
    #[error("malformed evidence near line {line}")]
    Malformed {
        /// The line, counted from 1.
        line: usize,
    },
    /// The last line is not the digest of the others.
    #[error("digest does not match the lines above it")]
    Digest,
    /// A checkpoint is malformed or not signed by the log.
    #[error("unfit checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The heads are of different logs, or of another than the claim names.
    #[error("heads are not of the log that is accused")]
    OtherLog,
    /// A root is given for equal sizes, none for different ones, or the larger size comes first.
    #[error("sizes do not fit the lines given")]
    Sizes,
    /// The path does not lead to the larger head.
    #[error("wrong consistency proof")]
    Proof(#[from] ProofError),
    /// The heads can stand together.
    #[error("heads are of one and the same log, no fork")]
    NoFork,
    /// The claim cannot be judged from the file with what this program knows.
    #[error("claim {claim} is not decidable from the file alone")]
    NotDecidable {
        /// The claim.
        claim: Claim,
    },
}

const FIRST_LINE: &str = "labelproof-evidence/v1";
