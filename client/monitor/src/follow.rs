//! Following one log: a poll, and all that follows from it.
//!
//! ```text
//! look      checkpoint ─log key, quorum, one log with every head accepted before─▶ copied, every file checked
//! catch up  entries ─signatures, state function─▶ evidence · alerts ─▶ journal ─▶ position
//! alarms    what cannot be seen, what is not as it should be
//! ```
//! Files of a log: `DIR/logs/<origin>/` with `mirror/` (downloaded), `state` (verified), `since` (told), and the newest
//! accepted head. What is wrong in them is thrown away and had again; it never accuses the log.

mod adverse;
mod catch_up;
mod files;
mod look;
mod own_clock;
mod since;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use labelproof::{
    mirror::{Folder, Parallel},
    patience::{Pause, Wish},
    source::Source,
    trust::{TrustedLog, store::TrustStore},
};
use labelproof_core::{
    evidence::Evidence,
    merkle::{LeafIndex, TreeSize},
    time::Time,
};
use labelproof_host::{
    clock::Clock,
    exit::Exit,
    fs::{Fs, FsError},
    logging::causes,
    tiles::TilesError,
};
use tracing::{error, info, warn};

pub(crate) use files::LOGS;
pub use files::OpenError;
pub use since::{BadSince, Since};

use own_clock::{Age, OwnClock};

use crate::{
    alarms::{Alarms, Trouble},
    alert::{Alert, Numbered},
    board::{Board, Standing},
    canary::{Back, Canary, Heard, Silence},
    casebook::Casebook,
    finding::{Blindness, Finding, Observation},
    journal::Journal,
    rules::{self, Listener, Rules},
    verify::Verifier,
};

/// What the followers of all logs share.
#[derive(Clone)]
pub struct Shared {
    /// The disk.
    pub fs: Arc<dyn Fs>,
    /// The own clock, which accuses nobody.
    pub clock: Arc<dyn Clock>,
    /// How to wait, and when to stop.
    pub pause: Arc<dyn Pause>,
    /// Every alert.
    pub journal: Journal,
    /// Every evidence file.
    pub casebook: Casebook,
    /// Who wants to know of what.
    pub rules: Arc<Mutex<Rules>>,
    /// How each log stands.
    pub board: Board,
    /// Who is told of everything that is verified.
    pub listener: Option<Arc<Mutex<dyn Listener>>>,
    /// Whose silence is an alarm.
    pub canary: Option<Canary>,
    /// Who brings alerts.
    pub onlooker: Arc<dyn Onlooker>,
    /// What a person may set.
    pub limits: Limits,
}

impl Shared {
    /// Appends alerts to the journal, and has them brought.
    pub(crate) fn tell(&self, alerts: Vec<Alert>) -> Result<(), FsError> {
        if alerts.is_empty() {
            return Ok(());
        }
        let fresh = self.journal.append(alerts)?;
        for numbered in &fresh {
            let alert = numbered.alert();
            info!(number = numbered.number(), rule = %alert.rule(), "{}", alert.title());
        }
        if !fresh.is_empty() {
            self.onlooker.told(&fresh);
        }
        Ok(())
    }
}

/// Whoever is in front of the followers: brings alerts, shows how far they are.
pub trait Onlooker: Send + Sync {
    /// Alerts came into the journal.
    fn told(&self, alerts: &[Numbered]);

    /// A pass is this far.
    fn progress(&self, progress: Progress);
}

/// What a person may set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long what passes by itself may last before it is told.
    pub patience: Duration,
    /// How old the newest quorum may be.
    pub max_age: Duration,
    /// Requests at a time.
    pub parallel: Parallel,
}

/// How far a pass is.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// Tiles and bundles are copied.
    Copying {
        /// Those that are there.
        done: u64,
        /// Those that the head stands for.
        total: u64,
    },
    /// Entries are verified.
    Verifying {
        /// Those that are.
        done: u64,
        /// Those that the copy holds.
        total: u64,
    },
    /// It is over.
    Over,
}

