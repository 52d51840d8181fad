//! What the log keeps on disk, and whom it trusts with what.
//!
//! ```text
//! DIR/lock         held by the process that serves
//! DIR/key          the log's signing key, mode 0600
//! DIR/head         the head record: trusted
//! DIR/staged/…     batches on their way in: checked against the head record
//! DIR/tile/…       tiles and entry bundles: checked against the head record
//! DIR/checkpoint   the newest witnessed checkpoint
//! DIR/snapshot     the map at some head: believed only if its root is in that head
//! DIR/index/       look-ups: disposable
//! ```
//! `head` is the one record of the log's size, `staged` the format of a batch, `directory` the files.

pub mod directory;
pub mod error;
pub mod grown;
pub mod head;
mod lines;
pub mod staged;

pub use directory::Directory;
pub use error::StorageError;
pub use grown::Grown;
pub use head::{FileHead, HeadRecord, HeadStore, InstanceId, SwapError};
pub use staged::{BatchDigest, BatchError, StagedBatch};
