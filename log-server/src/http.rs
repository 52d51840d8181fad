//! The routes, put together; each file below answers some of them.
//!
//! ```text
//! read     /checkpoint · /tile/…                                     c2sp.org/tlog-tiles, byte for byte
//! submit   POST /v1/events
//! batch    POST /v1/events:batch                                     many, answered line by line
//! lookup   /v1/events/{id} · /v1/proof/{index}
//! status   /v1/status/label|authority|scheme|member|gtin|alias/…
//! pack     POST /v1/pack
//! product  /01/{gtin} · /.well-known/gs1resolver                       the link on the box
//! labels   /v1/labels · /v1/labels/{scheme}/{id}                     for people and shops
//! home     /                                                         for a person who found the address
//! about    /v1/log · /livez · /readyz
//! metrics  /metrics                                                  for whoever runs it
//! openapi  /openapi.json · /docs                                        what all of these answer
//! follow   /v1/stream                                                new entries as they are published
//! error    one table of problems
//! ```
//! Everything is public and says so to browsers. Nothing here decides: it asks `log` and writes down the answer.

mod about;
mod accept;
mod batch;
mod docs;
pub mod error;
mod follow;
mod gate;
mod gzip;
mod home;
mod html;
mod kept;
mod label;
mod labels;
mod lines;
mod lookup;
mod metrics;
pub(crate) mod openapi;
mod pack;
mod product;
mod read;
mod status;
mod stream;
mod submit;

use std::{ops::Deref, sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, middleware, response::Response};
use labelproof_host::web::{
    Address, Document, NO_CACHE, NO_STORE, NoText, Places, has_named, open_to_browsers,
};
use tokio::{runtime::Handle, task::JoinSet};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

use self::{error::Problem, gate::Gate, gzip::Gzip, kept::Kept};
use crate::log::Log;

/// What the routes answer from; each request clones it several times, so it is one pointer.
#[derive(Clone, Debug)]
pub struct Service(Arc<Shared>);

/// What a [`Service`] is.
#[derive(Clone, Debug)]
pub struct Shared {
    log: Arc<Log>,
    interval: Duration,
    patience: Duration,
    batches: Places,
    streams: Places,
    packs: Places,
    gate: Arc<Gate>,
    submitting: Option<Handle>,
    gzip: Arc<Gzip>,
    tiles: Arc<Kept>,
}

impl Deref for Service {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Service {
    /// Answers from this log, whose batches are cut every `interval`.
    #[must_use]
    pub fn new(log: Arc<Log>, interval: Duration) -> Self {
        Self(Arc::new(Shared {
            log,
            interval,
            patience: PATIENCE,
            batches: Places::of(batch::MAX_BATCHES),
            streams: Places::of(follow::MAX_STREAMS),
            packs: Places::of(pack::MAX_PACKS),
            gate: Arc::new(Gate::new()),
            submitting: None,
            gzip: Arc::new(Gzip::new()),
            tiles: Arc::new(Kept::of(MAX_TILE_BYTES)),
        }))
    }

    /// The same, but a submitter waits for witnesses no longer than this.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        Arc::make_mut(&mut self.0).patience = patience;
        self
    }

    /// The same, but what submitters send is judged and answered on the threads of this runtime.
    ///
    /// The system shares the processor among threads: a reader's request stands behind other requests that are read,
    /// and not behind the signatures of ten thousand events.
    #[must_use]
    pub fn with_submitting(mut self, runtime: Handle) -> Self {
        Arc::make_mut(&mut self.0).submitting = Some(runtime);
        self
    }

    /// The same, with places for so many readers of the stream.
    #[must_use]
    pub fn with_streams(mut self, count: usize) -> Self {
        Arc::make_mut(&mut self.0).streams = Places::of(count);
        self
    }
}

/// The router of a log.
pub fn app(service: Service) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::WrongMethod)
        .layer(middleware::from_fn_with_state(
            service.clone(),
            html::problems_for_people,
        ))
        .layer(middleware::map_response(open_to_browsers))
        .with_state(service)
}

/// Every route, with what the document says of it.
fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(home::home))
        .routes(routes!(about::livez))
        .routes(routes!(about::readyz))
        .routes(routes!(about::log))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi::json))
        .routes(routes!(docs::docs))
        .routes(routes!(read::checkpoint))
        .routes(routes!(read::tile))
        .routes(routes!(read::entries).layer(middleware::map_response(read::in_encodings)))
        .routes(routes!(submit::event).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)))
        .routes(routes!(batch::events))
        .routes(routes!(lookup::event))
        .routes(routes!(lookup::proof))
        .routes(routes!(product::product))
        .routes(routes!(product::unit))
        .routes(routes!(product::resolver))
        .routes(routes!(labels::labels))
        .routes(routes!(label::label))
        .routes(routes!(follow::entries))
        .routes(routes!(status::label))
        .routes(routes!(status::authority))
        .routes(routes!(status::scheme))
        .routes(routes!(status::member))
        .routes(routes!(status::gtin))
        .routes(routes!(status::alias))
        .routes(routes!(pack::pack).layer(DefaultBodyLimit::max(pack::MAX_PACK_BODY_BYTES)))
}

/// Runs what a submitter asks for on the threads that are for it, and gives it up with the request.
async fn beside(
    submitting: Option<Handle>,
    work: impl Future<Output = Result<Response, Problem>> + Send + 'static,
) -> Result<Response, Problem> {
    let Some(runtime) = submitting else {
        return work.await;
    };
    let mut one = JoinSet::new();
    one.spawn_on(work, &runtime);
    match one.join_next().await {
        Some(Ok(done)) => done,
        failed => {
            tracing::error!(?failed, "a request failed in a way nobody foresaw");
            Err(Problem::Storage)
        }
    }
}

/// Runs what reads the store, or waits for who does, on a thread of its own: a slow disk must not hold up the
/// workers, which answer everybody else.
async fn apart<T: Send + 'static>(
    service: &Service,
    work: impl FnOnce(&Log) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let log = service.log.clone();
    match tokio::task::spawn_blocking(move || work(&log)).await {
        Ok(done) => counted(&service.log, done),
        Err(error) => {
            tracing::error!(%error, "a request failed in a way nobody foresaw");
            Err(Problem::Storage)
        }
    }
}

/// Counts what failed by the store.
fn counted<T>(log: &Log, done: Result<T, Problem>) -> Result<T, Problem> {
    done.inspect_err(|problem| {
        if let Problem::Storage = problem {
            log.setting().metrics.request_failed();
        }
    })
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// An event has at most 16 KiB; the rest is room for a refusal that says so.
const MAX_BODY_BYTES: usize = 128 * 1024;
/// All tiles of a quarter of a million entries, so that a reader's proof waits for no file.
const MAX_TILE_BYTES: usize = 8 * 1024 * 1024;
/// A revocation promises 60 s, so a submitter learns after half of it that witnesses are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
