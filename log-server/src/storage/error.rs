//! What the object store refuses, always with the name of the object.

use labelproof_core::{
    entry_bundle::BundleError,
    merkle::{LeafIndex, TreeHead},
};
use labelproof_host::fs::FsError;

use super::staged::{BatchDigest, BatchError};

/// What the object store refuses, with the object's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A call of the file system failed.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A staged batch does not have the digest of its name.
    #[error("{object} has digest {found}")]
    WrongDigest {
        /// Name of the object.
        object: String,
        /// Digest of the bytes that are there.
        found: BatchDigest,
    },
    /// A staged batch is not what it should be.
    #[error("{object} cannot be used")]
    Batch {
        /// Name of the object.
        object: String,
        /// Why.
        #[source]
        source: BatchError,
    },
    /// A bundle does not hold the entries its size promises.
    #[error("{object} cannot be read as a bundle")]
    Bundle {
        /// Name of the object.
        object: String,
        /// What is wrong.
        #[source]
        source: BundleError,
    },
    /// The tiles give another root than the head record.
    #[error("the tiles of size {} give root {}, the head record says {}; run fsck", .stored.size(), .stored.root(), .record.root())]
    WrongRoot {
        /// What the tiles give.
        stored: TreeHead,
        /// What the head record says.
        record: TreeHead,
    },
    /// An entry does not hash to its leaf.
    #[error("{object}: entry {index} does not hash to its leaf")]
    WrongEntry {
        /// Name of the object.
        object: String,
        /// Which entry.
        index: LeafIndex,
    },
}
