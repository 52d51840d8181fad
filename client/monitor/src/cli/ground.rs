//! What `run` and `once` stand on: the folder, the configuration, the logs, the channels.
//!
//! ```text
//! DIR/labelproof-monitor   labelproof-monitor/v1      DIR/alerts.jsonl   the journal
//! DIR/lock                 one monitor at a time      DIR/notify/        how far each channel is
//! DIR/logs/<origin>/       one for each log           DIR/evidence/      evidence files
//! ```

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use labelproof::{
    log_server::{BadUrl, LogServer},
    mirror::{FolderError, Parallel},
    patience::{Pause, Wish},
    source::{FolderSource, Source},
    trust::{TrustError, TrustFile, TrustedLog, store::file_name},
};
use labelproof_core::checkpoint::Origin;
use labelproof_host::{
    clock::{Clock, SystemClock},
    config::ConfigError,
    exit::Exit,
    fetch::Fetch,
    fs::{Fs, FsError, RealFs, TEMP_SUFFIX, write_atomic},
    lock::{DirLock, LockError},
    serve,
    shutdown::StopSignal,
};
use thiserror::Error;

use super::bar::Bar;
use crate::{
    alert::Numbered,
    board::Board,
    casebook::Casebook,
    config::{BadConfig, BadTelling, CanaryEntry, Config, PeerEntry},
    daily::Daily,
    follow::{Follower, LOGS, Limits, Onlooker, OpenError, Progress, Shared},
    gossip::Peer,
    journal::Journal,
    name::Name,
    notify::{Channel, Desk, DeskError, hook::Hook, stdout::Stdout},
    own::OwnError,
    polite::Polite,
    promises::keeper::Keeper,
    rules::Rules,
    watch::WatchError,
};

/// A monitor that is ready to look.
pub(super) struct Ground {
    pub(super) followers: Vec<Follower>,
    pub(super) desk: Arc<Desk>,
    pub(super) stop: Arc<UntilStopped>,
    pub(super) poll: Duration,
    pub(super) daily: Option<Daily>,
    pub(super) shared: Shared,
    /// The names of the watch lists.
    pub(super) lists: Vec<Name>,
    pub(super) keeper: Keeper,
    pub(super) peers: Vec<Arc<Peer>>,
    /// Of the server.
    pub(super) limits: serve::Limits,
    _lock: DirLock,
}

/// What differs between the commands.
pub(super) struct Manner {
    /// How long what passes by itself may last before it is told; else as configured.
    pub(super) patience: Option<Duration>,
    pub(super) stdout: Option<Stdout>,
    /// Where alerts are kept for an object at the end.
    pub(super) kept: Option<Arc<Kept>>,
    pub(super) command: &'static str,
}

