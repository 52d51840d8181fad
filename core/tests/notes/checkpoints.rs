//! Checkpoints: their body, and the step to a signed one.

use labelproof_core::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::key::{BadSignature, KeyType, SigningKey};
use labelproof_core::merkle::TreeHead;
use labelproof_core::note::{KeyName, Note, SignatureLine};

use super::{head, log_key, signed, witness_key};

const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

#[test]
fn bodies_read_back() {
    for extension in ["", "one\n", "one\n two \n"] {
        for (origin, size) in [("a b+c", 0), ("è", u64::MAX)] {
            let text = format!("{origin}\n{size}\n{ROOT}\n{extension}");
            let checkpoint = Checkpoint::parse(&text).unwrap();
            assert_eq!(checkpoint.text(), text);
            assert_eq!(checkpoint.extensions().len(), extension.lines().count());
        }
    }
}

#[test]
fn refuses_other_bodies() {
    let table = [
        (String::new(), CheckpointError::TooShort),
        (format!("o\n1\n{ROOT}"), CheckpointError::TooShort),
        ("o\n1\n".to_owned(), CheckpointError::TooShort),
        (format!("\n1\n{ROOT}\n"), CheckpointError::Origin),
        (format!("o\n\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n01\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n+1\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n-0\n{ROOT}\n"), CheckpointError::Size),
        (format!("o\n 1\n{ROOT}\n"), CheckpointError::Size),
        (
            format!("o\n18446744073709551616\n{ROOT}\n"),
            CheckpointError::Size,
        ),
        ("o\n1\n\n".to_owned(), CheckpointError::Root),
        (format!("o\n1\n{ROOT} \n"), CheckpointError::Root),
        (format!("o\n1\n{}\n", &ROOT[4..]), CheckpointError::Root),
        (format!("o\n1\n{}J=\n", &ROOT[..42]), CheckpointError::Root),
        (format!("o\n1\n{ROOT}\n\n"), CheckpointError::EmptyExtension),
        (
            format!("o\n1\n{ROOT}\nx\n\ny\n"),
            CheckpointError::EmptyExtension,
        ),
    ];
    for (text, want) in table {
        assert_eq!(Checkpoint::parse(&text), Err(want), "{text:?}");
    }
}

#[test]
fn only_the_log_of_the_origin_opens_it() {
    let note = signed().note().clone();
    assert!(SignedCheckpoint::open(note.clone(), log_key().vkey()).is_ok());

    let stranger = SigningKey::from_seed(
        KeyName::parse("other.example").unwrap(),
        KeyType::Note,
        [1; 32],
    );
    let opened = SignedCheckpoint::open(note.clone(), stranger.vkey());
    assert!(matches!(opened, Err(CheckpointError::OtherOrigin { .. })));

    let namesake = SigningKey::from_seed(log_key().vkey().name().clone(), KeyType::Note, [3; 32]);
    let opened = SignedCheckpoint::open(note.clone(), namesake.vkey());
    assert_eq!(opened, Err(CheckpointError::NotSigned));

    // A witness's lines are no log's.
    let cosigner = witness_key(1).vkey().clone();
    let origin: Origin = "labels.g7.example".parse().unwrap();
    let opened = SignedCheckpoint::open_as(note, &origin, &[cosigner]);
    assert_eq!(
        opened,
        Err(CheckpointError::Signature(BadSignature::WrongType))
    );
}

#[test]
fn one_wrong_line_by_a_known_key_spoils_all() {
    let good = signed();
    let mut bytes = good.note().signatures()[0].signature().to_vec();
    bytes[9] ^= 1;
    let vkey = log_key().vkey().clone();
    let wrong = SignatureLine::new(vkey.name().clone(), vkey.id(), bytes).unwrap();
    for lines in [
        vec![wrong.clone(), good.note().signatures()[0].clone()],
        vec![good.note().signatures()[0].clone(), wrong],
    ] {
        let note = Note::new(good.note().text().to_owned(), lines).unwrap();
        let opened = SignedCheckpoint::open(note, &vkey);
        assert_eq!(
            opened,
            Err(CheckpointError::Signature(BadSignature::Invalid))
        );
    }
}

#[test]
fn only_right_cosignatures_are_added_and_newer_ones_replace_older() {
    let signed = signed();
    let (key, text) = (witness_key(1), signed.note().text().to_owned());
    let later = cosign(&key, &text, CosignatureTime::new(1_700_000_000).unwrap());
    let fresh = signed
        .clone()
        .with_cosignature(key.vkey(), later.clone())
        .unwrap();
    assert_eq!(
        fresh.note().signatures().len(),
        signed.note().signatures().len()
    );
    assert!(fresh.note().signatures().contains(&later));

    let other = Checkpoint::new("labels.g7.example".parse().unwrap(), head(5, 5));
    let wrong = cosign(&key, &other.text(), CosignatureTime::new(1).unwrap());
    assert_eq!(
        signed.with_cosignature(key.vkey(), wrong),
        Err(CheckpointError::Signature(BadSignature::Invalid))
    );
}

#[test]
fn a_root_of_an_empty_tree_signs_like_any_other() {
    let checkpoint = Checkpoint::new("labels.g7.example".parse().unwrap(), TreeHead::EMPTY);
    let signed = SignedCheckpoint::sign(&checkpoint, &log_key());
    assert_eq!(
        signed.note().text(),
        "labels.g7.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    );
}
