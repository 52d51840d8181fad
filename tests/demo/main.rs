//! The whole network on this machine: `labelproof-demo`, and the programs it is made of.
//!
//! One file is all of them. Started under its own name it lays out a log, seven witnesses, a monitor and
//! two hundred invented labels, checks a few, and says what a person can try; started as
//! `labelproof`, `labelproof-log`, `labelproof-witness` or `labelproof-monitor` (links in `DIR/bin`), it is that
//! program. Child processes end with the demo, also when it is killed.

use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, io, thread};

use clap::Parser;
use labelproof_host::exit::Exit;
use labelproof_host::shutdown::Shutdown;
use labelproof_tests::daemon::CHILD_VARIABLE;
use labelproof_tests::programs::Program;

mod assortment;
mod check;
mod labels;
mod lie;
mod monitor;
mod publish;
mod registry;
mod story;
mod tour;

/// A whole network on this machine: a log, seven witnesses, a monitor, two hundred invented labels.
///
/// Prints what it does as it does it, and ends with nine commands to try in another terminal.
/// Ctrl-C stops everything.
#[derive(Debug, Parser)]
#[command(
    name = "labelproof-demo",
    version,
    after_help = "Example: labelproof-demo --once",
    args_conflicts_with_subcommands = true
)]
struct Args {
    #[command(subcommand)]
    command: Option<Instead>,
    /// Run the nine commands as printed, then stop; exits with 0 if each did what it says.
    #[arg(long)]
    once: bool,
    /// Where everything goes, and stays; a folder that goes with the demo if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What it does instead of bringing a network up.
#[derive(Debug, clap::Subcommand)]
enum Instead {
    /// Lie with the log key of a demo that is up, and watch the lie being proved.
    ///
    /// Signs a second list of the same size in which a label was never revoked, hands it to the demo's monitor, makes
    /// evidence of the two heads, and runs `labelproof verify` on it. The log that runs goes on as it was.
    #[command(after_help = "Example: labelproof-demo lie --dir demo")]
    Lie {
        /// The folder that the demo was started with.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let name = env::args_os().next().unwrap_or_default();
    let Some(program) = Program::of_argv0(Path::new(&name)) else {
        let args = Args::parse();
        return match args.command {
            None => demo(args),
            Some(Instead::Lie { dir }) => match lie::tell(&dir) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            },
        };
    };
    if env::var_os(CHILD_VARIABLE).is_some() {
        end_with_parent();
    }
    match program {
        Program::Client => labelproof_cli::main(env::args_os()),
        Program::Log => labelproof_log::cli::main(env::args_os()),
        Program::Witness => labelproof_witness::cli::main(env::args_os()),
        Program::Monitor => labelproof_monitor::cli::main(env::args_os()),
    }
}

/// Ends this process when its parent lets go of the pipe at standard input, however it died.
fn end_with_parent() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
}

/// Tells the story in a thread of its own, so that a signal is answered at any time.
fn demo(args: Args) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let folder = match Folder::take(args.dir) {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::Usage.into();
        }
    };
    let (sender, mut told) = tokio::sync::oneshot::channel();
    let dir = folder.path().to_owned();
    let mode = if args.once {
        story::Mode::Once
    } else {
        story::Mode::Stay
    };
    let keeping = match folder {
        Folder::Kept(_) => story::Keeping::Kept,
        Folder::Passing(_) => story::Keeping::Passing,
    };
    thread::spawn(move || {
        // Nobody listens any more after a signal; the story then ends with its processes.
        let _ = sender.send(story::tell(&dir, keeping, mode));
    });
    let code = runtime.block_on(async {
        let mut shutdown = match Shutdown::listen() {
            Ok(shutdown) => shutdown,
            Err(error) => return failed(&error),
        };
        tokio::select! {
            // Who read the last line and interrupts has a story that is about to come: its processes are stopped in order.
            () = shutdown.requested() => match tokio::time::timeout(LAST_WORDS, &mut told).await {
                Ok(Ok(Ok(story))) => story.stop(),
                _ => ExitCode::SUCCESS,
            },
            outcome = &mut told => match outcome {
                Ok(Ok(story)) => stay(story, mode, &mut shutdown).await,
                Ok(Err(error)) => failed(&error),
                Err(_) => ExitCode::FAILURE,
            },
        }
    });
    drop(folder);
    code
}

/// From the last line to the end of the thread that wrote it.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

async fn stay(story: story::Story, mode: story::Mode, shutdown: &mut Shutdown) -> ExitCode {
    if mode == story::Mode::Stay {
        shutdown.requested().await;
    }
    story.stop()
}

/// Prints a line; that nobody reads any more is an error like another.
fn say(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
}

fn failed(error: &io::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// Where a demo lives.
enum Folder {
    /// Given by the person; stays.
    Kept(PathBuf),
    /// Goes with the demo.
    Passing(tempfile::TempDir),
}

impl Folder {
    fn take(dir: Option<PathBuf>) -> io::Result<Folder> {
        let Some(dir) = dir else {
            return tempfile::Builder::new()
                .prefix("labelproof-")
                .tempdir()
                .map(Folder::Passing);
        };
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", dir.display()));
        std::fs::create_dir_all(&dir).map_err(named)?;
        if std::fs::read_dir(&dir)?.next().is_some() {
            let what = format!(
                "{} is not empty; a demo gets a folder of its own",
                dir.display()
            );
            return Err(io::Error::other(what));
        }
        dir.canonicalize().map(Folder::Kept).map_err(named)
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Kept(dir) => dir,
            Folder::Passing(dir) => dir.path(),
        }
    }
}
