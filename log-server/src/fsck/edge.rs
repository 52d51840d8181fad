//! Whom to blame when the partial tiles do not hash to the signed root.
//!
//! ```text
//! entries ─hash→ all tiles, made anew      the first stored tile that differs is the wrong one
//! ```

use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::merkle::{RootHash, TreeHead, TreeSize};
use labelproof_core::tile::{TileEdge, bundles_between};
use labelproof_host::tiles::{TileReader, TileSource};

use super::report::Fault;

/// Checks the head of a log without entries, which has no tiles to prove it.
pub(super) fn check_empty(head: TreeHead) -> Result<(), Fault> {
    if head.root() == RootHash::EMPTY {
        Ok(())
    } else {
        Err(Fault::Root)
    }
}

/// Finds the partial tile that is wrong, given that one is or that the root is another's.
///
/// Takes as long as reading all entries, and holds one bundle at a time.
pub(super) fn blame<S: TileSource>(reader: &TileReader<S>) -> Fault {
    let size = reader.head().size();
    let mut edge = TileEdge::new();
    for path in bundles_between(TreeSize::EMPTY, size) {
        let bundle: EntryBundle = match reader.unproven_bundle(path) {
            Ok(bundle) => bundle,
            Err(error) => return Fault::Object(error),
        };
        edge.grow(bundle.leaf_hashes());
    }
    if edge.head() != reader.head() {
        // Neither tiles nor entries lead to the root.
        return Fault::Root;
    }
    for (path, made) in edge.partial_tiles() {
        match reader.unproven_tile(path) {
            Ok(stored) if stored == made => {}
            Ok(_) => return Fault::PartialTile(path),
            Err(error) => return Fault::Object(error),
        }
    }
    Fault::Root
}
