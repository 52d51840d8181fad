//! The witness from outside: its answers, its races, its disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod crash;
mod lists;
mod log;
mod order;
mod program;
mod races;
mod script;
mod storage;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use labelproof_core::key::{KeyType, SigningKey, Vkey};
use labelproof_core::note::KeyName;
use labelproof_host::clock::ManualClock;
use labelproof_host::fs::Fs;
use labelproof_witness::known_logs::{KnownLogs, ListedLog};
use labelproof_witness::store::Store;
use labelproof_witness::witness::{Parts, create};

/// The second at which tests begin.
pub(crate) const NOW: u64 = 1_775_000_000;

pub(crate) fn witness_key() -> SigningKey {
    let name = KeyName::parse("witness.example/w1").unwrap();
    SigningKey::from_seed(name, KeyType::Cosignature, [9; 32])
}

/// Makes a witness's folder that knows these logs, as `init` and `logs add` do.
pub(crate) fn set_up(fs: Arc<dyn Fs>, dir: &Path, logs: &[Vkey]) -> Parts {
    fs.create_dir_all(dir).unwrap();
    create(&fs, dir).unwrap();
    add(&fs, dir, logs);
    Parts {
        fs,
        dir: dir.to_owned(),
        key: Arc::new(witness_key()),
        clock: Arc::new(ManualClock::at(NOW * 1_000)),
    }
}

pub(crate) fn add(fs: &Arc<dyn Fs>, dir: &Path, logs: &[Vkey]) {
    let known = KnownLogs::load(fs.as_ref(), dir).unwrap();
    let listed = logs
        .iter()
        .cloned()
        .map(|vkey| ListedLog::of_key(vkey).unwrap());
    let with = known.clone().with(listed);
    let mut store = Store::open_with(fs, dir, &known, &with).unwrap();
    let origins: Vec<_> = logs.iter().map(|vkey| vkey.name().into()).collect();
    store.begin(&origins, &known).unwrap();
    with.save(fs.as_ref(), dir).unwrap();
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from("/w1")
}
