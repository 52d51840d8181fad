//! Whom to tell, and with whom heads are exchanged, as a configuration says it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use labelproof_host::{
    clock::Clock,
    fetch::{Fetch, IpNet},
    fs::{Fs, FsError},
    secret::{self, SecretError},
};
use serde::Deserialize;
use thiserror::Error;
use tracing::info;

use crate::{
    gossip::Peer,
    name::Name,
    notify::{
        Channel,
        mail::{Address, Mail, MailError, MailServer},
        webhook::{Secrets, SecretsError, Webhook},
    },
};

/// A receiver of alerts by HTTP.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookEntry {
    name: Name,
    url: String,
    secret_file: PathBuf,
    #[serde(default)]
    allow_private: Vec<IpNet>,
}

impl WebhookEntry {
    pub(super) fn relative_to(&mut self, folder: &Path) {
        self.secret_file = folder.join(&self.secret_file);
    }

    /// The channel; says which public keys a receiver needs.
    pub(crate) fn channel(self, clock: Arc<dyn Clock>) -> Result<Channel, BadTelling> {
        let name = self.name;
        must_be_http(&name, &self.url)?;
        let secrets = Secrets::read(&self.secret_file)?;
        for key in secrets.public_keys() {
            info!(webhook = %name, key, "signs with this public key");
        }
        let webhook = Webhook::new(self.url, secrets, self.allow_private, clock);
        Ok(Channel::Webhook(name, webhook))
    }
}

/// Mailboxes that get alerts, and the server that takes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailEntry {
    smtp: MailServer,
    from: Address,
    to: Vec<Address>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

impl MailEntry {
    pub(super) fn relative_to(&mut self, folder: &Path) {
        let files = [&mut self.password_file, &mut self.ca_file];
        for file in files.into_iter().flatten() {
            *file = folder.join(&file);
        }
    }

    /// A channel for each address; says which is which.
    pub(crate) fn channels(
        self,
        fs: &dyn Fs,
        clock: &Arc<dyn Clock>,
    ) -> Result<Vec<Channel>, BadTelling> {
        let authority = match &self.ca_file {
            Some(file) => Some(fs.read(file)?),
            None => None,
        };
        let login = match (self.user, self.password_file) {
            (Some(user), Some(file)) => {
                let password = secret::read(&file, MAX_PASSWORD_BYTES)?;
                Some((user, password.to_string()))
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(BadTelling::HalfLogin),
        };
        if self.to.is_empty() {
            return Err(BadTelling::NoMailbox);
        }
        let mut channels = Vec::new();
        for to in self.to {
            let (shown, from) = (to.to_string(), self.from.clone());
            let (authority, login) = (authority.as_deref(), login.clone());
            let mail = Mail::new(&self.smtp, authority, login, from, to, clock.clone())?;
            let channel = Channel::Mail(mail);
            info!(channel = channel.label(), to = shown, "mails alerts");
            channels.push(channel);
        }
        Ok(channels)
    }
}

/// Another monitor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeerEntry {
    name: Name,
    url: String,
}

impl PeerEntry {
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// The peer.
    pub(crate) fn peer(self) -> Result<Arc<Peer>, BadTelling> {
        must_be_http(&self.name, &self.url)?;
        let fetch = Fetch::new(PEER_TIMEOUT);
        Ok(Arc::new(Peer::new(self.name, &self.url, fetch)))
    }
}

fn must_be_http(name: &Name, url: &str) -> Result<(), BadTelling> {
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    match is_http {
        true => Ok(()),
        false => Err(BadTelling::Url(name.clone())),
    }
}

/// Why nobody can be told as the configuration says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum BadTelling {
    #[error("the url of {0} begins neither with https:// nor with http://")]
    Url(Name),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Password(#[from] SecretError),
    #[error(transparent)]
    Authority(#[from] FsError),
    #[error("[mail] needs user and password_file, or neither")]
    HalfLogin,
    #[error("[mail] has nobody to send to; name an address in `to`")]
    NoMailbox,
    #[error("[mail] does not work")]
    Mail(#[from] MailError),
}

/// No person's is so long.
const MAX_PASSWORD_BYTES: usize = 256;
/// A peer reads about a hundred tiles of its own disk.
const PEER_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use labelproof_host::{clock::SystemClock, fs::RealFs};

    use super::*;

    fn mail(more: &str) -> Result<Vec<Channel>, BadTelling> {
        let text = format!("smtp = \"localhost:25\"\nfrom = \"a@authority.example\"\n{more}");
        let entry: MailEntry =
            labelproof_host::config::parse(Path::new("monitor.toml"), &text).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        entry.channels(&RealFs::new(), &clock)
    }

    #[test]
    fn each_address_is_a_channel() {
        let to = "to = [\"a@authority.example\", \"b@authority.example\"]\n";
        let channels = mail(to).unwrap();
        assert_eq!(channels.len(), 2);
        assert_ne!(channels[0].label(), channels[1].label());
    }

    #[test]
    fn half_a_login_and_nobody_to_tell_are_refused() {
        let nobody = mail("to = []\n").unwrap_err();
        assert!(matches!(nobody, BadTelling::NoMailbox));
        for half in ["user = \"u\"\n", "password_file = \"p\"\n"] {
            let error = mail(&format!("to = [\"a@authority.example\"]\n{half}")).unwrap_err();
            assert!(matches!(error, BadTelling::HalfLogin));
        }
    }

    #[test]
    fn addresses_that_are_none_are_named() {
        let entry = PeerEntry {
            name: "other".parse().unwrap(),
            url: "monitor.example".to_owned(),
        };
        let error = entry.peer().unwrap_err().to_string();
        assert_eq!(
            error,
            "the url of other begins neither with https:// nor with http://"
        );
    }
}
