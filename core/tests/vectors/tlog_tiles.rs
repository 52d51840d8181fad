//! A log of 15 entries that Tessera made, at each of its sizes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::key::Vkey;
use labelproof_core::merkle::{
    Frontier, LeafIndex, RootHash, TreeHead, TreeSize, prove_consistency, prove_inclusion,
    verify_consistency, verify_inclusion,
};
use labelproof_core::note::Note;
use labelproof_core::tile::{Tile, TileEdge, TilePath, bundles_between, tiles_between};

use crate::folder;

const VKEY: &str = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

#[test]
fn checkpoints_tiles_and_bundles_agree() {
    let Some(folder) = folder::find("tlog-tiles/log") else {
        return;
    };
    let heads = heads(&folder);
    assert_eq!(heads.len(), 16);
    assert_eq!(heads[0], TreeHead::new(TreeSize::EMPTY, RootHash::EMPTY));
    let (mut tiles, mut bundles) = (0, 0);
    for head in &heads[1..] {
        for path in tiles_between(TreeSize::EMPTY, head.size()) {
            let tile = Tile::parse(&read(&folder, path), path.width()).unwrap();
            let edge = TileEdge::from_tiles(head.size(), vec![tile]).unwrap();
            assert_eq!(edge.head(), *head, "{path}");
            tiles += 1;
        }
        for path in bundles_between(TreeSize::EMPTY, head.size()) {
            let bundle = EntryBundle::parse(&read(&folder, path), path.width()).unwrap();
            let mut frontier = Frontier::new();
            bundle.leaf_hashes().for_each(|leaf| frontier.append(leaf));
            assert_eq!(frontier.head(), *head, "{path}");
            bundles += 1;
        }
    }
    assert_eq!((tiles, bundles), (15, 15));
}

#[test]
fn every_tree_extends_every_older_one() {
    let Some(folder) = folder::find("tlog-tiles/log") else {
        return;
    };
    let heads = heads(&folder);
    let last = bundles_between(TreeSize::EMPTY, heads[15].size())
        .last()
        .unwrap();
    let bundle = EntryBundle::parse(&read(&folder, last), last.width()).unwrap();
    let mut nodes = BTreeMap::new();
    let mut frontier = Frontier::new();
    for leaf in bundle.leaf_hashes() {
        frontier.append_with(leaf, |id, hash| {
            nodes.insert(id, hash);
        });
    }
    let (mut consistent, mut included) = (0, 0);
    for new in &heads {
        for old in heads.iter().filter(|old| old.size() <= new.size()) {
            let proof = prove_consistency(&nodes, old.size(), new.size()).unwrap();
            if old.size() == TreeSize::EMPTY {
                assert_eq!(proof, []);
            } else {
                verify_consistency(*old, *new, &proof).unwrap();
                consistent += 1;
            }
        }
        for (index, leaf) in (0..new.size().get())
            .map(LeafIndex::new)
            .zip(bundle.leaf_hashes())
        {
            let path = prove_inclusion(&nodes, index, new.size()).unwrap();
            verify_inclusion(*new, index, leaf, &path).unwrap();
            included += 1;
        }
    }
    assert_eq!((consistent, included), (120, 120));
}

/// Reads the 16 checkpoints, each signed by the log, by size.
fn heads(folder: &Path) -> Vec<TreeHead> {
    let vkey: Vkey = VKEY.parse().unwrap();
    (0..16)
        .map(|size| {
            let bytes = fs::read(folder.join(format!("checkpoint.{size}"))).unwrap();
            let note = Note::parse(&bytes).unwrap();
            assert_eq!(note.signatures().len(), 1);
            let checkpoint = SignedCheckpoint::open(note, &vkey).unwrap();
            assert_eq!(checkpoint.origin().as_str(), "example.com/log/testdata");
            assert_eq!(
                checkpoint.checkpoint().text().as_bytes(),
                &bytes[..checkpoint.checkpoint().text().len()]
            );
            assert_eq!(checkpoint.head().size().get(), size);
            checkpoint.head()
        })
        .collect()
}

fn read(folder: &Path, path: TilePath) -> Vec<u8> {
    fs::read(folder.join(path.to_string())).unwrap()
}
