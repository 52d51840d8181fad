//! Edge cases of Ed25519 from the C2SP/CCTV project.

use std::fs;

use labelproof_core::key::ed25519::verify_unregistered;
use labelproof_core::key::{BadKey, PublicKey};
use serde::Deserialize;

use super::folder;

#[derive(Deserialize)]
struct Case {
    number: usize,
    key: String,
    sig: String,
    msg: String,
    flags: Option<Vec<String>>,
}

/// Of 914 signatures 43 keep the rules; 42 of those are by keys outside the prime-order group, on which
/// implementations differ, so that we take such keys from nobody.
#[test]
fn exactly_the_strict_signatures_verify() {
    let Some(path) = folder::find("ed25519/cctv.json") else {
        return;
    };
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 914);
    let (mut strict, mut by_our_keys) = (0, 0);
    for case in &cases {
        let key: [u8; 32] = hex::decode(&case.key).unwrap().try_into().unwrap();
        let sig: [u8; 64] = hex::decode(&case.sig).unwrap().try_into().unwrap();
        let message = case.msg.as_bytes();
        let verifies = verify_unregistered(&key, message, &sig).is_ok();
        strict += usize::from(verifies);
        let registered = PublicKey::from_bytes(key);
        if registered.is_ok_and(|key| key.verify(message, &sig).is_ok()) {
            assert!(verifies, "case {}", case.number);
            by_our_keys += 1;
        } else if verifies {
            assert_eq!(registered, Err(BadKey::MixedOrder), "case {}", case.number);
        }
        let flags = case.flags.as_deref().unwrap_or_default();
        if verifies {
            let small = [
                "low_order_A",
                "low_order_R",
                "non_canonical_A",
                "non_canonical_R",
            ];
            assert!(
                !flags.iter().any(|flag| small.contains(&flag.as_str())),
                "case {}: {flags:?}",
                case.number
            );
        }
    }
    assert_eq!((strict, by_our_keys), (43, 1));
}
