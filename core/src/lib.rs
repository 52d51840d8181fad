//! Formats, proofs and the state function of Labelproof: bytes in, values out.

pub mod add_checkpoint;
pub mod checkpoint;
pub mod cosignature;
pub mod entry_bundle;
pub mod key;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod state;
mod text;
pub mod tile;
pub mod time;
