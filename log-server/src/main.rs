//! The program; all of it is in the library, so that tests and demo run the real one.

use std::process::ExitCode;

fn main() -> ExitCode {
    labelproof_log::cli::main(std::env::args_os())
}
