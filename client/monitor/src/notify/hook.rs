//! A program of the operator, started for each alert.
//!
//! ```text
//! argv      as in the configuration; no shell sees it, and nothing of the alert is in it
//! stdin     the alert, one line of JSON
//! env       PATH, HOME, LANG, TZ of the monitor and nothing else of it;
//!           LABELPROOF_ALERT_ID, _NUMBER, _RULE, _SEVERITY, _ORIGIN
//! exit      0: taken; anything else, or too late: again
//! ```
//! Started in a process group of its own, which is killed when the time is over, children and all.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;

use super::Outcome;
use crate::alert::Numbered;

/// A program and how long it may take.
#[derive(Clone, Debug)]
pub struct Hook {
    program: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
}

impl Hook {
    /// The program, its arguments, and how long each run may take.
    #[must_use]
    pub fn new(program: OsString, arguments: Vec<OsString>, timeout: Duration) -> Self {
        Self {
            program,
            arguments,
            timeout,
        }
    }

    /// What tells it from another hook under the same name.
    pub(crate) fn target(&self) -> String {
        format!("{:?} {:?}", self.program, self.arguments)
    }

    pub(crate) fn send(&self, alert: &Numbered) -> Result<(), HookError> {
        let mut child = self
            .command(alert)
            .spawn()
            .map_err(|source| HookError::NotStarted {
                program: self.program.to_string_lossy().into_owned(),
                source,
            })?;
        let stdin = child.stdin.take();
        let line = format!("{}\n", alert.to_json());
        // Threads: a hook that reads nothing, or says much, must not hold this one up past the time.
        thread::spawn(move || {
            if let Some(mut stdin) = stdin {
                // Whether it wanted the line, its exit code says.
                let _ = stdin.write_all(line.as_bytes());
            }
        });
        let stderr = child.stderr.take();
        let (said, hears) = mpsc::channel();
        thread::spawn(move || {
            if let Some(stderr) = stderr {
                let _ = said.send(first_words(stderr));
            }
        });
        let status = match self.wait(&mut child) {
            Ok(Some(status)) => status,
            Ok(None) => {
                kill(&mut child);
                return Err(HookError::TooLong {
                    seconds: self.timeout.as_secs(),
                });
            }
            Err(source) => {
                kill(&mut child);
                return Err(HookError::Lost(source));
            }
        };
        if status.success() {
            return Ok(());
        }
        // A grandchild may still hold the pipe open.
        let said = hears.recv_timeout(LAST_WORDS).unwrap_or_default();
        Err(match (status.code(), status.signal()) {
            (Some(code), _) => HookError::Failed { code, said },
            (None, signal) => HookError::Killed {
                signal: signal.unwrap_or_default(),
                said,
            },
        })
    }

    fn command(&self, numbered: &Numbered) -> Command {
        let alert = numbered.alert();
        let origin = alert.origin().map(ToString::to_string).unwrap_or_default();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear();
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("LABELPROOF_ALERT_ID", alert.id().to_string())
            .env("LABELPROOF_ALERT_NUMBER", numbered.number().to_string())
            .env("LABELPROOF_ALERT_RULE", alert.rule().to_string())
            .env("LABELPROOF_ALERT_SEVERITY", alert.severity().to_string())
            .env("LABELPROOF_ALERT_ORIGIN", origin)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    fn wait(&self, child: &mut Child) -> io::Result<Option<std::process::ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() >= self.timeout {
                return Ok(None);
            }
            thread::sleep(LOOK.min(self.timeout));
        }
    }
}

fn kill(child: &mut Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // Not waited for yet, so nobody else can have its number.
    if pid.is_none_or(|pid| kill_process_group(pid, Signal::KILL).is_err()) {
        let _ = child.kill();
    }
    let _ = child.wait();
}

/// The first line of what it says, without what a terminal would obey; the rest is read and dropped.
fn first_words(mut from: impl Read) -> String {
    let mut words = Vec::new();
    let _ = from.by_ref().take(MAX_WORDS).read_to_end(&mut words);
    let _ = io::copy(&mut from, &mut io::sink());
    let words = String::from_utf8_lossy(&words);
    let line = words.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).collect()
}

