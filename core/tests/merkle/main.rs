//! Trees against their own rules, and against three other implementations of RFC 6962.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod differential;
mod exhaustive;
mod grown;
mod huge;
