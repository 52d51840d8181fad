//! What `log`, `get`, `tail` and `mirror` share: which log, what an entry is, and how each failure ends.

use std::{io, path::Path, time::Duration};

use labelproof::{
    head::HeadError,
    log_server::LogServer,
    patience::{Pause, Wish},
    proof::log_of_note,
    trust::{
        TrustFile, TrustedLog,
        store::{AdvanceError, TrustStore},
    },
};
use labelproof_core::{
    event::Event,
    merkle::{LeafHash, LeafIndex},
    state::head::StateHead,
};
use labelproof_host::{exit::Exit, shutdown::StopSignal, tiles::TilesError};
use serde_json::{Value, json};

use crate::{
    event::event_json,
    inspect::{event_lines, head_lines},
    lookup::{forked, unused_name},
    outcome::{entry_exit, server_failed, store_failed, tiles_exit},
    report::Failure,
    world::World,
};

/// A log that is read as a whole.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) server: LogServer,
    pub(crate) log: &'a TrustedLog,
    pub(crate) store: TrustStore,
}

/// The one log that an address and a trust file name together.
///
/// # Errors
/// Exit 2 if they do not tell which.
pub(crate) fn source<'a>(
    url: Option<&str>,
    file: &Path,
    trust: &'a TrustFile,
    world: &World,
) -> Result<Source<'a>, Failure> {
    let (url, log) = match (url, trust.logs()) {
        (Some(url), [only]) => (url, only),
        (Some(url), _) => {
            let server = world.server(url)?;
            let note = server
                .checkpoint()
                .map_err(|error| server_failed(&server, &error))?;
            let log = log_of_note(&note, trust).ok_or_else(|| {
                let what = format!("{url} is no log of {}", file.display());
                Failure::new(Exit::NotSigned, what)
            })?;
            (url, log)
        }
        (None, [only]) => match only.policy().logs().iter().find_map(|log| log.url()) {
            Some(url) => (url, only),
            None => {
                let what = format!("nobody says where log {} is", only.origin());
                return Err(Failure::new(Exit::Usage, what).next("name its address with --log"));
            }
        },
        (None, _) => {
            let what = format!("{} names several logs", file.display());
            return Err(Failure::new(Exit::Usage, what).next("name the address of one with --log"));
        }
    };
    Ok(Source {
        server: world.server(url)?,
        log,
        store: TrustStore::beside(file, world.fs()),
    })
}

/// What one entry is, for people and for programs.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) id: Option<String>,
    pub(crate) lines: String,
    pub(crate) json: Value,
}

impl Shown {
    /// Reads an entry that was proved; one of a later version is shown as unknown.
    pub(crate) fn of(index: LeafIndex, bytes: &[u8]) -> Self {
        let mut shown = match Event::parse(bytes) {
            Ok(event) => Self {
                kind: event.kind().to_string(),
                subject: event.subject().to_string(),
                id: Some(event.id().to_string()),
                lines: event_lines(&event),
                json: event_json(&event),
            },
            Err(_) => match StateHead::parse(bytes) {
                Ok(head) => {
                    let (lines, json) = head_lines(&head);
                    Self {
                        kind: "state.head".into(),
                        subject: format!("log:{}", head.origin()),
                        id: None,
                        lines,
                        json,
                    }
                }
                Err(_) => Self {
                    kind: "unknown".into(),
                    subject: "-".into(),
                    id: None,
                    lines: "  an entry that this version does not know\n".into(),
                    json: json!({}),
                },
            },
        };
        shown.json["index"] = json!(index.get());
        shown.json["kind"] = json!(shown.kind);
        shown.json["leaf"] = json!(LeafHash::of_entry(bytes).to_string());
        shown
    }
}

/// Waits between two requests until the person stops the program.
#[derive(Debug)]
pub(crate) struct UntilStopped(StopSignal);

impl UntilStopped {
    /// From now on SIGTERM and SIGINT end a pause and not the program.
    ///
    /// # Errors
    /// Exit 1 when the system refuses.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let refused = |error: io::Error| Failure::of(Exit::Internal, &error);
        StopSignal::listen().map(Self).map_err(refused)
    }
}

impl Pause for UntilStopped {
    fn pause(&self, time: Duration) -> Wish {
        if self.0.wait(time) {
            Wish::Stop
        } else {
            Wish::GoOn
        }
    }
}

/// No head was accepted; a fork leaves evidence.
pub(crate) fn head_failed(server: &LogServer, error: &HeadError, world: &World) -> Failure {
    match error {
        HeadError::Server(error) => server_failed(server, error),
        HeadError::Entry(source) => Failure::on(entry_exit(source), server.url(), error)
            .next("see whether the trust file is the one for this log"),
        HeadError::OtherGenesis { .. } => Failure::on(Exit::NotInLog, server.url(), error)
            .next("this is another log than the trusted one"),
        HeadError::Tiles(source) => tiles_failed(server, source),
        HeadError::Advance(AdvanceError::Fork(fork)) => forked(fork, &unused_name(world), world),
        HeadError::Advance(AdvanceError::Proof(_)) => {
            Failure::on(Exit::NotInLog, server.url(), error)
        }
        HeadError::Advance(AdvanceError::Tiles(source)) => tiles_failed(server, source),
        HeadError::Advance(AdvanceError::Store(error)) => store_failed(error),
        _ => Failure::of(Exit::Internal, error),
    }
}

/// Tiles could not be had, or do not fit the head.
pub(crate) fn tiles_failed(server: &LogServer, error: &TilesError) -> Failure {
    let failure = Failure::on(tiles_exit(error), server.url(), error);
    match error {
        TilesError::BeyondHead { .. } => {
            failure.next("wait until it is published, or name an earlier entry")
        }
        _ => failure,
    }
}
