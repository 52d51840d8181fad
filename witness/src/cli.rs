//! The command line of `labelproof-witness`.
//!
//! ```text
//! init --name NAME --dir DIR                 makes key, lists and store; prints the verifier key
//! logs add --dir DIR VKEY… | --list FILE     makes a log known and begins its state at size 0
//! logs list --dir DIR [--json]               shows them
//! logs retire --dir DIR ORIGIN               stops answering one, keeps its state
//! serve --dir DIR --listen ADDR              never begins a state
//! doctor --dir DIR                           says in plain words what is wrong
//! ```

mod doctor;
mod list;
mod serve;

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use labelproof_core::checkpoint::Origin;
use labelproof_core::key::{KeyType, SigningKey, Vkey};
use labelproof_core::note::KeyName;
use labelproof_host::clock::SystemClock;
use labelproof_host::config::ConfigError;
use labelproof_host::exit::Exit;
use labelproof_host::fs::{Fs, FsError, RealFs};
use labelproof_host::keyfile::{self, KeyFileError};
use labelproof_host::lock::{DirLock, LockError};
use labelproof_host::logging::{self, LogFormat, Verbosity, causes};

use self::list::{Listing, failure_json};
use crate::known_logs::{KnownLogs, KnownLogsError, ListError, ListFault, ListedLog, parse_list};
use crate::store::{Store, StoreError};
use crate::witness::{OpenError, create};

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
    let json = matches!(&cli.command, Command::Logs(Logs::List(list)) if list.json);
    match run(cli.command) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            let (exit, text) = (error.exit(), causes(&error));
            eprintln!("labelproof-witness: {text}");
            if json {
                // What cannot be printed, nobody reads; the exit code says the same.
                let _ = say(&failure_json(exit, &text));
            }
            exit.into()
        }
    }
}

/// A witness of transparency logs: cosigns only what grew.
#[derive(Debug, Parser)]
#[command(
    name = "labelproof-witness",
    version,
    after_help = "Example: labelproof-witness serve --dir w1 --listen 127.0.0.1:7381"
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
    /// Make a key and an empty store; print the verifier key.
    #[command(after_help = "Example: labelproof-witness init --name witness.example/w1 --dir w1")]
    Init(Init),
    /// Say which logs to witness.
    #[command(subcommand)]
    Logs(Logs),
    /// Answer requests until SIGTERM.
    #[command(after_help = "Example: labelproof-witness serve --dir w1 --listen 127.0.0.1:7381")]
    Serve(serve::Options),
    /// Say in plain words what is wrong with a folder, and what to do.
    #[command(after_help = "Example: labelproof-witness doctor --dir w1")]
    Doctor(Doctor),
}

#[derive(Debug, Args)]
struct Init {
    /// Name in signature lines, such as witness.example/w1.
    #[arg(long, value_parser = KeyName::parse)]
    name: KeyName,
    /// Folder to make, or an empty one.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Logs {
    /// Make logs known; each begins at size 0.
    #[command(after_help = "Example: labelproof-witness logs add --dir w1 --list testing.list")]
    Add(Add),
    /// Show the logs and what was cosigned last.
    #[command(after_help = "Example: labelproof-witness logs list --dir w1")]
    List(List),
    /// Stop answering a log; its state is kept, so that it can come back without a fork.
    #[command(after_help = "Example: labelproof-witness logs retire --dir w1 labels.g7.example")]
    Retire(Retire),
}

#[derive(Debug, Args)]
struct Add {
    /// The witness's folder.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: PathBuf,
    /// Verifier keys of logs.
    #[arg(required_unless_present = "list")]
    vkeys: Vec<String>,
    /// A file in the list format of the witness network (logs/v0).
    #[arg(long, conflicts_with = "vkeys")]
    list: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct List {
    /// The witness's folder.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: PathBuf,
    /// Print one JSON object, also on failure.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Retire {
    /// The witness's folder.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: PathBuf,
    /// First line of the log's checkpoints.
    origin: Origin,
}

#[derive(Debug, Args)]
struct Doctor {
    /// The witness's folder.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: PathBuf,
}

fn run(command: Command) -> Result<(), CliError> {
    let fs: Arc<dyn Fs> = Arc::new(RealFs::new());
    match command {
        Command::Init(args) => init(&fs, args),
        Command::Logs(Logs::Add(args)) => add(&fs, &args),
        Command::Logs(Logs::List(args)) => list(&fs, &args),
        Command::Logs(Logs::Retire(args)) => retire(&fs, &args),
        Command::Serve(args) => serve::run(fs, args),
        Command::Doctor(args) => examine(&fs, &args.dir),
    }
}

fn init(fs: &Arc<dyn Fs>, args: Init) -> Result<(), CliError> {
    fs.create_dir_all(&args.dir)?;
    // Looked at before the lock, which leaves a file.
    if !fs.list(&args.dir)?.is_empty() {
        return Err(CliError::NotEmpty { dir: args.dir });
    }
    let _lock = lock(&args.dir, "init")?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| CliError::NoRandomness)?;
    let key = SigningKey::from_seed(args.name, KeyType::Cosignature, seed);
    create(fs, &args.dir)?;
    // Last: a folder with a key is a whole one.
    keyfile::create(&args.dir.join(KEY_FILE), &key)?;
    say(&key.vkey().to_string())
}

