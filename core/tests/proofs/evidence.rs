//! Evidence of a fork, and files that prove none.

use labelproof_core::evidence::{Claim, Evidence, EvidenceError};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{LeafIndex, TreeHead};
use labelproof_core::note::KeyName;
use labelproof_core::tlog_proof::TlogProof;
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

#[test]
fn two_roots_for_one_size_are_a_fork() {
    let (one, other) = logs();
    for size in 4..=9 {
        let evidence = Evidence::fork_at_one_size(&one.signed(size), &other.signed(size)).unwrap();
        let read = Evidence::parse(&evidence.to_bytes()).unwrap();
        assert_eq!((read.claim(), &read), (Claim::Fork, &evidence));
        let proven = read.verify(log_key().vkey()).unwrap();
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
        assert!(read.verify(log_key().vkey()).is_ok());
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
    let namesake = SigningKey::from_seed(log_key().vkey().name().clone(), KeyType::Note, [2; 32]);
    assert!(matches!(
        evidence.verify(namesake.vkey()),
        Err(EvidenceError::Checkpoint(_))
    ));
    let name = KeyName::parse("other.example").unwrap();
    let other = SigningKey::from_seed(name, KeyType::Note, [1; 32]);
    assert_eq!(
        evidence.verify(other.vkey()).unwrap_err(),
        EvidenceError::OtherLog
    );
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
    assert_eq!(
        lie.verify(log_key().vkey()).unwrap_err(),
        EvidenceError::OtherLog
    );
}

#[test]
fn claims_about_entries_are_read_and_left_undecided() {
    let log = Log::of(9, 9);
    let proof = |index: u64| {
        let (path, note) = (log.inclusion(index, 9), log.signed(9).note().clone());
        let proof = TlogProof::new(None, LeafIndex::new(index), path, note).unwrap();
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, proof.to_bytes())
    };
    for (word, claim, proofs) in [
        ("back-dated", Claim::BackDated, 2),
        ("wrong-head", Claim::WrongHead, 1),
        ("bad-entry", Claim::BadEntry, 1),
    ] {
        let file = |count: u64| {
            let mut body =
                format!("labelproof-evidence/v1\nclaim {word}\norigin labels.g7.example\n");
            for index in 0..count {
                body += &format!("proof {}\n", proof(index));
            }
            format!("{body}sha256 {}\n", hex::encode(Sha256::digest(&body)))
        };
        let evidence = Evidence::parse(file(proofs).as_bytes()).unwrap();
        assert_eq!(evidence.to_string(), file(proofs));
        assert_eq!(
            (evidence.claim(), evidence.proofs().len() as u64),
            (claim, proofs)
        );
        let undecided = evidence.verify(log_key().vkey()).unwrap_err();
        assert_eq!(undecided, EvidenceError::NotDecidable { claim });
        for wrong in [proofs - 1, proofs + 1] {
            assert!(Evidence::parse(file(wrong).as_bytes()).is_err());
        }
    }
}

#[test]
fn an_empty_tree_is_no_evidence() {
    assert_eq!(logs().0.head(0), TreeHead::EMPTY);
    let (one, other) = logs();
    let wrong = Log::of(9, 0).head(9).root();
    let evidence = Evidence::fork_between_sizes(&one.signed(0), &other.signed(9), wrong, vec![]);
    assert!(evidence.is_err());
}
