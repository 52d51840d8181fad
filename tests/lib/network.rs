//! A log and seven witnesses in processes of their own, under one folder.
//!
//! ```text
//! dir/bin/…                 the programs
//! dir/genesis.note          entry 0
//! dir/log/                  the log's folder        dir/log.stderr
//! dir/witness/<code>/       a witness's folder      dir/witness/<code>.stderr
//! dir/g7.policy             quorum 5 of 7, with the witnesses' addresses
//! dir/trust.toml            made by `labelproof trust init`
//! ```
//! Everything is done by running the programs, as an operator would.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use labelproof_core::merkle::LeafHash;

use crate::daemon::Daemon;
use crate::http::{self, Answer};
use crate::programs::{Program, Programs};
use crate::world;

/// The network; its processes end when it is dropped.
#[derive(Debug)]
pub struct Network {
    dir: PathBuf,
    programs: Programs,
    witnesses: Vec<WitnessNode>,
    log: Option<Daemon>,
    log_vkey: String,
    log_address: String,
    batch_interval: String,
    genesis: LeafHash,
}

/// One witness: its folder, its key, and the process while it runs.
#[derive(Debug)]
struct WitnessNode {
    code: &'static str,
    vkey: String,
    address: String,
    daemon: Option<Daemon>,
}

