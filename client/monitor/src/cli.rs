//! The command line of `labelproof-monitor`.
//!
//! ```text
//! run  --trust FILE --dir DIR [--config FILE] [--since SIZE|DATE] [--listen ADDR]   follows the logs until SIGTERM
//! once --trust FILE --dir DIR [--config FILE] [--since SIZE|DATE] [--json]          looks once; the exit says how it is
//! ```
//! Alerts are JSON lines on standard output; what the program does is said on standard error.

mod bar;
mod ground;
mod once;
mod run;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use labelproof_host::{
    exit::Exit,
    logging::{self, LogFormat, Verbosity, causes},
};

use crate::follow::Since;

/// Runs the program; `args` start with its name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers on stdout; what cannot be printed, nobody reads.
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
    let done = match &cli.command {
        Command::Run(args) => run::run(&args.ground, args.listen),
        Command::Once(args) => once::run(&args.ground, args.output()),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            let (exit, text) = (error.exit(), causes(&error));
            eprintln!("labelproof-monitor: {text}");
            if let Command::Once(args) = &cli.command
                && args.json
            {
                // What cannot be printed, nobody reads; the exit code says the same.
                let _ = once::say_failure(exit, &text);
            }
            exit.into()
        }
    }
}

/// A client that never sleeps: follows logs, verifies all of them, and tells.
#[derive(Debug, Parser)]
#[command(
    name = "labelproof-monitor",
    version,
    after_help = "Example: labelproof-monitor run --trust trust.toml --dir monitor --config monitor.toml"
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
    /// Follow the logs of a trust file until SIGTERM.
    #[command(
        after_help = "Example: labelproof-monitor run --trust trust.toml --dir monitor --config monitor.toml"
    )]
    Run(Run),
    /// Look once, verify what is new, tell, and end; for cron.
    #[command(
        after_help = "Exit codes, of several the first here: 20 the log misbehaved, evidence is in DIR/evidence; \
                      11 a tile is wrong, or entry 0 is another than in the trust file; 12 no quorum, or another key; \
                      10 a file of yours is malformed, or the log follows rules that are not known here; 16 too old, \
                      an older head than before, a silent canary, or the own clock is off; 69 unreachable, or a tile is \
                      missing; 19 stopped before the end; 1 own files; 2 usage, nothing was looked at; 0 nothing wrong.\n\
                      Example: labelproof-monitor once --trust trust.toml --dir monitor"
    )]
    Once(Once),
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    ground: Ground,
    /// Answer over HTTP at this address: alerts, feeds, health, metrics; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "LABELPROOF_MONITOR_LISTEN")]
    listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
struct Once {
    #[command(flatten)]
    ground: Ground,
    /// Print one JSON object instead of a line for each alert, also on failure.
    #[arg(long)]
    json: bool,
}

impl Once {
    fn output(&self) -> once::Output {
        match self.json {
            true => once::Output::Object,
            false => once::Output::Lines,
        }
    }
}

/// What both commands stand on.
#[derive(Debug, Args)]
struct Ground {
    /// The trust file: which logs to follow, and whom to believe.
    #[arg(long, value_name = "FILE", env = "LABELPROOF_TRUST")]
    trust: PathBuf,
    /// The monitor's folder; made if it is not there.
    #[arg(long, env = "LABELPROOF_MONITOR_DIR")]
    dir: PathBuf,
    /// A TOML file with watch lists, hooks and sources.
    #[arg(long, value_name = "FILE", env = "LABELPROOF_MONITOR_CONFIG")]
    config: Option<PathBuf>,
    /// Tell also of what was logged before, from this index or this day on.
    #[arg(long, value_name = "SIZE|DATE")]
    since: Option<Since>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn help_names_every_exit_of_once_from_the_worst_on() {
        let command = Cli::command();
        let once = command.find_subcommand("once").unwrap();
        let help = once.get_after_help().unwrap().to_string();
        let (_, codes) = help.split_once(": ").unwrap();
        let codes = codes.lines().next().unwrap().trim_end_matches('.');
        let said: Vec<u8> = codes
            .split("; ")
            .map(|part| part.split_once(' ').unwrap().0.parse().unwrap())
            .collect();
        let mut exits = vec![
            // Of a trouble, see `Trouble::exit`; of a stop; of a start.
            Exit::Done,
            Exit::Internal,
            Exit::Usage,
            Exit::Malformed,
            Exit::NotInLog,
            Exit::NotSigned,
            Exit::TooOld,
            Exit::Undecidable,
            Exit::LogMisbehaved,
            Exit::Unreachable,
        ];
        exits.sort_by_key(|exit| std::cmp::Reverse(exit.severity()));
        let want: Vec<u8> = exits.into_iter().map(Exit::code).collect();
        assert_eq!(said, want);
    }
}
