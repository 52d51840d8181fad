//! What is only there to be quick: index and snapshot. Without them, and with wrong ones, the answers are the same.

use std::path::Path;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use labelproof_core::event::EventId;
use labelproof_core::merkle::{LeafIndex, RootHash, TreeHead, TreeSize};
use labelproof_core::state::key::{MapKey, MapName};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::{
    index::{Addition, Index, Indexed, SledIndex},
    sequencer::{Parts, SequenceError, Sequencer},
    snapshot,
    storage::{HeadRecord, HeadStore, SwapError},
};

use crate::world::{Ledger, World, found, id_of, issue, label_key, parts, revoke};

fn head(size: u64) -> TreeHead {
    TreeHead::new(TreeSize::new(size), RootHash::from_bytes([7; 32]))
}

fn addition(from: u64, to: u64) -> Addition {
    let event = |index: u64| Indexed {
        index: LeafIndex::new(index),
        event: id_of(&issue(usize::try_from(index).unwrap())),
        keys: Vec::new(),
    };
    Addition {
        from: TreeSize::new(from),
        head: head(to),
        events: (from..to).map(event).collect(),
    }
}

#[test]
fn what_was_appended_is_found_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let index = SledIndex::open(dir.path()).unwrap();
    index.append(addition(0, 3));
    assert_eq!(index.event(&id_of(&issue(2))), Some(LeafIndex::new(2)));
    index.flush();
    drop(index);
    // The thread lets go of the files some time after the queue is gone.
    let copy = tempfile::tempdir().unwrap();
    for name in ["db", "conf"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let index = SledIndex::open(copy.path()).unwrap();
    assert_eq!(index.watermark(), head(3));
    assert_eq!(index.event(&id_of(&issue(2))), Some(LeafIndex::new(2)));
    assert_eq!(index.event(&id_of(&issue(3))), None);
}

#[test]
fn entries_of_a_key_are_found_in_order_from_any_place_however_they_were_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let index = SledIndex::open(dir.path()).unwrap();
    let key = MapKey::from_bytes([7; 32]);
    let append = |from, to| {
        let mut addition = addition(from, to);
        for event in &mut addition.events {
            event.keys = vec![key, MapKey::from_bytes([8; 32])];
        }
        index.append(addition);
    };
    let check = |end: u64| {
        let all = index.entries(&key);
        assert_eq!(all, (0..end).map(LeafIndex::new).collect::<Vec<_>>());
        for from in 0..end {
            for limit in [1, 3, 9] {
                let found = index.entries_from(&key, LeafIndex::new(from), limit);
                let want = (from..end).take(limit).map(LeafIndex::new);
                assert_eq!(
                    found,
                    want.collect::<Vec<_>>(),
                    "{limit} from {from} of {end}"
                );
            }
        }
    };
    let mut end = 0;
    let overlapping = [(3, 8), (8, 20), (12, 20)];
    let nested = [(20, 40), (25, 27), (38, 39), (22, 24)];
    for (from, to) in [(0, 5), (5, 12)]
        .into_iter()
        .chain(overlapping)
        .chain(nested)
    {
        append(from, to);
        end = end.max(to);
        check(end);
        index.flush();
        check(end);
    }
}

#[test]
fn a_long_run_is_written_in_groups_and_found_like_a_short_one() {
    let dir = tempfile::tempdir().unwrap();
    let index = SledIndex::open(dir.path()).unwrap();
    // Hashes, as ids and keys are: each is about one entry, but for one key about every second entry.
    let id = |index: u64| EventId::of_text(&index.to_string());
    let own =
        |index: u64| MapKey::from_bytes(*EventId::of_text(&format!("key {index}")).as_bytes());
    let common = MapKey::from_bytes([7; 32]);
    let runs = [0, 9_000, 18_000, 18_010].map(LeafIndex::new);
    for run in runs.windows(2) {
        let (from, to) = (run[0].get(), run[1].get());
        let event = |index: u64| {
            let mut keys = vec![own(index), own(index % 9_000)];
            keys.extend(index.is_multiple_of(2).then_some(common));
            let (event, index) = (id(index), LeafIndex::new(index));
            Indexed { index, event, keys }
        };
        index.append(Addition {
            from: TreeSize::new(from),
            head: head(to),
            events: (from..to).map(event).collect(),
        });
        index.flush();
    }
    assert_eq!(index.watermark(), head(18_010));
    for at in (0..18_010).step_by(61).chain([18_009]) {
        assert_eq!(index.event(&id(at)), Some(LeafIndex::new(at)));
        let first = at % 9_000;
        let all = (first..18_010).step_by(9_000).map(LeafIndex::new);
        let all: Vec<LeafIndex> = all.collect();
        let key = own(at);
        let found = match at < 9_000 {
            true => all.as_slice(),
            false => &[LeafIndex::new(at)],
        };
        assert_eq!(index.entries(&key), found);
        let from = |from: usize, limit| index.entries_from(&own(first), all[from], limit);
        assert_eq!(from(0, 1), all[..1]);
        assert_eq!(from(1, 9), all[1..]);
    }
    assert_eq!(index.event(&id(18_010)), None);
    assert_eq!(index.entries(&common).len(), 9_005);
    index.clear();
    index.flush();
    assert_eq!(
        (index.event(&id(1)), index.entries(&common)),
        (None, Vec::new())
    );
}

