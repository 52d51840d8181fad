//! Chance: numbers that nobody has to be unable to guess, for pauses and for names that are meant to differ.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number that another process does not have.
///
/// The standard library seeds the first of a thread from the operating system, and counts on from there.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
