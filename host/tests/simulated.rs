//! The simulated disk against its promise: what was synced survives every crash, what was not
//! may vanish or tear, and a rename is whole or not at all.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use labelproof_host::fs::{Call, Fault, Fs, SimulatedFs, write_atomic};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const SEEDS: u64 = 500;

fn path(name: &str) -> &Path {
    Path::new(name)
}

/// Contents of a file after a crash that follows `prepare`, over all seeds.
fn outcomes(name: &str, prepare: impl Fn(&SimulatedFs)) -> BTreeSet<Option<Vec<u8>>> {
    let after_crash = |seed| {
        let fs = SimulatedFs::new(seed);
        prepare(&fs);
        fs.restart();
        fs.exists(path(name))
            .unwrap()
            .then(|| fs.read(path(name)).unwrap())
    };
    (0..SEEDS).map(after_crash).collect()
}

#[test]
fn atomic_write_leaves_old_or_new_at_every_call_it_can_die_in() {
    let (old, new) = (vec![1_u8; 2000], vec![2_u8; 3000]);
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        // Four calls, and none: the last round cuts the power after the return.
        for call in 1..=5 {
            let fs = SimulatedFs::new(seed);
            write_atomic(&fs, path("head"), &old).unwrap();
            fs.fail_call(fs.calls() + call, Fault::PowerCut);
            let done = write_atomic(&fs, path("head"), &new);
            assert_eq!(done.is_ok(), call == 5);
            fs.heal();
            fs.restart();
            let got = fs.read(path("head")).unwrap();
            assert!(got == old || got == new, "seed {seed}, call {call}: torn");
            assert!(
                call < 5 || got == new,
                "seed {seed}: a synced write was lost"
            );
            seen.insert((call, got == new));
        }
    }
    // Both outcomes of the rename and of the folder's sync do come up.
    assert!(
        seen.contains(&(3, true)) && seen.contains(&(3, false)),
        "{seen:?}"
    );
    assert!(
        seen.contains(&(4, true)) && seen.contains(&(4, false)),
        "{seen:?}"
    );
}

#[test]
fn unsynced_file_may_vanish_tear_or_stay() {
    let bytes = vec![7_u8; 2000];
    let seen = outcomes("f", |fs| fs.write(path("f"), &bytes).unwrap());
    assert!(seen.contains(&None), "its name can vanish");
    assert!(seen.contains(&Some(Vec::new())), "its bytes can vanish");
    assert!(seen.contains(&Some(bytes.clone())), "all of it can stay");
    assert!(seen.len() > 10, "it can tear: {} outcomes", seen.len());
}

#[test]
fn synced_bytes_without_a_synced_name_may_vanish_but_not_tear() {
    let seen = outcomes("f", |fs| {
        fs.write(path("f"), b"whole").unwrap();
        fs.sync_file(path("f")).unwrap();
    });
    assert_eq!(seen, BTreeSet::from([None, Some(b"whole".to_vec())]));
}

#[test]
fn rename_before_the_bytes_are_synced_can_expose_torn_bytes() {
    // The bug that leaves empty files behind: rename without sync.
    let seen = outcomes("f", |fs| {
        write_atomic(fs, path("f"), b"old").unwrap();
        fs.write(path("f.tmp"), b"new").unwrap();
        fs.rename(path("f.tmp"), path("f")).unwrap();
        fs.sync_dir(path(".")).unwrap();
    });
    assert!(seen.contains(&Some(Vec::new())), "{seen:?}");
    assert!(!seen.contains(&None), "{seen:?}");
}

#[test]
fn folder_that_was_not_synced_takes_its_files_along() {
    let seen = outcomes("d/f", |fs| {
        fs.create_dir(path("d")).unwrap();
        write_atomic(fs, path("d/f"), b"x").unwrap();
    });
    assert_eq!(seen, BTreeSet::from([None, Some(b"x".to_vec())]));
    let seen = outcomes("a/b/f", |fs| {
        fs.create_dir_all(path("a/b")).unwrap();
        write_atomic(fs, path("a/b/f"), b"x").unwrap();
    });
    assert_eq!(seen, BTreeSet::from([Some(b"x".to_vec())]));
}

#[test]
fn folder_found_there_is_made_durable_too() {
    // The process dies between making the folder and syncing its name; the machine goes on.
    let seen = outcomes("a/b/f", |fs| {
        fs.fail_call(fs.calls() + 3, Fault::PowerCut);
        fs.create_dir_all(path("a/b")).unwrap_err();
        fs.restart_process();
        fs.create_dir_all(path("a/b")).unwrap();
        write_atomic(fs, path("a/b/f"), b"x").unwrap();
    });
    assert_eq!(seen, BTreeSet::from([Some(b"x".to_vec())]));
}

#[test]
fn removal_is_durable_only_after_the_folder_is_synced() {
    let seen = outcomes("f", |fs| {
        write_atomic(fs, path("f"), b"x").unwrap();
        fs.remove(path("f")).unwrap();
    });
    assert_eq!(seen, BTreeSet::from([None, Some(b"x".to_vec())]));
    let seen = outcomes("f", |fs| {
        write_atomic(fs, path("f"), b"x").unwrap();
        fs.remove(path("f")).unwrap();
        fs.sync_dir(path(".")).unwrap();
    });
    assert_eq!(seen, BTreeSet::from([None]));
}

#[test]
fn overwritten_range_is_old_or_new_sector_by_sector() {
    let seen = outcomes("f", |fs| {
        write_atomic(fs, path("f"), &[1; 1024]).unwrap();
        fs.write_at(path("f"), 0, &[2; 1024]).unwrap();
    });
    let sectors = |a, b| Some([[a; 512], [b; 512]].concat());
    let want = [sectors(1, 1), sectors(1, 2), sectors(2, 1), sectors(2, 2)];
    assert_eq!(seen, BTreeSet::from(want));
}

