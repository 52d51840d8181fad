//! All channels at work, a thread each.
//!
//! ```text
//! open      the queue of each channel, from its file
//! start ─▶ a thread for each channel ─▶ turn · turn · wait for the bell or the time · turn …
//! ring      a new alert is in the journal
//! finish    until nothing is due at once any more, or the time is over
//! ```

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use labelproof_host::{
    clock::Clock,
    fs::{Fs, FsError},
};
use thiserror::Error;

use super::{
    Alerts, Channel, Standing,
    courier::{Courier, Ground, Turn},
    standing::FIRST,
};

/// The channels of a monitor, for whoever gives them their turns.
#[derive(Debug)]
pub struct Couriers(Vec<Courier>);

impl Couriers {
    /// Opens the channels; what they were given is kept in `dir`, which is made.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn open(
        channels: Vec<Channel>,
        alerts: Arc<dyn Alerts>,
        dir: &Path,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeskError> {
        let mut labels: Vec<String> = channels.iter().map(Channel::label).collect();
        labels.sort();
        if let Some(pair) = labels.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(DeskError::Twice(pair[0].clone()));
        }
        let fresh = if fs.exists(dir)? { alerts.end() } else { FIRST };
        fs.create_dir_all(dir)?;
        let ground = Ground { alerts, fs, clock };
        let mut couriers = Vec::new();
        for channel in channels {
            couriers.push(Courier::open(channel, dir, fresh, ground.clone())?);
        }
        Ok(Self(couriers))
    }

    /// Gives each channel its turns, one after the other, until nothing is due at once any more.
    pub fn settle(&mut self) {
        for courier in &mut self.0 {
            while courier.turn() == Turn::Again {}
        }
    }
}

/// The channels of a monitor at work.
#[derive(Debug)]
pub struct Desk {
    bell: Arc<Bell>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    standings: Vec<Arc<Mutex<Standing>>>,
}

impl Desk {
    /// Starts the channels; what they were given is kept in `dir`, which is made.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn start(
        channels: Vec<Channel>,
        alerts: Arc<dyn Alerts>,
        dir: &Path,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeskError> {
        let Couriers(couriers) = Couriers::open(channels, alerts, dir, fs, clock)?;
        let standings = couriers.iter().map(Courier::standing).collect();
        let bell = Arc::new(Bell::new(couriers.len()));
        let mut threads = Vec::new();
        for (at, courier) in couriers.into_iter().enumerate() {
            let bell = Arc::clone(&bell);
            let thread = thread::Builder::new().name(format!("notify-{at}"));
            threads.push(
                thread
                    .spawn(move || work(courier, at, &bell))
                    .map_err(DeskError::Thread)?,
            );
        }
        Ok(Self {
            bell,
            threads: Mutex::new(threads),
            standings,
        })
    }

    /// Says that a new alert is in the journal.
    pub fn ring(&self) {
        self.bell.ring();
    }

    /// How each channel stands.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |kept: &Arc<Mutex<Standing>>| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
        };
        self.standings.iter().map(standing).collect()
    }

    /// Waits until no channel has anything due at once, at most `patience`, and stops them all.
    ///
    /// A channel that is in the middle of a try is left to it; the try counts as not made.
    pub fn finish(&self, patience: Duration) {
        self.bell.settle(Instant::now() + patience);
        self.bell.stop();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if self.bell.is_quiet() {
                // It only has to leave its loop.
                let _ = thread.join();
            }
        }
    }
}

fn work(mut courier: Courier, at: usize, bell: &Bell) {
    loop {
        let heard = bell.start(at);
        if bell.is_stopped() {
            return;
        }
        let wait = match courier.turn() {
            Turn::Again => continue,
            Turn::Wait(time) => Some(time),
            Turn::Rest => None,
            Turn::Over => Some(A_DAY),
        };
        bell.wait(at, heard, wait);
    }
}

/// Wakes the channels, and knows which of them are busy.
#[derive(Debug)]
struct Bell {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Rises with each ring, so that none between two looks is missed.
    rings: u64,
    stopped: bool,
    busy: Vec<bool>,
}

