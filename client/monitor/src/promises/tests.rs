//! Heads against a copy on a simulated disk: honest logs are never accused, liars always.

mod kept;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use labelproof::{mirror::Parallel, patience::AtOnce};
use labelproof_core::{
    checkpoint::Checkpoint,
    evidence::{Claim, Decision, Evidence},
    key::{SigningKey, Vkey},
    merkle::WholeTree,
};
use labelproof_host::{
    clock::ManualClock,
    fs::{Fs, SimulatedFs},
};

use super::{
    keeper::{Keeper, Unjudged, Verdict},
    *,
};
use crate::{
    alert::{Numbered, Rule},
    board::Board,
    casebook::Casebook,
    follow::{Limits, Onlooker, Progress, Shared},
    journal::Journal,
    rules::{Listener as _, Rules},
    samples,
};

/// The leaves of a log: the same up to some index, and others from there on in another history.
pub(crate) fn leaves(size: u64, forks_at: u64) -> Vec<LeafHash> {
    let leaf = |index: u64| match index < forks_at {
        true => LeafHash::of_entry(&index.to_be_bytes()),
        false => LeafHash::of_entry(&[9, u8::try_from(index).unwrap()]),
    };
    (0..size).map(leaf).collect()
}

pub(crate) fn honest(size: u64) -> Vec<LeafHash> {
    leaves(size, u64::MAX)
}

/// What the log signs for these leaves.
pub(crate) fn head(leaves: &[LeafHash]) -> SignedCheckpoint {
    samples::checkpoint(&WholeTree::new(leaves.iter().copied()))
}

pub(crate) fn note(leaves: &[LeafHash]) -> Vec<u8> {
    head(leaves).note().to_bytes()
}

/// The key that the log had before, which still stands in the trust file, above the one it has.
fn old_key() -> SigningKey {
    samples::key("labels.g7.example", 3)
}

fn keys() -> Vec<Vkey> {
    vec![old_key().vkey().clone(), samples::log_key().vkey().clone()]
}

struct Deaf;

impl Onlooker for Deaf {
    fn told(&self, _: &[Numbered]) {}
    fn progress(&self, _: Progress) {}
}

/// A monitor of one log, without a follower.
pub(crate) struct World {
    pub(crate) fs: SimulatedFs,
    pub(crate) clock: ManualClock,
    pub(crate) shared: Shared,
    pub(crate) keeper: Keeper,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let fs = SimulatedFs::new(seed);
        let dir = Path::new("monitor");
        fs.create_dir_all(&dir.join("mirror/tile/0")).unwrap();
        let clock = ManualClock::at(samples::at(0).unix() * 1_000);
        Self::on(fs, clock)
    }

    fn on(fs: SimulatedFs, clock: ManualClock) -> Self {
        let dir = Path::new("monitor");
        let disk: Arc<dyn Fs> = Arc::new(fs.clone());
        let source = "https://labels.g7.example".to_owned();
        let standing = Standing::begin(samples::origin(), keys(), source, dir.join("mirror"));
        let shared = Shared {
            clock: Arc::new(clock.clone()),
            pause: Arc::new(AtOnce),
            journal: Journal::open(disk.clone(), dir).unwrap(),
            casebook: Casebook::open(disk.clone(), dir.join("evidence")).unwrap(),
            rules: Arc::new(Mutex::new(Rules::open(disk.clone(), Vec::new()).unwrap())),
            board: Board::new(vec![standing]),
            listener: None,
            canary: None,
            onlooker: Arc::new(Deaf),
            limits: Limits {
                patience: Duration::ZERO,
                max_age: Duration::from_secs(3_600),
                parallel: Parallel::default(),
            },
            fs: disk,
        };
        let keys = BTreeMap::from([(samples::origin(), keys())]);
        let keeper = Keeper::open(shared.clone(), dir.join("promises"), &keys).unwrap();
        Self {
            fs,
            clock,
            shared,
            keeper,
        }
    }

    /// The same after a power cut.
    fn restarted(self) -> Self {
        self.fs.cut_power();
        self.fs.restart();
        let standing = self.standing();
        let world = Self::on(self.fs, self.clock);
        world.shared.board.put(standing);
        world
    }

    fn standing(&self) -> Standing {
        self.shared.board.logs().remove(0)
    }

    /// The follower has copied and verified these, and asked the log now.
    pub(crate) fn verified(&self, leaves: &[LeafHash]) {
        // Fewer than a full tile: one file.
        let tile = Path::new("monitor/mirror/tile/0/000.p").join(leaves.len().to_string());
        self.fs.create_dir_all(tile.parent().unwrap()).unwrap();
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
        self.fs.write(&tile, &bytes).unwrap();
        let head = head(leaves);
        self.put(Standing {
            downloaded: head.head().size(),
            verified: head.head().size(),
            witnessed: Some(head),
            polled: Some(self.shared.clock.now()),
            as_of: Some(self.shared.clock.now()),
            behind: Some(0),
            ..self.standing()
        });
    }

    fn put(&self, standing: Standing) {
        self.shared.board.put(standing);
    }

    /// What the follower does after a poll.
    fn poll(&self) {
        let mut keeper = self.keeper.clone();
        let alerts = keeper.head(&self.standing(), self.shared.clock.now());
        self.shared.tell(alerts).unwrap();
    }

    /// The rules of all alerts so far; evidence among them holds.
    pub(crate) fn told(&self) -> Vec<Rule> {
        let alerts = self.shared.journal.read(0, 1_000).unwrap();
        for alert in &alerts {
            if let crate::alert::Proof::Evidence(evidence) = alert.alert().proof() {
                proves_a_fork(evidence);
            }
        }
        alerts
            .iter()
            .map(|alert| alert.alert().rule().clone())
            .collect()
    }

    fn judge(&self, note: &[u8]) -> Verdict {
        self.keeper.judge_head(note).unwrap().verdict
    }
}

