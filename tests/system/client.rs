//! The command line against logs that are honest, old, silent or lying, each on paper.

mod answers;
mod bytes;
mod files;
pub(crate) mod offline;
mod publish;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use labelproof_core::time::Time;
use labelproof_host::clock::{Clock as _, SystemClock};
use labelproof_tests::network::Ended;
use labelproof_tests::paper_log::{PaperLog, policy};
use labelproof_tests::programs::{Program, Programs};
use labelproof_tests::world;
use serde_json::{Value, json};

const ACTIVE: &str = "jp.jc-star/EX-1";
const SUSPENDED: &str = "jp.jc-star/EX-2";
const REVOKED: &str = "jp.jc-star/EX-3";
const EXPIRED: &str = "jp.jc-star/EX-4";
const UNKNOWN: &str = "jp.jc-star/EX-9";
const SUBJECTS: [&str; 6] = [
    ACTIVE,
    SUSPENDED,
    REVOKED,
    EXPIRED,
    UNKNOWN,
    "authority:label.jp.example",
];

/// A folder with the programs, a trust file and whatever a test puts there.
pub(crate) struct Desk {
    dir: tempfile::TempDir,
    programs: Programs,
}

impl Desk {
    /// With a trust file for the log on paper, said to be at `url`.
    pub(crate) fn trusting(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let demo = Path::new(env!("CARGO_BIN_EXE_labelproof-demo"));
        let programs = Programs::link(demo, dir.path()).unwrap();
        let desk = Self { dir, programs };
        let genesis = labelproof_core::merkle::LeafHash::of_entry(&world::genesis());
        let trust =
            labelproof::trust::TrustFile::first(&world::origin(), genesis, &policy(url)).unwrap();
        desk.write("trust.toml", trust.as_bytes());
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// Runs `labelproof` in the folder.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ended {
        let mut command = self.command();
        let done = command.args(args).output().unwrap();
        Ended {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8(done.stdout).unwrap(),
            stderr: String::from_utf8(done.stderr).unwrap(),
        }
    }

    pub(crate) fn command(&self) -> Command {
        self.command_of(Program::Client)
    }

    /// Another program, to be run in the folder.
    pub(crate) fn command_of(&self, program: Program) -> Command {
        let mut command = Command::new(self.programs.path(program));
        command.current_dir(self.dir.path());
        command
            .env_remove("LABELPROOF_TRUST")
            .env_remove("LABELPROOF_LOG");
        command
    }

    fn status(&self, subject: &str) -> Ended {
        self.run(&["status", subject, "--trust", "trust.toml"])
    }
}

/// An open-ended label, so that no test ends with its validity.
pub(crate) fn issue(label: &str) -> Vec<u8> {
    issue_until(label, None)
}

fn issue_until(label: &str, until: Option<&str>) -> Vec<u8> {
    let mut draft = world::issue_draft(label);
    let body = draft["body"].as_object_mut().unwrap();
    body.remove("valid_until");
    if let Some(until) = until {
        body.insert("valid_until".into(), json!(until));
    }
    let kind = labelproof_core::event::Kind::LabelIssue;
    world::entry(kind, &draft, None, &[&world::key("label.jp.example")])
}

/// One label in each state, cosigned at `time`.
fn log_at(time: Time) -> PaperLog {
    let mut log = PaperLog::founded(time);
    log.append(&[
        issue(ACTIVE),
        issue(SUSPENDED),
        issue(REVOKED),
        issue_until(EXPIRED, Some("2026-03-01T00:00:00Z")),
    ]);
    log.append(&[
        world::suspend(SUSPENDED, "2026-05-11T08:00:00Z", None, "label.jp.example"),
        world::revoke(REVOKED, None, "label.jp.example"),
    ]);
    log
}

pub(crate) fn now() -> Time {
    SystemClock.now()
}

/// A fixed time for proofs in files, judged with `--at`.
pub(crate) fn then() -> Time {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

pub(crate) const AT: &str = "2026-11-01T12:00:00Z";

pub(crate) fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON object: {ended:?}"))
}