/// Follows one log.
pub struct Follower {
    shared: Shared,
    log: TrustedLog,
    source: Arc<dyn Source>,
    dir: PathBuf,
    folder: Folder,
    store: TrustStore,
    since: Option<Since>,
    verifier: Option<Verifier>,
    /// How much was verified when the state was kept last.
    kept: LeafIndex,
    alarms: Alarms,
    canary: Option<Heard>,
    standing: Standing,
    /// The files of the copy that were wrong, and are to be had again.
    is_damaged: bool,
    /// When every file of the copy was looked for, and how large the copy is since.
    looked: Option<(Time, TreeSize)>,
    own_clock: OwnClock,
    /// The newest time of a quorum that the source showed, also on a head that could not be taken.
    shown: Option<Time>,
    /// Alarms that could not be written to the journal; they are not raised again by themselves.
    untold: Vec<Alert>,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passed {
    /// With this verdict; all there is, is verified, or cannot be now.
    Done(Exit),
    /// Entries wait; the next pass is due at once.
    More,
    /// The person wants no more.
    Stopped,
}

/// Why a step of a pass came to no end.
#[derive(Debug)]
enum Hitch {
    Trouble(Trouble),
    /// A file of the own copy is not what its head stands for.
    Copy(TilesError),
    Stopped,
}

impl From<Blindness> for Hitch {
    fn from(why: Blindness) -> Self {
        Self::Trouble(Trouble::Blind(why))
    }
}

impl From<Observation> for Hitch {
    fn from(what: Observation) -> Self {
        Self::Trouble(Trouble::Observed(what))
    }
}

impl From<FsError> for Hitch {
    fn from(error: FsError) -> Self {
        own_files(&error).into()
    }
}

fn own_files(error: &dyn std::error::Error) -> Blindness {
    Blindness::OwnFiles { why: causes(error) }
}

impl Follower {
    /// Looks once, and does all that follows.
    pub fn pass(&mut self) -> Passed {
        let now = self.shared.clock.now();
        self.own_clock.look(self.shared.clock.ran(), now);
        self.standing.behind = self.own_clock.behind();
        let mut troubles = Vec::new();
        let mut is_stopped = false;
        // Each round throws away a file that is wrong and has it again.
        for _ in 0..MAX_HEALS {
            troubles.clear();
            let looked = self.look(now);
            let caught_up = self.catch_up(now);
            let mut heals = false;
            for hitch in [looked.err(), caught_up.err()].into_iter().flatten() {
                match hitch {
                    Hitch::Trouble(trouble) => troubles.push(trouble),
                    Hitch::Stopped => is_stopped = true,
                    Hitch::Copy(error) => {
                        let again = self.discard(&error).unwrap_or(false);
                        heals |= again;
                        warn!(
                            origin = %self.log.origin(),
                            why = causes(&error),
                            again,
                            "a file of the own copy is wrong"
                        );
                        troubles.push(Trouble::Blind(own_files(&error)));
                    }
                }
            }
            if !heals || is_stopped {
                break;
            }
        }
        self.shared.onlooker.progress(Progress::Over);
        if is_stopped {
            return Passed::Stopped;
        }
        troubles.extend(self.age(now));
        troubles.extend(self.silence(&troubles, now));
        let is_behind = self.standing.verified < self.standing.downloaded;
        let findings = self.alarms.update(now, &troubles, !is_behind);
        let alarms = findings.iter().map(|finding| rules::alert(finding, now));
        self.untold.extend(alarms);
        let mut alerts = self.untold.clone();
        let back = self.canary_back(&troubles, now);
        alerts.extend(back.clone());
        self.standing.blind = None;
        self.standing.observed.clear();
        self.standing.is_stale = false;
        for trouble in &troubles {
            let since = self.alarms.since(trouble).unwrap_or(now);
            match trouble {
                Trouble::Blind(why) => {
                    self.standing.blind.get_or_insert((since, why.to_string()));
                }
                Trouble::Observed(what) => {
                    self.standing.is_stale |= matches!(what, Observation::Stale { .. });
                    self.standing.observed.push((since, what.to_string()));
                }
            }
        }
        self.shared.board.put(self.standing.clone());
        if let Some(listener) = &self.shared.listener {
            let mut listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
            alerts.extend(listener.head(&self.standing, now));
        }
        let mut exits: Vec<Exit> = troubles.iter().map(Trouble::exit).collect();
        match self.shared.tell(alerts) {
            Ok(()) => {
                self.untold.clear();
                if let (Some(_), Some(heard)) = (back, &mut self.canary) {
                    heard.told_back();
                    self.keep_canary_or_say();
                }
            }
            Err(error) => {
                error!(why = causes(&error), "the journal cannot be written");
                let most = self.untold.len().saturating_sub(MAX_UNTOLD);
                self.untold.drain(..most);
                exits.push(Exit::Internal);
            }
        }
        let waits =
            |trouble: &Trouble| matches!(trouble, Trouble::Blind(Blindness::Backlog { .. }));
        if troubles.iter().any(waits) {
            return Passed::More;
        }
        match self.shared.casebook.accuses(self.log.origin()) {
            Ok(true) => exits.push(Exit::LogMisbehaved),
            Ok(false) => {}
            Err(_) => exits.push(Exit::Internal),
        }
        Passed::Done(Exit::worst(exits).unwrap_or(Exit::Done))
    }

