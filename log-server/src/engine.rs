//! The engine: what turns the log, one batch after the other.
//!
//! ```text
//! every interval    cut ─▶ sequence ─▶ acknowledge ─▶ tell the feeder
//! after an error    poison ─▶ load anew, until it succeeds ─▶ go on
//! another writer    stop
//! ```
//! `step` and `reload` are whole steps without a thread, for whoever drives a log by hand; `run` is the
//! thread that calls them.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use labelproof_host::logging::causes;
use tracing::{error, info};

use crate::{
    feeder::driver::FeederHandle,
    load::{LoadError, load},
    log::{Hold, Log},
    sequencer::{Parts, SequenceError, Sequencer},
    shelf::Acknowledged,
};

/// Puts what waits into the log; `None` if nothing waits, or nothing may be signed.
///
/// # Errors
/// What stopped the sequencer. Then the log is poisoned, and only [`reload`] clears it.
pub fn step(
    log: &Log,
    sequencer: &mut Sequencer,
) -> Result<Option<Arc<Acknowledged>>, SequenceError> {
    let Some(mut batch) = log.cut() else {
        return Ok(None);
    };
    let metrics = &log.setting().metrics;
    let entries = batch.take_entries();
    let count = entries.len();
    let started = Instant::now();
    let mut signed = None;
    let result = sequencer.sequence(entries, &mut |by| signed = Some(by.clone()));
    let result = result.map(|()| signed.zip(sequencer.newest()));
    match result {
        Ok(sequenced) => {
            let acknowledged =
                sequenced.map(|(signed, grown)| log.acknowledge(batch, signed, grown));
            metrics.committed(count, started.elapsed());
            Ok(acknowledged)
        }
        Err(error) => {
            metrics.not_sequenced(&error);
            log.poison(causes(&error));
            Err(error)
        }
    }
}

/// Loads the store for a process that starts, whoever wrote it last.
///
/// # Errors
/// [`LoadError`].
pub fn start(log: &Log, parts: Parts) -> Result<Sequencer, LoadError> {
    install(log, Sequencer::load(parts)?)
}

/// Loads the store anew after an error, and lets the log go on from there.
///
/// # Errors
/// [`LoadError`]; the log stays held. If another process took the store over, this one must stop.
pub fn reload(log: &Log, parts: Parts) -> Result<Sequencer, LoadError> {
    let resumed = Sequencer::resume(parts).map_err(LoadError::from);
    let installed = resumed.and_then(|sequencer| install(log, sequencer));
    installed.inspect_err(|error| log.setting().metrics.not_loaded(error))
}

fn install(log: &Log, sequencer: Sequencer) -> Result<Sequencer, LoadError> {
    let loaded = load(log.setting(), &sequencer)?;
    log.install(loaded);
    Ok(sequencer)
}

/// What the engine's thread needs.
#[derive(Debug)]
pub struct Engine {
    /// The log.
    pub log: Arc<Log>,
    /// What a sequencer is made of.
    pub parts: Parts,
    /// The loaded sequencer.
    pub sequencer: Sequencer,
    /// Who is told of new heads.
    pub feeder: FeederHandle,
    /// How long events gather before they are sequenced.
    pub interval: Duration,
}

impl Engine {
    /// Sequences until `stop` is dropped, and then once more.
    ///
    /// # Errors
    /// Another process has taken the store over: the one error that no reload clears.
    pub fn run(self, stop: &mpsc::Receiver<()>) -> Result<(), SequenceError> {
        let Self {
            log,
            parts,
            sequencer,
            feeder,
            interval,
        } = self;
        let mut sequencer = Some(sequencer);
        loop {
            let pause = if sequencer.is_some() {
                interval
            } else {
                RELOAD_PAUSE
            };
            let stopping = !matches!(
                stop.recv_timeout(pause),
                Err(mpsc::RecvTimeoutError::Timeout)
            );
            if sequencer.is_some() && !log.has_state() {
                // A thread that panicked over the tip is like an error of the store.
                log.poison("a request panicked and left half a step".to_owned());
                sequencer = None;
            }
            let newest = match sequencer.as_mut() {
                Some(running) => match step(&log, running) {
                    Ok(newest) => newest,
                    Err(error) if error.is_lost() => return Err(error),
                    Err(error) => {
                        error!(
                            error = causes(&error),
                            "the sequencer stopped; the store is loaded anew"
                        );
                        sequencer = None;
                        None
                    }
                },
                None if stopping => None,
                None => match reload(&log, parts.clone()) {
                    Ok(loaded) => {
                        info!("the store is good again");
                        sequencer = Some(loaded);
                        log.newest()
                    }
                    Err(LoadError::Sequence(error)) if error.is_lost() => return Err(error),
                    Err(error) => {
                        let cause = causes(&error);
                        error!(error = cause, "the store cannot be loaded");
                        log.hold(Hold::Failed { cause });
                        None
                    }
                },
            };
            if let Some(newest) = newest {
                feeder.head(newest.signed.clone());
            }
            if stopping {
                return Ok(());
            }
        }
    }
}

/// A full disk does not empty itself within a second, and each try reads the right edge of the log.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);
