//! The configuration file of a monitor.
//!
//! ```toml
//! [follow]
//! poll = "5s"                 how often each log is asked for its checkpoint
//! requests = 50               to one source, a second
//! max_age = "1h"              how old the newest quorum may be
//! patience = "60s"            how long what passes by itself may last before it is told
//!
//! [[source]]                  where a log is read from; else from the address in the trust file's policy
//! origin = "labels.g7.example"
//! url = "https://mirror.example"          or: folder = "/srv/mirror"
//!
//! [[watch]]
//! name = "recalls"
//! file = "recalls.txt"
//!
//! [[hook]]
//! name = "pager"
//! command = ["/usr/local/bin/page", "--urgent"]
//! timeout = "30s"
//!
//! [[webhook]]                 each alert as a POST after Standard Webhooks
//! name = "desk"
//! url = "https://desk.example/alerts"
//! secret_file = "desk.secret"             mode 0600, a line each: whsec_… signs v1, whsk_… signs v1a
//! allow_private = ["10.1.2.0/24"]         networks inside that it may be in
//!
//! [mail]                      each alert as a mail to each address
//! smtp = "mail.example:587"               465: TLS; else STARTTLS, but on this machine
//! from = "monitor@authority.example"
//! to = ["desk@authority.example"]
//! user = "monitor"
//! password_file = "mail.password"         mode 0600
//! ca_file = "ca.pem"                      who signed the server's certificate, beside the public authorities
//!
//! [[peer]]                    another monitor, with which heads are exchanged at each poll
//! name = "other"
//! url = "https://monitor.example"
//!
//! [limits]                    of the server of --listen
//! connections = 16384
//!
//! [own]                       what these keys signed must be in the list
//! keys = ["label.jp.example+…"]
//! events = "own-events.txt"
//!
//! [canary]                    an event that should come each day
//! origin = "labels.g7.example"
//! authority = "canary.jp.example"
//! silence = "26h"
//!
//! [daily]
//! at = "06:00"                UTC, of a monitor that runs
//! ```
//! Files are named relative to the folder of the configuration.

mod telling;

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use labelproof_core::{checkpoint::Origin, event::AuthorityName, key::Vkey};
use labelproof_host::{
    config::{self, ConfigError, Count, Span},
    fs::Fs,
    serve::LimitsTable,
};
use serde::Deserialize;
use thiserror::Error;

pub(crate) use self::telling::{BadTelling, PeerEntry};

use self::telling::{MailEntry, WebhookEntry};
use crate::{canary::Canary, daily::Daily, name::Name};

/// What a configuration file says; without one, the defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) follow: Follow,
    #[serde(default)]
    pub(crate) source: Vec<SourceEntry>,
    #[serde(default)]
    pub(crate) watch: Vec<WatchEntry>,
    #[serde(default)]
    pub(crate) hook: Vec<HookEntry>,
    pub(crate) own: Option<OwnEntry>,
    #[serde(default)]
    pub(crate) webhook: Vec<WebhookEntry>,
    pub(crate) mail: Option<MailEntry>,
    #[serde(default)]
    pub(crate) peer: Vec<PeerEntry>,
    #[serde(default)]
    pub(crate) limits: LimitsTable,
    pub(crate) canary: Option<CanaryEntry>,
    pub(crate) daily: Option<DailyEntry>,
}

/// How logs are followed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Follow {
    pub(crate) poll: Span<100, HOUR_MS>,
    pub(crate) requests: Count<1, 10_000>,
    pub(crate) max_age: Span<60_000, { 31 * 24 * HOUR_MS }>,
    pub(crate) patience: Span<1, HOUR_MS>,
}

impl Default for Follow {
    fn default() -> Self {
        let within = "the defaults are within their bounds";
        Self {
            poll: "5s".parse().expect(within),
            requests: Count::try_from(50).expect(within),
            max_age: "1h".parse().expect(within),
            patience: "60s".parse().expect(within),
        }
    }
}

/// Where a log is read from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceEntry {
    #[serde(deserialize_with = "parsed")]
    pub(crate) origin: Origin,
    pub(crate) url: Option<String>,
    pub(crate) folder: Option<PathBuf>,
}

/// A watch list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchEntry {
    pub(crate) name: Name,
    pub(crate) file: PathBuf,
}

/// One's own keys, and the list of what they signed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnEntry {
    #[serde(deserialize_with = "vkeys")]
    pub(crate) keys: Vec<Vkey>,
    pub(crate) events: PathBuf,
}

/// Whose silence is an alarm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CanaryEntry {
    #[serde(deserialize_with = "parsed")]
    pub(crate) origin: Origin,
    #[serde(deserialize_with = "parsed")]
    authority: AuthorityName,
    silence: Span<1_000, { 31 * 24 * HOUR_MS }>,
}

impl CanaryEntry {
    pub(crate) fn canary(self) -> Canary {
        Canary {
            origin: self.origin,
            authority: self.authority,
            silence: self.silence.get(),
        }
    }
}

/// The verdict of the day.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DailyEntry {
    pub(crate) at: Daily,
}

/// A program that is started for each alert.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HookEntry {
    pub(crate) name: Name,
    pub(crate) command: Vec<String>,
    #[serde(default = "hook_timeout")]
    pub(crate) timeout: Span<100, HOUR_MS>,
}

