//! What a shop has in its hand, read as a GTIN: digits, GS1 links, element strings, the text of a QR code.
//!
//! ```text
//! 9521234001010 · 9 521234 001010               GTIN-8, -12, -13, -14; one space or hyphen between two digits
//! https://any.example/p/01/09521234001010/21/7?17=271231#…   a GS1 Digital Link, uncompressed
//! (01)09521234001010(10)AB-1(21)7               an element string as printed
//! ]d20109521234001010<GS>…  0109521234001010…   the same as scanned
//! ```
//! Lot, variant and serial number are dropped: they say which unit it is, and no label does (GS1 General
//! Specifications, sections 3 and 7.9; GS1 Digital Link: URI syntax 1.4). Numbers that are no product's, or not
//! the same product's everywhere, are refused by name (`prefix`). Whether a number was given out, nobody here knows.

mod error;
mod prefix;

use crate::event::Gtin14;
use crate::event::gs1_check_digit;

pub use error::GtinError;
pub use prefix::NotAProduct;

/// A GTIN as it was read, and what was left away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scanned {
    gtin: Gtin14,
    dropped: Dropped,
}

/// Whether what was read said more than the product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dropped {
    /// It was a product's number and nothing else.
    Nothing,
    /// Variant, lot, dates or other data of GS1, but no serial number.
    Data,
    /// A serial number among them: it names one unit, and must not leave this machine.
    Serial,
}

impl Scanned {
    /// The product's number.
    #[must_use]
    pub fn gtin(&self) -> &Gtin14 {
        &self.gtin
    }

    /// What was left away.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }
}

impl Gtin14 {
    /// Reads a product's number from what a person typed or a scanner gave.
    ///
    /// Blanks around it do not count.
    ///
    /// # Errors
    /// [`GtinError`], which says what it is instead.
    pub fn from_scan(text: &str) -> Result<Scanned, GtinError> {
        if text.len() > MAX_SCAN_BYTES {
            return Err(GtinError::TooLong { bytes: text.len() });
        }
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let begins = |word: &str| {
            text.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        if text.is_empty() {
            Err(GtinError::Empty)
        } else if begins("https://") || begins("http://") {
            from_link(text)
        } else if begins("MT:") {
            Err(GtinError::SetUpCode)
        } else if text.starts_with('(') {
            from_printed_elements(text)
        } else if text.starts_with(']') {
            match SYMBOLOGIES.iter().find_map(|tag| text.strip_prefix(tag)) {
                Some(elements) => from_scanned_elements(elements),
                None => Err(GtinError::OtherSymbology),
            }
        } else if text.starts_with("01") && text.get(..ELEMENT_BYTES).is_some_and(is_digits) {
            from_scanned_elements(text)
        } else {
            alone(from_digits(text)?)
        }
    }

    /// Says what the number is if it is no product's, or not the same product's everywhere.
    ///
    /// # Errors
    /// [`NotAProduct`].
    pub fn check_prefix(&self) -> Result<(), NotAProduct> {
        prefix::check(self)
    }
}

fn alone(gtin: Gtin14) -> Result<Scanned, GtinError> {
    Ok(Scanned {
        gtin,
        dropped: Dropped::Nothing,
    })
}

/// Digits as printed: between two of them there may be one space or one hyphen.
fn from_digits(text: &str) -> Result<Gtin14, GtinError> {
    let mut digits = String::with_capacity(14);
    let mut after_digit = false;
    for (at, c) in text.chars().enumerate() {
        match c {
            '0'..='9' => {
                digits.push(c);
                after_digit = true;
            }
            ' ' | '-' if after_digit => after_digit = false,
            _ if is_spreadsheet_number(text) => return Err(GtinError::Spreadsheet),
            _ => {
                return Err(GtinError::NotADigit {
                    column: at + 1,
                    found: c,
                });
            }
        }
    }
    if !after_digit {
        let column = text.chars().count();
        return Err(GtinError::NotADigit {
            column,
            found: text.chars().next_back().unwrap_or(' '),
        });
    }
    checked(&digits)
}

/// Digits alone, 8, 12, 13 or 14 of them.
fn checked(digits: &str) -> Result<Gtin14, GtinError> {
    if !matches!(digits.len(), 8 | 12 | 13 | 14) {
        return Err(GtinError::Length {
            digits: digits.len(),
        });
    }
    let (rest, last) = digits.split_at(digits.len() - 1);
    let want = char::from(gs1_check_digit(rest.as_bytes()));
    match Gtin14::from_digits(digits) {
        Ok(gtin) => match gtin.check_prefix() {
            Ok(()) => Ok(gtin),
            Err(what) => Err(GtinError::NotAProduct(what)),
        },
        Err(_) => Err(GtinError::CheckDigit {
            got: last.chars().next().unwrap_or_default(),
            want,
        }),
    }
}

/// `9.52123E+12`, `9521234001010.0`: what a spreadsheet makes of a number it was not told is a text.
fn is_spreadsheet_number(text: &str) -> bool {
    text.replace(',', ".")
        .parse::<f64>()
        .is_ok_and(f64::is_finite)
}

/// `/01/<gtin>` at the end of the path, but for the qualifiers 22, 10 and 21 in that order.
fn from_link(text: &str) -> Result<Scanned, GtinError> {
    if let Some((at, found)) = text
        .chars()
        .enumerate()
        .find(|(_, c)| !c.is_ascii_graphic())
    {
        return Err(GtinError::BadLink {
            column: at + 1,
            found,
        });
    }
    let address = text.split('#').next().unwrap_or_default();
    let (address, query) = address.split_once('?').unwrap_or((address, ""));
    let path = address.splitn(4, '/').nth(3).unwrap_or_default();
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let at = segments.iter().rposition(|segment| *segment == "01");
    let Some((gtin, rest)) = at.and_then(|at| segments[at + 1..].split_first()) else {
        return Err(GtinError::NotAGs1Link);
    };
    let gtin = match is_digits(gtin) {
        true => checked(gtin)?,
        false => return Err(GtinError::NotAGs1Link),
    };
    let mut dropped = match query.is_empty() && rest.is_empty() {
        true => Dropped::Nothing,
        false => Dropped::Data,
    };
    let mut qualifiers = ["22", "10", "21"].into_iter();
    for pair in rest.chunks(2) {
        match pair {
            [ai, value] if !value.is_empty() && qualifiers.any(|next| next == *ai) => {
                if *ai == "21" {
                    dropped = Dropped::Serial;
                }
            }
            _ => return Err(GtinError::NotAGs1Link),
        }
    }
    // SPEC GS1 Digital Link: attributes stand in the query; in older editions key qualifiers could too.
    let names_a_unit = |pair: &str| {
        let ai = pair.split('=').next().unwrap_or_default();
        SERIALS.contains(&ai)
    };
    if query.split(['&', ';']).any(names_a_unit) {
        dropped = Dropped::Serial;
    }
    Ok(Scanned { gtin, dropped })
}

/// `(AI)value` again and again, one of them 01.
fn from_printed_elements(text: &str) -> Result<Scanned, GtinError> {
    let mut gtin = None;
    let mut dropped = Dropped::Nothing;
    let mut rest = text;
    while !rest.is_empty() {
        let (ai, after) = identifier(rest).ok_or(GtinError::BadElement)?;
        // A value may hold brackets; it ends where the next bracketed identifier begins.
        let end = after
            .match_indices('(')
            .map(|(at, _)| at)
            .find(|at| identifier(&after[*at..]).is_some())
            .unwrap_or(after.len());
        let (value, next) = after.split_at(end);
        if value.is_empty() {
            return Err(GtinError::BadElement);
        }
        match ai {
            "01" if gtin.is_some() || value.len() != 14 || !is_digits(value) => {
                return Err(GtinError::BadElement);
            }
            "01" => gtin = Some(checked(value)?),
            ai if SERIALS.contains(&ai) => dropped = Dropped::Serial,
            _ if dropped == Dropped::Nothing => dropped = Dropped::Data,
            _ => {}
        }
        rest = next;
    }
    let gtin = gtin.ok_or(GtinError::NoGtinElement)?;
    Ok(Scanned { gtin, dropped })
}

/// The identifier in brackets that a text begins with, and what follows.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let (ai, after) = text.strip_prefix('(')?.split_once(')')?;
    ((2..=4).contains(&ai.len()) && is_digits(ai)).then_some((ai, after))
}

