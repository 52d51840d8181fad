//! The demo's monitor: a child that follows the log, and tells in the terminal what it finds.
//!
//! ```text
//! DIR/monitor.toml, watch.txt     what it watches
//! DIR/monitor/                    its folder
//! DIR/monitor.stderr              where it listens
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_tests::daemon::{Daemon, address_told};
use labelproof_tests::http::{get, post};
use labelproof_tests::programs::{Program, Programs};
use serde_json::Value;

use crate::say;
use crate::story::Mode;

/// A monitor that runs.
pub(crate) struct Monitor(Daemon);

impl Monitor {
    /// Starts it in `dir`.
    ///
    /// # Errors
    /// It did not start, with what it said.
    pub(crate) fn start(
        dir: &Path,
        programs: &Programs,
        trust: &Path,
        mode: Mode,
    ) -> io::Result<Self> {
        let (folder, config) = (dir.join("monitor"), config(dir));
        let args = [
            "run".as_ref(),
            "--trust".as_ref(),
            trust.as_os_str(),
            "--dir".as_ref(),
            folder.as_os_str(),
            "--config".as_ref(),
            config.as_os_str(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
        ];
        let args: Option<Vec<&str>> = args.into_iter().map(std::ffi::OsStr::to_str).collect();
        let args = args.ok_or_else(|| io::Error::other("the folder's name is not UTF-8"))?;
        let program = programs.path(Program::Monitor);
        Daemon::start_telling(&program, &args, &errors(dir), move |line| {
            // The last lines of a demo that ends are the commands; one that stays may say more.
            if mode == Mode::Stay {
                let alert: Value = serde_json::from_str(line).unwrap_or_default();
                let title = alert["title"].as_str().unwrap_or(line);
                // Nobody may be reading any more.
                let _ = say(format_args!("  the monitor tells: {title}"));
            }
        })
        .map(Self)
    }

    /// Where it answers over HTTP.
    pub(crate) fn url(&self) -> &str {
        self.0.url()
    }

    /// Stops it cleanly.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        self.0.stop().map(drop)
    }
}

/// Writes the configuration of a monitor that watches one label.
///
/// # Errors
/// What the file system says.
pub(crate) fn watch(dir: &Path, label: &str) -> io::Result<PathBuf> {
    let line = format!("label {label} kind label.revoke\n");
    fs::write(dir.join("watch.txt"), line)?;
    let config = config(dir);
    let text = "[follow]\npoll = \"1s\"\n\n[[watch]]\nname = \"mine\"\nfile = \"watch.txt\"\n";
    fs::write(&config, text)?;
    Ok(config)
}

/// Hands a head to the monitor of the demo in `dir`, which holds another one of that size.
///
/// # Errors
/// It says anything but that the log forked.
pub(crate) fn hand_in(dir: &Path, head: &SignedCheckpoint) -> io::Result<()> {
    let Some(url) = address_told(&errors(dir)) else {
        return say("This demo has no monitor that could be told.");
    };
    let (to, note) = (format!("{url}/v1/heads"), head.note().to_bytes());
    for _ in 0..MOST_TRIES {
        let Some(answer) = post(&to, &[], &note) else {
            return say(format_args!(
                "The monitor at {url} does not run any more; nobody is told."
            ));
        };
        let verdict = answer.json()["verdict"].clone();
        match (answer.status, verdict.as_str()) {
            (_, Some("forked")) => return told(&url),
            // It has not looked since the log published, or since it started; it looks each second.
            (503, _) | (_, Some("ahead")) => thread::sleep(BETWEEN_TRIES),
            _ => break,
        }
    }
    Err(io::Error::other("the monitor does not see the fork"))
}

fn told(url: &str) -> io::Result<()> {
    let page = get(&format!("{url}/v1/alerts?limit=1000"));
    let alerts = page
        .map(|page| page.json()["alerts"].clone())
        .unwrap_or_default();
    let mut alerts = alerts.as_array().into_iter().flatten();
    let fork = alerts.find(|alert| alert["rule"] == "fork");
    let fork = fork.ok_or_else(|| io::Error::other("the monitor does not tell of the fork"))?;
    say(format_args!(
        "The second is handed to the monitor at {url}, which follows the first. It alerts everybody:\n  {}",
        fork["title"].as_str().unwrap_or_default()
    ))
}

fn config(dir: &Path) -> PathBuf {
    dir.join("monitor.toml")
}

fn errors(dir: &Path) -> PathBuf {
    dir.join("monitor.stderr")
}

/// Half a minute.
const MOST_TRIES: u32 = 60;
const BETWEEN_TRIES: Duration = Duration::from_millis(500);
