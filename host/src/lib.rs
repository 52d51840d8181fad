//! What touches the machine, once: files, lock, clock, sockets, keys, exit codes.

pub mod clock;
pub mod exit;
pub mod fs;
pub mod lock;
