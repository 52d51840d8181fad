//! The records' bytes, and every byte that no record has refused.

use super::*;
use crate::merkle::{LeafHash, LeafIndex};
use crate::time::Time;

fn leaf(seed: u8) -> LeafHash {
    LeafHash::from_bytes([seed; 32])
}

fn sample() -> StateRecord {
    let mut record = StateRecord::begin(LeafIndex::new(7), &leaf(1));
    record.record_event(LeafIndex::new(300), &leaf(2));
    record.set_status(Status::Revoked, 3);
    record.set_prior(Some(Status::Suspended));
    record.raise(Flag::SupervisorSuspension);
    record.set_not_after(Time::from_unix(1_800_000_000));
    record
}

#[test]
fn state_record_has_its_bytes() {
    let bytes = sample().to_bytes();
    assert_eq!(
        hex::encode(&bytes[..48]),
        concat!(
            "0101040103020000",
            "0000000000000007",
            "000000000000012c",
            "0000000200000000",
            "000000006b49d200",
            "ffffffffffffffff"
        )
    );
    assert_eq!(StateRecord::from_bytes(&bytes), Ok(sample()));
}

#[test]
fn unused_bytes_and_bits_are_refused() {
    let good = sample().to_bytes();
    for at in [0, 1, 6, 7, 28, 29, 30, 31] {
        for bit in 0..8 {
            let mut bytes = good;
            bytes[at] ^= 1 << bit;
            assert!(StateRecord::from_bytes(&bytes).is_err(), "byte {at}");
        }
    }
    let with = |at: usize, value: u8| {
        let mut bytes = good;
        bytes[at] = value;
        StateRecord::from_bytes(&bytes)
    };
    assert_eq!(with(2, 0), Err(RecordError::BadByte { at: 2 }));
    assert_eq!(with(2, 8), Err(RecordError::BadByte { at: 2 }));
    assert_eq!(with(2, 1), Err(RecordError::BadByte { at: 4 }));
    assert_eq!(with(3, 0x08), Err(RecordError::BadByte { at: 3 }));
    assert_eq!(with(4, 16), Err(RecordError::BadByte { at: 4 }));
    assert_eq!(with(5, 8), Err(RecordError::BadByte { at: 5 }));
    assert_eq!(with(27, 0), Err(RecordError::BadByte { at: 24 }));
    assert_eq!(with(27, 1), Err(RecordError::BadByte { at: 24 }));
    assert_eq!(with(16, 0xff).map(|_| ()), Ok(()));
    assert_eq!(with(8, 0xff), Err(RecordError::BadByte { at: 16 }));
    assert_eq!(with(33, 1), Err(RecordError::BadByte { at: 32 }));
    assert!(StateRecord::from_bytes(&good[..79]).is_err());
    assert!(StateRecord::from_bytes(&[good.as_slice(), &[0]].concat()).is_err());
    assert!(StateRecord::from_bytes(&[0; 80]).is_err());
}

#[test]
fn history_is_all_events_in_order() {
    let (one, two, three) = (leaf(1), leaf(2), leaf(3));
    let at = LeafIndex::new;
    let record = sample();
    assert!(record.has_history([(at(7), &one), (at(300), &two)]));
    for wrong in [
        vec![],
        vec![(at(7), &one)],
        vec![(at(300), &two)],
        vec![(at(300), &two), (at(7), &one)],
        vec![(at(7), &one), (at(300), &three)],
        vec![(at(8), &one), (at(300), &two)],
        vec![(at(7), &one), (at(299), &two)],
        vec![(at(7), &one), (at(7), &one), (at(300), &two)],
        vec![(at(7), &one), (at(300), &two), (at(301), &three)],
    ] {
        assert!(!record.has_history(wrong));
    }
}

#[test]
fn index_record_has_its_bytes() {
    let events = [
        (LeafIndex::new(2), leaf(1)),
        (LeafIndex::new(9), leaf(2)),
        (LeafIndex::new(11), leaf(3)),
    ];
    let record = IndexRecord::of_events(&events).expect("events in order");
    let bytes = record.to_bytes();
    assert_eq!(
        hex::encode(&bytes[..24]),
        "01020000000000000000000000000003000000000000000b"
    );
    assert_eq!(IndexRecord::from_bytes(&bytes), Ok(record));
    for at in 0..8 {
        let mut wrong = bytes;
        wrong[at] ^= 0x10;
        assert!(IndexRecord::from_bytes(&wrong).is_err(), "byte {at}");
    }
    let mut none = bytes;
    none[15] = 0;
    assert!(IndexRecord::from_bytes(&none).is_err());
    none[15] = 13;
    assert!(IndexRecord::from_bytes(&none).is_err());
    assert!(IndexRecord::from_bytes(&bytes[1..]).is_err());
    assert_eq!(IndexRecord::of_events(&[]), None);
    assert_eq!(IndexRecord::of_events(&[events[1], events[0]]), None);
}

#[test]
fn type_of_the_key_decides_the_record() {
    let bytes = sample().to_bytes();
    assert!(Record::from_bytes(MapType::Label, &bytes).is_ok());
    assert!(Record::from_bytes(MapType::Product, &bytes).is_err());
}
