//! The log as the simulation runs it: sequencer, feeder and files; a process that can be ended.

use std::path::Path;
use std::sync::Arc;

use labelproof_core::add_checkpoint::AddCheckpoint;
use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::merkle::{TreeHead, TreeSize, prove_consistency};
use labelproof_core::policy::{Policy, WitnessedCheckpoint};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::feeder::Feeder;
use labelproof_log::sequencer::{Parts, SequenceError, Sequencer};
use labelproof_log::storage::{Directory, FileHead, HeadRecord, InstanceId};

use crate::ledger::{Ledger, ORIGIN, origin};

pub(crate) const DIR: &str = "/log";

/// A log's process.
pub(crate) struct LogProcess {
    pub(crate) sequencer: Sequencer,
    pub(crate) feeder: Feeder,
    pub(crate) directory: Directory,
    /// Witnessed, and not on the disk yet.
    pub(crate) unstored: Option<WitnessedCheckpoint>,
}

/// Makes an empty store.
pub(crate) fn create(fs: &SimulatedFs) -> FileHead {
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    shared.create_dir_all(Path::new(DIR)).unwrap();
    Directory::new(shared.clone(), DIR.into()).create().unwrap();
    let heads = FileHead::new(shared, Path::new(DIR).join("head"));
    heads
        .create(&HeadRecord::empty(ORIGIN, InstanceId::from_bytes([0; 16])))
        .unwrap();
    heads
}

/// What a sequencer on this disk is made of.
pub(crate) fn parts(fs: &Arc<dyn Fs>, ledger: &Arc<Ledger>, instance: u64) -> Parts {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&instance.to_be_bytes());
    Parts {
        origin: origin(),
        directory: Directory::new(fs.clone(), DIR.into()),
        heads: Arc::new(FileHead::new(fs.clone(), Path::new(DIR).join("head"))),
        signer: ledger.clone(),
        instance: InstanceId::from_bytes(id),
    }
}

impl LogProcess {
    pub(crate) fn start(
        fs: &SimulatedFs,
        ledger: &Arc<Ledger>,
        policy: &Arc<Policy>,
        instance: u64,
    ) -> Result<LogProcess, SequenceError> {
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        let parts = parts(&shared, ledger, instance);
        let directory = parts.directory.clone();
        let sequencer = Sequencer::load(parts)?;
        Ok(LogProcess {
            sequencer,
            feeder: Feeder::new(policy.clone()),
            directory,
            unstored: None,
        })
    }

    /// The body of a request to a witness; `None` when the disk gives no proof.
    pub(crate) fn request(&self, old: TreeSize, target: &SignedCheckpoint) -> Option<Vec<u8>> {
        let size = target.head().size();
        let proof = if old == TreeSize::EMPTY || old == size {
            Vec::new()
        } else {
            prove_consistency(&self.directory, old, size).ok()?
        };
        let request = AddCheckpoint::new(old, proof, target.note().clone()).unwrap();
        Some(request.to_bytes())
    }

    /// Tries to publish what was witnessed; gives the head when it is durable.
    pub(crate) fn publish(&mut self) -> Option<TreeHead> {
        let witnessed = self.unstored.take()?;
        let note = witnessed.signed().note().to_bytes();
        if self.directory.write_checkpoint(&note).is_err() {
            self.unstored = Some(witnessed);
            return None;
        }
        Some(witnessed.head())
    }
}
