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
    stream_alive(messages, place, HEARTBEAT)
}

fn stream_alive(messages: impl Messages, place: Place, heartbeat: Duration) -> Response {
    let events = unfold((messages, place), async |(mut messages, place)| {
        let message = messages.next().await?;
        Some((Ok::<_, Infallible>(message), (messages, place)))
    });
    let alive = KeepAlive::new().interval(heartbeat).text("still here");
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    response
}

/// Proxies close what is silent for 30 s or 60 s.
const HEARTBEAT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::StreamExt as _;

    use super::*;
    use crate::web::Places;

    /// Says these, the last first, and then nothing for ever.
    struct Few(Vec<&'static str>);

    impl Messages for Few {
        async fn next(&mut self) -> Option<Event> {
            match self.0.pop() {
                Some(text) => Some(Event::default().data(text)),
                None => pending().await,
            }
        }
    }

    #[tokio::test]
    async fn a_reader_to_whom_nothing_is_said_gets_signs_of_life_and_keeps_its_place() {
        let places = Places::of(1);
        let place = places.take().unwrap();
        let response = stream_alive(Few(vec!["once"]), place, Duration::from_millis(1));
        assert_eq!(response.headers()[header::CACHE_CONTROL], NO_STORE);
        let mut body = response.into_body().into_data_stream();
        for want in ["data: once\n\n", ": still here\n\n", ": still here\n\n"] {
            let said = body.next().await.unwrap().unwrap();
            assert_eq!(str::from_utf8(&said).unwrap(), want);
        }
        assert_eq!(places.taken(), 1);
        drop(body);
        assert_eq!(places.taken(), 0);
    }
}
