//! The state function from outside: lives of labels, who may do what, cut-offs, and what bundles prove.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod authority;
mod bundle;
mod cutoff;
mod evidence;
mod heads;
mod keys;
mod ledger;
mod lies;
mod life;
mod model;
mod pack;
mod parts;
mod product;
mod products;
mod replay;
mod table;
mod theft;
#[path = "../../../tests/lib/world.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "one invented world serves the tests of all packages"
)]
mod world;
