//! Exit codes of all programs: one table.
//!
//! ```text
//! 0 done · 1 internal error · 2 usage · 10 malformed · 11 not in the log, or a wrong proof
//! 12 signature or quorum not met · 13 revoked, withdrawn, annulled · 14 expired, lapsed
//! 15 suspended · 16 too old to say · 17 unknown label · 18 a policy says no
//! 19 not decidable · 20 the log misbehaved · 21 store older than a witness · 69 unreachable
//! ```

use std::process::ExitCode;

/// Why a program ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Exit {
    /// Every requirement held.
    Done,
    /// A fault of ours.
    Internal,
    /// The command line or a configuration file is wrong.
    Usage,
    /// An input is not what its format says.
    Malformed,
    /// Not in the log, or a proof is wrong.
    NotInLog,
    /// A signature or the quorum is not met.
    NotSigned,
    /// Revoked, superseded, withdrawn or annulled.
    Revoked,
    /// Expired or lapsed.
    Expired,
    /// Suspended.
    Suspended,
    /// What is here is too old to say.
    TooOld,
    /// The label is proved not to exist.
    UnknownLabel,
    /// A policy says no.
    PolicyRefused,
    /// Not decidable from what is here.
    Undecidable,
    /// The log misbehaved; evidence was written.
    LogMisbehaved,
    /// This store is older than what a witness holds.
    StoreOlder,
    /// A server could not be reached.
    Unreachable,
}

impl Exit {
    /// Every exit, by code.
    pub const ALL: [Exit; 16] = [
        Exit::Done,
        Exit::Internal,
        Exit::Usage,
        Exit::Malformed,
        Exit::NotInLog,
        Exit::NotSigned,
        Exit::Revoked,
        Exit::Expired,
        Exit::Suspended,
        Exit::TooOld,
        Exit::UnknownLabel,
        Exit::PolicyRefused,
        Exit::Undecidable,
        Exit::LogMisbehaved,
        Exit::StoreOlder,
        Exit::Unreachable,
    ];

    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Malformed => 10,
            Exit::NotInLog => 11,
            Exit::NotSigned => 12,
            Exit::Revoked => 13,
            Exit::Expired => 14,
            Exit::Suspended => 15,
            Exit::TooOld => 16,
            Exit::UnknownLabel => 17,
            Exit::PolicyRefused => 18,
            Exit::Undecidable => 19,
            Exit::LogMisbehaved => 20,
            Exit::StoreOlder => 21,
            Exit::Unreachable => 69,
        }
    }

    /// How bad it is beside others: with several inputs the largest wins.
    ///
    /// The order is 20, 11, 12, 10, 13, 15, 14, 18, 16, 17, 69, 19, 1. The two codes that speak
    /// of the whole run and never of one input stand around it: 21 above, 2 below.
    #[must_use]
    pub fn severity(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Usage => 1,
            Exit::Internal => 2,
            Exit::Undecidable => 3,
            Exit::Unreachable => 4,
            Exit::UnknownLabel => 5,
            Exit::TooOld => 6,
            Exit::PolicyRefused => 7,
            Exit::Expired => 8,
            Exit::Suspended => 9,
            Exit::Revoked => 10,
            Exit::Malformed => 11,
            Exit::NotSigned => 12,
            Exit::NotInLog => 13,
            Exit::LogMisbehaved => 14,
            Exit::StoreOlder => 15,
        }
    }

    /// The more severe of two.
    #[must_use]
    pub fn worse(self, other: Exit) -> Exit {
        if other.severity() > self.severity() {
            other
        } else {
            self
        }
    }

    /// The most severe of several; `None` when there was nothing, which is never success.
    #[must_use]
    pub fn worst(exits: impl IntoIterator<Item = Exit>) -> Option<Exit> {
        exits.into_iter().reduce(Exit::worse)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published table once more, in its own order; a new exit does not compile without a row.
    fn published(exit: Exit) -> u8 {
        match exit {
            Exit::Done => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Malformed => 10,
            Exit::NotInLog => 11,
            Exit::NotSigned => 12,
            Exit::Revoked => 13,
            Exit::Expired => 14,
            Exit::Suspended => 15,
            Exit::TooOld => 16,
            Exit::UnknownLabel => 17,
            Exit::PolicyRefused => 18,
            Exit::Undecidable => 19,
            Exit::LogMisbehaved => 20,
            Exit::StoreOlder => 21,
            Exit::Unreachable => 69,
        }
    }

    #[test]
    fn codes_are_the_published_table() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(
            codes,
            [0, 1, 2, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 69]
        );
        for exit in Exit::ALL {
            assert_eq!(exit.code(), published(exit), "{exit:?}");
        }
    }

    #[test]
    fn severity_is_the_published_order() {
        let mut exits = Exit::ALL;
        exits.sort_by_key(|exit| std::cmp::Reverse(exit.severity()));
        let codes: Vec<u8> = exits.iter().map(|exit| exit.code()).collect();
        assert_eq!(
            codes,
            [21, 20, 11, 12, 10, 13, 15, 14, 18, 16, 17, 69, 19, 1, 2, 0]
        );
    }

    #[test]
    fn worst_of_nothing_is_not_success() {
        assert_eq!(Exit::worst([]), None);
        assert_eq!(
            Exit::worst([Exit::Done, Exit::UnknownLabel, Exit::Revoked]),
            Some(Exit::Revoked)
        );
        assert_eq!(Exit::worst([Exit::Done]), Some(Exit::Done));
    }
}
