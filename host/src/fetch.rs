//! HTTP asked for, blocking: one request, one bounded answer.
//!
//! ```text
//! no redirects · no answer longer than the caller allows · one more try when the connection
//! broke before an answer, as one closed while idle does · loopback never goes through a proxy
//! ```
//! The second try is safe because everything we post is: an event and an alert have an id, a checkpoint
//! repeats. URLs come from the operator and never from what was fetched.

mod outside;

use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use ureq::http::request::Builder;
use ureq::http::{HeaderName, Request, StatusCode, Uri};
use ureq::typestate::AgentScope;
use ureq::unversioned::{
    resolver::{DefaultResolver, Resolver},
    transport::DefaultConnector,
};

pub use ipnet::IpNet;
pub use outside::is_outside;

use outside::{Inside, OutsideOnly};

/// Asks servers over http and https; clones share connections.
#[derive(Clone, Debug)]
pub struct Fetch {
    agent: Agent,
}

impl Fetch {
    /// Gives up a request that is not answered in full within `timeout`.
    #[must_use]
    pub fn new(timeout: Duration) -> Fetch {
        Fetch {
            agent: config(timeout).build().new_agent(),
        }
    }

    /// As [`Fetch::new`], but connects only to addresses outside ([`is_outside`]) and to those that somebody
    /// allowed, and through no proxy, which would resolve names anew.
    ///
    /// A name with one other address is [`FetchCause::Inside`].
    #[must_use]
    pub fn to_outside(timeout: Duration, allowed: Vec<IpNet>) -> Fetch {
        let resolver = OutsideOnly::new(DefaultResolver::default(), allowed);
        Fetch::with_resolver(timeout, resolver)
    }

    fn with_resolver(timeout: Duration, resolver: impl Resolver) -> Fetch {
        let config = config(timeout).proxy(None).build();
        Fetch {
            agent: Agent::with_parts(config, DefaultConnector::new(), resolver),
        }
    }

    /// Fetches `url`.
    ///
    /// # Errors
    /// [`FetchError`]; any status is an answer and no error here, see [`Response::ok`].
    pub fn get(&self, url: &str, max_bytes: usize) -> Result<Response, FetchError> {
        self.request(Method::Get, url, max_bytes)
    }

    /// Posts `body` to `url`; it may arrive twice when the connection breaks.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn post(
        &self,
        url: &str,
        body: &[u8],
        content_type: &str,
        max_bytes: usize,
    ) -> Result<Response, FetchError> {
        self.post_with(url, body, content_type, &[], max_bytes)
    }

    /// As [`Fetch::post`], with further headers.
    ///
    /// # Errors
    /// [`FetchError`]; [`FetchCause::BadUrl`] also when a header cannot be sent.
    pub fn post_with(
        &self,
        url: &str,
        body: &[u8],
        content_type: &str,
        headers: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Response, FetchError> {
        let method = Method::Post {
            body,
            content_type,
            headers,
        };
        self.request(method, url, max_bytes)
    }

    fn request(
        &self,
        method: Method<'_>,
        url: &str,
        max_bytes: usize,
    ) -> Result<Response, FetchError> {
        let at = |cause| FetchError {
            url: url.to_owned(),
            cause,
        };
        let uri: Uri = url.parse().map_err(|_| at(FetchCause::BadUrl))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(at(FetchCause::BadUrl));
        }
        let once = || self.send(method, &uri, max_bytes);
        match once() {
            Err(FetchCause::Unreachable(error)) if broke(&error) => once().map_err(at),
            done => done.map_err(at),
        }
    }

    fn send(
        &self,
        method: Method<'_>,
        uri: &Uri,
        max_bytes: usize,
    ) -> Result<Response, FetchCause> {
        let request = Request::builder().uri(uri.clone());
        let answer = match method {
            Method::Get => {
                let request = request.method("GET").body(());
                self.run(uri, request.map_err(|_| FetchCause::BadUrl)?)
            }
            Method::Post {
                body,
                content_type,
                headers,
            } => {
                let request = request.method("POST").header(CONTENT_TYPE, content_type);
                let with =
                    |request: Builder, (name, value): &(&str, &str)| request.header(*name, *value);
                let request = headers.iter().fold(request, with);
                self.run(uri, request.body(body).map_err(|_| FetchCause::BadUrl)?)
            }
        };
        let answer = answer.map_err(cause_of)?;
        let (parts, body) = answer.into_parts();
        let announced = body.content_length();
        let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
        let status = parts.status.as_u16();
        let too_long = FetchCause::TooLong { max_bytes, status };
        if announced.is_some_and(|len| len > limit) {
            return Err(too_long);
        }
        let mut bytes = Vec::new();
        let mut reader = body
            .into_with_config()
            .limit(u64::MAX)
            .reader()
            .take(limit.saturating_add(1));
        reader
            .read_to_end(&mut bytes)
            .map_err(|error| cause_of(ureq::Error::from(error)))?;
        if bytes.len() > max_bytes {
            return Err(too_long);
        }
        // ureq takes a connection that breaks inside a body for its end.
        let got = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if announced.is_some_and(|want| want != got) {
            return Err(FetchCause::Unreachable(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            body: bytes,
        })
    }

    fn run<B: ureq::AsSendBody>(
        &self,
        uri: &Uri,
        request: Request<B>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        if uri.host().is_some_and(is_loopback) {
            let direct = self.agent.configure_request(request).proxy(None).build();
            self.agent.run(direct)
        } else {
            self.agent.run(request)
        }
    }
}

