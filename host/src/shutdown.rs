//! The wish of a person or a supervisor that the program stops: SIGTERM or SIGINT.

use std::io;

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
}
