//! The monitor: follows logs, verifies every entry of them, and tells what people asked to be told.
//!
//! ```text
//! log | mirror | folder ─copy─▶ downloaded ─signatures, state function─▶ verified ─▶ finding ─rules─▶ alert
//! ```
//! Three kinds of finding are never mixed: *evidence*, which others can check offline and which accuses the log;
//! *observations*, which accuse nobody; and being *blind*, which is about the monitor itself.

mod alarms;
pub mod alert;
pub mod board;
pub mod canary;
pub mod casebook;
mod chance;
pub mod cli;
mod config;
mod daily;
pub mod finding;
pub mod follow;
pub mod gossip;
mod histories;
pub mod http;
pub mod journal;
pub mod name;
pub mod notify;
mod own;
mod polite;
pub mod promises;
mod records;
pub mod rules;
#[cfg(test)]
mod samples;
mod verify;
pub mod watch;
