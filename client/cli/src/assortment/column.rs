//! Which column holds the numbers: by name, by place, or because it is the only one.
//!
//! ```text
//! gtin gtin8 gtin12 gtin13 gtin14 ean ean8 ean13 upc upca jan barcode globaltradeitemnumber
//! ```
//! Names are compared without case, blanks and signs: `GTIN-14`, `gtin_14` and `Gtin 14` are one.

use std::{convert::Infallible, str::FromStr};

use super::AssortmentError;

/// A column as asked for: its name, or its place from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Column {
    Named(String),
    Place(usize),
}

impl FromStr for Column {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(place @ 1..) => Self::Place(place),
            _ => Self::Named(text.into()),
        })
    }
}

/// Whether the first row is a header, and where the numbers stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Found {
    /// From 0.
    pub(super) place: usize,
    /// Whether the first row names columns and is no product.
    pub(super) header: bool,
}

/// Finds the column in the first row, which stands at `line`.
pub(super) fn find(
    first: &[String],
    line: u64,
    wanted: Option<&Column>,
) -> Result<Found, AssortmentError> {
    let shown = || first.to_vec();
    match wanted {
        Some(Column::Named(name)) => {
            let place = place_of(first, |field| plain(field) == plain(name));
            match place.ok().flatten() {
                Some(place) => Ok(Found {
                    place,
                    header: true,
                }),
                None => Err(AssortmentError::NoSuchColumn {
                    line,
                    wanted: name.clone(),
                    found: shown(),
                }),
            }
        }
        Some(Column::Place(number)) => match first.get(number - 1) {
            Some(field) => Ok(Found {
                place: number - 1,
                header: is_name(field),
            }),
            None => Err(AssortmentError::NoSuchColumn {
                line,
                wanted: number.to_string(),
                found: shown(),
            }),
        },
        None => match place_of(first, is_gtin_name) {
            Ok(Some(place)) => Ok(Found {
                place,
                header: true,
            }),
            Err(found) => Err(AssortmentError::Ambiguous { line, found }),
            Ok(None) if first.len() == 1 && !is_name(&first[0]) => Ok(Found {
                place: 0,
                header: false,
            }),
            Ok(None) => Err(AssortmentError::NoColumn {
                line,
                found: shown(),
            }),
        },
    }
}

/// The only field that fits; all that do if there are several.
fn place_of(first: &[String], fits: impl Fn(&str) -> bool) -> Result<Option<usize>, Vec<String>> {
    let places: Vec<usize> = (0..first.len())
        .filter(|place| fits(&first[*place]))
        .collect();
    match places.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        several => Err(several.iter().map(|place| first[*place].clone()).collect()),
    }
}

/// Whether a name means product numbers.
pub(super) fn is_gtin_name(name: &str) -> bool {
    NAMES.contains(&plain(name).as_str())
}

/// Every number has a digit in front; a name has a letter there.
fn is_name(field: &str) -> bool {
    is_gtin_name(field) || !field.bytes().any(|byte| byte.is_ascii_digit())
}

/// Letters and digits alone, in lower case.
pub(super) fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

const NAMES: [&str; 13] = [
    "gtin",
    "gtin8",
    "gtin12",
    "gtin13",
    "gtin14",
    "ean",
    "ean8",
    "ean13",
    "upc",
    "upca",
    "jan",
    "barcode",
    "globaltradeitemnumber",
];
