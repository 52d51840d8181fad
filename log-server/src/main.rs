//! The program; all of it is in the library, so that tests and demo run the real one.

fn main() {}
