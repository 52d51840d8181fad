//! One bit of the staged batch goes wrong before it is checked: nothing is signed, the object is named.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_log::sequencer::{SequenceError, Sequencer};

use crate::ledger::Ledger;
use crate::log_node::{DIR, create, parts};

/// Commits three entries to a log with one; the fault waits this many calls into the commit.
fn commit(fault: Option<(u64, Fault)>) -> (Result<(), SequenceError>, Arc<Ledger>, SimulatedFs) {
    let fs = SimulatedFs::new(0);
    create(&fs);
    let ledger = Arc::new(Ledger::new());
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let mut sequencer = Sequencer::load(parts(&shared, &ledger, 1)).unwrap();
    sequencer
        .sequence(vec![b"first".to_vec()], &mut |_| {})
        .unwrap();
    if let Some((call, fault)) = fault {
        fs.fail_call(fs.calls() + call, fault);
    }
    let entries = ["second", "third", "fourth"].map(|entry| entry.as_bytes().to_vec());
    let mut acknowledged = false;
    let outcome = sequencer.sequence(entries.into(), &mut |_| acknowledged = true);
    assert_eq!(outcome.is_ok(), acknowledged);
    (outcome, ledger, fs)
}

fn told(error: &dyn Error) -> String {
    let cause = error.source().map(told).unwrap_or_default();
    format!("{error}\n{cause}")
}

/// Which call of the commit reads the staged batch back, and how long that is in bits.
fn reading_back() -> (u64, u64) {
    for call in 1..20 {
        let (outcome, _, fs) = commit(Some((call, Fault::FlippedBit(0))));
        if outcome.is_err() {
            let staged = Path::new(DIR).join("staged");
            let names = fs.list(&staged).unwrap();
            assert_eq!(names.len(), 1, "{names:?}");
            return (call, fs.len(&staged.join(&names[0])).unwrap() * 8);
        }
    }
    panic!("the staged batch is not read back");
}

#[test]
fn each_flipped_bit_is_found_before_anything_is_signed() {
    let (call, bits) = reading_back();
    for bit in 0..bits {
        let (outcome, ledger, fs) = commit(Some((call, Fault::FlippedBit(bit))));
        let error = outcome.unwrap_err();
        let sizes: Vec<u64> = ledger.roots().into_keys().collect();
        assert_eq!(sizes, [1], "bit {bit}: something was signed");
        let names = fs.list(&Path::new(DIR).join("staged")).unwrap();
        let object = format!("staged/{}", names[0]);
        assert!(
            told(&error).contains(&object),
            "bit {bit}: {}",
            told(&error)
        );
    }
    println!("{bits} bits");
}

#[test]
fn log_goes_on_after_a_reload() {
    let (call, _) = reading_back();
    let (outcome, ledger, fs) = commit(Some((call, Fault::FlippedBit(7))));
    outcome.unwrap_err();
    let shared: Arc<dyn Fs> = Arc::new(fs);
    let mut sequencer = Sequencer::load(parts(&shared, &ledger, 2)).unwrap();
    assert_eq!(sequencer.head().size().get(), 1);
    sequencer
        .sequence(vec![b"second".to_vec()], &mut |_| {})
        .unwrap();
    assert_eq!(sequencer.head().size().get(), 2);
}
