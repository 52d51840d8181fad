//! The same trees in `ct-merkle`, `tlog_tiles` and `rs_merkle`: roots, proofs, tiles and refusals.

use std::collections::BTreeMap;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash as CtRoot};
use labelproof_core::merkle::{
    LeafIndex, NodeHash, NodeId, ReadNodes, TreeSize, WholeTree, prove_consistency,
    prove_inclusion, verify_consistency, verify_inclusion,
};
use labelproof_core::tile::{Tile, TileEdge, TileKind, TilePath, tiles_between};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::Sha256;
use tlog_tiles::tile::TileReader;
use tlog_tiles::{Error, Hash, HashReader, TileHashReader};

use crate::grown::{Grown, entry, grow, leaf};

const LARGEST: u64 = 140;

#[test]
fn ct_merkle_makes_the_same_roots_and_proofs() {
    let grown = grow(LARGEST);
    let mut theirs: MemoryBackedTree<Sha256, Vec<u8>> = MemoryBackedTree::new();
    for head in grown.heads() {
        let size = head.size();
        theirs.push(entry(LeafIndex::new(size.get() - 1)));
        assert_eq!(theirs.root().as_bytes().as_slice(), head.root().as_bytes());
        for index in 0..size.get() {
            let path = prove_inclusion(&grown.nodes, LeafIndex::new(index), size).unwrap();
            let their_path = theirs.prove_inclusion(usize::try_from(index).unwrap());
            assert_eq!(bytes(&path), their_path.as_bytes(), "{index} of {size}");
        }
        for old in 1..size.get() {
            let proof = prove_consistency(&grown.nodes, TreeSize::new(old), size).unwrap();
            let added = usize::try_from(size.get() - old).unwrap();
            let their_proof = theirs.prove_consistency(added);
            assert_eq!(bytes(&proof), their_proof.as_bytes(), "{old} to {size}");
        }
    }
}

/// A path or proof taken from one place of one tree, checked at every other place and size under its own root. Some
/// pass, because a root does not say its size; both verifiers must let the same ones pass.
#[test]
fn ct_merkle_accepts_and_refuses_the_same_misplaced_proofs() {
    let grown = grow(40);
    let mut passed = 0;
    for head in grown.heads() {
        for index in (0..head.size().get()).map(LeafIndex::new) {
            let path = prove_inclusion(&grown.nodes, index, head.size()).unwrap();
            for (size, wrong) in places(40) {
                let head = labelproof_core::merkle::TreeHead::new(size, head.root());
                let ours = verify_inclusion(head, wrong, leaf(index), &path);
                let root: CtRoot<Sha256> =
                    CtRoot::new((*head.root().as_bytes()).into(), size.get());
                let proof = InclusionProof::try_from_bytes(bytes(&path)).unwrap();
                let theirs = root.verify_inclusion(&entry(index), wrong.get(), &proof);
                assert_eq!(ours.is_ok(), theirs.is_ok(), "{index} as {wrong} of {size}");
                passed += usize::from(ours.is_ok());
            }
        }
    }
    assert!(passed > 820, "at least each at its own place: {passed}");
}

#[test]
fn ct_merkle_accepts_and_refuses_the_same_consistency_proofs() {
    let grown = grow(24);
    for new in grown.heads() {
        for old in &grown.heads()[..usize::try_from(new.size().get()).unwrap()] {
            let proof = prove_consistency(&grown.nodes, old.size(), new.size()).unwrap();
            for wrong_new in 1..=24 {
                for wrong_old in 1..=24 {
                    agree_on_sizes(*old, *new, (wrong_old, wrong_new), &proof);
                }
            }
        }
    }
}

fn agree_on_sizes(
    old: labelproof_core::merkle::TreeHead,
    new: labelproof_core::merkle::TreeHead,
    sizes: (u64, u64),
    proof: &[NodeHash],
) {
    use labelproof_core::merkle::TreeHead;
    let ours = verify_consistency(
        TreeHead::new(TreeSize::new(sizes.0), old.root()),
        TreeHead::new(TreeSize::new(sizes.1), new.root()),
        proof,
    );
    let old_root: CtRoot<Sha256> = CtRoot::new((*old.root().as_bytes()).into(), sizes.0);
    let new_root: CtRoot<Sha256> = CtRoot::new((*new.root().as_bytes()).into(), sizes.1);
    let theirs = ConsistencyProof::try_from_bytes(bytes(proof)).unwrap();
    let theirs = new_root.verify_consistency(&old_root, &theirs);
    assert_eq!(
        ours.is_ok(),
        theirs.is_ok(),
        "{sizes:?} for {} {}",
        old.size(),
        new.size()
    );
}

