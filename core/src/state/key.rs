//! Names and keys of the state map, and the canonical form of a label's id.
//!
//! ```text
//! name = <type> <field> …                       one line's words in a bundle: label jp.jc-star EX-000123
//! key  = SHA-256("labelproof-key/v1\n" ‖ u8 type ‖ for each field: u16 length ‖ bytes)      big-endian
//! ```
//! A type fixes how many fields a name has. What stands under a key belongs to `record`.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

pub use crate::event::IdRule;
use crate::event::{Gtin14, SchemeId};

/// What a key of the map is about; the number is hashed, the word is written.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum MapType {
    /// Scheme and canonical native id: a state record.
    Label = 1,
    /// Key name: a state record.
    Authority = 2,
    /// Scheme id: a state record.
    Scheme = 3,
    /// The word `gtin` and 14 digits: an index record.
    Product = 4,
    /// `label`, `org`, `jurisdiction` or `category`, and its id: an index record.
    About = 5,
    /// A territory: an index record of the recognitions for it.
    Recognitions = 6,
    /// A territory: an index record of designations and measures.
    Territory = 7,
    /// Scheme and class (`issued` or `adverse`): an index record.
    Feed = 8,
    /// Scheme and canonical printed id: an index record.
    Alias = 9,
    /// Member code: a state record.
    Member = 10,
}

impl MapType {
    /// All types, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Label,
        Self::Authority,
        Self::Scheme,
        Self::Product,
        Self::About,
        Self::Recognitions,
        Self::Territory,
        Self::Feed,
        Self::Alias,
        Self::Member,
    ];

    /// The word that stands for the type in a bundle.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Authority => "authority",
            Self::Scheme => "scheme",
            Self::Product => "product",
            Self::About => "about",
            Self::Recognitions => "recognitions",
            Self::Territory => "territory",
            Self::Feed => "feed",
            Self::Alias => "alias",
            Self::Member => "member",
        }
    }

    /// The number that is hashed into the key.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// How many fields a name of this type has.
    #[must_use]
    pub const fn fields(self) -> usize {
        match self {
            Self::Label | Self::Product | Self::About | Self::Feed | Self::Alias => 2,
            Self::Authority
            | Self::Scheme
            | Self::Recognitions
            | Self::Territory
            | Self::Member => 1,
        }
    }

    /// Whether the key holds a state record; else it holds an index record.
    #[must_use]
    pub const fn has_state(self) -> bool {
        matches!(
            self,
            Self::Label | Self::Authority | Self::Scheme | Self::Member
        )
    }
}

impl fmt::Display for MapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for MapType {
    type Err = KeyError;

    fn from_str(word: &str) -> Result<Self, KeyError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or(KeyError::UnknownType)
    }
}

/// A type and its fields: what a [`MapKey`] is the hash of.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MapName {
    kind: MapType,
    fields: Vec<String>,
}

impl MapName {
    /// Checks the number of fields and their letters.
    ///
    /// # Errors
    /// [`KeyError::WrongFields`] for another number, [`KeyError::BadField`] for a field that
    /// is empty, too long, not printable ASCII without space, or not of the type's closed set.
    pub fn new(kind: MapType, fields: Vec<String>) -> Result<Self, KeyError> {
        if fields.len() != kind.fields() {
            return Err(KeyError::WrongFields {
                got: fields.len(),
                want: kind.fields(),
            });
        }
        let printable = |field: &String| {
            (1..=MAX_FIELD_BYTES).contains(&field.len())
                && field.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(number) = fields.iter().position(|field| !printable(field)) {
            return Err(KeyError::BadField { number });
        }
        let closed: Option<(usize, bool)> = match kind {
            MapType::Product => Some((1, fields[0] == "gtin" && is_gtin_14(&fields[1]))),
            MapType::About => Some((
                0,
                ["label", "org", "jurisdiction", "category"].contains(&fields[0].as_str()),
            )),
            MapType::Feed => Some((1, ["issued", "adverse"].contains(&fields[1].as_str()))),
            _ => None,
        };
        match closed {
            Some((number, false)) => Err(KeyError::BadField { number }),
            _ => Ok(Self { kind, fields }),
        }
    }

    /// Names the record of a label.
    ///
    /// # Errors
    /// [`KeyError::BadField`] if `scheme` could not be a scheme's id.
    pub fn label(scheme: &str, id: &CanonicalId) -> Result<Self, KeyError> {
        Self::new(MapType::Label, vec![scheme.into(), id.as_str().into()])
    }

    /// Names the index of the events that name a product.
    #[must_use]
    pub fn product(gtin: &Gtin14) -> Self {
        Self {
            kind: MapType::Product,
            fields: vec!["gtin".into(), gtin.as_str().into()],
        }
    }

    /// Names the index of labels that carry or carried a printed id.
    ///
    /// # Errors
    /// [`KeyError::BadField`] if `scheme` could not be a scheme's id.
    pub fn alias(scheme: &str, id: &CanonicalId) -> Result<Self, KeyError> {
        Self::new(MapType::Alias, vec![scheme.into(), id.as_str().into()])
    }

    /// Names the record of an authority.
    ///
    /// # Errors
    /// [`KeyError::BadField`] if `name` could not be a key's name.
    pub fn authority(name: &str) -> Result<Self, KeyError> {
        Self::new(MapType::Authority, vec![name.into()])
    }

    /// Names the record of a scheme.
    ///
    /// # Errors
    /// [`KeyError::BadField`] if `id` could not be a scheme's id.
    pub fn scheme(id: &str) -> Result<Self, KeyError> {
        Self::new(MapType::Scheme, vec![id.into()])
    }

    /// Names the record of a member.
    ///
    /// # Errors
    /// [`KeyError::BadField`] if `code` could not be a member's code.
    pub fn member(code: &str) -> Result<Self, KeyError> {
        Self::new(MapType::Member, vec![code.into()])
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> MapType {
        self.kind
    }

    /// The fields, as many as the type has.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The key: the hash of type and fields.
    #[must_use]
    pub fn key(&self) -> MapKey {
        MapKey::of(self.kind, self.fields.iter().map(String::as_str))
    }
}

/// The words of a bundle's line: type and fields, one space between.
impl fmt::Display for MapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.word())?;
        self.fields
            .iter()
            .try_for_each(|field| write!(f, " {field}"))
    }
}

