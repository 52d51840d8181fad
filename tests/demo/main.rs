//! The whole network on this machine.

fn main() {}
