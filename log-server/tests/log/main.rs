//! The log in one process: real state function, real formats, a simulated disk, a clock that is moved by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admission;
mod crash;
mod feeder;
mod http;
mod problems;
mod repair;
mod stores;
mod world;
