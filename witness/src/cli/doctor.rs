//! `doctor`: looks at a witness's folder and says in plain words what is wrong and what to do.
//!
//! ```text
//! ok     key            witness.example/w1+…
//! ok     store          3 logs, all verified
//! wrong  clock          signed a time 4000 s ahead of now; clients will not count it until then. Set the clock right
//! ```
//! It changes nothing but what every start changes, and needs the folder for itself.

use std::path::Path;
use std::sync::Arc;

use labelproof_core::cosignature::CosignatureTime;
use labelproof_core::key::KeyType;
use labelproof_host::clock::Clock;
use labelproof_host::exit::Exit;
use labelproof_host::fs::Fs;
use labelproof_host::keyfile;
use labelproof_host::logging::causes;

use super::KEY_FILE;
use crate::known_logs::KnownLogs;
use crate::store::{Store, StoreError};
use crate::witness::EVIDENCE_DIR;

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    what: &'static str,
    exit: Exit,
    sentence: String,
}

impl Finding {
    fn ok(what: &'static str, sentence: impl Into<String>) -> Self {
        Self::wrong(what, Exit::Done, sentence)
    }

    fn wrong(what: &'static str, exit: Exit, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self {
            what,
            exit,
            sentence,
        }
    }

    /// What the program should end with for this alone.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The finding as people read it.
    pub(super) fn line(&self) -> String {
        let word = if self.exit == Exit::Done {
            "ok"
        } else {
            "wrong"
        };
        format!("{word:<6} {:<14} {}", self.what, self.sentence)
    }
}

/// Looks at everything; one finding each, also behind one that is wrong.
pub(super) fn examine(fs: &Arc<dyn Fs>, dir: &Path, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = vec![key(dir)];
    match KnownLogs::load(fs.as_ref(), dir) {
        Ok(known) => {
            findings.push(lists(&known));
            findings.extend(store(fs, dir, &known, clock));
        }
        Err(error) => {
            let sentence = format!("{}. Restore the file, or correct the line", causes(&error));
            findings.push(Finding::wrong("lists of logs", Exit::Malformed, sentence));
        }
    }
    findings.push(evidence(fs.as_ref(), dir));
    findings
}

fn key(dir: &Path) -> Finding {
    let path = dir.join(KEY_FILE);
    match keyfile::read(&path) {
        Ok(key) if key.vkey().key_type() == KeyType::Cosignature => {
            Finding::ok("key", key.vkey().to_string())
        }
        Ok(_) => {
            let sentence = "is a log's key, not a cosigner's. Put the witness's own key back";
            Finding::wrong("key", Exit::Malformed, sentence)
        }
        Err(error) => Finding::wrong("key", Exit::Malformed, causes(&error)),
    }
}

fn lists(known: &KnownLogs) -> Finding {
    let (active, retired) = (known.active().len(), known.retired().len());
    if active == 0 {
        let sentence = "no log is known, every request gets 404. Run `labelproof-witness logs add`";
        return Finding::wrong("lists of logs", Exit::Usage, sentence);
    }
    Finding::ok(
        "lists of logs",
        format!("{active} active, {retired} retired"),
    )
}

fn store(fs: &Arc<dyn Fs>, dir: &Path, known: &KnownLogs, clock: &dyn Clock) -> Vec<Finding> {
    match Store::open(fs, dir, known) {
        Ok(store) => {
            let records = store.records().count();
            let sentence = format!("what was cosigned for {records} logs is whole and verified");
            vec![Finding::ok("store", sentence), times(&store, clock)]
        }
        Err(error) => {
            let remedy = match &error {
                StoreError::Missing { .. } => {
                    "Without its state this witness could sign a fork of that log: restore the state, or \
                     retire the log and give it a new witness"
                }
                StoreError::Empty { .. } | StoreError::Io(_) => {
                    "Restore the newest state, or retire this witness and make a new one"
                }
                _ => "Nothing is signed from it: restore the newest state, or make a new witness",
            };
            let sentence = format!("{}. {remedy}", causes(&error));
            vec![Finding::wrong("store", Exit::Internal, sentence)]
        }
    }
}

fn times(store: &Store, clock: &dyn Clock) -> Finding {
    let now = clock.now().unix();
    let latest = store.latest_time().map_or(0, CosignatureTime::unix);
    let ahead = latest.saturating_sub(now);
    if ahead > MAX_AHEAD_SECONDS {
        let sentence = format!(
            "a time {ahead} s ahead of now was signed, and none before it will be; clients do not count \
             that. Set the clock right; if it is right, make a new witness"
        );
        return Finding::wrong("clock", Exit::Internal, sentence);
    }
    Finding::ok("clock", format!("{} UTC", clock.now()))
}

fn evidence(fs: &dyn Fs, dir: &Path) -> Finding {
    let dir = dir.join(EVIDENCE_DIR);
    let files = match fs.exists(&dir) {
        Ok(false) => Ok(Vec::new()),
        Ok(true) => fs.list(&dir),
        Err(error) => Err(error),
    };
    match files {
        Ok(files) if files.is_empty() => Finding::ok("evidence", "no log was seen to sign a fork"),
        Ok(files) => {
            let sentence = format!(
                "a log signed a fork, proved by {} in {}. Publish the file, retire the log",
                files.join(", "),
                dir.display()
            );
            Finding::wrong("evidence", Exit::LogMisbehaved, sentence)
        }
        Err(error) => Finding::wrong("evidence", Exit::Internal, causes(&error)),
    }
}

/// What clients still count (`core::policy`).
const MAX_AHEAD_SECONDS: u64 = 300;
