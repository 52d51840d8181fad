//! `serve`: the log as a daemon.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use clap::Args;
use labelproof_core::policy::Policy;
use labelproof_host::{clock::SystemClock, exit::Exit, keyfile, lock::DirLock};

use super::{Failure, Outcome};
use crate::{
    daemon::{Daemon, DaemonError},
    index::{Index, MemoryIndex, SledIndex},
    load::LoadError,
    log::Setting,
    sequencer::SequenceError,
    storage::{StorageError, SwapError},
    store::{Store, draw_instance, origin_of},
};

/// Take events, get them witnessed, answer.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  labelproof-log serve --dir log --listen 127.0.0.1:7380 --policy g7.policy --batch-interval 1s"
)]
pub(super) struct Options {
    /// The store that `init` made.
    #[arg(long, env = "LABELPROOF_LOG_DIR")]
    dir: PathBuf,
    /// Where to listen; port 0 takes any that is free and prints it.
    #[arg(long, env = "LABELPROOF_LOG_LISTEN")]
    listen: SocketAddr,
    /// Who must cosign: a c2sp.org/tlog-policy file with the witnesses' URLs.
    #[arg(long, env = "LABELPROOF_LOG_POLICY")]
    policy: PathBuf,
    /// How long events gather before they are sequenced, as 250ms or 1s; at least 50ms.
    #[arg(long, default_value = "1s", env = "LABELPROOF_LOG_BATCH_INTERVAL")]
    batch_interval: Interval,
}

/// A time between two batches.
#[derive(Clone, Copy, Debug)]
struct Interval(Duration);

impl FromStr for Interval {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, unit_ms) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(digits), _) => (digits, 1),
            (None, Some(digits)) => (digits, 1_000),
            (None, None) => return Err("a time has a unit: 250ms or 1s"),
        };
        let number: u64 = digits
            .parse()
            .map_err(|_| "a time is a whole number and a unit: 250ms or 1s")?;
        let interval = Duration::from_millis(number.saturating_mul(unit_ms));
        if (MIN_INTERVAL..=MAX_INTERVAL).contains(&interval) {
            Ok(Self(interval))
        } else {
            Err("a batch interval is between 50ms and 30s")
        }
    }
}

pub(super) fn run(options: &Options) -> Outcome {
    let store = Store::at(&options.dir);
    if !store.exists().map_err(Failure::usage)? {
        let text = format!(
            "{} holds no log; make one with `labelproof-log init`",
            options.dir.display()
        );
        return Err(Failure::usage(text));
    }
    let _lock = DirLock::take(&options.dir, "labelproof-log serve").map_err(Failure::usage)?;
    let key = keyfile::read(&store.key_path()).map_err(Failure::usage)?;
    let file = options.policy.display();
    let policy = std::fs::read(&options.policy)
        .map_err(|error| Failure::usage(format!("cannot read {file}: {error}")))?;
    let policy =
        Policy::parse(&policy).map_err(|error| Failure::malformed(format!("{file}: {error}")))?;
    let index: Arc<dyn Index> = match SledIndex::open(&store.index_path()) {
        Ok(index) => Arc::new(index),
        Err(error) => {
            tracing::warn!(%error, "no index on disk; look-ups are kept in memory");
            Arc::new(MemoryIndex::default())
        }
    };
    let setting = Setting {
        origin: origin_of(key.vkey()),
        vkey: key.vkey().clone(),
        policy: Arc::new(policy),
        clock: Arc::new(SystemClock),
        directory: store.directory(),
        index,
    };
    let instance = draw_instance().map_err(Failure::internal)?;
    let parts = store.parts(key, instance);
    let daemon = Daemon::load(setting, parts, options.batch_interval.0).map_err(failure_of)?;
    daemon.run(options.listen).map_err(failure_of)
}

/// Exit codes of what stops the daemon.
fn failure_of(error: DaemonError) -> Failure {
    let exit = match &error {
        DaemonError::Policy(_) | DaemonError::Listen { .. } => Exit::Usage,
        DaemonError::Older(_) => Exit::StoreOlder,
        DaemonError::Start(_) | DaemonError::Panicked => Exit::Internal,
        DaemonError::Load(error) => match error {
            LoadError::NoGenesis
            | LoadError::Sequence(SequenceError::NoStore | SequenceError::OtherLog { .. }) => {
                Exit::Usage
            }
            LoadError::Storage(StorageError::Fs(_))
            | LoadError::Sequence(
                SequenceError::Poisoned
                | SequenceError::Storage(StorageError::Fs(_))
                | SequenceError::Head(SwapError::Fs(_)),
            ) => Exit::Internal,
            LoadError::Storage(_)
            | LoadError::Sequence(
                SequenceError::Storage(_) | SequenceError::Head(_) | SequenceError::Batch(_),
            )
            | LoadError::Genesis(_)
            | LoadError::Refused { .. }
            | LoadError::Entry(_)
            | LoadError::NoHead { .. } => Exit::Malformed,
        },
    };
    Failure::new(exit, error)
}

/// Each batch costs about five syncs; below this they would be all the disk does.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// Half of the 60 s in which a revocation must be witnessed.
const MAX_INTERVAL: Duration = Duration::from_secs(30);