/// A key of the state map, 32 bytes; bit 0 is the most significant of byte 0.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MapKey([u8; 32]);

impl MapKey {
    /// The key of [`MapName::label`], without the name.
    pub(crate) fn label(scheme: &SchemeId, id: &CanonicalId) -> Self {
        Self::of(MapType::Label, [scheme.as_str(), id.as_str()])
    }

    /// The key of [`MapName::product`], without the name.
    pub(crate) fn product(gtin: &Gtin14) -> Self {
        Self::of(MapType::Product, ["gtin", gtin.as_str()])
    }

    /// The key of [`MapName::alias`], without the name.
    pub(crate) fn alias(scheme: &SchemeId, id: &CanonicalId) -> Self {
        Self::of(MapType::Alias, [scheme.as_str(), id.as_str()])
    }

    fn of<'a>(kind: MapType, fields: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(KEY_TAG);
        hasher.update([kind.number()]);
        for field in fields {
            let length = u16::try_from(field.len()).expect("a field is at most MAX_FIELD_BYTES");
            hasher.update(length.to_be_bytes());
            hasher.update(field.as_bytes());
        }
        Self(hasher.finalize().into())
    }

    /// Takes a key as it was read from a proof or a snapshot.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the bit is set; `false` goes left in the tree, `true` right.
    #[must_use]
    pub fn bit(&self, bit: u8) -> bool {
        self.0[usize::from(bit / 8)] & (0x80 >> (bit % 8)) != 0
    }

    /// The first bit in which two keys differ, `None` if they are equal.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<u8> {
        let words = self.words().zip(other.words()).zip([0_u8, 64, 128, 192]);
        let mut differences = words.map(|((own, other), bit)| (own ^ other, bit));
        let (difference, bit) = differences.find(|(difference, _)| *difference != 0)?;
        let zeros = u8::try_from(difference.leading_zeros()).expect("a word has 64 bits");
        Some(bit + zeros)
    }

    /// Eight bytes at a time, as whoever compares two keys looks at them.
    fn words(&self) -> impl Iterator<Item = u64> {
        let (words, _) = self.0.as_chunks::<8>();
        words.iter().map(|word| u64::from_be_bytes(*word))
    }
}

impl fmt::Display for MapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for MapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapKey({self})")
    }
}

/// A label's id in the one form that is hashed; only [`canonical_id`] makes one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CanonicalId(String);

impl CanonicalId {
    /// The canonical text: letters, digits, `.`, `_`, `-` and `:XX` for any other byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CanonicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Folds an id as it was read, printed or typed into the scheme's canonical form.
///
/// Spaces (U+0020) go, ASCII letters follow the rule, every other byte of the UTF-8 text that
/// is not `[A-Za-z0-9._-]` becomes `:XX` with upper-case hex, whatever the rule.
///
/// # Errors
/// [`KeyError::BadId`] if nothing is left or the text is longer than [`MAX_ID_BYTES`].
pub fn canonical_id(rule: IdRule, id: &str) -> Result<CanonicalId, KeyError> {
    if id.len() > MAX_ID_BYTES {
        return Err(KeyError::BadId { bytes: id.len() });
    }
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes().filter(|byte| *byte != b' ') {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' => out.push(char::from(match rule {
                IdRule::Upper => byte.to_ascii_uppercase(),
                IdRule::Lower => byte.to_ascii_lowercase(),
                IdRule::Exact => byte,
            })),
            b'0'..=b'9' | b'.' | b'_' | b'-' => out.push(char::from(byte)),
            _ => out.push_str(&format!(":{byte:02X}")),
        }
    }
    if out.is_empty() {
        return Err(KeyError::BadId { bytes: id.len() });
    }
    Ok(CanonicalId(out))
}

/// Why a name or an id is none.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum KeyError {
    /// The word names no type of the map.
    #[error("unknown type of map key")]
    UnknownType,
    /// The type has another number of fields.
    #[error("a map key of this type has {want} fields, not {got}")]
    WrongFields {
        /// Fields found.
        got: usize,
        /// Fields the type has.
        want: usize,
    },
    /// A field is empty, too long or has a byte it may not have.
    #[error("field {number} of the map key is not allowed")]
    BadField {
        /// Which field, from 0.
        number: usize,
    },
    /// The id is empty or too long.
    #[error("a label id has 1 to {MAX_ID_BYTES} bytes besides spaces, not {bytes}")]
    BadId {
        /// Its length.
        bytes: usize,
    },
}

fn is_gtin_14(text: &str) -> bool {
    text.len() == 14 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The longest id that is looked up: the longest subject of an event (event.md).
pub const MAX_ID_BYTES: usize = 128;

/// The longest field: an id of [`MAX_ID_BYTES`] in which every byte is written `:XX`.
pub const MAX_FIELD_BYTES: usize = 3 * MAX_ID_BYTES;

const KEY_TAG: &[u8] = b"labelproof-key/v1\n";

#[cfg(test)]
mod tests;