/// 01 and its 14 digits first, as GS1 wants the elements of fixed length; the rest is not read.
fn from_scanned_elements(text: &str) -> Result<Scanned, GtinError> {
    let rest = text.strip_prefix("01").ok_or(GtinError::NoGtinElement)?;
    let (digits, rest) = rest.split_at_checked(14).ok_or(GtinError::BadElement)?;
    let of_an_element = |byte: u8| byte.is_ascii_graphic() || byte == FNC1;
    if !is_digits(digits) || !rest.bytes().all(of_an_element) {
        return Err(GtinError::BadElement);
    }
    // What follows is not taken apart, so it may hold a serial number.
    let dropped = match rest.is_empty() {
        true => Dropped::Nothing,
        false => Dropped::Serial,
    };
    Ok(Scanned {
        gtin: checked(digits)?,
        dropped,
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Serial number, third party's serialised extension, second serial number (GS1 General Specifications, 3.5–3.6).
const SERIALS: [&str; 3] = ["21", "235", "250"];

/// What scanners put before the data of GS1-128, GS1 DataBar, GS1 DataMatrix and GS1 QR codes.
const SYMBOLOGIES: [&str; 4] = ["]C1", "]e0", "]d2", "]Q3"];

/// 01 and 14 digits: no GTIN is as long.
const ELEMENT_BYTES: usize = 16;

/// FNC1 between elements, as scanners send it: GS, group separator.
const FNC1: u8 = 0x1d;

/// The largest QR code, version 40-L, holds 7,089 digits.
const MAX_SCAN_BYTES: usize = 7_089;

#[cfg(test)]
mod tests;
