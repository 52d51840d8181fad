//! What a log is given: its name and key, and what it stands on.

use std::sync::Arc;

use labelproof_core::{checkpoint::Origin, key::Vkey, policy::Policy};
use labelproof_host::clock::Clock;

use crate::{index::Index, metrics::Metrics, storage::Directory};

/// What a log is made of, apart from what its store says.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The log.
    pub origin: Origin,
    /// Its key.
    pub vkey: Vkey,
    /// Who must cosign.
    pub policy: Arc<Policy>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The object store.
    pub directory: Directory,
    /// Look-ups.
    pub index: Arc<dyn Index>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}
