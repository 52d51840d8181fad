//! The casebook: evidence files, each kept once, before anybody is told.
//!
//! ```text
//! DIR/evidence/<origin>.fork.<size>.evidence          against the head accepted at that size
//! DIR/evidence/<origin>.wrong-head.<index>.evidence   and so on, for the entry at that index
//! ```
//! What is found again after a restart, under another head, is the evidence that is there already: so its alert has the
//! same id. As long as a file is there, the log counts as one that misbehaved.

use std::{path::PathBuf, sync::Arc};

use labelproof::trust::store::file_name;
use labelproof_core::{
    checkpoint::Origin,
    evidence::{Claim, Evidence},
};
use labelproof_host::fs::{Fs, FsError, write_atomic};

/// The evidence files of a monitor; clones share one folder.
#[derive(Clone, Debug)]
pub struct Casebook {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

impl Casebook {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// [`FsError`].
    pub fn open(fs: Arc<dyn Fs>, dir: PathBuf) -> Result<Self, FsError> {
        fs.create_dir_all(&dir)?;
        Ok(Self { fs, dir })
    }

    /// The evidence that is kept for this place, or this one, kept from now on.
    ///
    /// # Errors
    /// [`FsError`].
    pub(crate) fn keep(&self, place: u64, found: Evidence) -> Result<Evidence, FsError> {
        let path = self.path(found.origin(), found.claim(), place);
        if self.fs.exists(&path)?
            && let Ok(kept) = Evidence::parse(&self.fs.read(&path)?)
            && (kept.origin(), kept.claim()) == (found.origin(), found.claim())
        {
            return Ok(kept);
        }
        write_atomic(&*self.fs, &path, &found.to_bytes())?;
        Ok(found)
    }

    /// Whether evidence against a log is there.
    ///
    /// # Errors
    /// [`FsError`].
    pub(crate) fn accuses(&self, origin: &Origin) -> Result<bool, FsError> {
        let prefix = format!("{}.", file_name(origin));
        let names = self.fs.list(&self.dir)?;
        Ok(names.iter().any(|name| {
            let rest = name.strip_prefix(&prefix);
            rest.is_some_and(|rest| rest.matches('.').count() == 2 && rest.ends_with(SUFFIX))
        }))
    }

    fn path(&self, origin: &Origin, claim: Claim, place: u64) -> PathBuf {
        let name = format!("{}.{claim}.{place}{SUFFIX}", file_name(origin));
        self.dir.join(name)
    }
}

const SUFFIX: &str = ".evidence";

#[cfg(test)]
mod tests {
    use labelproof_host::fs::SimulatedFs;

    use super::*;
    use crate::samples;

    #[test]
    fn what_is_kept_stays_the_same_and_accuses_its_log_only() {
        let fs = SimulatedFs::new(1);
        let book = Casebook::open(Arc::new(fs.clone()), PathBuf::from("evidence")).unwrap();
        assert!(!book.accuses(&samples::origin()).unwrap());
        let first = book.keep(1, samples::fork()).unwrap();
        fs.cut_power();
        fs.restart();
        assert_eq!(book.keep(1, samples::fork()).unwrap(), first);
        assert!(book.accuses(&samples::origin()).unwrap());
        for other in ["labels", "labels.g7.example.fork", "labels.g7"] {
            assert!(!book.accuses(&other.parse().unwrap()).unwrap(), "{other}");
        }
    }
}