/// Why a hook did not take an alert.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HookError {
    /// It is not there, or cannot be run.
    #[error("cannot start {program}")]
    NotStarted {
        /// Which program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended with another code than 0.
    #[error("exit code {code}: {said}")]
    Failed {
        /// Which.
        code: i32,
        /// The first line it wrote to standard error.
        said: String,
    },
    /// A signal ended it.
    #[error("ended by signal {signal}: {said}")]
    Killed {
        /// Which.
        signal: i32,
        /// The first line it wrote to standard error.
        said: String,
    },
    /// It ran longer than it may, and was killed.
    #[error("not done after {seconds} s, and killed")]
    TooLong {
        /// How long it may run.
        seconds: u64,
    },
    /// The system does not say how it ended.
    #[error("nobody knows how it ended")]
    Lost(#[source] io::Error),
}

impl HookError {
    pub(crate) fn outcome(&self) -> Outcome {
        // Which alert it was may matter to a program, or not: it is asked again with this one, then with others.
        Outcome::Down { after: None }
    }
}

/// What programs need to find others, files, words and hours; the monitor's own variables may be secret.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// A line of a log.
const MAX_WORDS: u64 = 300;

/// Far below what a hook takes to start.
const LOOK: Duration = Duration::from_millis(10);

/// It wrote them before it ended; only the scheduler is between.
const LAST_WORDS: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::{alert, titled};

    fn hook(script: &str, timeout_ms: u64) -> Hook {
        let arguments = ["-c", script].map(OsString::from).to_vec();
        Hook::new(
            "/bin/sh".into(),
            arguments,
            Duration::from_millis(timeout_ms),
        )
    }

    #[test]
    fn a_hook_gets_the_alert_and_little_of_our_environment() {
        let dir = tempfile::tempdir().unwrap();
        let (line, env) = (dir.path().join("line"), dir.path().join("env"));
        let script = format!("cat > {}; env > {}", line.display(), env.display());
        hook(&script, 20_000).send(&alert(7)).unwrap();
        let got = std::fs::read_to_string(line).unwrap();
        assert_eq!(got, format!("{}\n", alert(7).to_json()));
        let env = std::fs::read_to_string(env).unwrap();
        for want in [
            "LABELPROOF_ALERT_NUMBER=7\n",
            "LABELPROOF_ALERT_RULE=watch:recalls\n",
            "LABELPROOF_ALERT_SEVERITY=warning\n",
        ] {
            assert!(env.contains(want), "{env}");
        }
        // Cargo gives its tests this one; a hook has no use for it.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        assert!(!env.contains("CARGO_MANIFEST_DIR"), "{env}");
    }

    #[test]
    fn nothing_of_an_alert_is_ever_read_by_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let witness = dir.path().join("x");
        let hook = Hook::new("/bin/cat".into(), vec![], Duration::from_secs(20));
        let evil = titled(&format!(
            "$(touch {0}); `touch {0}` | touch {0}",
            witness.display()
        ));
        hook.send(&evil).unwrap();
        assert!(!witness.exists());
    }

    #[test]
    fn a_hook_that_fails_is_heard() {
        let error = hook(
            "echo 'pager \u{1b}[2Jis off' >&2; echo more >&2; exit 3",
            20_000,
        )
        .send(&alert(1))
        .unwrap_err();
        assert_eq!(error.to_string(), "exit code 3: pager [2Jis off");
        let error = hook("kill -9 $$", 20_000).send(&alert(1)).unwrap_err();
        assert!(
            matches!(error, HookError::Killed { signal: 9, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_hook_that_is_not_there_is_named() {
        let hook = Hook::new("/none/pager".into(), vec![], Duration::from_secs(1));
        let error = hook.send(&alert(1)).unwrap_err();
        assert_eq!(error.to_string(), "cannot start /none/pager");
    }

    #[test]
    fn a_hook_that_hangs_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", file.display());
        let start = Instant::now();
        let error = hook(&script, 700).send(&alert(1)).unwrap_err();
        assert!(matches!(error, HookError::TooLong { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(60));
        let pid = std::fs::read_to_string(&file).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        let gone = || rustix::process::test_kill_process(pid).is_err() || is_zombie(pid);
        let until = Instant::now() + Duration::from_secs(20);
        while !gone() && Instant::now() < until {
            thread::yield_now();
        }
        assert!(gone(), "the child of the hook lives on");
    }

    /// Dead, and nobody asked for its code yet.
    fn is_zombie(pid: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        stat.is_ok_and(|stat| stat.contains(") Z "))
    }

    #[test]
    fn a_hook_that_reads_nothing_or_says_much_is_no_trouble() {
        let long = titled(&"x".repeat(200_000));
        hook("exit 0", 20_000).send(&long).unwrap();
        let error = hook("head -c 1000000 /dev/zero >&2; exit 1", 20_000)
            .send(&long)
            .unwrap_err();
        assert!(
            matches!(error, HookError::Failed { code: 1, .. }),
            "{error}"
        );
    }
}
