//! Numbers that look like a product's and are none, by their first digits (GS1 General Specifications, 1.4).
//!
//! ```text
//! GTIN-13 (a GTIN-12 with a zero before it)        GTIN-8
//!   020–029, 040–049, 200–299  a shop's own          0…, 2…  a shop's own
//!   050–059, 981–984, 990–999  coupons
//!   977 · 978, 979 · 9790 · 980                    ISSN · ISBN · ISMN · refund receipts
//! ```
//! The indicator of a GTIN-14, its first digit, does not count.

use thiserror::Error;

use crate::event::Gtin14;

/// What a number is that is no product's, or not the same product's everywhere.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NotAProduct {
    /// Money off.
    #[error("prefix {prefix} is that of coupons; a coupon has no label")]
    Coupon {
        /// Its first three digits.
        prefix: Prefix,
    },
    /// Books.
    #[error("prefix {prefix} is that of books (ISBN); a book has no label")]
    Isbn {
        /// Its first three digits.
        prefix: Prefix,
    },
    /// Sheet music.
    #[error("prefix 9790 is that of printed music (ISMN); it has no label")]
    Ismn,
    /// Newspapers.
    #[error("prefix 977 is that of newspapers and magazines (ISSN); they have no label")]
    Issn,
    /// Receipts for bottles.
    #[error("prefix 980 is that of refund receipts; a receipt has no label")]
    RefundReceipt,
    /// A number that means another product in the next shop.
    #[error(
        "prefix {prefix} is for numbers that a shop or a region gives itself; ask the supplier for the GTIN"
    )]
    Restricted {
        /// Its first three digits.
        prefix: Prefix,
    },
    /// The same in eight digits.
    #[error(
        "8 digits that begin with {first} are a shop's own number, or a UPC-E; type the 12 or 13 digits, or ask the supplier"
    )]
    RestrictedShort {
        /// Its first digit.
        first: char,
    },
}

/// The first three digits of a GTIN-13.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Prefix(u16);

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

pub(super) fn check(gtin: &Gtin14) -> Result<(), NotAProduct> {
    let digits = gtin.as_str().as_bytes();
    if digits.starts_with(b"000000") {
        let first = char::from(digits[6]);
        return match first {
            '0' | '2' => Err(NotAProduct::RestrictedShort { first }),
            _ => Ok(()),
        };
    }
    let number = digits[1..4]
        .iter()
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let prefix = Prefix(number);
    match number {
        20..=29 | 40..=49 | 200..=299 => Err(NotAProduct::Restricted { prefix }),
        50..=59 | 981..=984 | 990..=999 => Err(NotAProduct::Coupon { prefix }),
        977 => Err(NotAProduct::Issn),
        979 if digits[4] == b'0' => Err(NotAProduct::Ismn),
        978 | 979 => Err(NotAProduct::Isbn { prefix }),
        980 => Err(NotAProduct::RefundReceipt),
        _ => Ok(()),
    }
}
