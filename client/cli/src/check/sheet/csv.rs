//! A report as CSV: one row for each row that was read, the label that decides in columns of its own.
//!
//! Cells that a spreadsheet would take for formulas get an apostrophe in front (`table::push_row`).

use std::io::{self, Write};

use super::Under;
use crate::check::entry::Entry;
use crate::table::push_row;

pub(super) fn begin(out: &mut impl Write) -> io::Result<()> {
    let mut text = String::new();
    push_row(&mut text, COLUMNS);
    out.write_all(text.as_bytes())
}

pub(super) fn row(out: &mut impl Write, entry: &Entry<'_>, under: &Under) -> io::Result<()> {
    let verdict = entry.verdict();
    let judged = entry.judged();
    let labels: Vec<String> = judged
        .map_or(&[][..], |judged| judged.labels())
        .iter()
        .map(|label| {
            let counts = if label.counts {
                ""
            } else {
                " (does not count)"
            };
            format!("{} {}{counts}", label.label, label.verdict.word())
        })
        .collect();
    let decides = judged.and_then(|judged| judged.decisive());
    let age = judged.and_then(|_| under.age.seconds());
    let cells = [
        entry.line.to_string(),
        entry.given.to_owned(),
        entry.gtin().unwrap_or_default().to_owned(),
        verdict.word().to_owned(),
        verdict.exit().code().to_string(),
        entry.error().unwrap_or(entry.says()).to_owned(),
        decides
            .map(|label| label.label.scheme().to_string())
            .unwrap_or_default(),
        decides
            .map(|label| label.label.native().to_string())
            .unwrap_or_default(),
        decides
            .map(|label| label.status.word().to_owned())
            .unwrap_or_default(),
        decides
            .and_then(|label| label.decided_at)
            .map(|at| at.to_string())
            .unwrap_or_default(),
        decides
            .and_then(|label| label.until)
            .map(|end| end.to_string())
            .unwrap_or_default(),
        decides
            .map(|label| label.issuer.clone())
            .unwrap_or_default(),
        decides
            .and_then(|label| label.reason)
            .map(|reason| reason.to_string())
            .unwrap_or_default(),
        labels.join("; "),
        under.as_of.to_string(),
        age.map(|age| age.to_string()).unwrap_or_default(),
    ];
    let mut text = String::new();
    push_row(&mut text, cells.iter().map(String::as_str));
    out.write_all(text.as_bytes())
}

const COLUMNS: [&str; 16] = [
    "line",
    "given",
    "gtin",
    "verdict",
    "exit",
    "says",
    "scheme",
    "id",
    "status",
    "since",
    "until",
    "issuer",
    "reason",
    "labels",
    "as_of",
    "age_seconds",
];
