//! Why a trust file is refused, or has no answer.

use labelproof_core::{checkpoint::Origin, event::SchemeId, policy::PolicyError};

/// No log of the trust file answers for a subject.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the trust file names no single log as the home of {subject}")]
pub struct NoHome {
    pub(super) subject: String,
}

/// A log speaks of a label whose home it is not.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("under the trust file {log} is not the home of scheme {scheme}")]
pub struct NotHome {
    /// The log that spoke.
    pub log: Origin,
    /// The label's scheme.
    pub scheme: SchemeId,
}

/// Why a trust file is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A genesis that is not 32 bytes in base64.
    #[error("the genesis of log {origin} is not the base64 of 32 bytes")]
    BadGenesis {
        /// The log.
        origin: String,
    },
    /// An origin that no checkpoint can carry.
    #[error("{origin:?} is not an origin")]
    BadOrigin {
        /// What stands there.
        origin: String,
    },
    /// A policy that tlog-policy does not allow.
    #[error("the policy of log {origin} is refused: {source}")]
    BadPolicy {
        /// The log.
        origin: String,
        /// The line and what is wrong with it.
        #[source]
        source: PolicyError,
    },
    /// `previous` is not a hash.
    #[error("`previous` is not 64 hex digits in lower case")]
    BadPrevious,
    /// A scheme id that is none.
    #[error("{scheme:?} of log {origin} is not a scheme")]
    BadScheme {
        /// The log.
        origin: String,
        /// What stands there.
        scheme: String,
    },
    /// No log at all.
    #[error("the file names no log")]
    NoLog,
    /// A policy without the log's own key.
    #[error("the policy of log {origin} has no `log` line with the log's key")]
    NoLogKey {
        /// The log.
        origin: String,
    },
    /// An update that does not say what it replaces.
    #[error("version {version} has no `previous`")]
    NoPrevious {
        /// The version.
        version: u64,
    },
    /// A log that is home of nothing.
    #[error("log {origin} is the home of no scheme")]
    NoScheme {
        /// The log.
        origin: String,
    },
    /// Not UTF-8.
    #[error("the file is not UTF-8 text")]
    NotText,
    /// A first file that claims a predecessor.
    #[error("version 1 has a `previous`")]
    PreviousOfFirst,
    /// Not TOML, or a key that is unknown, missing or of another type.
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
    /// Larger than any trust file.
    #[error("{bytes} bytes are more than a trust file may have")]
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// A log or scheme that occurs twice, or `*` beside another log.
    #[error("{what} has more than one home")]
    TwoHomes {
        /// The log or scheme.
        what: String,
    },
    /// Versions start at 1.
    #[error("version 0 does not exist")]
    VersionZero,
}
