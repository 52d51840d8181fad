//! Every place a log can die in: a fault at each file system call of a commit, and of the recovery.
//!
//! ```text
//! first entry 0→1 · inside a tile 10→13 · across a tile's end 254→259
//! power cut, EIO, full disk, short write at call 1, 2, 3 …; then a power cut at each call of the recovery
//! ```
//! After each the log comes back by itself, whole, with everything that was acknowledged.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_log::sequencer::{SequenceError, Sequencer};

use crate::checker::check_log;
use crate::ledger::Ledger;
use crate::log_node::{DIR, create, parts};

/// A log that holds `before` entries and is about to take `batch` more.
struct Workload {
    name: &'static str,
    before: u64,
    batch: u64,
}

const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "first entry",
        before: 0,
        batch: 1,
    },
    Workload {
        name: "inside a tile",
        before: 10,
        batch: 3,
    },
    Workload {
        name: "across a tile's end",
        before: 254,
        batch: 5,
    },
];

/// Each call is tried with this many crashes.
const SEEDS: u64 = 4;

/// A commit takes some thirty calls; a loop that never ends fails here.
const MOST_CALLS: u64 = 1_000;

fn entries(from: u64, count: u64) -> Vec<Vec<u8>> {
    let entry = |index: u64| format!("entry {index} {}", ".".repeat(300)).into_bytes();
    (from..from + count).map(entry).collect()
}

fn load(fs: &SimulatedFs, ledger: &Arc<Ledger>) -> Result<Sequencer, SequenceError> {
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    Sequencer::load(parts(&shared, ledger, fs.calls()))
}

/// Numbered entries of the workload, as far as they were acknowledged.
type Acknowledged = BTreeMap<u64, Vec<u8>>;

/// Runs the commit; gives what is acknowledged then.
fn commit(
    fs: &SimulatedFs,
    ledger: &Arc<Ledger>,
    workload: &Workload,
) -> (Result<(), SequenceError>, Acknowledged) {
    let mut acknowledged: Acknowledged = (0..).zip(entries(0, workload.before)).collect();
    let batch = entries(workload.before, workload.batch);
    let mut told = false;
    let outcome = load(fs, ledger)
        .and_then(|mut sequencer| sequencer.sequence(batch.clone(), &mut |_| told = true));
    if told {
        acknowledged.extend((workload.before..).zip(batch));
    }
    (outcome, acknowledged)
}

/// The log comes back, is whole, and holds the batch entirely or not at all.
fn comes_back(
    fs: &SimulatedFs,
    ledger: &Arc<Ledger>,
    acknowledged: &Acknowledged,
    workload: &Workload,
    case: &str,
) {
    let sequencer = load(fs, ledger).unwrap_or_else(|error| panic!("{case}: {error:?}"));
    let size = check_log(&fs.backup(0), Path::new(DIR), ledger, acknowledged);
    let size = size.unwrap_or_else(|wrong| panic!("{case}: {wrong}"));
    assert_eq!(size, sequencer.head().size().get(), "{case}");
    let whole = [workload.before, workload.before + workload.batch];
    assert!(whole.contains(&size), "{case}: size {size}");
}

/// A disk with the entries before the commit, all durable.
fn prepare(workload: &Workload) -> SimulatedFs {
    let fs = SimulatedFs::new(0);
    create(&fs);
    if workload.before > 0 {
        let mut sequencer = load(&fs, &Arc::new(Ledger::new())).unwrap();
        let batch = entries(0, workload.before);
        sequencer.sequence(batch, &mut |_| {}).unwrap();
    }
    fs
}

/// Each call of the commit with this fault, once a seed; `then` gets the disk it leaves. Gives the cases.
fn at_every_call(
    fault: Fault,
    seeds: u64,
    mut then: impl FnMut(&SimulatedFs, &Arc<Ledger>, &Acknowledged, &Workload, &str),
) -> u64 {
    let mut cases = 0;
    for workload in &WORKLOADS {
        let base = prepare(workload);
        for call in 1..MOST_CALLS {
            let mut met = 0;
            for seed in 0..seeds {
                let ledger = Arc::new(Ledger::new());
                let fs = base.backup(seed);
                fs.fail_call(call, fault);
                let (outcome, acknowledged) = commit(&fs, &ledger, workload);
                met += fs.faults_met();
                fs.heal();
                let case = format!(
                    "{}, {fault:?} at call {call}, seed {seed}: {outcome:?}",
                    workload.name
                );
                then(&fs, &ledger, &acknowledged, workload, &case);
                cases += 1;
            }
            if met == 0 {
                break;
            }
        }
    }
    cases
}

#[test]
fn power_cut_at_every_call_of_a_commit_loses_nothing() {
    let cases = at_every_call(
        Fault::PowerCut,
        SEEDS,
        |fs, ledger, acknowledged, workload, case| {
            fs.cut_power();
            fs.restart();
            comes_back(fs, ledger, acknowledged, workload, case);
        },
    );
    println!("{cases} cases");
    assert!(cases >= 400, "{cases}");
}

#[test]
fn power_cut_at_every_call_of_the_recovery_loses_nothing() {
    let mut cases = 0;
    at_every_call(
        Fault::PowerCut,
        1,
        |fs, ledger, acknowledged, workload, case| {
            fs.cut_power();
            fs.restart();
            for call in 1..MOST_CALLS {
                let again = fs.backup(call);
                again.fail_call(call, Fault::PowerCut);
                let case = format!("{case}; recovery dies at call {call}");
                if load(&again, ledger).is_ok() {
                    break;
                }
                again.restart();
                comes_back(&again, ledger, acknowledged, workload, &case);
                cases += 1;
            }
        },
    );
    println!("{cases} cases");
    assert!(cases >= 400, "{cases}");
}

#[test]
fn failing_disk_at_every_call_stops_and_comes_back() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite] {
        let cases = at_every_call(fault, SEEDS, |fs, ledger, acknowledged, workload, case| {
            // First only the process starts again; what a failed sync lost is still read.
            comes_back(fs, ledger, acknowledged, workload, case);
            fs.cut_power();
            fs.restart();
            comes_back(
                fs,
                ledger,
                acknowledged,
                workload,
                &format!("{case}; then a power cut"),
            );
        });
        println!("{fault:?}: {cases} cases");
        assert!(cases >= 400, "{cases}");
    }
}

#[test]
fn error_poisons_until_a_full_reload() {
    let workload = &WORKLOADS[1];
    let fs = prepare(workload);
    let ledger = Arc::new(Ledger::new());
    let mut sequencer = load(&fs, &ledger).unwrap();
    fs.fail_call(fs.calls() + 1, Fault::Eio);
    sequencer
        .sequence(entries(10, 1), &mut |_| panic!("acknowledged"))
        .unwrap_err();
    let error = sequencer.sequence(entries(10, 1), &mut |_| panic!("acknowledged"));
    assert!(matches!(error, Err(SequenceError::Poisoned)), "{error:?}");
    let mut sequencer = load(&fs, &ledger).unwrap();
    sequencer.sequence(entries(10, 1), &mut |_| {}).unwrap();
}
