//! Harness of the system tests, and the ground the demo stands on.
//!
//! [`programs`] gives each program its name, [`daemon`] starts one and stops it.

pub mod daemon;
pub mod programs;
