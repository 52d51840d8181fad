//! Every proof of every tree up to 300 entries, whole, and damaged in every way a verifier must notice.

use labelproof_core::merkle::{
    LeafHash, LeafIndex, NodeHash, ProofError, RootHash, TreeHead, TreeSize, prove_consistency,
    prove_inclusion, verify_consistency, verify_inclusion,
};

use crate::grown::{Grown, flipped, grow, leaf};

const LARGEST: u64 = 300;

/// Damage is tried at every small size and around a full tile; more shapes there are not.
fn is_damaged(size: TreeSize) -> bool {
    matches!(size.get(), 1..=64 | 254..=258 | LARGEST)
}

#[test]
fn every_leaf_of_every_tree_is_proved_and_no_damage_passes() {
    let grown = grow(LARGEST);
    for head in grown.heads() {
        for index in (0..head.size().get()).map(LeafIndex::new) {
            let path = prove_inclusion(&grown.nodes, index, head.size()).unwrap();
            verify_inclusion(*head, index, leaf(index), &path).unwrap();
            if is_damaged(head.size()) {
                refuse_damaged_path(&grown, *head, index, &path);
            }
        }
    }
}

#[test]
fn every_tree_extends_every_older_one_and_no_damage_passes() {
    let grown = grow(LARGEST);
    for new in grown.heads() {
        for old in &grown.heads()[..usize::try_from(new.size().get()).unwrap()] {
            let proof = prove_consistency(&grown.nodes, old.size(), new.size()).unwrap();
            verify_consistency(*old, *new, &proof).unwrap();
            if is_damaged(new.size()) {
                refuse_damaged_proof(&grown, *old, *new, &proof);
            }
        }
    }
}

fn refuse_damaged_path(grown: &Grown, head: TreeHead, index: LeafIndex, path: &[NodeHash]) {
    let size = head.size();
    let seed = usize::try_from(size.get() * 31 + index.get() * 7).unwrap();
    let verify = |head, index, path: &[NodeHash]| verify_inclusion(head, index, leaf(index), path);
    for damaged in flips(path, seed) {
        assert_eq!(verify(head, index, &damaged), Err(ProofError::RootMismatch));
    }
    for damaged in other_lengths(path) {
        let error = ProofError::WrongLength {
            got: damaged.len(),
            want: path.len(),
        };
        assert_eq!(verify(head, index, &damaged), Err(error));
    }
    let other_leaf = LeafHash::from_bytes(flipped(leaf(index).as_bytes(), seed));
    let other_root = RootHash::from_bytes(flipped(head.root().as_bytes(), seed));
    let mismatch = Err(ProofError::RootMismatch);
    assert_eq!(verify_inclusion(head, index, other_leaf, path), mismatch);
    assert_eq!(
        verify(TreeHead::new(size, other_root), index, path),
        mismatch
    );

    // The right leaf under each other index that a mistake or a guess may lead to.
    let wrong = [
        index.get() ^ 1,
        index.get() ^ 2,
        index.get() + 1,
        index.get().wrapping_sub(1),
        0,
        size.get() / 2,
    ];
    for wrong in wrong.map(LeafIndex::new) {
        let verdict = verify_inclusion(head, wrong, leaf(index), path);
        if wrong == index {
            verdict.unwrap();
        } else if size.contains(wrong) {
            verdict.unwrap_err();
        } else {
            assert_eq!(
                verdict,
                Err(ProofError::IndexOutOfRange { index: wrong, size })
            );
        }
    }
    for wrong in [
        size.get() - 1,
        (size.get() + 1).min(LARGEST),
        size.get() / 2,
    ] {
        if wrong != size.get() {
            verify(grown.head(wrong), index, path).unwrap_err();
        }
    }
}

fn refuse_damaged_proof(grown: &Grown, old: TreeHead, new: TreeHead, proof: &[NodeHash]) {
    let sizes = (old.size().get(), new.size().get());
    let seed = usize::try_from(sizes.0 * 31 + sizes.1 * 7).unwrap();
    let mismatch = Err(ProofError::RootMismatch);
    for damaged in flips(proof, seed) {
        assert_eq!(verify_consistency(old, new, &damaged), mismatch);
    }
    for damaged in other_lengths(proof) {
        let error = ProofError::WrongLength {
            got: damaged.len(),
            want: proof.len(),
        };
        assert_eq!(verify_consistency(old, new, &damaged), Err(error));
    }
    let other = |head: TreeHead| {
        let root = RootHash::from_bytes(flipped(head.root().as_bytes(), seed));
        TreeHead::new(head.size(), root)
    };
    assert_eq!(verify_consistency(other(old), new, proof), mismatch);
    assert_eq!(verify_consistency(old, other(new), proof), mismatch);
    if old != new {
        let error = ProofError::SizesReversed {
            old: new.size(),
            new: old.size(),
        };
        assert_eq!(verify_consistency(new, old, proof), Err(error));
    }
    let neighbours = |size: u64| [size - 1, (size + 1).min(LARGEST)];
    for wrong in neighbours(sizes.0)
        .into_iter()
        .filter(|wrong| *wrong != sizes.0)
    {
        verify_consistency(grown.head(wrong), new, proof).unwrap_err();
    }
    for wrong in neighbours(sizes.1)
        .into_iter()
        .filter(|wrong| *wrong != sizes.1)
    {
        verify_consistency(old, grown.head(wrong), proof).unwrap_err();
    }
}

/// Each hash in turn with one bit flipped, a different one each time.
fn flips(proof: &[NodeHash], seed: usize) -> impl Iterator<Item = Vec<NodeHash>> {
    (0..proof.len()).map(move |position| {
        let mut damaged = proof.to_vec();
        let bit = (seed + position * 97) % 256;
        damaged[position] = NodeHash::from_bytes(flipped(proof[position].as_bytes(), bit));
        damaged
    })
}

/// One hash more at either end, one less at either end, none at all.
fn other_lengths(proof: &[NodeHash]) -> Vec<Vec<NodeHash>> {
    let extra = [NodeHash::from_bytes([0x5a; 32])];
    let mut lengths = vec![[proof, &extra].concat(), [&extra, proof].concat()];
    if let Some((_, rest)) = proof.split_first() {
        lengths.push(rest.to_vec());
        lengths.push(proof[..rest.len()].to_vec());
        lengths.push(Vec::new());
        lengths.push([proof, proof].concat());
    }
    lengths
}

#[test]
fn nothing_is_proved_about_the_empty_tree() {
    let grown = grow(3);
    let empty = TreeHead::EMPTY;
    for new in [empty, grown.head(3)] {
        assert_eq!(
            verify_consistency(empty, new, &[]),
            Err(ProofError::EmptyOldTree)
        );
    }
    let (index, size) = (LeafIndex::new(0), TreeSize::EMPTY);
    let error = Err(ProofError::IndexOutOfRange { index, size });
    assert_eq!(verify_inclusion(empty, index, leaf(index), &[]), error);
    assert_eq!(
        prove_consistency(&grown.nodes, size, TreeSize::new(3)),
        Ok(Vec::new())
    );
}
