//! Names that a person gives: of watch lists, of channels.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A name: 1 to 32 of `a-z`, `0-9` and `-`, so that it fits names of files, addresses of feeds and rules.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadName)
        }
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no name.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the name of a list or channel is 1 to 32 of a-z, 0-9 and -")]
pub struct BadName;

/// Far below what any file system or address takes.
const MAX_NAME_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_an_address_and_a_file() {
        for wrong in ["", "A", "a/b", "..", "a.b", "ü", &"a".repeat(33)] {
            assert_eq!(wrong.parse::<Name>(), Err(BadName), "{wrong:?}");
        }
        assert!("a".repeat(32).parse::<Name>().is_ok());
    }
}
