//! The monitor's machine: its disk, its clock, its process while it runs, and everything it told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use labelproof::mirror::{Folder, Parallel};
use labelproof::patience::{Pause, Wish};
use labelproof::source::Source;
use labelproof::trust::{TrustFile, TrustedLog};
use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_core::time::Time;
use labelproof_host::clock::ManualClock;
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_monitor::alert::{Alert, Numbered};
use labelproof_monitor::board::Board;
use labelproof_monitor::casebook::Casebook;
use labelproof_monitor::follow::{Follower, Limits, Onlooker, Passed, Progress, Shared, Since};
use labelproof_monitor::journal::Journal;
use labelproof_monitor::promises::keeper::Keeper;
use labelproof_monitor::rules::Rules;
use labelproof_tests::world;

use super::source::Shown;
use super::story;

/// How long what passes by itself may last.
pub(super) const PATIENCE_S: u64 = 2_400;
/// How old the newest quorum may be.
pub(super) const MAX_AGE_S: u64 = 7_200;

/// Waits for nothing.
#[derive(Debug)]
struct NoPause;

impl Pause for NoPause {
    fn pause(&self, _: Duration) -> Wish {
        Wish::GoOn
    }
}

/// Whoever is told: alerts in the order in which they came.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<Numbered>>>);

impl Onlooker for Ear {
    fn told(&self, alerts: &[Numbered]) {
        self.0.lock().unwrap().extend_from_slice(alerts);
    }

    fn progress(&self, _: Progress) {}
}

/// A monitor's process.
pub(super) struct Up {
    follower: Follower,
    pub(super) keeper: Keeper,
    pub(super) journal: Journal,
}

/// A machine on which a monitor runs, again and again.
pub(super) struct Station {
    pub(super) fs: SimulatedFs,
    pub(super) clock: ManualClock,
    pub(super) up: Option<Up>,
    /// The lock files are of the real disk.
    dir: tempfile::TempDir,
    log: TrustedLog,
    ear: Ear,
    /// The number of the newest alert that was heard of.
    heard: u64,
}

