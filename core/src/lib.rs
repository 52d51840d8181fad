//! Formats, proofs and the state function of Labelproof: bytes in, values out.

pub mod key;
pub mod merkle;
pub mod note;
pub mod time;

mod text;
