//! The map against a rebuild, and every mangled proof refused.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use sha2::{Digest, Sha256};

use super::proof::{MapProofError, verify_absence, verify_inclusion};
use super::*;

fn random_key(rng: &mut ChaCha8Rng) -> MapKey {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    // Two keys in three share long starts with others, so that deep bits part them.
    match rng.next_u32() % 3 {
        0 => bytes[..28].fill(0),
        1 => bytes[..8].fill(0xff),
        _ => {}
    }
    MapKey::from_bytes(bytes)
}

fn random_map(seed: u64, size: usize) -> Map {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut map = Map::new();
    for number in 0..size {
        map.insert(random_key(&mut rng), &number.to_be_bytes());
    }
    map
}

fn sorted_rebuild(map: &Map) -> Map {
    Map::from_sorted(map.iter().map(|(key, record)| (*key, record))).unwrap()
}

#[test]
fn root_is_that_of_a_sorted_rebuild_for_random_histories() {
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut map = Map::new();
        let mut model = std::collections::BTreeMap::new();
        let mut old: Vec<(Map, MapRoot)> = Vec::new();
        for step in 0..300_u32 {
            let key = match model.len() {
                0 => random_key(&mut rng),
                held if rng.next_u32() % 3 == 0 => {
                    *model.keys().nth(rng.next_u32() as usize % held).unwrap()
                }
                _ => random_key(&mut rng),
            };
            let record = vec![7; rng.next_u32() as usize % 200];
            map.insert(key, &record);
            model.insert(key, record);
            if step % 29 == 0 {
                let rebuilt = Map::from_sorted(model.clone()).unwrap();
                assert_eq!(rebuilt.root(), map.root());
                assert_eq!(rebuilt.len(), model.len());
                old.push((map.clone(), map.root()));
            }
        }
        assert_eq!(map.len(), model.len());
        assert!(
            map.iter()
                .map(|(key, record)| (*key, record.to_vec()))
                .eq(model)
        );
        for (clone, root) in old {
            assert_eq!(clone.root(), root, "a clone is an old value for ever");
            assert_eq!(sorted_rebuild(&clone).root(), root);
        }
    }
}

#[test]
fn settling_changes_no_root_and_no_clone() {
    for seed in 0..10 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut map = random_map(seed, 200);
        let mut plain = map.clone();
        let mut clones = Vec::new();
        for step in 0..200_u8 {
            let key = match rng.next_u32() % 2 {
                0 => *map.iter().nth(rng.next_u32() as usize % 200).unwrap().0,
                _ => random_key(&mut rng),
            };
            let record = vec![step; if step % 3 == 0 { 80 } else { 56 }];
            map.insert(key, &record);
            plain.insert(key, &record);
            if step % 7 == 0 {
                // Cloned while hashes are missing, so that settling must copy.
                clones.push((map.clone(), plain.root()));
                map.settle();
            }
            if step % 11 == 0 {
                assert_eq!(map.root(), plain.root());
                assert_eq!(map.prove(&key), plain.prove(&key));
            }
        }
        for (clone, root) in clones {
            assert_eq!(clone.root(), root);
            assert_eq!(sorted_rebuild(&clone).root(), root);
        }
    }
}

#[test]
fn small_maps_have_the_roots_of_the_specification() {
    let hash = |bytes: &[u8]| -> [u8; 32] { Sha256::digest(bytes).into() };
    assert_eq!(Map::new().root().as_bytes(), &hash(b""));
    let (low, high) = (MapKey::from_bytes([0; 32]), MapKey::from_bytes([1; 32]));
    let long = [9; 200];
    let leaf_low = hash(&[&[0, 32][..], low.as_bytes(), &[3], b"abc"].concat());
    let leaf_high = hash(&[&[0, 32][..], high.as_bytes(), &[0xc8, 0x01], &long].concat());
    let mut map = Map::new();
    map.insert(high, &long);
    assert_eq!(map.root().as_bytes(), &leaf_high);
    map.insert(low, b"abc");
    // Keys 00… and 01… first differ in bit 7.
    let inner = hash(&[&[1, 7][..], &leaf_low, &leaf_high].concat());
    assert_eq!(map.root().as_bytes(), &inner);
    let mut last = [0; 32];
    last[31] = 1;
    let mut deep = Map::new();
    deep.insert(low, b"abc");
    deep.insert(MapKey::from_bytes(last), b"");
    let leaf_last = hash(&[&[0, 32][..], &last, &[0]].concat());
    let inner = hash(&[&[1, 0xff, 0x01][..], &leaf_low, &leaf_last].concat());
    assert_eq!(deep.root().as_bytes(), &inner);
}

