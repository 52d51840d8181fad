//! Assortments: lists of product numbers, as shops and their systems write them.
//!
//! ```text
//! article;ean;shelf            CSV: UTF-8 with or without BOM; comma, semicolon or tab; a header that names the
//! Router;9521234001010;12      column, or one column without a header; quotes as in RFC 4180
//! {"gtin":"9521234001010"}     JSON lines (.jsonl, .ndjson, or a first byte '{'): objects, strings or numbers
//! ```
//! A row that cannot be read is one wrong row at its line, and the next is read. What spoils the whole file, such
//! as no column of numbers, is an [`AssortmentError`].
//! The grammar of CSV, and how long a row may be, is `table`'s.

mod column;
mod json;

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use labelproof_core::{event::Gtin14, gs1::GtinError};

use crate::table::{Lines, MAX_ROW_BYTES, Table, TableError};

pub(crate) use column::Column;
use column::{Found, find};
use json::Members;

/// One row: where it stands, what was written, and which product that is.
#[derive(Debug)]
pub(crate) struct Row {
    /// Where the row begins, from 1.
    pub(crate) line: u64,
    /// What stands in the column, shortened; empty if that cannot be told.
    pub(crate) given: String,
    /// The product.
    pub(crate) gtin: Result<Gtin14, RowError>,
}

/// Why a row names no product.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// The number in it is none.
    #[error("line {line}, column {column}: {source}")]
    Gtin {
        line: u64,
        column: String,
        source: GtinError,
    },
    /// Not JSON, or not what a line may be.
    #[error("line {line}, column {column}: {what}")]
    Json {
        line: u64,
        column: usize,
        what: String,
    },
    /// Not a row of the table.
    #[error(transparent)]
    Table(TableError),
}

/// Why a whole file cannot be read any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum AssortmentError {
    /// Several columns could be the one.
    #[error("line {line}: columns {} could each hold the GTINs", .found.join(" and "))]
    Ambiguous { line: u64, found: Vec<String> },
    /// It does not hold a row.
    #[error("there is no row in it")]
    Empty,
    /// It cannot be read.
    #[error("cannot be read")]
    Files(#[source] io::Error),
    /// No column has a name that means GTIN.
    #[error("line {line}: no column is called gtin, ean, upc, jan or barcode; there are {}", .found.join(", "))]
    NoColumn { line: u64, found: Vec<String> },
    /// The column that was asked for.
    #[error("line {line}: there is no column {wanted}; there are {}", .found.join(", "))]
    NoSuchColumn {
        line: u64,
        wanted: String,
        found: Vec<String>,
    },
    /// Not a kind of file that is read here.
    #[error("{what}")]
    OtherKind { what: &'static str },
    /// Its first row is no header.
    #[error(transparent)]
    Table(TableError),
    /// More rows than are taken.
    #[error("line {line}: more than {MAX_ROWS} rows; check it in parts")]
    TooMany { line: u64 },
}

/// The rows of a file, one after the other.
#[derive(Debug)]
pub(crate) struct Rows<R: Read> {
    source: Source<BufReader<R>>,
    rows: u64,
    ended: bool,
}

#[derive(Debug)]
enum Source<R> {
    Table {
        table: Table<R>,
        /// The first row, if it was a product and not a header.
        waiting: Option<Row>,
        place: usize,
        column: String,
    },
    Json {
        lines: Lines<R>,
        members: Members,
    },
}

impl<R: Read> Rows<R> {
    /// Looks at the beginning of a file and finds the column of numbers.
    ///
    /// # Errors
    /// [`AssortmentError`] if it cannot be found.
    pub(crate) fn open(
        read: R,
        name: &Path,
        column: Option<&Column>,
    ) -> Result<Self, AssortmentError> {
        let mut read = BufReader::with_capacity(BUFFER_BYTES, read);
        let start = read.fill_buf().map_err(AssortmentError::Files)?;
        if let Some(what) = other_kind(start) {
            return Err(AssortmentError::OtherKind { what });
        }
        let marked = start.starts_with(BOM);
        let text = start.strip_prefix(BOM).unwrap_or(start);
        let ending = name.extension().and_then(|ending| ending.to_str());
        let is_json = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => {
                return Err(AssortmentError::OtherKind {
                    what: "a JSON array; write one value a line",
                });
            }
            Some(b'{') => true,
            _ => matches!(ending, Some("jsonl" | "ndjson")),
        };
        let source = if is_json {
            if marked {
                read.consume(BOM.len());
            }
            Source::Json {
                lines: Lines::new(read, MAX_ROW_BYTES),
                members: Members::new(column)?,
            }
        } else {
            Source::table(read, column)?
        };
        Ok(Self {
            source,
            rows: 0,
            ended: false,
        })
    }
}

