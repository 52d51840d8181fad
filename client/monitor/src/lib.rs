//! The monitor: follows logs, verifies every entry of them, and tells what people asked to be told.
//!
//! ```text
//! log | mirror | folder ─copy─▶ downloaded ─signatures, state function─▶ verified ─▶ finding ─rules─▶ alert
//! ```
//! Three kinds of finding are never mixed: *evidence*, which others can check offline and which accuses the log;
//! *observations*, which accuse nobody; and being *blind*, which is about the monitor itself.
//!
//! Here so far: what is told and how; what follows a log, and the program, are not.

pub mod alert;
pub mod board;
pub mod finding;
pub mod http;
pub mod journal;
pub mod name;
pub mod notify;
mod records;
#[cfg(test)]
mod samples;
pub mod watch;
