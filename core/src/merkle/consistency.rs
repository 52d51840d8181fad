//! Consistency proofs: that tree only appends to this one (RFC 6962, section 2.1.2; RFC 9162, section 2.1.4).
//!
//! ```text
//! proof    nodes of the newer tree, bottom up: the last subtree they share, then what each side adds
//! ```

use super::node::{read_runs, split};
use super::{NodeHash, ProofError, ReadNodes, TreeHead, TreeSize};

/// The longest proof that c2sp.org/tlog-witness lets a request carry.
pub const MAX_CONSISTENCY_HASHES: usize = 63;

/// Checks that `new` only appends to `old`.
///
/// `proof` holds the nodes of RFC 6962, section 2.1.2, in that order; equal sizes take an empty proof and equal roots.
///
/// # Errors
/// [`ProofError::EmptyOldTree`], [`ProofError::SizesReversed`] and [`ProofError::WrongLength`] before any hashing;
/// [`ProofError::RootMismatch`] after it.
pub fn verify_consistency(
    old: TreeHead,
    new: TreeHead,
    proof: &[NodeHash],
) -> Result<(), ProofError> {
    if old.size() == TreeSize::EMPTY {
        return Err(ProofError::EmptyOldTree);
    }
    let want = consistency_length(old.size(), new.size()).ok_or(ProofError::SizesReversed {
        old: old.size(),
        new: new.size(),
    })?;
    let got = proof.len();
    if got != want {
        return Err(ProofError::WrongLength { got, want });
    }
    let (old_root, new_root) = if old.size() == new.size() {
        (old.root(), old.root())
    } else {
        roots(old, new.size(), proof)
    };
    if old_root == old.root() && new_root == new.root() {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

/// Makes the proof that the tree of size `new` appends to that of size `old`; empty if there is nothing to show.
///
/// # Errors
/// Those of the reader.
///
/// # Panics
/// If `old` is larger than `new`: callers hold both and compare them first.
pub fn prove_consistency<R: ReadNodes>(
    nodes: &R,
    old: TreeSize,
    new: TreeSize,
) -> Result<Vec<NodeHash>, R::Error> {
    assert!(old <= new, "{old} entries extended to {new}");
    if old == TreeSize::EMPTY {
        return Ok(Vec::new());
    }
    let mut tree = 0..new.get();
    let mut runs = Vec::new();
    while tree.end != old.get() {
        let middle = split(&tree);
        if old.get() <= middle {
            runs.push(middle..tree.end);
            tree.end = middle;
        } else {
            runs.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // The whole old tree is known to the verifier by its root.
    if tree.start != 0 {
        runs.push(tree);
    }
    runs.reverse();
    read_runs(nodes, &runs)
}

/// Gives the number of hashes in a proof between two sizes; `None` if they are reversed.
#[must_use]
pub fn consistency_length(old: TreeSize, new: TreeSize) -> Option<usize> {
    if old > new {
        return None;
    }
    let Some(last) = old.get().checked_sub(1) else {
        return Some(0);
    };
    if old == new {
        return Some(0);
    }
    // The proof starts at the last perfect subtree of the old tree, which is a node of the new one too; its path up
    // has a sibling at every level below the meeting with the new tree's last leaf, and above it where a right child.
    let start = old.get().trailing_zeros();
    let below = u64::BITS - (last ^ (new.get() - 1)).leading_zeros();
    let above = last.checked_shr(below).unwrap_or(0).count_ones();
    let seed = u32::from(!old.get().is_power_of_two());
    Some((seed + below - start + above) as usize)
}

/// Computes both roots from a proof of the right length between different sizes.
fn roots(old: TreeHead, new: TreeSize, proof: &[NodeHash]) -> (super::RootHash, super::RootHash) {
    // SPEC RFC 9162, section 2.1.4.2: an old tree that is one perfect subtree stands in for the first node.
    let mut nodes = proof.iter().copied();
    let seed = if old.size().get().is_power_of_two() {
        NodeHash::from_bytes(*old.root().as_bytes())
    } else {
        nodes.next().expect("the length was checked")
    };
    let mut node = old.size().get() - 1;
    let mut last = new.get() - 1;
    let shared = node.trailing_ones();
    node = node.checked_shr(shared).unwrap_or(0);
    last = last.checked_shr(shared).unwrap_or(0);
    let (mut old_hash, mut new_hash) = (seed, seed);
    for sibling in nodes {
        if node & 1 == 1 || node == last {
            old_hash = NodeHash::of_children(&sibling, &old_hash);
            new_hash = NodeHash::of_children(&sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = NodeHash::of_children(&new_hash, &sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    assert_eq!(last, 0, "a proof of the right length ends at the root");
    (old_hash.into_root(), new_hash.into_root())
}
