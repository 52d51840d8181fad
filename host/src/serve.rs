//! The accept loop: HTTP/1.1 with limits on everything a stranger can hold.
//!
//! ```text
//! connections          at most Limits::connections, fewer if descriptors are few; the longest idle one gives way
//! request head, idle   30 s each (one timer of hyper's)
//! request body         1 KiB/s over windows of 10 s; length by route, 128 KiB if it says nothing
//! answer               a reader that takes nothing for 30 s is closed
//! stop                 no new connections, running requests get 10 s, the rest is closed
//! ```
//! HTTP/1.1 needs one host and one length: what has none or two is refused here. Routes and answers belong to the
//! services. TLS ends at a proxy before this.

mod body;
mod limits;
mod places;
mod stream;

pub use limits::{Limits, LimitsTable};

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt;

use self::body::PacedBody;
use self::places::{Answer, Place, Places};
use self::stream::StallingStream;
use crate::metrics::Held;

/// Listens on an address, with room for many who come at once.
///
/// # Errors
/// What the system says.
///
/// # Panics
/// Outside a tokio runtime.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` on `listener` until `shutdown` is ready and the running requests are done; `open` counts the
/// connections.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    open: &Held,
    shutdown: impl Future<Output = ()>,
) {
    let router = router.layer(DefaultBodyLimit::max(limits.body_bytes));
    let places = Places::new(limits.connections.min(descriptors_for_connections()));
    let (stop, stopped) = watch::channel(());
    let mut running = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let mut refused = false;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = running.join_next(), if !running.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    refused = false;
                    // Where all are busy a connection is closed at once: no queue to fill.
                    if let Some(place) = places.take() {
                        let work = connection(stream, router.clone(), limits, stopped.clone(), place);
                        let held = open.hold();
                        running.spawn(async move {
                            let _held = held;
                            work.await;
                        });
                    }
                }
                Err(error) => {
                    // Once an episode: it comes again twenty times a second.
                    if !std::mem::replace(&mut refused, true) {
                        tracing::warn!(%error, "cannot accept a connection; idle ones are closed");
                    }
                    places.evict(EVICTED_AT_ONCE);
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
    place: Arc<Place>,
) {
    // Our answers are written whole; waiting to fill a packet only delays the last one.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let own = Arc::clone(&place);
    let service = service_fn(move |request: Request<Incoming>| {
        let router = router.clone();
        let busy = own.begin();
        async move {
            let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
            if let Err(status) = check_form(&request) {
                let mut refusal = Response::new(Answer::new(axum::body::Body::empty(), busy));
                *refusal.status_mut() = status;
                close_after(&mut refusal);
                return Ok(refusal);
            }
            let request = request.map(|body| axum::body::Body::new(PacedBody::new(body, limits)));
            let Ok(response) = router.oneshot(request).await;
            let mut response = response.map(|body| Answer::new(body, busy));
            if is_chunked {
                // SPEC RFC 9112, 6.1: whoever else counted the bytes of this body may have counted others.
                close_after(&mut response);
            }
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
    let is_evicted = tokio::select! {
        // An error is the stranger's: a broken connection, a slow or malformed request.
        _ = serving.as_mut() => return,
        _ = stopped.changed() => false,
        () = place.evicted() => true,
    };
    serving.as_mut().graceful_shutdown();
    if is_evicted && place.is_idle() {
        // What is written already still goes out, as far as the reader takes it at once.
        let _ = tokio::time::timeout(Duration::ZERO, serving).await;
    } else {
        let _ = serving.await;
    }
}

/// What a request must have that the router does not ask for.
///
/// # Errors
/// The status that it is refused with.
fn check_form(request: &Request<Incoming>) -> Result<(), StatusCode> {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().count();
    // SPEC RFC 9112, 3.2: 400 to a request of HTTP/1.1 without a host, and to any with two.
    let is_old = request.version() < Version::HTTP_11;
    let has_both_lengths = headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH);
    if hosts > 1 || (hosts == 0 && !is_old) || has_both_lengths {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(())
}

fn close_after<B>(response: &mut Response<B>) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
}

/// Descriptors the system grants, less what files and the way out need.
fn descriptors_for_connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let granted = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<usize>().ok());
    let most = granted.map_or(usize::MAX, |granted| {
        granted.saturating_sub(OTHER_DESCRIPTORS)
    });
    most.max(1)
}

/// As many as Linux grants by itself (`net.core.somaxconn`): beyond them a caller tries again after 1, 3, 7 … seconds.
const BACKLOG: u32 = 4_096;
/// Long enough not to spin while descriptors are exhausted, short enough not to be noticed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Room for a burst, and few enough that most of the connections stay.
const EVICTED_AT_ONCE: usize = 16;

/// Store, index, log output and connections to seven witnesses; twice what was ever counted.
const OTHER_DESCRIPTORS: usize = 128;

/// All header fields of a request together; browsers and proxies stay below 8 KiB.
const MAX_HEAD_BYTES: usize = 32 * 1024;
