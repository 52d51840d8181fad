//! A C2SP witness: cosigns only what grew.
