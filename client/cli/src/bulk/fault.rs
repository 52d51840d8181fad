//! What is wrong with a file, and where: line, column, the column's name.
//!
//! ```text
//! line 17, column 5 (body.level): no level "star9" …
//! ```

use std::fmt;

use labelproof_host::exit::Exit;
use serde_json::{Value, json};

/// Something in a file that keeps a row, or the whole file, from being used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) line: u64,
    /// From 1; none where the fault is of no single cell.
    pub(crate) column: Option<usize>,
    /// The header of the cell, or in JSON the pointer of the member.
    pub(crate) name: Option<String>,
    pub(crate) subject: Option<String>,
    /// A stable word.
    pub(crate) code: String,
    pub(crate) what: String,
    pub(crate) exit: Exit,
}

impl Fault {
    /// A fault of a line, which is malformed unless said otherwise.
    pub(crate) fn new(line: u64, code: &str, what: impl Into<String>) -> Self {
        Self {
            line,
            column: None,
            name: None,
            subject: None,
            code: code.into(),
            what: what.into(),
            exit: Exit::Malformed,
        }
    }

    /// In this column, counted from 0, under this name.
    pub(crate) fn at(mut self, column: Option<usize>, name: impl Into<String>) -> Self {
        self.column = column.map(|column| column + 1);
        self.name = Some(name.into());
        self
    }

    /// About this label.
    pub(crate) fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// With this exit.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "line": self.line, "column": self.column, "name": self.name, "subject": self.subject,
            "code": self.code, "error": self.what,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        match (self.column, &self.name) {
            (Some(column), Some(name)) => write!(f, ", column {column} ({name})")?,
            (Some(column), None) => write!(f, ", column {column}")?,
            (None, Some(name)) => write!(f, ", {name}")?,
            (None, None) => {}
        }
        write!(f, ": {}", self.what)
    }
}
