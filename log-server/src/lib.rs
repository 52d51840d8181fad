//! The log: admits, sequences, reserves, signs, gets cosigned, publishes, serves.
