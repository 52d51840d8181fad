//! The log: admits, sequences, reserves, signs, gets cosigned, publishes, serves.

pub mod admission;
pub mod cli;
pub mod daemon;
pub mod engine;
pub mod feeder;
pub mod fsck;
mod housekeeper;
pub mod http;
pub mod index;
mod latest;
pub mod load;
pub mod log;
mod lookup;
pub mod metrics;
mod parts;
pub mod pool;
pub mod progress;
pub mod publisher;
pub mod quota;
pub mod rebuild;
mod recent;
pub mod sequencer;
pub mod shelf;
pub mod snapshot;
pub mod storage;
pub mod store;
