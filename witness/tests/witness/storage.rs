//! What is kept, what is verified, what is refused.

use std::path::Path;
use std::sync::Arc;

use labelproof_core::checkpoint::Origin;
use labelproof_core::key::Vkey;
use labelproof_host::clock::ManualClock;
use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_witness::decision::{Refusal, admit};
use labelproof_witness::known_logs::KnownLogs;
use labelproof_witness::store::{Store, StoreError};
use labelproof_witness::witness::{OpenError, Parts, Witness};

use super::log::Log;
use super::{NOW, add, folder, set_up};

fn log() -> Log {
    Log::new("labels.g7.example", 20, 20)
}

fn grow(parts: &Parts, old: usize, new: usize) -> Result<String, Refusal> {
    let mut witness = Witness::open(parts.clone()).unwrap();
    let candidate = admit(&log().body(old, new), &witness.known())?;
    witness
        .answer(&[candidate])
        .remove(0)
        .map(|line| line.to_string())
}

fn vkeys() -> [Vkey; 1] {
    [log().key().vkey().clone()]
}

#[test]
fn a_restart_keeps_sizes_lines_and_times() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let clock = ManualClock::at(NOW * 1_000);
    let parts = Parts {
        clock: Arc::new(clock.clone()),
        ..set_up(fs, &folder(), &vkeys())
    };
    let line = grow(&parts, 0, 7).unwrap();
    let shelf = Witness::open(parts.clone()).unwrap().shelf();
    let hash = log().signed(7).origin().hash();
    assert_eq!(
        shelf.get(&hash),
        Some(format!("{}{line}\n", log().signed(7).note()))
    );
    assert!(matches!(
        grow(&parts, 0, 9),
        Err(Refusal::OldIsNotLatest { .. })
    ));
    // The clock has gone back while it was down: the time in the line has not.
    clock.set(1);
    assert_eq!(grow(&parts, 7, 7).unwrap(), line);
    assert!(grow(&parts, 7, 20).is_ok());
}

/// A size that was in the batch and not stored must reach nobody: a log that hears of a larger size than its own stops.
#[test]
fn a_store_that_fails_tells_no_size_that_is_not_stored() {
    let disk = SimulatedFs::new(1);
    let parts = set_up(Arc::new(disk.clone()), &folder(), &vkeys());
    let mut witness = Witness::open(parts).unwrap();
    let known = witness.known();
    let ask = |old, new| admit(&log().body(old, new), &known).unwrap();
    disk.fail_call(disk.calls() + 1, Fault::Eio);
    for answer in witness.answer(&[ask(0, 7), ask(0, 9), ask(7, 9)]) {
        assert!(matches!(answer, Err(Refusal::Storage)), "{answer:?}");
    }
    assert!(witness.answer(&[ask(0, 5)]).remove(0).is_ok());
}

#[test]
fn a_store_that_comes_back_older_signs_nothing() {
    let disk = SimulatedFs::new(1);
    let parts = set_up(Arc::new(disk.clone()), &folder(), &vkeys());
    let mut witness = Witness::open(parts).unwrap();
    let known = witness.known();
    let ask = |old, new| admit(&log().body(old, new), &known).unwrap();
    let path = folder().join("state.redb");
    assert!(witness.answer(&[ask(0, 7)]).remove(0).is_ok());
    let older = disk.read(&path).unwrap();
    assert!(witness.answer(&[ask(7, 9)]).remove(0).is_ok());
    let newer = disk.read(&path).unwrap();
    disk.fail_call(disk.calls() + 1, Fault::Eio);
    assert!(witness.answer(&[ask(9, 12)]).remove(0).is_err());
    disk.write(&path, &older).unwrap();
    for _ in 0..2 {
        let answer = witness.answer(&[ask(7, 8)]).remove(0);
        assert!(matches!(answer, Err(Refusal::Storage)), "{answer:?}");
    }
    disk.write(&path, &newer).unwrap();
    assert!(witness.answer(&[ask(9, 12)]).remove(0).is_ok());
}

#[test]
fn a_clock_at_its_ends_gives_times_that_count() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let clock = ManualClock::at(0);
    let parts = Parts {
        clock: Arc::new(clock.clone()),
        ..set_up(fs, &folder(), &vkeys())
    };
    let mut old = 0;
    for (size, ms) in [
        (1, 0),
        (2, 1 << 31),
        (3, (1 << 31) * 1_000),
        (4, u64::MAX),
        (5, 0),
        (6, 1 << 63),
    ] {
        clock.set(ms);
        assert!(grow(&parts, old, size).is_ok(), "at {ms} ms");
        old = size;
    }
}

