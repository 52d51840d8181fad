//! One pruned tree for many keys, and every mangled one refused.

use super::*;

fn key(byte: u8) -> MapKey {
    let mut bytes = [0; 32];
    bytes[0] = byte;
    MapKey::from_bytes(bytes)
}

fn sample() -> Map {
    let mut map = Map::new();
    for byte in [1, 2, 3, 17, 40, 41, 90, 129, 200, 201, 255] {
        map.insert(key(byte), &[byte; 5]);
    }
    map
}

type Parts = (PrunedTree, Vec<(MapKey, Vec<u8>)>, Vec<MapKey>);

fn parts(map: &Map, bytes: &[u8]) -> Parts {
    let keys: Vec<MapKey> = bytes.iter().map(|byte| key(*byte)).collect();
    let (present, absent): (Vec<MapKey>, Vec<MapKey>) =
        keys.iter().partition(|key| map.get(key).is_some());
    let records = present
        .iter()
        .map(|key| (*key, map.get(key).unwrap().to_vec()))
        .collect();
    (map.prune(&keys), records, absent)
}

#[test]
fn tree_shows_what_the_map_holds() {
    let map = sample();
    for asked in [
        &[1][..],
        &[0],
        &[1, 2, 3, 17, 40, 41, 90, 129, 200, 201, 255],
        &[4, 5, 6, 41, 128, 254],
        &[3, 4, 200, 202],
    ] {
        let (tree, records, absent) = parts(&map, asked);
        assert_eq!(tree.verify(&map.root(), &records, &absent), Ok(()));
        let other = MapRoot::from_bytes([0; 32]);
        let refused = tree.verify(&other, &records, &absent);
        assert_eq!(refused, Err(PrunedError::RootMismatch));
    }
}

#[test]
fn every_token_is_needed_and_in_its_place() {
    let map = sample();
    let root = map.root();
    let (tree, records, absent) = parts(&map, &[3, 4, 41, 128, 200]);
    let good = tree.tokens().to_vec();
    let verify = |tokens: Vec<Token>| PrunedTree::new(tokens).verify(&root, &records, &absent);
    assert_eq!(verify(good.clone()), Ok(()));
    for at in 0..good.len() {
        let mut less = good.clone();
        less.remove(at);
        assert!(verify(less).is_err(), "without token {at}");
        let mut twice = good.clone();
        twice.insert(at, good[at].clone());
        assert!(verify(twice).is_err(), "token {at} twice");
        for other in 0..at {
            if good[at] != good[other] {
                let mut swapped = good.clone();
                swapped.swap(at, other);
                assert!(verify(swapped).is_err(), "tokens {at} and {other} swapped");
            }
        }
        let mut cut = good.clone();
        cut[at] = Token::Cut(MapHash::from_bytes([0; 32]));
        assert!(verify(cut).is_err());
        match &good[at] {
            Token::Node(bit) => {
                for flip in 0..8 {
                    let mut wrong = good.clone();
                    wrong[at] = Token::Node(bit ^ (1 << flip));
                    assert!(verify(wrong).is_err());
                }
            }
            Token::Cut(hash) => {
                let mut bytes = *hash.as_bytes();
                bytes[at % 32] ^= 1;
                let mut wrong = good.clone();
                wrong[at] = Token::Cut(MapHash::from_bytes(bytes));
                assert_eq!(verify(wrong), Err(PrunedError::RootMismatch));
            }
            _ => {}
        }
    }
}

#[test]
fn answers_are_exactly_those_of_the_tree() {
    let map = sample();
    let root = map.root();
    let (tree, records, absent) = parts(&map, &[3, 4, 41, 128, 200]);
    for at in 0..records.len() {
        let mut less = records.clone();
        less.remove(at);
        assert!(tree.verify(&root, &less, &absent).is_err());
        let mut wrong = records.clone();
        wrong[at].1[0] ^= 1;
        assert!(tree.verify(&root, &wrong, &absent).is_err());
    }
    for at in 0..absent.len() {
        let mut less = absent.clone();
        less.remove(at);
        let lonely = tree.verify(&root, &records, &less);
        // An absence that ends at a record's leaf needs no `other` of its own.
        let needed = !map.prune(&absent[at..=at]).tokens().contains(&Token::Leaf);
        assert!(lonely.is_err() || !needed || less.len() + 1 < absent.len());
    }
    let with = |key: MapKey| {
        let mut more = absent.clone();
        more.push(key);
        more.sort();
        tree.verify(&root, &records, &more)
    };
    assert_eq!(with(key(3)), Err(PrunedError::SameKey));
    assert_eq!(with(key(90)), Err(PrunedError::WalkEndsAtCut));
    assert_eq!(with(key(4)), Err(PrunedError::KeyOrder));
}

#[test]
fn node_without_answers_is_cut() {
    let map = sample();
    let (tree, records, _) = parts(&map, &[1]);
    let all: Vec<MapKey> = map.iter().map(|(key, _)| *key).collect();
    let full = map.prune(&all);
    assert!(full.tokens().len() > tree.tokens().len());
    assert_eq!(
        full.verify(&map.root(), &records, &[]),
        Err(PrunedError::Unfinished)
    );
    let lonely = PrunedTree::new(vec![Token::Cut(MapHash::from_bytes([1; 32]))]);
    assert_eq!(
        lonely.root(&[], &[]),
        Err(PrunedError::Unused),
        "a cut alone answers nothing"
    );
    assert_eq!(
        Map::new().prune(&[key(1)]).root(&[], &[key(1)]),
        Err(PrunedError::Unfinished)
    );
}
