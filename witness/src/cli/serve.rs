//! `serve`: the witness as a daemon; it begins no state, and ends when its store's thread does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use labelproof_core::key::KeyType;
use labelproof_host::clock::SystemClock;
use labelproof_host::fs::Fs;
use labelproof_host::keyfile;
use labelproof_host::serve::{Limits, serve};
use labelproof_host::shutdown::Shutdown;

use super::{CliError, KEY_FILE, lock, say};
use crate::http::{Face, Metrics, router};
use crate::witness::{Parts, Witness};
use crate::writer;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The witness's folder.
    #[arg(long, env = "LABELPROOF_WITNESS_DIR")]
    dir: PathBuf,
    /// Address and port; port 0 takes a free one.
    #[arg(long, env = "LABELPROOF_WITNESS_LISTEN")]
    listen: SocketAddr,
}

pub(super) fn run(fs: Arc<dyn Fs>, args: Options) -> Result<(), CliError> {
    let _lock = lock(&args.dir, "serve")?;
    let path = args.dir.join(KEY_FILE);
    let key = keyfile::read(&path)?;
    if key.vkey().key_type() != KeyType::Cosignature {
        return Err(CliError::NotACosigner { path });
    }
    let vkey = key.vkey().clone();
    let witness = Witness::open(Parts {
        fs,
        dir: args.dir,
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
        metrics,
        vkey: vkey.clone(),
    };
    let served = runtime.block_on(async {
        let mut shutdown = Shutdown::listen().map_err(CliError::Start)?;
        let failed = |source| CliError::Listen {
            address: args.listen,
            source,
        };
        let listener = tokio::net::TcpListener::bind(args.listen)
            .await
            .map_err(failed)?;
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
        serve(listener, router(face), Limits::default(), stop).await;
        Ok(())
    });
    drop(runtime);
    // The last request's batch is stored and signed before the lock goes.
    let stopped = thread.join();
    tracing::info!("stopped");
    served.and_then(|()| stopped.map_err(|_| CliError::WriterDied))
}
