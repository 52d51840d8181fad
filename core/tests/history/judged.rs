//! The judge of evidence over a log with every kind of event, accepted and refused: it convicts what was refused.

use std::slice;

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::evidence::{Decision, Evidence, Fault, JudgeError, Proven, SignedEntry};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{LeafHash, LeafIndex, WholeTree};

use super::history;
use super::script::Outcome;

/// Each is judged from entry 0 on: a part of them must do.
const STEP: usize = 11;

#[test]
fn only_refused_entries_are_convicted() {
    let script = history();
    let entries = script.entries();
    let leaves = entries.iter().map(|(entry, _)| LeafHash::of_entry(entry));
    let tree = WholeTree::new(leaves);
    let name = "labels.g7.example".parse().unwrap();
    let key = SigningKey::from_seed(name, KeyType::Note, [1; 32]);
    let origin = "labels.g7.example".parse().unwrap();
    let checkpoint = SignedCheckpoint::sign(&Checkpoint::new(origin, tree.head()), &key);
    let (mut convicted, mut honest) = (0, 0);
    for at in (1..entries.len()).step_by(STEP) {
        let (entry, outcome) = &entries[at];
        let index = LeafIndex::new(at as u64);
        let path = tree.path(index).unwrap();
        let accused = SignedEntry::new(&checkpoint, index, path, entry.clone()).unwrap();
        let evidence = match outcome {
            Outcome::Head => Evidence::wrong_head(&accused),
            Outcome::Accepted | Outcome::Refused(_) => Evidence::bad_entry(&accused),
        };
        let verified = evidence.unwrap().verify(slice::from_ref(key.vkey()));
        let Ok(Decision::NeedsEntries(mut judge)) = verified else {
            panic!("entries decide");
        };
        for (before, _) in &entries[..at] {
            judge.take(before);
        }
        match (judge.decide(), outcome) {
            (Err(JudgeError::NotProven { .. }), Outcome::Head | Outcome::Accepted) => honest += 1,
            (Ok(Proven::BadEntry(bad)), Outcome::Refused(code)) => {
                let Fault::Refused(refusal) = bad.fault() else {
                    panic!("{:?}", bad.fault());
                };
                assert_eq!(refusal.code(), *code);
                convicted += 1;
            }
            (judged, _) => panic!("{at}: {judged:?}"),
        }
    }
    assert!(
        convicted > 5 && honest > 15,
        "{convicted} convicted, {honest} not"
    );
}
