//! The judge of evidence over a log with every kind of event, accepted and refused: it convicts what was refused.
//!
//! `tests/vectors/evidence.json` holds evidence against that log, and against ones that lie in one entry, with what it
//! proves, for a second verifier. With `LABELPROOF_WRITE_VECTORS=1` the file is made anew.

use std::path::PathBuf;
use std::{env, fs, slice};

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::evidence::{Decision, Evidence, Fault, JudgeError, Proven, SignedEntry};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{
    LeafHash, LeafIndex, NodeHash, NodeId, ReadNodes, RootHash, UnknownNode, WholeTree,
    prove_consistency,
};
use serde_json::{Value, json};

use super::cast::ORIGIN;
use super::history;
use super::script::Outcome;

/// Each is judged from entry 0 on: a part of them must do.
const STEP: usize = 11;

/// Entries of one log, which its key signs whatever they are.
#[derive(Clone)]
struct Log(Vec<Vec<u8>>);

impl Log {
    fn with(&self, at: usize, entry: Vec<u8>) -> Self {
        let mut other = self.clone();
        other.0[at] = entry;
        other
    }

    /// With a line of the head at `at` replaced.
    fn with_line(&self, at: usize, line: usize, value: &str) -> Self {
        let head = String::from_utf8(self.0[at].clone()).unwrap();
        let mut lines: Vec<&str> = head.lines().collect();
        lines[line] = value;
        self.with(at, (lines.join("\n") + "\n").into_bytes())
    }

    fn first(&self, size: usize) -> Self {
        Self(self.0[..size].to_vec())
    }

    fn tree(&self) -> WholeTree {
        WholeTree::new(self.0.iter().map(|entry| LeafHash::of_entry(entry)))
    }

    fn head(&self) -> SignedCheckpoint {
        let checkpoint = Checkpoint::new(ORIGIN.parse().unwrap(), self.tree().head());
        SignedCheckpoint::sign(&checkpoint, &key())
    }

    fn entry(&self, at: usize) -> SignedEntry {
        let index = LeafIndex::new(at as u64);
        let path = self.tree().path(index).unwrap();
        SignedEntry::new(&self.head(), index, path, self.0[at].clone()).unwrap()
    }

    fn judge(&self, evidence: &Evidence) -> Result<Proven, JudgeError> {
        match evidence.verify(slice::from_ref(key().vkey())).unwrap() {
            Decision::Proven(proven) => Ok(proven),
            Decision::NeedsEntries(mut judge) => {
                let needs = usize::try_from(judge.needs().get()).unwrap();
                for entry in &self.0[..needs] {
                    judge.take(entry);
                }
                judge.decide()
            }
        }
    }
}

impl ReadNodes for Log {
    type Error = UnknownNode;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, UnknownNode> {
        let node = |id: &NodeId| {
            let width = 1_usize << id.level();
            let first = usize::try_from(id.index()).unwrap() * width;
            let leaves = self.0.get(first..first + width).ok_or(UnknownNode(*id))?;
            let leaves = leaves.iter().map(|entry| LeafHash::of_entry(entry));
            let root = WholeTree::new(leaves).root();
            Ok(NodeHash::from_bytes(*root.as_bytes()))
        };
        ids.iter().map(node).collect()
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN.parse().unwrap(), KeyType::Note, [1; 32])
}

#[test]
fn only_refused_entries_are_convicted() {
    let script = history();
    let log = Log(script
        .entries()
        .iter()
        .map(|(entry, _)| entry.clone())
        .collect());
    let (mut convicted, mut honest) = (0, 0);
    for at in (1..log.0.len()).step_by(STEP) {
        let outcome = script.entries()[at].1;
        let accused = log.entry(at);
        let evidence = match outcome {
            Outcome::Head => Evidence::wrong_head(&accused),
            Outcome::Accepted | Outcome::Refused(_) => Evidence::bad_entry(&accused),
        };
        match (log.judge(&evidence.unwrap()), outcome) {
            (Err(JudgeError::NotProven { .. }), Outcome::Head | Outcome::Accepted) => honest += 1,
            (Ok(Proven::BadEntry(bad)), Outcome::Refused(code)) => {
                let Fault::Refused(refusal) = bad.fault() else {
                    panic!("{:?}", bad.fault());
                };
                assert_eq!(refusal.code(), code);
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

/// Evidence against the first entries of the history, what is behind it, and whether it proves anything.
fn cases(log: &Log) -> Vec<(&'static str, Evidence, bool)> {
    let other_hash = RootHash::EMPTY.to_string();
    let (head, before, last) = (40, 55, 59);
    let (accepted, refused) = (47, 48);
    let other = log.with(20, b"another".to_vec());
    let between = {
        let small = other.first(head);
        let size = small.head().head().size();
        let path = prove_consistency(log, size, log.head().head().size()).unwrap();
        let root = log.first(head).tree().root();
        Evidence::fork_between_sizes(&small.head(), &log.head(), root, path)
    };
    let back = log.with_line(last, 8, "0");
    let wrong_head = |log: &Log| Evidence::wrong_head(&log.entry(head)).unwrap();
    let bad_entry = |log: &Log, at| Evidence::bad_entry(&log.entry(at)).unwrap();
    vec![
        (
            "two roots for one size",
            Evidence::fork_at_one_size(&log.head(), &other.head()).unwrap(),
            true,
        ),
        (
            "a larger list that begins otherwise",
            between.unwrap(),
            true,
        ),
        (
            "a clock that runs back",
            Evidence::back_dated(&back.entry(before), &back.entry(last)).unwrap(),
            true,
        ),
        (
            "a head with another map",
            wrong_head(&log.with_line(head, 4, &other_hash)),
            true,
        ),
        (
            "a head that counts another issue",
            wrong_head(&log.with_line(head, 6, "7")),
            true,
        ),
        (
            "a head for another place",
            wrong_head(&log.with_line(head, 3, "12")),
            true,
        ),
        (
            "no head at all",
            wrong_head(&log.with_line(head, 8, "now")),
            true,
        ),
        (
            "a head with another clock",
            wrong_head(&log.with_line(head, 8, "1")),
            false,
        ),
        ("the right head", wrong_head(log), false),
        ("a refused event", bad_entry(log, refused), true),
        ("an accepted event", bad_entry(log, accepted), false),
        (
            "an accepted event where the head must stand",
            bad_entry(&log.first(accepted + 1), accepted),
            true,
        ),
    ]
}

#[test]
fn committed_evidence_is_what_the_code_writes() {
    let script = history();
    let entries = script.entries()[..60]
        .iter()
        .map(|(entry, _)| entry.clone());
    let log = Log(entries.collect());
    let described = |(what, evidence, proven): &(&str, Evidence, bool)| {
        // What the lying logs changed is the accused entry alone, so the history's entries judge them.
        assert_eq!(log.judge(evidence).is_ok(), *proven, "{what}");
        json!({ "what": what, "proven": proven, "file": evidence.to_string() })
    };
    let evidence: Vec<Value> = cases(&log).iter().map(described).collect();
    let vectors =
        json!({ "origin": ORIGIN, "log": key().vkey().to_string(), "evidence": evidence });
    let text = format!("{}\n", serde_json::to_string_pretty(&vectors).unwrap());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/evidence.json");
    if env::var_os("LABELPROOF_WRITE_VECTORS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap();
    assert!(
        committed == text,
        "evidence.json is not what the code writes"
    );
}