#[test]
fn a_known_log_without_state_is_refused_and_named() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let parts = set_up(Arc::clone(&fs), &folder(), &vkeys());
    grow(&parts, 0, 7).unwrap();
    // Somebody put an empty store in its place.
    Store::create(&fs, &folder()).unwrap();
    let missing = |error: StoreError| match error {
        StoreError::Missing { origin } => origin.to_string(),
        other => panic!("{other}"),
    };
    match Witness::open(parts) {
        Err(OpenError::Store(error)) => assert_eq!(missing(error), "labels.g7.example"),
        other => panic!("{other:?}"),
    }
    // Nor does adding it again begin anew, retired or not.
    let known = KnownLogs::load(fs.as_ref(), &folder()).unwrap();
    let origin: Origin = "labels.g7.example".parse().unwrap();
    let retired = known.clone().without(&origin).unwrap();
    for known in [known, retired] {
        let mut empty = Store::create(&fs, &folder()).unwrap();
        let begun = empty.begin(std::slice::from_ref(&origin), &known);
        assert_eq!(missing(begun.unwrap_err()), "labels.g7.example");
    }
}

#[test]
fn a_retired_log_is_unknown_and_comes_back_where_it_was() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let parts = set_up(Arc::clone(&fs), &folder(), &vkeys());
    grow(&parts, 0, 7).unwrap();
    let known = KnownLogs::load(fs.as_ref(), &folder()).unwrap();
    let origin: Origin = "labels.g7.example".parse().unwrap();
    known
        .without(&origin)
        .unwrap()
        .save(fs.as_ref(), &folder())
        .unwrap();
    assert!(matches!(
        grow(&parts, 7, 8),
        Err(Refusal::UnknownLog { .. })
    ));
    add(&fs, &folder(), &vkeys());
    assert!(matches!(
        grow(&parts, 0, 8),
        Err(Refusal::OldIsNotLatest { .. })
    ));
    assert!(grow(&parts, 7, 8).is_ok());
}

#[test]
fn a_state_without_its_log_in_a_list_is_not_believed_until_the_log_is_added_again() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let parts = set_up(Arc::clone(&fs), &folder(), &vkeys());
    grow(&parts, 0, 7).unwrap();
    KnownLogs::default().save(fs.as_ref(), &folder()).unwrap();
    assert!(matches!(
        Witness::open(parts.clone()),
        Err(OpenError::Store(StoreError::Unknown { .. }))
    ));
    add(&fs, &folder(), &vkeys());
    assert!(
        matches!(grow(&parts, 0, 9), Err(Refusal::OldIsNotLatest { latest }) if latest.get() == 7)
    );
}

#[test]
fn a_store_that_is_empty_or_gone_is_not_made_anew() {
    for spoil in [
        (|fs: &dyn Fs, path: &Path| fs.write(path, &[]).unwrap()) as fn(&dyn Fs, &Path),
        |fs, path| fs.remove(path).unwrap(),
    ] {
        let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
        let parts = set_up(Arc::clone(&fs), &folder(), &vkeys());
        spoil(fs.as_ref(), &folder().join("state.redb"));
        assert!(matches!(Witness::open(parts), Err(OpenError::Store(_))));
    }
}

/// A bit flipped anywhere in the file is found before a signature leaves, or was of no meaning.
#[test]
fn a_flipped_bit_never_changes_what_is_known() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let parts = set_up(Arc::clone(&fs), &folder(), &vkeys());
    grow(&parts, 0, 7).unwrap();
    let path = folder().join("state.redb");
    let bits = fs.len(&path).unwrap() * 8;
    let (mut found, mut harmless) = (0, 0);
    for case in 0..250_u64 {
        // A prime step reaches every page and every offset in it sooner or later.
        let bit = case.wrapping_mul(2_654_435_761) % bits;
        let copy = disk.backup(case);
        copy.flip_bit(&path, bit).unwrap();
        let parts = Parts {
            fs: Arc::new(copy),
            ..parts.clone()
        };
        match Witness::open(parts) {
            Ok(mut witness) => {
                let known = witness.known();
                let mut answer = |old, new| {
                    let candidate = admit(&log().body(old, new), &known).unwrap();
                    witness.answer(&[candidate]).remove(0)
                };
                assert!(
                    matches!(answer(0, 3), Err(Refusal::OldIsNotLatest { latest }) if latest.get() == 7),
                    "bit {bit}"
                );
                assert!(answer(7, 9).is_ok());
                harmless += 1;
            }
            Err(_) => found += 1,
        }
    }
    assert!(
        found > 0 && harmless > 0,
        "{found} found, {harmless} harmless"
    );
}
