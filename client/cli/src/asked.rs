//! What a person asks about, in whatever form it is in hand.
//!
//! ```text
//! jp.jc-star/EX-000123 · authority:… · scheme:… · member:…     a subject; a label also by an id printed on it
//! 9521234001010 · https://shop.example/01/… · (01)…            a product (core::gs1)
//! ```
//! A serial number in a code is dropped here, before anything is asked of anybody.

use std::str::FromStr;

use labelproof_core::{
    event::{Gtin14, Subject},
    gs1::{Dropped, GtinError, Scanned},
};

/// A subject or a product.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Subject(Subject),
    Product(Product),
}

impl FromStr for Asked {
    type Err = NotAsked;

    fn from_str(text: &str) -> Result<Self, NotAsked> {
        let no_subject = match text.parse() {
            Ok(subject) => return Ok(Self::Subject(subject)),
            Err(error) => error,
        };
        match Gtin14::from_scan(text) {
            Ok(scanned) => Ok(Self::Product(Product(scanned))),
            Err(GtinError::NotAGs1Link) => Err(NotAsked::Page),
            // What begins like no code at all was meant as a name.
            Err(GtinError::NotADigit { column: 1, .. }) => Err(NotAsked::Subject(no_subject)),
            Err(error) => Err(NotAsked::Gtin(error)),
        }
    }
}

/// A product's number as a code gave it.
#[derive(Clone, Debug)]
pub(crate) struct Product(Scanned);

impl Product {
    pub(crate) fn gtin(&self) -> &Gtin14 {
        self.0.gtin()
    }

    /// What was left away, in words; nothing if there was nothing.
    pub(crate) fn dropped(&self) -> Option<&'static str> {
        match self.0.dropped() {
            Dropped::Nothing => None,
            Dropped::Data => Some("lot or other data"),
            Dropped::Serial => Some("the serial number"),
        }
    }
}

impl FromStr for Product {
    type Err = GtinError;

    fn from_str(text: &str) -> Result<Self, GtinError> {
        Gtin14::from_scan(text).map(Self)
    }
}

/// What nothing can be asked about.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NotAsked {
    /// Meant as a product.
    #[error(transparent)]
    Gtin(GtinError),
    /// A link without a product's number.
    #[error(
        "a page that holds no GTIN: a GS1 link has /01/ and 14 digits in its path. Which label a page is about \
         only its scheme knows; type the label's id, as <scheme>/<id>"
    )]
    Page,
    /// Meant as a name.
    #[error("{0}, nor a GTIN or GS1 link")]
    Subject(labelproof_core::event::WrongForm),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        text.parse::<Asked>().unwrap_err().to_string()
    }

    #[test]
    fn labels_and_products_are_told_apart() {
        for text in [
            "jp.jc-star/EX-000123",
            "authority:label.jp.example",
            "scheme:jp.jc-star",
        ] {
            assert!(matches!(text.parse(), Ok(Asked::Subject(_))), "{text}");
        }
        for text in [
            "9521234001010",
            "09521234001010",
            "(01)09521234001010",
            "https://a.example/01/09521234001010/21/7",
        ] {
            let Ok(Asked::Product(product)) = text.parse() else {
                panic!("{text}");
            };
            assert_eq!(product.gtin().as_str(), "09521234001010", "{text}");
            assert_eq!(product.dropped().is_some(), text.contains("/21/"), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_in_its_own_words() {
        assert!(refusal("9521234001011").contains("should be 0"));
        assert!(refusal("9783161484100").contains("ISBN"));
        assert!(refusal("https://jc-star.jp.example/EX-000123").contains("type the label's id"));
        assert!(refusal("EX-000123").contains("nor a GTIN"));
    }
}
