//! Keys that sign notes, as text (c2sp.org/signed-note, "Verifier keys").
//!
//! ```text
//! example.com/name+530d903a+base64(type ‖ 32 bytes)               verifier key
//! PRIVATE+KEY+example.com/name+530d903a+base64(type ‖ 32 bytes)   signing key, as Go's note package writes it
//! ```
//! The key id is the head of `SHA-256(name ‖ "\n" ‖ type ‖ public key)`. The curve is in `key::ed25519`;
//! lines of type 0x04 are made and checked in `cosignature`.

pub mod ed25519;

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signer as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

pub use ed25519::{BadKey, PublicKey};

use crate::note::{KeyId, KeyName, SignatureLine};
use crate::text::{parse_base64_array, to_base64};

/// What a key signs, and how; the byte in front of the key in its text.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyType {
    /// 0x01: Ed25519 over the note's text; logs and authorities.
    Note,
    /// 0x04: Ed25519 over a checkpoint and the time; cosigners.
    Cosignature,
}

impl KeyType {
    /// The byte that stands for the type.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, KeyError> {
        match byte {
            0x01 => Ok(Self::Note),
            0x04 => Ok(Self::Cosignature),
            other => Err(KeyError::UnknownType { byte: other }),
        }
    }
}

/// A verifier key: a name, a type and a public key; the id follows from them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Vkey {
    name: KeyName,
    key_type: KeyType,
    public_key: PublicKey,
    id: KeyId,
}

impl Vkey {
    /// Puts a key together and computes its id.
    #[must_use]
    pub fn new(name: KeyName, key_type: KeyType, public_key: PublicKey) -> Self {
        let mut hash = Sha256::new();
        hash.update(name.as_str());
        hash.update([b'\n', key_type.byte()]);
        hash.update(public_key.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let id = KeyId::from_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self {
            name,
            key_type,
            public_key,
            id,
        }
    }

    /// Reads a verifier key; the id must be the computed one.
    ///
    /// # Errors
    /// [`KeyError`], one variant per rule.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (name, id, key_type, bytes) = parse_parts(text)?;
        let vkey = Self::new(name, key_type, PublicKey::from_bytes(bytes)?);
        vkey.expect_id(id)
    }

    /// The name that stands in signature lines.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id that stands in signature lines.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the key signs.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The key itself.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Tells whether a line claims to be by this key: same name and same id.
    #[must_use]
    pub fn claims(&self, line: &SignatureLine) -> bool {
        self.name == *line.name() && self.id == line.id()
    }

    /// Checks a line of type 0x01 over a note's text.
    ///
    /// # Errors
    /// [`BadSignature`]; always [`BadSignature::WrongType`] for a cosigner's key.
    pub fn verify_line(&self, text: &str, line: &SignatureLine) -> Result<(), BadSignature> {
        self.expect_line(KeyType::Note, line)?;
        let signature = line.signature().try_into();
        let signature = signature.map_err(|_| BadSignature::WrongLength {
            got: line.signature().len(),
            want: 64,
        })?;
        self.public_key.verify(text.as_bytes(), signature)
    }

    /// Checks that a line may be by this key and this key is of the type wanted.
    pub(crate) fn expect_line(
        &self,
        key_type: KeyType,
        line: &SignatureLine,
    ) -> Result<(), BadSignature> {
        if self.key_type != key_type {
            Err(BadSignature::WrongType)
        } else if self.claims(line) {
            Ok(())
        } else {
            Err(BadSignature::OtherKey)
        }
    }

    fn expect_id(self, got: KeyId) -> Result<Self, KeyError> {
        if self.id == got {
            Ok(self)
        } else {
            Err(KeyError::WrongId { got, want: self.id })
        }
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.key_type.byte()];
        key.extend_from_slice(self.public_key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.id, to_base64(&key))
    }
}

impl FromStr for Vkey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

/// A signing key; its seed is wiped when it is dropped and never printed by `Debug`.
#[derive(Clone)]
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    vkey: Vkey,
}

