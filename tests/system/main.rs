//! What crosses processes: a log, seven witnesses and the client, started as an operator starts them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod assort;
mod bulk;
mod client;
mod compromise;
mod demo;
mod durability;
mod evidence;
mod follow;
mod forks;
mod fsck;
mod http_api;
mod life;
mod metrics;
mod mirror;
mod monitor;
mod quorum;
mod readme;
mod rebuild;
mod refusals;
mod schema;
mod submit;
mod tidy;

use std::path::{Path, PathBuf};

use labelproof_tests::network::Network;

/// A network of its own for a test, gone with it.
struct TestNetwork {
    network: Network,
    _dir: tempfile::TempDir,
}

impl std::ops::Deref for TestNetwork {
    type Target = Network;
    fn deref(&self) -> &Network {
        &self.network
    }
}

impl std::ops::DerefMut for TestNetwork {
    fn deref_mut(&mut self) -> &mut Network {
        &mut self.network
    }
}

/// The program that is all programs.
fn demo() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_labelproof-demo")).to_owned()
}

/// A running network with four schemes, their issuers and supervisors.
fn demo_network(name: &str) -> TestNetwork {
    let dir = tempfile::Builder::new()
        .prefix(name)
        .tempdir()
        .expect("a folder can be made");
    let network =
        Network::start(&demo(), dir.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
    TestNetwork { network, _dir: dir }
}
