//! Notes, keys, checkpoints and cosignatures: examples of the specifications, forms, and another reader.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod checkpoints;
mod differential;
mod examples;
mod forms;
mod keys;
mod mangling;

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{RootHash, TreeHead, TreeSize};
use labelproof_core::note::KeyName;

pub(crate) fn log_key() -> SigningKey {
    let name = KeyName::parse("labels.g7.example").unwrap();
    SigningKey::from_seed(name, KeyType::Note, [1; 32])
}

pub(crate) fn witness_key(number: u8) -> SigningKey {
    let name = KeyName::parse(&format!("witness.example/w{number}")).unwrap();
    SigningKey::from_seed(name, KeyType::Cosignature, [100 + number; 32])
}

pub(crate) fn head(size: u64, root: u8) -> TreeHead {
    TreeHead::new(TreeSize::new(size), RootHash::from_bytes([root; 32]))
}

/// A checkpoint signed by the log and two witnesses.
pub(crate) fn signed() -> SignedCheckpoint {
    let checkpoint = Checkpoint::new("labels.g7.example".parse().unwrap(), head(20_852_163, 7));
    (1..=2).fold(
        SignedCheckpoint::sign(&checkpoint, &log_key()),
        |signed, number| {
            let key = witness_key(number);
            let time = CosignatureTime::new(1_679_315_147 + u64::from(number)).unwrap();
            let line = cosign(&key, &checkpoint.text(), time);
            signed.with_cosignature(key.vkey(), line).unwrap()
        },
    )
}
