//! Harness of the system tests, and the ground the demo stands on.
//!
//! [`programs`] gives each program its name, [`daemon`] starts one and stops it,
//! [`network`] a whole log with its witnesses; [`paper_log`] is one in memory that can lie;
//! [`transcript`] runs what a README shows; [`world`] has the keys and notes of an invented registry,
//! [`labels`] as many labels as one likes.

pub mod daemon;
pub mod file_server;
pub mod http;
pub mod labels;
pub mod network;
pub mod paper_log;
pub mod programs;
pub mod transcript;
pub mod world;
