//! Checkpoints: a log's signed statement of its size and root (c2sp.org/tlog-checkpoint).
//!
//! ```text
//! labels.g7.example                              origin, one line
//! 20852163                                       tree size, decimal, no leading zeroes
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root hash, base64, 32 bytes
//! any line                                       extension lines; ours has none
//! ```
//! Cosigners' lines belong to `cosignature`, quorums to `policy`.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::cosignature::verify_cosignature;
use crate::key::{BadSignature, KeyType, SigningKey, Vkey};
use crate::merkle::{TreeHead, TreeSize};
use crate::note::{KeyName, Note, NoteError, SignatureLine};

/// The identity of a log: one non-empty line without control characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Origin(String);

impl Origin {
    /// The line as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the log in a witness's read endpoint: SHA-256 of the line, in lower-case hex
    /// (c2sp.org/tlog-witness, "Monitor Retrieval Mechanism").
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(&self.0))
    }
}

/// A log's key name is its origin.
impl From<&KeyName> for Origin {
    fn from(name: &KeyName) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = CheckpointError;

    fn from_str(line: &str) -> Result<Self, CheckpointError> {
        if line.is_empty() || line.bytes().any(|byte| byte < 0x20) {
            Err(CheckpointError::Origin)
        } else {
            Ok(Self(line.to_owned()))
        }
    }
}

/// The body of a checkpoint; nobody need have signed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    origin: Origin,
    head: TreeHead,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// Makes a body of three lines.
    #[must_use]
    pub fn new(origin: Origin, head: TreeHead) -> Self {
        Self {
            origin,
            head,
            extensions: Vec::new(),
        }
    }

    /// Reads a note's text.
    ///
    /// # Errors
    /// [`CheckpointError`] unless writing the result gives the same text again.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::TooShort)?;
        let mut lines = lines.split('\n');
        let mut next = || lines.next().ok_or(CheckpointError::TooShort);
        let origin = next()?.parse()?;
        let size: TreeSize = next()?.parse().map_err(|_| CheckpointError::Size)?;
        let root = next()?.parse().map_err(|_| CheckpointError::Root)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        // SPEC tlog-checkpoint: "Extension lines, if any, MUST be non-empty."
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::EmptyExtension);
        }
        Ok(Self {
            origin,
            head: TreeHead::new(size, root),
            extensions,
        })
    }

    /// The body as it is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let (size, root) = (self.head.size(), self.head.root());
        let mut text = format!("{}\n{size}\n{root}\n", self.origin);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Whose checkpoint it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// The lines after the third; no cosigner vouches for them.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

/// A checkpoint whose log signed it; only [`SignedCheckpoint::open`], [`SignedCheckpoint::open_as`] and
/// [`SignedCheckpoint::sign`] make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedCheckpoint {
    note: Note,
    checkpoint: Checkpoint,
    log: Vkey,
}

impl SignedCheckpoint {
    /// Checks a note against the key of a log whose origin is the key's name.
    ///
    /// # Errors
    /// As [`SignedCheckpoint::open_as`].
    pub fn open(note: Note, log: &Vkey) -> Result<Self, CheckpointError> {
        Self::open_as(note, &Origin::from(log.name()), std::slice::from_ref(log))
    }

    /// Checks a note against the keys of a log with this origin; at least one has signed, and no line that
    /// claims to be by one of them is wrong.
    ///
    /// # Errors
    /// [`CheckpointError`]: the body's form first, then the origin, then the signatures.
    pub fn open_as(note: Note, origin: &Origin, keys: &[Vkey]) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::parse(note.text())?;
        if checkpoint.origin != *origin {
            return Err(CheckpointError::OtherOrigin {
                got: checkpoint.origin,
                want: origin.clone(),
            });
        }
        let mut signer = None;
        for line in note.signatures() {
            // SPEC signed-note: "If the key name and ID match a known key, verifiers MUST verify".
            for key in keys.iter().filter(|key| key.claims(line)) {
                key.verify_line(note.text(), line)?;
                signer.get_or_insert(key);
            }
        }
        let log = signer.ok_or(CheckpointError::NotSigned)?.clone();
        Ok(Self {
            note,
            checkpoint,
            log,
        })
    }

    /// Signs a body.
    ///
    /// # Panics
    /// If the key is not of type [`KeyType::Note`] or its name is not the origin.
    #[must_use]
    pub fn sign(checkpoint: &Checkpoint, key: &SigningKey) -> Self {
        let log = key.vkey().clone();
        assert_eq!(log.key_type(), KeyType::Note, "a log's key signs notes");
        assert_eq!(log.name().as_str(), checkpoint.origin.as_str());
        let text = checkpoint.text();
        let line = key.sign_note(&text);
        Self {
            note: Note::new(text, vec![line]).expect("a checkpoint is a note's text"),
            checkpoint: checkpoint.clone(),
            log,
        }
    }

    /// Adds a cosigner's line after checking it; a line of the same key gives way.
    ///
    /// # Errors
    /// [`CheckpointError::Signature`] if the line does not verify or its time never counts,
    /// [`CheckpointError::Note`] if there is no room.
    pub fn with_cosignature(
        self,
        cosigner: &Vkey,
        line: SignatureLine,
    ) -> Result<Self, CheckpointError> {
        verify_cosignature(cosigner, self.note.text(), &line)?;
        let mut lines = self.note.signatures().to_vec();
        lines.retain(|other| !cosigner.claims(other));
        lines.push(line);
        Ok(Self {
            note: Note::new(self.note.text().to_owned(), lines)?,
            ..self
        })
    }

    /// The note, with every line it came with.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The body.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Size and root.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// Whose checkpoint it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.checkpoint.origin
    }

    /// The key that signed.
    #[must_use]
    pub fn log_key(&self) -> &Vkey {
        &self.log
    }

    /// Tells whether the body has more than three lines.
    #[must_use]
    pub fn has_extensions(&self) -> bool {
        !self.checkpoint.extensions.is_empty()
    }
}

/// Why a note is no checkpoint of the log.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Fewer than three lines, or the last without its newline.
    #[error("checkpoint has fewer than three lines")]
    TooShort,
    /// The origin is empty or holds a control character.
    #[error("malformed origin")]
    Origin,
    /// The second line is no tree size.
    #[error("malformed tree size")]
    Size,
    /// The third line is no root hash.
    #[error("malformed root hash")]
    Root,
    /// An extension line is empty.
    #[error("empty extension line")]
    EmptyExtension,
    /// A checkpoint of another log.
    #[error("checkpoint of {got}, want {want}")]
    OtherOrigin {
        /// The origin found.
        got: Origin,
        /// The origin asked for.
        want: Origin,
    },
    /// No line by a key of the log.
    #[error("not signed by a known key of the log")]
    NotSigned,
    /// A line that claims to be by a known key is wrong.
    #[error("a known key's line does not verify")]
    Signature(#[from] BadSignature),
    /// The lines do not fit into a note.
    #[error("lines do not fit into a note")]
    Note(#[from] NoteError),
}
