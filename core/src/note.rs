//! Signed notes: text, a blank line, signature lines (c2sp.org/signed-note).
//!
//! ```text
//! any lines, each ending in a newline
//!
//! — key.example/name base64(4-byte key id ‖ signature)
//! ```
//! What a signature means belongs to `key`, `cosignature` and `event`; this file only splits and joins.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use thiserror::Error;

use crate::text::{parse_base64, to_base64};

/// The name of a key: 1 to 255 bytes of UTF-8 without spaces, `+` or control characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyName(String);

impl KeyName {
    /// Reads a key name (signed-note, "Format").
    ///
    /// # Errors
    /// [`NoteError::KeyName`] for an empty or long name, or one with a forbidden character.
    pub fn parse(name: &str) -> Result<Self, NoteError> {
        // SPEC signed-note: "Key names MUST be non-empty and MUST NOT contain any Unicode spaces or plus".
        let fits = !name.is_empty() && name.len() <= MAX_KEY_NAME_BYTES;
        if fits && !name.chars().any(forbidden_in_names) {
            Ok(Self(name.to_owned()))
        } else {
            Err(NoteError::KeyName)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = NoteError;

    fn from_str(name: &str) -> Result<Self, NoteError> {
        Self::parse(name)
    }
}

/// The first four bytes of a hash over a key, its type and its name; a hint, not an identity.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Takes the four bytes as they stand in a signature.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes, big-endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// One signature line: who says to have signed, and the bytes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct SignatureLine {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl SignatureLine {
    /// Makes a line; `signature` is what follows the key id.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`] if `signature` is empty.
    pub fn new(name: KeyName, id: KeyId, signature: Vec<u8>) -> Result<Self, NoteError> {
        if signature.is_empty() {
            return Err(NoteError::SignatureLine);
        }
        Ok(Self {
            name,
            id,
            signature,
        })
    }

    /// Reads a line without its newline.
    ///
    /// # Errors
    /// [`NoteError::SignatureLine`] unless writing the result gives the same line again.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let rest = line
            .strip_prefix(SIGNATURE_PREFIX)
            .ok_or(NoteError::SignatureLine)?;
        let (name, base64) = rest.split_once(' ').ok_or(NoteError::SignatureLine)?;
        let bytes = parse_base64(base64).ok_or(NoteError::SignatureLine)?;
        let (id, signature) = bytes
            .split_first_chunk::<4>()
            .ok_or(NoteError::SignatureLine)?;
        Self::new(KeyName::parse(name)?, KeyId(*id), signature.to_vec())
    }

    /// Who says to have signed.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key id in the line.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The bytes after the key id, at least one.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// The line without its newline.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.0.as_slice(), &self.signature].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, to_base64(&bytes))
    }
}

/// A note whose form is right; nothing about its signatures was checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// The note as it is written: one piece of memory, for logs hold many.
    written: String,
    /// How much of it is the text.
    text_bytes: usize,
    signatures: Vec<SignatureLine>,
}

impl Note {
    /// Joins text and lines.
    ///
    /// # Errors
    /// [`NoteError`] if the result could not be read back.
    pub fn new(text: String, signatures: Vec<SignatureLine>) -> Result<Self, NoteError> {
        check_characters(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::NoFinalNewline);
        }
        check_count(signatures.len())?;
        let mut note = Self {
            text_bytes: text.len(),
            written: text,
            signatures: Vec::new(),
        };
        note.written.push('\n');
        for line in signatures {
            note.push(line);
        }
        Ok(note)
    }

    /// Reads a note; the last empty line parts text from signatures.
    ///
    /// # Errors
    /// [`NoteError`], one variant per rule of the form.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        Self::read(bytes.to_vec())
    }

    /// The same for bytes that nobody else needs.
    ///
    /// # Errors
    /// As [`Note::parse`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, NoteError> {
        let written = String::from_utf8(bytes).map_err(|_| NoteError::NotUtf8)?;
        check_characters(&written)?;
        let gap = written.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let rest = &written[gap + 2..];
        let lines = rest.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        check_count(lines.split('\n').count())?;
        let signatures = lines
            .split('\n')
            .map(SignatureLine::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            written,
            text_bytes: gap + 1,
            signatures,
        })
    }

    /// The signed text, its last newline included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.written[..self.text_bytes]
    }

    /// The signature lines, in the order of the note.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds a line at the end.
    ///
    /// # Errors
    /// [`NoteError::TooManySignatures`] if there is no room.
    pub fn with_signature(mut self, line: SignatureLine) -> Result<Self, NoteError> {
        check_count(self.signatures.len() + 1)?;
        self.push(line);
        Ok(self)
    }

    fn push(&mut self, line: SignatureLine) {
        writeln!(self.written, "{line}").expect("a string takes everything");
        self.signatures.push(line);
    }

    /// The note as it is written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.written.as_bytes()
    }

    /// The same, to be kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }
}

/// The note as it is written.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    // SPEC signed-note: no "ASCII control characters (those below U+0020) other than newline".
    let is_control = |byte: &u8| *byte < 0x20 && *byte != b'\n';
    // Without a way out of it the look is at many bytes a step; nearly always there is none.
    if !text
        .bytes()
        .fold(false, |any, byte| any | is_control(&byte))
    {
        return Ok(());
    }
    match text.bytes().find(is_control) {
        Some(byte) => Err(NoteError::ControlCharacter { byte }),
        None => Ok(()),
    }
}

fn check_count(signatures: usize) -> Result<(), NoteError> {
    match signatures {
        0 => Err(NoteError::NoSignatures),
        1..=MAX_SIGNATURE_LINES => Ok(()),
        _ => Err(NoteError::TooManySignatures),
    }
}

/// `+`, control characters, and Unicode's White_Space.
///
/// The list is spelled out: what an entry means must not change with a Unicode version.
fn forbidden_in_names(c: char) -> bool {
    matches!(
        c,
        '+' | '\0'..='\u{20}'
            | '\u{85}'
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
    )
}

/// Why bytes are no signed note.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NoteError {
    /// The bytes are not UTF-8.
    #[error("note is not UTF-8")]
    NotUtf8,
    /// A control character other than newline.
    #[error("note holds the control character 0x{byte:02x}")]
    ControlCharacter {
        /// The character.
        byte: u8,
    },
    /// The text does not end with a newline.
    #[error("note text does not end with a newline")]
    NoFinalNewline,
    /// No empty line with signature lines after it, each with its newline.
    #[error("note has no signature lines after an empty line")]
    NoSignatures,
    /// More than [`MAX_SIGNATURE_LINES`].
    #[error("note has more than {MAX_SIGNATURE_LINES} signature lines")]
    TooManySignatures,
    /// A line after the last empty line that is no signature line.
    #[error("malformed signature line")]
    SignatureLine,
    /// A key name that breaks the rules.
    #[error("malformed key name, want text without spaces, control characters and plus signs")]
    KeyName,
}

/// How many signature lines a note may have; the specification asks for 16 at least, and a
/// quorum of the public witness network with two key types each stays below 64.
pub const MAX_SIGNATURE_LINES: usize = 64;

/// A cosigner's name is counted in one byte (c2sp.org/tlog-cosignature, ML-DSA-44 message).
pub const MAX_KEY_NAME_BYTES: usize = 255;

const SIGNATURE_PREFIX: &str = "— ";
