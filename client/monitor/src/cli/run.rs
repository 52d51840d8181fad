//! `run`: follows each log on a thread of its own until SIGTERM.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, thread, time::Duration};

use labelproof::patience::{Pause, Wish};
use labelproof_host::{exit::Exit, logging::causes};
use tracing::{info, warn};

use super::ground::{Ground, Manner, StartError};
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
    let mut works: Vec<Work<'_>> = Vec::new();
    for follower in ground.followers {
        works.push(Box::new(move || follow(follower, poll, pause)));
    }
    if let Some(daily) = ground.daily {
        works.push(Box::new(move || tell_daily(daily, shared, pause)));
    }
    if !peers.is_empty() {
        works.push(Box::new(move || {
            while pause.pause(poll) == Wish::GoOn {
                gossip::round(&peers, &shared.board, &keeper, pause);
            }
        }));
    }
    let ended = together(works, &|| pause.stop());
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

type Work<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Does each on a thread of its own until one ends, which stops the others; tells whether none panicked.
///
/// What nobody does any more must not go unnoticed: who supervises starts the program again.
fn together(works: Vec<Work<'_>>, stop: &(dyn Fn() + Sync)) -> bool {
    thread::scope(|scope| {
        let begun = works.into_iter().map(|work| {
            scope.spawn(move || {
                let _end = EndAll(stop);
                work();
            })
        });
        let threads: Vec<_> = begun.collect();
        let panicked = threads.into_iter().filter_map(|thread| thread.join().err());
        panicked.count() == 0
    })
}

/// Ends the program when it goes, after a panic too.
struct EndAll<'a>(&'a (dyn Fn() + Sync));

impl Drop for EndAll<'_> {
    fn drop(&mut self) {
        (self.0)();
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

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use super::*;

    #[test]
    fn whoever_panics_ends_the_others_too() {
        for panics in [true, false] {
            let (ask, asked) = mpsc::channel();
            let begun = Barrier::new(2);
            let begun = &begun;
            let works: Vec<Work<'_>> = vec![
                Box::new(move || {
                    begun.wait();
                    assert!(!panics, "nothing holds");
                }),
                Box::new(move || {
                    begun.wait();
                    asked.recv().unwrap();
                }),
            ];
            let ended = together(works, &|| ask.send(()).unwrap_or_default());
            assert_eq!(ended, !panics);
        }
    }
}
