//! Trust policies: what is read, what is refused, and who counts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod accept;
mod evaluator;
mod table;

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{RootHash, TreeHead, TreeSize};
use labelproof_core::note::KeyName;

pub(crate) fn log_key() -> SigningKey {
    key("labels.g7.example", KeyType::Note, 1)
}

/// The key of a witness whose key name is `witness.example/NAME`.
pub(crate) fn witness_key(name: &str, seed: u8) -> SigningKey {
    key(
        &format!("witness.example/{name}"),
        KeyType::Cosignature,
        100 + seed,
    )
}

pub(crate) fn key(name: &str, key_type: KeyType, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::parse(name).unwrap(), key_type, [seed; 32])
}

pub(crate) fn checkpoint() -> SignedCheckpoint {
    let head = TreeHead::new(TreeSize::new(8), RootHash::from_bytes([8; 32]));
    let body = Checkpoint::new("labels.g7.example".parse().unwrap(), head);
    SignedCheckpoint::sign(&body, &log_key())
}
