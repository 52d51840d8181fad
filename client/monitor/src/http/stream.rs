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

use std::collections::VecDeque;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response, sse::Event as Message},
};
use labelproof_host::web::{
    Query,
    stream::{Messages, stream},
};
use tokio::sync::watch;

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
    let place = service.streams.take();
    let place = place.ok_or_else(|| Problem::Busy { what: "streams" }.into_response())?;
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
    };
    Ok(stream(reader, place))
}

/// One reader and how far it is.
struct Reader {
    service: Service,
    grown: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    after: u64,
    waiting: VecDeque<Message>,
}

impl Messages for Reader {
    /// None when the monitor stops, or its journal cannot be read.
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
/// Each holds a connection, and half a megabyte while it is behind.
pub(super) const MAX_STREAMS: usize = 256;
