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
    thread::{self, JoinHandle},
    time::Duration,
};

use labelproof_core::policy::{Policy, WitnessedCheckpoint};
use labelproof_host::{
    exit::Exit,
    logging::causes,
    serve::{Limits, listen, serve},
    shutdown::Shutdown,
};
use tokio::{runtime::Runtime, sync::watch};
use tracing::{error, info};

use crate::{
    engine::{self, Engine},
    feeder::{
        Feeder, OlderStore, Skew, WitnessReport,
        driver::{self, Outcome},
    },
    housekeeper,
    http::{PATIENCE, Service, app},
    load::LoadError,
    log::{Hold, Log, Setting},
    metrics::{Invariant, Work},
    publisher::publish,
    quota::Quotas,
    sequencer::{Parts, SequenceError, Sequencer},
};

/// A log that is loaded and does not run yet.
#[derive(Debug)]
pub struct Daemon {
    log: Arc<Log>,
    parts: Parts,
    sequencer: Sequencer,
    tuning: Tuning,
}

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// How long events gather before they are sequenced.
    pub interval: Duration,
    /// How long a submitter waits for the witnesses, and a batch for room.
    pub patience: Duration,
    /// What strangers are granted.
    pub limits: Limits,
    /// What authorities are granted.
    pub quotas: Quotas,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            // Long enough to gather, short beside the 60 s of the promise.
            interval: Duration::from_secs(1),
            patience: PATIENCE,
            limits: Limits::default(),
            quotas: Quotas::default(),
        }
    }
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
    /// Another process writes this log.
    #[error("the store was taken over")]
    Lost(#[source] Arc<SequenceError>),
    /// A thread of ours failed in a way nobody foresaw; what it held is not trusted.
    #[error("a thread panicked; the log stopped")]
    Panicked,
}

/// Why the daemon stops without being asked to.
#[derive(Clone, Debug)]
enum Stop {
    Older(OlderStore),
    Lost(Arc<SequenceError>),
    Panicked,
}

/// Stops the daemon if the thread that holds it panics: a log without its sequencer or feeder would look alive.
struct Alarm(watch::Sender<Option<Stop>>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.send_replace(Some(Stop::Panicked));
        }
    }
}

impl Daemon {
    /// Loads the store; nothing is signed that was not signed before.
    ///
    /// # Errors
    /// [`DaemonError::Policy`] or [`DaemonError::Load`].
    pub fn load(setting: Setting, parts: Parts, tuning: Tuning) -> Result<Self, DaemonError> {
        check_policy(&setting).map_err(DaemonError::Policy)?;
        let log = Arc::new(Log::new(setting).with_quotas(tuning.quotas.clone()));
        let sequencer = engine::start(&log, parts.clone())?;
        Ok(Self {
            log,
            parts,
            sequencer,
            tuning,
        })
    }

    /// Serves until SIGTERM or SIGINT, or until a witness shows that this store is old.
    ///
    /// # Errors
    /// [`DaemonError::Older`], or why it could not start.
    pub fn run(self, address: SocketAddr) -> Result<Exit, DaemonError> {
        let reading = runtime("reader")?;
        let submitting = runtime("submitter")?;
        let (listener, mut signals) = reading.block_on(async {
            let listener =
                listen(address).map_err(|source| DaemonError::Listen { address, source })?;
            Ok::<_, DaemonError>((listener, Shutdown::listen()?))
        })?;
        let bound = listener.local_addr()?;
        let log = self.log.clone();
        let Tuning {
            interval,
            patience,
            limits,
            ..
        } = self.tuning;
        let service = Service::new(log.clone(), interval)
            .with_patience(patience)
            .with_submitting(submitting.handle().clone());
        let workers = Workers::start(self)?;

        // Whoever started us waits for this line; that it cannot be printed is no reason not to serve.
        let origin = &log.setting().origin;
        let _ = writeln!(io::stdout(), "serving {origin} on http://{bound}");
        info!(%origin, address = %bound, "serving");
        let mut stopped = workers.stop.subscribe();
        let stopping = log.clone();
        let open = log.setting().metrics.connections();
        reading.block_on(serve(listener, app(service), limits, open, async move {
            tokio::select! {
                () = signals.requested() => info!("asked to stop"),
                // It cannot fail: the workers keep a sender.
                _ = stopped.wait_for(Option::is_some) => {}
            }
            stopping.hold(Hold::Ending);
        }));
        let why = workers.stop();
        log.setting().index.flush();
        match why {
            Some(Stop::Older(older)) => Err(DaemonError::Older(older)),
            Some(Stop::Lost(error)) => Err(DaemonError::Lost(error)),
            Some(Stop::Panicked) => Err(DaemonError::Panicked),
            None => Ok(Exit::Done),
        }
    }
}

