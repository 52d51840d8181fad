//! Forms of the members of an event: bounded texts, lists, numbers, and how they are written.
//!
//! ```text
//! Text<MAX>          1 … MAX bytes of UTF-8
//! List<T, MIN, MAX>  MIN … MAX elements, no two equal
//! Names              language tag → text, at least one
//! Sha256             64 hex digits, lower case
//! ```
//! A value of these types obeys the *format*; what keeps a well-formed text out of the log is
//! said in `admission`. Names with a grammar are in `names`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A text that is not of the form its member demands.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not {what}: {rule}")]
pub struct WrongForm {
    what: &'static str,
    rule: &'static str,
}

impl WrongForm {
    pub(crate) const fn new(what: &'static str, rule: &'static str) -> WrongForm {
        WrongForm { what, rule }
    }
}

/// Makes a type travel in JSON as the string that `Display` writes and `FromStr` reads.
macro_rules! as_json_string {
    ($($name:ty),+ $(,)?) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::event::form::from_string(deserializer)
            }
        }
    )+};
}
pub(crate) use as_json_string;

/// Reads what travels as a string, without a copy of it.
pub(crate) fn from_string<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct AString<T>(PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for AString<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(AString(PhantomData))
}

/// Makes a closed set of words: an enum with its written forms.
macro_rules! words {
    (
        $(#[$meta:meta])* $name:ident, $what:literal:
        $( $(#[$variant_meta:meta])* $variant:ident = $word:literal ),+ $(,)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum $name { $( $(#[$variant_meta])* $variant ),+ }

        impl $name {
            /// Every value, in the order of the specification.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word as written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::event::WrongForm;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok($name::$variant),)+
                    _ => Err($crate::event::WrongForm::new(
                        $what,
                        concat!("one of", $(" ", $word),+),
                    )),
                }
            }
        }

        $crate::event::form::as_json_string!($name);
    };
}
pub(crate) use words;

/// A text of one to `MAX` bytes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = WrongLength;

    fn from_str(text: &str) -> Result<Self, WrongLength> {
        if text.is_empty() || text.len() > MAX {
            return Err(WrongLength {
                got: text.len(),
                min: 1,
                max: MAX,
                unit: "bytes",
            });
        }
        Ok(Text(text.to_owned()))
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_string(deserializer)
    }
}

/// A text or list that is too short or too long.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{got} {unit}, where {min} to {max} are allowed")]
pub struct WrongLength {
    got: usize,
    min: usize,
    max: usize,
    unit: &'static str,
}

/// A list of `MIN` to `MAX` elements, no two of them equal.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T: PartialEq, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// Takes the elements in their order.
    ///
    /// # Errors
    /// [`BadList`] for a wrong number of elements, or two that are equal.
    pub fn new(elements: Vec<T>) -> Result<Self, BadList> {
        let got = elements.len();
        if got < MIN || got > MAX {
            return Err(WrongLength {
                got,
                min: MIN,
                max: MAX,
                unit: "elements",
            }
            .into());
        }
        for (index, element) in elements.iter().enumerate() {
            if elements[..index].contains(element) {
                return Err(BadList::Repeated { index });
            }
        }
        Ok(List(elements))
    }
}

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// The elements, in the order of the event.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The elements one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: PartialEq, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    /// Whether `element` is one of them.
    #[must_use]
    pub fn contains(&self, element: &T) -> bool {
        self.0.contains(element)
    }
}

impl<'a, T, const MIN: usize, const MAX: usize> IntoIterator for &'a List<T, MIN, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de> + PartialEq, const MIN: usize, const MAX: usize> Deserialize<'de>
    for List<T, MIN, MAX>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        List::new(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Why elements do not make a [`List`].
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadList {
    /// Too few or too many.
    #[error(transparent)]
    Length(#[from] WrongLength),
    /// An element that came before.
    #[error("element {index} repeats an earlier one")]
    Repeated {
        /// Its place in the list, from 0.
        index: usize,
    },
}

/// The same words in several languages; at least one.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Names(BTreeMap<Language, Text<MAX_NAME_BYTES>>);

impl Names {
    /// The name in `language`, else the first by tag.
    #[must_use]
    pub fn in_language(&self, language: &str) -> &str {
        let wanted = self.0.iter().find(|(tag, _)| tag.0 == language);
        wanted
            .or_else(|| self.0.iter().next())
            .map_or("", |(_, name)| name.as_str())
    }

    /// Tags and names, by tag.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(tag, name)| (tag.0.as_str(), name.as_str()))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde keeps the last of two equal tags; the canonical check sees the difference.
        let names = BTreeMap::deserialize(deserializer)?;
        if names.is_empty() || names.len() > MAX_LANGUAGES {
            let length = WrongLength {
                got: names.len(),
                min: 1,
                max: MAX_LANGUAGES,
                unit: "languages",
            };
            return Err(D::Error::custom(length));
        }
        Ok(Names(names))
    }
}

/// A language tag: `ja`, `pt-BR` (the alphabet and lengths of BCP 47, not its registry).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Language(String);

impl FromStr for Language {
    type Err = WrongForm;

    fn from_str(text: &str) -> Result<Self, WrongForm> {
        let mut parts = text.split('-');
        let primary = parts.next().unwrap_or_default();
        let good = (2..=3).contains(&primary.len())
            && primary.bytes().all(|b| b.is_ascii_lowercase())
            && parts.all(|part| {
                (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            })
            && text.len() <= MAX_LANGUAGE_BYTES;
        if good {
            Ok(Language(text.to_owned()))
        } else {
            Err(WrongForm::new("a language tag", "like en or pt-BR"))
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_json_string!(Language);

/// A SHA-256 hash of something outside the log.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Sha256 {
    type Err = WrongForm;

    fn from_str(text: &str) -> Result<Self, WrongForm> {
        hex32(text).map(Sha256).ok_or(WrongForm::new(
            "a SHA-256 hash",
            "64 hex digits, lower case",
        ))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

as_json_string!(Sha256);

/// Reads 64 lower-case hex digits.
pub(crate) fn hex32(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    (hex::encode(bytes) == text).then_some(bytes)
}

/// A number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Number<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Number<MIN, MAX> {
    /// The number, if it is in range.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Number(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        Number::new(number)
            .ok_or_else(|| D::Error::custom(format_args!("{number} is not in {MIN} to {MAX}")))
    }
}

/// The largest integer of an event: what every JSON reader holds exactly (RFC 8785, section 3.2.2.3).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// A name on a label fits a line of a phone several times over.
const MAX_NAME_BYTES: usize = 256;
/// The official languages of the European Union, doubled.
const MAX_LANGUAGES: usize = 48;
/// What BCP 47 advises to reserve for a tag.
const MAX_LANGUAGE_BYTES: usize = 35;
