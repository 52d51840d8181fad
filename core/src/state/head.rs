//! State heads: the entry that commits to the state of all entries before it.
//!
//! ```text
//! labelproof-state/v1
//! labels.g7.example           origin
//! KZ5XpY…=                    leaf hash of entry 0, base64
//! 4711                        n: how many entries it covers, and its own index
//! 3zvPq0…=                    root of the map, base64
//! RGXYna…=                    root of the status list, base64
//! 204                         accepted label issues so far
//! state/0.2                   the state function
//! 1775033400123               the log's clock, Unix milliseconds
//! ```
//! Every line ends with a newline and nothing follows; at most 1,024 bytes. The head of a checkpoint
//! of size C is its entry C − 1. That the roots are right belongs to the state function.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::map::MapRoot;
use crate::checkpoint::Origin;
use crate::merkle::{LeafHash, LeafIndex, RootHash};
use crate::text::{parse_base64_array, parse_decimal};

/// What a log claims of its first `n` entries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StateHead {
    origin: Origin,
    genesis: LeafHash,
    index: LeafIndex,
    map_root: MapRoot,
    list_root: RootHash,
    issues: u64,
    rules: Rules,
    clock_ms: u64,
}

/// The parts of a [`StateHead`] that the state function computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StateRoots {
    /// Root of the map.
    pub map_root: MapRoot,
    /// Root of the status list.
    pub list_root: RootHash,
    /// Accepted label issues so far.
    pub issues: u64,
}

impl StateHead {
    /// States the roots after `index` entries, under the rules of this program.
    ///
    /// # Panics
    /// If the head would be longer than [`MAX_HEAD_BYTES`]: an origin is a key's name, at most 255 bytes.
    #[must_use]
    pub fn new(
        origin: Origin,
        genesis: LeafHash,
        index: LeafIndex,
        roots: StateRoots,
        clock_ms: u64,
    ) -> Self {
        let head = Self {
            origin,
            genesis,
            index,
            map_root: roots.map_root,
            list_root: roots.list_root,
            issues: roots.issues,
            rules: Rules::CURRENT,
            clock_ms,
        };
        assert!(head.to_bytes().len() <= MAX_HEAD_BYTES, "a head fits");
        head
    }

    /// Whether an entry calls itself a state head; every other entry is an event.
    #[must_use]
    pub fn is_head(entry: &[u8]) -> bool {
        entry.starts_with(TAG.as_bytes())
    }

    /// Parses an entry.
    ///
    /// # Errors
    /// [`HeadError`] with the line that is not as it must be.
    pub fn parse(entry: &[u8]) -> Result<Self, HeadError> {
        if entry.len() > MAX_HEAD_BYTES {
            return Err(HeadError::TooLong { got: entry.len() });
        }
        let text = std::str::from_utf8(entry).map_err(|_| HeadError::Malformed { line: 1 })?;
        let body = text
            .strip_suffix('\n')
            .ok_or(HeadError::Malformed { line: 9 })?;
        let lines: Vec<&str> = body.split('\n').collect();
        let [
            tag,
            origin,
            genesis,
            n,
            map_root,
            list_root,
            issues,
            rules,
            clock,
        ] = lines[..]
        else {
            return Err(HeadError::WrongLines { got: lines.len() });
        };
        let bad = |line| HeadError::Malformed { line };
        if tag != TAG.trim_end() {
            return Err(bad(1));
        }
        let head = Self {
            origin: origin.parse().map_err(|_| bad(2))?,
            genesis: genesis.parse().map_err(|_| bad(3))?,
            index: LeafIndex::new(parse_decimal(n).ok_or(bad(4))?),
            map_root: MapRoot::from_bytes(parse_base64_array(map_root).ok_or(bad(5))?),
            list_root: list_root.parse().map_err(|_| bad(6))?,
            issues: parse_decimal(issues).ok_or(bad(7))?,
            rules: rules.parse().map_err(|_| bad(8))?,
            clock_ms: parse_decimal(clock).ok_or(bad(9))?,
        };
        // Each line's reader is strict already; this holds if one of them ever is not.
        if head.to_string() == text {
            Ok(head)
        } else {
            Err(bad(1))
        }
    }

    /// The entry's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// The log it is a head of.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Leaf hash of the log's first entry.
    #[must_use]
    pub const fn genesis(&self) -> LeafHash {
        self.genesis
    }

    /// How many entries it covers, which is its own index.
    #[must_use]
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// Root of the map.
    #[must_use]
    pub const fn map_root(&self) -> MapRoot {
        self.map_root
    }

    /// Root of the status list.
    #[must_use]
    pub const fn list_root(&self) -> RootHash {
        self.list_root
    }

    /// Accepted label issues so far.
    #[must_use]
    pub const fn issues(&self) -> u64 {
        self.issues
    }

    /// The state function that made it.
    #[must_use]
    pub const fn rules(&self) -> Rules {
        self.rules
    }

    /// The log's clock, Unix milliseconds: a claim of the log and no part of the state.
    #[must_use]
    pub const fn clock_ms(&self) -> u64 {
        self.clock_ms
    }
}

impl fmt::Display for StateHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TAG)?;
        writeln!(f, "{}", self.origin)?;
        writeln!(f, "{}", self.genesis)?;
        writeln!(f, "{}", self.index)?;
        writeln!(f, "{}", self.map_root)?;
        writeln!(f, "{}", self.list_root)?;
        writeln!(f, "{}", self.issues)?;
        writeln!(f, "{}", self.rules)?;
        writeln!(f, "{}", self.clock_ms)
    }
}