/// What a program said when it ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ended {
    /// Exit code; −1 if a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Network {
    /// Makes all folders and keys, starts witnesses and log, logs [`world::foundation`] and makes a trust file.
    ///
    /// `demo` is the program `labelproof-demo`; `dir` is made.
    ///
    /// # Errors
    /// A program that failed, with what it said.
    pub fn start(demo: &Path, dir: &Path) -> io::Result<Self> {
        Self::start_with(demo, dir, BATCH_INTERVAL)
    }

    /// The same with another time between two batches of the log.
    ///
    /// # Errors
    /// A program that failed, with what it said.
    pub fn start_with(demo: &Path, dir: &Path, batch_interval: &str) -> io::Result<Self> {
        let mut network = Self::lay_out(demo, dir)?;
        batch_interval.clone_into(&mut network.batch_interval);
        for code in world::WITNESSES {
            network.start_witness(code)?;
        }
        network.write_policy()?;
        network.start_log()?;
        network.wait_until_ready();
        network.submit_all(&world::foundation())?;
        network.make_trust()?;
        Ok(network)
    }

    /// Makes folders and keys only; nothing runs.
    ///
    /// # Errors
    /// A program that failed, with what it said.
    pub fn lay_out(demo: &Path, dir: &Path) -> io::Result<Self> {
        Self::lay_out_with(demo, dir, &world::genesis())
    }

    /// Makes folders and keys for a log that begins with `entry_0`.
    ///
    /// # Errors
    /// A program that failed, with what it said.
    pub fn lay_out_with(demo: &Path, dir: &Path, entry_0: &[u8]) -> io::Result<Self> {
        std::fs::create_dir_all(dir.join("witness"))?;
        let programs = Programs::link(demo, dir)?;
        let genesis = dir.join("genesis.note");
        std::fs::write(&genesis, entry_0)?;
        let mut network = Self {
            dir: dir.to_owned(),
            programs,
            witnesses: Vec::new(),
            log: None,
            log_vkey: String::new(),
            log_address: "127.0.0.1:0".to_owned(),
            batch_interval: BATCH_INTERVAL.to_owned(),
            genesis: LeafHash::of_entry(entry_0),
        };
        let log_dir = network.log_dir();
        let made = network.must_run(
            Program::Log,
            &[
                OsStr::new("init"),
                OsStr::new("--origin"),
                OsStr::new(world::ORIGIN),
                OsStr::new("--dir"),
                log_dir.as_os_str(),
                OsStr::new("--genesis"),
                genesis.as_os_str(),
            ],
        )?;
        network.log_vkey = vkey_in(&made)?;
        for code in world::WITNESSES {
            let folder = network.witness_dir(code);
            let name = format!("witness.{code}.example");
            let dir_flag = [OsStr::new("--dir"), folder.as_os_str()];
            let made = network.must_run(
                Program::Witness,
                &[
                    &[OsStr::new("init"), OsStr::new("--name"), OsStr::new(&name)],
                    &dir_flag[..],
                ]
                .concat(),
            )?;
            let vkey = vkey_in(&made)?;
            network.must_run(
                Program::Witness,
                &[
                    &[OsStr::new("logs"), OsStr::new("add")],
                    &dir_flag[..],
                    &[OsStr::new(&network.log_vkey)],
                ]
                .concat(),
            )?;
            let address = "127.0.0.1:0".to_owned();
            network.witnesses.push(WitnessNode {
                code,
                vkey,
                address,
                daemon: None,
            });
        }
        Ok(network)
    }

    /// Starts a witness; again at the address it had, once it had one.
    ///
    /// # Errors
    /// It did not start, with what it said.
    pub fn start_witness(&mut self, code: &str) -> io::Result<()> {
        let dir = self.witness_dir(code);
        let stderr = self.dir.join("witness").join(format!("{code}.stderr"));
        let program = self.programs.path(Program::Witness);
        let node = self.node(code);
        let args = [
            "serve",
            "--dir",
            path_text(&dir)?,
            "--listen",
            &node.address,
        ];
        let daemon = Daemon::start(&program, &args, &stderr)?;
        daemon.address().clone_into(&mut node.address);
        node.daemon = Some(daemon);
        Ok(())
    }

    /// Kills a witness with −9.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill_witness(&mut self, code: &str) -> io::Result<()> {
        if let Some(mut daemon) = self.node(code).daemon.take() {
            daemon.kill()?;
        }
        Ok(())
    }

    /// A running witness.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn witness(&self, code: &str) -> &Daemon {
        let node = self.witnesses.iter().find(|node| node.code == code);
        node.and_then(|node| node.daemon.as_ref())
            .expect("the witness runs")
    }

    fn node(&mut self, code: &str) -> &mut WitnessNode {
        let found = self.witnesses.iter_mut().find(|node| node.code == code);
        found.expect("the code is one of the seven")
    }

    /// Starts the log; again at the address it had, once it had one.
    ///
    /// # Errors
    /// It did not start, with what it said.
    pub fn start_log(&mut self) -> io::Result<()> {
        self.start_log_under(&[])
    }

    /// The same as the last words of another program's command line, such as `strace -f`.
    ///
    /// # Errors
    /// It did not start, with what it said.
    pub fn start_log_under(&mut self, command: &[&str]) -> io::Result<()> {
        let (dir, policy) = (self.log_dir(), self.policy());
        let program = self.programs.path(Program::Log);
        let words = [
            path_text(&program)?,
            "serve",
            "--dir",
            path_text(&dir)?,
            "--listen",
            &self.log_address,
            "--policy",
            path_text(&policy)?,
            "--batch-interval",
            &self.batch_interval,
        ];
        let all = [command, &words[..]].concat();
        let (first, args) = all.split_first().expect("the words are not empty");
        let daemon = Daemon::start(Path::new(first), args, &self.dir.join("log.stderr"))?;
        daemon.address().clone_into(&mut self.log_address);
        self.log = Some(daemon);
        Ok(())
    }

    /// Waits until the log takes events: it has heard from enough witnesses and has its index.
    ///
    /// # Panics
    /// If the log ended, or is not ready in a minute; then with what it says it lacks.
    pub fn wait_until_ready(&self) {
        for _ in 0..MOST_LOOKS {
            if self.get("/readyz").status == 200 {
                return;
            }
            // Readiness comes from other processes and is told by nobody: it has to be looked for.
            std::thread::sleep(BETWEEN_LOOKS);
        }
        panic!("the log is not ready: {}", self.get("/readyz").text());
    }

    /// Kills the log with −9.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill_log(&mut self) -> io::Result<()> {
        if let Some(mut daemon) = self.log.take() {
            daemon.kill()?;
        }
        Ok(())
    }

    /// The running log.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn log(&self) -> &Daemon {
        self.log.as_ref().expect("the log runs")
    }

    /// Takes the log's process out, to wait for its end or to stop it.
    pub fn take_log(&mut self) -> Option<Daemon> {
        self.log.take()
    }

    /// Asks every process to stop, the log first, and waits for each.
    ///
    /// # Errors
    /// What the system says.
    pub fn stop(mut self) -> io::Result<()> {
        let log = self.log.take();
        let witnesses = self
            .witnesses
            .iter_mut()
            .filter_map(|node| node.daemon.take());
        for mut daemon in log.into_iter().chain(witnesses) {
            daemon.stop()?;
        }
        Ok(())
    }

    /// Where the log listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn log_url(&self) -> String {
        format!("http://{}", self.log_address)
    }

    /// The log's folder.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// A witness's folder.
    #[must_use]
    pub fn witness_dir(&self, code: &str) -> PathBuf {
        self.dir.join("witness").join(code)
    }

    /// The folder that holds everything.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The programs, as links.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The log's verifier key.
    #[must_use]
    pub fn log_vkey(&self) -> &str {
        &self.log_vkey
    }

    /// The policy file of log and clients.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.dir.join("g7.policy")
    }

    /// The trust file of the client.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.dir.join("trust.toml")
    }

    /// Writes the policy: this log, the witnesses with their addresses, 5 of 7.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_policy(&self) -> io::Result<()> {
        let mut text = format!("log {}\n", self.log_vkey);
        let mut names = String::new();
        for WitnessNode {
            code,
            vkey,
            address,
            ..
        } in &self.witnesses
        {
            text.push_str(&format!("witness {code} {vkey} http://{address}\n"));
            names.push_str(&format!(" {code}"));
        }
        text.push_str(&format!("group g7 5{names}\nquorum g7\n"));
        std::fs::write(self.policy(), text)
    }

    /// Makes the trust file with `labelproof trust init`.
    ///
    /// # Errors
    /// The program failed, with what it said.
    pub fn make_trust(&self) -> io::Result<()> {
        let genesis = self.genesis.to_string();
        let (policy, trust) = (self.policy(), self.trust());
        let url = self.log_url();
        let args = ["trust", "init", "--log", &url, "--genesis", &genesis];
        let files = ["--policy", path_text(&policy)?, "--out", path_text(&trust)?];
        self.must_run(Program::Client, &[&args[..], &files[..]].concat())?;
        Ok(())
    }

    /// Sends an event and waits for the witnessed proof.
    ///
    /// # Panics
    /// If the log does not answer.
    #[must_use]
    pub fn submit(&self, entry: &[u8]) -> Answer {
        let url = format!("{}/v1/events", self.log_url());
        http::post(&url, &[], entry).expect("the log answers")
    }

    /// Sends an event and takes the receipt, which promises no more than durability.
    ///
    /// # Panics
    /// If the log does not answer.
    #[must_use]
    pub fn submit_async(&self, entry: &[u8]) -> Answer {
        let url = format!("{}/v1/events", self.log_url());
        http::post(&url, &[("Prefer", "respond-async")], entry).expect("the log answers")
    }

    /// Sends events in order and waits for the last to be witnessed.
    ///
    /// # Errors
    /// The first answer that is none of 200, 201, 202.
    pub fn submit_all(&self, entries: &[Vec<u8>]) -> io::Result<()> {
        let (last, others) = entries.split_last().expect("there is an event to send");
        let answers = others.iter().map(|entry| self.submit_async(entry));
        for answer in answers.chain(std::iter::once_with(|| self.submit(last))) {
            if !matches!(answer.status, 200..=202) {
                return Err(io::Error::other(format!(
                    "{}: {}",
                    answer.status,
                    answer.text()
                )));
            }
        }
        Ok(())
    }

    /// Asks the log for a path that begins with `/`.
    ///
    /// # Panics
    /// If the log does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        http::get(&format!("{}{path}", self.log_url())).expect("the log answers")
    }

    /// Runs the client and gives what it said; `LABELPROOF_TRUST` and `LABELPROOF_LOG` are set.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn client<S: AsRef<OsStr>>(&self, args: &[S]) -> Ended {
        let mut command = self.command(Program::Client);
        command
            .args(args)
            .env("LABELPROOF_TRUST", self.trust())
            .env("LABELPROOF_LOG", self.log_url());
        ended(&mut command).expect("the client starts")
    }

    /// A program, to be run in the network's folder.
    #[must_use]
    pub fn command(&self, program: Program) -> Command {
        let mut command = Command::new(self.programs.path(program));
        command.current_dir(&self.dir);
        command
    }

    fn must_run<S: AsRef<OsStr>>(&self, program: Program, args: &[S]) -> io::Result<String> {
        let said = ended(self.command(program).args(args))?;
        if said.code == 0 {
            return Ok(said.stdout);
        }
        Err(io::Error::other(format!(
            "{} exited with {}: {}",
            program.name(),
            said.code,
            said.stderr
        )))
    }
}

fn ended(command: &mut Command) -> io::Result<Ended> {
    let output = command.output()?;
    Ok(Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn path_text(path: &Path) -> io::Result<&str> {
    path.to_str()
        .ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))
}

/// The verifier key that `init` printed.
fn vkey_in(stdout: &str) -> io::Result<String> {
    let mut words = stdout.split_whitespace();
    let vkey = words.find(|word| word.matches('+').count() >= 2);
    vkey.map(ToOwned::to_owned)
        .ok_or_else(|| io::Error::other(format!("no verifier key in {stdout:?}")))
}

/// A start takes tens of milliseconds, on a machine full of tests some seconds.
const MOST_LOOKS: usize = 3_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Short, so that a test that waits for a witnessed head waits for little.
const BATCH_INTERVAL: &str = "100ms";
