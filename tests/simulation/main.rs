//! The log, its witnesses and a monitor on simulated disks, in one thread, driven by seeds.
//!
//! ```text
//! cargo test -p labelproof-tests --test simulation                      200 seeds, a few seconds
//! LABELPROOF_SEEDS=200000 cargo test … seeds                            more of them
//! LABELPROOF_SEEDS=17..18 cargo test … seeds -- --nocapture             one again, with its trace
//! LABELPROOF_SEEDS=1000 cargo test … watch                              three days of a monitor, as often
//! ```
//! `world` makes things happen and go wrong, `ledger` and `checker` know what must hold and share no
//! code with the log. The code under test is the products' own: nothing here stands in for it but
//! disk, clock, wire and the ledger around the signer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checker;
mod commit_order;
mod crash_points;
mod flipped_bit;
mod labels;
mod ledger;
mod log_node;
mod monitor;
mod seeds;
mod watch;
mod witness_node;
mod world;
