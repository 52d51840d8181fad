//! A C2SP witness: cosigns only what grew (c2sp.org/tlog-witness, all but `sign-subtree`).
//!
//! ```text
//! DIR/lock          held while a program works in DIR
//! DIR/witness.key   the cosigner's key, mode 0600
//! DIR/logs          logs it knows, in the list format of the public witness network
//! DIR/retired       logs it knew; their state is kept
//! DIR/state.redb    what it cosigned last, for each of them
//! DIR/evidence/     a proof for each log that signed two roots for one size
//! ```
//! `decision` says yes or no, `store` remembers, `witness` does both in the right order; `writer` gives it a
//! thread, `http` and `cli` give it a face.

pub mod cli;
pub mod decision;
pub mod http;
pub mod known_logs;
pub mod store;
pub mod witness;
pub mod writer;
