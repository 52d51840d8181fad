//! The wish of a person or a supervisor that the program stops: SIGTERM or SIGINT.
//!
//! Daemons await [`Shutdown`]; a command that has no runtime waits on [`StopSignal`] between two steps.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for the two signals from the moment it is made.
#[derive(Debug)]
pub struct Shutdown {
    terminate: Signal,
    interrupt: Signal,
}

impl Shutdown {
    /// Starts to listen; a signal that comes before [`Shutdown::requested`] is awaited is kept.
    ///
    /// # Errors
    /// When the system refuses a handler.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn listen() -> io::Result<Shutdown> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Shutdown {
            terminate,
            interrupt,
        })
    }

    /// Waits for the first of the two.
    pub async fn requested(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The same wish for programs that wait with threads.
#[derive(Clone, Debug)]
pub struct StopSignal {
    wish: Arc<(Mutex<bool>, Condvar)>,
}

impl StopSignal {
    /// Listens on a thread of its own; from now on the two signals no longer end the process.
    ///
    /// # Errors
    /// When the system refuses a handler or the thread.
    pub fn listen() -> io::Result<StopSignal> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut shutdown = {
            let _inside = runtime.enter();
            Shutdown::listen()?
        };
        let wish = Arc::new((Mutex::new(false), Condvar::new()));
        let heard = StopSignal { wish };
        let stop = heard.clone();
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                runtime.block_on(shutdown.requested());
                heard.ask();
            })?;
        Ok(stop)
    }

    /// Has everybody who waits stop, as if a signal had come.
    pub fn ask(&self) {
        *self.wish.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wish.1.notify_all();
    }

    /// Waits for `time`, or until one of the signals came; tells whether it did.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut asked = self.wish.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*asked {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            asked = self
                .wish
                .1
                .wait_timeout(asked, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *asked
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn both_signals_are_heard_and_kept() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for name in ["-TERM", "-INT"] {
            runtime.block_on(async {
                let mut shutdown = Shutdown::listen().unwrap();
                let pid = std::process::id().to_string();
                assert!(
                    Command::new("kill")
                        .args([name, &pid])
                        .status()
                        .unwrap()
                        .success()
                );
                shutdown.requested().await;
            });
        }
    }

    #[test]
    fn whoever_waits_is_woken_and_told() {
        let stop = StopSignal::listen().unwrap();
        assert!(!stop.wait(Duration::ZERO));
        let pid = std::process::id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        assert!(stop.wait(Duration::from_secs(60)));
        assert!(stop.wait(Duration::ZERO));
    }
}
