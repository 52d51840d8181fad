//! The monitor over HTTP: alerts, feeds, health, and what strangers hand in (`docs/spec/monitor-api.md`).
//!
//! ```text
//! alerts   /v1/alerts · /v1/alerts/{number}
//! feed     /alerts.atom · /feeds/{list}.atom
//! stream   /v1/stream
//! handed   POST /v1/heads · /v1/receipts · /v1/adverse
//! health   /livez · /readyz · /metrics
//! home     /
//! page     what all pages share, and one alert as a page
//! error    one table of problems
//! ```
//! Everything is public. Nothing here decides: it reads board and journal, asks the keeper, and writes down the answer.

mod alerts;
mod error;
mod feed;
mod handed;
mod health;
mod home;
mod metrics;
mod page;
mod server;
mod stream;

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use labelproof_host::{
    clock::Clock,
    metrics::Held,
    web::{Places, open_to_browsers},
};
use tokio::sync::watch;

pub use server::Server;

use self::error::Problem;
use crate::{
    board::Board, gossip::Peer, journal::Journal, name::Name, notify::Standing,
    promises::keeper::Keeper,
};

/// What the routes answer from.
#[derive(Clone)]
pub struct Service {
    board: Board,
    journal: Journal,
    lists: Arc<[Name]>,
    channels: Arc<dyn Fn() -> Vec<Standing> + Send + Sync>,
    clock: Arc<dyn Clock>,
    poll: Duration,
    keeper: Option<Keeper>,
    judging: handed::Judging,
    peers: Arc<[Arc<Peer>]>,
    feeds: Arc<feed::Feeds>,
    streams: Places,
    connections: Held,
    ending: Arc<watch::Sender<bool>>,
}

impl Service {
    /// Answers from this board and journal, with a feed for each watch list; logs are asked every `poll`.
    #[must_use]
    pub fn new(
        board: Board,
        journal: Journal,
        lists: Vec<Name>,
        clock: Arc<dyn Clock>,
        poll: Duration,
    ) -> Self {
        Self {
            board,
            journal,
            lists: lists.into(),
            channels: Arc::new(Vec::new),
            clock,
            poll,
            keeper: None,
            judging: handed::Judging::default(),
            peers: Arc::new([]),
            feeds: Arc::default(),
            streams: Places::of(stream::MAX_STREAMS),
            connections: Held::default(),
            ending: Arc::new(watch::channel(false).0),
        }
    }

    /// The same, with the channels that `standings` tells of.
    #[must_use]
    pub fn with_channels(
        self,
        standings: impl Fn() -> Vec<Standing> + Send + Sync + 'static,
    ) -> Self {
        let channels = Arc::new(standings);
        Self { channels, ..self }
    }

    /// The same, and what strangers hand in goes to this keeper.
    #[must_use]
    pub fn with_keeper(self, keeper: Keeper) -> Self {
        let keeper = Some(keeper);
        Self { keeper, ..self }
    }

    /// The same, which exchanges heads with these.
    #[must_use]
    pub fn with_peers(self, peers: Vec<Arc<Peer>>) -> Self {
        let peers = peers.into();
        Self { peers, ..self }
    }

    /// The same, with places for so many readers of the stream.
    #[must_use]
    pub fn with_streams(self, count: usize) -> Self {
        let streams = Places::of(count);
        Self { streams, ..self }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("lists", &self.lists)
            .finish_non_exhaustive()
    }
}

/// The router of a monitor.
pub fn app(service: Service) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/alerts.atom", get(feed::all))
        .route("/feeds/{feed}", get(feed::list))
        .route("/v1/alerts", get(alerts::page))
        .route("/v1/alerts/{number}", get(alerts::one))
        .route("/v1/stream", get(stream::alerts))
        .route("/v1/heads", post(handed::head))
        .route("/v1/receipts", post(handed::receipt))
        .route("/v1/adverse", post(handed::adverse))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::WrongMethod)
        .layer(middleware::from_fn(page::problems_for_people))
        .layer(middleware::map_response(open_to_browsers))
        .with_state(service)
}

/// Runs what reads files on a thread of its own: a slow disk must not hold up the workers.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(%error, "a request failed in a way nobody foresaw");
            Err(Problem::Storage)
        }
    }
}

#[cfg(test)]
mod tests;
