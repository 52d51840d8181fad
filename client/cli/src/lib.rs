//! The command line of Labelproof.
