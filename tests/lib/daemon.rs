//! A daemon of ours as a child process: started, found by the address it prints, stopped.
//!
//! The child's standard input is a pipe that only we hold: `labelproof-demo`, when it is
//! one of its own children, ends at the end of that pipe. So nothing outlives its parent,
//! not even one that was killed.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a daemon may take to print its address; a full start takes well under a second,
/// a busy machine ten times that.
const START_LIMIT: Duration = Duration::from_secs(60);

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Set for children, so that `labelproof-demo` knows to end with its standard input.
pub const CHILD_VARIABLE: &str = "LABELPROOF_DEMO_CHILD";

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    url: String,
    stderr: PathBuf,
}

impl Daemon {
    /// Starts `program` and waits for the line that holds its address.
    ///
    /// Its standard error goes to the file `stderr`, after what is there already.
    ///
    /// # Errors
    /// The program cannot be started, ended before it printed an address (its standard
    /// error is in the message), or printed none in 60 s.
    pub fn start(program: &Path, args: &[&str], stderr: &Path) -> io::Result<Self> {
        let (sender, addresses) = mpsc::channel();
        let on_line = move |line: &str| {
            if let Some(url) = address_in(line) {
                let _ = sender.send(url.to_owned());
            }
        };
        Self::spawn(program, args, stderr, on_line, || {
            addresses.recv_timeout(START_LIMIT).ok()
        })
    }

    /// The same for one whose standard output is what it tells, a line each to `on_line`: its address is on standard
    /// error.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn start_telling(
        program: &Path,
        args: &[&str],
        stderr: &Path,
        on_line: impl FnMut(&str) + Send + 'static,
    ) -> io::Result<Self> {
        let until = Instant::now() + START_LIMIT;
        Self::spawn(program, args, stderr, on_line, || {
            while Instant::now() < until {
                if let Some(url) = address_told(stderr) {
                    return Some(url);
                }
                // A file tells nobody that it grew.
                std::thread::sleep(BETWEEN_LOOKS);
            }
            None
        })
    }

    fn spawn(
        program: &Path,
        args: &[&str],
        stderr: &Path,
        mut on_line: impl FnMut(&str) + Send + 'static,
        address: impl FnOnce() -> Option<String>,
    ) -> io::Result<Self> {
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(stderr)?;
        let mut child = Command::new(program)
            .args(args)
            .env(CHILD_VARIABLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()?;
        let stdout = child.stdout.take().expect("standard output is piped");
        std::thread::spawn(move || {
            // Read to the end, so that the daemon never blocks on a full pipe.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                on_line(&line);
            }
        });
        if let Some(url) = address() {
            return Ok(Self {
                child,
                url,
                stderr: stderr.to_owned(),
            });
        }
        let _ = child.kill();
        let status = child.wait()?;
        let said = std::fs::read_to_string(stderr).unwrap_or_default();
        Err(io::Error::other(format!(
            "{} printed no address ({status}); it said:\n{said}",
            program.display()
        )))
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same without the scheme: `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error since the file was made.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Ends it at once (`SIGKILL`), as a power cut would end the process.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Asks it to stop (`SIGTERM`) and waits.
    ///
    /// # Errors
    /// What the system says.
    pub fn stop(&mut self) -> io::Result<ExitStatus> {
        self.signal("TERM")?;
        self.wait()
    }

    /// Sends it a signal by name (`STOP`, `CONT`, `TERM`), with the `kill` of the shell.
    ///
    /// # Errors
    /// What the system says.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let id = self.child.id();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {id}")])
            .status()?;
        sent.success()
            .then_some(())
            .ok_or_else(|| io::Error::other(format!("kill -{name} {id} failed")))
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        // Waiting on a child closes its standard input, which would end it before it ends by itself.
        let _kept_open = self.child.stdin.take();
        self.child.wait()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The newest address that a daemon told in this file, if it told one.
#[must_use]
pub fn address_told(stderr: &Path) -> Option<String> {
    let said = std::fs::read_to_string(stderr).ok()?;
    let mut lines = said.lines().filter(|line| line.contains("listening on"));
    lines
        .next_back()
        .and_then(address_in)
        .map(ToOwned::to_owned)
}

/// The `http://…` address in a line a daemon printed.
fn address_in(line: &str) -> Option<&str> {
    let start = line.find("http://")?;
    let rest = &line[start..];
    Some(
        rest.split_whitespace()
            .next()
            .unwrap_or(rest)
            .trim_end_matches(['/', ',', '.', '"']),
    )
}
