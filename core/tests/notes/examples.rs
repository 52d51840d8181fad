//! The examples that stand in the C2SP specifications.

use labelproof_core::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use labelproof_core::key::{KeyError, KeyType, Vkey};
use labelproof_core::note::Note;

/// c2sp.org/signed-note, "Example".
#[test]
fn the_example_of_signed_note_verifies() {
    let vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let note = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let vkey: Vkey = vkey.parse().unwrap();
    assert_eq!(
        (vkey.name().as_str(), vkey.key_type()),
        ("example.com/foo", KeyType::Note)
    );
    let note = Note::parse(note.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(vkey.verify_line(note.text(), &note.signatures()[0]), Ok(()));
}

/// c2sp.org/signed-note, "Note": the text holds an empty line and letters beyond ASCII.
#[test]
fn the_poem_of_signed_note_splits_at_the_last_empty_line() {
    let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
    let line = "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=";
    let bytes = format!("{text}\n{line}\n");
    let note = Note::parse(bytes.as_bytes()).unwrap();
    assert_eq!(note.text(), text);
    assert_eq!(note.signatures()[0].to_string(), line);
    assert_eq!(note.to_string(), bytes);
}

/// c2sp.org/tlog-checkpoint and tlog-cosignature show one checkpoint, without its keys.
#[test]
fn the_checkpoint_of_the_specifications_parses() {
    let bytes = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = Note::parse(bytes.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse(note.text()).unwrap();
    assert_eq!(checkpoint.head().size().get(), 20_852_163);
    assert_eq!(checkpoint.text(), note.text());
    // The second line is as long as a cosignature, and its time the one in the text of the specification.
    let cosignature = note.signatures()[1].signature();
    assert_eq!(cosignature.len(), 72);
    assert_eq!(cosignature[..8], 1_679_315_147_u64.to_be_bytes());
    // Without a known key nothing is signed.
    let stranger = super::log_key();
    let origin: Origin = "example.com/behind-the-sofa".parse().unwrap();
    let opened = SignedCheckpoint::open_as(note, &origin, &[stranger.vkey().clone()]);
    assert_eq!(opened, Err(CheckpointError::NotSigned));
}

/// A key of the public network, of a type that is not ours.
#[test]
fn other_signature_types_are_named() {
    let post_quantum = format!("witness.example/w1+00000000+BgAA{}", "AAAA".repeat(437));
    assert_eq!(
        post_quantum.parse::<Vkey>(),
        Err(KeyError::UnknownType { byte: 6 })
    );
}
