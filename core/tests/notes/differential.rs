//! Notes and keys read by us and by the `signed_note` crate.
//!
//! Known differences, all of them ours being stricter: a name has at most 255 bytes, a note at most 64 lines,
//! a key's id is lower-case hex, and signatures and keys keep the strict rules of Ed25519.

use labelproof_core::key::Vkey;
use labelproof_core::note::Note;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use signed_note::{Note as TheirNote, StandardVerifier, VerifierList};

use super::{log_key, signed, witness_key};

#[test]
fn both_read_what_we_write() {
    let ours = signed().note().clone();
    let theirs = TheirNote::from_bytes(&ours.to_bytes()).unwrap();
    assert_eq!(theirs.text(), ours.text().as_bytes());
    assert_eq!(theirs.to_bytes(), ours.to_bytes());
    let verifier = StandardVerifier::new(&log_key().vkey().to_string()).unwrap();
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let (verified, unverified) = theirs.verify(&known).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 2));
}

#[test]
fn we_read_the_keys_they_write() {
    let vkey = log_key().vkey().clone();
    let key = ed25519_dalek::VerifyingKey::from_bytes(vkey.public_key().as_bytes()).unwrap();
    let theirs = format!(
        "{}+{:08x}+{}",
        vkey.name(),
        signed_note::key_id(
            vkey.name().as_str(),
            &[&[1], key.as_bytes().as_slice()].concat()
        ),
        vkey.to_string().rsplit_once('+').unwrap().1
    );
    assert_eq!(theirs.parse(), Ok(vkey));
}

#[test]
fn both_agree_on_mutated_notes() {
    let seeds = [
        signed().note().to_bytes(),
        b"a\n\nb\n\n\xe2\x80\x94 a.example AAAAAAA=\n".to_vec(),
        log_key().sign_note("x\n").to_string().into_bytes(),
    ];
    let mut random = ChaCha8Rng::seed_from_u64(0x6e6f_7465);
    let mut both = 0;
    for round in 0..60_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random.next_u32() % 3 {
            mutate(&mut bytes, &mut random);
        }
        let ours = Note::parse(&bytes);
        let theirs = TheirNote::from_bytes(&bytes);
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours.text().as_bytes(), theirs.text());
                assert_eq!(ours.to_bytes(), theirs.to_bytes());
                both += 1;
            }
            (Err(_), Err(_)) => {}
            _ => panic!(
                "{ours:?} but {theirs:?} for {:?}",
                String::from_utf8_lossy(&bytes)
            ),
        }
    }
    assert!(both > 5_000, "mutations leave {both} notes to agree on");
}

#[test]
fn both_agree_on_mutated_keys() {
    let good = log_key().vkey().to_string();
    let mut random = ChaCha8Rng::seed_from_u64(0x6b65_7973);
    for _ in 0..20_000 {
        let mut bytes = good.clone().into_bytes();
        mutate(&mut bytes, &mut random);
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        if let Ok(ours) = Vkey::parse(&text) {
            assert!(StandardVerifier::new(&text).is_ok());
            assert_eq!(ours.to_string(), text);
        } else if StandardVerifier::new(&text).is_ok() {
            // Only the upper-case spelling of the id is theirs alone.
            let id = text.split('+').nth(1).unwrap();
            assert_ne!(id, id.to_lowercase(), "{text}");
        }
    }
    // Their verifier does not know the other type.
    assert!(StandardVerifier::new(&witness_key(1).vkey().to_string()).is_err());
}

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    const INTERESTING: &[u8] = b"\n \t+=A/\0\x7f\xc2\xa0\xe2\x80\x94z9";
    let pick = |random: &mut ChaCha8Rng, len: usize| {
        usize::try_from(random.next_u32()).unwrap() % len.max(1)
    };
    let at = pick(random, bytes.len());
    match random.next_u32() % 5 {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << (random.next_u32() % 8),
        1 if !bytes.is_empty() => bytes[at] = INTERESTING[pick(random, INTERESTING.len())],
        2 => bytes.insert(at, INTERESTING[pick(random, INTERESTING.len())]),
        3 if !bytes.is_empty() => {
            bytes.remove(at);
        }
        _ => {
            let to = pick(random, bytes.len());
            let (from, to) = (at.min(to), at.max(to));
            let copy = bytes[from..to].to_vec();
            bytes.splice(at..at, copy);
        }
    }
}
