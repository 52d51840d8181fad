//! Names with a grammar: who and what an event speaks of.
//!
//! ```text
//! jp                       member code        [a-z0-9]{1,16}
//! jp.jc-star               scheme id          [a-z0-9]+(\.[a-z0-9-]+)+, ≤ 32 bytes, starts with its member
//! EX-000123                native id          [A-Za-z0-9._-]{1,96}
//! label.jp.example         authority's name   lower-case host name of two labels or more, ≤ 96 bytes
//! JP  EU  *                country, territory [A-Z]{2}; a territory may be * (everywhere)
//! ```
//! Whether a country exists is asked by `admission`, never here: the state function has no tables.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use super::form::{WrongForm, as_json_string};

/// Makes a string type whose only constructor checks a grammar.
macro_rules! name {
    ($(#[$meta:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$meta])*
        #[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
        pub struct $name(String);

        impl $name {
            /// The name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = WrongForm;

            fn from_str(text: &str) -> Result<Self, WrongForm> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok($name(text.to_owned())) } else { Err(WrongForm::new($what, $rule)) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        as_json_string!($name);
    };
}

pub(super) use name;

name!(
    /// A member of the log: `jp`.
    MemberCode, "a member code", "1 to 16 of a-z and 0-9",
    |text| (1..=MAX_MEMBER_BYTES).contains(&text.len()) && text.bytes().all(is_lower_alphanumeric)
);

name!(
    /// A labelling scheme: `jp.jc-star`.
    SchemeId, "a scheme id", "<member>.<name> of a-z, 0-9, '.' and '-', at most 32 bytes", is_scheme_id
);

name!(
    /// The id a scheme gave a label, as the scheme writes it.
    NativeId, "a native id", "1 to 96 of A-Z, a-z, 0-9, '.', '_' and '-'",
    |text| (1..=MAX_NATIVE_ID_BYTES).contains(&text.len()) && text.bytes().all(is_native_id_byte)
);

name!(
    /// The name of an authority and of all its keys: `label.jp.example`.
    AuthorityName, "an authority's name", "a host name in lower case with a dot, at most 96 bytes",
    |text| text.len() <= MAX_AUTHORITY_BYTES && text.contains('.') && is_host_name(text)
);

name!(
    /// A domain of a member, or a host that a scheme's codes point to: `jp.example`.
    Domain, "a domain", "a host name in lower case, at most 253 bytes", is_host_name
);

name!(
    /// A country or union of countries: two capital letters.
    CountryCode, "a country code", "two of A-Z", is_country
);

name!(
    /// Where something holds: a country, a union, or `*` for everywhere.
    Territory, "a territory", "two of A-Z, or *", |text| text == "*" || is_country(text)
);

name!(
    /// A code in a scheme's own vocabulary: a level.
    LevelCode, "a level code", "1 to 32 of A-Z, a-z, 0-9, '.', '_', '+' and '-'",
    |text| (1..=MAX_CODE_BYTES).contains(&text.len()) && text.bytes().all(|b| is_native_id_byte(b) || b == b'+')
);

name!(
    /// A category of products: `router`.
    Category, "a category", "1 to 32 of a-z, 0-9 and '-'",
    |text| (1..=MAX_CODE_BYTES).contains(&text.len()) && text.bytes().all(|b| is_lower_alphanumeric(b) || b == b'-')
);

name!(
    /// The state function a log runs: `state/0.2`, later `state/1`.
    Rules, "a state function", "state/ and a version", is_rules
);

impl SchemeId {
    /// The member it belongs to.
    #[must_use]
    pub fn member(&self) -> MemberCode {
        let (member, _) = self.0.split_once('.').expect("a scheme id has a dot");
        MemberCode(member.to_owned())
    }
}

/// Names are ordered as their text is, so that a map of them is asked with a text that may be none.
impl Borrow<str> for AuthorityName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AuthorityName {
    /// Whether the name is `domain` or lies under it.
    #[must_use]
    pub fn is_under(&self, domain: &Domain) -> bool {
        lies_under(&self.0, &domain.0)
    }
}

impl Domain {
    /// Whether it is `other` or lies under it.
    #[must_use]
    pub fn is_under(&self, other: &Domain) -> bool {
        lies_under(&self.0, &other.0)
    }
}

fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_native_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

fn is_scheme_id(text: &str) -> bool {
    let mut parts = text.split('.');
    let member = parts.next().unwrap_or_default();
    let mut rest = parts.peekable();
    text.len() <= MAX_SCHEME_BYTES
        && member.parse::<MemberCode>().is_ok()
        && rest.peek().is_some()
        && rest.all(|part| {
            !part.is_empty() && part.bytes().all(|b| is_lower_alphanumeric(b) || b == b'-')
        })
}

pub(super) fn is_host_name(text: &str) -> bool {
    text.len() <= MAX_HOST_BYTES
        && text.split('.').all(|label| {
            (1..=MAX_HOST_LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|b| is_lower_alphanumeric(b) || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_rules(text: &str) -> bool {
    let decimal = |text: &str| {
        (1..=9).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let Some(version) = text.strip_prefix("state/") else {
        return false;
    };
    match version.split_once('.') {
        Some((major, minor)) => major == "0" && decimal(minor),
        None => decimal(version) && version != "0",
    }
}

fn lies_under(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Half of a scheme id.
const MAX_MEMBER_BYTES: usize = 16;
/// Leaves 96 bytes of a subject's 128 for the native id.
const MAX_SCHEME_BYTES: usize = 32;
/// The longest printed id of a known scheme has 40.
const MAX_NATIVE_ID_BYTES: usize = 96;
/// Leaves room for `attest:` and a path in a subject's 128 bytes.
const MAX_AUTHORITY_BYTES: usize = 96;
/// RFC 1035, section 2.3.4, without the root's own byte.
const MAX_HOST_BYTES: usize = 253;
/// RFC 1035, section 2.3.4.
const MAX_HOST_LABEL_BYTES: usize = 63;
/// A code is a word, not a sentence.
const MAX_CODE_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn table<T: FromStr>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(text.parse::<T>().is_ok(), "refuses {text:?}");
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "takes {text:?}");
        }
    }

    #[test]
    fn names_take_what_their_grammar_says_and_nothing_else() {
        let long = |n: usize| "a".repeat(n);
        table::<MemberCode>(&["jp", "eu", &long(16)], &["", "JP", "j-p", &long(17), "é"]);
        table::<SchemeId>(
            &[
                "jp.jc-star",
                "a.b",
                "de.it-sik.v2",
                &format!("jp.{}", long(29)),
            ],
            &[
                "",
                "jp",
                "jp.",
                ".x",
                "jp..x",
                "JP.x",
                "jp.X",
                "jp.a_b",
                &format!("jp.{}", long(30)),
                "j-p.x",
                "jp.x/y",
            ],
        );
        table::<NativeId>(
            &["EX-000123", "a_b.c", &long(96)],
            &["", "a/b", "a b", "a:b", &long(97), "ä"],
        );
        table::<AuthorityName>(
            &["label.jp.example", "a.b"],
            &[
                "",
                "jp",
                "Label.jp",
                "a..b",
                "-a.b",
                "a-.b",
                "a.b/c",
                "a.b.",
                &format!("{}.b", long(64)),
                "a+b.c",
            ],
        );
        table::<CountryCode>(&["JP", "EU"], &["", "jp", "JPN", "J1", "*"]);
        table::<Territory>(&["JP", "*"], &["", "**", "jp", "WORLD"]);
        table::<LevelCode>(&["1", "star1", "B+"], &["", "a b", "★1", &long(33)]);
        table::<Category>(&["router", "ip-camera"], &["", "Router", "a_b", &long(33)]);
        table::<Rules>(
            &["state/0.1", "state/1", "state/0.0"],
            &[
                "",
                "state/",
                "state/0",
                "state/01",
                "state/1.0",
                "state/0.01",
                "state/0.1.1",
            ],
        );
    }

    #[test]
    fn a_name_lies_under_a_domain_only_at_a_dot() {
        let domain: Domain = "jp.example".parse().unwrap();
        let under = |name: &str| name.parse::<AuthorityName>().unwrap().is_under(&domain);
        assert!(under("label.jp.example") && under("jp.example"));
        assert!(!under("labeljp.example") && !under("jp.example.org"));
    }

    #[test]
    fn a_scheme_belongs_to_the_member_it_starts_with() {
        assert_eq!(
            "jp.jc-star".parse::<SchemeId>().unwrap().member().as_str(),
            "jp"
        );
    }
}
