//! Tests: simulation.
