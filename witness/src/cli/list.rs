//! `logs list`: what a witness knows, for people and for programs.
//!
//! ```text
//! active  9  labels.g7.example  labels.g7.example+…  86400/day  none        one line a key, tabs between
//! {"version":1,"logs":[{"state":"active","size":9,"cosigned_at":"2026-04-01T09:30:00Z","origin":"labels.g7.example",
//!   "vkey":"labels.g7.example+…","requests_per_day":86400,"contact":"none"}]}
//! {"version":1,"exit":2,"error":"…"}                                        what failed, with --json
//! ```

use labelproof_core::time::Time;
use labelproof_host::exit::Exit;
use serde::Serialize;

use crate::known_logs::{KnownLogs, ListedLog};
use crate::store::Store;

/// All logs, the active ones first.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    version: u8,
    logs: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    state: &'static str,
    size: u64,
    cosigned_at: Option<String>,
    origin: String,
    vkey: String,
    requests_per_day: u32,
    contact: String,
}

impl Listing {
    pub(super) fn new(known: &KnownLogs, store: &Store) -> Self {
        let row = |state| {
            move |log: &ListedLog| {
                let cosigned = store.cosigned(log.origin());
                let head = cosigned.map(|cosigned| cosigned.head());
                let time = cosigned.and_then(|cosigned| Time::from_unix(cosigned.time().unix()));
                Row {
                    state,
                    size: head.map_or(0, |head| head.size().get()),
                    cosigned_at: time.map(|time| time.to_string()),
                    origin: log.origin().to_string(),
                    vkey: log.vkey().to_string(),
                    requests_per_day: log.requests_per_day(),
                    contact: log.contact().to_owned(),
                }
            }
        };
        let active = known.active().iter().map(row("active"));
        let retired = known.retired().iter().map(row("retired"));
        Self {
            version: JSON_VERSION,
            logs: active.chain(retired).collect(),
        }
    }

    /// One line a key.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.logs.iter().map(|row| {
            format!(
                "{}\t{}\t{}\t{}\t{}/day\t{}",
                row.state, row.size, row.origin, row.vkey, row.requests_per_day, row.contact
            )
        })
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("a listing has text keys only")
    }
}

/// The object that tells a program what failed.
pub(super) fn failure_json(exit: Exit, error: &str) -> String {
    serde_json::json!({ "version": JSON_VERSION, "exit": exit.code(), "error": error }).to_string()
}

/// Raised by every change that a reader of the old form would stumble over.
const JSON_VERSION: u8 = 1;
