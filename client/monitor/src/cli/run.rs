//! `run`: follows each log on a thread of its own until SIGTERM.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, thread, time::Duration};

use labelproof::patience::{Pause, Wish};
use labelproof_host::{exit::Exit, logging::causes};
use tracing::{info, warn};

use super::ground::{Ground, Manner, StartError, UntilStopped};
use crate::{
    daily::{self, Daily},
    follow::{Follower, Passed, Shared},
    gossip,
    http::{Server, Service},
    notify::stdout::Stdout,
};

/// Follows the logs, and answers on an address if there is one.
pub(super) fn run(args: &super::Ground, listen: Option<SocketAddr>) -> Result<Exit, StartError> {
    let manner = Manner {
        patience: None,
        stdout: Some(Stdout::new()),
        kept: None,
        command: "run",
    };
    let ground = Ground::open(args, manner)?;
    info!(logs = ground.followers.len(), dir = %args.dir.display(), "following");
    let server = listen.map(|address| serve(&ground, address)).transpose()?;
    let (peers, keeper) = (ground.peers, ground.keeper);
    let (poll, pause, shared) = (ground.poll, &*ground.stop, &ground.shared);
    let ended = thread::scope(|scope| {
        let threads: Vec<_> = ground
            .followers
            .into_iter()
            .map(|follower| {
                scope.spawn(move || {
                    // A log that nobody follows any more must not go unnoticed: who supervises starts the program again.
                    let _end = EndAll(pause);
                    follow(follower, poll, pause);
                })
            })
            .collect();
        if let Some(daily) = ground.daily {
            scope.spawn(move || tell_daily(daily, shared, pause));
        }
        if !peers.is_empty() {
            scope.spawn(move || {
                while pause.pause(poll) == Wish::GoOn {
                    gossip::round(&peers, &shared.board, &keeper, pause);
                }
            });
        }
        let ended: Vec<bool> = threads
            .into_iter()
            .map(|thread| thread.join().is_ok())
            .collect();
        !ended.contains(&false)
    });
    if let Some(server) = server {
        server.stop();
    }
    ground.desk.finish(SETTLE);
    info!("stopped");
    Ok(if ended { Exit::Done } else { Exit::Internal })
}

fn serve(ground: &Ground, address: SocketAddr) -> Result<Server, StartError> {
    let (shared, desk) = (&ground.shared, Arc::clone(&ground.desk));
    let service = Service::new(
        shared.board.clone(),
        shared.journal.clone(),
        ground.lists.clone(),
        shared.clock.clone(),
        ground.poll,
    );
    let service = service
        .with_keeper(ground.keeper.clone())
        .with_peers(ground.peers.clone())
        .with_channels(move || desk.standings());
    let server = Server::start(service, address, ground.limits)
        .map_err(|source| StartError::Listen { address, source })?;
    // On stderr: standard output is for alerts.
    eprintln!(
        "labelproof-monitor listening on http://{}",
        server.address()
    );
    Ok(server)
}

fn follow(mut follower: Follower, poll: Duration, pause: &dyn Pause) {
    loop {
        match follower.pass() {
            Passed::More => {}
            Passed::Done(_) if pause.pause(poll) == Wish::GoOn => {}
            Passed::Done(_) | Passed::Stopped => break,
        }
    }
    follower.close();
}

/// Ends the program when it goes, after a panic too.
struct EndAll<'a>(&'a UntilStopped);

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Tells the verdict of each day.
fn tell_daily(daily: Daily, shared: &Shared, pause: &dyn Pause) {
    let mut told = None;
    // The followers have looked once by then; clocks step, so it is looked at each minute.
    while pause.pause(LOOK) == Wish::GoOn {
        let now = shared.clock.now();
        let due = daily.due(now);
        if due.is_none() || due == told {
            continue;
        }
        let logs = shared.board.logs();
        let mut accused = BTreeSet::new();
        for log in &logs {
            // What cannot be read is told by the follower of the log.
            if shared.casebook.accuses(log.origin()).unwrap_or(false) {
                accused.insert(log.origin().clone());
            }
        }
        match shared.tell(vec![daily::verdict(&logs, &accused, now)]) {
            Ok(()) => told = due,
            Err(error) => warn!(why = causes(&error), "the verdict of the day is not told"),
        }
    }
}

const LOOK: Duration = Duration::from_secs(60);

/// A hook in the middle of its work; what is not brought then is brought after the next start.
const SETTLE: Duration = Duration::from_secs(5);
