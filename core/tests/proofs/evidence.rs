//! Evidence of a fork, and files that prove none.

use std::slice;

use labelproof_core::evidence::{Claim, Decision, Evidence, EvidenceError, Proven, ProvenFork};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::TreeHead;
use labelproof_core::note::KeyName;
use sha2::{Digest as _, Sha256};

use super::{Log, log_key, wrong_paths};

/// Two logs under one key that agree on the first three entries only.
fn logs() -> (Log, Log) {
    (Log::of(9, 9), Log::of(9, 3))
}

fn between(a: usize, b: usize) -> Result<Evidence, EvidenceError> {
    let (one, other) = logs();
    let path = other.consistency(a as u64, b);
    Evidence::fork_between_sizes(&one.signed(a), &other.signed(b), other.head(a).root(), path)
}

fn verify(evidence: &Evidence) -> Result<ProvenFork, EvidenceError> {
    match evidence.verify(slice::from_ref(log_key().vkey()))? {
        Decision::Proven(Proven::Fork(fork)) => Ok(fork),
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_roots_for_one_size_are_a_fork() {
    let (one, other) = logs();
    for size in 4..=9 {
        let evidence = Evidence::fork_at_one_size(&one.signed(size), &other.signed(size)).unwrap();
        let read = Evidence::parse(&evidence.to_bytes()).unwrap();
        assert_eq!((read.claim(), &read), (Claim::Fork, &evidence));
        let proven = verify(&read).unwrap();
        assert_eq!(proven.smaller().head(), one.head(size));
        assert_eq!(proven.larger().head(), other.head(size));
    }
    let same = Evidence::fork_at_one_size(&one.signed(3), &other.signed(3));
    assert_eq!(same, Err(EvidenceError::NoFork));
}

#[test]
fn a_head_that_is_no_prefix_of_a_larger_one_is_a_fork() {
    for (a, b) in [(4, 5), (4, 8), (5, 9), (8, 9)] {
        let evidence = between(a, b).unwrap();
        let read = Evidence::parse(&evidence.to_bytes()).unwrap();
        assert!(verify(&read).is_ok());
    }
    for (a, b) in [(1, 2), (2, 9), (3, 9)] {
        assert_eq!(between(a, b), Err(EvidenceError::NoFork), "{a} {b}");
    }
    assert_eq!(between(5, 5), Err(EvidenceError::Sizes));
}

#[test]
fn an_honest_log_cannot_be_accused() {
    let one = Log::of(9, 9);
    for a in 1..9 {
        for b in a + 1..=9 {
            let path = one.consistency(a as u64, b);
            let wrong_root = Log::of(9, 0).head(a).root();
            let (small, large) = (one.signed(a), one.signed(b));
            let honest =
                Evidence::fork_between_sizes(&small, &large, one.head(a).root(), path.clone());
            assert_eq!(honest, Err(EvidenceError::NoFork));
            for path in wrong_paths(&path).into_iter().chain([path]) {
                let made_up = Evidence::fork_between_sizes(&small, &large, wrong_root, path);
                assert!(matches!(made_up, Err(EvidenceError::Proof(_))), "{a} {b}");
            }
            let turned = Evidence::fork_between_sizes(&large, &small, wrong_root, vec![]);
            assert_eq!(turned, Err(EvidenceError::Sizes));
            let different = Evidence::fork_at_one_size(&small, &large);
            assert_eq!(different, Err(EvidenceError::Sizes));
        }
    }
}

#[test]
fn wrong_paths_prove_no_fork() {
    let (one, other) = logs();
    for path in wrong_paths(&other.consistency(5, 9)) {
        let root = other.head(5).root();
        let evidence = Evidence::fork_between_sizes(&one.signed(5), &other.signed(9), root, path);
        assert!(matches!(evidence, Err(EvidenceError::Proof(_))));
    }
}

#[test]
fn another_key_is_not_accused() {
    let evidence = between(5, 9).unwrap();
    let key = |name: &str, seed: u8| {
        let name = KeyName::parse(name).unwrap();
        SigningKey::from_seed(name, KeyType::Note, [seed; 32])
            .vkey()
            .clone()
    };
    let (namesake, other) = (key("labels.g7.example", 2), key("other.example", 1));
    for keys in [vec![], vec![namesake.clone()], vec![other.clone()]] {
        assert!(matches!(
            evidence.verify(&keys),
            Err(EvidenceError::Checkpoint(_))
        ));
    }
    // Of several keys of a log one is enough.
    let keys = [namesake, other, log_key().vkey().clone()];
    assert!(evidence.verify(&keys).is_ok());
}

#[test]
fn no_mangled_byte_is_evidence() {
    let bytes = between(5, 9).unwrap().to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut mangled = bytes.clone();
            mangled[at] ^= 1 << bit;
            assert!(Evidence::parse(&mangled).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn refuses_other_forms_under_a_right_digest() {
    let good = between(5, 9).unwrap().to_string();
    let sealed = |body: String| format!("{body}sha256 {}\n", hex::encode(Sha256::digest(&body)));
    let body = good.split("sha256").next().unwrap().to_owned();
    assert_eq!(sealed(body.clone()), good);
    let note = body.lines().nth(3).unwrap().to_owned();
    for wrong in [
        body.replacen("/v1", "/v2", 1),
        body.replacen("claim fork", "claim forks", 1),
        body.replacen("claim fork", "claim bad-entry", 1),
        body.replacen("origin labels.g7.example", "origin ", 1),
        body.replacen(&format!("{note}\n"), "", 1),
        body.replacen(&note, &format!("{note}\n{note}"), 1),
        body.replacen("root ", "roots ", 1),
        body.replacen("root ", "path ", 1),
        body.replacen("\n", "\n\n", 1),
        format!("{body}path AAAA\n"),
        format!("{body}\n"),
    ] {
        assert!(
            Evidence::parse(sealed(wrong.clone()).as_bytes()).is_err(),
            "{wrong}"
        );
    }
    for wrong in [
        format!("{good}\n"),
        good.trim_end().to_owned(),
        good.to_uppercase(),
    ] {
        assert!(Evidence::parse(wrong.as_bytes()).is_err());
    }
    // The digest keeps nobody honest: what it seals is still checked.
    let lie = sealed(body.replacen("origin labels.g7.example", "origin other.example", 1));
    let lie = Evidence::parse(lie.as_bytes()).unwrap();
    assert!(matches!(verify(&lie), Err(EvidenceError::Checkpoint(_))));
}

#[test]
fn an_empty_tree_is_no_evidence() {
    assert_eq!(logs().0.head(0), TreeHead::EMPTY);
    let (one, other) = logs();
    let wrong = Log::of(9, 0).head(9).root();
    let evidence = Evidence::fork_between_sizes(&one.signed(0), &other.signed(9), wrong, vec![]);
    assert!(evidence.is_err());
}

#[test]
fn the_example_of_the_specification_is_what_is_written() {
    let page = include_str!("../../../docs/spec/evidence.md");
    let example = between(4, 5).unwrap();
    assert!(page.contains(&example.to_string()), "{example}");
    assert!(verify(&example).is_ok());
}
