//! The ways in which a log lies, or fails those who rely on it: one a run.

use labelproof_monitor::alert::Rule;

/// How a log lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lie {
    /// The source shows another history, so many entries longer or shorter, by so many witnesses.
    Fork(isize, usize),
    /// Somebody else was shown another history, so many entries longer or shorter, and hands its head in.
    ForkElsewhere(isize),
    /// A receipt is handed in whose event the log leaves out.
    Unkept,
    BackDated,
    /// A line of a state head says something else.
    WrongHead(usize, &'static str),
    /// A label that is there already is issued.
    BadEntry,
    /// A checkpoint that ends in an event.
    NoHead,
    /// An old head as it was then, or freshly cosigned.
    WentBack(Old),
    QuorumLost,
    Stale,
    TileMissing,
    TileWrong,
    /// A receipt is handed in, and the witnesses are shown the head before.
    Deadline,
    /// A revocation is handed in that the log never takes.
    NotLogged,
}

/// An older head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Old {
    AsItWas,
    CosignedAnew,
}

impl Lie {
    pub(super) const ALL: [Self; 23] = [
        Self::Fork(0, 3),
        Self::Fork(2, 3),
        Self::Fork(-9, 3),
        Self::Fork(0, 0),
        Self::Fork(2, 1),
        Self::Fork(-9, 1),
        Self::ForkElsewhere(0),
        Self::ForkElsewhere(3),
        Self::ForkElsewhere(-9),
        Self::Unkept,
        Self::BackDated,
        Self::WrongHead(4, "CZCrDYJ5aHxPVfb+3xlnGhDJvZMdxWHfqbSZkNQ1Ey4="),
        Self::WrongHead(6, "7"),
        Self::BadEntry,
        Self::NoHead,
        Self::WentBack(Old::AsItWas),
        Self::WentBack(Old::CosignedAnew),
        Self::QuorumLost,
        Self::Stale,
        Self::TileMissing,
        Self::TileWrong,
        Self::Deadline,
        Self::NotLogged,
    ];

    /// What it is told as.
    pub(super) fn rule(self) -> Rule {
        match self {
            Self::Fork(..) | Self::ForkElsewhere(_) | Self::Unkept => Rule::Fork,
            Self::BackDated => Rule::BackDated,
            Self::WrongHead(..) => Rule::WrongHead,
            Self::BadEntry | Self::NoHead => Rule::BadEntry,
            Self::WentBack(_) => Rule::HeadWentBack,
            Self::QuorumLost => Rule::QuorumLost,
            Self::Stale => Rule::Stale,
            Self::TileMissing | Self::TileWrong => Rule::Tile,
            Self::Deadline => Rule::DeadlinePassed,
            Self::NotLogged => Rule::NotLogged,
        }
    }

    /// Whether others can check it offline.
    pub(super) fn is_evidence(self) -> bool {
        matches!(
            self.rule(),
            Rule::Fork | Rule::BackDated | Rule::WrongHead | Rule::BadEntry
        )
    }
}
