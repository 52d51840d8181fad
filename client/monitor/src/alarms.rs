//! Alarms: what holds at a poll, turned into what is told once when it begins, and once when it ends.
//!
//! ```text
//! holds ──as long as its patience──▶ told ──no more──▶ forgotten; blind: sees again, once nothing was missed
//! ```

use std::{collections::BTreeMap, time::Duration};

use labelproof_core::{checkpoint::Origin, time::Time};
use labelproof_host::exit::Exit;

use crate::finding::{Blindness, Finding, Observation};

/// Something that is not as it should be, now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    Blind(Blindness),
    Observed(Observation),
}

/// What is told once however its details change.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    Backlog,
    Clock,
    ClockUnproven,
    OtherKey,
    OtherGenesis,
    OwnFiles,
    Unreachable,
    UnknownRules,
    /// Told again each time that it lasted as long once more.
    CanarySilent(u64),
    HeadWentBack,
    QuorumLost,
    Stale,
    TileMissing,
    TileWrong,
}

impl Trouble {
    fn kind(&self) -> Kind {
        match self {
            Self::Blind(Blindness::Backlog { .. }) => Kind::Backlog,
            Self::Blind(Blindness::Clock { .. }) => Kind::Clock,
            Self::Blind(Blindness::ClockUnproven { .. }) => Kind::ClockUnproven,
            Self::Blind(Blindness::OtherKey) => Kind::OtherKey,
            Self::Blind(Blindness::OtherGenesis) => Kind::OtherGenesis,
            Self::Blind(Blindness::OwnFiles { .. }) => Kind::OwnFiles,
            Self::Blind(Blindness::Unreachable { .. }) => Kind::Unreachable,
            Self::Blind(Blindness::UnknownRules { .. }) => Kind::UnknownRules,
            Self::Observed(Observation::CanarySilent { times, .. }) => Kind::CanarySilent(*times),
            Self::Observed(Observation::HeadWentBack { .. }) => Kind::HeadWentBack,
            Self::Observed(Observation::QuorumLost { .. }) => Kind::QuorumLost,
            Self::Observed(Observation::Stale { .. }) => Kind::Stale,
            Self::Observed(Observation::TileMissing { .. }) => Kind::TileMissing,
            Self::Observed(Observation::TileWrong { .. }) => Kind::TileWrong,
        }
    }

    /// How `once` ends while it holds.
    pub(crate) fn exit(&self) -> Exit {
        match self.kind() {
            Kind::Backlog => Exit::Undecidable,
            Kind::Clock
            | Kind::ClockUnproven
            | Kind::Stale
            | Kind::HeadWentBack
            | Kind::CanarySilent(_) => Exit::TooOld,
            Kind::OtherKey | Kind::QuorumLost => Exit::NotSigned,
            Kind::OtherGenesis | Kind::TileWrong => Exit::NotInLog,
            Kind::OwnFiles => Exit::Internal,
            Kind::Unreachable | Kind::TileMissing => Exit::Unreachable,
            Kind::UnknownRules => Exit::Malformed,
        }
    }

    fn is_blind(&self) -> bool {
        matches!(self, Self::Blind(_))
    }
}

impl Kind {
    /// Whether it may be over in a moment: a server that restarts, a replica that lags.
    fn passes(self) -> bool {
        match self {
            Self::ClockUnproven
            | Self::Unreachable
            | Self::TileMissing
            | Self::TileWrong
            | Self::HeadWentBack
            | Self::QuorumLost
            | Self::OwnFiles => true,
            Self::Backlog
            | Self::Clock
            | Self::OtherKey
            | Self::OtherGenesis
            | Self::UnknownRules
            | Self::CanarySilent(_)
            | Self::Stale => false,
        }
    }
}

/// The alarms of one log.
#[derive(Debug)]
pub(crate) struct Alarms {
    origin: Origin,
    patience: Duration,
    standing: BTreeMap<Kind, Standing>,
    /// Since when it was blind, once people were told.
    blind: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    since: Time,
    told: bool,
}

impl Alarms {
    /// None stands yet; what passes by itself is told after `patience`.
    pub(crate) fn new(origin: Origin, patience: Duration) -> Self {
        Self {
            origin,
            patience,
            standing: BTreeMap::new(),
            blind: None,
        }
    }

