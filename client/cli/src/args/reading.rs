//! The commands that read a log as a whole: `log`, `get`, `tail`, `mirror`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueHint, builder::RangedU64ValueParser};
use labelproof_core::{
    event::{EventId, Kind},
    merkle::LeafIndex,
};

use super::Network;

/// `log`.
#[derive(Args, Debug)]
pub(crate) struct Log {
    /// Address of the log; the one in the trust file if absent.
    #[arg(
        long,
        value_name = "URL",
        env = "LABELPROOF_LOG",
        required_unless_present = "trust",
        value_hint = ValueHint::Url
    )]
    pub(crate) log: Option<String>,
    /// The trust file; without one all that is shown is the log's word.
    #[arg(long, value_name = "FILE", env = "LABELPROOF_TRUST", value_hint = ValueHint::FilePath)]
    pub(crate) trust: Option<PathBuf>,
}

/// `get`.
#[derive(Args, Debug)]
pub(crate) struct Get {
    /// The entry's index, or the event's id.
    #[arg(value_name = "INDEX|EVENT-ID")]
    pub(crate) entry: EntryName,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Print the entry's bytes and nothing else.
    #[arg(long, conflicts_with = "json")]
    pub(crate) raw: bool,
    /// Keep the entry in this file, and its proof in FILE.tlog-proof.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// `tail`.
#[derive(Args, Debug)]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) network: Network,
    /// Wait for further entries until stopped.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin at this entry.
    #[arg(long, value_name = "INDEX", conflicts_with = "number")]
    pub(crate) from: Option<LeafIndex>,
    /// Begin so many entries before the end.
    #[arg(short, value_name = "N", default_value_t = 10)]
    pub(crate) number: u64,
    /// Show this kind only, such as label.revoke, label or state.head; may be repeated.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Vec<KindFilter>,
}

/// `mirror`.
#[derive(Args, Debug)]
pub(crate) struct Mirror {
    #[command(flatten)]
    pub(crate) network: Network,
    /// The folder: a mirror of this log, or empty, or not there yet.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Read and hash every file that is there again; opens no socket.
    #[arg(long)]
    pub(crate) check: bool,
    /// Requests at a time, 1 to 16.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=16))]
    pub(crate) parallel: usize,
}

/// An entry by its place or by its event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EntryName {
    /// Its index.
    Index(LeafIndex),
    /// The id of the event in it.
    Event(EventId),
}

impl FromStr for EntryName {
    type Err = BadEntryName;

    fn from_str(text: &str) -> Result<Self, BadEntryName> {
        // An index has at most 20 digits, so that 64 of them are an id.
        let index = text.parse().map(Self::Index);
        index.or_else(|_| text.parse().map(Self::Event).map_err(|_| BadEntryName))
    }
}

/// Neither an index nor an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "not an entry; write its index, such as 4711, or the event's id, 64 hex digits in lower case"
)]
pub(crate) struct BadEntryName;

/// Which kinds of entries are shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KindFilter(String);

impl KindFilter {
    /// Whether an entry of this kind is meant.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        let family = kind.split_once('.').map(|(family, _)| family);
        kind == self.0 || family == Some(self.0.as_str())
    }
}

impl FromStr for KindFilter {
    type Err = BadKind;

    fn from_str(text: &str) -> Result<Self, BadKind> {
        let is_known = text.parse::<Kind>().is_ok() || OTHER_KINDS.contains(&text);
        is_known.then(|| Self(text.into())).ok_or(BadKind)
    }
}

/// No kind that a log has.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no kind of entry; write for instance label.revoke, all of label, or state.head")]
pub(crate) struct BadKind;

/// Families of kinds, and what is no event.
const OTHER_KINDS: [&str; 8] = [
    "authority",
    "label",
    "log",
    "member",
    "scheme",
    "state",
    "state.head",
    "unknown",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_named_by_its_index_or_its_event() {
        assert_eq!("0".parse(), Ok(EntryName::Index(LeafIndex::new(0))));
        let digits = "1".repeat(64);
        assert!(matches!(digits.parse(), Ok(EntryName::Event(_))));
        for text in ["", "-1", "01", "x", "18446744073709551616", &"A".repeat(64)] {
            assert_eq!(text.parse::<EntryName>(), Err(BadEntryName), "{text}");
        }
    }

    #[test]
    fn a_kind_or_its_family_is_taken() {
        let takes = |filter: &str, kind| filter.parse::<KindFilter>().unwrap().takes(kind);
        assert!(takes("label.revoke", "label.revoke"));
        assert!(takes("label", "label.revoke"));
        assert!(takes("state", "state.head"));
        assert!(!takes("label.revoke", "label.issue"));
        assert!(!takes("label", "state.head"));
        for text in ["", "label.", "labels", "label.nothing", "LABEL"] {
            assert_eq!(text.parse::<KindFilter>(), Err(BadKind), "{text}");
        }
    }
}