fn add(fs: &Arc<dyn Fs>, args: &Add) -> Result<(), CliError> {
    let _lock = lock(&args.dir, "logs add")?;
    let logs = match &args.list {
        Some(path) => read_list(fs.as_ref(), path)?,
        None => args
            .vkeys
            .iter()
            .map(|text| {
                let vkey = Vkey::parse(text).map_err(ListFault::from);
                let log = vkey.and_then(ListedLog::of_key);
                log.map_err(|fault| CliError::Vkey {
                    text: text.clone(),
                    fault,
                })
            })
            .collect::<Result<_, _>>()?,
    };
    let known = KnownLogs::load(fs.as_ref(), &args.dir)?;
    let origins: Vec<Origin> = logs.iter().map(|log| log.origin().clone()).collect();
    let with = known.clone().with(logs);
    let mut store = Store::open_with(fs, &args.dir, &known, &with)?;
    // State first: a log that stands in the list and has none is refused by `serve`.
    store.begin(&origins, &known)?;
    with.save(fs.as_ref(), &args.dir)?;
    for origin in &origins {
        let size = store.latest(origin).map_or(0, |head| head.size().get());
        say(&format!("{origin}: known, cosigned up to size {size}"))?;
    }
    Ok(())
}

fn list(fs: &Arc<dyn Fs>, args: &List) -> Result<(), CliError> {
    let _lock = lock(&args.dir, "logs list")?;
    let known = KnownLogs::load(fs.as_ref(), &args.dir)?;
    let store = Store::open(fs, &args.dir, &known)?;
    let listing = Listing::new(&known, &store);
    if args.json {
        return say(&listing.json());
    }
    listing.lines().try_for_each(|line| say(&line))
}

fn retire(fs: &Arc<dyn Fs>, args: &Retire) -> Result<(), CliError> {
    let _lock = lock(&args.dir, "logs retire")?;
    let known = KnownLogs::load(fs.as_ref(), &args.dir)?;
    known.without(&args.origin)?.save(fs.as_ref(), &args.dir)?;
    say(&format!("{}: retired, its state is kept", args.origin))
}

fn examine(fs: &Arc<dyn Fs>, dir: &Path) -> Result<(), CliError> {
    let _lock = lock(dir, "doctor")?;
    let findings = doctor::examine(fs, dir, &SystemClock);
    for finding in &findings {
        say(&finding.line())?;
    }
    let worst = Exit::worst(findings.iter().map(doctor::Finding::exit));
    match worst.unwrap_or(Exit::Internal) {
        Exit::Done => Ok(()),
        exit => Err(CliError::Unwell { exit }),
    }
}

fn read_list(fs: &dyn Fs, path: &Path) -> Result<Vec<ListedLog>, CliError> {
    let len = fs.len(path)?;
    if len > MAX_LIST_BYTES {
        return Err(CliError::ListTooLong {
            path: path.to_owned(),
            len,
        });
    }
    let bytes = fs.read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    parse_list(&text).map_err(|source| CliError::List {
        path: path.to_owned(),
        source,
    })
}

fn lock(dir: &Path, command: &str) -> Result<DirLock, CliError> {
    if !dir.is_dir() {
        let dir = dir.to_owned();
        return Err(CliError::NoWitness { dir });
    }
    Ok(DirLock::take(
        dir,
        &format!("labelproof-witness {command}"),
    )?)
}

/// Prints a line and hands it on at once: whoever reads a pipe waits for it.
fn say(line: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(CliError::Output)
}

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error("{} is not empty; a witness gets a folder of its own", dir.display())]
    NotEmpty { dir: PathBuf },
    #[error("the system gives no random bytes")]
    NoRandomness,
    #[error("{text} is no log's key")]
    Vkey {
        text: String,
        #[source]
        fault: ListFault,
    },
    #[error("{}", path.display())]
    List { path: PathBuf, source: ListError },
    #[error("{} is {len} bytes long; a list is at most {MAX_LIST_BYTES}", path.display())]
    ListTooLong { path: PathBuf, len: u64 },
    #[error("{} holds a log's key; a witness has one of type 0x04", path.display())]
    NotACosigner { path: PathBuf },
    #[error("--{name} is missing, and no --config gives it")]
    Missing { name: &'static str },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Files(#[from] FsError),
    #[error(transparent)]
    Key(#[from] KeyFileError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    KnownLogs(#[from] KnownLogsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{} holds no witness; make one with `labelproof-witness init`", dir.display())]
    NoWitness { dir: PathBuf },
    #[error("cannot listen on {address}; free it, or give another with --listen")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the system gives no thread or no signal handler")]
    Start(#[source] std::io::Error),
    #[error("cannot print")]
    Output(#[source] std::io::Error),
    #[error("the thread that stores died; see above")]
    WriterDied,
    #[error("something is wrong; see above")]
    Unwell { exit: Exit },
}

impl CliError {
    fn exit(&self) -> Exit {
        match self {
            Self::NotEmpty { .. }
            | Self::Missing { .. }
            | Self::Config(_)
            | Self::Lock(_)
            | Self::NoWitness { .. }
            | Self::Listen { .. } => Exit::Usage,
            Self::Vkey { .. }
            | Self::List { .. }
            | Self::ListTooLong { .. }
            | Self::NotACosigner { .. }
            | Self::Key(_)
            | Self::KnownLogs(_) => Exit::Malformed,
            Self::Files(error) if error.is_not_found() => Exit::Usage,
            Self::Unwell { exit } => *exit,
            Self::NoRandomness
            | Self::Files(_)
            | Self::Store(_)
            | Self::Open(_)
            | Self::Start(_)
            | Self::Output(_)
            | Self::WriterDied => Exit::Internal,
        }
    }
}

const KEY_FILE: &str = "witness.key";

/// A hundred thousand logs, the largest list of the public network, are about 20 MB.
const MAX_LIST_BYTES: u64 = 64 * 1024 * 1024;
