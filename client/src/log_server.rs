//! A log over HTTP: addresses, answers and problems; nothing it says is believed here.
//!
//! ```text
//! GET  <url>/checkpoint                          c2sp.org/tlog-tiles
//! GET  <url>/v1/status/label/<scheme>/<id>       a bundle; also authority/<name>, scheme/<id>, member/<code>
//! GET  <url>/v1/log                              what the log says of itself
//! GET  <url>/v1/events/<id>                      an event; its Link header names the index
//! GET  <url>/v1/proof/<index>                    a tlog-proof under the published head
//! POST <url>/v1/pack                             one pack of many products and labels
//! POST <url>/v1/events                           a signed event; /v1/events:batch many
//! 4xx, 5xx application/problem+json (RFC 9457)   {"type":"…/wrong-previous","title":…,"detail":…}
//! ```
//! Bytes are checked by `lookup`, `proof` and `trust::store`.

mod description;

use std::time::Duration;

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    event::{EventId, Gtin14, Subject},
    merkle::LeafIndex,
    note::{Note, NoteError},
    status::pack::PackSubject,
};
use labelproof_host::{
    fetch::{Fetch, FetchError, Response},
    fs::FsError,
    tiles::{HttpTiles, TileReader},
};
use serde::Deserialize;

pub use description::Description;

/// A log's address, and how it is reached.
#[derive(Clone, Debug)]
pub struct LogServer {
    fetch: Fetch,
    url: String,
}

