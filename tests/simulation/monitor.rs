//! The monitor on a disk that dies, lies or is full at any call: no alert is lost, none comes twice, nobody is accused.
//!
//! ```text
//! honest log + one entry that breaks a rule ─▶ pass, with a fault at call 1, 2, 3 … ─▶ pass again
//! journal    each revocation once · bad-entry once · otherwise only what the monitor says of itself
//! ```

mod alarms;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use labelproof::log_server::ServerError;
use labelproof::mirror::Parallel;
use labelproof::patience::{Pause, Wish};
use labelproof::source::Source;
use labelproof::trust::TrustFile;
use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_core::note::Note;
use labelproof_core::tile::TilePath;
use labelproof_core::time::Time;
use labelproof_host::clock::ManualClock;
use labelproof_host::exit::Exit;
use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_host::tiles::{SourceError, TileSource};
use labelproof_monitor::alert::Numbered;
use labelproof_monitor::board::Board;
use labelproof_monitor::casebook::Casebook;
use labelproof_monitor::follow::{Follower, Limits, Onlooker, Passed, Progress, Shared, Since};
use labelproof_monitor::journal::Journal;
use labelproof_monitor::rules::Rules;
use labelproof_tests::paper_log::{PaperLog, policy};
use labelproof_tests::world;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::labels::{issue, revoke};

/// A log's files in memory.
#[derive(Debug)]
struct Paper {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// How often the checkpoint was asked for.
    asked: AtomicU64,
}

impl Paper {
    fn of(log: &PaperLog) -> Arc<Self> {
        Arc::new(Self {
            files: Mutex::new(log.answers(&[])),
            asked: AtomicU64::new(0),
        })
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// From here on it holds those of this log.
    fn turn(&self, log: &PaperLog) {
        *self.files.lock().unwrap() = log.answers(&[]);
    }
}

impl TileSource for Paper {
    fn get(&self, path: &TilePath) -> Result<Option<Vec<u8>>, SourceError> {
        Ok(self.files.lock().unwrap().get(&format!("/{path}")).cloned())
    }
}

impl Source for Paper {
    fn checkpoint(&self) -> Result<Note, ServerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let note = self.files.lock().unwrap()["/checkpoint"].clone();
        Note::parse(&note).map_err(|source| ServerError::NotANote { source })
    }
}

/// Waits for nothing.
#[derive(Debug)]
struct NoPause;

impl Pause for NoPause {
    fn pause(&self, _: Duration) -> Wish {
        Wish::GoOn
    }
}

struct Nobody;

impl Onlooker for Nobody {
    fn told(&self, _: &[Numbered]) {}
    fn progress(&self, _: Progress) {}
}

/// A machine on which a monitor runs, again and again.
struct Machine {
    fs: SimulatedFs,
    clock: ManualClock,
    /// The lock files are of the real disk.
    dir: tempfile::TempDir,
    watch: PathBuf,
}

impl Machine {
    fn new(seed: u64, time: Time) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for locked in ["mirror", "head.newest"] {
            let folder = dir.path().join("logs").join(world::ORIGIN).join(locked);
            std::fs::create_dir_all(folder).unwrap();
        }
        let fs = SimulatedFs::new(seed);
        fs.create_dir_all(dir.path()).unwrap();
        let watch = dir.path().join("recalls.txt");
        fs.write(&watch, b"kind label.revoke\n").unwrap();
        fs.sync_file(&watch).unwrap();
        fs.sync_dir(dir.path()).unwrap();
        Self {
            fs,
            clock: ManualClock::at(time.unix() * 1_000),
            dir,
            watch,
        }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// One start, one pass, which tells all from entry 0; whatever fails, fails.
    fn pass(&self, log: &PaperLog) -> Option<Passed> {
        let since = Some(Since::Index(LeafIndex::new(0)));
        let mut follower = self.start(&Paper::of(log), since)?;
        let passed = follower.pass();
        follower.close();
        Some(passed)
    }