#[test]
fn the_watermark_moves_only_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let index = SledIndex::open(dir.path()).unwrap();
    index.append(addition(0, 3));
    index.append(addition(5, 7));
    assert_eq!(index.watermark(), head(3));
    index.append(addition(3, 5));
    index.append(addition(5, 7));
    assert_eq!(index.watermark(), head(7));
    index.clear();
    index.flush();
    assert_eq!(
        (index.watermark(), index.event(&id_of(&issue(2)))),
        (TreeHead::EMPTY, None)
    );
}

#[test]
fn an_index_that_cannot_be_opened_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("conf"), b"no configuration of sled").unwrap();
    std::fs::write(dir.path().join("db"), vec![0xff; 10_000]).unwrap();
    let index = SledIndex::open(dir.path()).unwrap();
    assert_eq!(index.watermark(), TreeHead::EMPTY);
    index.append(addition(0, 3));
    assert_eq!(index.event(&id_of(&issue(1))), Some(LeafIndex::new(1)));
}

/// Three labels of one product under a published head; its index needs more than its root to go on.
#[test]
fn a_snapshot_is_believed_with_the_subtrees_of_its_indexes_and_not_without() {
    let disk = SimulatedFs::new(4);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    for number in 1..=3 {
        world.log.admit(&issue(number)).unwrap();
    }
    assert!(world.step());
    world.witness();
    snapshot::write(&world.log).unwrap();
    // What the tip has beyond the published head is no part of it.
    world.log.admit(&issue(4)).unwrap();
    assert!(world.step());
    let setting = world.log.setting();
    let published = world.log.published().unwrap();
    let view = published.view();
    let end = TreeSize::new(view.head_index().get() + 1);
    let read = || snapshot::read(setting, end, Some(end)).unwrap();
    let restored = read().unwrap().view();
    let frontiers: Vec<_> = view.frontiers().collect();
    assert_eq!(frontiers.len(), 1);
    assert_eq!(restored.frontiers().collect::<Vec<_>>(), frontiers);
    assert_eq!(restored.map().root(), view.map().root());
    let product = MapName::product(&"09521234001010".parse().unwrap());
    assert_eq!(restored.index_record(&product).unwrap().count(), 3);
    assert_eq!(setting.index.entries(&product.key()).len(), 4);

    let path = Path::new("/log/snapshot");
    let bytes = fs.read(path).unwrap();
    let node = frontiers[0].1[0];
    let at = bytes
        .windows(32)
        .position(|window| window == node.as_bytes());
    for (from, to) in [("/v2", "/v1"), ("/v2", "/v3")] {
        let text = String::from_utf8_lossy(&bytes[..30]).replace(from, to);
        let other = [text.as_bytes(), &bytes[30..]].concat();
        setting.directory.write_file("snapshot", [&other]).unwrap();
        assert!(read().is_none(), "a snapshot of {to}");
    }
    let bit = 8 * at.unwrap() as u64;
    setting.directory.write_file("snapshot", [&bytes]).unwrap();
    assert!(read().is_some());
    disk.flip_bit(path, bit).unwrap();
    assert!(read().is_none(), "a subtree with a bit flipped");
}

/// A published log with a snapshot, and more entries behind it.
fn disk_with_snapshot() -> SimulatedFs {
    let disk = SimulatedFs::new(4);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let mut world = World::of_one_label(&fs);
    snapshot::write(&world.log).unwrap();
    world.log.admit(&issue(2)).unwrap();
    world.log.admit(&revoke(1, None)).unwrap();
    assert!(world.step());
    disk
}

