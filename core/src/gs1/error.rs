//! Why what was read is no product's number.

use thiserror::Error;

use super::NotAProduct;

/// Why what was read is no product's number; each says what it is instead, or what to do.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum GtinError {
    /// A link with something that no link holds.
    #[error("a link holds no {found:?} (column {column})")]
    BadLink {
        /// Where, from 1.
        column: usize,
        /// What.
        found: char,
    },
    /// Elements out of shape.
    #[error(
        "not an element string of GS1: (01) and 14 digits, then other elements such as (10)AB-1"
    )]
    BadElement,
    /// The last digit does not fit the others.
    #[error(
        "the check digit is {got} and should be {want}; see whether a digit is wrong or missing"
    )]
    CheckDigit {
        /// The one that is there.
        got: char,
        /// The one that the others give.
        want: char,
    },
    /// Nothing at all.
    #[error("there is no GTIN")]
    Empty,
    /// Another number of digits.
    #[error("a GTIN has 8, 12, 13 or 14 digits, not {digits}{}", lost_zeroes(*.digits))]
    Length {
        /// Digits found.
        digits: usize,
    },
    /// Elements of something other than a product.
    #[error("the element string has no (01), so it names no product")]
    NoGtinElement,
    /// Something between or around the digits.
    #[error("{found:?} in column {column} is no digit; a GTIN has 8, 12, 13 or 14 digits")]
    NotADigit {
        /// Where, from 1, in characters.
        column: usize,
        /// What.
        found: char,
    },
    /// A link that no GTIN can be read from.
    #[error(
        "not a GS1 link: its path has no /01/ and 8 to 14 digits, then at most /22/, /10/ and /21/"
    )]
    NotAGs1Link,
    /// A number, but not of a product.
    #[error(transparent)]
    NotAProduct(#[from] NotAProduct),
    /// A scanner's mark of another kind of code.
    #[error("a code of another kind; GS1 codes begin with ]C1, ]e0, ]d2 or ]Q3")]
    OtherSymbology,
    /// A code that sets a device up, and is nobody else's business.
    #[error(
        "this is a set-up code of a device, which is secret; scan the code of the product instead"
    )]
    SetUpCode,
    /// What a spreadsheet makes of a number.
    #[error(
        "a spreadsheet made another number of it; format the column as text and fill it again, digits may be lost"
    )]
    Spreadsheet,
    /// More than any code holds.
    #[error("{bytes} bytes are more than any code holds")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// Spreadsheets drop the zeroes that GTIN-8, -12 and -13 may begin with.
fn lost_zeroes(digits: usize) -> &'static str {
    match digits {
        7 | 9..=11 => "; a spreadsheet may have dropped zeroes at its beginning",
        _ => "",
    }
}
