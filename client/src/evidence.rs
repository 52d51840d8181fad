//! Evidence against a log: made from heads and tiles, and verified, for two claims with a copy of the log.
//!
//! ```text
//! two heads ─tiles under the larger─▶ compare ─▶ consistent, or a fork
//! a replay that ends ─tiles─▶ wrong_head, bad_entry, back_dated ─▶ Evidence
//! Evidence ─log keys─▶ proven, or a judge ─entries of a mirror─▶ proven, or not
//! ```
//! Nothing here opens a socket by itself: tiles are the caller's, and a mirror is a folder.

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    evidence::{Claim, Decision, Evidence, EvidenceError, Judge, JudgeError, Proven, SignedEntry},
    merkle::{
        Frontier, LeafIndex, ProofError, ReadNodes, TreeHead, TreeSize, prove_consistency,
        prove_inclusion, verify_consistency,
    },
    state::head::StateHead,
    tile::Width,
    time::Time,
};
use labelproof_host::tiles::{TileReader, TileSource, TilesError};

use crate::{
    mirror::{Folder, FolderError, Progress},
    trust::{TrustedLog, store::Fork},
};

/// How a head that was seen stands to one that is ours.
#[derive(Clone, Debug)]
pub enum Compared {
    /// Ours continues it, or is the same.
    Consistent,
    /// It is larger than ours: to be compared once there are tiles under it.
    Ahead,
    /// The log signed two histories.
    Forked(Box<Evidence>),
}

/// Compares a head of a log with ours, with nodes that were verified against ours; equal sizes need none.
///
/// # Errors
/// [`CompareError`]: nothing is known of the two.
pub fn compare<R: ReadNodes>(
    nodes: &R,
    ours: &SignedCheckpoint,
    seen: &SignedCheckpoint,
) -> Result<Compared, CompareError<R::Error>> {
    let (old, new) = (seen.head(), ours.head());
    if old.size() > new.size() {
        return Ok(Compared::Ahead);
    }
    if old == new {
        return Ok(Compared::Consistent);
    }
    if old.size() == new.size() {
        let evidence = Evidence::fork_at_one_size(seen, ours)?;
        return Ok(Compared::Forked(Box::new(evidence)));
    }
    let size = old.size();
    let proof = prove_consistency(nodes, size, new.size()).map_err(CompareError::Tiles)?;
    let Err(refused) = verify_consistency(old, new, &proof) else {
        return Ok(Compared::Consistent);
    };
    // Our tree has another beginning than the one that was seen: then its own nodes prove the fork.
    let other = nodes
        .read_nodes(&Frontier::ids(size))
        .map_err(CompareError::Tiles)?;
    let root = Frontier::from_nodes(size, other)
        .map_err(|_| refused)?
        .root();
    verify_consistency(TreeHead::new(size, root), new, &proof)?;
    let evidence = Evidence::fork_between_sizes(seen, ours, root, proof)?;
    Ok(Compared::Forked(Box::new(evidence)))
}

