//! Receipts.

use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{LeafHash, LeafIndex, NodeHash, RootHash};
use labelproof_core::note::KeyName;
use labelproof_core::receipt::{Receipt, ReceiptError};
use labelproof_core::state::head::{StateHead, StateRoots};
use labelproof_core::state::map::MapRoot;
use labelproof_core::tlog_proof::{TlogProof, TlogProofError};

use super::{Log, log_key, wrong_paths};

const SIZE: usize = 7;
const CLOCK_MS: u64 = 1_775_000_000_123;

fn head(origin: &str, index: u64) -> StateHead {
    StateHead::new(
        origin.parse().unwrap(),
        LeafHash::of_entry(b"0"),
        LeafIndex::new(index),
        StateRoots {
            map_root: MapRoot::from_bytes([1; 32]),
            list_root: RootHash::from_bytes([2; 32]),
            issues: 3,
        },
        CLOCK_MS,
    )
}

/// Entries 0 to 5, and this head as entry 6.
fn log(head: &StateHead) -> Log {
    let mut entries: Vec<Vec<u8>> = (0..SIZE - 1).map(|i| i.to_string().into_bytes()).collect();
    entries.push(head.to_bytes());
    Log::new(&entries)
}

fn event() -> LeafHash {
    LeafHash::of_entry(b"4")
}

fn receipt(head: &StateHead, index: u64) -> TlogProof {
    let log = log(head);
    let head_path = log.inclusion(SIZE as u64 - 1, SIZE);
    let index = LeafIndex::new(index);
    let path = log.inclusion(index.get(), SIZE);
    Receipt::write(&log.signed(SIZE), index, path, head, &head_path).unwrap()
}

#[test]
fn a_frame_gives_the_receipt_of_each_entry_under_it() {
    let head = head("labels.g7.example", 6);
    let log = log(&head);
    let frame = Receipt::frame(&log.signed(SIZE), &head, &log.inclusion(6, SIZE));
    for index in 0..6 {
        let path = log.inclusion(index, SIZE);
        let written = frame.write(LeafIndex::new(index), &path).unwrap();
        assert_eq!(written, receipt(&head, index).to_string());
    }
    let long = vec![NodeHash::from_bytes([0; 32]); 65];
    assert_eq!(
        frame.write(LeafIndex::new(0), &long),
        Err(TlogProofError::TooManyHashes { got: 65 })
    );
}

#[test]
fn a_receipt_reads_back_and_starts_the_clock() {
    let proof = receipt(&head("labels.g7.example", 6), 4);
    let proof = TlogProof::parse(&proof.to_bytes()).unwrap();
    let receipt = Receipt::open(&proof, event(), log_key().vkey()).unwrap();
    assert_eq!(receipt.index().get(), 4);
    assert_eq!(receipt.deadline_ms(), CLOCK_MS + 60_000);
    assert_eq!(
        receipt.head().index().get() + 1,
        receipt.checkpoint().head().size().get()
    );
}

#[test]
fn refuses_a_head_that_is_not_the_checkpoints() {
    for head in [
        head("other.example", 6),
        head("labels.g7.example", 5),
        head("labels.g7.example", 7),
    ] {
        let opened = Receipt::open(&receipt(&head, 4), event(), log_key().vkey());
        assert_eq!(opened.unwrap_err(), ReceiptError::OtherHead);
    }
    // The head proves itself, but no event.
    let head = head("labels.g7.example", 6);
    let proof = receipt(&head, 6);
    let opened = Receipt::open(
        &proof,
        LeafHash::of_entry(&head.to_bytes()),
        log_key().vkey(),
    );
    assert_eq!(opened.unwrap_err(), ReceiptError::NotCovered);
}

/// The largest number there is: one more than it is nowhere, and adding must not wrap.
#[test]
fn a_head_at_the_end_of_all_numbers_is_no_head_of_a_log() {
    let proof = receipt(&head("labels.g7.example", u64::MAX), 4);
    assert_eq!(
        Receipt::open(&proof, event(), log_key().vkey()).unwrap_err(),
        ReceiptError::OtherHead
    );
}

#[test]
fn refuses_wrong_paths_leaves_and_keys() {
    let head = head("labels.g7.example", 6);
    let (log, good) = (log(&head), receipt(&head, 4));
    let open = |proof: &TlogProof| Receipt::open(proof, event(), log_key().vkey());
    assert!(open(&good).is_ok());
    for path in wrong_paths(good.path()) {
        let extra = good.extra().map(<[u8]>::to_vec);
        let proof = TlogProof::new(extra, good.index(), path, good.note().clone()).unwrap();
        assert!(matches!(open(&proof), Err(ReceiptError::Event(_))));
    }
    for path in wrong_paths(&log.inclusion(6, SIZE)) {
        let own = good.path().to_vec();
        let proof = Receipt::write(&log.signed(SIZE), good.index(), own, &head, &path).unwrap();
        assert!(matches!(open(&proof), Err(ReceiptError::HeadProof(_))));
    }
    assert!(Receipt::open(&good, LeafHash::of_entry(b"5"), log_key().vkey()).is_err());
    let other = KeyName::parse("labels.g7.example").unwrap();
    let other = SigningKey::from_seed(other, KeyType::Note, [2; 32]);
    assert!(Receipt::open(&good, event(), other.vkey()).is_err());
    let origin = "labels.g7.example".parse().unwrap();
    let keys = [other.vkey().clone(), log_key().vkey().clone()];
    let open = |origin, keys| Receipt::open_as(&good, event(), origin, keys);
    assert!(open(&origin, &keys).is_ok());
    assert!(open(&origin, &keys[..1]).is_err());
    assert!(open(&"other.example".parse().unwrap(), &keys).is_err());
}

#[test]
fn refuses_extra_data_of_any_other_form() {
    let head = head("labels.g7.example", 6);
    let good = receipt(&head, 4);
    let extra = String::from_utf8(good.extra().unwrap().to_vec()).unwrap();
    let first = extra.lines().next().unwrap();
    for wrong in [
        None,
        Some(String::new()),
        Some(extra.trim_end().to_owned()),
        Some(format!("{extra}\n")),
        Some(format!(" {extra}")),
        Some(extra.replace('\n', "\r\n")),
        Some(extra.replacen(first, "AAAA", 1)),
        Some(extra[first.len()..].to_owned()),
    ] {
        let wrong = wrong.map(String::into_bytes);
        let proof = TlogProof::new(
            wrong,
            good.index(),
            good.path().to_vec(),
            good.note().clone(),
        );
        assert!(Receipt::open(&proof.unwrap(), event(), log_key().vkey()).is_err());
    }
}

#[test]
fn no_mangled_byte_is_a_receipt() {
    let bytes = receipt(&head("labels.g7.example", 6), 4).to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut mangled = bytes.clone();
            mangled[at] ^= 1 << bit;
            let opened = TlogProof::parse(&mangled)
                .map(|proof| Receipt::open(&proof, event(), log_key().vkey()).is_ok());
            assert!(!opened.unwrap_or(false), "bit {bit} of byte {at}");
        }
    }
}