#[test]
fn every_key_is_proved_and_only_as_it_is() {
    for size in [1, 2, 3, 17, 100] {
        let map = random_map(size as u64, size);
        let root = map.root();
        for (key, record) in map.iter() {
            let proof = map.prove(key);
            assert_eq!(proof.verify(&root, key), Ok(Some(record)));
            let siblings = proof.siblings();
            refuses_mangled(
                &mut |siblings| verify_inclusion(&root, key, record, siblings),
                siblings,
            );
            let mut wrong = record.to_vec();
            wrong[0] ^= 1;
            assert!(verify_inclusion(&root, key, &wrong, siblings).is_err());
            assert!(verify_inclusion(&root, key, &record[1..], siblings).is_err());
            let other = OtherLeaf::new(*key, record.to_vec());
            assert_eq!(
                verify_absence(&root, key, Some(&other), siblings),
                Err(MapProofError::SameKey)
            );
            for bit in 0..=255 {
                assert!(verify_inclusion(&root, &flipped(key, bit), record, siblings).is_err());
            }
        }
    }
}

#[test]
fn absence_is_proved_by_the_right_neighbour_only() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for size in [1, 2, 3, 17, 60] {
        let map = random_map(size as u64 + 100, size);
        let root = map.root();
        let mut parted = 0;
        for _ in 0..40 {
            let key = random_key(&mut rng);
            let MapProof::Absence {
                other: Some(other),
                siblings,
            } = map.prove(&key)
            else {
                panic!("a random key is in no map of this size");
            };
            assert_eq!(verify_absence(&root, &key, Some(&other), &siblings), Ok(()));
            refuses_mangled(
                &mut |siblings| verify_absence(&root, &key, Some(&other), siblings),
                &siblings,
            );
            assert!(verify_absence(&root, &key, None, &siblings).is_err());
            assert!(verify_absence(&root, &key, None, &[]).is_err());
            for (neighbour, record) in map.iter().filter(|(found, _)| *found != other.key()) {
                let wrong = OtherLeaf::new(*neighbour, record.to_vec());
                let proof = map.prove(neighbour);
                let refused = verify_absence(&root, &key, Some(&wrong), proof.siblings());
                assert!(matches!(refused, Err(MapProofError::WrongNeighbour { .. })));
                parted += 1;
            }
        }
        assert!(size == 1 || parted > 0);
    }
    let empty = Map::new();
    let key = random_key(&mut rng);
    let proof = empty.prove(&key);
    assert_eq!(proof.verify(&MapRoot::EMPTY, &key), Ok(None));
    let sibling = Sibling::new(0, MapHash::from_bytes([0; 32]));
    assert_eq!(
        verify_absence(&MapRoot::EMPTY, &key, None, &[sibling]),
        Err(MapProofError::PathWithoutLeaf)
    );
    assert!(verify_inclusion(&MapRoot::EMPTY, &key, b"", &[]).is_err());
}

#[test]
fn deepest_tree_is_proved() {
    let zero = MapKey::from_bytes([0; 32]);
    let mut map = Map::new();
    map.insert(zero, b"zero");
    for bit in 0..=255 {
        map.insert(flipped(&zero, bit), &[bit]);
    }
    let proof = map.prove(&zero);
    assert_eq!(proof.siblings().len(), 256);
    assert_eq!(proof.verify(&map.root(), &zero), Ok(Some(&b"zero"[..])));
    assert_eq!(sorted_rebuild(&map), map);
}

