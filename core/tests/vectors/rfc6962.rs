//! Inclusion and consistency proofs of transparency-dev/merkle.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use labelproof_core::merkle::{
    LeafHash, LeafIndex, NodeHash, RootHash, TreeHead, TreeSize, verify_consistency,
    verify_inclusion,
};
use serde_json::Value;

use crate::folder;

/// Wants success with roots of 12 bytes; a type of 32 bytes cannot hold them.
const ROOTS_OF_12_BYTES: &str = "sizes-are-equal-one-and-proof-is-empty.json";

#[test]
fn inclusion_vectors_agree() {
    let Some(folder) = folder::find("rfc6962/inclusion") else {
        return;
    };
    let score = score(&folder, inclusion);
    assert_eq!((score.cases, score.valid), (98, 6));
    assert_eq!(score.disagreements, [""; 0]);
}

#[test]
fn consistency_vectors_agree() {
    let Some(folder) = folder::find("rfc6962/consistency") else {
        return;
    };
    let score = score(&folder, consistency);
    assert_eq!((score.cases, score.valid), (98, 6));
    assert_eq!(score.disagreements, [ROOTS_OF_12_BYTES]);
}

struct Score {
    cases: usize,
    valid: usize,
    disagreements: Vec<String>,
}

fn score(folder: &Path, verify: impl Fn(&Value) -> Option<()>) -> Score {
    let mut score = Score {
        cases: 0,
        valid: 0,
        disagreements: Vec::new(),
    };
    for path in folder::files(folder, "json") {
        let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let valid = !case["wantErr"].as_bool().unwrap();
        score.cases += 1;
        score.valid += usize::from(valid);
        if verify(&case).is_some() != valid {
            let name = path.file_name().unwrap().to_string_lossy();
            score.disagreements.push(name.into_owned());
        }
    }
    score
}

fn inclusion(case: &Value) -> Option<()> {
    let head = TreeHead::new(
        size(&case["treeSize"]),
        RootHash::from_bytes(hash(&case["root"])?),
    );
    let index = LeafIndex::new(case["leafIdx"].as_u64().unwrap());
    let leaf = LeafHash::from_bytes(hash(&case["leafHash"])?);
    verify_inclusion(head, index, leaf, &proof(&case["proof"])?).ok()
}

fn consistency(case: &Value) -> Option<()> {
    let old = TreeHead::new(
        size(&case["size1"]),
        RootHash::from_bytes(hash(&case["root1"])?),
    );
    let new = TreeHead::new(
        size(&case["size2"]),
        RootHash::from_bytes(hash(&case["root2"])?),
    );
    verify_consistency(old, new, &proof(&case["proof"])?).ok()
}

fn size(value: &Value) -> TreeSize {
    TreeSize::new(value.as_u64().unwrap())
}

/// `None` of a hash that has not 32 bytes: our types refuse it before any verifier sees it.
fn hash(value: &Value) -> Option<[u8; 32]> {
    STANDARD
        .decode(value.as_str().unwrap())
        .unwrap()
        .try_into()
        .ok()
}

fn proof(value: &Value) -> Option<Vec<NodeHash>> {
    let Some(hashes) = value.as_array() else {
        assert!(value.is_null());
        return Some(Vec::new());
    };
    hashes
        .iter()
        .map(|value| hash(value).map(NodeHash::from_bytes))
        .collect()
}
