//! Index and snapshot are disposable: whatever lies in their place, an answer is that of a rebuilt log, or 503 (F16).

use std::{fs, path::Path, sync::Arc};

use axum::http::StatusCode;
use labelproof_core::merkle::TreeHead;
use labelproof_host::{
    clock::ManualClock,
    fs::{Fs, SimulatedFs},
};
use labelproof_log::{
    engine::start,
    index::{MemoryIndex, SledIndex, catch_up},
    log::{Log, Setting},
    rebuild::{RebuildError, rebuild},
    snapshot,
};

use crate::{
    http::{get, router},
    world::{
        Ledger, NOW_MS, ORIGIN, World, found, id_of, issue, log_key, parts, policy, revoke, store,
    },
};

const LABELS: usize = 60;
const SNAPSHOT: &str = "/log/snapshot";

/// A published log with a snapshot on a simulated disk, its index in a folder, and older and foreign ones of both.
struct Base {
    disk: SimulatedFs,
    index: tempfile::TempDir,
    older: (Vec<u8>, tempfile::TempDir),
    foreign: (Vec<u8>, tempfile::TempDir),
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Fills a log with labels from `first` on, a batch of two each; looks into the folder half way.
fn fill(fs: &Arc<dyn Fs>, index: &Path, first: usize, mut half: impl FnMut(&World)) {
    let mut world = load(fs, index).unwrap();
    world.furnish();
    for number in first..first + LABELS {
        world.log.admit(&issue(number)).unwrap();
        if number % 3 == 0 {
            world
                .log
                .admit(&revoke(number, Some(id_of(&issue(number)))))
                .unwrap();
        }
        assert!(world.step());
        if number == first + LABELS / 2 {
            world.witness();
            world.log.setting().index.flush();
            half(&world);
        }
    }
    world.witness();
    snapshot::write(&world.log).unwrap();
    world.log.setting().index.flush();
}

impl Base {
    fn make() -> Self {
        let folder = || tempfile::tempdir().unwrap();
        let (index, old_index, foreign_index) = (folder(), folder(), folder());
        let disk = SimulatedFs::new(16);
        let files: Arc<dyn Fs> = Arc::new(disk.clone());
        found(&files);
        let mut old_snapshot = Vec::new();
        fill(&files, index.path(), 1, |world| {
            snapshot::write(&world.log).unwrap();
            old_snapshot = files.read(SNAPSHOT.as_ref()).unwrap();
            copy(index.path(), old_index.path());
        });
        let other: Arc<dyn Fs> = Arc::new(SimulatedFs::new(17));
        found(&other);
        fill(&other, foreign_index.path(), 1_001, |_| {});
        let foreign_snapshot = other.read(SNAPSHOT.as_ref()).unwrap();
        Self {
            disk,
            index,
            older: (old_snapshot, old_index),
            foreign: (foreign_snapshot, foreign_index),
        }
    }
}

fn setting(fs: &Arc<dyn Fs>, index: &Path) -> Setting {
    Setting {
        origin: ORIGIN.parse().unwrap(),
        vkey: log_key().vkey().clone(),
        policy: policy(),
        clock: Arc::new(ManualClock::at(NOW_MS)),
        directory: store(fs.clone()).directory(),
        index: Arc::new(SledIndex::open(index).unwrap()),
        metrics: Arc::default(),
    }
}

/// Loads the store as `serve` does; the index has not caught up yet.
fn load(fs: &Arc<dyn Fs>, index: &Path) -> Result<World, labelproof_log::load::LoadError> {
    let log = Arc::new(Log::new(setting(fs, index)));
    let sequencer = start(&log, parts(fs, &Ledger::default()))?;
    log.open();
    Ok(World {
        log,
        sequencer,
        clock: ManualClock::at(NOW_MS),
    })
}

/// Everything that can be asked, and the answers of a log that was never harmed.
async fn answers(world: &World) -> Vec<(String, StatusCode, Vec<u8>)> {
    let router = router(world);
    let mut answers = Vec::new();
    for number in [1, 2, 3, 30, 31, 32, 33, LABELS - 1, LABELS, LABELS + 1] {
        let paths = [
            format!("/v1/status/label/jp.jc-star/EX-{number:06}"),
            format!("/v1/events/{}", id_of(&issue(number))),
        ];
        for path in paths {
            let got = get(&router, &path).await;
            answers.push((path, got.status, got.body));
        }
    }
    answers
}

/// What lies in the place of index and snapshot.
#[derive(Clone, Copy, Debug)]
enum Mangled {
    /// The snapshot is gone.
    NoSnapshot,
    /// The snapshot is cut after so many eighths.
    SnapshotCut(u64),
    /// One bit of the snapshot is another, drawn by this seed.
    SnapshotBit(u64),
    /// The snapshot is followed by a byte.
    SnapshotLonger,
    /// The snapshot of an earlier head.
    SnapshotOlder,
    /// The snapshot of another log.
    SnapshotForeign,
    /// The snapshot is of an earlier version.
    SnapshotVersion,
    /// The index is gone.
    NoIndex,
    /// A file of the index is gone.
    IndexFileGone(u64),
    /// The index's file is cut after so many eighths.
    IndexCut(u64),
    /// One bit of the index's file is another, drawn by this seed.
    IndexBit(u64),
    /// The index of an earlier head.
    IndexOlder,
    /// The index of another log.
    IndexForeign,
    /// A file lies where the index's folder should be.
    IndexIsAFile,
}

fn table() -> Vec<Mangled> {
    use Mangled::*;
    let mut table = vec![
        NoSnapshot,
        SnapshotLonger,
        SnapshotOlder,
        SnapshotForeign,
        SnapshotVersion,
        NoIndex,
        IndexOlder,
        IndexForeign,
        IndexIsAFile,
    ];
    table.extend((0..8).flat_map(|eighth| [SnapshotCut(eighth), IndexCut(eighth)]));
    table.extend((0..3).map(IndexFileGone));
    table.extend((0..24).flat_map(|seed| [SnapshotBit(seed), IndexBit(seed)]));
    table
}

/// A number below `end` that follows from the seed.
fn drawn(seed: u64, end: u64) -> u64 {
    let hash = labelproof_core::merkle::LeafHash::of_entry(&seed.to_be_bytes());
    u64::from_be_bytes(hash.as_bytes()[..8].try_into().unwrap()) % end
}

fn files_of(index: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(index)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

impl Mangled {
    fn mangle(self, base: &Base, disk: &SimulatedFs, index: &Path) {
        let snapshot = SNAPSHOT.as_ref();
        let bytes = disk.read(snapshot).unwrap();
        let db = index.join("db");
        match self {
            Self::NoSnapshot => disk.remove(snapshot).unwrap(),
            Self::SnapshotCut(eighth) => disk
                .set_len(snapshot, bytes.len() as u64 * eighth / 8)
                .unwrap(),
            Self::SnapshotBit(seed) => disk
                .flip_bit(snapshot, drawn(seed, bytes.len() as u64 * 8))
                .unwrap(),
            Self::SnapshotLonger => disk.write(snapshot, &[&bytes[..], b"\0"].concat()).unwrap(),
            Self::SnapshotOlder => disk.write(snapshot, &base.older.0).unwrap(),
            Self::SnapshotForeign => disk.write(snapshot, &base.foreign.0).unwrap(),
            Self::SnapshotVersion => {
                let at = bytes.iter().position(|byte| *byte == b'\n').unwrap();
                let old = [b"labelproof-snapshot/v0", &bytes[at..]].concat();
                disk.write(snapshot, &old).unwrap();
            }
            Self::NoIndex => fs::remove_dir_all(index).unwrap(),
            Self::IndexFileGone(at) => {
                let files = files_of(index);
                fs::remove_file(&files[usize::try_from(at).unwrap() % files.len()]).unwrap();
            }
            Self::IndexCut(eighth) => {
                let file = fs::OpenOptions::new().write(true).open(&db).unwrap();
                file.set_len(file.metadata().unwrap().len() * eighth / 8)
                    .unwrap();
            }
            Self::IndexBit(seed) => {
                let mut bytes = fs::read(&db).unwrap();
                let written = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
                let bit = usize::try_from(drawn(seed, written as u64 * 8)).unwrap();
                bytes[bit / 8] ^= 1 << (bit % 8);
                fs::write(&db, bytes).unwrap();
            }
            Self::IndexOlder => replace(index, base.older.1.path()),
            Self::IndexForeign => replace(index, base.foreign.1.path()),
            Self::IndexIsAFile => {
                fs::remove_dir_all(index).unwrap();
                fs::write(index, b"no folder").unwrap();
            }
        }
    }
}

fn replace(index: &Path, by: &Path) {
    fs::remove_dir_all(index).unwrap();
    copy(by, index);
}

#[tokio::test]
async fn whatever_lies_in_the_place_of_index_and_snapshot_no_answer_is_wrong() {
    let base = Base::make();
    let want = {
        let files: Arc<dyn Fs> = Arc::new(base.disk.backup(1));
        answers(&World::load(&files, &Ledger::default()).unwrap()).await
    };
    assert!(want.iter().all(|(path, status, _)| {
        let is_unknown = path.ends_with(&id_of(&issue(LABELS + 1)).to_string());
        *status
            == if is_unknown {
                StatusCode::NOT_FOUND
            } else {
                StatusCode::OK
            }
    }));
    let table = table();
    assert!(table.len() >= 30);
    for mangled in table {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("index");
        copy(base.index.path(), &index);
        let disk = base.disk.backup(2);
        mangled.mangle(&base, &disk, &index);
        let files: Arc<dyn Fs> = Arc::new(disk);
        let world = load(&files, &index).unwrap_or_else(|error| panic!("{mangled:?}: {error}"));
        // Before the index has caught up, and while what it missed is noticed by who asks.
        for _ in 0..2 {
            for (got, want) in answers(&world).await.into_iter().zip(&want) {
                assert!(
                    got == *want || got.1 == StatusCode::SERVICE_UNAVAILABLE,
                    "{mangled:?}: {} {}",
                    got.0,
                    got.1
                );
            }
            catch_up(&world.log).unwrap();
        }
        let got = answers(&world).await;
        for (got, want) in got.iter().zip(&want) {
            assert_eq!((&got.0, got.1), (&want.0, want.1), "{mangled:?}");
            assert!(got.2 == want.2, "{mangled:?}: {}", got.0);
        }
    }
}

#[tokio::test]
async fn a_rebuilt_log_answers_as_before_and_starts_from_its_snapshot() {
    let base = Base::make();
    let files: Arc<dyn Fs> = Arc::new(base.disk.clone());
    let whole = load(&files, base.index.path()).unwrap();
    catch_up(&whole.log).unwrap();
    let want = answers(&whole).await;
    let (end, published) = (
        whole.sequencer.head(),
        whole.log.published().unwrap().head().size(),
    );
    let (snapshot, watermark) = (
        files.read(SNAPSHOT.as_ref()).unwrap(),
        whole.log.setting().index.watermark(),
    );
    drop(whole);
    files.remove(SNAPSHOT.as_ref()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let setting = setting(&files, folder.path());
    let mut told = 0;
    let rebuilt = rebuild(&setting, end, Some(published), |done| told = done).unwrap();
    assert_eq!((rebuilt.head(), told), (end, end.size().get()));
    assert_eq!(rebuilt.events() + rebuilt.state_heads(), end.size().get());
    assert_eq!(setting.index.watermark(), watermark);
    assert_eq!(files.read(SNAPSHOT.as_ref()).unwrap(), snapshot);
    // A copy, as the thread of the index may hold the folder a moment longer.
    let copied = tempfile::tempdir().unwrap();
    copy(folder.path(), copied.path());
    let world = load(&files, copied.path()).unwrap();
    catch_up(&world.log).unwrap();
    assert!(answers(&world).await == want);
}

#[test]
fn entries_that_are_not_those_of_the_head_record_give_no_snapshot() {
    let base = Base::make();
    let files: Arc<dyn Fs> = Arc::new(base.disk.clone());
    let end = World::load(&files, &Ledger::default())
        .unwrap()
        .sequencer
        .head();
    files.remove(SNAPSHOT.as_ref()).unwrap();
    let other = TreeHead::new(end.size(), labelproof_core::merkle::RootHash::EMPTY);
    let setting = Setting {
        index: Arc::new(MemoryIndex::default()),
        ..setting(&files, base.index.path())
    };
    let wrong = rebuild(&setting, other, Some(end.size()), |_| {}).unwrap_err();
    assert!(matches!(wrong, RebuildError::WrongRoot { .. }), "{wrong}");
    assert!(!files.exists(SNAPSHOT.as_ref()).unwrap());
}
