//! Ten thousand seeded mutations a parser: it never panics, and what it reads it writes back byte for byte.

use labelproof_core::add_checkpoint::AddCheckpoint;
use labelproof_core::checkpoint::Checkpoint;
use labelproof_core::evidence::Evidence;
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::policy::Policy;
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::{Log, log_key};

const ROUNDS: usize = 10_000;

/// Mutates `samples`; gives how many mutants were read.
fn read_back(samples: &[Vec<u8>], seed: u64, read: impl Fn(&[u8]) -> Option<Vec<u8>>) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut accepted = 0;
    for sample in samples {
        assert_eq!(read(sample).as_ref(), Some(sample));
    }
    for round in 0..ROUNDS {
        let mut bytes = samples[round % samples.len()].clone();
        for _ in 0..=random.next_u32() % 3 {
            mutate(&mut bytes, &mut random);
        }
        if let Some(written) = read(&bytes) {
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(written, bytes, "{shown}");
            accepted += 1;
        }
    }
    accepted
}

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    const INTERESTING: &[u8] = b"\n\n\n \t+-=A/09z#\0\r\x7f\xc2\xa0\xe2\x80\x94\xff";
    let mut below = |limit: usize| usize::try_from(random.next_u32()).unwrap() % limit.max(1);
    if bytes.is_empty() {
        bytes.push(INTERESTING[below(INTERESTING.len())]);
    }
    let (at, to) = (below(bytes.len()), below(bytes.len()));
    let (from, end) = (at.min(to), at.max(to));
    match below(7) {
        0 => bytes[at] ^= 1 << below(8),
        1 => bytes[at] = INTERESTING[below(INTERESTING.len())],
        2 => bytes.insert(at, INTERESTING[below(INTERESTING.len())]),
        3 => {
            bytes.remove(at);
        }
        4 => bytes.truncate(at),
        5 => {
            bytes.drain(from..end);
        }
        _ => {
            let copy = bytes[from..end].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}

#[test]
fn requests_to_cosign() {
    let note = Log::of(9, 9).signed(9).note().clone();
    let request = |old: u64, proof| {
        AddCheckpoint::new(
            labelproof_core::merkle::TreeSize::new(old),
            proof,
            note.clone(),
        )
    };
    let samples = [(0, vec![]), (5, Log::of(9, 9).consistency(5, 9))]
        .map(|(old, proof)| request(old, proof).unwrap().to_bytes());
    let read = |bytes: &[u8]| Some(AddCheckpoint::parse(bytes).ok()?.to_bytes());
    assert!(read_back(&samples, 1, read) > 100);
}

#[test]
fn bodies_of_checkpoints() {
    let text = Log::of(9, 9).signed(9).note().text().to_owned();
    let samples = [
        text.clone().into_bytes(),
        format!("{text}extension\n").into_bytes(),
    ];
    let read = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(Checkpoint::parse(text).ok()?.text().into_bytes())
    };
    assert!(read_back(&samples, 2, read) > 100);
}

#[test]
fn proofs_of_entries() {
    let (log, index) = (Log::of(9, 9), LeafIndex::new(4));
    let proof = |extra: Option<&[u8]>| {
        let (path, note) = (log.inclusion(4, 9), log.signed(9).note().clone());
        TlogProof::new(extra.map(<[u8]>::to_vec), index, path, note).unwrap()
    };
    let samples = [None, Some(b"extra".as_slice())].map(|extra| proof(extra).to_bytes());
    let read = |bytes: &[u8]| Some(TlogProof::parse(bytes).ok()?.to_bytes());
    assert!(read_back(&samples, 3, read) > 100);
}

/// The digest refuses nearly every mutant; what lies under it has a test of its own.
#[test]
fn evidence() {
    let (one, other) = (Log::of(9, 9), Log::of(9, 3));
    let root = other.head(5).root();
    let fork = Evidence::fork_at_one_size(&one.signed(9), &other.signed(9)).unwrap();
    let path = other.consistency(5, 9);
    let between = Evidence::fork_between_sizes(&one.signed(5), &other.signed(9), root, path);
    let samples = [fork.to_bytes(), between.unwrap().to_bytes()];
    let read = |bytes: &[u8]| Some(Evidence::parse(bytes).ok()?.to_bytes());
    read_back(&samples, 4, read);
}

#[test]
fn policies() {
    let text = format!(
        "# comment\nlog {} https://log.example/\nquorum none\n",
        log_key().vkey()
    );
    let read = |bytes: &[u8]| {
        let policy = Policy::parse(bytes).ok()?;
        // Asking what it means must not panic either.
        let overlap = policy.smallest_overlap();
        assert!(overlap <= policy.witnesses().len());
        assert!(policy.holds(|_| true) || overlap == 0);
        Some(policy.to_bytes().to_vec())
    };
    assert!(read_back(&[text.into_bytes()], 5, read) > 100);
}

#[test]
fn signing_keys() {
    let samples = [log_key().to_text().as_bytes().to_vec()];
    let read = |bytes: &[u8]| {
        let key: SigningKey = std::str::from_utf8(bytes).ok()?.parse().ok()?;
        Some(key.to_text().as_bytes().to_vec())
    };
    read_back(&samples, 6, read);
}

#[test]
fn times() {
    let samples = [
        "2026-04-01T09:30:00Z",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ];
    let read = |bytes: &[u8]| {
        let time: Time = std::str::from_utf8(bytes).ok()?.parse().ok()?;
        Some(time.to_string().into_bytes())
    };
    let samples = samples.map(|text| text.as_bytes().to_vec());
    assert!(read_back(&samples, 7, read) > 100);
}