fn proves_a_fork(evidence: &Evidence) {
    assert_eq!(evidence.claim(), Claim::Fork);
    let file = Evidence::parse(&evidence.to_bytes()).unwrap();
    let decision = file.verify(&keys()).unwrap();
    assert!(matches!(decision, Decision::Proven(_)));
}

#[test]
fn heads_of_one_history_accuse_nobody() {
    let world = World::new(1);
    assert!(matches!(
        world.keeper.judge_head(&note(&honest(9))),
        Err(Unjudged::NotYet)
    ));
    world.verified(&honest(9));
    for size in 1..=9 {
        assert!(
            matches!(world.judge(&note(&honest(size))), Verdict::Consistent),
            "{size}"
        );
    }
    assert!(matches!(world.judge(&note(&honest(10))), Verdict::Ahead));
    assert!(matches!(world.judge(&note(&honest(10))), Verdict::Ahead));
    assert_eq!(world.keeper.open_promises(), 1, "the same once");
    world.poll();
    world.verified(&honest(12));
    world.poll();
    assert_eq!(world.keeper.open_promises(), 0);
    assert!(world.told().is_empty());
    let ours = world
        .keeper
        .judge_head(&note(&honest(3)))
        .unwrap()
        .ours
        .unwrap();
    assert_eq!(ours.note().to_bytes(), note(&honest(12)));
}

#[test]
fn a_head_of_another_history_is_evidence_at_once() {
    for (size, forks_at) in [(9, 0), (9, 8), (7, 3), (1, 0), (8, 7)] {
        let world = World::new(2);
        world.verified(&honest(9));
        let Verdict::Forked(evidence) = world.judge(&note(&leaves(size, forks_at))) else {
            panic!("{size} that forks at {forks_at}");
        };
        proves_a_fork(&evidence);
        // Told once, however often it is handed in.
        world.judge(&note(&leaves(size, forks_at)));
        assert_eq!(world.told(), [Rule::Fork]);
    }
}

#[test]
fn a_head_that_is_ahead_convicts_once_ours_has_come_so_far_also_after_a_restart() {
    let world = World::new(3);
    world.verified(&honest(9));
    assert!(matches!(
        world.judge(&note(&leaves(12, 10))),
        Verdict::Ahead
    ));
    let world = world.restarted();
    assert_eq!(world.keeper.open_promises(), 1);
    world.verified(&honest(11));
    world.poll();
    assert!(world.told().is_empty(), "nothing is known of it yet");
    world.verified(&honest(13));
    world.poll();
    assert_eq!(world.told(), [Rule::Fork]);
    assert_eq!(world.keeper.open_promises(), 0);
    assert_eq!(world.restarted().keeper.open_promises(), 0);
}

