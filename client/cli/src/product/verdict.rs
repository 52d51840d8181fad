//! The words for what a product's labels are worth, and their exits.

use labelproof_core::{state::record::Status, status::Grade};
use labelproof_host::exit::Exit;

/// One word for one row; the words are promises to scripts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Verdict {
    Active,
    InDoubt,
    Expired,
    Lapsed,
    Suspended,
    Superseded,
    Revoked,
    Withdrawn,
    Annulled,
    TooOld,
    NoLabel,
    NotInPack,
    NotAGtin,
}

impl Verdict {
    /// Every verdict, in the order in which reports count them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Active,
        Self::InDoubt,
        Self::Expired,
        Self::Lapsed,
        Self::Suspended,
        Self::Superseded,
        Self::Revoked,
        Self::Withdrawn,
        Self::Annulled,
        Self::TooOld,
        Self::NoLabel,
        Self::NotInPack,
        Self::NotAGtin,
    ];

    /// What a label of this status and grade is called.
    pub(super) fn of(status: Status, grade: Grade) -> Self {
        match (grade, status) {
            (Grade::InForce, _) => Self::Active,
            (Grade::InDoubt, _) => Self::InDoubt,
            (Grade::Expired, Status::Lapsed) => Self::Lapsed,
            (Grade::Expired, _) => Self::Expired,
            (Grade::Suspended, _) => Self::Suspended,
            (Grade::Ended, Status::Superseded) => Self::Superseded,
            (Grade::Ended, Status::Revoked) => Self::Revoked,
            (Grade::Ended, Status::Annulled) => Self::Annulled,
            // Its own status may be any, when its authority was withdrawn together with its labels.
            (Grade::Ended, _) => Self::Withdrawn,
        }
    }

    /// For programs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::InDoubt => "in-doubt",
            Self::Expired => "expired",
            Self::Lapsed => "lapsed",
            Self::Suspended => "suspended",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::Annulled => "annulled",
            Self::TooOld => "too-old",
            Self::NoLabel => "no-label",
            Self::NotInPack => "not-in-pack",
            Self::NotAGtin => "not-a-gtin",
        }
    }

    /// For people.
    pub(crate) const fn shown(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::InDoubt => "IN DOUBT",
            Self::Expired => "EXPIRED",
            Self::Lapsed => "LAPSED",
            Self::Suspended => "SUSPENDED",
            Self::Superseded => "SUPERSEDED",
            Self::Revoked => "REVOKED",
            Self::Withdrawn => "WITHDRAWN",
            Self::Annulled => "ANNULLED",
            Self::TooOld => "TOO OLD TO SAY",
            Self::NoLabel => "NO LABEL",
            Self::NotInPack => "NOT IN THE PACK",
            Self::NotAGtin => "NOT A GTIN",
        }
    }

    /// What it means, in a sentence.
    pub(crate) const fn says(self) -> &'static str {
        match self {
            Self::Active => {
                "Every label that counts is in force as of the answer's time; nothing is said of later."
            }
            Self::InDoubt => {
                "Something was signed with a key that is no longer believed; a person must decide."
            }
            Self::Expired => "The validity of a label has ended.",
            Self::Lapsed => "A label ended, because what it rests on did.",
            Self::Suspended => "A label is suspended; do not rely on it until it is reinstated.",
            Self::Superseded => "Another label of its issuer took the place of its label.",
            Self::Revoked => "A label was taken away; do not rely on it.",
            Self::Withdrawn => "A label was withdrawn; do not rely on it.",
            Self::Annulled => "A label was void from the start.",
            Self::TooOld => "The answer is too old.",
            Self::NoLabel => "No label names this product.",
            Self::NotInPack => {
                "The pack says nothing of this product; make or update a pack that holds it."
            }
            Self::NotAGtin => "What stands here is no GTIN.",
        }
    }

    /// The exit of a row.
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::Active => Exit::Done,
            Self::InDoubt | Self::NotInPack => Exit::Undecidable,
            Self::Expired | Self::Lapsed => Exit::Expired,
            Self::Suspended => Exit::Suspended,
            Self::Superseded | Self::Revoked | Self::Withdrawn | Self::Annulled => Exit::Revoked,
            Self::TooOld => Exit::TooOld,
            Self::NoLabel => Exit::UnknownLabel,
            Self::NotAGtin => Exit::Malformed,
        }
    }

    /// Whether it stands in an old answer too.
    pub(crate) const fn is_for_good(self) -> bool {
        matches!(self.exit(), Exit::Revoked)
    }

    /// Whether a shop has something to do about it.
    pub(crate) const fn is_trouble(self) -> bool {
        !matches!(self, Self::Active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_grades_is_that_of_exits() {
        let grades = [
            Grade::InForce,
            Grade::InDoubt,
            Grade::Expired,
            Grade::Suspended,
            Grade::Ended,
        ];
        let severity = |grade| Verdict::of(Status::Active, grade).exit().severity();
        assert!(grades.is_sorted());
        assert!(grades.map(severity).is_sorted());
    }

    #[test]
    fn words_are_told_apart() {
        let mut words = Verdict::ALL.map(Verdict::word);
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]));
        for verdict in Verdict::ALL {
            assert_eq!(verdict.exit() == Exit::Done, !verdict.is_trouble());
        }
    }
}
