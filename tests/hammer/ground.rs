//! What is hammered: a server that runs already, or a log with seven witnesses of our own.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use clap::Args;
use labelproof_tests::network::Network;

/// Where to send requests.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// A server that runs, as http://127.0.0.1:7380; without it a log and seven witnesses are started for the run.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Its process, to count what it uses.
    #[arg(long, value_name = "PROCESS", requires = "url")]
    process: Option<u32>,
    /// How long the started log gathers events before a batch.
    #[arg(long, value_name = "TIME", default_value = "250ms")]
    batch_interval: String,
    /// Where the started log lives; a folder that goes with the run if absent.
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    dir: Option<PathBuf>,
}

/// A server to hammer; what was started for it ends when it is dropped.
pub(crate) struct Ground {
    pub(crate) address: SocketAddr,
    pub(crate) process: Option<u32>,
    pub(crate) network: Option<Network>,
    _folder: Option<tempfile::TempDir>,
}

impl Target {
    /// A log of our own.
    pub(crate) fn own(batch_interval: &str) -> Self {
        Self {
            url: None,
            process: None,
            batch_interval: batch_interval.to_owned(),
            dir: None,
        }
    }

    /// Finds the server, or starts one.
    pub(crate) fn open(&self) -> io::Result<Ground> {
        if let Some(url) = &self.url {
            return Ok(Ground::of(address_of(url)?, self.process));
        }
        let (folder, dir) = match &self.dir {
            Some(dir) => (None, dir.clone()),
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("labelproof-hammer-")
                    .tempdir()?;
                let dir = folder.path().join("network");
                (Some(folder), dir)
            }
        };
        let network = Network::start_with(&demo()?, &dir, &self.batch_interval)?;
        Ok(Ground {
            address: address_of(&network.log_url())?,
            process: Some(network.log().id()),
            network: Some(network),
            _folder: folder,
        })
    }
}

impl Ground {
    /// A server that somebody else started, and will end.
    pub(crate) fn of(address: SocketAddr, process: Option<u32>) -> Self {
        Self {
            address,
            process,
            network: None,
            _folder: None,
        }
    }
}

/// The address behind `http://host:port`.
pub(crate) fn address_of(url: &str) -> io::Result<SocketAddr> {
    let wrong = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{url} is no address such as http://127.0.0.1:7380"),
        )
    };
    let host = url.strip_prefix("http://").ok_or_else(wrong)?;
    let mut found = host
        .trim_end_matches('/')
        .to_socket_addrs()
        .map_err(|_| wrong())?;
    found.next().ok_or_else(wrong)
}

/// How many cores there are for the server, its witnesses and the load together.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The program that is log, witness and client: it lies beside this one.
pub(crate) fn demo() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let demo = own
        .parent()
        .unwrap_or(Path::new("."))
        .join("labelproof-demo");
    if demo.exists() {
        return Ok(demo);
    }
    let text = format!(
        "{} is not there; build it too: cargo build --profile dist -p labelproof-tests",
        demo.display()
    );
    Err(io::Error::new(io::ErrorKind::NotFound, text))
}
