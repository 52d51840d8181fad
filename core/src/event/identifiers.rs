//! Identifiers that others give: product numbers, ids of organisations, pages.
//!
//! ```text
//! 09521234001010                        GTIN-14           14 digits, the last one right
//! gln:9521234000006                     organisation id   lei:, gln: or eori:
//! https://kawabe.example/security       page
//! ```
//! Names that we give are in `names`; whether an id is registered is nobody's question here.

use std::fmt;
use std::str::FromStr;

use super::form::{WrongForm, as_json_string};
use super::names::{is_country, is_host_name, name};

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
}
