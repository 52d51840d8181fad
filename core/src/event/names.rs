//! Names with a grammar: who and what an event speaks of.
//!
//! ```text
//! jp                       member code        [a-z0-9]{1,16}
//! jp.jc-star               scheme id          [a-z0-9]+(\.[a-z0-9-]+)+, ≤ 32 bytes, starts with its member
//! EX-000123                native id          [A-Za-z0-9._-]{1,96}
//! label.jp.example         authority's name   lower-case host name of two labels or more, ≤ 96 bytes
//! JP  EU  *                country, territory [A-Z]{2}; a territory may be * (everywhere)
//! 09521234001010           GTIN-14            14 digits, the last one right
//! lei:529900EXAMPLE0000017 organisation id    lei:, gln: or eori:
//! ```
//! Whether a country exists is asked by `admission`, never here: the state function has no tables.

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
    /// A product number of GS1 with 14 digits, the last one its check digit.
    Gtin14, "a GTIN-14", "14 digits, the last one the check digit of GS1", is_gtin14
);

name!(
    /// An id of an organisation: `lei:…`, `gln:…` or `eori:…`, in capitals.
    OrganisationId, "an id of an organisation", "lei: and 20, gln: and 13 digits, or eori: and 3 to 17 of A-Z and 0-9",
    is_organisation_id
);

name!(
    /// A page: `https://`, a host in lower case, then printable ASCII; at most 512 bytes.
    WebUri, "a page", "https://, a host in lower case, then printable ASCII, at most 512 bytes",
    |text| split_https(text).is_some()
);

name!(
    /// The page a label's code points to: like [`WebUri`], but host and path are both there.
    PageUri, "a label's page", "https://, a host in lower case, '/', then printable ASCII, at most 512 bytes",
    |text| split_https(text).is_some_and(|(_, rest)| rest.starts_with('/'))
);

name!(
    /// The state function a log runs: `state/0.1`, later `state/1`.
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

impl PageUri {
    /// The host, for comparison with a scheme's hosts, byte for byte.
    #[must_use]
    pub fn host(&self) -> &str {
        split_https(&self.0).expect("checked when made").0
    }
}

impl Gtin14 {
    /// Fills a code of 8, 12, 13 or 14 digits with zeroes on the left.
    ///
    /// # Errors
    /// [`WrongForm`] for another number of digits or a wrong check digit.
    pub fn from_digits(digits: &str) -> Result<Gtin14, WrongForm> {
        match digits.len() {
            8 | 12 | 13 | 14 => format!("{digits:0>14}").parse(),
            _ => Err(WrongForm::new("a GTIN", "8, 12, 13 or 14 digits")),
        }
    }
}

/// The check digit that GS1 puts after `digits` (General Specifications, section 7.9).
pub(crate) fn gs1_check_digit(digits: &[u8]) -> u8 {
    let weighted = digits.iter().rev().enumerate().map(|(place, digit)| {
        let weight = if place % 2 == 0 { 3 } else { 1 };
        u32::from(digit - b'0') * weight
    });
    let rest = weighted.sum::<u32>() % 10;
    b'0' + u8::try_from((10 - rest) % 10).expect("below 10")
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

fn is_host_name(text: &str) -> bool {
    text.len() <= MAX_HOST_BYTES
        && text.split('.').all(|label| {
            (1..=MAX_HOST_LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|b| is_lower_alphanumeric(b) || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

fn is_gtin14(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 14
        && bytes.iter().all(u8::is_ascii_digit)
        && gs1_check_digit(&bytes[..13]) == bytes[13]
}

fn is_organisation_id(text: &str) -> bool {
    let Some((scheme, id)) = text.split_once(':') else {
        return false;
    };
    let capitals = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    match scheme {
        "lei" => id.len() == 20 && capitals(id) && id[18..].bytes().all(|b| b.is_ascii_digit()),
        "gln" => id.len() == 13 && id.bytes().all(|b| b.is_ascii_digit()),
        "eori" => (3..=17).contains(&id.len()) && capitals(id) && is_country(&id[..2]),
        _ => false,
    }
}

/// Cuts a page into host and the rest.
fn split_https(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("https://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    let good = text.len() <= MAX_URI_BYTES
        && is_host_name(host)
        && tail.bytes().all(|b| b.is_ascii_graphic());
    good.then_some((host, tail))
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
/// What a QR code of version 15 still holds.
const MAX_URI_BYTES: usize = 512;

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
    fn gtin_needs_fourteen_digits_and_the_right_last_one() {
        table::<Gtin14>(
            &["09521234001010", "00000000000000"],
            &["", "09521234001011", "9521234001010", "0952123400101O"],
        );
        let right = b"0952123400101";
        for digit in b'0'..=b'9' {
            let text: String = right
                .iter()
                .chain([&digit])
                .map(|b| char::from(*b))
                .collect();
            assert_eq!(
                text.parse::<Gtin14>().is_ok(),
                digit == gs1_check_digit(right),
                "{text}"
            );
        }
    }

    #[test]
    fn shorter_codes_are_filled_with_zeroes() {
        assert_eq!(
            Gtin14::from_digits("9521234001010").unwrap().as_str(),
            "09521234001010"
        );
        assert!(Gtin14::from_digits("952123400101").is_err());
        assert!(Gtin14::from_digits("1").is_err());
    }

    #[test]
    fn organisation_ids_have_the_shape_of_their_register() {
        table::<OrganisationId>(
            &[
                "lei:529900EXAMPLE0000017",
                "gln:9521234000006",
                "eori:JP123",
                "eori:DE123456789012345",
            ],
            &[
                "",
                "lei:",
                "lei:529900example0000017",
                "lei:529900EXAMPLE00000AB",
                "gln:952123400000",
                "eori:J1",
                "duns:123456789",
                "LEI:529900EXAMPLE0000017",
            ],
        );
    }

    #[test]
    fn pages_are_https_with_a_plain_host() {
        table::<WebUri>(
            &[
                "https://a.example",
                "https://a.example/x?y#z",
                "https://a.example?x",
            ],
            &[
                "",
                "http://a.example/",
                "https://",
                "https:///x",
                "https://A.example/",
                "https://u@a.example/",
                "https://a.example:443/",
                "https://a.example/ x",
                "https://a.example/é",
            ],
        );
        table::<PageUri>(
            &["https://a.example/"],
            &["https://a.example", "https://a.example?x"],
        );
        assert_eq!(
            "https://a.example/b/c".parse::<PageUri>().unwrap().host(),
            "a.example"
        );
        assert!(
            format!("https://a.example/{}", "x".repeat(494))
                .parse::<WebUri>()
                .is_ok()
        );
        assert!(
            format!("https://a.example/{}", "x".repeat(495))
                .parse::<WebUri>()
                .is_err()
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