impl LogServer {
    /// A log at an `http` or `https` address.
    ///
    /// # Errors
    /// [`BadUrl`] for anything else, also for one with a query, a fragment or a password.
    pub fn at(url: &str, fetch: Fetch) -> Result<Self, BadUrl> {
        let base = url.trim_end_matches('/');
        let rest = base
            .strip_prefix("https://")
            .or_else(|| base.strip_prefix("http://"));
        let plain = rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}@".contains(&b))
        });
        match plain {
            true => Ok(Self {
                fetch,
                url: base.into(),
            }),
            false => Err(BadUrl { url: url.into() }),
        }
    }

    /// The address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A reader of its entries and nodes, which believes only what `checkpoint` binds.
    pub fn tiles(&self, checkpoint: &SignedCheckpoint) -> TileReader<HttpTiles> {
        TileReader::new(HttpTiles::new(self.fetch.clone(), &self.url), checkpoint)
    }

    /// Its tiles and bundles as they come, for whoever checks them.
    pub fn tile_source(&self) -> HttpTiles {
        HttpTiles::new(self.fetch.clone(), &self.url)
    }

    /// What the log says of itself; nothing vouches for it.
    ///
    /// # Errors
    /// [`ServerError`]; [`ServerError::NotOurs`] for what is no description.
    pub fn describe(&self) -> Result<Description, ServerError> {
        let body = self.get("/v1/log", MAX_DESCRIPTION_BYTES)?;
        serde_json::from_slice(&body).map_err(|_| ServerError::NotOurs)
    }

    /// Where the log says that an event is, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; a 404 while the event is not known.
    pub fn index_of(&self, id: EventId) -> Result<LeafIndex, ServerError> {
        let url = format!("{}/v1/events/{id}", self.url);
        let response = self.fetch.get(&url, MAX_PROOF_BYTES)?;
        let link = response.header("link").map(str::to_owned);
        taken(url, response)?;
        let link = link.ok_or(ServerError::NotOurs)?;
        let rest = link.strip_prefix("</v1/proof/").and_then(|rest| {
            let (index, _) = rest.split_once('>')?;
            index.parse().ok()
        });
        rest.ok_or(ServerError::NotOurs)
    }

    /// The published checkpoint, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; [`ServerError::NotOurs`] for what is no note.
    pub fn checkpoint(&self) -> Result<Note, ServerError> {
        let body = self.get("/checkpoint", MAX_CHECKPOINT_BYTES)?;
        Note::parse(&body).map_err(|source| ServerError::NotANote { source })
    }

    /// The bundle that says where `subject` stands, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; a 404 is one, never an absence.
    pub fn status(&self, subject: &Subject) -> Result<Vec<u8>, ServerError> {
        let path = match subject {
            Subject::Label(label) => format!("label/{}/{}", label.scheme(), label.native()),
            Subject::Authority(name) => format!("authority/{name}"),
            Subject::Scheme(id) => format!("scheme/{id}"),
            Subject::Member(code) => format!("member/{code}"),
            Subject::Log(_) => return Err(ServerError::NoStatus),
        };
        self.get(&format!("/v1/status/{path}"), MAX_BUNDLE_BYTES)
    }

    /// The bundle of all labels of a product, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; a 404 is one, never an absence.
    pub fn product_status(&self, gtin: &Gtin14) -> Result<Vec<u8>, ServerError> {
        self.get(&format!("/v1/status/gtin/{gtin}"), MAX_BUNDLE_BYTES)
    }

    /// One pack of many subjects, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; a log that makes packs for others already asks to come again.
    pub fn pack(&self, subjects: &[PackSubject]) -> Result<Vec<u8>, ServerError> {
        let url = format!("{}/v1/pack", self.url);
        let mut lines = String::new();
        for subject in subjects {
            lines.push_str(&format!("{subject}\n"));
        }
        let response = self
            .fetch
            .post(&url, lines.as_bytes(), "text/plain", MAX_PACK_BYTES)?;
        taken(url, response)
    }

    /// The tlog-proof of an entry under the published head, unverified.
    ///
    /// # Errors
    /// [`ServerError`]; a 404 while the entry is not published.
    pub fn proof(&self, index: LeafIndex) -> Result<Vec<u8>, ServerError> {
        self.get(&format!("/v1/proof/{index}"), MAX_PROOF_BYTES)
    }

    /// Posts a body and takes any 2xx, told apart by its status.
    ///
    /// # Errors
    /// [`ServerError`].
    pub(crate) fn post(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
        max_bytes: usize,
    ) -> Result<(u16, Vec<u8>), ServerError> {
        let url = format!("{}{path}", self.url);
        let response = self.fetch.post(&url, body, content_type, max_bytes)?;
        let status = response.status();
        Ok((status, taken(url, response)?))
    }

    fn get(&self, path: &str, max_bytes: usize) -> Result<Vec<u8>, ServerError> {
        let url = format!("{}{path}", self.url);
        taken(url.clone(), self.fetch.get(&url, max_bytes)?)
    }
}

fn taken(url: String, response: Response) -> Result<Vec<u8>, ServerError> {
    let status = response.status();
    if (200..300).contains(&status) {
        return Ok(response.into_body());
    }
    match (
        response.content_type(),
        serde_json::from_slice::<RawProblem>(response.body()),
    ) {
        (Some("application/problem+json"), Ok(raw)) => Err(ServerError::Refused {
            url,
            problem: Box::new(raw.with_status(status)),
            retry_after: response.retry_after(),
        }),
        _ => Err(ServerError::Status {
            url,
            status,
            retry_after: response.retry_after(),
        }),
    }
}

/// What a log says when it refuses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    status: u16,
    code: String,
    title: String,
    detail: Option<String>,
    pointer: Option<String>,
    prev: Option<String>,
}

impl Problem {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The stable word, such as `wrong-previous`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The member of the event that is wrong, as a JSON pointer.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// The id that `prev` should have held; nothing if the log did not say one.
    pub fn prev(&self) -> Option<EventId> {
        self.prev.as_deref()?.parse().ok()
    }

    /// Whether the same request may be taken later.
    pub fn passes(&self) -> bool {
        matches!(self.status, 429 | 502..=504)
    }

    /// What to do about it, in a sentence.
    pub fn sentence(&self) -> &str {
        self.detail.as_deref().unwrap_or(&self.title)
    }
}