    /// Takes all that holds at a poll; `caught_up` says that every entry of the newest head is verified.
    pub(crate) fn update(
        &mut self,
        now: Time,
        troubles: &[Trouble],
        caught_up: bool,
    ) -> Vec<Finding> {
        let holds = |kind: &Kind| troubles.iter().any(|trouble| trouble.kind() == *kind);
        self.standing.retain(|kind, _| holds(kind));
        let mut findings = Vec::new();
        for trouble in troubles {
            let kind = trouble.kind();
            let standing = self.standing.entry(kind).or_insert(Standing {
                since: now,
                told: false,
            });
            let long = Duration::from_secs(now.seconds_since(standing.since)) >= self.patience;
            if standing.told || (kind.passes() && !long) {
                continue;
            }
            standing.told = true;
            let since = standing.since;
            if trouble.is_blind() {
                self.blind.get_or_insert(since);
            }
            findings.push(self.finding(trouble.clone(), since));
        }
        let sees = caught_up && !troubles.iter().any(Trouble::is_blind);
        if let Some(since) = self.blind.take_if(|_| sees) {
            findings.push(Finding::SeesAgain {
                origin: self.origin.clone(),
                since,
            });
        }
        findings
    }

    /// Since when this trouble holds.
    pub(crate) fn since(&self, trouble: &Trouble) -> Option<Time> {
        Some(self.standing.get(&trouble.kind())?.since)
    }

    fn finding(&self, trouble: Trouble, began: Time) -> Finding {
        let origin = self.origin.clone();
        match trouble {
            Trouble::Blind(why) => Finding::Blind { origin, why },
            Trouble::Observed(Observation::QuorumLost { head, .. }) => Finding::Observed {
                origin,
                what: Observation::QuorumLost { head, since: began },
            },
            Trouble::Observed(what) => Finding::Observed { origin, what },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, origin};

    fn unreachable() -> Trouble {
        let why = "connection refused".to_owned();
        Trouble::Blind(Blindness::Unreachable { why })
    }

    fn alarms() -> Alarms {
        Alarms::new(origin(), Duration::from_secs(60))
    }

    #[test]
    fn what_passes_by_itself_is_not_told() {
        let mut alarms = alarms();
        for second in [0, 59] {
            assert!(
                alarms
                    .update(at(second), &[unreachable()], false)
                    .is_empty()
            );
        }
        assert!(alarms.update(at(70), &[], true).is_empty());
        assert!(
            alarms.update(at(100), &[unreachable()], false).is_empty(),
            "its time begins anew"
        );
    }

    #[test]
    fn what_lasts_is_told_once_and_its_end_when_nothing_was_missed() {
        let mut alarms = alarms();
        alarms.update(at(0), &[unreachable()], false);
        let told = alarms.update(at(60), &[unreachable()], false);
        assert!(matches!(told[..], [Finding::Blind { .. }]), "{told:?}");
        assert!(alarms.update(at(65), &[unreachable()], false).is_empty());
        assert!(alarms.update(at(70), &[], false).is_empty());
        let told = alarms.update(at(75), &[], true);
        assert!(
            matches!(told[..], [Finding::SeesAgain { since, .. }] if since == at(0)),
            "{told:?}"
        );
        assert!(alarms.update(at(80), &[], true).is_empty());
    }

    #[test]
    fn what_does_not_pass_by_itself_is_told_at_once() {
        let other = Trouble::Blind(Blindness::OtherKey);
        assert_eq!(alarms().update(at(0), &[other], false).len(), 1);
    }

    #[test]
    fn one_trouble_hides_no_other() {
        let mut alarms = alarms();
        let (key, clock) = (
            Trouble::Blind(Blindness::OtherKey),
            Trouble::Blind(Blindness::Clock { seconds: 400 }),
        );
        let slower = Trouble::Blind(Blindness::Clock { seconds: 500 });
        assert_eq!(
            alarms
                .update(at(0), std::slice::from_ref(&clock), true)
                .len(),
            1
        );
        assert_eq!(alarms.update(at(1), &[key, slower], true).len(), 1);
        assert_eq!(alarms.since(&clock), Some(at(0)));
    }
}
