//! `GET /alerts.atom`, `GET /feeds/{list}.atom`: the newest alerts for feed readers (RFC 4287).
//!
//! ```text
//! <feed> id, title, updated, self, author
//!   <entry> urn:labelproof:alert:<mark of the journal>:<id of the alert> · title · summary: the detail
//!           updated, published: when it was raised
//!           category: rule, severity · alternate: /v1/alerts/17, the alert with its proof
//! ```
//! The newest fifty, the newest first. A feed changes only when an alert comes, so a reader who asks again gets a 304.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{extract::State, http::HeaderMap, response::Response};
use labelproof_host::web::{Address, Document, Html, NO_CACHE};
use sha2::{Digest as _, Sha256};

use super::{Service, apart, error::Problem};
use crate::{
    alert::{Numbered, Rule},
    name::Name,
};

/// `GET /alerts.atom`: all alerts.
pub(super) async fn all(
    State(service): State<Service>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    respond(service, None, &request).await
}

/// `GET /feeds/{list}.atom`: the alerts of one watch list.
pub(super) async fn list(
    State(service): State<Service>,
    Address(feed): Address<String>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let list = feed
        .strip_suffix(".atom")
        .and_then(|list| list.parse().ok());
    let list: Name = list.ok_or(Problem::NotFound)?;
    if !service.lists.contains(&list) {
        return Err(Problem::NotFound);
    }
    respond(service, Some(list), &request).await
}

async fn respond(
    service: Service,
    list: Option<Name>,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let bytes = apart(move || service.feeds.get(&service, list)).await?;
    let document = Document {
        bytes: bytes.to_vec().into(),
        content_type: "application/atom+xml; charset=utf-8",
        cache_control: NO_CACHE,
    };
    Ok(document.respond(request))
}

/// The feeds as they were last written; as many as there are lists, and one.
#[derive(Debug, Default)]
pub(super) struct Feeds(Mutex<BTreeMap<Option<Name>, Written>>);

#[derive(Clone, Debug)]
struct Written {
    numbers: Vec<u64>,
    bytes: Arc<[u8]>,
}

impl Feeds {
    /// A feed, written anew if an alert came.
    fn get(&self, service: &Service, list: Option<Name>) -> Result<Arc<[u8]>, Problem> {
        let rule = list.clone().map(Rule::Watch);
        let numbers = service.journal.recent(rule.as_ref(), FEED_ALERTS);
        let kept = |feeds: &BTreeMap<_, Written>| {
            let kept = feeds.get(&list).filter(|kept| kept.numbers == numbers);
            kept.map(|kept| Arc::clone(&kept.bytes))
        };
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = kept(&lock()) {
            return Ok(bytes);
        }
        let mut alerts = Vec::new();
        for number in &numbers {
            alerts.extend(service.journal.one(*number)?);
        }
        let mark = service.journal.mark()?;
        let feed = feed(service, list.as_ref(), &mark, &alerts);
        let bytes: Arc<[u8]> = feed.into_bytes().into();
        let written = Written {
            numbers,
            bytes: Arc::clone(&bytes),
        };
        lock().insert(list, written);
        Ok(bytes)
    }
}

fn feed(service: &Service, list: Option<&Name>, mark: &str, alerts: &[Numbered]) -> String {
    let logs = service.board.logs();
    let origins: Vec<&str> = logs.iter().map(|log| log.origin().as_str()).collect();
    let origins = origins.join(", ");
    let (title, address) = match list {
        Some(list) => (format!("{list}: {origins}"), format!("/feeds/{list}.atom")),
        None => (format!("Alerts: {origins}"), "/alerts.atom".to_owned()),
    };
    // SPEC RFC 4287, 4.2.6: unique, and the same wherever the monitor moves with its folder.
    let id = hex::encode(Sha256::digest(format!("{mark}\n{address}\n")));
    let updated = alerts.first().map_or_else(
        || NEVER.to_owned(),
        |newest| newest.alert().at().to_string(),
    );
    let entries: String = alerts.iter().map(|alert| entry(mark, alert)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
         <id>urn:labelproof:feed:{id}</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{address}\"/>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"/\"/>\n\
         <author><name>labelproof-monitor</name></author>\n{entries}</feed>\n",
        title = xml(&title),
    )
}

fn entry(mark: &str, numbered: &Numbered) -> String {
    let alert = numbered.alert();
    let (id, number, at) = (alert.id(), numbered.number(), alert.at());
    format!(
        "<entry>\n<id>urn:labelproof:alert:{mark}:{id}</id>\n<title>{title}</title>\n<updated>{at}</updated>\n\
         <published>{at}</published>\n<summary>{detail}</summary>\n\
         <category scheme=\"urn:labelproof:rule\" term=\"{rule}\"/>\n\
         <category scheme=\"urn:labelproof:severity\" term=\"{severity}\"/>\n\
         <link rel=\"alternate\" type=\"application/json\" href=\"/v1/alerts/{number}\"/>\n</entry>\n",
        title = xml(alert.title()),
        detail = xml(alert.detail()),
        rule = xml(&alert.rule().to_string()),
        severity = alert.severity(),
    )
}

/// Text as XML has it: escaped as on our pages, and without letters that XML 1.0 cannot hold.
fn xml(text: &str) -> Html {
    // SPEC XML 1.0, 2.2: no control characters but three, and not these two.
    let allowed = |letter| match letter {
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        letter if char::is_control(letter) => ' ',
        letter => letter,
    };
    let text: String = text.chars().map(allowed).collect();
    Html::text(&text)
}

/// SPEC RFC 4287, 4.1.1: a feed says when it was updated; one without alerts never was.
const NEVER: &str = "1970-01-01T00:00:00Z";
/// Weeks of a quiet list; a loud one is for the stream.
const FEED_ALERTS: usize = 50;
