//! Asking a log, for every command that does; a fork leaves evidence in a file.

use std::path::Path;

use labelproof::{
    log_server::LogServer,
    lookup::{self, Looked, LookupError},
    trust::{
        NotHome, TrustedLog,
        store::{AdvanceError, Fork, TrustStore},
    },
};
use labelproof_core::{
    event::{Gtin14, Subject},
    status::{Failure as Kind, Unverified},
};
use labelproof_host::{exit::Exit, tiles::TilesError};
use serde_json::json;

use crate::{
    outcome::{server_failed, store_failed, tiles_exit},
    report::Failure,
    world::World,
};

/// Asks where `subject` stands and checks the answer.
pub(crate) fn look_up(
    server: &LogServer,
    log: &TrustedLog,
    store: &TrustStore,
    subject: &Subject,
    world: &World,
) -> Result<Looked, Failure> {
    world.trace(format!("asking {} about {subject}", server.url()));
    lookup::look_up(server, log, store, subject, world.now())
        .map_err(|error| failed(server, &error, world))
}

/// Asks for all labels of a product and checks the answer.
pub(crate) fn look_up_product(
    server: &LogServer,
    log: &TrustedLog,
    store: &TrustStore,
    gtin: &Gtin14,
    world: &World,
) -> Result<Looked, Failure> {
    world.trace(format!("asking {} about product {gtin}", server.url()));
    lookup::look_up_product(server, log, store, gtin, world.now())
        .map_err(|error| failed(server, &error, world))
}

/// A look at a log that brought nothing.
pub(crate) fn failed(server: &LogServer, error: &LookupError, world: &World) -> Failure {
    match error {
        LookupError::Server(error) => server_failed(server, error),
        LookupError::Bundle(_) => Failure::on(Exit::Malformed, server.url(), error),
        LookupError::OtherSubject { .. } => Failure::on(Exit::NotInLog, server.url(), error)
            .next("nothing is known of it; ask another server of this log"),
        LookupError::NotHome(source) => not_home(server.url(), source),
        LookupError::Unverified(source) => {
            Failure::on(unverified_exit(source), server.url(), error)
        }
        LookupError::Advance(AdvanceError::Fork(fork)) => forked(fork, &unused_name(world), world),
        LookupError::Advance(AdvanceError::Proof(_)) => {
            Failure::on(Exit::NotInLog, server.url(), error)
        }
        LookupError::Advance(AdvanceError::Tiles(source)) => tiles_failed(server, source, error),
        LookupError::Advance(AdvanceError::Store(error)) => store_failed(error),
        _ => Failure::of(Exit::Internal, error),
    }
}

/// A log that is not the home of a scheme can say nothing of its labels.
pub(crate) fn not_home(name: &str, error: &NotHome) -> Failure {
    Failure::on(Exit::NotSigned, name, error)
        .next("see `labelproof trust show` for the home of each scheme")
}

fn tiles_failed(server: &LogServer, source: &TilesError, error: &LookupError) -> Failure {
    Failure::on(tiles_exit(source), server.url(), error)
}

/// The exit of a bundle that does not hold.
pub(crate) fn unverified_exit(error: &Unverified) -> Exit {
    match error.failure() {
        Kind::Malformed => Exit::Malformed,
        Kind::Proof => Exit::NotInLog,
        Kind::Signature => Exit::NotSigned,
    }
}

/// `fork.evidence`, or with a number while that name is taken: older evidence is never lost.
pub(crate) fn unused_name(world: &World) -> String {
    let numbered = (2..MAX_EVIDENCE).map(|number| format!("fork-{number}.evidence"));
    let is_free = |name: &String| matches!(world.exists(name.as_ref()), Ok(false));
    std::iter::once("fork.evidence".to_owned())
        .chain(numbered)
        .find(is_free)
        .unwrap_or_else(|| format!("fork-{MAX_EVIDENCE}.evidence"))
}

/// What is in hand shows that the log signed two histories; the evidence goes where `--evidence` says, or nowhere.
pub(crate) fn forked_offline(fork: &Fork, file: Option<&Path>, world: &World) -> Failure {
    match file {
        Some(file) => forked(fork, &file.display().to_string(), world),
        None => Failure::new(
            Exit::LogMisbehaved,
            format!("log {} signed two histories", fork.0.origin()),
        )
        .next(
            "repeat `labelproof verify` with --evidence FILE, and give that file to the witnesses",
        ),
    }
}

/// The log signed two histories: the evidence goes to `file`.
pub(crate) fn forked(fork: &Fork, file: &str, world: &World) -> Failure {
    let origin = fork.0.origin().to_string();
    let failure = Failure::new(
        Exit::LogMisbehaved,
        format!("log {origin} signed two histories"),
    );
    match world.write(file.as_ref(), &fork.0.to_bytes()) {
        Ok(()) => failure
            .next(format!(
                "trust nothing it says; {file} proves it to anybody, give it to the witnesses"
            ))
            .with(json!({ "evidence": file, "origin": origin })),
        Err(unwritten) => failure.next(format!(
            "the evidence could not be written: {}",
            unwritten.what()
        )),
    }
}

/// One file convicts a log; a hundred in a folder are a script that nobody reads.
const MAX_EVIDENCE: u32 = 100;
