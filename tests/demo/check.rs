//! What the demo checks itself, as a client with a trust file would.

use std::io;
use std::path::Path;
use std::sync::Arc;

use labelproof::log_server::LogServer;
use labelproof::lookup::{Looked, look_up};
use labelproof::trust::TrustFile;
use labelproof::trust::store::TrustStore;
use labelproof_core::event::Subject;
use labelproof_core::state::record::Status;
use labelproof_core::status::Finding;
use labelproof_host::fetch::Fetch;
use labelproof_host::fs::RealFs;

use crate::labels::{End, Label, now};

/// A client that trusts what one file says.
pub(crate) struct Client {
    server: LogServer,
    trust: TrustFile,
    store: TrustStore,
}

/// What an answer of the log proves.
pub(crate) struct Proved {
    /// The word for it.
    pub(crate) word: &'static str,
    /// Since when it holds, for people.
    pub(crate) as_of: String,
    /// How many entries stand behind it.
    pub(crate) size: u64,
    /// How many witnesses counted.
    pub(crate) witnesses: usize,
}

impl Client {
    pub(crate) fn new(log_url: &str, trust: &Path) -> io::Result<Client> {
        let store = TrustStore::beside(trust, Arc::new(RealFs::default()));
        let server = LogServer::at(log_url, Fetch::default()).map_err(io::Error::other)?;
        let trust = TrustFile::parse(&std::fs::read(trust)?).map_err(io::Error::other)?;
        Ok(Client {
            server,
            trust,
            store,
        })
    }

    /// Proves that `label` ends as its row says.
    pub(crate) fn check(&self, label: &Label) -> io::Result<Proved> {
        let wanted = match label.end() {
            End::Active | End::Reinstated => "active",
            End::Expired => "expired",
            End::Suspended => "suspended",
            End::Revoked => "revoked",
        };
        self.expect(label.id, wanted)
    }

    /// Proves that there is no label `id`.
    pub(crate) fn check_absent(&self, id: &str) -> io::Result<Proved> {
        self.expect(id, ABSENT)
    }

    fn expect(&self, id: &str, wanted: &'static str) -> io::Result<Proved> {
        let subject: Subject = id.parse().map_err(io::Error::other)?;
        let log = self.trust.home_of(&subject).map_err(io::Error::other)?;
        let looked =
            look_up(&self.server, log, &self.store, &subject, now()).map_err(io::Error::other)?;
        let word = word_of(&looked, &subject);
        if word != wanted {
            return Err(io::Error::other(format!(
                "{id} is proved {word}, not {wanted}"
            )));
        }
        let proved = looked.proved();
        Ok(Proved {
            word,
            as_of: proved.as_of().to_string(),
            size: proved.state().size().get(),
            witnesses: proved.state().checkpoint().cosigners().len(),
        })
    }
}

fn word_of(looked: &Looked, subject: &Subject) -> &'static str {
    match looked.proved().find(subject) {
        Ok(Finding::Label(label))
            if label.status() == Status::Active && label.is_expired_at(now()) =>
        {
            "expired"
        }
        Ok(Finding::Label(label)) => label.status().word(),
        _ => ABSENT,
    }
}

/// What a proof of absence says.
const ABSENT: &str = "no such label";
