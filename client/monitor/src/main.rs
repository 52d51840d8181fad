//! `labelproof-monitor`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    labelproof_monitor::cli::main(std::env::args_os())
}
