//! The three kinds of hashes of a tree: of an entry, of a part, of the whole.
//!
//! ```text
//! 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=     32 bytes, base64 of RFC 4648 section 4, padded
//! ```

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::text;

/// The hash of one entry: SHA-256 of a zero byte and the entry's bytes.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LeafHash([u8; 32]);

/// The hash of a part of a tree: one leaf, or SHA-256 of a one byte and the hashes of two parts.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeHash([u8; 32]);

/// The hash of a whole tree.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RootHash([u8; 32]);

/// Text that is not the base64 of 32 bytes in its one form.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not the padded base64 of 32 bytes")]
pub struct ParseHashError;

impl LeafHash {
    /// Hashes the bytes of an entry.
    #[must_use]
    pub fn of_entry(entry: &[u8]) -> Self {
        Self(
            Sha256::new()
                .chain_update([LEAF_PREFIX])
                .chain_update(entry)
                .finalize()
                .into(),
        )
    }
}

impl NodeHash {
    /// Hashes two neighbours into the node above them.
    #[must_use]
    pub fn of_children(left: &Self, right: &Self) -> Self {
        Self(
            Sha256::new()
                .chain_update([NODE_PREFIX])
                .chain_update(left.0)
                .chain_update(right.0)
                .finalize()
                .into(),
        )
    }

    /// Hashes neighbouring perfect subtrees, larger ones left, into the one node over them; `None` of none.
    pub(crate) fn of_subtrees(subtrees: &[Self]) -> Option<Self> {
        let (last, rest) = subtrees.split_last()?;
        Some(
            rest.iter()
                .rev()
                .fold(*last, |right, left| Self::of_children(left, &right)),
        )
    }

    /// Takes the node over all leaves for the root.
    pub(crate) const fn into_root(self) -> RootHash {
        RootHash(self.0)
    }
}

impl RootHash {
    /// The root of the empty tree: SHA-256 of nothing.
    pub const EMPTY: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);
}

impl From<LeafHash> for NodeHash {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.0)
    }
}

/// Gives a hash type its bytes and its one text form.
macro_rules! hash_forms {
    ($hash:ident) => {
        impl $hash {
            /// Takes the 32 bytes as they are.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Gives the 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $hash {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&text::to_base64(&self.0))
            }
        }

        impl fmt::Debug for $hash {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $hash {
            type Err = ParseHashError;

            fn from_str(text: &str) -> Result<Self, ParseHashError> {
                text::parse_base64_array(text)
                    .map(Self)
                    .ok_or(ParseHashError)
            }
        }
    };
}

hash_forms!(LeafHash);
hash_forms!(NodeHash);
hash_forms!(RootHash);

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        let nothing: [u8; 32] = Sha256::digest([]).into();
        assert_eq!(RootHash::EMPTY.as_bytes(), &nothing);
        assert_eq!(
            RootHash::EMPTY.to_string(),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }

    #[test]
    fn an_empty_entry_has_the_leaf_hash_of_the_rfc() {
        assert_eq!(
            LeafHash::of_entry(b"").to_string(),
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="
        );
    }

    #[test]
    fn text_has_one_form() {
        let text = "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=";
        assert_eq!(text.parse::<NodeHash>().unwrap().to_string(), text);
        for bad in [
            "",
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0",
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB1=",
            "bjQLnP-zepicpUTmu3gKLHiQHT-zNzh2hRGjBhevoB0=",
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n",
            " bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0==",
            "ZG9uJ3QgY2FyZSAy",
            "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0A",
        ] {
            assert_eq!(bad.parse::<NodeHash>(), Err(ParseHashError), "{bad:?}");
            assert_eq!(bad.parse::<LeafHash>(), Err(ParseHashError), "{bad:?}");
            assert_eq!(bad.parse::<RootHash>(), Err(ParseHashError), "{bad:?}");
        }
    }
}
