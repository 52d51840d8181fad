//! The accept loop: HTTP/1.1 with limits on everything a stranger can hold.
//!
//! ```text
//! connections          at most Limits::connections, fewer if descriptors are few; more are closed
//! request head, idle   30 s each (one timer of hyper's)
//! request body         1 KiB/s over windows of 10 s; length by route, 128 KiB if it says nothing
//! answer               a reader that takes nothing for 30 s is closed
//! stop                 no new connections, running requests get 10 s, the rest is closed
//! ```
//! Routes, answers and statuses belong to the services. TLS ends at a proxy before this.

mod body;
mod stream;

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use self::body::PacedBody;
use self::stream::StallingStream;

/// What a server grants to strangers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; a lower one follows from the descriptors the system grants.
    pub connections: usize,
    /// For a request's head, and for silence between requests.
    pub head_timeout: Duration,
    /// The window over which the pace of a body is measured.
    pub body_window: Duration,
    /// Bytes a body must bring in each window.
    pub body_window_bytes: u64,
    /// Longest request body, unless a route layers its own [`DefaultBodyLimit`].
    pub body_bytes: usize,
    /// How long a reader may take nothing of its answer.
    pub write_stall: Duration,
    /// What running requests get once the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Ten thousand idle strangers must not keep an honest one out.
            connections: 16_384,
            head_timeout: Duration::from_secs(30),
            body_window: Duration::from_secs(10),
            body_window_bytes: 10 * 1024,
            // An event is at most 16 KiB, an add-checkpoint with 64 signatures about 12 KiB.
            body_bytes: 128 * 1024,
            write_stall: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves `router` on `listener` until `shutdown` is ready and the running requests are done.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let router = router.layer(DefaultBodyLimit::max(limits.body_bytes));
    let places = Arc::new(Semaphore::new(
        limits.connections.min(descriptors_for_connections()),
    ));
    let (stop, stopped) = watch::channel(());
    let mut running = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = running.join_next(), if !running.is_empty() => {}
            accepted = listener.accept() => match accepted {
                // Beyond the cap a connection is closed at once: no queue to fill.
                Ok((stream, _)) => if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    let work = connection(stream, router.clone(), limits, stopped.clone(), place);
                    running.spawn(work);
                },
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(stop);
    let all_done = async { while running.join_next().await.is_some() {} };
    // Dropping the set closes what is left.
    let _ = tokio::time::timeout(limits.grace, all_done).await;
}

async fn connection(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
    _place: OwnedSemaphorePermit,
) {
    // Our answers are written whole; waiting to fill a packet only delays the last one.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        async move {
            let request = request.map(|body| axum::body::Body::new(PacedBody::new(body, limits)));
            let Ok(response) = router.oneshot(request).await;
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(StallingStream::new(stream, limits.write_stall));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(io, service);
    let mut serving = pin!(serving);
    // The sender is dropped to stop, so `changed` ends with an error and only then.
    tokio::select! {
        // An error is the stranger's: a broken connection, a slow or malformed request.
        _ = serving.as_mut() => return,
        _ = stopped.changed() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

/// Descriptors the system grants, less what files and the way out need.
fn descriptors_for_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let granted = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<usize>().ok());
    let most = granted.map_or(usize::MAX >> 4, |granted| {
        granted.saturating_sub(OTHER_DESCRIPTORS)
    });
    most.clamp(1, Semaphore::MAX_PERMITS)
}

/// Long enough not to spin while descriptors are exhausted, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Store, index, log output and connections to seven witnesses; twice what was ever counted.
const OTHER_DESCRIPTORS: usize = 128;

/// All header fields of a request together; browsers and proxies stay below 8 KiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;
