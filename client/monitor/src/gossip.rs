//! Gossip: heads exchanged with other monitors, so that a log that shows each of us another history is found out.
//!
//! ```text
//! ours ─POST /v1/heads─▶ peer: consistent · ahead · forked ─▶ its own head ─▶ held against ours
//! ```
//! Whoever of the two is ahead can compare; so one round is enough. Nothing a peer says is believed: its head is judged as
//! a stranger's, and what it calls evidence by what the log signed in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use labelproof::patience::{Pause, Wish};
use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_host::{
    fetch::{Fetch, FetchCause},
    logging::causes,
};
use serde::Deserialize;
use thiserror::Error;
use tracing::{info, warn};

use crate::{
    board::{Board, Standing},
    name::Name,
    promises::keeper::{Keeper, Unjudged, Verdict},
};

/// Another monitor.
#[derive(Debug)]
pub struct Peer {
    name: Name,
    url: String,
    fetch: Fetch,
    fails: AtomicBool,
}

impl Peer {
    /// The monitor at this address, asked over `fetch`.
    pub fn new(name: Name, url: &str, fetch: Fetch) -> Self {
        Self {
            name,
            url: url.trim_end_matches('/').to_owned(),
            fetch,
            fails: AtomicBool::new(false),
        }
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whether the newest exchange failed.
    pub fn fails(&self) -> bool {
        self.fails.load(Ordering::Relaxed)
    }

    /// Exchanges the newest head of each log with it.
    fn exchange_all(&self, logs: &[Standing], keeper: &Keeper) {
        let mut failed = None;
        for ours in logs.iter().filter_map(Standing::witnessed) {
            let Err(why) = self.exchange(ours, keeper) else {
                continue;
            };
            let is_silent = matches!(why, Failed::NoAnswer(_));
            failed.get_or_insert(why);
            if is_silent {
                // Whoever does not answer would let each further log wait as long.
                break;
            }
        }
        let before = self.fails.swap(failed.is_some(), Ordering::Relaxed);
        match failed {
            // Once an episode: it comes again at each poll.
            Some(why) if !before => {
                warn!(peer = %self.name, why = causes(&why), "heads cannot be exchanged");
            }
            None if before => info!(peer = %self.name, "heads are exchanged again"),
            Some(_) | None => {}
        }
    }

    /// Shows it a head of ours, and judges the one it has.
    fn exchange(&self, ours: &SignedCheckpoint, keeper: &Keeper) -> Result<(), Failed> {
        let url = format!("{}/v1/heads", self.url);
        let note = ours.note().to_bytes();
        let text = "text/plain; charset=utf-8";
        let answer = self.fetch.post(&url, &note, text, MAX_ANSWER_BYTES);
        let answer = answer.map_err(|error| Failed::NoAnswer(error.into_cause()))?;
        if answer.status() != 200 {
            return Err(Failed::Status(answer.status()));
        }
        let answer: Answer =
            serde_json::from_slice(answer.body()).map_err(|_| Failed::NotAMonitor)?;
        if let Some(file) = answer.evidence
            && keeper
                .judge_evidence(file.as_bytes())
                .map_err(Failed::Unfit)?
        {
            info!(peer = %self.name, "a peer has evidence, and it holds");
        }
        let Some(theirs) = answer.head else {
            return Ok(());
        };
        if let Verdict::Forked(_) = keeper
            .judge_head(theirs.as_bytes())
            .map_err(Failed::Unfit)?
            .verdict
        {
            info!(peer = %self.name, "a peer was shown another history; evidence is made");
        }
        Ok(())
    }
}

/// Exchanges the newest head of each log with each peer, once, or until somebody wants no more.
///
/// A peer that hangs takes its time, and holds up a few others at most.
pub fn round(peers: &[Arc<Peer>], board: &Board, keeper: &Keeper, pause: &dyn Pause) {
    let logs = board.logs();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(peer) = peers.get(next.fetch_add(1, Ordering::Relaxed)) {
            if pause.pause(Duration::ZERO) == Wish::Stop {
                return;
            }
            peer.exchange_all(&logs, keeper);
        }
    };
    thread::scope(|scope| {
        for _ in 0..peers.len().min(MAX_AT_ONCE) {
            scope.spawn(work);
        }
    });
}

/// What of an answer counts.
#[derive(Deserialize)]
struct Answer {
    head: Option<String>,
    evidence: Option<String>,
}