impl Config {
    /// Reads a file, and makes the names in it relative to its folder.
    ///
    /// # Errors
    /// [`BadConfig`].
    pub(crate) fn load(fs: &dyn Fs, path: &Path) -> Result<Self, BadConfig> {
        let mut config: Self = config::load(fs, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for watch in &mut config.watch {
            watch.file = folder.join(&watch.file);
        }
        if let Some(own) = &mut config.own {
            own.events = folder.join(&own.events);
        }
        for webhook in &mut config.webhook {
            webhook.relative_to(folder);
        }
        if let Some(mail) = &mut config.mail {
            mail.relative_to(folder);
        }
        for source in &mut config.source {
            match (&source.url, &mut source.folder) {
                (Some(_), None) => {}
                (None, Some(path)) => *path = folder.join(&path),
                _ => return Err(BadConfig::Source(source.origin.clone())),
            }
        }
        if let Some(name) = twice(config.watch.iter().map(|watch| &watch.name)) {
            return Err(BadConfig::Twice(name.clone()));
        }
        if let Some(name) = twice(config.peer.iter().map(PeerEntry::name)) {
            return Err(BadConfig::PeerTwice(name.clone()));
        }
        if let Some(origin) = twice(config.source.iter().map(|source| &source.origin)) {
            return Err(BadConfig::SourceTwice(origin.clone()));
        }
        for hook in &config.hook {
            if hook.command.first().is_none_or(String::is_empty) {
                return Err(BadConfig::NoCommand(hook.name.clone()));
            }
        }
        Ok(config)
    }
}

/// The first that was there before.
fn twice<T: Ord>(mut each: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    each.find_map(|one| seen.replace(one))
}

fn parsed<'de, D: serde::Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    from: D,
) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(serde::de::Error::custom)
}

fn vkeys<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Vkey>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let keys = texts.iter().map(|text| Vkey::parse(text));
    keys.collect::<Result<_, _>>()
        .map_err(serde::de::Error::custom)
}

fn hook_timeout() -> Span<100, HOUR_MS> {
    "30s".parse().expect("the default is within its bounds")
}

/// Why a configuration is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum BadConfig {
    #[error(transparent)]
    File(#[from] ConfigError),
    #[error("the [[source]] of {0} needs either a url or a folder")]
    Source(Origin),
    #[error("two watch lists are called {0}")]
    Twice(Name),
    #[error("two [[peer]] are called {0}; give one another name, or take it out")]
    PeerTwice(Name),
    #[error("two [[source]] are of {0}, and a log is read from one place; take one out")]
    SourceTwice(Origin),
    #[error("the hook {0} has no command")]
    NoCommand(Name),
}

const HOUR_MS: u64 = 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use labelproof_host::fs::RealFs;

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("monitor.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&RealFs::new(), &path).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_relative_to_the_file() {
        let config = load(
            "[[watch]]\nname = \"recalls\"\nfile = \"lists/recalls.txt\"\n\
             [[watch]]\nname = \"other\"\nfile = \"/etc/other.txt\"\n",
        );
        let config = config.unwrap();
        assert!(config.watch[0].file.is_absolute());
        assert!(config.watch[0].file.ends_with("lists/recalls.txt"));
        assert_eq!(config.watch[1].file, Path::new("/etc/other.txt"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, want) in [
            ("[follow]\npol = \"5s\"\n", ":2:1: unknown key `pol`"),
            ("[follow]\npoll = \"1ms\"\n", "between 100ms and 1h"),
            (
                "[[watch]]\nname = \"Big\"\nfile = \"a\"\n",
                "1 to 32 of a-z",
            ),
            (
                "[[source]]\norigin = \"a.example\"\n",
                "needs either a url or a folder",
            ),
            (
                "[[watch]]\nname=\"a\"\nfile=\"b\"\n[[watch]]\nname=\"a\"\nfile=\"c\"\n",
                "two watch lists are called a",
            ),
            (
                "[[peer]]\nname=\"a\"\nurl=\"b\"\n[[peer]]\nname=\"a\"\nurl=\"c\"\n",
                "two [[peer]] are called a",
            ),
            (
                "[[source]]\norigin=\"a.example\"\nurl=\"b\"\n[[source]]\norigin=\"a.example\"\nurl=\"c\"\n",
                "two [[source]] are of a.example",
            ),
            ("[[hook]]\nname = \"a\"\ncommand = []\n", "no command"),
            (
                "[mail]\nsmtp = \"mail\"\nfrom = \"a@x.example\"\nto = []\n",
                ":2:8: a mail server is wanted here",
            ),
            (
                "[mail]\nsmtp = \"localhost:25\"\nfrom = \"a@x.example\"\nto = [\"b\"]\n",
                "an address of e-mail is wanted here",
            ),
            (
                "[[webhook]]\nname = \"a\"\nurl = \"u\"\nsecret_file = \"s\"\nallow_private = [\"10.0.0.0/33\"]\n",
                ":5:18: ",
            ),
            (
                "[[webhook]]\nname = \"a\"\nformat = \"v1\"\n",
                "unknown key `format`",
            ),
        ] {
            let error = load(text).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }
}
