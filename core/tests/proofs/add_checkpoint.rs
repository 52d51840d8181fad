//! Requests to cosign.

use labelproof_core::add_checkpoint::{AddCheckpoint, AddCheckpointError};
use labelproof_core::merkle::{NodeHash, TreeSize};
use labelproof_core::note::NoteError;

use super::Log;

fn request(hashes: usize) -> String {
    let note = Log::of(9, 9).signed(9).note().clone();
    let proof = vec![NodeHash::from_bytes([3; 32]); hashes];
    AddCheckpoint::new(TreeSize::new(4), proof, note)
        .unwrap()
        .to_string()
}

#[test]
fn requests_read_back() {
    for hashes in [0, 1, 63] {
        let body = request(hashes);
        let parsed = AddCheckpoint::parse(body.as_bytes()).unwrap();
        assert_eq!((parsed.old().get(), parsed.proof().len()), (4, hashes));
        assert_eq!(parsed.to_string(), body);
    }
}

#[test]
fn refuses_other_bodies() {
    let good = request(2);
    let hash = NodeHash::from_bytes([3; 32]).to_string();
    let table = [
        (String::new(), AddCheckpointError::NoGap),
        ("old 4\n".to_owned(), AddCheckpointError::NoGap),
        (good.replacen("old", "Old", 1), AddCheckpointError::OldSize),
        (
            good.replacen("old 4", "old  4", 1),
            AddCheckpointError::OldSize,
        ),
        (
            good.replacen("old 4", "old 04", 1),
            AddCheckpointError::OldSize,
        ),
        (
            good.replacen("old 4", "old +4", 1),
            AddCheckpointError::OldSize,
        ),
        (
            good.replacen("old 4", "old -4", 1),
            AddCheckpointError::OldSize,
        ),
        (
            good.replacen("old 4", "old", 1),
            AddCheckpointError::OldSize,
        ),
        (
            good.replacen("old 4", "old 18446744073709551616", 1),
            AddCheckpointError::OldSize,
        ),
        (
            good.replacen("old 4\n", "old 4\r\n", 1),
            AddCheckpointError::OldSize,
        ),
        (good.replacen("old 4\n", "", 1), AddCheckpointError::OldSize),
        (format!("\n{good}"), AddCheckpointError::OldSize),
        (
            good.replacen(&hash, &hash[1..], 1),
            AddCheckpointError::Hash,
        ),
        (
            good.replacen(&hash, &format!("{hash} "), 1),
            AddCheckpointError::Hash,
        ),
        (good.replacen(&hash, "AwMD", 1), AddCheckpointError::Hash),
        (
            format!("{good}\n"),
            AddCheckpointError::Note(NoteError::NoSignatures),
        ),
        (
            good.trim_end().to_owned(),
            AddCheckpointError::Note(NoteError::NoSignatures),
        ),
    ];
    for (body, want) in table {
        assert_eq!(AddCheckpoint::parse(body.as_bytes()), Err(want), "{body:?}");
    }
    assert_eq!(
        AddCheckpoint::parse(b"old \xff"),
        Err(AddCheckpointError::NotUtf8)
    );
}

#[test]
fn more_than_63_hashes_are_refused() {
    let line = format!("{}\n", NodeHash::from_bytes([3; 32]));
    let body = request(63).replacen("old 4\n", &format!("old 4\n{line}"), 1);
    let want = AddCheckpointError::TooManyHashes { got: 64 };
    assert_eq!(AddCheckpoint::parse(body.as_bytes()), Err(want));
}
