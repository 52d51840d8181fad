//! Sending the demo's events: every label on a line of its own, many lines at a time.

use std::io;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use labelproof::log_server::LogServer;
use labelproof::submit::submit;
use labelproof_core::event::Event;
use labelproof_host::fetch::Fetch;

/// Sends the events of each row in order, the rows side by side, and waits until the log
/// says of each that a quorum of witnesses has it.
pub(crate) fn publish(log_url: &str, rows: Vec<Vec<Event>>) -> io::Result<()> {
    let rows = Mutex::new(rows.into_iter());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| work(log_url, &rows)))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("a worker does not panic"))
    })
}

fn work(log_url: &str, rows: &Mutex<impl Iterator<Item = Vec<Event>>>) -> io::Result<()> {
    let server = LogServer::at(log_url, Fetch::new(TIMEOUT)).map_err(io::Error::other)?;
    loop {
        let row = rows.lock().expect("no worker panics with the lock").next();
        let Some(row) = row else { return Ok(()) };
        for event in row {
            submit(&server, &event)
                .map_err(|error| io::Error::other(format!("{}: {error}", event.subject())))?;
        }
    }
}

/// All labels at once: each waits for a round of witnesses, and a round takes them all.
const WORKERS: usize = 100;
/// A log waits 30 s for its witnesses before it gives a receipt.
const TIMEOUT: Duration = Duration::from_secs(60);
