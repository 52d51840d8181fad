//! The files of one log, opened, kept and thrown away.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use labelproof::{
    mirror::{Folder, FolderError},
    source::Source,
    trust::{
        TrustedLog,
        store::{StoreError, TrustStore, file_name},
    },
};
use labelproof_core::{
    checkpoint::SignedCheckpoint,
    merkle::LeafIndex,
    tile::{TileEdge, TilePath, Width},
};
use labelproof_host::{
    fs::{FsError, write_atomic, write_atomic_parts},
    logging::causes,
    tiles::{DirTiles, TileReader, TilesError},
};
use thiserror::Error;
use tracing::{info, warn};

use super::{Follower, Shared, Since, own_clock::OwnClock};
use crate::{alarms::Alarms, board::Standing, canary::Heard, verify::Verifier};

/// Why a log cannot be followed in a folder.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The disk.
    #[error(transparent)]
    Files(#[from] FsError),
    /// The copy is of another log, or in use.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The newest accepted head cannot be read.
    #[error(transparent)]
    Head(#[from] StoreError),
    /// The file that says from where on events are told is damaged.
    #[error("{} is no index and no time; write the one from which on events are told", path.display())]
    Since {
        /// The file.
        path: PathBuf,
    },
}

impl Follower {
    /// Follows `log` from `source`, which people know as `shown`, in a folder below `dir`.
    ///
    /// `since` is what the person asks for; else events are told from the first accepted head on.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        shared: Shared,
        log: TrustedLog,
        (source, shown): (Arc<dyn Source>, String),
        dir: &Path,
        since: Option<Since>,
    ) -> Result<Self, OpenError> {
        let dir = dir.join(LOGS).join(file_name(log.origin()));
        shared.fs.create_dir_all(&dir)?;
        let mirror = dir.join("mirror");
        let path = dir.join(CANARY);
        let heard = match shared.fs.exists(&path)? {
            true => shared.fs.read(&path)?,
            false => Vec::new(),
        };
        let folder = Folder::open_or_begin(shared.fs.clone(), &mirror, &log)?;
        let standing = Standing::begin(log.origin().clone(), log.keys(), shown, mirror);
        let mut follower = Self {
            store: TrustStore::beside(&dir.join("head"), shared.fs.clone()),
            alarms: Alarms::new(log.origin().clone(), shared.limits.patience),
            canary: Heard::of(shared.canary.as_ref(), log.origin(), &heard),
            shared,
            log,
            source,
            dir,
            folder,
            since: None,
            verifier: None,
            kept: LeafIndex::new(0),
            standing,
            is_damaged: false,
            looked: None,
            own_clock: OwnClock::new(),
            shown: None,
            untold: Vec::new(),
        };
        follower.mend_head()?;
        follower.since = follower.read_since()?;
        if let Some(since) = since
            && follower.since != Some(since)
        {
            // What was passed over then is verified again, and told now.
            follower.drop_state()?;
            follower.tell_since(since)?;
        }
        Ok(follower)
    }

    /// A newest head that is lost or damaged is at least that of the copy.
    fn mend_head(&self) -> Result<(), OpenError> {
        match self.store.newest(&self.log) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(StoreError::Damaged { path }) => {
                warn!(path = %path.display(), "the newest accepted head is damaged; going on from that of the copy");
                self.shared.fs.remove(&path)?;
            }
            Err(error) => return Err(error.into()),
        }
        let now = self.shared.clock.now();
        // A copy whose head is not accepted now is found by the first pass.
        if let Ok(Some(head)) = self.folder.checkpoint(&self.log, now) {
            let tiles = self.folder.tiles(&head);
            if let Err(error) = self.store.advance(&self.log, &head, &tiles) {
                warn!(why = causes(&error), "the head of the copy is not taken up");
            }
        }
        Ok(())
    }

    fn read_since(&self) -> Result<Option<Since>, OpenError> {
        let path = self.dir.join(SINCE);
        if !self.shared.fs.exists(&path)? {
            return Ok(None);
        }
        let bytes = self.shared.fs.read(&path)?;
        let since = str::from_utf8(&bytes).ok();
        let since = since.and_then(|text| text.trim_end().parse().ok());
        since.map(Some).ok_or(OpenError::Since { path })
    }

    /// Tells events from here on, also after a restart.
    pub(super) fn tell_since(&mut self, since: Since) -> Result<(), FsError> {
        let text = format!("{since}\n");
        // First the file: what is only in memory would be another place after a restart.
        write_atomic(&*self.shared.fs, &self.dir.join(SINCE), text.as_bytes())?;
        self.since = Some(since);
        Ok(())
    }

    /// Takes up what was kept, or begins at entry 0.
    pub(super) fn take_up(&self, tiles: &TileReader<DirTiles>) -> Result<Verifier, TilesError> {
        let (origin, genesis) = (self.log.origin(), self.log.genesis());
        let kept = self.shared.fs.read(&self.dir.join(STATE));
        if let Ok(bytes) = kept {
            match Verifier::restore(&bytes, origin, genesis, |index| tiles.entry(index)) {
                Ok(Some(verifier)) => {
                    info!(%origin, from = %verifier.next(), "goes on from what was verified");
                    return Ok(verifier);
                }
                // The copy ends before what was verified: it was thrown away, and comes again.
                Ok(None) | Err(TilesError::BeyondHead { .. }) => {
                    warn!(%origin, "what was kept does not give a head of the log; verifying from entry 0");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Verifier::new(origin.clone(), genesis))
    }

    /// Keeps the state if a good deal came to it, or it was asked for.
    pub(super) fn keep_state_if_due(&mut self, verifier: &Verifier) -> Result<(), FsError> {
        let (next, kept) = (verifier.next().get(), self.kept.get());
        // Each time the whole map is written: so it is three times over for a log, at most a third of which is verified
        // again after a crash.
        if next - kept.min(next) < MIN_UNKEPT.max(kept / 2) {
            return Ok(());
        }
        self.put_state(verifier)
    }

    pub(super) fn keep_state(&mut self) -> Result<(), FsError> {
        let Some(verifier) = self.verifier.take() else {
            return Ok(());
        };
        let done = match verifier.next() > self.kept {
            true => self.put_state(&verifier),
            false => Ok(()),
        };
        self.verifier = Some(verifier);
        done
    }

    fn put_state(&mut self, verifier: &Verifier) -> Result<(), FsError> {
        if let Some(kept) = verifier.kept() {
            write_atomic_parts(&*self.shared.fs, &self.dir.join(STATE), kept.parts())?;
            self.kept = verifier.next();
        }
        Ok(())
    }

    pub(super) fn drop_state(&mut self) -> Result<(), FsError> {
        self.verifier = None;
        self.kept = LeafIndex::new(0);
        match self.shared.fs.remove(&self.dir.join(STATE)) {
            Err(error) if !error.is_not_found() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Throws the files away that an error names; tells whether having them again may help.
    pub(super) fn discard(&mut self, error: &TilesError) -> Result<bool, FsError> {
        let mut paths: Vec<TilePath> = Vec::new();
        match error {
            TilesError::Missing(path)
            | TilesError::MalformedTile(path)
            | TilesError::MalformedBundle { path, .. }
            | TilesError::WrongTile(path) => paths.push(*path),
            TilesError::WrongEntry { path, .. } => {
                // Which of the two is wrong, nobody can say.
                paths.push(*path);
                paths.extend(path.leaves());
            }
            TilesError::WrongRoot(head) => paths = TileEdge::paths(head.size()),
            _ => {}
        }
        // Readers also look into the full tile for a partial one that is not there.
        let mut is_gone = false;
        for path in paths {
            is_gone |= self.folder.discard(path)?;
            is_gone |= self.folder.discard(path.with_width(Width::FULL))?;
        }
        // What is still missing after the source was asked for it will not come this time.
        let is_new = matches!(error, TilesError::Missing(_)) && !self.is_damaged;
        self.is_damaged |= is_gone || is_new;
        Ok(is_gone || is_new)
    }

    /// Keeps when the canary came, before the position moves behind it.
    pub(super) fn keep_canary(&mut self) -> Result<(), FsError> {
        if let Some(heard) = &mut self.canary
            && let Some(bytes) = heard.unkept()
        {
            write_atomic(&*self.shared.fs, &self.dir.join(CANARY), &bytes)?;
            heard.keep();
        }
        Ok(())
    }

    /// The head that the copy is complete for.
    pub(super) fn copied(&self) -> Result<Option<SignedCheckpoint>, FolderError> {
        self.folder.signed_checkpoint(&self.log)
    }
}

/// Below it the files of all logs of a monitor are, a folder each.
pub(crate) const LOGS: &str = "logs";
const CANARY: &str = "canary";
const SINCE: &str = "since";
const STATE: &str = "state";

/// Verified again in a second; the state of a small log is a small file.
const MIN_UNKEPT: u64 = 4_096;
