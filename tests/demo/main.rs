//! The whole network on this machine, and every program it is made of: the name it is started
//! under decides which one it is.

use std::path::PathBuf;
use std::process::ExitCode;

use labelproof_tests::programs::Program;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let name = args.first().map(PathBuf::from).unwrap_or_default();
    match Program::of_argv0(&name) {
        Some(Program::Client) => labelproof_cli::main(args),
        Some(Program::Witness) => labelproof_witness::cli::main(args),
        Some(Program::Log) | None => ExitCode::FAILURE,
    }
}
