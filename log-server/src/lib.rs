//! The log: admits, sequences, reserves, signs, gets cosigned, publishes, serves.

pub mod feeder;
pub mod fsck;
pub mod pool;
pub mod sequencer;
pub mod storage;