/// Why heads were not exchanged.
#[derive(Debug, Error)]
enum Failed {
    #[error("the peer does not answer")]
    NoAnswer(#[source] FetchCause),
    #[error("the peer answers {0}")]
    Status(u16),
    #[error("what answers is no monitor")]
    NotAMonitor,
    #[error("what the peer answers cannot be judged")]
    Unfit(#[source] Unjudged),
}

/// A head with its cosignatures, and perhaps a file of evidence.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// As many members as there are, without one's own; each thread waits, and judges one answer.
const MAX_AT_ONCE: usize = 8;

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        sync::mpsc,
    };

    use labelproof::patience::AtOnce;
    use labelproof_host::serve::Limits;

    use super::*;
    use crate::{
        alert::Rule,
        http::{Server, Service},
        promises::tests::{World, honest, leaves},
    };

    /// A monitor that answers.
    fn serve(world: &World) -> (Server, String) {
        let (board, journal) = (world.shared.board.clone(), world.shared.journal.clone());
        let clock = world.shared.clock.clone();
        let service = Service::new(board, journal, Vec::new(), clock, Duration::from_secs(5));
        let service = service.with_keeper(world.keeper.clone());
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(service, any, Limits::default()).unwrap();
        let url = format!("http://{}/", server.address());
        (server, url)
    }

    fn peer(url: &str) -> [Arc<Peer>; 1] {
        let fetch = Fetch::new(Duration::from_secs(20));
        [Arc::new(Peer::new("other".parse().unwrap(), url, fetch))]
    }

    #[test]
    fn a_split_view_is_proved_in_one_round_whoever_begins() {
        for begins_ahead in [true, false] {
            let (ours, theirs) = (World::new(1), World::new(2));
            ours.verified(&honest(if begins_ahead { 9 } else { 7 }));
            theirs.verified(&leaves(if begins_ahead { 7 } else { 9 }, 5));
            let (server, url) = serve(&theirs);
            let peers = peer(&url);
            round(&peers, &ours.shared.board, &ours.keeper, &AtOnce);
            assert!(!peers[0].fails());
            // Whoever has the longer history can compare, and who asked has the evidence in the answer.
            assert_eq!(ours.told(), [Rule::Fork]);
            assert_eq!(theirs.told().len(), usize::from(!begins_ahead));
            server.stop();
        }
    }

    #[test]
    fn monitors_that_see_one_log_tell_nothing() {
        let (ours, theirs) = (World::new(1), World::new(2));
        ours.verified(&honest(9));
        theirs.verified(&honest(7));
        let (server, url) = serve(&theirs);
        round(&peer(&url), &ours.shared.board, &ours.keeper, &AtOnce);
        assert!(ours.told().is_empty() && theirs.told().is_empty());
        server.stop();
    }

    #[test]
    fn a_peer_that_fails_is_said_to_and_comes_back() {
        let (ours, theirs) = (World::new(1), World::new(2));
        ours.verified(&honest(9));
        let (server, url) = serve(&theirs);
        let peers = peer(&url);
        // It has verified nothing yet.
        round(&peers, &ours.shared.board, &ours.keeper, &AtOnce);
        assert!(peers[0].fails());
        theirs.verified(&honest(9));
        round(&peers, &ours.shared.board, &ours.keeper, &AtOnce);
        assert!(!peers[0].fails());
        server.stop();
        round(&peers, &ours.shared.board, &ours.keeper, &AtOnce);
        assert!(peers[0].fails() && ours.told().is_empty());
    }

    /// A peer that does this before it answers one request.
    fn answers_after(before: impl FnOnce() + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            for line in reader.by_ref().lines().map(Result::unwrap) {
                let line = line.to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            before();
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            reader.into_inner().write_all(answer.as_bytes()).unwrap();
        });
        url
    }

    #[test]
    fn a_peer_that_hangs_holds_up_no_other() {
        let ours = World::new(1);
        ours.verified(&honest(9));
        let (ask, asked) = mpsc::channel();
        // The first answers only once the second was asked.
        let first = answers_after(move || asked.recv().unwrap());
        let second = answers_after(move || ask.send(()).unwrap());
        let peers = [first, second].map(|url| peer(&url)[0].clone());
        round(&peers, &ours.shared.board, &ours.keeper, &AtOnce);
        assert!(!peers[0].fails() && !peers[1].fails());
    }

    /// A person who wants no more.
    #[derive(Debug)]
    struct Stopped;

    impl Pause for Stopped {
        fn pause(&self, _: Duration) -> Wish {
            Wish::Stop
        }
    }

    #[test]
    fn nobody_is_asked_once_it_is_to_stop() {
        let ours = World::new(1);
        ours.verified(&honest(9));
        // Nobody answers there, and that would be said.
        let peers = peer("http://127.0.0.1:1");
        round(&peers, &ours.shared.board, &ours.keeper, &Stopped);
        assert!(!peers[0].fails());
    }
}
