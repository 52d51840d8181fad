//! Assortments as JSON lines: which member of a line holds the number.

use serde_json::Value;

use super::column::{Column, is_gtin_name, plain};
use super::{AssortmentError, Row, RowError, row_of, shortened};
use crate::table::{Line, MAX_ROW_BYTES, TableError};

/// How the member is found.
#[derive(Debug)]
pub(super) struct Members {
    wanted: Option<String>,
}

impl Members {
    pub(super) fn new(column: Option<&Column>) -> Result<Self, AssortmentError> {
        let wanted = match column {
            None => None,
            Some(Column::Named(name)) => Some(plain(name)),
            Some(Column::Place(_)) => {
                return Err(AssortmentError::OtherKind {
                    what: "JSON lines have no column numbers; give the member's name",
                });
            }
        };
        Ok(Self { wanted })
    }

    /// The row that a line is; none if it is blank.
    pub(super) fn row(&self, line: Line) -> Option<Row> {
        let number = line.number;
        let bad = |given: &[u8], error| Row {
            line: number,
            given: shortened(&String::from_utf8_lossy(given)),
            gtin: Err(error),
        };
        let Some(bytes) = line.bytes else {
            let limit = MAX_ROW_BYTES;
            let error = TableError::TooLong {
                line: number,
                limit,
            };
            return Some(bad(b"", RowError::Table(error)));
        };
        if bytes.trim_ascii().is_empty() {
            return None;
        }
        let json = |column, what| RowError::Json {
            line: number,
            column,
            what,
        };
        let Ok(text) = str::from_utf8(&bytes) else {
            let error = TableError::NotUtf8 {
                line: number,
                column: 1,
            };
            return Some(bad(&bytes, RowError::Table(error)));
        };
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                // Its text repeats the place, which is of this line alone.
                let what = error.to_string();
                let what = what.split(" at line ").next().unwrap_or_default();
                return Some(bad(&bytes, json(error.column(), what.into())));
            }
        };
        Some(match self.find(&value) {
            Ok((column, given)) => row_of(&given, number, || column),
            Err(what) => bad(&bytes, json(1, what.into())),
        })
    }

    /// The member's name and what it holds.
    fn find(&self, value: &Value) -> Result<(String, String), &'static str> {
        let Value::Object(members) = value else {
            return Ok(("1".into(), text_of(value)?));
        };
        let fits = |name: &str| match &self.wanted {
            Some(wanted) => plain(name) == *wanted,
            None => is_gtin_name(name),
        };
        let found: Vec<_> = members.iter().filter(|(name, _)| fits(name)).collect();
        match found.as_slice() {
            [(name, value)] => Ok((shortened(name), text_of(value)?)),
            [] => {
                Err("no member is called gtin, ean, upc, jan or barcode; choose one with --column")
            }
            _ => Err("several members could be the GTIN; choose one with --column"),
        }
    }
}

fn text_of(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("the GTIN is neither a string nor a number"),
    }
}