#[test]
fn failed_sync_loses_its_pages_for_good() {
    let seen = outcomes("f", |fs| {
        write_atomic(fs, path("f"), b"old").unwrap();
        fs.write_at(path("f"), 0, b"new").unwrap();
        fs.fail_call(fs.calls() + 1, Fault::Eio);
        fs.sync_file(path("f")).unwrap_err();
        assert_eq!(fs.read(path("f")).unwrap(), b"new");
        // The second sync succeeds and must not be believed.
        fs.sync_file(path("f")).unwrap();
    });
    assert_eq!(seen, BTreeSet::from([Some(b"old".to_vec())]));
}

#[test]
fn disk_that_ignores_syncs_loses_an_acknowledged_write() {
    for sync in [Call::SyncFile, Call::SyncDir] {
        let lost = (0..SEEDS).filter(|seed| {
            let fs = SimulatedFs::new(*seed);
            fs.ignore(sync);
            write_atomic(&fs, path("f"), b"x").unwrap();
            fs.restart();
            !fs.exists(path("f")).unwrap() || fs.read(path("f")).unwrap() != b"x"
        });
        assert!(lost.count() > 0, "{sync:?}");
    }
}

#[test]
fn faults_meet_the_call_they_wait_at() {
    let fs = SimulatedFs::new(1);
    fs.fail_call(2, Fault::Enospc);
    fs.write(path("a"), b"first").unwrap();
    assert_eq!(
        fs.write(path("b"), b"x").unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    fs.fail_from(3, Fault::ShortWrite);
    assert_eq!(
        fs.write(path("a"), b"other").unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    assert!(b"other".starts_with(&fs.read(path("a")).unwrap()));
    fs.heal();
    fs.fail_call(5, Fault::Eio);
    assert_eq!(fs.read(path("a")).unwrap_err().kind(), ErrorKind::Other);
    fs.read(path("a")).unwrap();
}

#[test]
fn flipped_bit_is_read_once_and_nobody_says_so() {
    let fs = SimulatedFs::new(1);
    fs.write(path("f"), &[0, 0]).unwrap();
    fs.fail_call(2, Fault::FlippedBit(9));
    assert_eq!(fs.read(path("f")).unwrap(), [0, 2]);
    assert_eq!(fs.read(path("f")).unwrap(), [0, 0]);
    fs.fail_call(4, Fault::FlippedBit(9));
    assert_eq!(fs.read_range(path("f"), 0, 1).unwrap(), [2]);
}

#[test]
fn nothing_works_while_the_power_is_off() {
    let fs = SimulatedFs::new(1);
    write_atomic(&fs, path("f"), b"x").unwrap();
    fs.cut_power();
    assert!(fs.is_down());
    fs.read(path("f")).unwrap_err();
    fs.write(path("f"), b"y").unwrap_err();
    fs.restart();
    assert_eq!(fs.read(path("f")).unwrap(), b"x");
}

#[test]
fn backup_and_original_go_their_own_ways() {
    let fs = SimulatedFs::new(1);
    write_atomic(&fs, path("f"), b"x").unwrap();
    let backup = fs.backup(2);
    write_atomic(&fs, path("f"), b"y").unwrap();
    assert_eq!(backup.read(path("f")).unwrap(), b"x");
    fs.flip_bit(path("f"), 0).unwrap();
    assert_eq!(fs.read(path("f")).unwrap(), b"x");
}

/// Random calls beside a model that knows only what a sync promised.
#[test]
fn what_was_synced_survives_random_calls_and_crashes() {
    for seed in 0..SEEDS {
        let fs = SimulatedFs::new(seed);
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5eed);
        // Files whose name and bytes are synced and have not been touched since.
        let mut promised: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        fs.create_dir_all(path("d")).unwrap();
        for step in 0..40 {
            let name = PathBuf::from(format!("d/{}", random.next_u32() % 4));
            let bytes = vec![u8::try_from(step).unwrap(); (random.next_u32() % 1500) as usize];
            match random.next_u32() % 6 {
                0 => {
                    promised.remove(&name);
                    fs.write(&name, &bytes).unwrap();
                }
                1 => {
                    promised.remove(&name);
                    fs.write_at(&name, u64::from(random.next_u32() % 1000), &bytes)
                        .unwrap();
                }
                2 => {
                    write_atomic(&fs, &name, &bytes).unwrap();
                    promised.insert(name, bytes);
                }
                3 if fs.exists(&name).unwrap() => {
                    promised.remove(&name);
                    fs.remove(&name).unwrap();
                }
                4 if fs.exists(&name).unwrap() => {
                    fs.sync_file(&name).unwrap();
                    fs.sync_dir(path("d")).unwrap();
                    promised.insert(name.clone(), fs.read(&name).unwrap());
                }
                5 if random.next_u32().is_multiple_of(3) => fs.restart(),
                _ => {}
            }
            for (name, bytes) in &promised {
                assert_eq!(&fs.read(name).unwrap(), bytes, "seed {seed}, step {step}");
            }
        }
    }
}

#[test]
fn same_seed_and_calls_give_the_same_disk() {
    let run = |seed| {
        let fs = SimulatedFs::new(seed);
        for name in ["a", "b", "c"] {
            fs.write(path(name), &[9; 3000]).unwrap();
        }
        fs.restart();
        let names = fs.list(path(".")).unwrap();
        names
            .iter()
            .map(|name| fs.read(path(name)).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(3), run(3));
    let different: BTreeSet<_> = (0..20).map(run).collect();
    assert!(different.len() > 5);
}
