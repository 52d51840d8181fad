//! The trust file: which logs a person believes, and how many witnesses must agree.
//!
//! ```text
//! version = 1                     strictly increasing
//! previous = "5f0a…"              SHA-256 of the file before; absent in version 1
//!
//! [[log]]
//! origin = "labels.g7.example"
//! genesis = "q7Yk…="              leaf hash of entry 0
//! schemes = ["*"]                 each scheme has one home log; "*" where there is one log
//! policy = """
//! log labels.g7.example+… https://labels.g7.example
//! witness jp jp.example/w1+…
//! …"""
//! ```
//! Policies are `labelproof_core::policy`'s; what was last accepted under one is in [`store`].

mod error;
pub mod store;

use std::fmt;

use labelproof_core::{
    checkpoint::Origin,
    event::{SchemeId, Subject},
    key::Vkey,
    merkle::LeafHash,
    policy::Policy,
    status::VerifiedBundle,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use error::{NoHome, NotHome, TrustError};

/// A parsed trust file.
#[derive(Clone, Debug)]
pub struct TrustFile {
    version: u64,
    previous: Option<FileHash>,
    hash: FileHash,
    logs: Vec<TrustedLog>,
}

impl TrustFile {
    /// Reads a trust file; an unknown key, a home that is named twice or a bad policy is refused.
    ///
    /// # Errors
    /// Each says the line or the log it is about.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        if bytes.len() > MAX_TRUST_BYTES {
            return Err(TrustError::TooLarge { bytes: bytes.len() });
        }
        let text = str::from_utf8(bytes).map_err(|_| TrustError::NotText)?;
        let raw: RawFile =
            toml::from_str(text).map_err(|error| TrustError::Toml(Box::new(error)))?;
        let previous = match (raw.version, raw.previous) {
            (0, _) => return Err(TrustError::VersionZero),
            (1, None) => None,
            (1, Some(_)) => return Err(TrustError::PreviousOfFirst),
            (_, None) => {
                return Err(TrustError::NoPrevious {
                    version: raw.version,
                });
            }
            (_, Some(hex)) => Some(FileHash::parse(&hex).ok_or(TrustError::BadPrevious)?),
        };
        if raw.log.is_empty() {
            return Err(TrustError::NoLog);
        }
        let logs = raw
            .log
            .into_iter()
            .map(TrustedLog::read)
            .collect::<Result<Vec<_>, _>>()?;
        one_home_each(&logs)?;
        Ok(Self {
            version: raw.version,
            previous,
            hash: FileHash::of(bytes),
            logs,
        })
    }

    /// The text of the first trust file of one log, home of every scheme.
    ///
    /// # Errors
    /// What [`TrustFile::parse`] would refuse.
    pub fn first(origin: &Origin, genesis: LeafHash, policy: &str) -> Result<String, TrustError> {
        let raw = RawFile {
            version: 1,
            previous: None,
            log: vec![RawLog {
                origin: origin.to_string(),
                genesis: genesis.to_string(),
                schemes: vec![EVERY_SCHEME.into()],
                policy: policy.into(),
            }],
        };
        let text = toml::to_string_pretty(&raw).map_err(|_| TrustError::NotText)?;
        Self::parse(text.as_bytes())?;
        Ok(text)
    }

    /// Its number, larger in each update.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Hash of the file it replaced.
    pub fn previous(&self) -> Option<FileHash> {
        self.previous
    }

    /// Hash of the file itself, to compare over the telephone.
    pub fn hash(&self) -> FileHash {
        self.hash
    }

    /// The logs, in the file's order.
    pub fn logs(&self) -> &[TrustedLog] {
        &self.logs
    }

    /// The one log in which `subject` lives.
    ///
    /// # Errors
    /// [`NoHome`] if no log of the file is its home, or if the file does not tell which.
    pub fn home_of(&self, subject: &Subject) -> Result<&TrustedLog, NoHome> {
        let home = match subject {
            Subject::Label(label) => self.home_of_scheme(label.scheme()),
            Subject::Scheme(scheme) => self.home_of_scheme(scheme),
            Subject::Log(origin) => self.logs.iter().find(|log| log.origin == *origin),
            Subject::Authority(_) | Subject::Member(_) => self.only_log(),
        };
        home.ok_or_else(|| NoHome {
            subject: subject.to_string(),
        })
    }

    /// The log, if the file names one alone.
    pub fn only_log(&self) -> Option<&TrustedLog> {
        match self.logs.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The log with this origin.
    pub fn log(&self, origin: &Origin) -> Option<&TrustedLog> {
        self.logs.iter().find(|log| log.origin == *origin)
    }

    fn home_of_scheme(&self, scheme: &SchemeId) -> Option<&TrustedLog> {
        self.logs.iter().find(|log| log.schemes.contain(scheme))
    }
}

/// One log of a trust file.
#[derive(Clone, Debug)]
pub struct TrustedLog {
    origin: Origin,
    genesis: LeafHash,
    schemes: Schemes,
    policy: Policy,
    policy_text: String,
}