impl SigningKey {
    /// Makes the key that 32 secret bytes stand for (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(name: KeyName, key_type: KeyType, seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public_key = PublicKey::from_bytes(secret.verifying_key().to_bytes());
        let public_key = public_key.expect("a seed gives a point of prime order");
        let vkey = Vkey::new(name, key_type, public_key);
        Self { secret, vkey }
    }

    /// The public half.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// The key as its file holds it, without newline.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(vec![self.vkey.key_type.byte()]);
        bytes.extend_from_slice(self.secret.as_bytes());
        let base64 = Zeroizing::new(to_base64(&bytes));
        Zeroizing::new(format!(
            "{PRIVATE_PREFIX}{}+{}+{}",
            self.vkey.name,
            self.vkey.id,
            base64.as_str()
        ))
    }

    /// Signs a note's text, its last newline included.
    ///
    /// # Panics
    /// If the key is a cosigner's: those sign checkpoints only, with a time.
    #[must_use]
    pub fn sign_note(&self, text: &str) -> SignatureLine {
        assert_eq!(self.vkey.key_type, KeyType::Note, "a cosigner's key");
        self.line(self.sign(text.as_bytes()).to_vec())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }

    pub(crate) fn line(&self, signature: Vec<u8>) -> SignatureLine {
        SignatureLine::new(self.vkey.name.clone(), self.vkey.id, signature)
            .expect("a signature is not empty")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hidden = f.debug_struct("SigningKey");
        hidden.field("vkey", &self.vkey.to_string());
        hidden.finish_non_exhaustive()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = text.strip_prefix(PRIVATE_PREFIX);
        let (name, id, key_type, seed) = parse_parts(parts.ok_or(KeyError::Malformed)?)?;
        let key = Self::from_seed(name, key_type, seed);
        key.vkey.clone().expect_id(id)?;
        Ok(key)
    }
}

/// Splits `name+id+base64`; the base64 may hold `+`, a name may not.
fn parse_parts(text: &str) -> Result<(KeyName, KeyId, KeyType, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let mut next = || parts.next().ok_or(KeyError::Malformed);
    let (name, id, base64) = (next()?, next()?, next()?);
    let name = KeyName::parse(name).map_err(|_| KeyError::Malformed)?;
    let mut bytes = [0; 4];
    hex::decode_to_slice(id, &mut bytes).map_err(|_| KeyError::Malformed)?;
    let key_id = KeyId::from_bytes(bytes);
    if key_id.to_string() != id {
        return Err(KeyError::Malformed);
    }
    let Some([first, key @ ..]) = parse_base64_array::<33>(base64) else {
        return Err(match crate::text::parse_base64(base64).as_deref() {
            Some([first, ..]) => match KeyType::from_byte(*first) {
                Ok(_) => KeyError::Malformed,
                Err(unknown) => unknown,
            },
            _ => KeyError::Malformed,
        });
    };
    Ok((name, key_id, KeyType::from_byte(first)?, key))
}

/// Why text is no key.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not of the form `name+id+base64`.
    #[error("malformed key, want name+id+base64")]
    Malformed,
    /// A signature type other than 0x01 and 0x04.
    #[error("signature type 0x{byte:02x} is not supported")]
    UnknownType {
        /// The type byte.
        byte: u8,
    },
    /// The id is not that of name, type and key.
    #[error("key id is {got}, name and key give {want}")]
    WrongId {
        /// The id in the text.
        got: KeyId,
        /// The computed id.
        want: KeyId,
    },
    /// The public key is unfit.
    #[error("unfit public key")]
    PublicKey(#[from] BadKey),
}

/// Why a signature line proves nothing.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BadSignature {
    /// Name or id are another key's.
    #[error("signature line of another key")]
    OtherKey,
    /// The key does not make signatures of this type.
    #[error("key of another signature type")]
    WrongType,
    /// Not as many bytes as the type has.
    #[error("signature has {got} bytes, want {want}")]
    WrongLength {
        /// Bytes found.
        got: usize,
        /// Bytes of the type.
        want: usize,
    },
    /// The signature is right, but over a time that never counts: 0 or above 2^63 − 1.
    #[error("cosignature has the timestamp {timestamp}, which never counts")]
    Timestamp {
        /// The time in the line.
        timestamp: u64,
    },
    /// The signature is wrong.
    #[error("signature does not verify")]
    Invalid,
}

const PRIVATE_PREFIX: &str = "PRIVATE+KEY+";