#[test]
fn what_the_log_did_not_sign_is_no_evidence() {
    let world = World::new(4);
    world.verified(&honest(9));
    let tree = WholeTree::new(leaves(9, 0));
    let checkpoint = Checkpoint::new(samples::origin(), tree.head());
    let other = SignedCheckpoint::sign(&checkpoint, &samples::key("labels.g7.example", 2));
    let judged = world.keeper.judge_head(&other.note().to_bytes());
    assert!(matches!(judged, Err(Unjudged::NotSigned)));
    let mut flipped = note(&leaves(9, 0));
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    assert!(world.keeper.judge_head(&flipped).is_err());
    for malformed in [&b""[..], b"hello", b"labels.g7.example\n9\n", &[0xff; 40]] {
        assert!(matches!(
            world.keeper.judge_head(malformed),
            Err(Unjudged::Malformed(_))
        ));
    }
    let other: labelproof_core::checkpoint::Origin = "other.example".parse().unwrap();
    let other = Checkpoint::new(other, tree.head());
    let other = SignedCheckpoint::sign(&other, &samples::key("other.example", 1));
    assert!(matches!(
        world.judge(&other.note().to_bytes()),
        Verdict::NotMine
    ));
    assert!(world.told().is_empty());
}

#[test]
fn a_log_is_held_to_what_each_of_its_keys_signed() {
    let by_old = |leaves: &[LeafHash]| {
        let head = WholeTree::new(leaves.iter().copied()).head();
        SignedCheckpoint::sign(&Checkpoint::new(samples::origin(), head), &old_key())
    };
    let note = |leaves: &[LeafHash]| by_old(leaves).note().to_bytes();
    let world = World::new(14);
    world.verified(&honest(9));
    assert!(matches!(
        world.judge(&note(&honest(9))),
        Verdict::Consistent
    ));
    assert!(matches!(
        world.judge(&note(&leaves(12, 10))),
        Verdict::Ahead
    ));
    assert!(matches!(
        world.judge(&note(&leaves(7, 3))),
        Verdict::Forked(_)
    ));
    assert_eq!(world.told(), [Rule::Fork]);
    let fork = Evidence::fork_at_one_size(&by_old(&leaves(5, 0)), &head(&honest(5))).unwrap();
    assert!(matches!(
        world.keeper.judge_evidence(&fork.to_bytes()),
        Ok(true)
    ));
    // What is watched is opened again by the key that signed it.
    let world = world.restarted();
    assert_eq!(world.keeper.open_promises(), 1);
    world.verified(&honest(13));
    world.poll();
    assert_eq!(world.told(), [Rule::Fork, Rule::Fork, Rule::Fork]);
}

/// A copy of ours that is damaged, missing or behind is nobody's fault.
#[test]
fn a_copy_that_is_wrong_accuses_nobody() {
    let world = World::new(5);
    world.verified(&honest(9));
    let tile = Path::new("monitor/mirror/tile/0/000.p/9");
    let whole = world.fs.read(tile).unwrap();
    for at in [0, 100, whole.len() - 1] {
        let mut wrong = whole.clone();
        wrong[at] ^= 1;
        world.fs.write(tile, &wrong).unwrap();
        for head in [honest(7), leaves(7, 3)] {
            assert!(
                matches!(
                    world.keeper.judge_head(&note(&head)),
                    Err(Unjudged::Copy(_))
                ),
                "{at}"
            );
        }
    }
    world.fs.remove(tile).unwrap();
    assert!(matches!(
        world.keeper.judge_head(&note(&honest(7))),
        Err(Unjudged::Copy(_))
    ));
    assert!(world.told().is_empty());
    // Two heads of one size need no copy.
    assert!(matches!(
        world.judge(&note(&leaves(9, 5))),
        Verdict::Forked(_)
    ));
}

#[test]
fn evidence_of_others_is_told_if_it_holds_and_only_then() {
    let world = World::new(13);
    world.verified(&honest(9));
    let fork = samples::fork().to_bytes();
    let mut broken = fork.clone();
    let middle = broken.len() / 2;
    broken[middle] = if broken[middle] == b'A' { b'B' } else { b'A' };
    assert!(!matches!(world.keeper.judge_evidence(&broken), Ok(true)));
    assert!(world.keeper.judge_evidence(b"x").is_err());
    // Two heads of a log of this name, signed by another.
    let other = samples::key("labels.g7.example", 9);
    let head = |byte| {
        let tree = WholeTree::new([LeafHash::of_entry(&[byte])]);
        SignedCheckpoint::sign(&Checkpoint::new(samples::origin(), tree.head()), &other)
    };
    let forged = Evidence::fork_at_one_size(&head(1), &head(2)).unwrap();
    assert!(matches!(
        world.keeper.judge_evidence(&forged.to_bytes()),
        Ok(false)
    ));
    assert!(world.told().is_empty());
    assert!(matches!(world.keeper.judge_evidence(&fork), Ok(true)));
    assert_eq!(world.told(), [Rule::Fork]);
}