impl TrustedLog {
    /// The log's origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its keys, in the order of the policy; at least one.
    pub fn keys(&self) -> Vec<Vkey> {
        let logs = self.policy.logs().iter();
        logs.map(|log| log.vkey().clone()).collect()
    }

    /// Leaf hash of its entry 0.
    pub fn genesis(&self) -> LeafHash {
        self.genesis
    }

    /// The schemes whose home it is.
    pub fn schemes(&self) -> &Schemes {
        &self.schemes
    }

    /// Checks that it is the home of every label in a checked answer.
    ///
    /// # Errors
    /// [`NotHome`]: of such a label the log can say nothing, so nothing of the answer may be used.
    pub fn check_home(&self, proved: &VerifiedBundle) -> Result<(), NotHome> {
        let foreign = proved
            .summaries()
            .map(|label| label.label().scheme())
            .find(|scheme| !self.schemes.contain(scheme));
        match foreign {
            None => Ok(()),
            Some(scheme) => Err(NotHome {
                log: self.origin.clone(),
                scheme: scheme.clone(),
            }),
        }
    }

    /// Whose signatures a checkpoint of it needs.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy as written.
    pub fn policy_text(&self) -> &str {
        &self.policy_text
    }

    fn read(raw: RawLog) -> Result<Self, TrustError> {
        let origin: Origin = raw.origin.parse().map_err(|_| TrustError::BadOrigin {
            origin: raw.origin.clone(),
        })?;
        let genesis = raw.genesis.parse().map_err(|_| TrustError::BadGenesis {
            origin: raw.origin.clone(),
        })?;
        let schemes = Schemes::read(&raw.schemes, &raw.origin)?;
        let policy =
            Policy::parse(raw.policy.as_bytes()).map_err(|source| TrustError::BadPolicy {
                origin: raw.origin.clone(),
                source,
            })?;
        // Without the log's key a quorum could be shown a checkpoint that no log of ours signed.
        if policy.logs().is_empty() {
            return Err(TrustError::NoLogKey { origin: raw.origin });
        }
        Ok(Self {
            origin,
            genesis,
            schemes,
            policy,
            policy_text: raw.policy,
        })
    }
}

/// The schemes whose home a log is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Schemes {
    /// Every scheme: there is one log.
    Every,
    /// These.
    These(Vec<SchemeId>),
}

impl Schemes {
    fn read(raw: &[String], origin: &str) -> Result<Self, TrustError> {
        if raw == [EVERY_SCHEME] {
            return Ok(Self::Every);
        }
        let parse = |id: &String| {
            id.parse().map_err(|_| TrustError::BadScheme {
                origin: origin.into(),
                scheme: id.clone(),
            })
        };
        let these = raw.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        if these.is_empty() {
            return Err(TrustError::NoScheme {
                origin: origin.into(),
            });
        }
        Ok(Self::These(these))
    }

    fn contain(&self, scheme: &SchemeId) -> bool {
        match self {
            Self::Every => true,
            Self::These(these) => these.contains(scheme),
        }
    }
}

impl fmt::Display for Schemes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every scheme"),
            Self::These(these) => {
                let names: Vec<String> = these.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// SHA-256 of a whole file, in hex.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileHash([u8; 32]);

impl FileHash {
    /// Hashes a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        (hex::encode(hash) == text).then_some(Self(hash))
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

fn one_home_each(logs: &[TrustedLog]) -> Result<(), TrustError> {
    for (i, log) in logs.iter().enumerate() {
        for other in &logs[i + 1..] {
            if log.origin == other.origin {
                return Err(TrustError::TwoHomes {
                    what: log.origin.to_string(),
                });
            }
            match (&log.schemes, &other.schemes) {
                (Schemes::These(mine), Schemes::These(theirs)) => {
                    if let Some(scheme) = mine.iter().find(|scheme| theirs.contains(scheme)) {
                        return Err(TrustError::TwoHomes {
                            what: scheme.to_string(),
                        });
                    }
                }
                (Schemes::Every, _) | (_, Schemes::Every) => {
                    return Err(TrustError::TwoHomes {
                        what: "every scheme".into(),
                    });
                }
            }
        }
        if let Schemes::These(mine) = &log.schemes
            && let Some((_, scheme)) = mine
                .iter()
                .enumerate()
                .find(|(at, scheme)| mine[..*at].contains(scheme))
        {
            return Err(TrustError::TwoHomes {
                what: scheme.to_string(),
            });
        }
    }
    Ok(())
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    #[serde(default)]
    log: Vec<RawLog>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    origin: String,
    genesis: String,
    schemes: Vec<String>,
    policy: String,
}

/// The scheme list of a log that stands alone.
const EVERY_SCHEME: &str = "*";

/// Eight members with a few keys each fit a hundred times; nobody reads more by eye.
pub const MAX_TRUST_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
