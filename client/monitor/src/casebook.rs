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
use tracing::warn;

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
    /// Once there is enough against a log of one kind, one of those that are kept, which stands for the rest.
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
        let kept = self.all(found.origin(), found.claim())?;
        if kept.len() >= MAX_OF_A_KIND
            && let Some(one) = kept.into_iter().next()
        {
            warn!(
                origin = %found.origin(), claim = %found.claim(), place,
                "more of what is proved {MAX_OF_A_KIND} times already; it is not kept"
            );
            return Ok(one);
        }
        write_atomic(&*self.fs, &path, &found.to_bytes())?;
        Ok(found)
    }

    /// The evidence of one kind that is kept against a log; a file that is none does not count.
    fn all(&self, origin: &Origin, claim: Claim) -> Result<Vec<Evidence>, FsError> {
        let prefix = format!("{}.{claim}.", file_name(origin));
        let mut names = self.fs.list(&self.dir)?;
        names.retain(|name| name.starts_with(&prefix) && name.ends_with(SUFFIX));
        names.sort_unstable();
        let mut all = Vec::new();
        for name in names {
            let evidence = Evidence::parse(&self.fs.read(&self.dir.join(name))?);
            all.extend(
                evidence
                    .ok()
                    .filter(|kept| (kept.origin(), kept.claim()) == (origin, claim)),
            );
        }
        Ok(all)
    }

    /// Whether evidence against a log is there.
    ///
    /// # Errors
    /// [`FsError`].
    pub(crate) fn accuses(&self, origin: &Origin) -> Result<bool, FsError> {
        let prefix = format!("{}.", file_name(origin));
        let names = self.fs.list(&self.dir)?;
        // By the names alone: a disk that damages a file makes no log honest.
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
/// One convicts a log; a log that lies in every entry must not fill the disk.
const MAX_OF_A_KIND: usize = 16;

#[cfg(test)]
mod tests {
    use std::path::Path;

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
        let path = Path::new("evidence/labels.g7.example.fork.1.evidence");
        fs.write(path, b"torn").unwrap();
        assert!(book.accuses(&samples::origin()).unwrap());
    }

    #[test]
    fn a_log_that_lies_without_end_fills_no_disk() {
        let fs = SimulatedFs::new(1);
        let dir = PathBuf::from("evidence");
        let book = Casebook::open(Arc::new(fs.clone()), dir.clone()).unwrap();
        let files = || fs.list(&dir).unwrap().len();
        let place = |n: usize| u64::try_from(n).unwrap();
        // A damaged file proves nothing, and takes no place away.
        let damaged = dir.join("labels.g7.example.fork.99.evidence");
        write_atomic(&fs, &damaged, b"torn").unwrap();
        for n in 0..3 * MAX_OF_A_KIND {
            assert_eq!(
                book.keep(place(n), samples::fork()).unwrap(),
                samples::fork()
            );
            assert_eq!(files(), 1 + (n + 1).min(MAX_OF_A_KIND));
        }
        // What is kept is found again.
        book.keep(0, samples::fork()).unwrap();
        assert_eq!(files(), 1 + MAX_OF_A_KIND);
    }
}
