//! Test vectors of other projects.
//!
//! They are kept beside this repository, in `../shared/vectors` or wherever `LABELPROOF_VECTORS` says; their README
//! tells where each folder comes from. Without them a test says that it was skipped, and with `CI=true` it fails.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod ed25519;
mod folder;
mod rfc6962;
mod tlog_tiles;
