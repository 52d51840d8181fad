//! The command line: `labelproof-log init | genesis | serve | fsck | rebuild`.

mod config;
mod fsck;
mod genesis;
mod init;
mod rebuild;
mod serve;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};
use labelproof_host::{
    exit::Exit,
    logging::{self, LogFormat, Verbosity, causes},
};

/// Runs the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers on stdout, a mistake is one on stderr; neither has a better place to fail to.
            let _ = error.print();
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return exit.into();
        }
    };
    let verbosity = if cli.verbose {
        Verbosity::Verbose
    } else {
        Verbosity::Normal
    };
    logging::init(cli.log_format, verbosity);
    let result = match cli.command {
        Command::Init(options) => init::run(&options),
        Command::Genesis(command) => genesis::run(&command),
        Command::Serve(options) => serve::run(&options),
        Command::Fsck(options) => fsck::run(&options),
        Command::Rebuild(options) => rebuild::run(&options),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("labelproof-log: {}", causes(&*failure.error));
            failure.exit.into()
        }
    }
}

/// Why a command ends with another code than 0.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: Box<dyn std::error::Error>,
}

impl Failure {
    fn new(exit: Exit, error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self {
            exit,
            error: error.into(),
        }
    }

    fn usage(error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self::new(Exit::Usage, error)
    }

    fn malformed(error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self::new(Exit::Malformed, error)
    }

    fn internal(error: impl Into<Box<dyn std::error::Error>>) -> Self {
        Self::new(Exit::Internal, error)
    }
}

type Outcome = Result<Exit, Failure>;

/// A transparency log of product security labels: every event, and a proof of where each label stands.
#[derive(Debug, Parser)]
#[command(
    name = "labelproof-log",
    version,
    after_help = "Example:\n  labelproof-log serve --dir log --listen 127.0.0.1:7380 --policy g7.policy"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say each step of the work on stderr.
    #[arg(short, long, global = true)]
    verbose: bool,
    /// How log lines look.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "LABELPROOF_LOG_FORMAT"
    )]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key and an empty store.
    Init(init::Options),
    /// Make, check or seal the first entry: who the members are.
    #[command(subcommand)]
    Genesis(genesis::Command),
    /// Take events, get them witnessed, answer.
    Serve(serve::Options),
    /// Re-derive root, every tile, every entry and every state head; name the first that is wrong.
    Fsck(fsck::Options),
    /// Make index and snapshot anew from the entries.
    Rebuild(rebuild::Options),
}
