//! The library others embed: look up, verify, submit.
