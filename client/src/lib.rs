//! The library others embed: look up, verify, submit.
//!
//! ```text
//! trust file ─▶ TrustedLog ─┬─ lookup: log's answer ─▶ bundle ─▶ status, under a head that is not older
//!                           ├─ proof:  tlog-proof ─▶ an entry is in the log
//!                           ├─ submit: signed event ─▶ index
//!                           ├─ batch:  many signed events ─▶ proofs
//!                           ├─ evidence: two heads, or a wrong entry ─▶ what convicts the log
//!                           └─ head:   checkpoint ─▶ newest witnessed head ─┬─ follow: entries as they come
//!                                                                           └─ mirror: a copy for any file server
//! ```
//! Every failure to learn a status is an `Err`, never a status. Nothing here is for terminals.

pub mod batch;
pub mod evidence;
pub mod follow;
pub mod head;
pub mod log_server;
pub mod lookup;
pub mod mirror;
pub mod pack;
pub mod patience;
pub mod proof;
pub mod source;
pub mod submit;
pub mod trust;
