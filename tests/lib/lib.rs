//! Harness of the system tests, and the ground the demo stands on.
//!
//! [`programs`] gives each program its name, [`daemon`] starts one and stops it,
//! [`world`] has the keys and notes of an invented registry.

pub mod daemon;
pub mod programs;
pub mod world;
