//! Tests of the whole: what crosses packages and processes, one module a subject.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod client;
mod fsck;
mod tidy;
