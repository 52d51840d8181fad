//! `fsck` reads a whole log and names the first object that is wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::merkle::{LeafHash, RootHash, TreeHead, TreeSize};
use labelproof_core::state::{Replayed, State};
use labelproof_core::tile::{TileEdge, Width};
use labelproof_host::exit::Exit;
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_host::tiles::DirTiles;
use labelproof_log::fsck::{Fault, Object, Progress, Report, check};
use labelproof_tests::network::Network;
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use serde_json::{Value, json};

use crate::demo_network;

const LABELS: usize = 250;

/// The entries of a log with more than one full tile: a batch of schemes and authorities, then one a label.
fn entries() -> Vec<Vec<u8>> {
    let genesis = world::genesis();
    let mut state = State::genesis(&genesis).unwrap();
    let mut entries = vec![genesis];
    let mut clock_ms = 1_767_225_600_000;
    let mut close = |state: &mut State, entries: &mut Vec<Vec<u8>>| {
        clock_ms += 1_000;
        entries.push(state.append_head(clock_ms).to_bytes());
    };
    close(&mut state, &mut entries);
    let labels = (0..LABELS)
        .map(|number| world::issue(&format!("jp.jc-star/EX-{number:06}"), "label.jp.example"));
    let foundation = world::foundation();
    let batches = std::iter::once(foundation).chain(labels.map(|label| vec![label]));
    for (number, batch) in batches.enumerate() {
        for event in batch {
            let replayed = state.replay_entry(&event).unwrap();
            assert!(matches!(replayed, Replayed::Accepted(_)), "{replayed:?}");
            entries.push(event);
        }
        if number % 10 == 0 || number == LABELS {
            close(&mut state, &mut entries);
        }
    }
    entries
}

/// Writes a log as its own directory has it, one growing file a tile, and signs its head.
fn store(entries: &[Vec<u8>]) -> (SimulatedFs, SignedCheckpoint) {
    let fs = SimulatedFs::new(0);
    let put = |path: labelproof_core::tile::TilePath, bytes: &[u8]| {
        let file = PathBuf::from(path.with_width(Width::FULL).to_string());
        fs.create_dir_all(file.parent().unwrap()).unwrap();
        fs.write(&file, bytes).unwrap();
    };
    let mut edge = TileEdge::new();
    for (path, tile) in edge.grow(entries.iter().map(|entry| LeafHash::of_entry(entry))) {
        put(path, &tile.to_bytes());
    }
    for (path, bundle) in EntryBundle::grow(TreeSize::EMPTY, None, entries.iter().cloned()) {
        put(path, &bundle.to_bytes());
    }
    (fs, sign(edge.head()))
}

fn sign(head: TreeHead) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(world::origin(), head);
    SignedCheckpoint::sign(&checkpoint, &world::key(world::ORIGIN))
}

fn fsck(fs: &SimulatedFs, checkpoint: &SignedCheckpoint) -> Report {
    let source = DirTiles::new(Arc::new(fs.clone()), PathBuf::from("/"));
    check(source, checkpoint, None, |_| {})
}

/// What is named, and how the program ends.
fn verdict(report: &Report) -> (String, Exit) {
    let fault = report.fault().unwrap();
    (fault.object().to_string(), fault.exit())
}

#[test]
fn a_whole_log_is_right() {
    let entries = entries();
    let (fs, checkpoint) = store(&entries);
    let mut seen = Vec::new();
    let source = DirTiles::new(Arc::new(fs), PathBuf::from("/"));
    let report = check(source, &checkpoint, None, |progress| seen.push(progress));
    assert!(report.fault().is_none(), "{report}");
    assert_eq!(report.events() + report.heads(), entries.len() as u64);
    assert_eq!((report.tiles(), report.bundles()), (3, 2));
    let done: Vec<u64> = seen.iter().map(|progress| progress.done).collect();
    assert_eq!(done, [1, 2, 3, 4, 5]);
    assert!(seen.iter().all(|progress: &Progress| progress.total == 5));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["size"], entries.len());
    assert_eq!(json["fault"], Value::Null);
}

#[test]
fn one_flipped_bit_in_any_file_names_the_file() {
    let (fs, checkpoint) = store(&entries());
    for name in [
        "tile/0/000",
        "tile/0/001",
        "tile/1/000",
        "tile/entries/000",
        "tile/entries/001",
    ] {
        let bits = fs.len(Path::new(name)).unwrap() * 8;
        for bit in [0, bits / 2, bits - 1] {
            fs.flip_bit(Path::new(name), bit).unwrap();
            let (object, _) = verdict(&fsck(&fs, &checkpoint));
            fs.flip_bit(Path::new(name), bit).unwrap();
            assert!(object.starts_with(name), "{object} for {name}, bit {bit}");
        }
    }
    assert!(fsck(&fs, &checkpoint).fault().is_none());
}

#[test]
fn a_file_that_is_gone_or_short_is_named() {
    let (fs, checkpoint) = store(&entries());
    for name in ["tile/0/000", "tile/1/000", "tile/entries/001"] {
        let bytes = fs.read(Path::new(name)).unwrap();
        fs.set_len(Path::new(name), bytes.len() as u64 - 1).unwrap();
        let (object, exit) = verdict(&fsck(&fs, &checkpoint));
        assert!(object.starts_with(name), "{object} for {name}");
        assert_eq!(exit, Exit::Malformed);
        fs.remove(Path::new(name)).unwrap();
        let (object, exit) = verdict(&fsck(&fs, &checkpoint));
        assert!(object.starts_with(name), "{object} for {name}");
        assert_eq!(exit, Exit::NotInLog);
        fs.write(Path::new(name), &bytes).unwrap();
    }
}