/// Why two heads could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError<E> {
    /// They are not of one log.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The nodes are not those of our head, or the head seen is of an empty tree.
    #[error("the tiles do not prove how the two heads stand to each other")]
    Proof(#[from] ProofError),
    /// The nodes could not be had.
    #[error("cannot read the log's tiles")]
    Tiles(#[source] E),
}

/// Makes evidence of a state head that a replay found wrong; `tiles` read under `checkpoint`.
///
/// # Errors
/// [`MakeError`].
pub fn wrong_head<S: TileSource>(
    tiles: &TileReader<S>,
    checkpoint: &SignedCheckpoint,
    at: LeafIndex,
) -> Result<Evidence, MakeError> {
    Ok(Evidence::wrong_head(&signed_entry(tiles, checkpoint, at)?)?)
}

/// Makes evidence of an entry that a replay refused, or that ends `checkpoint` and is no state head; `tiles` read
/// under `checkpoint`.
///
/// # Errors
/// [`MakeError`].
pub fn bad_entry<S: TileSource>(
    tiles: &TileReader<S>,
    checkpoint: &SignedCheckpoint,
    at: LeafIndex,
) -> Result<Evidence, MakeError> {
    Ok(Evidence::bad_entry(&signed_entry(tiles, checkpoint, at)?)?)
}

/// Makes evidence of a state head whose clock a replay found behind an earlier one's; `tiles` read under `checkpoint`.
///
/// # Errors
/// [`MakeError`].
pub fn back_dated<S: TileSource>(
    tiles: &TileReader<S>,
    checkpoint: &SignedCheckpoint,
    at: LeafIndex,
) -> Result<Evidence, MakeError> {
    let later = signed_entry(tiles, checkpoint, at)?;
    let mut before = at.get();
    // A batch has a head, so the one before is near; only a log that lies often has wrong ones in between.
    while let Some(last) = before.checked_sub(1) {
        let bundle = tiles.bundle(LeafIndex::new(last))?;
        let first = last - last % u64::from(Width::FULL.get());
        let entries: Vec<_> = (first..=last).zip(bundle.entries()).collect();
        for (index, entry) in entries.into_iter().rev() {
            if StateHead::is_head(entry) {
                let earlier = signed_entry(tiles, checkpoint, LeafIndex::new(index))?;
                if let Ok(evidence) = Evidence::back_dated(&earlier, &later) {
                    return Ok(evidence);
                }
            }
        }
        before = first;
    }
    Err(MakeError::NotBehind { at })
}

fn signed_entry<S: TileSource>(
    tiles: &TileReader<S>,
    checkpoint: &SignedCheckpoint,
    at: LeafIndex,
) -> Result<SignedEntry, MakeError> {
    let entry = tiles.entry(at)?;
    let path = prove_inclusion(tiles, at, checkpoint.head().size())?;
    Ok(SignedEntry::new(checkpoint, at, path, entry)?)
}

/// Why no evidence was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// The statements do not prove it.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// No state head before this one has a later clock.
    #[error("no state head before the one at {at} has a later clock")]
    NotBehind {
        /// Its index.
        at: LeafIndex,
    },
    /// The entries could not be had, or do not fit the checkpoint.
    #[error("cannot read the log's tiles")]
    Tiles(#[from] TilesError),
}

/// Verifies evidence against a log of the trust file; opens no socket and writes nothing.
///
/// A wrong head and a bad entry are judged by the entries of `mirror`. `tell` is called with every entry.
///
/// # Errors
/// [`VerifyError`]: nothing is proved against the log, except by [`VerifyError::Forked`].
pub fn verify(
    evidence: &Evidence,
    log: &TrustedLog,
    mirror: Option<&Folder>,
    now: Time,
    tell: &dyn Fn(Progress),
) -> Result<Proven, VerifyError> {
    match evidence.verify(&log.keys())? {
        Decision::Proven(proven) => Ok(proven),
        Decision::NeedsEntries(judge) => {
            let needs = VerifyError::NeedsMirror {
                claim: judge.claim(),
                entries: judge.needs(),
            };
            judged(judge, log, mirror.ok_or(needs)?, now, tell)
        }
    }
}

fn judged(
    mut judge: Judge,
    log: &TrustedLog,
    mirror: &Folder,
    now: Time,
    tell: &dyn Fn(Progress),
) -> Result<Proven, VerifyError> {
    let needs = judge.needs();
    let head = mirror.checkpoint(log, now)?;
    let has = head
        .as_ref()
        .map_or(TreeSize::EMPTY, |head| head.head().size());
    let Some(head) = head.filter(|_| has >= needs) else {
        return Err(VerifyError::MirrorTooSmall { has, needs });
    };
    let tiles = mirror.tiles(&head);
    let total = needs.get();
    let all = LeafIndex::new(0)..LeafIndex::new(total);
    tiles.entries(all, |index, entry| {
        judge.take(entry);
        tell(Progress {
            done: index.get() + 1,
            total,
        });
        Ok::<(), TilesError>(())
    })?;
    let accused = judge.accused().checkpoint().clone();
    match judge.decide() {
        // Both are signed by the log, so if one does not continue the other that is proved at once.
        Err(error @ JudgeError::OtherEntries { .. }) => {
            match compare(&tiles, head.signed(), &accused) {
                Ok(Compared::Forked(evidence)) => Err(Fork(evidence).into()),
                Ok(Compared::Consistent | Compared::Ahead) | Err(_) => Err(error.into()),
            }
        }
        decided => Ok(decided?),
    }
}

/// Why nothing was proved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The file does not prove its claim.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The folder is no mirror that can be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The checkpoint in the evidence and that of the mirror are two histories.
    #[error("the checkpoint in the evidence is not of the mirror's history")]
    Forked(#[from] Fork),
    /// The judge finds nothing proved.
    #[error(transparent)]
    Judge(#[from] JudgeError),
    /// The mirror ends before the accused entry.
    #[error("the mirror holds {has} entries, and {needs} stand before the accused one")]
    MirrorTooSmall {
        /// How many it holds.
        has: TreeSize,
        /// How many are needed.
        needs: TreeSize,
    },
    /// The claim is judged by the entries of the log, and there are none.
    #[error(
        "claim {claim} is judged by the {entries} entries before the accused one, and no copy of them is here"
    )]
    NeedsMirror {
        /// The claim.
        claim: Claim,
        /// How many entries.
        entries: TreeSize,
    },
    /// The mirror does not hold what its checkpoint says.
    #[error("the mirror does not hold what its checkpoint says")]
    Tiles(#[from] TilesError),
}