fn config(timeout: Duration) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(timeout.min(CONNECT_TIMEOUT)))
        .timeout_global(Some(timeout))
        .max_idle_age(IDLE_AGE)
        .max_response_header_size(MAX_HEADER_BYTES)
        .user_agent(concat!("labelproof/", env!("CARGO_PKG_VERSION")))
}

impl Default for Fetch {
    /// Waits somewhat longer than the 30 s a log may take to answer a submission.
    fn default() -> Self {
        Fetch::new(Duration::from_secs(45))
    }
}

#[derive(Clone, Copy)]
enum Method<'a> {
    Get,
    Post {
        body: &'a [u8],
        content_type: &'a str,
        headers: &'a [(&'a str, &'a str)],
    },
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Response {
    status: StatusCode,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// A header as text; `None` when it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let name: HeaderName = name.parse().ok()?;
        self.headers.get(name)?.to_str().ok()
    }

    /// The content type without its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        let value = self.header(CONTENT_TYPE.as_str())?;
        Some(value.split(';').next().unwrap_or(value).trim())
    }

    /// How long to wait before the next try, when the server says it: in seconds, or as a time, which is held
    /// against the server's own `Date`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header(RETRY_AFTER.as_str())?;
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = httpdate::parse_http_date(value).ok()?;
        let now = httpdate::parse_http_date(self.header(DATE.as_str())?).ok()?;
        Some(until.duration_since(now).unwrap_or_default())
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, taken.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The body of a 200, or what came instead.
    ///
    /// # Errors
    /// [`BadStatus`] for every other status, a redirect too.
    pub fn ok(self) -> Result<Vec<u8>, BadStatus> {
        if self.status == StatusCode::OK {
            Ok(self.body)
        } else {
            Err(BadStatus {
                response: Box::new(self),
            })
        }
    }
}

/// An answer whose status is not the one that was needed.
#[derive(Debug, thiserror::Error)]
#[error("server answered {}", response.status)]
pub struct BadStatus {
    response: Box<Response>,
}

impl BadStatus {
    /// The answer as it came.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.response
    }
}

/// No answer: which URL; why is its `source()`.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch {url}")]
pub struct FetchError {
    url: String,
    #[source]
    cause: FetchCause,
}

impl FetchError {
    /// What was asked for.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Why there is no answer.
    #[must_use]
    pub fn cause(&self) -> &FetchCause {
        &self.cause
    }

    /// Why there is no answer, without the URL, which may hold a secret of a person.
    #[must_use]
    pub fn into_cause(self) -> FetchCause {
        self.cause
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchCause {
    /// Not an http or https URL, or a header that cannot be sent.
    #[error("not a URL that can be asked")]
    BadUrl,
    /// The name has an address inside, and this fetches from outside only.
    #[error("leads to {address}, an address inside this network")]
    Inside {
        /// The address.
        address: IpAddr,
    },
    /// No connection, or it broke.
    #[error("server not reached")]
    Unreachable(#[source] io::Error),
    /// Time ran out.
    #[error("no answer in time")]
    TimedOut,
    /// The server speaks something else: no HTTP/1.1, no valid TLS.
    #[error("server does not speak as it should")]
    Protocol(#[source] Box<ureq::Error>),
    /// More bytes than the caller allows; they are not kept.
    #[error("answer is longer than {max_bytes} bytes")]
    TooLong {
        /// What the caller allows.
        max_bytes: usize,
        /// The status it came with.
        status: u16,
    },
}

fn cause_of(error: ureq::Error) -> FetchCause {
    match error {
        ureq::Error::Timeout(_) => FetchCause::TimedOut,
        ureq::Error::Io(error) => FetchCause::Unreachable(error),
        ureq::Error::HostNotFound => {
            let why = "its name has no address";
            FetchCause::Unreachable(io::Error::new(io::ErrorKind::NotFound, why))
        }
        ureq::Error::ConnectionFailed => {
            FetchCause::Unreachable(io::ErrorKind::ConnectionRefused.into())
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => FetchCause::BadUrl,
        ureq::Error::Other(other) => match other.downcast::<Inside>() {
            Ok(inside) => FetchCause::Inside { address: inside.0 },
            Err(other) => FetchCause::Protocol(Box::new(ureq::Error::Other(other))),
        },
        other => FetchCause::Protocol(Box::new(other)),
    }
}

/// Whether the connection broke under the request, which a fresh one may mend.
fn broke(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof
    )
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A server of the network answers a handshake in well under a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Shorter than the 30 s after which our servers close an idle connection.
const IDLE_AGE: Duration = Duration::from_secs(20);

/// Our servers send about 300 bytes; proxies add theirs.
const MAX_HEADER_BYTES: usize = 32 * 1024;
