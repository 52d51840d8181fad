//! Tiles are believed as a checkpoint binds them, and no other way.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use labelproof_core::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{
    LeafHash, LeafIndex, TreeHead, TreeSize, prove_consistency, prove_inclusion,
    verify_consistency, verify_inclusion,
};
use labelproof_core::note::KeyName;
use labelproof_core::tile::{TileEdge, TileKind, TilePath, bundles_between};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_host::tiles::{DirTiles, TileReader, TilesError};

/// Two levels of tiles, with partial ones on each.
const SIZE: u64 = 256 * 3 + 40;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn checkpoint(head: TreeHead) -> SignedCheckpoint {
    let origin = "labels.g7.example".parse::<Origin>().unwrap();
    let name = KeyName::parse("labels.g7.example").unwrap();
    let key = SigningKey::from_seed(name, KeyType::Note, [7; 32]);
    SignedCheckpoint::sign(&Checkpoint::new(origin, head), &key)
}

/// A mirror of a log of `SIZE` entries that grew from `from`, and the head at each of the two.
fn mirror(from: u64) -> (SimulatedFs, TreeHead, TreeHead) {
    let fs = SimulatedFs::new(0);
    let mut edge = TileEdge::new();
    let mut heads = Vec::new();
    for (old, new) in [(0, from), (from, SIZE)] {
        let leaves = (old..new).map(|index| LeafHash::of_entry(&entry(index)));
        for (path, tile) in edge.grow(leaves) {
            put(&fs, path, &tile.to_bytes());
        }
        for path in bundles_between(TreeSize::new(old), TreeSize::new(new)) {
            let entries = (path.first()..)
                .take(path.width().count())
                .map(entry)
                .collect();
            put(&fs, path, &EntryBundle::new(entries).unwrap().to_bytes());
        }
        heads.push(edge.head());
    }
    (fs, heads[0], heads[1])
}

fn put(fs: &SimulatedFs, path: TilePath, bytes: &[u8]) {
    let path = PathBuf::from(path.to_string());
    fs.create_dir_all(path.parent().unwrap()).unwrap();
    fs.write(&path, bytes).unwrap();
}

fn reader(fs: &SimulatedFs, head: TreeHead) -> TileReader<DirTiles> {
    let source = DirTiles::new(Arc::new(fs.clone()), PathBuf::from("/"));
    TileReader::new(source, &checkpoint(head))
}

fn read_all(reader: &TileReader<DirTiles>) -> Result<Vec<Vec<u8>>, TilesError> {
    let mut entries = Vec::new();
    let end = LeafIndex::new(reader.head().size().get());
    reader.entries(LeafIndex::new(0)..end, |index, entry| {
        assert_eq!(index.get(), entries.len() as u64);
        entries.push(entry.to_vec());
        Ok::<(), TilesError>(())
    })?;
    Ok(entries)
}

#[test]
fn every_entry_comes_back() {
    let (fs, old, new) = mirror(300);
    for head in [old, new] {
        let reader = reader(&fs, head);
        let want: Vec<_> = (0..head.size().get()).map(entry).collect();
        assert_eq!(read_all(&reader).unwrap(), want);
        assert_eq!(reader.entry(LeafIndex::new(257)).unwrap(), entry(257));
        let beyond = reader.entry(LeafIndex::new(head.size().get()));
        assert!(matches!(beyond, Err(TilesError::BeyondHead { .. })));
    }
}

#[test]
fn ranges_start_and_end_inside_bundles() {
    let (fs, _, new) = mirror(300);
    let mut seen = Vec::new();
    let visit = |index: LeafIndex, _: &[u8]| {
        seen.push(index.get());
        Ok::<(), TilesError>(())
    };
    let range = LeafIndex::new(250)..LeafIndex::new(600);
    reader(&fs, new).entries(range, visit).unwrap();
    assert_eq!(seen, (250..600).collect::<Vec<_>>());
}

#[test]
fn proofs_come_from_tiles() {
    let (fs, old, new) = mirror(300);
    let reader = reader(&fs, new);
    for index in [0, 255, 256, 511, 700, SIZE - 1].map(LeafIndex::new) {
        let path = prove_inclusion(&reader, index, new.size()).unwrap();
        let leaf = LeafHash::of_entry(&entry(index.get()));
        verify_inclusion(new, index, leaf, &path).unwrap();
    }
    let proof = prove_consistency(&reader, old.size(), new.size()).unwrap();
    verify_consistency(old, new, &proof).unwrap();
}

#[test]
fn missing_partial_is_cut_from_the_full_one() {
    let (fs, old, _) = mirror(300);
    for path in TileEdge::paths(old.size()) {
        // Of the three levels only the leaves' tile has grown full since.
        if path.index().get() == 1 {
            fs.remove(Path::new(&path.to_string())).unwrap();
        }
    }
    let bundle = TilePath::of_entry(LeafIndex::new(299), old.size()).unwrap();
    fs.remove(Path::new(&bundle.to_string())).unwrap();
    assert_eq!(read_all(&reader(&fs, old)).unwrap().len(), 300);
}

#[test]
fn one_bit_flipped_anywhere_is_found_and_named() {
    let (fs, _, new) = mirror(300);
    let mut edge = TileEdge::new();
    let leaves = (0..SIZE).map(|index| LeafHash::of_entry(&entry(index)));
    let tiles = edge.grow(leaves).into_iter().map(|(path, _)| path);
    let bundles = bundles_between(TreeSize::EMPTY, new.size());
    for path in tiles.chain(bundles) {
        let name = path.to_string();
        let bits = fs.len(Path::new(&name)).unwrap() * 8;
        for bit in [0, bits / 2, bits - 1] {
            fs.flip_bit(Path::new(&name), bit).unwrap();
            let error = read_all(&reader(&fs, new)).unwrap_err();
            fs.flip_bit(Path::new(&name), bit).unwrap();
            match error {
                TilesError::WrongRoot(head) => assert_eq!(head, new),
                TilesError::WrongTile(found)
                | TilesError::WrongEntry { path: found, .. }
                | TilesError::MalformedBundle { path: found, .. } => assert_eq!(found, path),
                other => panic!("{name}, bit {bit}: {other}"),
            }
        }
    }
    read_all(&reader(&fs, new)).unwrap();
}

#[test]
fn missing_and_cut_tiles_are_named() {
    let (fs, _, new) = mirror(300);
    let full = TilePath::of_entry(LeafIndex::new(0), new.size()).unwrap();
    let name = full.to_string();
    let bytes = fs.read(Path::new(&name)).unwrap();
    fs.set_len(Path::new(&name), bytes.len() as u64 - 1)
        .unwrap();
    let error = read_all(&reader(&fs, new)).unwrap_err();
    assert!(matches!(error, TilesError::MalformedBundle { path, .. } if path == full));
    fs.remove(Path::new(&name)).unwrap();
    let error = read_all(&reader(&fs, new)).unwrap_err();
    assert!(matches!(error, TilesError::Missing(path) if path == full));
    assert!(matches!(full.kind(), TileKind::Entries));
}

#[test]
fn other_root_is_refused_before_any_entry() {
    let (fs, old, new) = mirror(300);
    let wrong = TreeHead::new(new.size(), old.root());
    let error = read_all(&reader(&fs, wrong)).unwrap_err();
    assert!(matches!(error, TilesError::WrongRoot(_)), "{error}");
}

#[test]
fn empty_log_has_no_entries() {
    let fs = SimulatedFs::new(0);
    assert_eq!(
        read_all(&reader(&fs, TreeHead::EMPTY)).unwrap(),
        Vec::<Vec<u8>>::new()
    );
}