#[test]
fn another_root_is_the_checkpoint_s_fault() {
    let (fs, checkpoint) = store(&entries());
    let other = sign(TreeHead::new(checkpoint.head().size(), RootHash::EMPTY));
    let report = fsck(&fs, &other);
    assert!(matches!(report.fault(), Some(Fault::Root)), "{report}");
    let empty = sign(TreeHead::EMPTY);
    assert!(fsck(&SimulatedFs::new(0), &empty).fault().is_none());
    let lie = sign(TreeHead::new(TreeSize::EMPTY, checkpoint.head().root()));
    assert!(matches!(fsck(&fs, &lie).fault(), Some(Fault::Root)));
}

#[test]
fn what_the_log_shows_must_be_a_beginning_of_it() {
    let entries = entries();
    let (fs, checkpoint) = store(&entries);
    let judge = |published: &SignedCheckpoint| {
        let source = DirTiles::new(Arc::new(fs.clone()), PathBuf::from("/"));
        check(source, &checkpoint, Some(published), |_| {})
    };
    for size in [2, 256, 257, entries.len()] {
        let (_, older) = store(&entries[..size]);
        assert!(judge(&older).fault().is_none(), "{size}");
        let other = sign(TreeHead::new(older.head().size(), RootHash::EMPTY));
        assert!(matches!(judge(&other).fault(), Some(Fault::Published)));
    }
    let size = TreeSize::new(entries.len() as u64 + 1);
    let ahead = sign(TreeHead::new(size, checkpoint.head().root()));
    assert!(matches!(judge(&ahead).fault(), Some(Fault::Published)));
}

/// A log that is a right tree of wrong entries: signed by a log that broke its own rules.
#[test]
fn a_wrong_head_or_event_in_a_right_tree_is_named() {
    let entries = entries();
    let judge = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed = entries.clone();
        change(&mut changed);
        let (fs, checkpoint) = store(&changed);
        let report = fsck(&fs, &checkpoint);
        let fault = report.fault().unwrap();
        assert_eq!(fault.exit(), Exit::LogMisbehaved, "{report}");
        match fault.object() {
            Object::Entry(index) => index.get(),
            other => panic!("{other}"),
        }
    };
    // The first head with another count of issues.
    let wrong_head = |entries: &mut Vec<Vec<u8>>| {
        let text = String::from_utf8(entries[1].clone()).unwrap();
        entries[1] = text.replace("\n0\nstate/", "\n1\nstate/").into_bytes();
    };
    assert_eq!(judge(&wrong_head), 1);
    // The last event without its head.
    let last = entries.len() as u64 - 1;
    assert_eq!(judge(&|entries| drop(entries.pop())), last - 1);
    // The same label issued twice.
    let twice = |entries: &mut Vec<Vec<u8>>| {
        let label = entries[entries.len() - 2].clone();
        entries.push(label);
    };
    assert_eq!(judge(&twice), last + 1);
    // A signature that does not verify.
    let forged = |entries: &mut Vec<Vec<u8>>| {
        let at = entries.len() - 2;
        let text = String::from_utf8(entries[at].clone()).unwrap();
        entries[at] = text.replace("EX-000249", "EX-000250").into_bytes();
    };
    assert_eq!(judge(&forged), last - 1);
    // No genesis.
    assert_eq!(judge(&|entries| drop(entries.remove(0))), 0);
}

#[test]
fn the_program_checks_a_log_by_its_address_and_by_its_files() {
    let mut network = demo_network("fsck");
    let url = network.log_url();
    let (code, by_url) = run(&network, &["--url", &url, "--vkey", network.log_vkey()]);
    assert_eq!((code, &by_url["fault"]), (0, &Value::Null));
    let log = network.log_dir();
    let dir = log.to_str().unwrap().to_owned();

    network.take_log().unwrap().stop().unwrap();
    let (code, by_files) = run(&network, &["--dir", &dir]);
    assert_eq!((code, &by_files), (0, &by_url));
    for name in ["tile/0/000", "tile/entries/000"] {
        let mut bytes = std::fs::read(log.join(name)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(log.join(name), &bytes).unwrap();
        let (code, report) = run(&network, &["--dir", &dir]);
        let object = report["fault"]["object"].as_str().unwrap();
        assert!(object.starts_with(name), "{report}");
        assert_eq!((code, &report["fault"]["exit"]), (11, &json!(11)));
        bytes[last] ^= 1;
        std::fs::write(log.join(name), &bytes).unwrap();
    }
    std::fs::write(log.join("checkpoint"), "not a checkpoint").unwrap();
    let (code, report) = run(&network, &["--dir", &dir]);
    assert_eq!((code, &report["fault"]["exit"]), (10, &json!(10)));
    // The log has ended, so nobody listens there.
    let (code, report) = run(&network, &["--url", &url, "--vkey", network.log_vkey()]);
    assert_eq!((code, &report["fault"]["exit"]), (69, &json!(69)));
}

/// Runs `labelproof-log fsck --json`: its exit code and what it prints.
fn run(network: &Network, args: &[&str]) -> (i32, Value) {
    let mut command = network.command(Program::Log);
    let output = command
        .args(["fsck", "--json"])
        .args(args)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), report)
}