/// The threads beside the listener.
struct Workers {
    stop: watch::Sender<Option<Stop>>,
    running: Vec<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Workers {
    /// Starts feeding, sequencing and housekeeping.
    fn start(daemon: Daemon) -> io::Result<Self> {
        let Daemon {
            log,
            parts,
            sequencer,
            tuning,
        } = daemon;
        let stop = watch::channel(None).0;
        let Setting {
            policy,
            directory,
            clock,
            ..
        } = log.setting();
        let urls = policy
            .witnesses()
            .iter()
            .map(|witness| witness.url().map(str::to_owned))
            .collect();
        let conductor = Conductor {
            log: log.clone(),
            alarm: Alarm(stop.clone()),
        };
        let feeder = Feeder::new(policy.clone());
        let feeder = driver::start(feeder, urls, directory, clock.clone(), Box::new(conductor))?;
        if let Some(newest) = log.newest() {
            feeder.head(newest.signed.clone());
        }
        let mut workers = Self {
            stop,
            running: Vec::new(),
        };
        let engine = Engine {
            log: log.clone(),
            parts,
            sequencer,
            feeder,
            interval: tuning.interval,
        };
        workers.spawn("sequencer", move |stop| engine.run(stop))?;
        workers.spawn("housekeeper", move |stop| {
            housekeeper::run(&log, stop);
            Ok(())
        })?;
        Ok(workers)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce(&mpsc::Receiver<()>) -> Result<(), SequenceError> + Send + 'static,
    ) -> io::Result<()> {
        let (stop, stopped) = mpsc::channel();
        let alarm = Alarm(self.stop.clone());
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                if let Err(error) = work(&stopped) {
                    alarm.0.send_replace(Some(Stop::Lost(Arc::new(error))));
                }
            })?;
        self.running.push((stop, thread));
        Ok(())
    }

    /// Lets each finish, in the order they were started, and says why they had to.
    fn stop(self) -> Option<Stop> {
        for (stop, thread) in self.running {
            drop(stop);
            // A panic has rung the alarm already.
            let _ = thread.join();
        }
        self.stop.borrow().clone()
    }
}

/// Does what the feeder decides.
struct Conductor {
    log: Arc<Log>,
    alarm: Alarm,
}

impl Outcome for Conductor {
    fn open(&mut self) {
        self.log.open();
    }

    fn publish(&mut self, witnessed: &WitnessedCheckpoint) -> bool {
        match publish(&self.log, witnessed) {
            Ok(_) => true,
            Err(error) => {
                let metrics = &self.log.setting().metrics;
                metrics.store_failed(Work::Publishing, &error);
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
        let metrics = &self.log.setting().metrics;
        metrics.broke(Invariant::WitnessBehind);
        self.log.hold(Hold::Older(why.clone()));
        self.alarm.0.send_replace(Some(Stop::Older(why)));
    }

    fn skew(&mut self, skew: Option<Skew>) {
        self.log.set_skew(skew);
    }

    fn report(&mut self, witnesses: Vec<WitnessReport>) {
        self.log.set_witnesses(witnesses);
    }
}

/// Threads for as many tasks at once as there are cores, and some that may wait for the disk.
fn runtime(name: &str) -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name(name)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
}

fn check_policy(setting: &Setting) -> Result<(), &'static str> {
    let policy: &Policy = &setting.policy;
    if !policy.logs().is_empty() && !policy.logs().iter().any(|log| *log.vkey() == setting.vkey) {
        return Err("it names other logs' keys and not this one's");
    }
    if !policy.holds(|index| policy.witnesses()[index].url().is_some()) {
        return Err(
            "no quorum could ever be met by the witnesses that have a URL; name witnesses with theirs, and a quorum of them",
        );
    }
    if policy.witnesses().len() > MAX_WITNESSES {
        return Err("it has more than 15 witnesses, and a checkpoint has room for 16 lines");
    }
    Ok(())
}

/// A published checkpoint has at most 16 signature lines, one of them the log's.
const MAX_WITNESSES: usize = 15;
/// Reads of the store at once: more than a disk does side by side, and each thread keeps memory of its own.
const MAX_BLOCKING_THREADS: usize = 16;
