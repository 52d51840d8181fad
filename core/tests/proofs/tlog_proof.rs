//! Proofs of entries.

use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_core::tlog_proof::{TlogProof, TlogProofError};

use super::{Log, log_key, wrong_paths};

const SIZE: usize = 13;

fn proof(index: u64) -> TlogProof {
    let log = Log::of(SIZE, SIZE);
    let note = log.signed(SIZE).note().clone();
    TlogProof::new(
        None,
        LeafIndex::new(index),
        log.inclusion(index, SIZE),
        note,
    )
    .unwrap()
}

fn leaf(index: u64) -> LeafHash {
    LeafHash::of_entry(index.to_string().as_bytes())
}

#[test]
fn every_entry_is_proved_and_reads_back() {
    let checkpoint = Log::of(SIZE, SIZE).signed(SIZE);
    for index in 0..SIZE as u64 {
        let good = proof(index);
        assert_eq!(TlogProof::parse(&good.to_bytes()), Ok(good.clone()));
        assert_eq!(good.verify(leaf(index), &checkpoint), Ok(()));
        for extra in [vec![], b"anything".to_vec()] {
            let path = good.path().to_vec();
            let with = TlogProof::new(Some(extra.clone()), good.index(), path, good.note().clone());
            let with = TlogProof::parse(&with.unwrap().to_bytes()).unwrap();
            assert_eq!(with.extra(), Some(extra.as_slice()));
            assert_eq!(with.verify(leaf(index), &checkpoint), Ok(()));
        }
    }
}

#[test]
fn refuses_wrong_paths_indices_leaves_and_checkpoints() {
    let log = Log::of(SIZE, SIZE);
    let checkpoint = log.signed(SIZE);
    for index in 0..SIZE as u64 {
        let good = proof(index);
        let with = |index: u64, path| {
            TlogProof::new(None, LeafIndex::new(index), path, good.note().clone()).unwrap()
        };
        for path in wrong_paths(good.path()) {
            assert!(with(index, path).verify(leaf(index), &checkpoint).is_err());
        }
        for other in (0..SIZE as u64 + 4)
            .chain([u64::MAX])
            .filter(|other| *other != index)
        {
            let moved = with(other, good.path().to_vec());
            assert!(
                moved.verify(leaf(index), &checkpoint).is_err(),
                "{index} at {other}"
            );
            assert!(good.verify(leaf(other), &checkpoint).is_err());
        }
        assert_eq!(
            good.verify(leaf(index), &log.signed(SIZE - 1)),
            Err(TlogProofError::OtherCheckpoint)
        );
    }
}

#[test]
fn refuses_other_forms() {
    let good = proof(5).to_string();
    let hash = proof(5).path()[0].to_string();
    let table = [
        (String::new(), TlogProofError::NoGap),
        (good.replacen("@v1", "@v2", 1), TlogProofError::FirstLine),
        (
            good.replacen("@v1\n", "@v1\r\n", 1),
            TlogProofError::FirstLine,
        ),
        (format!(" {good}"), TlogProofError::FirstLine),
        (
            good.replacen("index 5", "index 05", 1),
            TlogProofError::Index,
        ),
        (
            good.replacen("index 5", "index  5", 1),
            TlogProofError::Index,
        ),
        (good.replacen("index 5\n", "", 1), TlogProofError::Index),
        (
            good.replacen("index 5", "extra YQ==\nextra YQ==\nindex 5", 1),
            TlogProofError::Index,
        ),
        (
            good.replacen("index 5", "index 5\nextra YQ==", 1),
            TlogProofError::Hash,
        ),
        (
            good.replacen("index 5", "extra YQ=\nindex 5", 1),
            TlogProofError::Extra,
        ),
        (
            good.replacen("index 5", "extra YR==\nindex 5", 1),
            TlogProofError::Extra,
        ),
        (
            good.replacen("index 5", "extra\nindex 5", 1),
            TlogProofError::Index,
        ),
        (good.replacen(&hash, &hash[1..], 1), TlogProofError::Hash),
    ];
    for (text, want) in table {
        assert_eq!(TlogProof::parse(text.as_bytes()), Err(want), "{text:?}");
    }
    let long = good.replacen(
        "index 5\n",
        &format!("index 5\n{}", format!("{hash}\n").repeat(64)),
        1,
    );
    let parsed = TlogProof::parse(long.as_bytes());
    assert_eq!(parsed, Err(TlogProofError::TooManyHashes { got: 65 }));
}

#[test]
fn no_mangled_byte_proves_anything_else() {
    let good = proof(5);
    let bytes = good.to_bytes();
    let holds = |bytes: &[u8]| {
        let proof = TlogProof::parse(bytes).ok()?;
        let note = proof.note().clone();
        let checkpoint =
            labelproof_core::checkpoint::SignedCheckpoint::open(note, log_key().vkey());
        proof.verify(leaf(5), &checkpoint.ok()?).ok()
    };
    assert!(holds(&bytes).is_some());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut mangled = bytes.clone();
            mangled[at] ^= 1 << bit;
            assert!(holds(&mangled).is_none(), "bit {bit} of byte {at}");
        }
    }
}
