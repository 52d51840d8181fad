//! The power goes, or the disk errs, at every call: nothing signed is ever taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use labelproof_core::cosignature::{CosignatureTime, verify_cosignature};
use labelproof_core::merkle::RootHash;
use labelproof_host::clock::ManualClock;
use labelproof_host::fs::{Call, Fault, SimulatedFs};
use labelproof_witness::decision::{Refusal, admit};
use labelproof_witness::witness::{Parts, Witness};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::log::Log;
use super::{NOW, folder, set_up, witness_key};

const SIZE: usize = 12;
const STEPS: usize = 8;

/// What was ever signed, checked by itself and not by the witness.
#[derive(Default)]
struct Ledger {
    roots: BTreeMap<usize, RootHash>,
    largest: usize,
    latest: Option<CosignatureTime>,
}

impl Ledger {
    fn add(&mut self, size: usize, root: RootHash, time: CosignatureTime) -> Result<(), String> {
        if *self.roots.entry(size).or_insert(root) != root {
            return Err(format!("two roots for size {size}"));
        }
        if size < self.largest {
            return Err(format!("size {size} after {}", self.largest));
        }
        if Some(time) < self.latest {
            return Err(format!("time {} after {:?}", time.unix(), self.latest));
        }
        (self.largest, self.latest) = (size, Some(time));
        Ok(())
    }
}

/// Runs a log and its fork against a witness whose disk meets `fault` at a call; says how it went wrong, or
/// how many calls and signatures there were.
fn run(seed: u64, fs: &SimulatedFs, fault: Option<(u64, Fault)>) -> Result<(u64, usize), String> {
    run_on(seed, fs, || {}, fault)
}

/// The same, on a disk spoiled by `spoil` once the witness has been set up.
fn run_on(
    seed: u64,
    fs: &SimulatedFs,
    spoil: impl FnOnce(),
    fault: Option<(u64, Fault)>,
) -> Result<(u64, usize), String> {
    let logs = [SIZE, 4].map(|fork| Log::new("labels.g7.example", SIZE, fork));
    let clock = ManualClock::at(NOW * 1_000);
    let parts = Parts {
        clock: Arc::new(clock.clone()),
        ..set_up(
            Arc::new(fs.clone()),
            &folder(),
            &[logs[0].key().vkey().clone()],
        )
    };
    spoil();
    let before = fs.calls();
    if let Some((call, fault)) = fault {
        fs.fail_call(before + call, fault);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut below = |limit: usize| usize::try_from(random.next_u32()).unwrap() % limit;
    let mut ledger = Ledger::default();
    let (mut steps, mut signed, mut old, mut starts) = (0, 0, 0, 0);
    while steps < STEPS {
        starts += 1;
        if starts > 4 {
            return Err("does not start again".to_owned());
        }
        let Ok(mut witness) = Witness::open(parts.clone()) else {
            // One fault, so that one more start must do.
            fs.restart();
            continue;
        };
        while steps < STEPS {
            // Clocks step, also back.
            clock.set((NOW - 5 + below(10) as u64) * 1_000);
            let log = &logs[below(2)];
            let new = (old + below(3)).min(SIZE);
            let body = log.body(old, new);
            let candidate = admit(&body, &witness.known()).map_err(|error| error.to_string())?;
            match witness.answer(&[candidate]).remove(0) {
                Ok(line) => {
                    let text = log.signed(new).note().text().to_owned();
                    let time = verify_cosignature(witness_key().vkey(), &text, &line);
                    ledger.add(new, log.head(new).root(), time.map_err(|e| e.to_string())?)?;
                    (old, signed, steps) = (new, signed + 1, steps + 1);
                }
                Err(Refusal::OldIsNotLatest { latest }) => {
                    old = usize::try_from(latest.get()).unwrap();
                    if old < ledger.largest {
                        return Err(format!("size went back to {old} from {}", ledger.largest));
                    }
                }
                Err(Refusal::OtherRoot { .. } | Refusal::Proof(_)) => {}
                Err(Refusal::Storage) if fs.is_down() => break,
                Err(Refusal::Storage) => {}
                Err(other) => return Err(other.to_string()),
            }
            // Now and then the power goes between two calls.
            if fault.is_none() && below(6) == 0 {
                break;
            }
        }
        // The power goes first: a store that is closed in order might still sync.
        fs.cut_power();
        drop(witness);
        starts = if fault.is_none() { 0 } else { starts };
        fs.restart();
    }
    Ok((fs.calls() - before, signed))
}

#[test]
fn nothing_signed_is_taken_back_when_the_power_goes_at_any_call() {
    let (calls, signed) = run(0, &SimulatedFs::new(0), None).unwrap();
    assert!(
        calls > 100 && signed == STEPS,
        "{calls} calls, {signed} signed"
    );
    for fault in [
        Fault::PowerCut,
        Fault::Eio,
        Fault::Enospc,
        Fault::ShortWrite,
    ] {
        for call in 1..=calls.min(300) {
            let fs = SimulatedFs::new(call);
            let ran = run(call, &fs, Some((call, fault)));
            ran.unwrap_or_else(|error| panic!("{fault:?} at call {call}: {error}"));
        }
    }
}

#[test]
fn random_power_cuts_take_nothing_back() {
    for seed in 0..150 {
        let ran = run(seed, &SimulatedFs::new(seed), None);
        ran.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

/// The simulation can fail: on a disk that ignores either sync something signed is lost.
#[test]
fn a_disk_that_ignores_syncs_is_found_out() {
    for sync in [Call::SyncFile, Call::SyncDir] {
        let found = (0..50).any(|seed| {
            let fs = SimulatedFs::new(seed);
            run_on(seed, &fs, || fs.ignore(sync), None).is_err()
        });
        assert!(found, "{sync}");
    }
}
