//! `labelproof-hammer`: load on a log or a witness, and the table of what it takes.
//!
//! ```text
//! events   signed labels, one a request or in batches        status   status bundles of random labels
//! read     checkpoint, tiles, entries, livez                 fill     a log with N labels, quickly
//! goal     finds the highest rate that holds                 overload three times too much, and a reader's probe
//! witness  growing logs at a witness                         catch-up a monitor's first look at a whole log
//! table    docs/PERFORMANCE.md
//! ```
//! Latency is counted from when a request was due, so that a server that stalls cannot hide it.

mod catch_up;
mod client;
mod goal;
mod ground;
mod limits;
mod load;
mod overload;
mod peers;
mod process;
mod run;
mod sources;
mod table;
mod witness;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use labelproof_host::exit::Exit;

/// Puts load on a log or a witness and says what came of it.
#[derive(Debug, Parser)]
#[command(
    name = "labelproof-hammer",
    version,
    after_help = "Example: labelproof-hammer events --in-flight 4000 --seconds 20"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Prints one JSON object instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send signed labels.
    #[command(
        after_help = "Example: labelproof-hammer events --url http://127.0.0.1:7380 --rate 5000 --from 100000"
    )]
    Events(run::Events),
    /// Ask for the status of random labels.
    #[command(after_help = "Example: labelproof-hammer status --labels 100000 --connections 32")]
    Status(run::Status),
    /// Ask for what is static: checkpoint, tile, entries, or livez for comparison.
    #[command(after_help = "Example: labelproof-hammer read tile --url http://127.0.0.1:7380")]
    Read(run::Read),
    /// Fill a log with labels as fast as it takes them.
    #[command(after_help = "Example: labelproof-hammer fill --labels 1000000 --dir big")]
    Fill(run::Fill),
    /// Find the highest rate that holds; exits with 0 if it is the wanted one or more.
    #[command(after_help = "Example: labelproof-hammer goal \"events>=14000 for 30s\"")]
    Goal(goal::Options),
    /// Send several times what the log takes, watch a reader meanwhile, and look after every receipt.
    #[command(after_help = "Example: labelproof-hammer overload --times 3 --seconds 600")]
    Overload(overload::Options),
    /// Let many logs grow at one witness.
    #[command(after_help = "Example: labelproof-hammer witness --logs 40000 --in-flight 16")]
    Witness(witness::Options),
    /// Let a monitor verify a whole log, beside what its cores verify of signatures.
    #[command(after_help = "Example: labelproof-hammer catch-up --labels 1000000")]
    CatchUp(catch_up::Options),
    /// Measure everything beside its limits and peers, and write the table.
    #[command(
        after_help = "Example: labelproof-hammer table --labels 100000,1000000 --out docs/PERFORMANCE.md"
    )]
    Table(table::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Events(options) => options.run(cli.json),
        Command::Status(options) => options.run(cli.json),
        Command::Read(options) => options.run(cli.json),
        Command::Fill(options) => options.run(cli.json),
        Command::Goal(options) => options.run(cli.json),
        Command::Overload(options) => options.run(cli.json),
        Command::Witness(options) => options.run(cli.json),
        Command::CatchUp(options) => options.run(cli.json),
        Command::Table(options) => options.run(),
    };
    match done {
        Ok(true) => Exit::Done.into(),
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            let exit = match error.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::NotFound => Exit::Usage,
                _ => Exit::Internal,
            };
            exit.into()
        }
    }
}