impl<R: BufRead> Source<R> {
    fn table(read: R, column: Option<&Column>) -> Result<Self, AssortmentError> {
        let table = Table::open(read).map_err(|error| match error {
            TableError::NoHeader => AssortmentError::Empty,
            TableError::Io { source } => AssortmentError::Files(source),
            other => AssortmentError::Table(other),
        })?;
        let first = table.header();
        let line = table.header_line();
        if first.iter().any(|name| name.contains('\r')) {
            return Err(AssortmentError::OtherKind {
                what: "rows end in a carriage return alone; save it with usual line ends",
            });
        }
        let Found { place, header } = find(first, line, column)?;
        let number = place + 1;
        let (waiting, column) = if header {
            (None, format!("{number} ({})", shortened(&first[place])))
        } else {
            let column = number.to_string();
            (Some(row_of(&first[place], line, || column.clone())), column)
        };
        Ok(Self::Table {
            table,
            waiting,
            place,
            column,
        })
    }

    fn next(&mut self) -> Option<Result<Row, AssortmentError>> {
        let row = match self {
            Self::Table {
                table,
                waiting,
                place,
                column,
            } => match waiting.take() {
                Some(row) => row,
                None => match table.next()? {
                    Ok(row) => row_of(&row.cells()[*place], row.line(), || column.clone()),
                    Err(TableError::Io { source }) => {
                        return Some(Err(AssortmentError::Files(source)));
                    }
                    Err(error) => Row {
                        line: error.line().unwrap_or_default(),
                        given: String::new(),
                        gtin: Err(RowError::Table(error)),
                    },
                },
            },
            Self::Json { lines, members } => loop {
                match lines.next()? {
                    Ok(line) => {
                        if let Some(row) = members.row(line) {
                            break row;
                        }
                    }
                    Err(error) => return Some(Err(AssortmentError::Files(error))),
                }
            },
        };
        Some(Ok(row))
    }
}

impl<R: Read> Iterator for Rows<R> {
    type Item = Result<Row, AssortmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut next = self.source.next()?;
        self.rows += 1;
        if let (Ok(row), true) = (&next, self.rows > MAX_ROWS) {
            next = Err(AssortmentError::TooMany { line: row.line });
        }
        self.ended = next.is_err();
        Some(next)
    }
}

/// What a file is that is no text of rows; the commonest mistakes by name.
fn other_kind(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        Some("UTF-16 text; save it as CSV in UTF-8")
    } else if start.starts_with(b"PK\x03\x04") {
        Some("a workbook or an archive; save the sheet as CSV in UTF-8")
    } else if start.contains(&0) {
        Some("not text: there is a zero byte in it; save it as CSV in UTF-8")
    } else {
        None
    }
}

/// The product in what was written; `column` is how a person finds the place.
fn row_of(text: &str, line: u64, column: impl FnOnce() -> String) -> Row {
    let gtin = match Gtin14::from_scan(text) {
        Ok(scanned) => Ok(scanned.gtin().clone()),
        Err(source) => Err(RowError::Gtin {
            line,
            column: column(),
            source,
        }),
    };
    Row {
        line,
        given: shortened(text),
        gtin,
    }
}

/// The beginning of what was written, for a report.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_GIVEN_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// What is taken from the file at once.
const BUFFER_BYTES: usize = 64 << 10;

/// The byte order mark that spreadsheets put first.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The longest part of a wrong value that a report repeats: longer than any link on a box.
const MAX_GIVEN_CHARS: usize = 200;

/// Ten of the largest assortments in one file; a number to notice a runaway pipe by.
const MAX_ROWS: u64 = 1_000_000;

#[cfg(test)]
mod tests;
