//! A report as one JSON object: what is true of all rows, the rows a line each, their counts.

use std::io::{self, Write};

use labelproof_host::exit::Exit;
use serde::Serialize;
use serde_json::{Value, json};

use super::Under;
use crate::check::entry::{Entry, Tally};
use crate::product::{Judged, LabelMembers};
use crate::report::meaning;

pub(super) fn begin(out: &mut impl Write, under: &Under) -> io::Result<()> {
    let mut head = json!({ "version": VERSION, "report": "labelproof-check" });
    if let (Value::Object(head), Value::Object(more)) = (&mut head, under.json()) {
        head.extend(more);
    }
    let text = head.to_string();
    // The object stays open for its rows.
    let open = text.strip_suffix('}').expect("an object ends with a brace");
    write!(out, "{open},\"rows\":[")
}

pub(super) fn row(
    out: &mut impl Write,
    entry: &Entry<'_>,
    under: &Under,
    first: bool,
) -> io::Result<()> {
    let verdict = entry.verdict();
    let row = Row {
        age_seconds: entry.judged().and_then(|_| under.age.seconds()),
        error: entry.error(),
        exit: verdict.exit().code(),
        given: entry.given,
        gtin: entry.gtin(),
        labels: entry.judged().map_or_else(Vec::new, Judged::label_members),
        line: entry.line,
        says: entry.says(),
        verdict: verdict.word(),
    };
    out.write_all(if first { b"\n" } else { b",\n" })?;
    serde_json::to_writer(out, &row).map_err(io::Error::from)
}

/// A row of the report, its members by name.
#[derive(Serialize)]
struct Row<'a> {
    age_seconds: Option<u64>,
    error: Option<&'a str>,
    exit: u8,
    given: &'a str,
    gtin: Option<&'a str>,
    labels: Vec<LabelMembers<'a>>,
    line: u64,
    says: &'a str,
    verdict: &'static str,
}

pub(super) fn end(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    let exit: Exit = tally.exit();
    let tail = json!({
        "counts": tally.json(), "row_count": tally.rows(), "exit": exit.code(), "meaning": meaning(exit),
    });
    let text = tail.to_string();
    let inner = text
        .strip_prefix('{')
        .expect("an object begins with a brace");
    writeln!(out, "\n],{inner}")
}

/// Rises when a member changes its meaning or goes.
const VERSION: u32 = 1;
