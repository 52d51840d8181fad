//! Formats, proofs and the state function of Labelproof: bytes in, values out.

pub mod merkle;
