//! The file of evidence: its lines, and the digest that ends it.
//!
//! ```text
//! labelproof-evidence/v1
//! claim fork                     or: back-dated, wrong-head, bad-entry
//! origin labels.g7.example
//! note <base64>                  of a fork two checkpoints, the smaller first
//! root <base64>                  another root for the smaller size, if the sizes differ
//! path <base64>                  its consistency path to the larger, one hash a line
//! proof <base64>                 a tlog-proof whose extra data are the entry; of back-dated two, the smaller index first
//! sha256 <hex>                   over all lines above
//! ```
//! Each line has one form, so a file reads back to its bytes or not at all.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::fork::Fork;
use super::{Body, Claim, Evidence, EvidenceError};
use crate::merkle::MAX_CONSISTENCY_HASHES;
use crate::note::Note;
use crate::text::{parse_base64, to_base64};
use crate::tlog_proof::TlogProof;

impl Evidence {
    /// Reads a file of evidence.
    ///
    /// # Errors
    /// [`EvidenceError::Malformed`] or [`EvidenceError::Digest`] unless writing the result gives the same bytes again.
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
            Claim::Fork => Body::Fork(lines.fork()?),
            Claim::BackDated => Body::BackDated([lines.proof()?, lines.proof()?]),
            Claim::WrongHead => Body::WrongHead(lines.proof()?),
            Claim::BadEntry => Body::BadEntry(lines.proof()?),
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
            Body::Fork(fork) => {
                line("note", &to_base64(&fork.smaller.to_bytes()));
                line("note", &to_base64(&fork.larger.to_bytes()));
                if let Some((root, path)) = &fork.other_root {
                    line("root", &root.to_string());
                    for hash in path {
                        line("path", &hash.to_string());
                    }
                }
            }
            Body::BackDated(proofs) => {
                for proof in proofs {
                    line("proof", &to_base64(&proof.to_bytes()));
                }
            }
            Body::WrongHead(proof) | Body::BadEntry(proof) => {
                line("proof", &to_base64(&proof.to_bytes()));
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

    fn proof(&mut self) -> Result<TlogProof, EvidenceError> {
        let bytes = self.bytes("proof ")?;
        TlogProof::parse(&bytes).map_err(|_| self.malformed())
    }

    fn fork(&mut self) -> Result<Fork, EvidenceError> {
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
        Ok(Fork {
            smaller,
            larger,
            other_root,
        })
    }

    fn malformed(&self) -> EvidenceError {
        EvidenceError::Malformed { line: self.line }
    }
}

const FIRST_LINE: &str = "labelproof-evidence/v1";
