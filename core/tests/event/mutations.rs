//! Ten thousand seeded mutations of every kind's sample.

use labelproof_core::event::{Event, Kind};
use labelproof_core::note::Note;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::{key, text};

#[test]
fn no_mutation_panics_or_passes_in_a_second_form() {
    let mut random = ChaCha20Rng::seed_from_u64(3);
    let samples: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| text(*kind).into_bytes())
        .collect();
    let (mut read, mut refused) = (0, 0);
    for _ in 0..10_000 {
        let mut bytes = samples[below(&mut random, samples.len())].clone();
        for _ in 0..=below(&mut random, 3) {
            mutate(&mut bytes, &mut random);
        }
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let Ok(note) = Note::new(text.clone(), vec![key().sign_note("")]) else {
            continue;
        };
        match Event::parse(&note.to_bytes()) {
            Ok(event) => {
                let json: serde_json::Value = serde_json::from_str(event.json()).unwrap();
                // All names here are ASCII and serde_json's map is sorted, so this is RFC 8785.
                assert_eq!(json.to_string(), event.json(), "accepted a second form");
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(
        read > 100 && refused > 1000,
        "{read} read, {refused} refused: the mutations are one-sided"
    );
}

fn below(random: &mut ChaCha20Rng, bound: usize) -> usize {
    usize::try_from(random.next_u64() % bound as u64).unwrap()
}

/// Replaces, drops, doubles or inserts a piece, with bytes that matter to JSON.
fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha20Rng) {
    const PIECES: [&str; 14] = [
        "\"", "{", "}", "[", "]", ",", ":", "0", "null", "\\u0041", " ", "\n", "1e2", "true",
    ];
    let start = below(random, bytes.len());
    let end = (start + 1 + below(random, 12)).min(bytes.len());
    match below(random, 5) {
        0 => bytes[start] = u8::try_from(0x20 + below(random, 0x5f)).unwrap(),
        1 => {
            bytes.drain(start..end);
        }
        2 => {
            let piece = bytes[start..end].to_vec();
            bytes.splice(start..start, piece);
        }
        3 => {
            bytes.splice(start..start, PIECES[below(random, PIECES.len())].bytes());
        }
        _ => bytes[start] = bytes[start].wrapping_add(1),
    }
}
