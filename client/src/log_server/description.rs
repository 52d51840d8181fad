//! What a log says of itself (`GET /v1/log`); every line of it is the log's word.
//!
//! ```text
//! {"version":1,"origin":"labels.g7.example","vkeys":["…"],"genesis":"…","policy":"…","interval_ms":1000,
//!  "size":923748,"as_of":"…","limits":{"entry_bytes":16384,…}}
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

/// A log's description, unverified; members of later versions are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct Description {
    origin: String,
    #[serde(default)]
    vkeys: Vec<String>,
    genesis: Option<String>,
    rules: Option<String>,
    #[serde(default)]
    policy: String,
    interval_ms: Option<u64>,
    #[serde(default)]
    limits: BTreeMap<String, u64>,
}

impl Description {
    /// The origin it goes by.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys it says it signs with.
    pub fn vkeys(&self) -> &[String] {
        &self.vkeys
    }

    /// The leaf hash of entry 0, in base64.
    pub fn genesis(&self) -> Option<&str> {
        self.genesis.as_deref()
    }

    /// The rules of its state function.
    pub fn rules(&self) -> Option<&str> {
        self.rules.as_deref()
    }

    /// The policy it publishes under, as text.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Milliseconds between two batches.
    pub fn interval_ms(&self) -> Option<u64> {
        self.interval_ms
    }

    /// What it takes at most, by name.
    pub fn limits(&self) -> &BTreeMap<String, u64> {
        &self.limits
    }
}