    fn start(&self, paper: &Arc<Paper>, since: Option<Since>) -> Option<Follower> {
        let fs: Arc<dyn Fs> = Arc::new(self.fs.clone());
        let list = ("recalls".parse().unwrap(), self.watch.clone());
        let shared = Shared {
            clock: Arc::new(self.clock.clone()),
            pause: Arc::new(NoPause),
            journal: Journal::open(fs.clone(), self.dir()).ok()?,
            casebook: Casebook::open(fs.clone(), self.dir().join("evidence")).ok()?,
            rules: Arc::new(Mutex::new(Rules::open(fs.clone(), vec![list]).ok()?)),
            board: Board::new(Vec::new()),
            listener: None,
            canary: None,
            onlooker: Arc::new(Nobody),
            limits: Limits {
                patience: Duration::ZERO,
                max_age: Duration::from_secs(3_600),
                parallel: Parallel::new(1).unwrap(),
            },
            fs,
        };
        let genesis = LeafHash::of_entry(&world::genesis());
        let policy = policy("http://127.0.0.1:1");
        let trust = TrustFile::first(&world::origin(), genesis, &policy).unwrap();
        let trust = TrustFile::parse(trust.as_bytes()).unwrap();
        let source: Arc<dyn Source> = paper.clone();
        let log = trust.logs()[0].clone();
        Follower::open(shared, log, (source, "paper".to_owned()), self.dir(), since).ok()
    }

    /// What the journal holds: subjects of revocations, and other rules.
    fn told(&self, case: &str) -> (Vec<String>, Vec<String>) {
        let journal = Journal::open(Arc::new(self.fs.clone()), self.dir()).unwrap();
        let (mut subjects, mut others) = (Vec::new(), Vec::new());
        let mut ids = BTreeSet::new();
        for numbered in journal.read(0, 10_000).unwrap() {
            let alert = numbered.alert();
            assert!(
                ids.insert(alert.id()),
                "{case} tells twice: {}",
                alert.title()
            );
            let rule = alert.rule().to_string();
            match rule.as_str() {
                "watch:recalls" => subjects.push(alert.title().to_owned()),
                _ => others.push(rule),
            }
        }
        (subjects, others)
    }
}

fn time() -> Time {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

/// A log with a few labels.
fn begun() -> PaperLog {
    let mut log = PaperLog::founded(time());
    log.append(&(0..6).map(issue).collect::<Vec<_>>());
    log
}

/// A log with heads alone behind its few labels.
fn long(size: u64) -> PaperLog {
    let mut log = begun();
    while log.size() < size {
        log.append(&[]);
    }
    log
}

/// Two revocations more, and a label that is issued twice.
fn grown() -> PaperLog {
    let mut log = begun();
    log.append(&[revoke(1), issue(10)]);
    log.take_bad(issue(3));
    log.append(&[]);
    log.append(&[revoke(2)]);
    log
}

/// The calls of a pass that meets no fault.
fn calls(begun: &PaperLog, grown: &PaperLog) -> u64 {
    let machine = Machine::new(0, time());
    assert_eq!(machine.pass(begun), Some(Passed::Done(Exit::Done)));
    let before = machine.fs.calls();
    assert_eq!(machine.pass(grown), Some(Passed::Done(Exit::LogMisbehaved)));
    let (subjects, others) = machine.told("no fault");
    assert_eq!((subjects.len(), others), (2, vec!["bad-entry".to_owned()]));
    machine.fs.calls() - before
}

#[test]
fn a_monitor_that_dies_at_any_call_tells_everything_once() {
    let (begun, grown) = (begun(), grown());
    let calls = calls(&begun, &grown);
    assert!(calls > 50, "a pass makes more than {calls} calls");
    for (fault, first, every) in [
        (Fault::PowerCut, 1, 1),
        (Fault::Eio, 1, 2),
        (Fault::Enospc, 1, 4),
        (Fault::ShortWrite, 3, 4),
    ] {
        for call in (first..=calls).step_by(every) {
            let machine = Machine::new(call, time());
            machine.pass(&begun).unwrap();
            machine.fs.fail_call(machine.fs.calls() + call, fault);
            machine.pass(&grown);
            machine.fs.heal();
            if machine.fs.is_down() {
                machine.fs.restart();
            }
            let case = format!("{fault:?} at {call} of {calls}");
            let passed = machine.pass(&grown);
            assert_eq!(passed, Some(Passed::Done(Exit::LogMisbehaved)), "{case}");
            let (subjects, mut others) = machine.told(&case);
            assert_eq!(subjects.len(), 2, "{case}: {subjects:?}");
            others.retain(|rule| rule != "blind" && rule != "sees-again");
            assert_eq!(others, ["bad-entry"], "{case}");
        }
    }
}

#[test]
fn a_disk_that_reads_wrong_accuses_nobody_and_hides_nothing() {
    let (begun, mut grown) = (begun(), begun());
    grown.append(&[revoke(1), revoke(2)]);
    for seed in 0..100 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let machine = Machine::new(seed, time());
        machine.pass(&begun).unwrap();
        let call = machine.fs.calls() + 1 + random.next_u64() % 80;
        machine
            .fs
            .fail_call(call, Fault::FlippedBit(random.next_u64()));
        machine.pass(&grown);
        machine.fs.heal();
        let passed = machine.pass(&grown);
        assert_eq!(passed, Some(Passed::Done(Exit::Done)), "seed {seed}");
        let (subjects, mut others) = machine.told(&format!("seed {seed}"));
        assert_eq!(subjects.len(), 2, "seed {seed}: {subjects:?}");
        others.retain(|rule| rule != "blind" && rule != "sees-again");
        assert!(others.is_empty(), "seed {seed}: {others:?}");
    }
}