    /// Keeps the state for the next start.
    pub fn close(&mut self) {
        if let Err(error) = self.keep_state() {
            warn!(
                why = causes(&error),
                "the state cannot be kept; the next start verifies more again"
            );
        }
    }

    /// How it stands.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Keeps evidence, then tells of it.
    fn accuse(&self, place: u64, evidence: Evidence, now: Time) -> Result<(), Hitch> {
        let kept = self.shared.casebook.keep(place, evidence)?;
        let alert = rules::alert(&Finding::Evidence(kept), now);
        Ok(self.shared.tell(vec![alert])?)
    }

    /// What is to say of the age of the newest quorum, and of the own clock.
    fn age(&mut self, now: Time) -> Option<Trouble> {
        let newest = self.store.newest(&self.log).ok().flatten()?;
        let as_of = newest.as_of().max(self.shown.unwrap_or(newest.as_of()));
        let ahead = as_of.seconds_since(now);
        if ahead > MAX_STEP_SECONDS {
            return Some(Trouble::Blind(Blindness::Clock { seconds: ahead }));
        }
        let Limits {
            max_age, patience, ..
        } = self.shared.limits;
        let age = self.own_clock.age(as_of, max_age);
        Some(match age {
            Age::Fine => return None,
            // Who looks once takes the clock at its word.
            Age::Unproven(seconds) if !patience.is_zero() => {
                Trouble::Blind(Blindness::ClockUnproven { seconds })
            }
            // After a step nobody knows which of the two times was right.
            Age::Stepped(seconds) => Trouble::Blind(Blindness::Clock { seconds }),
            Age::Old | Age::Unproven(_) => Trouble::Observed(Observation::Stale {
                as_of,
                head: newest.checkpoint().note().clone(),
            }),
        })
    }

    /// What is to say of the canary, by whoever sees all there is.
    fn silence(&mut self, troubles: &[Trouble], now: Time) -> Option<Trouble> {
        let sees = self.sees_all(troubles);
        let heard = self.canary.as_mut().filter(|_| sees)?;
        let silent = heard.silent(now);
        self.keep_canary_or_say();
        let Silence {
            authority,
            since,
            times,
        } = silent?;
        let head = self.standing.witnessed.as_ref()?.note().clone();
        Some(Trouble::Observed(Observation::CanarySilent {
            authority,
            since,
            times,
            head,
        }))
    }

    /// What is to say of a canary that came back, by whoever sees all there is; again until it is in the journal.
    fn canary_back(&self, troubles: &[Trouble], now: Time) -> Option<Alert> {
        let heard = self.canary.as_ref().filter(|_| self.sees_all(troubles))?;
        let Back {
            authority,
            since,
            heard,
        } = heard.back()?;
        let head = self.standing.witnessed.as_ref()?.note().clone();
        let times = (since, heard);
        Some(Alert::canary_back(
            self.log.origin(),
            &authority,
            times,
            head,
            now,
        ))
    }

    fn sees_all(&self, troubles: &[Trouble]) -> bool {
        troubles.is_empty() && self.standing.verified == self.standing.downloaded
    }

    fn keep_canary_or_say(&mut self) {
        if let Err(error) = self.keep_canary() {
            warn!(
                why = causes(&error),
                "when the canary came cannot be kept; after a restart it counts from before"
            );
        }
    }

    fn must_go_on(&self) -> Result<(), Hitch> {
        match self.shared.pause.pause(Duration::ZERO) {
            Wish::GoOn => Ok(()),
            Wish::Stop => Err(Hitch::Stopped),
        }
    }
}

/// Each kind of alarm more than once; while nothing can be written the newest count.
const MAX_UNTOLD: usize = 64;
/// A disk that gives so many wrong files at once is not worth more rounds.
const MAX_HEALS: usize = 64;
/// What clients allow a clock to be off.
const MAX_STEP_SECONDS: u64 = 300;
