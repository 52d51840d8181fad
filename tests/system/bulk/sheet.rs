//! A spreadsheet of labels, as an office would keep it.

use labelproof_tests::world;
use serde_json::Value;

/// Columns and the cells of each row.
#[derive(Clone)]
pub(super) struct Sheet {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Sheet {
    /// A row for each of these labels; `issue_draft` flattened.
    pub(super) fn of(labels: &[String]) -> Self {
        let mut sheet = Self {
            header: Vec::new(),
            rows: Vec::new(),
        };
        for label in labels {
            let mut cells = Vec::new();
            flatten(&world::issue_draft(label), String::new(), &mut cells);
            sheet.header = cells.iter().map(|(name, _)| name.clone()).collect();
            sheet
                .rows
                .push(cells.into_iter().map(|(_, cell)| cell).collect());
        }
        sheet
    }

    /// Labels `EX-<first>` and so on.
    pub(super) fn numbered(first: usize, count: usize) -> Self {
        let labels = (first..first + count).map(|number| format!("jp.jc-star/EX-{number}"));
        Self::of(&labels.collect::<Vec<_>>())
    }

    /// A sheet from rows with commas, the header first.
    pub(super) fn plain(text: &str) -> Self {
        let mut lines = text
            .lines()
            .map(|line| line.trim().split(',').map(str::to_owned).collect());
        Self {
            header: lines.next().unwrap(),
            rows: lines.collect(),
        }
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> usize {
        let found = self.header.iter().position(|other| other == name);
        found.unwrap_or_else(|| panic!("no column {name} in {:?}", self.header))
    }

    /// Sets a cell.
    pub(super) fn set(&mut self, row: usize, column: &str, cell: &str) {
        let column = self.column(column);
        cell.clone_into(&mut self.rows[row][column]);
    }

    /// As CSV with commas.
    pub(super) fn csv(&self) -> String {
        self.written(",", "\n")
    }

    /// With a separator and an end of line.
    pub(super) fn written(&self, separator: &str, end: &str) -> String {
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            text.push_str(&cells.join(separator));
            text.push_str(end);
        }
        text
    }
}

fn quoted(cell: &str) -> String {
    match cell.contains(['"', ',', ';', '\t', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

fn flatten(value: &Value, name: String, cells: &mut Vec<(String, String)>) {
    let below = |step: &str| match name.is_empty() {
        true => step.to_owned(),
        false => format!("{name}.{step}"),
    };
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                flatten(value, below(member), cells);
            }
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            for (place, element) in elements.iter().enumerate() {
                flatten(element, below(&place.to_string()), cells);
            }
        }
        Value::Array(elements) => {
            let words: Vec<&str> = elements.iter().filter_map(Value::as_str).collect();
            cells.push((name, words.join(";")));
        }
        Value::String(text) => cells.push((name, text.clone())),
        other => cells.push((name, other.to_string())),
    }
}
