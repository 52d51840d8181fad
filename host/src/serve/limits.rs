//! What a server grants to strangers, and how a configuration file says so.
//!
//! ```text
//! [limits]
//! connections = 16384           head_timeout = "30s"      body_window = "10s"    body_window_bytes = 10240
//! write_stall = "30s"           grace = "10s"
//! ```

use std::time::Duration;

use serde::Deserialize;

use crate::config::{Count, Span};

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
    /// Longest request body, unless a route layers a `DefaultBodyLimit` of its own.
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

/// The table `[limits]` of a configuration file; what it does not say is as in [`Limits::default`].
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsTable {
    connections: Option<Count<1, 1_000_000>>,
    head_timeout: Option<Span<100, 600_000>>,
    body_window: Option<Span<100, 600_000>>,
    body_window_bytes: Option<Count<1, 16_777_216>>,
    write_stall: Option<Span<100, 600_000>>,
    grace: Option<Span<1, 600_000>>,
}

impl LimitsTable {
    /// The limits it says.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        let connections = self.connections.map(|count| usize::try_from(count.get()));
        Limits {
            connections: connections.map_or(usual.connections, |count| count.unwrap_or(usize::MAX)),
            head_timeout: self.head_timeout.map_or(usual.head_timeout, Span::get),
            body_window: self.body_window.map_or(usual.body_window, Span::get),
            body_window_bytes: self
                .body_window_bytes
                .map_or(usual.body_window_bytes, Count::get),
            body_bytes: usual.body_bytes,
            write_stall: self.write_stall.map_or(usual.write_stall, Span::get),
            grace: self.grace.map_or(usual.grace, Span::get),
        }
    }
}