/// Loads the log and lets the next event of a label from before the snapshot in; gives the head that follows.
fn next_head(disk: &SimulatedFs) -> TreeHead {
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    assert_eq!(
        world.log.published().unwrap().head().size(),
        TreeSize::new(7)
    );
    world.log.admit(&revoke(2, None)).unwrap();
    assert!(world.step());
    world.sequencer.head()
}

#[test]
fn a_log_goes_on_the_same_from_a_snapshot_without_one_and_from_a_damaged_one() {
    let base = disk_with_snapshot();
    let fresh = base.backup(1);
    fresh.remove("/log/snapshot".as_ref()).unwrap();
    let want = next_head(&fresh);
    assert_eq!(next_head(&base.backup(2)), want);
    let bits = 8 * base.len("/log/snapshot".as_ref()).unwrap();
    for step in 0..60 {
        let damaged = base.backup(3);
        damaged
            .flip_bit("/log/snapshot".as_ref(), step * 37 * 8 % bits + step % 8)
            .unwrap();
        assert_eq!(next_head(&damaged), want, "bit {step}");
    }
}

/// The history of the label has to be looked up, and a flipped bit made an index of one that no log reaches.
#[test]
fn an_index_that_names_what_is_past_the_end_is_no_harm() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(4));
    let world = World::of_one_label(&fs);
    snapshot::write(&world.log).unwrap();
    for past in [7, 1 << 40, u64::MAX] {
        let world = World::load(&fs, &Ledger::default()).unwrap();
        world.log.setting().index.append(Addition {
            from: TreeSize::EMPTY,
            head: head(1),
            events: vec![Indexed {
                index: LeafIndex::new(past),
                event: id_of(&issue(7)),
                keys: vec![label_key(1)],
            }],
        });
        world.log.admit(&revoke(1, None)).unwrap();
    }
}

#[test]
fn the_first_event_of_a_label_takes_no_row_and_is_found() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(4));
    let world = World::of_one_label(&fs);
    snapshot::write(&world.log).unwrap();
    assert_eq!(world.log.setting().index.entries(&label_key(1)), []);
    // Nothing of the label is known in detail: its history is read back.
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    let revoke = revoke(1, Some(id_of(&issue(1))));
    let revoked = world.log.admit(&revoke).unwrap();
    assert!(world.step());
    assert_eq!(
        world.log.setting().index.entries(&label_key(1)),
        [revoked.index()]
    );
}

#[test]
fn the_store_of_another_log_is_not_taken_over() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let other = Parts {
        origin: "labels.other.example".parse().unwrap(),
        ..parts(&fs, &Ledger::default())
    };
    let before = other.heads.read().unwrap();
    assert!(matches!(
        Sequencer::load(other.clone()),
        Err(SequenceError::OtherLog { found }) if found == "labels.g7.example"
    ));
    assert_eq!(other.heads.read().unwrap(), before);
}

/// A head store whose second swap is done and reported as failed.
struct Unclear {
    inner: Arc<dyn HeadStore>,
    fs: Arc<dyn Fs>,
    swaps: AtomicUsize,
}

impl HeadStore for Unclear {
    fn read(&self) -> Result<Option<HeadRecord>, SwapError> {
        self.inner.read()
    }

    fn swap(&self, expected: &HeadRecord, new: &HeadRecord) -> Result<(), SwapError> {
        self.inner.swap(expected, new)?;
        match self.swaps.fetch_add(1, Ordering::Relaxed) {
            1 => Err(self.fs.read(Path::new("/none")).unwrap_err().into()),
            _ => Ok(()),
        }
    }
}

/// What was read back may be in memory only: a third swap makes it durable before it is signed.
#[test]
fn an_unclear_swap_is_done_again_before_anything_is_signed() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let parts = parts(&fs, &Ledger::default());
    let heads = Arc::new(Unclear {
        inner: parts.heads.clone(),
        fs,
        swaps: AtomicUsize::new(0),
    });
    let mut sequencer = Sequencer::load(Parts {
        heads: heads.clone(),
        ..parts
    })
    .unwrap();
    let mut swaps = 0;
    sequencer
        .sequence(vec![b"entry".to_vec()], &mut |_| {
            swaps = heads.swaps.load(Ordering::Relaxed);
        })
        .unwrap();
    assert_eq!(swaps, 3, "at the start, unclear, and again");
}
