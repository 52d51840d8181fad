//! Tables that people keep in spreadsheets: CSV as RFC 4180 has it, and as the programs really write it.
//!
//! ```text
//! [BOM] [sep=;]                       both may be there
//! subject;body.level;reason.text      header; its separator is the one of , ; tab found most often
//! jp.jc-star/EX-1;1;"one ""two"""     a row; blank lines do not count
//! ```
//! UTF-8 only. A cell may hold line breaks in quotes as long as the row has the header's number of cells;
//! else its quote is taken for a stray one, and the lines after it are rows again. The `csv` packages read
//! on where quotes are wrong and keep a row however long; what is signed for ever is read strictly.
//! What cells mean is for the caller.

mod lines;

use std::{
    collections::VecDeque,
    io::{self, BufRead},
};

use thiserror::Error;

pub(crate) use lines::{Line, Lines};

/// A row with as many cells as the header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Row {
    line: u64,
    cells: Vec<String>,
}

impl Row {
    /// The number of its first line, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Its cells, one for each of the header.
    pub(crate) fn cells(&self) -> &[String] {
        &self.cells
    }
}

/// What stands between two cells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Separator {
    Comma,
    Semicolon,
    Tab,
}

impl Separator {
    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The one most frequent outside quotes; a comma if there is none.
    fn of_header(header: &[u8]) -> Self {
        let count = |wanted: u8| {
            let mut quoted = false;
            let outside = header.iter().filter(|byte| {
                quoted ^= **byte == b'"';
                !quoted && **byte == wanted
            });
            outside.count()
        };
        let mut found = Self::Comma;
        for other in [Self::Semicolon, Self::Tab] {
            if count(other.byte()) > count(found.byte()) {
                found = other;
            }
        }
        found
    }
}

/// The rows of a table, read one after the other.
#[derive(Debug)]
pub(crate) struct Table<R> {
    lines: Lines<R>,
    /// Lines that were read as part of a cell and are rows of their own.
    again: VecDeque<Line>,
    separator: Separator,
    header: Vec<String>,
    header_line: u64,
}

