//! `serve`: the witness as a daemon; it begins no state, and ends when its store's thread does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use labelproof_core::key::KeyType;
use labelproof_host::clock::SystemClock;
use labelproof_host::config;
use labelproof_host::fs::Fs;
use labelproof_host::keyfile;
use labelproof_host::serve::{self, Limits, LimitsTable};
use labelproof_host::shutdown::Shutdown;
use serde::Deserialize;

use super::{CliError, KEY_FILE, lock, say};
use crate::http::{Face, Metrics, router};
use crate::witness::{Parts, Witness};
use crate::writer;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The witness's folder.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: Option<PathBuf>,
    /// Address and port; port 0 takes a free one.
    #[arg(long, env = "LABELPROOF_WITNESS_LISTEN")]
    listen: Option<SocketAddr>,
    /// A TOML file with dir, listen and a table [limits]; flags and environment win.
    #[arg(long, env = "LABELPROOF_WITNESS_CONFIG")]
    config: Option<PathBuf>,
}

/// The same in a file, and what strangers are granted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    #[serde(default)]
    limits: LimitsTable,
}

impl Options {
    /// Folder, address and limits, once flags, environment and file are put together.
    fn plan(self, fs: &dyn Fs) -> Result<(PathBuf, SocketAddr, Limits), CliError> {
        let file = match &self.config {
            None => File::default(),
            Some(path) => config::load(fs, path)?,
        };
        let dir = self.dir.or(file.dir);
        let listen = self.listen.or(file.listen);
        Ok((
            dir.ok_or(CliError::Missing { name: "dir" })?,
            listen.ok_or(CliError::Missing { name: "listen" })?,
            file.limits.limits(),
        ))
    }
}

pub(super) fn run(fs: Arc<dyn Fs>, args: Options) -> Result<(), CliError> {
    let (dir, listen, limits) = args.plan(fs.as_ref())?;
    let _lock = lock(&dir, "serve")?;
    let path = dir.join(KEY_FILE);
    let key = keyfile::read(&path)?;
    if key.vkey().key_type() != KeyType::Cosignature {
        return Err(CliError::NotACosigner { path });
    }
    let vkey = key.vkey().clone();
    let witness = Witness::open(Parts {
        fs,
        dir,
        key: Arc::new(key),
        clock: Arc::new(SystemClock),
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(CliError::Start)?;
    let known = witness.known();
    let metrics = Arc::new(Metrics::default());
    let shelf = witness.shelf();
    let (queue, thread) = writer::start(witness, Arc::clone(&metrics));
    let watched = queue.clone();
    let face = Face {
        known,
        queue,
        shelf,
        metrics: Arc::clone(&metrics),
        vkey: vkey.clone(),
    };
    let served = runtime.block_on(async {
        let mut shutdown = Shutdown::listen().map_err(CliError::Start)?;
        let failed = |source| CliError::Listen {
            address: listen,
            source,
        };
        let listener = serve::listen(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        say(&format!("{} listening on http://{address}", vkey.name()))?;
        tracing::info!(%address, vkey = %vkey, "serving");
        let stop = async move {
            tokio::select! {
                () = shutdown.requested() => {}
                // Without the thread that stores, nothing here is of use.
                () = watched.closed() => {}
            }
        };
        serve::serve(listener, router(face), limits, metrics.connections(), stop).await;
        Ok(())
    });
    drop(runtime);
    // The last request's batch is stored and signed before the lock goes.
    let stopped = thread.join();
    tracing::info!("stopped");
    served.and_then(|()| stopped.map_err(|_| CliError::WriterDied))
}

#[cfg(test)]
mod tests {
    use labelproof_host::fs::RealFs;

    use super::*;

    #[test]
    fn flags_win_over_the_file_and_a_wrong_key_is_pointed_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("witness.toml");
        let options = |dir: Option<&str>| Options {
            dir: dir.map(PathBuf::from),
            listen: None,
            config: Some(path.clone()),
        };
        let text = "dir = \"there\"\nlisten = \"127.0.0.1:1\"\n[limits]\nconnections = 7\n";
        std::fs::write(&path, text).unwrap();
        let (dir, listen, limits) = options(Some("here")).plan(&RealFs::new()).unwrap();
        assert_eq!((dir, listen.port()), ("here".into(), 1));
        assert_eq!(limits.connections, 7);
        std::fs::write(&path, "dir = \"there\"\nlissten = 1\n").unwrap();
        let error = options(None).plan(&RealFs::new()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("witness.toml:2:1: unknown key `lissten`; did you mean `listen`?"),
            "{text}"
        );
        assert_eq!(error.exit(), labelproof_host::exit::Exit::Usage);
        std::fs::write(&path, "dir = \"there\"\n").unwrap();
        let error = options(None).plan(&RealFs::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--listen is missing, and no --config gives it"
        );
    }
}