/// Which state function a log follows; a program knows exactly one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rules {
    /// `state/0.N`: before the first release.
    Draft(u32),
    /// `state/N`, N ≥ 1.
    Released(u32),
}

impl Rules {
    /// The one this program knows.
    pub const CURRENT: Self = Self::Draft(2);

    /// Refuses every other function than this program's.
    ///
    /// # Errors
    /// [`UnknownRules`] naming the other.
    pub fn check(self) -> Result<(), UnknownRules> {
        if self == Self::CURRENT {
            Ok(())
        } else {
            Err(UnknownRules { rules: self })
        }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draft(number) => write!(f, "state/0.{number}"),
            Self::Released(number) => write!(f, "state/{number}"),
        }
    }
}

impl FromStr for Rules {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let number = |digits| {
            parse_decimal(digits)
                .and_then(|number| u32::try_from(number).ok())
                .filter(|number| *number > 0)
                .ok_or(HeadError::Malformed { line: 8 })
        };
        let version = text
            .strip_prefix("state/")
            .ok_or(HeadError::Malformed { line: 8 })?;
        match version.strip_prefix("0.") {
            Some(draft) => number(draft).map(Self::Draft),
            None => number(version).map(Self::Released),
        }
    }
}

/// A log follows a state function that this program does not know.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the log follows {rules}, this program knows {} only", Rules::CURRENT)]
pub struct UnknownRules {
    /// What the log says.
    pub rules: Rules,
}

/// Why an entry is no state head.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HeadError {
    /// More bytes than a head may have.
    #[error("a state head has at most {MAX_HEAD_BYTES} bytes, not {got}")]
    TooLong {
        /// Bytes found.
        got: usize,
    },
    /// Another number of lines.
    #[error("a state head has nine lines, not {got}")]
    WrongLines {
        /// Lines found.
        got: usize,
    },
    /// A line that is not in its one form.
    #[error("line {line} of the state head is malformed")]
    Malformed {
        /// Which line, from 1.
        line: usize,
    },
}

/// The longest head: 255 bytes of origin leave room for every number at its longest.
pub const MAX_HEAD_BYTES: usize = 1024;

const TAG: &str = "labelproof-state/v1\n";

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "labelproof-state/v1
labels.g7.example
AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
4711
AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=
204
state/0.2
1775033400123
";

    fn sample() -> StateHead {
        StateHead::new(
            "labels.g7.example".parse().unwrap(),
            LeafHash::from_bytes([1; 32]),
            LeafIndex::new(4711),
            StateRoots {
                map_root: MapRoot::from_bytes([2; 32]),
                list_root: RootHash::from_bytes([3; 32]),
                issues: 204,
            },
            1_775_033_400_123,
        )
    }

    #[test]
    fn head_has_nine_lines() {
        assert_eq!(sample().to_bytes(), HEAD.as_bytes());
        assert_eq!(StateHead::parse(HEAD.as_bytes()), Ok(sample()));
        assert!(StateHead::is_head(HEAD.as_bytes()));
        assert!(!StateHead::is_head(b"labelproof-event/v1\n"));
    }

    #[test]
    fn every_line_has_one_form() {
        let lines: Vec<&str> = HEAD.lines().collect();
        let with = |line: usize, text: &str| {
            let mut changed = lines.clone();
            changed[line - 1] = text;
            StateHead::parse(format!("{}\n", changed.join("\n")).as_bytes())
        };
        for (line, wrong) in [
            (1, "labelproof-state/v2"),
            (1, " labelproof-state/v1"),
            (2, ""),
            (3, "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"),
            (3, "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF="),
            (4, "04711"),
            (4, "+1"),
            (4, "18446744073709551616"),
            (5, "AgI="),
            (6, ""),
            (6, "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\r"),
            (7, "-1"),
            (8, "state/0"),
            (8, "state/0.0"),
            (8, "state/0.01"),
            (8, "state/1.1"),
            (8, "State/1"),
            (9, "1775033400123 "),
            (9, ""),
        ] {
            assert_eq!(
                with(line, wrong),
                Err(HeadError::Malformed { line }),
                "{wrong:?}"
            );
        }
        assert!(with(2, &"x".repeat(255)).is_ok());
        assert_eq!(
            with(2, &"x".repeat(1024)),
            Err(HeadError::TooLong { got: 1213 })
        );
        assert_eq!(with(9, "1\n"), Err(HeadError::WrongLines { got: 10 }));
        assert_eq!(with(9, "1\n1"), Err(HeadError::WrongLines { got: 10 }));
        let cut = &HEAD.as_bytes()[..HEAD.len() - 1];
        assert_eq!(StateHead::parse(cut), Err(HeadError::Malformed { line: 9 }));
        assert!(StateHead::parse(b"").is_err());
        assert!(StateHead::parse(&[0xff, b'\n']).is_err());
    }

    #[test]
    fn other_rules_are_read_and_refused() {
        for (text, rules) in [
            ("state/0.1", Rules::Draft(1)),
            ("state/0.2", Rules::Draft(2)),
            ("state/1", Rules::Released(1)),
            ("state/10", Rules::Released(10)),
        ] {
            assert_eq!(text.parse(), Ok(rules));
            assert_eq!(rules.to_string(), text);
            assert_eq!(rules.check().is_ok(), rules == Rules::CURRENT);
        }
        let later = HEAD.replace("state/0.2", "state/0.3");
        let head = StateHead::parse(later.as_bytes()).unwrap();
        assert_eq!(
            head.rules().check().unwrap_err().to_string(),
            "the log follows state/0.3, this program knows state/0.2 only"
        );
    }
}