impl<R: BufRead> Table<R> {
    /// Reads the header; names of columns are as written, without spaces around them.
    ///
    /// # Errors
    /// [`TableError::NoHeader`], [`TableError::Utf16`], and those of a row, on the header's line.
    pub(crate) fn open(input: R) -> Result<Self, TableError> {
        let mut lines = Lines::new(input, MAX_ROW_BYTES);
        let mut separator = None;
        loop {
            let Some(line) = lines.next() else {
                return Err(TableError::NoHeader);
            };
            let line = line.map_err(|source| TableError::Io { source })?;
            let number = line.number;
            let too_long = TableError::TooLong {
                line: number,
                limit: MAX_ROW_BYTES,
            };
            let bytes = line.bytes.ok_or(too_long)?;
            if number == 1 && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
                return Err(TableError::Utf16);
            }
            let bytes = match number {
                1 => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes),
                _ => &bytes,
            };
            // A line that spreadsheet programs understand and some write.
            match bytes {
                b"sep=," => separator = Some(Separator::Comma),
                b"sep=;" => separator = Some(Separator::Semicolon),
                b"sep=\t" => separator = Some(Separator::Tab),
                _ if bytes.iter().all(u8::is_ascii_whitespace) => {}
                _ => {
                    let separator = separator.unwrap_or_else(|| Separator::of_header(bytes));
                    let header = match cut(bytes, separator, number)? {
                        Cut::Row(cells) => text(cells, number)?,
                        Cut::Open { column } => {
                            return Err(TableError::Unclosed {
                                line: number,
                                column,
                            });
                        }
                    };
                    let header = header.iter().map(|name| name.trim().to_owned()).collect();
                    return Ok(Self {
                        lines,
                        again: VecDeque::new(),
                        separator,
                        header,
                        header_line: number,
                    });
                }
            }
        }
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The number of the header's line.
    pub(crate) fn header_line(&self) -> u64 {
        self.header_line
    }

    fn line(&mut self) -> Option<Result<Line, TableError>> {
        if let Some(line) = self.again.pop_front() {
            return Some(Ok(line));
        }
        let line = self.lines.next()?;
        Some(line.map_err(|source| TableError::Io { source }))
    }

    /// Reads the row that begins with these bytes.
    fn row(&mut self, first: Vec<u8>, number: u64) -> Result<Row, TableError> {
        let want = self.header.len();
        let column = match cut(&first, self.separator, number)? {
            Cut::Row(cells) if cells.len() == want => {
                let cells = text(cells, number)?;
                return Ok(Row {
                    line: number,
                    cells,
                });
            }
            Cut::Row(cells) => {
                return Err(TableError::Cells {
                    line: number,
                    got: cells.len(),
                    want,
                });
            }
            Cut::Open { column } => column,
        };
        self.longer_row(first, number)
            .unwrap_or(Err(TableError::Unclosed {
                line: number,
                column,
            }))
    }

    /// Reads on to the end of a quoted cell; if no row comes of it, the lines are read again as rows.
    fn longer_row(&mut self, first: Vec<u8>, number: u64) -> Option<Result<Row, TableError>> {
        let mut bytes = first;
        let mut read = Vec::new();
        while read.len() < MAX_LINES_OF_A_ROW
            && let Some(line) = self.line()
        {
            let line = match line {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            let more = line.bytes.clone();
            read.push(line);
            let Some(more) = more.filter(|more| bytes.len() + more.len() < MAX_ROW_BYTES) else {
                break;
            };
            bytes.push(b'\n');
            bytes.extend_from_slice(&more);
            // Only a line with a quote can close a cell.
            if !more.contains(&b'"') {
                continue;
            }
            match cut(&bytes, self.separator, number) {
                Ok(Cut::Row(cells)) if cells.len() == self.header.len() => {
                    let row = text(cells, number).map(|cells| Row {
                        line: number,
                        cells,
                    });
                    return Some(row);
                }
                Ok(Cut::Open { .. }) => {}
                Ok(Cut::Row(_)) | Err(_) => break,
            }
        }
        for line in read.into_iter().rev() {
            self.again.push_front(line);
        }
        None
    }
}

impl<R: BufRead> Iterator for Table<R> {
    type Item = Result<Row, TableError>;

    /// The next row that is not blank; after a bad one, the one below it.
    fn next(&mut self) -> Option<Result<Row, TableError>> {
        loop {
            let line = match self.line()? {
                Ok(line) => line,
                Err(error) => return Some(Err(error)),
            };
            let Some(bytes) = line.bytes else {
                return Some(Err(TableError::TooLong {
                    line: line.number,
                    limit: MAX_ROW_BYTES,
                }));
            };
            // What a spreadsheet leaves of deleted rows: separators alone.
            let separator = self.separator.byte();
            if bytes
                .iter()
                .any(|byte| *byte != separator && !byte.is_ascii_whitespace())
            {
                return Some(self.row(bytes, line.number));
            }
        }
    }
}

/// What a text is, cut at its separators.
enum Cut {
    Row(Vec<Vec<u8>>),
    /// A quote that is still open at the end, in this column from 1.
    Open {
        column: usize,
    },
}

fn cut(bytes: &[u8], separator: Separator, line: u64) -> Result<Cut, TableError> {
    let separator = separator.byte();
    let mut cells = Vec::new();
    let mut rest = bytes;
    loop {
        let column = cells.len() + 1;
        let (cell, after) = match rest.strip_prefix(b"\"") {
            None => {
                let end = rest.iter().position(|byte| *byte == separator);
                let end = end.unwrap_or(rest.len());
                (rest[..end].to_vec(), &rest[end..])
            }
            Some(quoted) => match unquoted(quoted) {
                Some(found) => found,
                None => return Ok(Cut::Open { column }),
            },
        };
        cells.push(cell);
        match after.split_first() {
            None => return Ok(Cut::Row(cells)),
            Some((byte, after)) if *byte == separator => rest = after,
            Some(_) => return Err(TableError::AfterQuote { line, column }),
        }
    }
}