impl Station {
    pub(super) fn new(seed: u64, time: Time) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for locked in ["mirror", "head.newest"] {
            std::fs::create_dir_all(logs(dir.path()).join(locked)).unwrap();
        }
        let genesis = LeafHash::of_entry(&world::genesis());
        let trust = TrustFile::first(&world::origin(), genesis, &story::policy()).unwrap();
        let trust = TrustFile::parse(trust.as_bytes()).unwrap();
        Self {
            fs: disk(seed, dir.path()),
            clock: ManualClock::at(time.unix() * 1_000),
            up: None,
            dir,
            log: trust.logs()[0].clone(),
            ear: Ear::default(),
            heard: 0,
        }
    }

    pub(super) fn log(&self) -> &TrustedLog {
        &self.log
    }

    /// Where the monitor is.
    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The monitor's copy of the log, for whoever judges by it.
    pub(super) fn copy(&self) -> Option<Folder> {
        let dir = logs(self.dir.path()).join("mirror");
        Folder::open_to_read(Arc::new(self.fs.clone()), &dir, &self.log).ok()
    }

    /// Starts the process; whatever its disk does, does.
    pub(super) fn start(&mut self, shown: &Arc<Shown>) {
        self.up = self.try_start(shown);
        if self.up.is_none() {
            return;
        }
        // What was written and not brought when it died is brought now.
        let shared: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let told = Journal::open(shared, self.dir.path())
            .and_then(|journal| journal.read(self.heard, 10_000));
        self.ear.told(&told.unwrap_or_default());
    }

    fn try_start(&self, shown: &Arc<Shown>) -> Option<Up> {
        let dir = self.dir.path();
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let list = ("recalls".parse().unwrap(), watch(dir));
        let mut shared = Shared {
            clock: Arc::new(self.clock.clone()),
            pause: Arc::new(NoPause),
            journal: Journal::open(fs.clone(), dir).ok()?,
            casebook: Casebook::open(fs.clone(), dir.join("evidence")).ok()?,
            rules: Arc::new(Mutex::new(Rules::open(fs.clone(), vec![list]).ok()?)),
            board: Board::new(Vec::new()),
            listener: None,
            canary: None,
            onlooker: Arc::new(self.ear.clone()),
            limits: Limits {
                patience: Duration::from_secs(PATIENCE_S),
                max_age: Duration::from_secs(MAX_AGE_S),
                parallel: Parallel::new(1).unwrap(),
            },
            fs,
        };
        let keys = BTreeMap::from([(self.log.origin().clone(), self.log.keys())]);
        let keeper = Keeper::open(shared.clone(), dir.join("promises"), &keys).ok()?;
        shared.listener = Some(Arc::new(Mutex::new(keeper.clone())));
        let (board, journal) = (shared.board.clone(), shared.journal.clone());
        let source: Arc<dyn Source> = shown.clone();
        let since = Some(Since::Index(LeafIndex::new(0)));
        let from = (source, "paper".to_owned());
        let follower = Follower::open(shared, self.log.clone(), from, dir, since).ok()?;
        board.put(follower.standing().clone());
        Some(Up {
            follower,
            keeper,
            journal,
        })
    }

    /// Looks once.
    pub(super) fn pass(&mut self) {
        // A backlog is worked off at once; these logs have none.
        if let Some(up) = &mut self.up
            && up.follower.pass() == Passed::More
        {
            up.follower.pass();
        }
    }

    /// Ends the process as whoever stops it does.
    pub(super) fn stop(&mut self) {
        if let Some(mut up) = self.up.take() {
            up.follower.close();
        }
    }

    /// After a power cut: what was not synced is dropped, kept or torn.
    pub(super) fn power_on(&mut self) {
        self.up = None;
        self.fs.restart();
    }

    /// The disk is another one; of the old one these files are there, of their names in the monitor's folder.
    pub(super) fn replace_disk(&mut self, seed: u64, keeps: impl Fn(&str) -> bool) {
        self.up = None;
        let old = std::mem::replace(&mut self.fs, disk(seed, self.dir.path()));
        let mut found = Vec::new();
        files(&old, self.dir.path(), &mut found);
        let mut kept = 0;
        for path in found {
            let name = path.strip_prefix(self.dir.path()).unwrap();
            if keeps(name.to_str().unwrap()) {
                let folder = path.parent().unwrap();
                self.fs.create_dir_all(folder).unwrap();
                self.fs.write(&path, &old.read(&path).unwrap()).unwrap();
                self.fs.sync_file(&path).unwrap();
                self.fs.sync_dir(folder).unwrap();
                kept += 1;
            }
        }
        if kept == 0 {
            self.heard = 0;
        }
    }

    /// What was told since this was asked.
    pub(super) fn told(&mut self) -> Vec<Alert> {
        let told = std::mem::take(&mut *self.ear.0.lock().unwrap());
        let newest = told.iter().map(Numbered::number).max();
        self.heard = self.heard.max(newest.unwrap_or(0));
        told.iter()
            .map(|numbered| numbered.alert().clone())
            .collect()
    }
}

fn disk(seed: u64, dir: &Path) -> SimulatedFs {
    let fs = SimulatedFs::new(seed);
    fs.create_dir_all(dir).unwrap();
    let watch = watch(dir);
    fs.write(&watch, b"kind label.revoke\n").unwrap();
    fs.sync_file(&watch).unwrap();
    fs.sync_dir(dir).unwrap();
    fs
}

fn watch(dir: &Path) -> PathBuf {
    dir.join("recalls.txt")
}

fn logs(dir: &Path) -> PathBuf {
    dir.join("logs").join(world::ORIGIN)
}

/// All files below a folder.
fn files(fs: &SimulatedFs, dir: &Path, found: &mut Vec<PathBuf>) {
    for name in fs.list(dir).unwrap() {
        let path = dir.join(name);
        match fs.len(&path) {
            Ok(_) => found.push(path),
            Err(_) => files(fs, &path, found),
        }
    }
}