#[test]
fn days_of_crashes_and_clock_steps_lose_no_revocation() {
    for seed in 0..6 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let machine = Machine::new(seed, time());
        let mut log = PaperLog::founded(time());
        let mut revoked = 0;
        for hour in 0..72 {
            let now = time().plus_seconds(hour * 3_600);
            log.set_time(now);
            log.append(&[issue(hour)]);
            if random.next_u64().is_multiple_of(3) {
                log.append(&[revoke(hour)]);
                revoked += 1;
            }
            // The own clock is an hour off now and then, either way.
            let off = [0, 0, 0, 3_700, 7_200][usize::try_from(random.next_u64() % 5).unwrap()];
            machine.clock.set((now.unix() + 3_600 - off) * 1_000);
            match random.next_u64() % 4 {
                0 => {
                    let call = machine.fs.calls() + 1 + random.next_u64() % 120;
                    machine.fs.fail_call(call, Fault::PowerCut);
                }
                1 => machine
                    .fs
                    .fail_call(machine.fs.calls() + random.next_u64() % 120, Fault::Eio),
                _ => {}
            }
            machine.pass(&log);
            machine.fs.heal();
            if machine.fs.is_down() {
                machine.fs.restart();
            }
        }
        machine
            .clock
            .set(time().plus_seconds(72 * 3_600).unix() * 1_000);
        let passed = machine.pass(&log);
        assert_eq!(passed, Some(Passed::Done(Exit::Done)), "seed {seed}");
        let (subjects, others) = machine.told(&format!("seed {seed}"));
        assert_eq!(subjects.len(), revoked, "seed {seed}");
        for rule in others {
            let own = ["blind", "sees-again", "stale", "quorum-lost"];
            assert!(own.contains(&rule.as_str()), "seed {seed}: {rule}");
        }
    }
}

#[test]
fn a_log_of_exactly_one_piece_is_right_unless_its_head_is_missing() {
    let log = long(PIECE);
    let machine = Machine::new(1, time());
    assert_eq!(machine.pass(&log), Some(Passed::Done(Exit::Done)));
    assert_eq!(machine.told("a whole piece"), (vec![], vec![]));

    let mut log = long(PIECE - 1);
    log.append(&[issue(10)]);
    log.leave_out_from(LeafIndex::new(PIECE));
    let machine = Machine::new(2, time());
    assert_eq!(machine.pass(&log), Some(Passed::Done(Exit::LogMisbehaved)));
    let (_, others) = machine.told("no head");
    assert_eq!(others, ["bad-entry"]);
}

#[test]
fn what_is_verified_stays_so_when_more_cannot_be_told() {
    let (begun, grown) = (begun(), grown());
    let since = Some(Since::Index(LeafIndex::new(0)));
    let mut failed = 0;
    for call in 1..=calls(&begun, &grown) {
        let machine = Machine::new(call, time());
        let paper = Paper::of(&begun);
        let mut follower = machine.start(&paper, since).unwrap();
        follower.pass();
        paper.turn(&grown);
        machine.fs.fail_call(machine.fs.calls() + call, Fault::Eio);
        follower.pass();
        machine.fs.heal();
        let verified = follower.standing().verified().get();
        assert!(verified >= begun.size(), "{call}: {verified}");
        failed += u32::from(verified < grown.size());
        follower.pass();
        assert_eq!(follower.standing().verified().get(), grown.size());
    }
    assert!(failed > 0, "no call failed that matters");
}

#[test]
fn what_is_observed_stands_on_the_board_as_long_as_it_holds() {
    let later = time().plus_seconds(7_200);
    let machine = Machine::new(1, later);
    let mut log = begun();
    let paper = Paper::of(&log);
    let mut follower = machine.start(&paper, None).unwrap();
    follower.pass();
    let stale = format!("last witnessed at {}", time());
    assert_eq!(follower.standing().observed(), [(later, stale)]);
    log.set_time(later);
    paper.turn(&log);
    follower.pass();
    assert_eq!(follower.standing().observed(), []);
}

/// How many entries a monitor verifies before it tells, at least.
const PIECE: u64 = 4_096;
