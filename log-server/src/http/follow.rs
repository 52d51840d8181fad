//! New entries as they are published, for whoever holds a connection open (server-sent events).
//!
//! ```text
//! GET /v1/stream?after=4710            Last-Event-ID: 4710 in a request that resumes wins
//!
//! id: 4711
//! event: entry
//! data: {"index":4711,"kind":"label.revoke","subject":"jp.jc-star/EX-000123","event":"9f86…","leaf":"q7Yk…="}
//!
//! : still here                         every 15 s in which nothing comes
//! ```
//! It is a hint to read, and proves nothing: a reader fetches the entry and its proof. At most one bundle of
//! entries waits for a reader; one that takes nothing for 30 s is cut, and resumes where it was.

use std::collections::VecDeque;

use axum::{
    extract::State,
    http::HeaderMap,
    response::{Response, sse::Event as Message},
};
use labelproof_core::{
    event::Event,
    merkle::{LeafHash, LeafIndex, TreeSize},
    state::head::StateHead,
};
use labelproof_host::{
    logging::causes,
    web::{
        Query,
        stream::{Messages, stream},
    },
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::error;

use super::{Service, apart, error::Problem, openapi::problems::OfStream};
use crate::{log::Log, progress::Progress, storage::StorageError};

/// `GET /v1/stream`: every entry that is published from now on, or after the one named.
#[utoipa::path(
    get, path = "/v1/stream", tag = "events", operation_id = "stream",
    params(
        ("after" = Option<u64>, Query, description = "Begins with the entry after this one; without it, with the next that is published."),
        ("last-event-id" = Option<u64>, Header, description = "The `id` of the last entry that was received; wins over `after`."),
    ),
    responses(
        (status = 200, description = "Server-sent events named `entry`, each with `id`, the entry's index, and `data`, a JSON object \
            with `index`, `kind`, `subject`, `event` and `leaf`. It ends when the log stops.",
            body = String, content_type = "text/event-stream", headers(("cache-control"))),
        OfStream,
    )
)]
pub(super) async fn entries(
    State(service): State<Service>,
    query: Query,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let behind = |text: &str| {
        let after = text.parse().map(LeafIndex::get).ok();
        after
            .and_then(|after| after.checked_add(1))
            .ok_or("is the index of an entry")
    };
    let after = query.only(&["after"])?.get("after", behind)?;
    let last = match request.get("last-event-id") {
        Some(id) => Some(
            id.to_str()
                .ok()
                .and_then(|id| behind(id).ok())
                .ok_or(BAD_LAST)?,
        ),
        None => None,
    };
    let progress = service.log.progress();
    let published = progress.borrow().published().get();
    let next = last.or(after).unwrap_or(published);
    let place = service.streams.take();
    let place = place.ok_or(Problem::Busy { what: "streams" })?;
    let reader = Reader {
        service,
        progress,
        next,
        waiting: VecDeque::new(),
    };
    Ok(stream(reader, place))
}

/// One reader and how far it is.
struct Reader {
    service: Service,
    progress: watch::Receiver<Progress>,
    next: u64,
    waiting: VecDeque<Message>,
}

impl Messages for Reader {
    /// None when the log stops, or its store fails.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            let (published, is_ending) = {
                let progress = self.progress.borrow_and_update();
                (progress.published(), progress.is_ending())
            };
            if self.next < published.get() {
                self.read(published).await?;
            } else if is_ending {
                return None;
            } else {
                self.progress.changed().await.ok()?;
            }
        }
    }
}

impl Reader {
    /// Takes up what is left of one bundle.
    async fn read(&mut self, published: TreeSize) -> Option<()> {
        let from = self.next;
        let end = (from - from % BUNDLE_ENTRIES + BUNDLE_ENTRIES).min(published.get());
        let read = move |log: &Log| {
            let entries = log
                .setting()
                .directory
                .entries(LeafIndex::new(from), TreeSize::new(end));
            let messages: Result<_, StorageError> = entries
                .map(|item| item.map(|(index, entry)| message(index, &entry)))
                .collect();
            messages.map_err(|error| {
                error!(error = causes(&error), "a stream cannot be read on");
                Problem::from(error)
            })
        };
        self.waiting = apart(&self.service, read).await.ok()?;
        self.next = end;
        Some(())
    }
}

fn message(index: LeafIndex, entry: &[u8]) -> Message {
    let data = described(index, entry).to_string();
    Message::default()
        .id(index.to_string())
        .event("entry")
        .data(data)
}

/// An entry in a line of JSON.
fn described(index: LeafIndex, entry: &[u8]) -> Value {
    let leaf = LeafHash::of_entry(entry).to_string();
    match Event::parse(entry) {
        Ok(event) => json!({
            "index": index.get(), "kind": event.kind().to_string(), "subject": event.subject().to_string(),
            "event": event.id().to_string(), "leaf": leaf,
        }),
        Err(_) => {
            let origin = StateHead::parse(entry).map(|head| format!("log:{}", head.origin()));
            json!({
                "index": index.get(), "kind": "state.head", "subject": origin.ok(), "event": null, "leaf": leaf,
            })
        }
    }
}

const BAD_LAST: Problem = Problem::BadAddress {
    what: "Last-Event-ID is the index of an entry",
};
/// A bundle is read whole anyway; its entries take at most 4 MiB, and a message 400 bytes.
const BUNDLE_ENTRIES: u64 = 256;
/// Each holds a connection and up to 100 KiB; 100 MiB together.
pub(super) const MAX_STREAMS: usize = 1_024;
