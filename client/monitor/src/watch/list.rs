//! A watch list: lines of conditions, and which of them an event meets.
//!
//! ```text
//! # our routers, in whatever way
//! gtin 09521234001010
//! scheme jp.jc-star kind label.revoke       one line, all must hold
//! holder gln:9521234000006 reason vulnerability
//! ```
//! Empty lines and what follows `#` are for people. Each word stands once in a line: two products are two lines.

use std::collections::BTreeMap;

use labelproof_core::event::Event;
use thiserror::Error;

use super::condition::{Background, Condition, facts};

/// The lines of a list, found by the rarest condition of each.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    lines: Vec<Vec<Condition>>,
    by_rarest: BTreeMap<Condition, Vec<usize>>,
    needs_background: bool,
}

impl List {
    /// Reads a list.
    ///
    /// # Errors
    /// [`BadLine`], the first.
    pub(super) fn parse(text: &str) -> Result<Self, BadLine> {
        let mut list = Self::default();
        for (place, line) in text.lines().enumerate() {
            let content = line.split_once('#').map_or(line, |(content, _)| content);
            let conditions = conditions(content).map_err(|(at, why)| BadLine {
                line: place + 1,
                column: content[..at].chars().count() + 1,
                why,
            })?;
            let Some(rarest) = conditions.iter().min() else {
                continue;
            };
            if list.lines.len() == MAX_LINES {
                return Err(BadLine {
                    line: place + 1,
                    column: 1,
                    why: Mistake::TooMany,
                });
            }
            list.needs_background |= conditions.iter().any(Condition::needs_background);
            let lines = list.by_rarest.entry(rarest.clone()).or_default();
            lines.push(list.lines.len());
            list.lines.push(conditions);
        }
        Ok(list)
    }

    /// Whether [`List::find`] wants to know what came before an event.
    pub(super) fn needs_background(&self) -> bool {
        self.needs_background
    }

    /// The first line that an event meets, as it is written without comments.
    pub(super) fn find(&self, event: &Event, background: &Background) -> Option<String> {
        let facts = facts(event, background);
        let lines = facts.iter().filter_map(|fact| self.by_rarest.get(fact));
        let met = lines.flatten().filter(|line| {
            let mut conditions = self.lines[**line].iter();
            conditions.all(|condition| facts.contains(condition))
        });
        let words: Vec<String> = self.lines[*met.min()?]
            .iter()
            .map(ToString::to_string)
            .collect();
        Some(words.join(" "))
    }
}

/// The conditions of a line; a mistake comes with the byte it begins at.
fn conditions(line: &str) -> Result<Vec<Condition>, (usize, Mistake)> {
    let mut conditions: Vec<Condition> = Vec::new();
    let mut words = line
        .split_whitespace()
        .map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word));
    // At most seven rounds: a word that comes again is refused.
    while let Some((at, word)) = words.next() {
        let (value_at, value) = words.next().ok_or_else(|| {
            let word = word.to_owned();
            (at, Mistake::NoValue { word })
        })?;
        let condition = Condition::read(word, value).map_err(|why| match why {
            Some(why) => (value_at, Mistake::BadValue { why }),
            None => {
                let word = word.chars().take(MAX_SHOWN).collect();
                (at, Mistake::UnknownWord { word })
            }
        })?;
        let is_same =
            |other: &Condition| std::mem::discriminant(other) == std::mem::discriminant(&condition);
        if conditions.iter().any(is_same) {
            let word = word.to_owned();
            return Err((at, Mistake::Twice { word }));
        }
        conditions.push(condition);
    }
    Ok(conditions)
}

/// A line that is none.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{line}:{column}: {why}")]
pub struct BadLine {
    line: usize,
    column: usize,
    why: Mistake,
}

#[derive(Clone, Debug, Eq, Error, PartialEq)]
enum Mistake {
    #[error("unknown word `{word}`; known are scheme, issuer, holder, gtin, label, reason, kind")]
    UnknownWord { word: String },
    #[error("`{word}` needs a value behind it, as in `gtin 09521234001010`")]
    NoValue { word: String },
    #[error("{why}")]
    BadValue { why: String },
    #[error("`{word}` stands twice, and all of a line must hold; write a line for each")]
    Twice { word: String },
    #[error("a list has at most {MAX_LINES} lines; make two lists of it")]
    TooMany,
}

/// Twice a large shop's assortment.
const MAX_LINES: usize = 100_000;
/// Letters of an unknown word that an error repeats.
const MAX_SHOWN: usize = 32;
