//! Which exit an error of the library is: one `match` for each, none with a wildcard of ours.

use labelproof::{
    log_server::{LogServer, Problem, ServerError},
    proof::EntryError,
    trust::store::StoreError,
};
use labelproof_host::{exit::Exit, tiles::TilesError};
use serde_json::{Value, json};

use crate::report::Failure;

/// A log that did not give what was asked for.
pub(crate) fn server_failed(server: &LogServer, error: &ServerError) -> Failure {
    let failure = Failure::on(server_exit(error), server.url(), error);
    match error {
        ServerError::Fetch(_) => {
            failure.next("see whether the address is right and the log runs, then repeat")
        }
        ServerError::Refused {
            problem,
            retry_after,
            ..
        } => {
            let failure = failure.with(problem_json(problem));
            match retry_after {
                Some(wait) => failure.next(format!("repeat in {} s", wait.as_secs())),
                None => failure,
            }
        }
        ServerError::Status { .. } | ServerError::NotOurs | ServerError::NotANote { .. } => {
            failure.next("see whether the address is that of a log")
        }
        _ => failure,
    }
}

/// A log that refuses one event of many.
pub(crate) fn problem_failed(server: &LogServer, problem: &Problem) -> Failure {
    let what = format!(
        "{}: the log refused ({}): {}",
        server.url(),
        problem.code(),
        problem.sentence()
    );
    Failure::new(problem_exit(problem), what).with(problem_json(problem))
}

fn problem_json(problem: &Problem) -> Value {
    json!({ "code": problem.code(), "http_status": problem.status(), "pointer": problem.pointer() })
}

/// The exit of a refusal.
pub(crate) fn problem_exit(problem: &Problem) -> Exit {
    match problem.status() {
        400 | 413 | 422 => Exit::Malformed,
        403 => Exit::NotSigned,
        // The event stands against what the log holds, so it is not in the log.
        409 => Exit::NotInLog,
        _ => Exit::Unreachable,
    }
}

/// The exit of a log's answer, or of none: whatever it says, it is never a status.
pub(crate) fn server_exit(error: &ServerError) -> Exit {
    match error {
        ServerError::Fetch(_)
        | ServerError::Cut
        | ServerError::Status { .. }
        | ServerError::NotOurs => Exit::Unreachable,
        ServerError::NoStatus => Exit::Usage,
        ServerError::NotANote { .. } => Exit::Malformed,
        ServerError::Refused { problem, .. } => problem_exit(problem),
        _ => Exit::Internal,
    }
}

/// The exit of an entry that is not proved.
pub(crate) fn entry_exit(error: &EntryError) -> Exit {
    match error {
        EntryError::Checkpoint(_) | EntryError::Quorum(_) => Exit::NotSigned,
        EntryError::Proof(_) | EntryError::OtherIndex { .. } => Exit::NotInLog,
        _ => Exit::Internal,
    }
}

/// The exit of tiles that could not be had, or do not fit.
pub(crate) fn tiles_exit(error: &TilesError) -> Exit {
    match error {
        TilesError::Source(_) | TilesError::Missing(_) => Exit::Unreachable,
        _ => Exit::NotInLog,
    }
}

/// The trust store cannot be used.
pub(crate) fn store_failed(error: &StoreError) -> Failure {
    match error {
        StoreError::Damaged { .. } => Failure::of(Exit::Malformed, error)
            .next("if the trust file changed, move the file away and begin anew"),
        _ => Failure::of(Exit::Internal, error),
    }
}
