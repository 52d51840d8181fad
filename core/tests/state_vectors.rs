//! Our own vectors: what a second implementation in Python made of `docs/spec/state.md`.
//!
//! `tests/vectors/make.py` writes them from the specification alone; here the Rust code must agree with each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use labelproof_core::merkle::{LeafHash, LeafIndex, NodeHash, RootHash};
use labelproof_core::state::head::{StateHead, StateRoots};
use labelproof_core::state::key::{MapKey, MapName, canonical_id};
use labelproof_core::state::list::{Code, StatusList, verify_chunk};
use labelproof_core::state::map::proof::{MapProof, OtherLeaf, Sibling};
use labelproof_core::state::map::{Map, MapRoot};
use labelproof_core::state::record::{Flag, IndexRecord, StateRecord, Status};
use labelproof_core::time::Time;
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// Reads a file of vectors and asserts how many there are.
fn vectors(name: &str, count: usize) -> Vec<Value> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(vectors.len(), count, "vectors in {name}");
    vectors
}

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().unwrap()
}

fn number(vector: &Value, member: &str) -> u64 {
    text(vector, member).parse().unwrap()
}

fn small(vector: &Value, member: &str) -> u8 {
    u8::try_from(vector[member].as_u64().unwrap()).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn hash(text: &str) -> [u8; 32] {
    bytes(text).try_into().unwrap()
}

fn list(vector: &Value, member: &str) -> Vec<Value> {
    vector[member].as_array().unwrap().clone()
}

fn events(vector: &Value) -> Vec<(LeafIndex, LeafHash)> {
    list(vector, "events")
        .iter()
        .map(|event| {
            (
                LeafIndex::new(number(event, "index")),
                LeafHash::from_bytes(hash(text(event, "leaf"))),
            )
        })
        .collect()
}

fn status(number: u8) -> Option<Status> {
    Status::from_number(number)
}

#[test]
fn committed_vectors_are_what_the_second_implementation_makes() {
    let made = Command::new("python3")
        .arg(folder().join("make.py"))
        .arg("--check")
        .output();
    match made {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(missing) => {
            assert_ne!(
                env::var("CI").as_deref(),
                Ok("true"),
                "no python3: {missing}"
            );
            eprintln!("skipped: no python3: {missing}");
        }
    }
}

#[test]
fn map_keys_agree() {
    for vector in vectors("map_key.json", 16) {
        let fields = list(&vector, "fields");
        let fields = fields.iter().map(|field| field.as_str().unwrap().into());
        let name = MapName::new(text(&vector, "type").parse().unwrap(), fields.collect()).unwrap();
        assert_eq!(name.key().to_string(), text(&vector, "key"), "{name}");
    }
}

#[test]
fn canonical_ids_agree() {
    for vector in vectors("canonical_id.json", 33) {
        let rule = text(&vector, "rule").parse().unwrap();
        let id = canonical_id(rule, text(&vector, "id")).unwrap();
        assert_eq!(id.as_str(), text(&vector, "canonical"), "{vector}");
    }
}

#[test]
fn state_records_agree() {
    for vector in vectors("state_record.json", 9) {
        let events = events(&vector);
        let mut record = StateRecord::begin(events[0].0, &events[0].1);
        for (index, leaf) in &events[1..] {
            record.record_event(*index, leaf);
        }
        record.set_status(
            status(small(&vector, "status")).unwrap(),
            small(&vector, "reason"),
        );
        record.set_prior(status(small(&vector, "prior")));
        for flag in [
            Flag::SupervisorSuspension,
            Flag::Dated,
            Flag::NoValidityEffect,
        ] {
            if small(&vector, "flags") & flag as u8 != 0 {
                record.raise(flag);
            }
        }
        record.set_not_after(Time::from_unix(number(&vector, "not_after")));
        let successor = Some(number(&vector, "successor_index")).filter(|at| *at != u64::MAX);
        record.set_successor_index(successor.map(LeafIndex::new));
        assert_eq!(hex::encode(record.to_bytes()), text(&vector, "record"));
        assert_eq!(
            hex::encode(record.chain().as_bytes()),
            text(&vector, "chain")
        );
        assert_eq!(StateRecord::from_bytes(&record.to_bytes()), Ok(record));
        assert!(record.has_history(events.iter().map(|(index, leaf)| (*index, leaf))));
    }
}

#[test]
fn bad_state_records_are_refused() {
    for vector in vectors("state_record_bad.json", 19) {
        let record = StateRecord::from_bytes(&bytes(text(&vector, "record")));
        assert!(record.is_err(), "{}", text(&vector, "why"));
    }
}

#[test]
fn index_records_agree() {
    for vector in vectors("index_record.json", 5) {
        let record = IndexRecord::of_events(&events(&vector)).unwrap();
        assert_eq!(hex::encode(record.to_bytes()), text(&vector, "record"));
        assert_eq!(IndexRecord::from_bytes(&record.to_bytes()), Ok(record));
    }
}

#[test]
fn maps_and_their_proofs_agree() {
    let (mut present, mut absent) = (0, 0);
    for vector in vectors("map.json", 7) {
        let mut map = Map::new();
        for pair in list(&vector, "records") {
            let key = MapKey::from_bytes(hash(pair[0].as_str().unwrap()));
            map.insert(key, &bytes(pair[1].as_str().unwrap()));
        }
        let root = MapRoot::from_bytes(hash(text(&vector, "root")));
        assert_eq!(map.root(), root);
        for proof in list(&vector, "proofs") {
            let key = MapKey::from_bytes(hash(text(&proof, "key")));
            let siblings: Vec<Sibling> = list(&proof, "siblings")
                .iter()
                .map(|side| Sibling::from_bytes(&bytes(side.as_str().unwrap())).unwrap())
                .collect();
            let other = proof["other"]
                .as_str()
                .map(|other| OtherLeaf::from_bytes(&bytes(other)).unwrap());
            let theirs = match proof["record"].as_str() {
                Some(record) => MapProof::Inclusion {
                    record: bytes(record),
                    siblings,
                },
                None => MapProof::Absence { other, siblings },
            };
            assert_eq!(map.prove(&key), theirs);
            match theirs.verify(&root, &key).unwrap() {
                Some(_) => present += 1,
                None => absent += 1,
            }
        }
    }
    assert_eq!((present, absent), (55, 30));
}

#[test]
fn status_lists_agree() {
    for vector in vectors("list.json", 6) {
        let length = vector["length"].as_u64().unwrap();
        let mut codes = StatusList::new();
        codes.extend_to(length);
        for pair in list(&vector, "codes") {
            let code = [Code::Active, Code::Ended, Code::Suspended, Code::Superseded]
                .into_iter()
                .find(|code| Some(*code as u64) == pair[1].as_u64());
            codes.set(LeafIndex::new(pair[0].as_u64().unwrap()), code.unwrap());
        }
        let root = RootHash::from_bytes(hash(text(&vector, "root")));
        assert_eq!(codes.root(), root);
        let leaves = list(&vector, "leaves");
        assert_eq!(leaves.len(), codes.chunks().count());
        for (at, leaf) in (0_u64..).zip(leaves) {
            let chunk = codes.chunk(at).unwrap();
            assert_eq!(chunk.hash().as_bytes(), &hash(leaf.as_str().unwrap()));
            let path: Vec<NodeHash> = vector["paths"][usize::try_from(at).unwrap()]
                .as_array()
                .unwrap()
                .iter()
                .map(|side| NodeHash::from_bytes(hash(side.as_str().unwrap())))
                .collect();
            assert_eq!(codes.path(at), Some(path.clone()));
            assert!(verify_chunk(root, length, at, chunk.clone(), &path).is_ok());
        }
    }
}

#[test]
fn state_heads_agree() {
    for vector in vectors("state_head.json", 3) {
        let head = StateHead::new(
            text(&vector, "origin").parse().unwrap(),
            LeafHash::from_bytes(hash(text(&vector, "genesis"))),
            LeafIndex::new(number(&vector, "n")),
            StateRoots {
                map_root: MapRoot::from_bytes(hash(text(&vector, "map_root"))),
                list_root: RootHash::from_bytes(hash(text(&vector, "list_root"))),
                issues: number(&vector, "issues"),
            },
            number(&vector, "clock_ms"),
        );
        let entry = head.to_bytes();
        assert_eq!(str::from_utf8(&entry), Ok(text(&vector, "head")));
        assert_eq!(StateHead::parse(&entry), Ok(head));
        let leaf = LeafHash::of_entry(&entry);
        assert_eq!(hex::encode(leaf.as_bytes()), text(&vector, "leaf_hash"));
    }
}
