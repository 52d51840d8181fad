//! The state of a log: what its first n entries make of labels, authorities, schemes and members.
//!
//! ```text
//! entries 0 … n−1 ── state function ──▶ map: key → record ── map_root ──┐
//!                                       list: 2 bits an index ─ list_root ┴▶ state head = entry n
//! ```

pub mod head;
pub mod key;
pub mod list;
pub mod map;
pub mod record;