#[test]
fn siblings_and_leaves_have_one_form() {
    for bit in 0..=255 {
        let sibling = Sibling::new(bit, MapHash::from_bytes([bit; 32]));
        let bytes = sibling.to_bytes();
        assert_eq!(bytes.len(), if bit < 128 { 33 } else { 34 });
        assert_eq!(Sibling::from_bytes(&bytes), Ok(sibling));
        assert!(Sibling::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(Sibling::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        if bit < 128 {
            // The same value in two bytes instead of one.
            let padded = [&[bit | 0x80, 0][..], &bytes[1..]].concat();
            assert_eq!(Sibling::from_bytes(&padded), Err(MapProofError::Malformed));
        }
    }
    let high = [&[0x80, 0x02][..], &[0; 32]].concat();
    assert!(Sibling::from_bytes(&high).is_err(), "bit 256 is none");
    for length in [0, 1, 127, 128, MAX_RECORD_BYTES] {
        let leaf = OtherLeaf::new(MapKey::from_bytes([3; 32]), vec![5; length]);
        let bytes = leaf.to_bytes();
        assert_eq!(OtherLeaf::from_bytes(&bytes), Ok(leaf));
        assert!(OtherLeaf::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(OtherLeaf::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        for at in 0..2 {
            let mut wrong = bytes.clone();
            wrong[at * 33] ^= 0x40;
            assert!(OtherLeaf::from_bytes(&wrong).is_err());
        }
    }
}

#[test]
fn unsorted_records_build_nothing() {
    let at = |byte| (MapKey::from_bytes([byte; 32]), vec![byte]);
    assert!(Map::from_sorted([at(1), at(2)]).is_ok());
    let key = MapKey::from_bytes([1; 32]);
    assert_eq!(
        Map::from_sorted([at(1), at(1)]).err(),
        Some(NotSorted { key })
    );
    assert!(Map::from_sorted([at(2), at(1)]).is_err());
    assert!(Map::from_sorted::<[u8; 0]>([]).unwrap().is_empty());
}

fn flipped(key: &MapKey, bit: u8) -> MapKey {
    let mut bytes = *key.as_bytes();
    bytes[usize::from(bit / 8)] ^= 0x80 >> (bit % 8);
    MapKey::from_bytes(bytes)
}

/// Feeds a verifier one hash less, one more, two swapped, one bit flipped, another bit number.
fn refuses_mangled(
    verify: &mut dyn FnMut(&[Sibling]) -> Result<(), MapProofError>,
    good: &[Sibling],
) {
    assert_eq!(verify(good), Ok(()));
    for at in 0..good.len() {
        let mut less = good.to_vec();
        less.remove(at);
        assert!(verify(&less).is_err(), "without sibling {at}");
        let mut twice = good.to_vec();
        twice.insert(at, good[at].clone());
        assert!(verify(&twice).is_err(), "sibling {at} twice");
        for other in 0..at {
            let mut swapped = good.to_vec();
            swapped.swap(at, other);
            assert_eq!(verify(&swapped), Err(MapProofError::BitsNotDecreasing));
        }
        for bit in 0..8 {
            let mut hash = *good[at].hash().as_bytes();
            hash[at % 32] ^= 1 << bit;
            let mut wrong = good.to_vec();
            wrong[at] = Sibling::new(good[at].bit(), MapHash::from_bytes(hash));
            assert!(verify(&wrong).is_err());
            wrong[at] = Sibling::new(good[at].bit() ^ (1 << bit), *good[at].hash());
            assert!(verify(&wrong).is_err());
        }
    }
    for bit in [0, 255] {
        for at in [0, good.len()] {
            let mut more = good.to_vec();
            more.insert(at, Sibling::new(bit, MapHash::from_bytes([0; 32])));
            assert!(verify(&more).is_err());
        }
    }
}