#[test]
fn rs_merkle_makes_the_same_roots_and_paths() {
    let grown = grow(LARGEST);
    for head in grown.heads() {
        let size = head.size();
        let whole = WholeTree::new((0..size.get()).map(|index| leaf(LeafIndex::new(index))));
        assert_eq!(whole.head(), *head);
        for index in (0..size.get()).map(LeafIndex::new) {
            let path = prove_inclusion(&grown.nodes, index, size).unwrap();
            assert_eq!(whole.path(index), Some(path), "{index} of {size}");
        }
        assert_eq!(whole.path(LeafIndex::new(size.get())), None);
    }
    assert_eq!(
        WholeTree::new([]).head(),
        labelproof_core::merkle::TreeHead::EMPTY
    );
}

#[test]
fn tlog_tiles_makes_the_same_proofs_of_our_nodes() {
    let grown = grow(LARGEST);
    for head in grown.heads() {
        let (size, root) = (head.size().get(), Hash(*head.root().as_bytes()));
        assert_eq!(tlog_tiles::tree_hash(size, &grown).unwrap(), root);
        for index in 0..size {
            let path = prove_inclusion(&grown.nodes, LeafIndex::new(index), head.size()).unwrap();
            assert_eq!(
                tlog_tiles::prove_record(size, index, &grown).unwrap(),
                theirs(&path)
            );
            let hash = Hash(*leaf(LeafIndex::new(index)).as_bytes());
            tlog_tiles::check_record(&theirs(&path), size, root, index, hash).unwrap();
        }
        for old in 1..=size {
            let proof = prove_consistency(&grown.nodes, TreeSize::new(old), head.size()).unwrap();
            assert_eq!(
                tlog_tiles::prove_tree(size, old, &grown).unwrap(),
                theirs(&proof)
            );
            let old_root = Hash(*grown.head(old).root().as_bytes());
            tlog_tiles::check_tree(&theirs(&proof), size, root, old, old_root).unwrap();
        }
    }
}

#[test]
fn tlog_tiles_names_the_same_tiles() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..2_000 {
        let new = random.next_u64() >> (random.next_u32() % 40 + 16);
        let old = new - new.min(random.next_u64() >> (random.next_u32() % 20 + 44));
        if new - old > 100_000 {
            continue;
        }
        let ours: Vec<String> = tiles_between(TreeSize::new(old), TreeSize::new(new))
            .map(|path| path.to_string())
            .collect();
        let theirs: Vec<String> = tlog_tiles::Tile::new_tiles(8, old, new)
            .iter()
            .map(without_height)
            .collect();
        assert_eq!(ours, theirs, "{old} to {new}");
        for name in &ours {
            assert_eq!(name.parse::<TilePath>().unwrap().to_string(), *name);
        }
    }
}

#[test]
fn tlog_tiles_believes_our_tiles() {
    let mut edge = TileEdge::new();
    let mut tiles = Store(BTreeMap::new());
    for end in [1, 255, 256, 300, 511, 512, 70_000] {
        let new = (edge.size().get()..end).map(|index| leaf(LeafIndex::new(index)));
        tiles.0.extend(edge.grow(new));
        let root = Hash(*edge.head().root().as_bytes());
        let reader = TileHashReader::new(end, root, &tiles);
        for index in [0, end / 2, end - 1] {
            let id = tlog_tiles::stored_hash_index(0, index);
            let hash = reader.read_hashes(&[id]).unwrap()[0];
            assert_eq!(hash.0, *leaf(LeafIndex::new(index)).as_bytes());
        }
    }
}

/// Every index of every size up to this one.
fn places(largest: u64) -> impl Iterator<Item = (TreeSize, LeafIndex)> {
    (1..=largest)
        .flat_map(|size| (0..size).map(move |index| (TreeSize::new(size), LeafIndex::new(index))))
}

fn bytes(proof: &[NodeHash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn theirs(proof: &[NodeHash]) -> Vec<Hash> {
    proof.iter().map(|hash| Hash(*hash.as_bytes())).collect()
}

/// Their names say the height of a tile first, `tile/8/…`; those of c2sp.org/tlog-tiles do not.
fn without_height(tile: &tlog_tiles::Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

impl HashReader for Grown {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let ids: Vec<NodeId> = indexes
            .iter()
            .map(|index| {
                let (level, index) = tlog_tiles::split_stored_hash_index(*index);
                NodeId::new(level, index).unwrap()
            })
            .collect();
        Ok(theirs(&self.nodes.read_nodes(&ids).unwrap()))
    }
}

struct Store(BTreeMap<TilePath, Tile>);

impl TileReader for Store {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, Error> {
        Ok(tiles
            .iter()
            .map(|tile| {
                let path: TilePath = without_height(tile).parse().unwrap();
                assert!(matches!(path.kind(), TileKind::Hashes(_)));
                self.0[&path].to_bytes()
            })
            .collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}
