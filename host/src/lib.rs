//! What touches the machine, once: files, lock, clock, sockets, keys, exit codes.

pub mod ahead;
pub mod clock;
pub mod config;
pub mod exit;
pub mod fetch;
pub mod fs;
pub mod hands;
pub mod keyfile;
pub mod lock;
pub mod logging;
pub mod metrics;
pub mod secret;
pub mod serve;
pub mod shutdown;
pub mod tiles;
pub mod web;
