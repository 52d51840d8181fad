//! Server-sent events for readers who stay: a place for each, a sign of life, nothing kept by caches.
//!
//! ```text
//! id: 18
//! event: alert
//! data: {…}
//!
//! : still here          every 15 s in which nothing comes
//! ```
//! What a message says, and where a reader resumes, belongs to the services.

use std::{convert::Infallible, time::Duration};

use axum::{
    http::{HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;

use super::{NO_STORE, Place};

/// Where the messages for one reader come from.
pub trait Messages: Send + 'static {
    /// The next message; none when there will be no more.
    fn next(&mut self) -> impl Future<Output = Option<Event>> + Send;
}

/// Answers with messages until there are no more; `place` is held as long.
pub fn stream(messages: impl Messages, place: Place) -> Response {
    let events = unfold((messages, place), async |(mut messages, place)| {
        let message = messages.next().await?;
        Some((Ok::<_, Infallible>(message), (messages, place)))
    });
    let alive = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    response
}

/// Proxies close what is silent for 30 s or 60 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
