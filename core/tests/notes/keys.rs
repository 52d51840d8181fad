//! Keys as text.

use labelproof_core::key::{BadKey, BadSignature, KeyError, KeyType, SigningKey, Vkey};
use labelproof_core::note::SignatureLine;

use super::{log_key, witness_key};

#[test]
fn keys_read_back() {
    for key in [log_key(), witness_key(1)] {
        let vkey = key.vkey();
        assert_eq!(vkey.to_string().parse(), Ok(vkey.clone()));
        let again: SigningKey = key.to_text().parse().unwrap();
        assert_eq!(again.to_text().as_str(), key.to_text().as_str());
        assert_eq!(again.vkey(), vkey);
    }
}

#[test]
fn the_type_is_part_of_the_id() {
    let name = log_key().vkey().name().clone();
    let key = *log_key().vkey().public_key();
    let as_note = Vkey::new(name.clone(), KeyType::Note, key);
    let as_cosigner = Vkey::new(name, KeyType::Cosignature, key);
    assert_ne!(as_note.id(), as_cosigner.id());
}

#[test]
fn refuses_other_spellings_of_a_key() {
    let good = log_key().vkey().to_string();
    let (name, rest) = good.split_once('+').unwrap();
    let (id, base64) = rest.split_once('+').unwrap();
    let upper = format!("{name}+{}+{base64}", id.to_uppercase());
    let zero = format!("{name}+00000000+{base64}");
    type Want = fn(&KeyError) -> bool;
    let table: [(&str, Want); 9] = [
        ("", |error| *error == KeyError::Malformed),
        (name, |error| *error == KeyError::Malformed),
        (&good[1..], |error| {
            matches!(error, KeyError::WrongId { .. })
        }),
        (&good[..good.len() - 1], |error| {
            *error == KeyError::Malformed
        }),
        (&format!("{good} "), |error| *error == KeyError::Malformed),
        (&format!("{good}\n"), |error| *error == KeyError::Malformed),
        (&upper, |error| *error == KeyError::Malformed),
        (&zero, |error| matches!(error, KeyError::WrongId { .. })),
        (&format!("+{id}+{base64}"), |error| {
            *error == KeyError::Malformed
        }),
    ];
    for (text, want) in table {
        let error = text.parse::<Vkey>().unwrap_err();
        assert!(want(&error), "{text:?}: {error:?}");
    }
}

#[test]
fn refuses_a_key_of_small_order() {
    // The neutral element under its right id: only the point itself is wrong.
    let text = "a.example+7cefb5f9+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let error = text.parse::<Vkey>().unwrap_err();
    assert_eq!(error, KeyError::PublicKey(BadKey::SmallOrder));
}

#[test]
fn the_seed_is_not_printed() {
    let key = log_key();
    let text = key.to_text();
    let seed = text.rsplit_once('+').unwrap().1;
    assert!(!format!("{key:?}").contains(seed));
    assert!(format!("{key:?}").contains("labels.g7.example"));
}

#[test]
fn refuses_every_flipped_bit_and_length_of_a_line() {
    let (key, text) = (log_key(), "text\n");
    let line = key.sign_note(text);
    assert_eq!(key.vkey().verify_line(text, &line), Ok(()));
    let with =
        |bytes: &[u8]| SignatureLine::new(line.name().clone(), line.id(), bytes.to_vec()).unwrap();
    let good = line.signature();
    for bit in 0..good.len() * 8 {
        let mut bad = good.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            key.vkey().verify_line(text, &with(&bad)),
            Err(BadSignature::Invalid)
        );
    }
    for bad in [&good[..63], &[good, &[0]].concat()] {
        let error = key.vkey().verify_line(text, &with(bad)).unwrap_err();
        assert_eq!(
            error,
            BadSignature::WrongLength {
                got: bad.len(),
                want: 64
            }
        );
    }
    assert_eq!(
        key.vkey().verify_line("texx\n", &line),
        Err(BadSignature::Invalid)
    );
}

#[test]
fn a_line_is_checked_by_its_own_key_and_type_only() {
    let line = log_key().sign_note("text\n");
    let other = SigningKey::from_seed(log_key().vkey().name().clone(), KeyType::Note, [2; 32]);
    assert_eq!(
        other.vkey().verify_line("text\n", &line),
        Err(BadSignature::OtherKey)
    );
    let cosigner = witness_key(1);
    assert_eq!(
        cosigner.vkey().verify_line("text\n", &line),
        Err(BadSignature::WrongType)
    );
}
