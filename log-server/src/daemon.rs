//! The daemon: a loaded log with its threads, its feeder and its listener.
//!
//! ```text
//! start   load the store · listen · ask every witness what it holds · take events once k of them said
//! stop    no new events · the last batch · waiting callers get their receipt · a snapshot
//! ```

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use labelproof_core::policy::{Policy, WitnessedCheckpoint};
use labelproof_host::{
    exit::Exit,
    serve::{Limits, serve},
    shutdown::Shutdown,
};
use tokio::{net::TcpListener, sync::watch};
use tracing::{error, info};

use crate::{
    engine::{Engine, causes, reload},
    feeder::{
        Feeder, OlderStore, WitnessReport,
        driver::{self, Outcome},
    },
    housekeeper,
    http::{Service, app},
    load::LoadError,
    log::{Hold, Log, Setting},
    publisher::publish,
    sequencer::{Parts, Sequencer},
};

/// A log that is loaded and does not run yet.
#[derive(Debug)]
pub struct Daemon {
    log: Arc<Log>,
    parts: Parts,
    sequencer: Sequencer,
    interval: Duration,
}

/// Why the daemon does not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The policy cannot be served under.
    #[error("the policy cannot be served under: {0}")]
    Policy(&'static str),
    /// The store.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The address.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gives no thread or no signal handler.
    #[error("cannot start")]
    Start(#[from] io::Error),
    /// A witness holds more than this store.
    #[error(transparent)]
    Older(OlderStore),
}

impl Daemon {
    /// Loads the store; nothing is signed that was not signed before.
    ///
    /// # Errors
    /// [`DaemonError::Policy`] or [`DaemonError::Load`].
    pub fn load(setting: Setting, parts: Parts, interval: Duration) -> Result<Self, DaemonError> {
        check_policy(&setting).map_err(DaemonError::Policy)?;
        let log = Arc::new(Log::new(setting));
        let sequencer = reload(&log, parts.clone())?;
        Ok(Self {
            log,
            parts,
            sequencer,
            interval,
        })
    }

    /// Serves until SIGTERM or SIGINT, or until a witness shows that this store is old.
    ///
    /// # Errors
    /// [`DaemonError::Older`], or why it could not start.
    pub fn run(self, address: SocketAddr) -> Result<Exit, DaemonError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let (listener, mut signals) = runtime.block_on(async {
            let listener = TcpListener::bind(address)
                .await
                .map_err(|source| DaemonError::Listen { address, source })?;
            Ok::<_, DaemonError>((listener, Shutdown::listen()?))
        })?;
        let bound = listener.local_addr()?;
        let Self {
            log,
            parts,
            sequencer,
            interval,
        } = self;
        let origin = log.setting().origin.clone();

        let (stop, mut stopped) = watch::channel(None);
        let outcome = Box::new(Conductor {
            log: log.clone(),
            stop,
        });
        let urls = log
            .setting()
            .policy
            .witnesses()
            .iter()
            .map(|witness| witness.url().map(str::to_owned))
            .collect();
        let feeder = Feeder::new(log.setting().policy.clone());
        let feeder = driver::start(
            feeder,
            urls,
            &log.setting().directory,
            log.setting().clock.clone(),
            outcome,
        )?;
        if let Some(newest) = log.newest() {
            feeder.head(newest.signed.clone());
        }
        let (stop_engine, engine_stopped) = mpsc::channel();
        let engine = Engine {
            log: log.clone(),
            parts,
            sequencer,
            feeder,
            interval,
        };
        let engine = thread::Builder::new()
            .name("sequencer".into())
            .spawn(move || engine.run(&engine_stopped))?;
        let (stop_keeper, keeper_stopped) = mpsc::channel();
        let kept = log.clone();
        let keeper = thread::Builder::new()
            .name("housekeeper".into())
            .spawn(move || housekeeper::run(&kept, &keeper_stopped))?;

        // Whoever started us waits for this line; that it cannot be printed is no reason not to serve.
        let _ = writeln!(io::stdout(), "serving {origin} on http://{bound}");
        info!(%origin, address = %bound, "serving");
        let router = app(Service::new(log.clone(), interval));
        let stopping = log.clone();
        runtime.block_on(serve(listener, router, Limits::default(), async move {
            tokio::select! {
                () = signals.requested() => info!("asked to stop"),
                // The sender is dropped only with the feeder's thread, which a witness made stop.
                _ = stopped.wait_for(Option::is_some) => {}
            }
            stopping.hold(Hold::Ending);
        }));
        drop(stop_engine);
        drop(stop_keeper);
        for worker in [engine, keeper] {
            if worker.join().is_err() {
                error!("a thread of the log panicked");
            }
        }
        log.setting().index.flush();
        match log.held() {
            Some(Hold::Older(older)) => Err(DaemonError::Older(older)),
            _ => Ok(Exit::Done),
        }
    }
}

/// Does what the feeder decides.
struct Conductor {
    log: Arc<Log>,
    stop: watch::Sender<Option<OlderStore>>,
}

impl Outcome for Conductor {
    fn open(&mut self) {
        self.log.open();
    }

    fn publish(&mut self, witnessed: &WitnessedCheckpoint) -> bool {
        match publish(&self.log, witnessed) {
            Ok(_) => true,
            Err(error) => {
                error!(
                    error = causes(&error),
                    "a witnessed checkpoint cannot be stored; it is tried again"
                );
                false
            }
        }
    }

    fn stop(&mut self, why: OlderStore) {
        error!(witness = why.witness, theirs = %why.theirs, ours = %why.ours, "this store is an old copy; signing stops");
        self.log.hold(Hold::Older(why.clone()));
        self.stop.send_replace(Some(why));
    }

    fn report(&mut self, witnesses: Vec<WitnessReport>) {
        self.log.set_witnesses(witnesses);
    }
}

fn check_policy(setting: &Setting) -> Result<(), &'static str> {
    let policy: &Policy = &setting.policy;
    if !policy.logs().is_empty() && !policy.logs().iter().any(|log| *log.vkey() == setting.vkey) {
        return Err("it names other logs' keys and not this one's");
    }
    if !policy.holds(|index| policy.witnesses()[index].url().is_some()) {
        return Err("no quorum could ever be met by the witnesses that have a URL");
    }
    if policy.witnesses().len() > MAX_WITNESSES {
        return Err("it has more than 15 witnesses, and a checkpoint has room for 16 lines");
    }
    Ok(())
}

/// A published checkpoint has at most 16 signature lines, one of them the log's.
const MAX_WITNESSES: usize = 15;
