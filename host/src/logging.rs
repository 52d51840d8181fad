//! What daemons say while they run: lines of text for people, or of JSON for machines, on stderr.

use std::{
    error::Error,
    io::{self, IsTerminal},
};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How the lines look.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// For people; coloured on a terminal unless `NO_COLOR` is set.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is said when `RUST_LOG` does not say otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Verbosity {
    /// Events of the service: starts, stops, refusals, what needs a person.
    #[default]
    Normal,
    /// Also each step of the work.
    Verbose,
}

/// Sends all later `tracing` events to stderr; only the first call of a process counts.
pub fn init(format: LogFormat, verbosity: Verbosity) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(match verbosity {
            Verbosity::Normal => "info",
            Verbosity::Verbose => "debug,hyper=info,ureq=info,rustls=info,sled=info",
        })
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // An error means that a subscriber is set already, as in tests that run programs in process.
    let _ = match format {
        LogFormat::Text => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            builder
                .with_ansi(io::stderr().is_terminal() && !plain)
                .try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// An error with everything that led to it, on one line.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