impl Ground {
    pub(super) fn open(args: &super::Ground, manner: Manner) -> Result<Self, StartError> {
        let fs: Arc<dyn Fs> = Arc::new(RealFs::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let config = match &args.config {
            Some(path) => Config::load(&*fs, path)?,
            None => Config::default(),
        };
        let trust = load_trust(&*fs, &args.trust)?;
        must_be_trusted(&config, &trust)?;
        let names = config.watch.iter().map(|list| list.name.clone()).collect();
        let peers = config
            .peer
            .into_iter()
            .map(PeerEntry::peer)
            .collect::<Result<_, _>>()?;
        let lists = config.watch.into_iter().map(|list| (list.name, list.file));
        let rules = Rules::open(fs.clone(), lists.collect())?;
        let rules = match config.own {
            Some(own) => rules.with_own(own.keys, own.events)?,
            None => rules,
        };
        let lock = begin(&*fs, &args.dir, manner.command)?;
        must_be_of(&*fs, &args.dir, &trust)?;
        let stop = Arc::new(UntilStopped(
            StopSignal::listen().map_err(StartError::Start)?,
        ));
        let journal = Journal::open(fs.clone(), &args.dir)?;
        let mut channels: Vec<Channel> = manner.stdout.map(Channel::Stdout).into_iter().collect();
        for hook in config.hook {
            let mut words = hook.command.into_iter().map(Into::into);
            let program = words.next().unwrap_or_default();
            let program = Hook::new(program, words.collect(), hook.timeout.get());
            channels.push(Channel::Hook(hook.name, program));
        }
        for webhook in config.webhook {
            channels.push(webhook.channel(clock.clone())?);
        }
        if let Some(mail) = config.mail {
            channels.extend(mail.channels(&*fs, &clock)?);
        }
        let desk = Desk::start(
            channels,
            Arc::new(journal.clone()),
            &args.dir.join("notify"),
            fs.clone(),
            clock.clone(),
        )?;
        let desk = Arc::new(desk);
        let front = Front {
            desk: Arc::clone(&desk),
            bar: Bar::default(),
            kept: manner.kept,
        };
        let pause: Arc<dyn Pause> = stop.clone();
        let mut shared = Shared {
            clock,
            pause: pause.clone(),
            journal,
            casebook: Casebook::open(fs.clone(), args.dir.join("evidence"))?,
            rules: Arc::new(Mutex::new(rules)),
            board: Board::new(Vec::new()),
            listener: None,
            canary: config.canary.map(CanaryEntry::canary),
            onlooker: Arc::new(front),
            limits: Limits {
                patience: manner.patience.unwrap_or(config.follow.patience.get()),
                max_age: config.follow.max_age.get(),
                parallel: Parallel::default(),
            },
            fs: fs.clone(),
        };
        let logs = trust.logs().iter();
        let keys = logs.map(|log| (log.origin().clone(), log.keys())).collect();
        let keeper = Keeper::open(shared.clone(), args.dir.join("promises"), &keys)?;
        shared.listener = Some(Arc::new(Mutex::new(keeper.clone())));
        let requests = u32::try_from(config.follow.requests.get()).unwrap_or(u32::MAX);
        let mut followers = Vec::new();
        for log in trust.logs() {
            let entry = config
                .source
                .iter()
                .find(|entry| entry.origin == *log.origin());
            let (source, shown): (Box<dyn Source>, String) = match entry {
                Some(entry) => match (&entry.url, &entry.folder) {
                    (_, Some(dir)) => {
                        let shown = dir.display().to_string();
                        (Box::new(FolderSource::at(fs.clone(), dir.clone())), shown)
                    }
                    (url, None) => server(url.as_deref().unwrap_or_default())?,
                },
                None => server(address(log)?)?,
            };
            let source = Arc::new(Polite::new(source, pause.clone(), requests));
            let follower = Follower::open(
                shared.clone(),
                log.clone(),
                (source, shown),
                &args.dir,
                args.since,
            )?;
            shared.board.put(follower.standing().clone());
            followers.push(follower);
        }
        Ok(Self {
            followers,
            desk,
            stop,
            poll: config.follow.poll.get(),
            daily: config.daily.map(|daily| daily.at),
            shared,
            keeper,
            peers,
            lists: names,
            limits: config.limits.limits(),
            _lock: lock,
        })
    }
}

/// The new alerts of a run, in order.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Vec<Numbered>>);

impl Kept {
    pub(super) fn alerts(&self) -> Vec<Numbered> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

struct Front {
    desk: Arc<Desk>,
    bar: Bar,
    kept: Option<Arc<Kept>>,
}

impl Onlooker for Front {
    fn told(&self, alerts: &[Numbered]) {
        if let Some(kept) = &self.kept {
            let mut kept = kept.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(alerts);
        }
        self.desk.ring();
    }