/// An address that is none.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{url:?} is not the address of a log; it looks like https://labels.g7.example")]
pub struct BadUrl {
    url: String,
}

/// Why a log gave nothing that could be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An answer that ended before its end.
    #[error("the log's answer broke off")]
    Cut,
    /// No answer.
    #[error("cannot reach the log")]
    Fetch(#[from] FetchError),
    /// A folder that holds the log's files cannot be read.
    #[error("cannot read the log's folder")]
    Folder(#[from] FsError),
    /// Logs have no status of their own.
    #[error("a log has no status; ask for a label, authority, scheme or member")]
    NoStatus,
    /// What should be a note is none.
    #[error("the log's checkpoint is not a signed note")]
    NotANote {
        /// What is wrong with it.
        source: NoteError,
    },
    /// An answer that no log of ours gives.
    #[error("the server answers as no log of this kind does")]
    NotOurs,
    /// The log said no, and why.
    #[error("the log refused ({}): {}", problem.code(), problem.sentence())]
    Refused {
        /// What was asked.
        url: String,
        /// Why.
        problem: Box<Problem>,
        /// When to come again.
        retry_after: Option<Duration>,
    },
    /// Another status than success, without a reason.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long to wait before the next try, if the server says it.
        retry_after: Option<Duration>,
    },
}

/// A problem as it travels, in a body or a line of a batch's answer.
#[derive(Deserialize)]
pub(crate) struct RawProblem {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    title: String,
    detail: Option<String>,
    pointer: Option<String>,
    prev: Option<String>,
}

impl RawProblem {
    pub(crate) fn with_status(self, status: u16) -> Problem {
        let code = self.kind.rsplit(['/', ':', '#']).next().unwrap_or_default();
        Problem {
            status,
            code: code.into(),
            title: self.title,
            detail: self.detail,
            pointer: self.pointer,
            prev: self.prev,
        }
    }
}

/// Three lines and 64 signature lines are below this.
const MAX_CHECKPOINT_BYTES: usize = 64 << 10;

/// 65,536 lines of mostly 64 bytes; a label's bundle has about 13 kB.
const MAX_BUNDLE_BYTES: usize = 8 << 20;

/// A policy with 15 witnesses has 2 kB; the rest is numbers.
const MAX_DESCRIPTION_BYTES: usize = 256 << 10;

/// 100,000 products with a label each of about 3 kB, and as much again.
pub const MAX_PACK_BYTES: usize = 512 << 20;

/// A checkpoint, 64 hashes and a receipt's extra, twice over for JSON.
pub(crate) const MAX_PROOF_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;
    use crate::patience::{Passing as _, Retry};

    #[test]
    fn an_address_is_http_or_https_and_nothing_else() {
        for (url, base) in [
            ("https://labels.g7.example", "https://labels.g7.example"),
            ("https://labels.g7.example/", "https://labels.g7.example"),
            ("http://127.0.0.1:7380/log/", "http://127.0.0.1:7380/log"),
        ] {
            assert_eq!(LogServer::at(url, Fetch::default()).unwrap().url(), base);
        }
        for url in [
            "",
            "labels.g7.example",
            "ftp://a.example",
            "https://",
            "https://a.example/?x",
            "https://a b",
            "https://u@a.example",
            "file:///etc",
        ] {
            assert!(LogServer::at(url, Fetch::default()).is_err(), "{url}");
        }
    }
    #[test]
    fn a_server_that_says_nothing_but_when_is_given_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let busy = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 7\r\n\
                    Content-Length: 5\r\nConnection: close\r\n\r\nbusy\n";
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = BufReader::new(stream.try_clone().unwrap()).lines();
            while asked.next().unwrap().unwrap() != "" {}
            stream.write_all(busy.as_bytes()).unwrap();
        });
        let server = LogServer::at(&url, Fetch::default()).unwrap();
        let error = server.checkpoint().unwrap_err();
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
        serving.join().unwrap();
    }
}
