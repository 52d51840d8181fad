//! Formats, proofs and the state function of Labelproof: bytes in, values out.

pub mod add_checkpoint;
pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod entry_bundle;
pub mod event;
pub mod evidence;
pub mod gs1;
pub mod hands;
pub mod key;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod receipt;
pub mod refusal;
pub mod state;
pub mod status;
pub mod tile;
pub mod time;
pub mod tlog_proof;

mod text;
