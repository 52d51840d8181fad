//! Statuses: where a label, an authority, a scheme or a member stands.
//!
//! ```text
//! 1 active   2 suspended   3 superseded   4 revoked   5 withdrawn   6 lapsed   7 annulled
//! ```
//! 0 is none, so that a zeroed record is never active. Which event leads where belongs to the state function.

use std::fmt;

/// Where a label stands; authorities, schemes and members use the first, second and fifth.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Status {
    /// Issued and in force; an authority or a scheme: in force.
    Active = 1,
    /// Suspended until reinstated.
    Suspended = 2,
    /// Replaced by another label of the same issuer.
    Superseded = 3,
    /// Revoked.
    Revoked = 4,
    /// Withdrawn without blame; an authority or a scheme: withdrawn or closed.
    Withdrawn = 5,
    /// Ended because a requirement, the support or the scheme ended.
    Lapsed = 6,
    /// Void from the start.
    Annulled = 7,
}

impl Status {
    /// All statuses, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Active,
        Self::Suspended,
        Self::Superseded,
        Self::Revoked,
        Self::Withdrawn,
        Self::Lapsed,
        Self::Annulled,
    ];

    /// The number in the record.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The word for people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Annulled => "annulled",
        }
    }

    /// The status with this number; none for 0 and above 7.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.number() == number)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
