//! The listener: a thread with a runtime of its own, which ends when it is told to.

use std::{
    io,
    net::SocketAddr,
    thread::{self, JoinHandle},
};

use labelproof_host::serve::{Limits, listen, serve};

use super::{Service, app};

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    service: Service,
    thread: JoinHandle<()>,
}

impl Server {
    /// Listens on an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be had, or the system gives no thread.
    pub fn start(service: Service, address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(async { listen(address) })?;
        let address = listener.local_addr()?;
        let own = service.clone();
        let thread = thread::Builder::new().name("http".into()).spawn(move || {
            let (open, mut ending) = (own.connections.clone(), own.ending.subscribe());
            let end = async move {
                // It cannot fail: the service holds the sender.
                let _ = ending.wait_for(|ending| *ending).await;
            };
            runtime.block_on(serve(listener, app(own), limits, &open, end));
        })?;
        Ok(Self {
            address,
            service,
            thread,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the streams, lets running requests finish, and stops.
    pub fn stop(self) {
        self.service.ending.send_replace(true);
        let _ = self.thread.join();
    }
}

/// Answers come from memory; what reads files has threads of its own.
const WORKERS: usize = 2;
