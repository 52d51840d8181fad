//! `GET /v1/stream`: alerts as they come, for whoever holds a connection open (server-sent events).
//!
//! ```text
//! GET /v1/stream?after=17            Last-Event-ID: 17 in a request that resumes wins
//!
//! id: 18
//! event: alert
//! data: {"format":"labelproof-alert/v1","number":18,…}
//!
//! : still here                       every 15 s in which nothing comes
//! ```
//! Whoever resumes with the last number he has loses nothing and gets nothing twice. A number that this journal has not
//! reached is of another journal, and everything in this one is new.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event as Message, KeepAlive, Sse},
    },
};
use futures_util::stream::unfold;
use labelproof_host::web::{NO_STORE, Query};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Service, apart, error::Problem};
use crate::alert::Numbered;

/// `GET /v1/stream`: every alert from now on, or after the one named.
pub(super) async fn alerts(
    State(service): State<Service>,
    query: Query,
    request: HeaderMap,
) -> Result<Response, Response> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| "is the number of an alert");
    let query = query
        .only(&["after"])
        .map_err(IntoResponse::into_response)?;
    let after = query
        .get("after", number)
        .map_err(IntoResponse::into_response)?;
    let last = match request.get("last-event-id") {
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.parse().ok());
            Some(id.ok_or_else(|| BAD_LAST.into_response())?)
        }
        None => None,
    };
    let place = service
        .streams
        .take()
        .map_err(IntoResponse::into_response)?;
    let newest = service.journal.newest();
    let after = match last.or(after) {
        None => newest,
        Some(after) if after > newest => 0,
        Some(after) => after,
    };
    let reader = Reader {
        grown: service.journal.subscribe(),
        ending: service.ending.subscribe(),
        service,
        after,
        waiting: VecDeque::new(),
        _place: place,
    };
    let messages = unfold(reader, async |mut reader| {
        let message = reader.next().await?;
        Some((Ok::<_, Infallible>(message), reader))
    });
    let alive = KeepAlive::new().interval(HEARTBEAT).text("still here");
    let mut response = Sse::new(messages).keep_alive(alive).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    Ok(response)
}

/// Places for readers who stay.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    free: Arc<Semaphore>,
    count: usize,
}

impl Streams {
    pub(super) fn of(count: usize) -> Self {
        let free = Arc::new(Semaphore::new(count));
        Self { free, count }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.count - self.free.available_permits()
    }

    fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let taken = self.free.clone().try_acquire_owned();
        taken.map_err(|_| Problem::Busy { what: "streams" })
    }
}

/// One reader and how far it is.
struct Reader {
    service: Service,
    grown: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    after: u64,
    waiting: VecDeque<Message>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// The next message; none when the monitor stops, or its journal cannot be read.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            if *self.ending.borrow() {
                return None;
            }
            let newest = *self.grown.borrow_and_update();
            if self.after < newest {
                let (journal, after) = (self.service.journal.clone(), self.after);
                let found = apart(move || Ok(journal.read(after, AT_ONCE)?))
                    .await
                    .ok()?;
                // What is left out of the numbers is a gap.
                self.after = found.last().map_or(newest, Numbered::number);
                self.waiting = found.iter().map(message).collect();
                continue;
            }
            tokio::select! {
                grown = self.grown.changed() => grown.ok()?,
                _ = self.ending.wait_for(|ending| *ending) => return None,
            }
        }
    }
}

fn message(alert: &Numbered) -> Message {
    Message::default()
        .id(alert.number().to_string())
        .event("alert")
        .data(alert.to_json())
}

const BAD_LAST: Problem = Problem::BadAddress {
    what: "Last-Event-ID is the number of an alert",
};
/// About half a megabyte for each reader who is behind.
const AT_ONCE: usize = 16;
/// Proxies close what is silent for 30 s or 60 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Each holds a connection, and half a megabyte while it is behind.
pub(super) const MAX_STREAMS: usize = 256;
