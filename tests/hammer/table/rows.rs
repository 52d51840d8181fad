//! Rows: what was measured, what it is read against, whether it is what was wanted.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use crate::limits::Limits;
use crate::run::Measured;

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    what: String,
    measured: String,
    value: f64,
    /// What it is read against, and how many times that it is.
    beside: String,
    goal: String,
    holds: Option<bool>,
    p99_ms: f64,
}

/// All of them, in the order in which they were measured.
#[derive(Debug)]
pub(crate) struct Rows {
    rows: Vec<Row>,
}

impl Row {
    fn new(what: impl Into<String>, measured: String, value: f64) -> Self {
        Self {
            what: what.into(),
            measured,
            value,
            beside: String::new(),
            goal: String::new(),
            holds: None,
            p99_ms: f64::NAN,
        }
    }

    /// A part that could not be measured.
    pub(crate) fn failed(what: &str, why: &str) -> Self {
        let why = why.replace(['\n', '|'], " ");
        Self {
            holds: Some(false),
            ..Self::new(what, format!("not measured: {why}"), f64::NAN)
        }
    }

    /// A run of requests.
    pub(crate) fn rate(what: impl Into<String>, measured: &Measured) -> Self {
        let outcome = &measured.outcome;
        let mut text = format!(
            "{}/s · p50 {} · p99 {}",
            count(outcome.rate()),
            millis(outcome.percentile_ms(50.0)),
            millis(outcome.percentile_ms(99.0)),
        );
        if measured.cpu_us.is_finite() {
            text.push_str(&format!(" · {:.0} µs of server CPU", measured.cpu_us));
        }
        if outcome.sheds() + outcome.failures() > 0 {
            text.push_str(&format!(
                " · {} shed, {} failed",
                outcome.sheds(),
                outcome.failures()
            ));
        }
        let mut row = Self::new(what, text, outcome.rate());
        row.p99_ms = outcome.percentile_ms(99.0);
        if outcome.failures() > 0 {
            row.holds = Some(false);
        }
        row
    }

    /// A run of requests at somebody else's server: nothing is wanted of it.
    pub(crate) fn peer(what: &str, measured: &Measured) -> Self {
        let mut row = Self::rate(what, measured);
        if let Some(usage) = measured.usage {
            row.measured
                .push_str(&format!(" · {:.0} MiB", usage.peak_mib));
        }
        row.holds = None;
        row
    }

    /// An amount of which less is better.
    pub(crate) fn amount(
        what: impl Into<String>,
        value: Option<f64>,
        unit: &str,
        most: f64,
    ) -> Self {
        let Some(value) = value else {
            return Self::failed(&what.into(), "the process was gone");
        };
        let digits = usize::from(value < 100.0);
        let mut row = Self::new(what, format!("{value:.digits$} {unit}"), value);
        row.goal = format!("≤ {most} {unit}");
        row.demand(value <= most);
        row
    }

    /// An amount that is only said.
    pub(crate) fn said(what: impl Into<String>, value: f64, text: String) -> Self {
        Self::new(what, text, value)
    }

    /// Something that holds or does not.
    pub(crate) fn wanted(what: impl Into<String>, text: String, goal: &str, holds: bool) -> Self {
        let mut row = Self::new(what, text, f64::NAN);
        row.add_goal(goal);
        row.demand(holds);
        row
    }

    /// Wants at least `times` what somebody else did in this run.
    pub(crate) fn beside(mut self, whom: &str, rate: Option<f64>, times: f64) -> Self {
        let Some(rate) = rate.filter(|rate| *rate > 0.0) else {
            self.beside = format!("{whom}: not measured");
            self.goal = format!("≥ {times} ×");
            return self;
        };
        let ratio = self.value / rate;
        self.beside = format!("{ratio:.2} × {whom} ({}/s)", count(rate));
        self.goal = format!("≥ {times} ×");
        self.demand(ratio >= times);
        self
    }

    /// Wants at least so many a second.
    pub(crate) fn at_least(mut self, least: f64) -> Self {
        self.add_goal(&format!("≥ {}/s", count(least)));
        let holds = self.value >= least;
        self.demand(holds);
        self
    }

    /// Wants a 99th percentile of at most so many milliseconds.
    pub(crate) fn p99_at_most(mut self, most_ms: f64) -> Self {
        self.add_goal(&format!("p99 ≤ {most_ms} ms"));
        let holds = self.p99_ms <= most_ms;
        self.demand(holds);
        self
    }

