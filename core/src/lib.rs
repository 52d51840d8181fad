//! Formats, proofs and the state function of Labelproof: bytes in, values out.

mod text;
pub mod entry_bundle;
pub mod key;
pub mod merkle;
pub mod note;
pub mod tile;
pub mod time;

