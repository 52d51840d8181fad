//! `serve`: the log as a daemon.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;
use labelproof_core::policy::Policy;
use labelproof_host::{clock::SystemClock, config, exit::Exit, fs::RealFs, keyfile, lock::DirLock};

use super::{
    Failure, Outcome,
    config::{File, Interval, written},
};
use crate::{
    daemon::{Daemon, DaemonError, Tuning},
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
    dir: Option<PathBuf>,
    /// Where to listen; port 0 takes any that is free and prints it.
    #[arg(long, env = "LABELPROOF_LOG_LISTEN")]
    listen: Option<SocketAddr>,
    /// Who must cosign: a c2sp.org/tlog-policy file with the witnesses' URLs.
    #[arg(long, env = "LABELPROOF_LOG_POLICY")]
    policy: Option<PathBuf>,
    /// How long events gather before they are sequenced, as 250ms or 1s; at least 50ms [default: 1s].
    #[arg(long, env = "LABELPROOF_LOG_BATCH_INTERVAL")]
    batch_interval: Option<Interval>,
    /// A TOML file; flags and environment win. docs/samples/log.toml has every key.
    #[arg(long, env = "LABELPROOF_LOG_CONFIG")]
    config: Option<PathBuf>,
    /// Print what would be in force, as such a file, and end; 2 if something in it is wrong.
    #[arg(long)]
    check_config: bool,
}

/// What to serve, once flags, environment and file are put together.
struct Plan {
    dir: PathBuf,
    listen: SocketAddr,
    policy: PathBuf,
    tuning: Tuning,
}

impl Options {
    fn plan(&self) -> Result<Plan, Failure> {
        let file = match &self.config {
            None => File::default(),
            Some(path) => config::load(&RealFs::new(), path).map_err(Failure::usage)?,
        };
        let missing =
            |name| Failure::usage(format!("--{name} is missing, and no --config gives it"));
        let interval = self.batch_interval.or(file.batch_interval);
        let tuning = file.tuning(interval.map_or(Tuning::default().interval, Interval::get));
        Ok(Plan {
            dir: self
                .dir
                .clone()
                .or(file.dir)
                .ok_or_else(|| missing("dir"))?,
            listen: self
                .listen
                .or(file.listen)
                .ok_or_else(|| missing("listen"))?,
            policy: self
                .policy
                .clone()
                .or(file.policy)
                .ok_or_else(|| missing("policy"))?,
            tuning,
        })
    }
}

impl Plan {
    fn policy(&self) -> Result<Policy, Failure> {
        let file = self.policy.display();
        let policy = std::fs::read(&self.policy)
            .map_err(|error| Failure::usage(format!("cannot read {file}: {error}")))?;
        Policy::parse(&policy).map_err(|error| Failure::malformed(format!("{file}: {error}")))
    }
}

pub(super) fn run(options: &Options) -> Outcome {
    let plan = options.plan()?;
    if options.check_config {
        plan.policy()?;
        let [dir, policy] = [&plan.dir, &plan.policy].map(|path| path.to_string_lossy());
        print!(
            "{}",
            written(&dir, &plan.listen.to_string(), &policy, &plan.tuning)
        );
        return Ok(Exit::Done);
    }
    let store = Store::at(&plan.dir);
    if !store.exists().map_err(Failure::usage)? {
        let text = format!(
            "{} holds no log; make one with `labelproof-log init`",
            plan.dir.display()
        );
        return Err(Failure::usage(text));
    }
    let _lock = DirLock::take(&plan.dir, "labelproof-log serve").map_err(Failure::usage)?;
    let key = keyfile::read(&store.key_path()).map_err(Failure::usage)?;
    let policy = plan.policy()?;
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
        metrics: Arc::default(),
    };
    let instance = draw_instance().map_err(Failure::internal)?;
    let parts = store.parts(key, instance);
    let daemon = Daemon::load(setting, parts, plan.tuning).map_err(failure_of)?;
    daemon.run(plan.listen).map_err(failure_of)
}

/// Exit codes of what stops the daemon.
fn failure_of(error: DaemonError) -> Failure {
    let exit = match &error {
        DaemonError::Policy(_) | DaemonError::Listen { .. } => Exit::Usage,
        DaemonError::Older(_) => Exit::StoreOlder,
        DaemonError::Start(_) | DaemonError::Lost(_) | DaemonError::Panicked => Exit::Internal,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn flags_win_over_the_file_and_a_wrong_key_is_pointed_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.toml");
        std::fs::write(
            &path,
            "dir = \"there\"\nlisten = \"127.0.0.1:1\"\npolicy = \"p\"\nbatch_interval = \"2s\"\n",
        )
        .unwrap();
        let options = Options {
            dir: Some("here".into()),
            listen: None,
            policy: None,
            batch_interval: None,
            config: Some(path.clone()),
            check_config: false,
        };
        let plan = options.plan().unwrap();
        assert_eq!(
            (plan.dir, plan.policy, plan.tuning.interval),
            ("here".into(), "p".into(), Duration::from_secs(2))
        );
        std::fs::write(&path, "dir = \"there\"\nlissten = \"127.0.0.1:1\"\n").unwrap();
        let failure = options.plan().err().unwrap();
        assert!(
            failure
                .error
                .to_string()
                .contains("log.toml:2:1: unknown key `lissten`; did you mean `listen`?"),
            "{}",
            failure.error
        );
    }
}