impl Bell {
    fn new(channels: usize) -> Self {
        Self {
            state: Mutex::new(State {
                rings: 0,
                stopped: false,
                busy: vec![true; channels],
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        let mut state = self.lock();
        state.rings += 1;
        // Each of them has something to look at now.
        state.busy.fill(true);
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn is_quiet(&self) -> bool {
        !self.lock().busy.contains(&true)
    }

    /// A channel begins a turn; returns how often it rang until now.
    fn start(&self, at: usize) -> u64 {
        let mut state = self.lock();
        state.busy[at] = true;
        state.rings
    }

    /// Waits for a ring after `heard`, for the time, or for the end.
    fn wait(&self, at: usize, heard: u64, time: Option<Duration>) {
        let mut state = self.lock();
        let idle = |state: &mut State| state.rings == heard && !state.stopped;
        if !idle(&mut state) {
            return;
        }
        state.busy[at] = false;
        self.changed.notify_all();
        // Clocks step, also for the better: looked at again before long.
        let time = time.unwrap_or(LOOK).min(LOOK);
        drop(self.changed.wait_timeout_while(state, time, idle));
    }

    /// Waits until no channel is busy, or until then.
    fn settle(&self, until: Instant) {
        let state = self.lock();
        let left = until.saturating_duration_since(Instant::now());
        let busy = |state: &mut State| state.busy.contains(&true);
        drop(self.changed.wait_timeout_while(state, left, busy));
    }
}

/// Why channels cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeskError {
    /// Two channels of one kind have one name.
    #[error("two channels are called {0}")]
    Twice(String),
    /// Their folder or files cannot be used.
    #[error(transparent)]
    Files(#[from] FsError),
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// A minute late after a clock was put right is soon enough.
const LOOK: Duration = Duration::from_secs(60);

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::mpsc};

    use labelproof_host::{clock::SystemClock, fs::RealFs};

    use super::*;
    use crate::notify::{
        stdout::Stdout,
        tests::{Kept, alert},
    };

    /// Passes what is written on.
    struct Sink(mpsc::Sender<String>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn desk(channels: Vec<Channel>, kept: &Arc<Kept>, dir: &Path) -> Desk {
        let (fs, clock) = (Arc::new(RealFs::new()), Arc::new(SystemClock));
        Desk::start(
            channels,
            Arc::clone(kept) as Arc<dyn Alerts>,
            dir,
            fs,
            clock,
        )
        .unwrap()
    }

    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_in_the_journal_goes_out_and_what_comes_rings() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Arc::new(Kept::of(2));
        let (send, got) = mpsc::channel();
        let out = Channel::Stdout(Stdout::to(Box::new(Sink(send))));
        let desk = desk(vec![out], &kept, &dir.path().join("notify"));
        for number in [1, 2] {
            assert_eq!(
                got.recv_timeout(SOON).unwrap(),
                format!("{}\n", alert(number).to_json())
            );
        }
        kept.0.lock().unwrap().push(alert(3));
        desk.ring();
        assert_eq!(
            got.recv_timeout(SOON).unwrap(),
            format!("{}\n", alert(3).to_json())
        );
        desk.ring();
        desk.finish(SOON);
        assert!(
            got.recv().is_err(),
            "the channel is closed, and nothing came twice"
        );
    }

    #[test]
    fn a_channel_that_hangs_holds_up_no_other() {
        /// Hangs until it is let go.
        struct Stuck(mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let kept = Arc::new(Kept::of(50));
        let (letting_go, stuck) = mpsc::channel();
        let stuck = Channel::Stdout(Stdout::to(Box::new(Stuck(stuck))));
        let cat = crate::notify::hook::Hook::new("/bin/cat".into(), vec![], SOON);
        let cat = Channel::Hook("cat".parse().unwrap(), cat);
        let desk = desk(vec![stuck, cat], &kept, &dir.path().join("notify"));
        let until = Instant::now() + SOON;
        while desk.standings()[1].waiting() > 0 && Instant::now() < until {
            thread::yield_now();
        }
        let standings = desk.standings();
        assert_eq!(
            (standings[1].channel(), standings[1].delivered()),
            ("hook.cat", 50)
        );
        assert_eq!((standings[0].waiting(), standings[0].delivered()), (50, 0));
        // It does not hold up the end either.
        desk.finish(Duration::ZERO);
        drop(letting_go);
    }

    #[test]
    fn two_channels_of_one_name_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let channels = vec![
            Channel::Stdout(Stdout::new()),
            Channel::Stdout(Stdout::new()),
        ];
        let (fs, clock) = (Arc::new(RealFs::new()), Arc::new(SystemClock));
        let error =
            Desk::start(channels, Arc::new(Kept::of(0)), dir.path(), fs, clock).unwrap_err();
        assert_eq!(error.to_string(), "two channels are called stdout");
    }
}