    fn add_goal(&mut self, goal: &str) {
        if !self.goal.is_empty() {
            self.goal.push_str(", ");
        }
        self.goal.push_str(goal);
    }

    fn demand(&mut self, holds: bool) {
        self.holds = Some(self.holds.unwrap_or(true) && holds);
    }

    fn verdict(&self) -> &'static str {
        match self.holds {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "  {:<44} {}  {}  {} {}",
            self.what,
            self.measured,
            self.beside,
            self.goal,
            self.verdict()
        )
    }
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn all_hold(&self) -> bool {
        self.rows.iter().all(|row| row.holds != Some(false))
    }

    fn table(&self) -> String {
        let mut text = String::from(
            "| what | measured | beside, in this run | goal | |\n| --- | --- | --- | --- | --- |\n",
        );
        for row in &self.rows {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                row.what,
                row.measured,
                row.beside,
                row.goal,
                row.verdict()
            ));
        }
        text
    }
}

/// The limits, as rows.
pub(crate) fn limits(limits: &Limits) -> Vec<Row> {
    [
        ("limit: leaf hashes of 700 B, one core", limits.leaf_hashes),
        ("limit: node hashes, one core", limits.node_hashes),
        (
            "limit: strict Ed25519 verifications, one core",
            limits.verifications,
        ),
        ("limit: Ed25519 signatures, one core", limits.signatures),
        (
            "limit: durable appends of 100 B, one after the other",
            limits.durable_appends,
        ),
    ]
    .into_iter()
    .map(|(what, rate)| Row::said(what, rate, format!("{}/s", count(rate))))
    .collect()
}

/// Prints the table, and puts it into the file between its two marks; a file that is not there gets the table alone.
pub(crate) fn write(rows: &Rows, out: Option<&Path>) -> io::Result<()> {
    let table = rows.table();
    println!("{table}");
    let Some(out) = out else {
        return Ok(());
    };
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", out.display()));
    let old = match fs::read_to_string(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => format!("{BEGIN}{END}\n"),
        old => old.map_err(named)?,
    };
    let marked = old
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = marked else {
        let text = format!("{} lacks the lines {BEGIN} and {END}", out.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    fs::write(out, format!("{before}{BEGIN}\n\n{table}\n{END}{after}")).map_err(named)
}

fn count(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.2} M", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.1} k", rate / 1e3),
        rate => format!("{rate:.0}"),
    }
}

fn millis(ms: f64) -> String {
    if ms < 10.0 {
        format!("{ms:.2} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

const BEGIN: &str = "<!-- table: begin -->";
const END: &str = "<!-- table: end -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_not_measured_is_missed_and_breaks_no_table() {
        let mut rows = Rows::new();
        rows.add(Row::failed("part", "a | b\nc"));
        assert!(!rows.all_hold());
        let table = rows.table();
        assert!(table.ends_with("| part | not measured: a   b c |  |  | **missed** |\n"));
    }

    #[test]
    fn a_ratio_decides() {
        let row = |times| Row::new("x", String::new(), 10.0).beside("peer", Some(4.0), times);
        assert_eq!(row(2.5).holds, Some(true));
        assert_eq!(row(2.6).holds, Some(false));
        assert_eq!(row(2.5).at_least(11.0).holds, Some(false));
        assert_eq!(
            Row::new("x", String::new(), 1.0)
                .beside("peer", None, 2.0)
                .holds,
            None
        );
    }

    #[test]
    fn the_table_goes_between_the_marks() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("t.md");
        fs::write(&file, format!("a\n{BEGIN}\nold\n{END}\nz\n")).unwrap();
        let mut rows = Rows::new();
        rows.add(Row::said("x", 1.0, "1".to_owned()));
        write(&rows, Some(&file)).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("a\n") && text.ends_with("\nz\n"));
        assert!(text.contains("| x | 1 |") && !text.contains("old"));
        fs::write(&file, "no marks").unwrap();
        assert!(write(&rows, Some(&file)).is_err());
        fs::remove_file(&file).unwrap();
        for _ in 0..2 {
            write(&rows, Some(&file)).unwrap();
        }
        let made = fs::read_to_string(&file).unwrap();
        assert_eq!(made.matches("| x | 1 |").count(), 1);
        let error = write(&rows, Some(&file.join("t.md"))).unwrap_err();
        assert!(error.to_string().contains("t.md"));
    }
}
