//! Rules: what an alert was raised by, and how loud it is.
//!
//! ```text
//! watch:<name of a list> · not-mine                                       events of the log
//! fork · back-dated · wrong-head · bad-entry                              evidence
//! head-went-back · quorum-lost · stale · tile · deadline-passed · not-logged   observations
//! blind · sees-again · canary-silent · canary-back · daily                 the monitor itself
//! ```

use std::{fmt, str::FromStr};

use labelproof_core::evidence::Claim;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::Name;

/// What raised an alert.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rule {
    /// An event that a watch list names.
    Watch(Name),
    /// An event that my key signed, and I did not.
    NotMine,
    /// The log signed two histories.
    Fork,
    /// A later state head of the log has an earlier clock.
    BackDated,
    /// A state head of the log is not what its entries give.
    WrongHead,
    /// An entry of the log breaks a rule.
    BadEntry,
    /// The source shows an older head than before.
    HeadWentBack,
    /// Too few witnesses cosign.
    QuorumLost,
    /// The newest witnessed head is old.
    Stale,
    /// A tile is missing or wrong.
    Tile,
    /// An event with a receipt is not in the log in time.
    DeadlinePassed,
    /// A signed event that takes away was handed in and is not in the log.
    NotLogged,
    /// The monitor cannot see.
    Blind,
    /// It sees again.
    SeesAgain,
    /// The event that should come each day did not.
    CanarySilent,
    /// It came again.
    CanaryBack,
    /// The verdict of the day.
    Daily,
}

impl Rule {
    const WORDS: [(Self, &'static str); 16] = [
        (Self::NotMine, "not-mine"),
        (Self::Fork, "fork"),
        (Self::BackDated, "back-dated"),
        (Self::WrongHead, "wrong-head"),
        (Self::BadEntry, "bad-entry"),
        (Self::HeadWentBack, "head-went-back"),
        (Self::QuorumLost, "quorum-lost"),
        (Self::Stale, "stale"),
        (Self::Tile, "tile"),
        (Self::DeadlinePassed, "deadline-passed"),
        (Self::NotLogged, "not-logged"),
        (Self::Blind, "blind"),
        (Self::SeesAgain, "sees-again"),
        (Self::CanarySilent, "canary-silent"),
        (Self::CanaryBack, "canary-back"),
        (Self::Daily, "daily"),
    ];

    /// The rule of evidence with this claim.
    #[must_use]
    pub fn of_claim(claim: Claim) -> Self {
        match claim {
            Claim::Fork => Self::Fork,
            Claim::BackDated => Self::BackDated,
            Claim::WrongHead => Self::WrongHead,
            Claim::BadEntry => Self::BadEntry,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Watch(list) = self {
            return write!(f, "{WATCH}{list}");
        }
        let word = Self::WORDS.iter().find(|(rule, _)| rule == self);
        f.write_str(word.expect("every other rule has a word").1)
    }
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(text: &str) -> Result<Self, UnknownRule> {
        if let Some(list) = text.strip_prefix(WATCH) {
            return list.parse().map(Self::Watch).map_err(|_| UnknownRule);
        }
        let known = Self::WORDS.iter().find(|(_, word)| *word == text);
        known.map(|(rule, _)| rule.clone()).ok_or(UnknownRule)
    }
}

impl TryFrom<String> for Rule {
    type Error = UnknownRule;

    fn try_from(text: String) -> Result<Self, UnknownRule> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}

/// How loud an alert is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well, or is well again.
    Info,
    /// What a watch list asks for.
    Notice,
    /// Somebody should look today: an observation, a blind monitor, a watched event that takes something away.
    Warning,
    /// Somebody should look now: evidence, or an event that is not mine.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        })
    }
}

/// The text is no rule of this version.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a rule of this version")]
pub struct UnknownRule;

const WATCH: &str = "watch:";
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_as_they_are_written() {
        let mut rules: Vec<Rule> = Rule::WORDS.iter().map(|(rule, _)| rule.clone()).collect();
        rules.push(Rule::Watch("recalls-2026".parse().unwrap()));
        for rule in rules {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        for wrong in [
            "",
            "watch",
            "watch:",
            "watch:A",
            "Fork",
            "fork ",
            "watch:a b",
        ] {
            assert_eq!(wrong.parse::<Rule>(), Err(UnknownRule), "{wrong:?}");
        }
    }
}
