//! One row of a report, and how many there are of each kind.

use std::collections::BTreeMap;

use labelproof_core::event::Gtin14;
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::product::{Judged, Verdict};

/// One row that was read, and its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) line: u64,
    pub(super) given: &'a str,
    pub(super) answer: Answer<'a>,
}

/// What can be said of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer<'a> {
    Judged(&'a Judged),
    NotInPack(&'a Gtin14),
    NotAGtin(&'a str),
}

impl<'a> Entry<'a> {
    pub(super) fn verdict(&self) -> Verdict {
        match self.answer {
            Answer::Judged(judged) => judged.verdict(),
            Answer::NotInPack(_) => Verdict::NotInPack,
            Answer::NotAGtin(_) => Verdict::NotAGtin,
        }
    }

    pub(super) fn gtin(&self) -> Option<&'a str> {
        match self.answer {
            Answer::Judged(judged) => Some(judged.gtin().as_str()),
            Answer::NotInPack(gtin) => Some(gtin.as_str()),
            Answer::NotAGtin(_) => None,
        }
    }

    pub(super) fn judged(&self) -> Option<&'a Judged> {
        match self.answer {
            Answer::Judged(judged) => Some(judged),
            Answer::NotInPack(_) | Answer::NotAGtin(_) => None,
        }
    }

    /// What is wrong with the row itself.
    pub(super) fn error(&self) -> Option<&'a str> {
        match self.answer {
            Answer::NotAGtin(error) => Some(error),
            Answer::Judged(_) | Answer::NotInPack(_) => None,
        }
    }

    /// The verdict in a sentence; empty where the error says it.
    pub(super) fn says(&self) -> &'a str {
        match self.answer {
            Answer::Judged(judged) => judged.says(),
            Answer::NotInPack(_) => Verdict::NotInPack.says(),
            Answer::NotAGtin(_) => "",
        }
    }
}

/// Rows of each verdict.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(BTreeMap<Verdict, u64>);

impl Tally {
    pub(super) fn add(&mut self, verdict: Verdict) {
        *self.0.entry(verdict).or_default() += 1;
    }

    pub(super) fn rows(&self) -> u64 {
        self.0.values().sum()
    }

    /// Verdicts that occur, with their rows.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Verdict, u64)> {
        self.0.iter().map(|(verdict, rows)| (*verdict, *rows))
    }

    /// The exit of the worst row; no rows are a failure, never success.
    pub(super) fn exit(&self) -> Exit {
        Exit::worst(self.0.keys().map(|verdict| verdict.exit())).unwrap_or(Exit::Malformed)
    }

    /// Every verdict with its rows, also those that do not occur.
    pub(super) fn json(&self) -> Value {
        let rows = |verdict| self.0.get(&verdict).copied().unwrap_or_default();
        let counts = Verdict::ALL.map(|verdict| (verdict.word().to_owned(), json!(rows(verdict))));
        Value::Object(counts.into_iter().collect())
    }
}