/// A quoted cell behind its first quote, and what follows it.
fn unquoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut cell = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == b'"')?;
        cell.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(b"\"") {
            Some(after) => {
                cell.push(b'"');
                rest = after;
            }
            None => return Some((cell, rest)),
        }
    }
}

fn text(cells: Vec<Vec<u8>>, line: u64) -> Result<Vec<String>, TableError> {
    let numbered = cells.into_iter().zip(1..);
    numbered
        .map(|(cell, column)| {
            String::from_utf8(cell).map_err(|_| TableError::NotUtf8 { line, column })
        })
        .collect()
}

/// Why a table, or a row of it, cannot be read.
#[derive(Debug, Error)]
pub(crate) enum TableError {
    /// No line with names of columns.
    #[error("no header: the first line names the columns")]
    NoHeader,
    /// Another encoding.
    #[error("the file is UTF-16; save it as \"CSV UTF-8\"")]
    Utf16,
    /// A row over the limit; it was passed over.
    #[error("line {line} has more than {limit} bytes")]
    TooLong { line: u64, limit: usize },
    /// Bytes that are no text.
    #[error("line {line}, column {column}: not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8 { line: u64, column: usize },
    /// A quote without its second.
    #[error("line {line}, column {column}: the quote at the start of the cell is never closed")]
    Unclosed { line: u64, column: usize },
    /// Text between a closing quote and the separator.
    #[error(
        "line {line}, column {column}: text after the closing quote; a quote within a quoted cell is written twice"
    )]
    AfterQuote { line: u64, column: usize },
    /// Another number of cells than the header has.
    #[error(
        "line {line} has {got} cells, the header {want}; a cell that holds the separator is quoted"
    )]
    Cells { line: u64, got: usize, want: usize },
    /// The machine could not read on.
    #[error("cannot read on")]
    Io { source: io::Error },
}

impl TableError {
    /// The line it is about.
    pub(crate) fn line(&self) -> Option<u64> {
        match self {
            Self::NoHeader | Self::Utf16 | Self::Io { .. } => None,
            Self::TooLong { line, .. }
            | Self::NotUtf8 { line, .. }
            | Self::Unclosed { line, .. }
            | Self::AfterQuote { line, .. }
            | Self::Cells { line, .. } => Some(*line),
        }
    }

    /// The column it is about, from 1.
    pub(crate) fn column(&self) -> Option<usize> {
        match self {
            Self::NotUtf8 { column, .. }
            | Self::Unclosed { column, .. }
            | Self::AfterQuote { column, .. } => Some(*column),
            Self::NoHeader
            | Self::Utf16
            | Self::TooLong { .. }
            | Self::Cells { .. }
            | Self::Io { .. } => None,
        }
    }
}

/// Whether a spreadsheet program would take the cell for a formula.
pub(crate) fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// Adds a row to a table that a spreadsheet program opens without running anything in it.
///
/// A cell that it would take for a formula gets an apostrophe in front.
pub(crate) fn push_row<'a>(table: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            table.push(',');
        }
        let mark = if is_formula(cell) { "'" } else { "" };
        if cell.contains(['"', ',', ';', '\n', '\r', '\t']) {
            table.push('"');
            table.push_str(mark);
            table.push_str(&cell.replace('"', "\"\""));
            table.push('"');
        } else {
            table.push_str(mark);
            table.push_str(cell);
        }
    }
    table.push_str("\r\n");
}

/// An event has at most 16 KiB; as cells with notes beside them not sixteen times as many.
pub(crate) const MAX_ROW_BYTES: usize = 256 << 10;
/// A description in a cell has a few paragraphs; a quote that is open longer was never meant as one.
const MAX_LINES_OF_A_ROW: usize = 256;

#[cfg(test)]
mod tests;