    fn progress(&self, progress: Progress) {
        self.bar.at(progress);
    }
}

fn load_trust(fs: &dyn Fs, path: &Path) -> Result<TrustFile, StartError> {
    let bytes = fs.read(path)?;
    TrustFile::parse(&bytes).map_err(|source| StartError::Trust {
        path: path.into(),
        source,
    })
}

/// What is said of a log that is not followed would never be looked at.
fn must_be_trusted(config: &Config, trust: &TrustFile) -> Result<(), StartError> {
    let sources = config
        .source
        .iter()
        .map(|entry| ("[[source]]", &entry.origin));
    let canary = config
        .canary
        .iter()
        .map(|entry| ("[canary]", &entry.origin));
    for (table, origin) in sources.chain(canary) {
        if trust.log(origin).is_none() {
            let origin = origin.clone();
            return Err(StartError::NotTrusted { table, origin });
        }
    }
    Ok(())
}

fn address(log: &TrustedLog) -> Result<&str, StartError> {
    let known = log.policy().logs().iter().find_map(|log| log.url());
    known.ok_or_else(|| StartError::NoAddress(log.origin().clone()))
}

fn server(url: &str) -> Result<(Box<dyn Source>, String), StartError> {
    let server = LogServer::at(url, Fetch::default())?;
    Ok((Box::new(server), url.to_owned()))
}

/// Takes the folder, or begins one.
fn begin(fs: &dyn Fs, dir: &Path, command: &str) -> Result<DirLock, StartError> {
    fs.create_dir_all(dir)?;
    let marker = dir.join(MARKER);
    let is_new = !fs.exists(&marker)?;
    let ours = [LOCK.to_owned(), format!("{MARKER}{TEMP_SUFFIX}")];
    if is_new && !fs.list(dir)?.iter().all(|name| ours.contains(name)) {
        return Err(StartError::NotAMonitor { dir: dir.into() });
    }
    let lock = DirLock::take(dir, &format!("labelproof-monitor {command}"))?;
    if is_new {
        write_atomic(fs, &marker, FORMAT.as_bytes())?;
    } else if fs.read(&marker)? != FORMAT.as_bytes() {
        return Err(StartError::OtherVersion { dir: dir.into() });
    }
    Ok(lock)
}

/// A folder that follows a log which the trust file does not name is another monitor's.
fn must_be_of(fs: &dyn Fs, dir: &Path, trust: &TrustFile) -> Result<(), StartError> {
    let logs = dir.join(LOGS);
    if !fs.exists(&logs)? {
        return Ok(());
    }
    let known: Vec<String> = trust
        .logs()
        .iter()
        .map(|log| file_name(log.origin()))
        .collect();
    match fs
        .list(&logs)?
        .into_iter()
        .find(|name| !known.contains(name))
    {
        Some(log) => Err(StartError::OtherLog {
            dir: dir.into(),
            log,
        }),
        None => Ok(()),
    }
}

/// Waits until the time is over or the person stops the program.
#[derive(Debug)]
pub(super) struct UntilStopped(StopSignal);

impl UntilStopped {
    /// Has every thread of the program come to its end.
    pub(super) fn stop(&self) {
        self.0.ask();
    }
}

impl Pause for UntilStopped {
    fn pause(&self, time: Duration) -> Wish {
        match self.0.wait(time) {
            true => Wish::Stop,
            false => Wish::GoOn,
        }
    }
}

/// Why the program cannot start, or ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(super) enum StartError {
    #[error(transparent)]
    Config(#[from] BadConfig),
    #[error(transparent)]
    Telling(#[from] BadTelling),
    #[error("{}", path.display())]
    Trust { path: PathBuf, source: TrustError },
    #[error("nobody says where log {0} is; name its address in a [[source]] of the configuration")]
    NoAddress(Origin),
    #[error(
        "the configuration has a {table} of {origin}, which the trust file does not name; mend the origin, or take the \
         table out"
    )]
    NotTrusted { table: &'static str, origin: Origin },
    #[error(transparent)]
    Url(#[from] BadUrl),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error(transparent)]
    Own(#[from] OwnError),
    #[error("{} is not a monitor's, and a monitor is begun in an empty folder", dir.display())]
    NotAMonitor { dir: PathBuf },
    #[error("{} was written by another version of labelproof-monitor; use that one, or another folder", dir.display())]
    OtherVersion { dir: PathBuf },
    #[error("{} follows {log}, which the trust file does not name; use another folder, or remove {LOGS}/{log} from it", dir.display())]
    OtherLog { dir: PathBuf, log: String },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Files(#[from] FsError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Desk(#[from] DeskError),
    #[error("the system gives no thread or no signal handler")]
    Start(#[source] io::Error),
    #[error("cannot listen on {address}; free it, or give another with --listen")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot print")]
    Output(#[source] io::Error),
}

impl StartError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Config(BadConfig::File(ConfigError::Unreadable(_))) => Exit::Usage,
            Self::Open(OpenError::Folder(FolderError::OtherLog { .. }))
            | Self::Config(_)
            | Self::Telling(_)
            | Self::NoAddress(_)
            | Self::NotTrusted { .. }
            | Self::Url(_)
            | Self::NotAMonitor { .. }
            | Self::OtherVersion { .. }
            | Self::OtherLog { .. }
            | Self::Listen { .. }
            | Self::Lock(LockError::Held { .. }) => Exit::Usage,
            Self::Own(OwnError::Files(error)) if error.is_not_found() => Exit::Usage,
            Self::Trust { .. } | Self::Watch(_) | Self::Own(_) => Exit::Malformed,
            Self::Files(error) if error.is_not_found() => Exit::Usage,
            Self::Open(_)
            | Self::Files(_)
            | Self::Lock(_)
            | Self::Desk(_)
            | Self::Start(_)
            | Self::Output(_) => Exit::Internal,
        }
    }
}

const MARKER: &str = "labelproof-monitor";
const LOCK: &str = "lock";
/// Raised when a program of today could not read what a later one wrote.
const FORMAT: &str = "labelproof-monitor/v1\n";
