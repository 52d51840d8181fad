//! Looking: the checkpoint that the source shows, what it means beside those accepted before, and the copy it stands for.
//!
//! ```text
//! not signed by the log ─▶ blind          quorum, later ─▶ accepted, copied
//! no quorum ─▶ observed                   quorum, earlier ─▶ observed
//! not one log with an accepted head ─▶ evidence, and nothing of it is copied
//! ```

use labelproof::{
    evidence::{CompareError, Compared, compare},
    head::{AcceptedHead, HeadError, take_head},
    log_server::ServerError,
    mirror::{Look, MirrorError, bring},
    patience::{PatientTiles, patiently},
    proof::open_checkpoint,
    trust::store::{AdvanceError, Fork, Newest, Standing as Relation},
};
use labelproof_core::{
    checkpoint::SignedCheckpoint, cosignature::CosignatureTime, merkle::LeafIndex, tile::TileEdge,
    time::Time,
};
use labelproof_host::{
    logging::causes,
    tiles::{TileReader, TilesError},
};
use tracing::debug;

use super::{Follower, Hitch, MAX_STEP_SECONDS, Progress, Since, own_files};
use crate::{
    alarms::Trouble,
    finding::{Blindness, Observation},
};

impl Follower {
    /// Asks for the checkpoint, accepts it, and copies what it stands for.
    pub(super) fn look(&mut self, now: Time) -> Result<(), Hitch> {
        let (source, pause) = (self.source.clone(), self.shared.pause.clone());
        let note = patiently(&*pause, || source.checkpoint()).map_err(|error| match error {
            ServerError::NotANote { .. } => Blindness::OtherKey,
            error => unreachable(&error),
        });
        let note = match note {
            Ok(note) => note,
            Err(why) => {
                self.must_go_on()?;
                return Err(why.into());
            }
        };
        self.standing.polled = Some(now);
        let signed = open_checkpoint(note, &self.log).map_err(|_| Blindness::OtherKey)?;
        self.note_cosignatures(&signed);
        let Ok(head) = self.log.policy().accept(signed.clone(), now) else {
            let hitch = self.unwitnessed(&signed, now);
            self.compare_unwitnessed(&signed, now)?;
            return Err(hitch);
        };
        self.shown = self.shown.max(Some(head.as_of()));
        let log = self.log.clone();
        let taken = take_head(head, &*source, &log, &self.store, &*pause);
        let seen = match taken {
            Ok(seen) => seen,
            Err(HeadError::Advance(AdvanceError::Fork(Fork(evidence)))) => {
                return self.accuse(self.accepted_size(), *evidence, now);
            }
            Err(error) => return Err(self.not_taken(&error, &signed)),
        };
        let newest = self.store.newest(&self.log).ok().flatten();
        self.standing.as_of = newest.as_ref().map(Newest::as_of);
        self.standing.witnessed = newest.map(|newest| newest.checkpoint().clone());
        if seen.standing() == Relation::Older {
            self.compare_older(&signed, now)?;
            return Err(self.older(&signed));
        }
        if self.since.is_none() {
            let end = seen.head().head().size().get();
            self.tell_since(Since::Index(LeafIndex::new(end)))?;
        }
        self.copy(&seen, now)
    }

    fn copy(&mut self, seen: &AcceptedHead<'_>, now: Time) -> Result<(), Hitch> {
        let copied = self.copied().map_err(|error| own_files(&error))?;
        let have = copied.as_ref().map(SignedCheckpoint::head);
        let size = seen.head().head().size();
        let is_there = have.is_some_and(|have| have.size() >= size);
        if is_there && !self.is_damaged {
            return Ok(());
        }
        let tell = |progress: labelproof::mirror::Progress| {
            let (done, total) = (progress.done, progress.total);
            self.shared
                .onlooker
                .progress(Progress::Copying { done, total });
        };
        // Looking everywhere for each head would take longer with each.
        let (at, look) = match self.looked {
            Some((at, size)) if !self.is_damaged && now.seconds_since(at) < LOOK_SECONDS => {
                (at, Look::From(size))
            }
            _ => (now, Look::Everywhere),
        };
        let parallel = self.shared.limits.parallel;
        let brought = bring(
            &self.folder,
            seen,
            have,
            look,
            &*self.shared.pause,
            parallel,
            &tell,
        );
        let files = brought.map_err(|error| match error {
            MirrorError::Stopped => Hitch::Stopped,
            MirrorError::Tiles(error) => from_source(&error, seen.head().signed()),
            error => own_files(&error).into(),
        })?;
        self.is_damaged = false;
        self.looked = Some((at, size));
        debug!(origin = %self.log.origin(), %size, files, "copied");
        Ok(())
    }

    /// Compares a head that no quorum vouches for: the log's own signature is enough to convict it.
    fn compare_unwitnessed(&self, signed: &SignedCheckpoint, now: Time) -> Result<(), Hitch> {
        let newest = self.store.newest(&self.log).ok().flatten();
        let Some(newest) =
            newest.filter(|newest| newest.checkpoint().head().size() <= signed.head().size())
        else {
            return self.compare_older(signed, now);
        };
        let source = PatientTiles::new(&*self.source, &*self.shared.pause);
        let tiles = TileReader::new(source, signed);
        let compared = compare(&tiles, signed, newest.checkpoint());
        self.is_forked(compared, signed, now).map(drop)
    }

    /// Compares a head with the copy, which reaches as far or farther.
    fn compare_older(&self, signed: &SignedCheckpoint, now: Time) -> Result<(), Hitch> {
        let copied = self.copied().map_err(|error| own_files(&error))?;
        let Some(copied) = copied else {
            return Ok(());
        };
        let tiles = self.folder.tiles_under(&copied);
        match compare(&tiles, &copied, signed) {
            Err(CompareError::Tiles(error)) => Err(Hitch::Copy(error)),
            compared => self.is_forked(compared, signed, now).map(drop),
        }
    }

    /// Accuses the log if two of its heads are two histories; `signed` is the one with the tiles.
    fn is_forked(
        &self,
        compared: Result<Compared, CompareError<TilesError>>,
        signed: &SignedCheckpoint,
        now: Time,
    ) -> Result<bool, Hitch> {
        match compared {
            Ok(Compared::Consistent | Compared::Ahead) => Ok(false),
            Ok(Compared::Forked(evidence)) => {
                self.accuse(self.accepted_size(), *evidence, now)?;
                Ok(true)
            }
            Err(CompareError::Tiles(error)) => Err(from_source(&error, signed)),
            Err(error) => Err(unreachable(&error).into()),
        }
    }

    fn accepted_size(&self) -> u64 {
        let newest = self.store.newest(&self.log).ok().flatten();
        newest.map_or(0, |newest| newest.checkpoint().head().size().get())
    }

    /// The newest time of each witness, for people and metrics.
    fn note_cosignatures(&mut self, signed: &SignedCheckpoint) {
        let found = self.log.policy().cosignatures(signed);
        if self.standing.cosigned.len() != found.len() {
            let names = found.iter().map(|(witness, _)| witness.name().to_owned());
            self.standing.cosigned = names.map(|name| (name, None)).collect();
        }
        for ((_, newest), (_, found)) in self.standing.cosigned.iter_mut().zip(found) {
            let time = found.and_then(Result::ok).map(CosignatureTime::unix);
            let time = time.and_then(Time::from_unix);
            if let Some(time) = time {
                self.own_clock.hear(time);
            }
            *newest = time.max(*newest);
        }
        self.standing.behind = self.own_clock.behind();
    }

    /// Signed by the log, and the quorum does not hold now.
    fn unwitnessed(&mut self, signed: &SignedCheckpoint, now: Time) -> Hitch {
        // A clock that runs late takes the witnesses' times for the future.
        if let Ok(later) = self.log.policy().accept(signed.clone(), Time::MAX)
            && later.as_of().seconds_since(now) > MAX_STEP_SECONDS
        {
            self.shown = self.shown.max(Some(later.as_of()));
            let seconds = later.as_of().seconds_since(now);
            return Blindness::Clock { seconds }.into();
        }
        let head = signed.note().clone();
        Observation::QuorumLost { head, since: now }.into()
    }

    fn older(&self, signed: &SignedCheckpoint) -> Hitch {
        let newest = self.standing.witnessed.as_ref();
        let from = newest.map_or(signed.head().size(), |newest| newest.head().size());
        Hitch::from(Observation::HeadWentBack {
            from,
            to: signed.head().size(),
            head: signed.note().clone(),
        })
    }

    fn not_taken(&self, error: &HeadError, signed: &SignedCheckpoint) -> Hitch {
        match error {
            HeadError::Advance(AdvanceError::Tiles(error)) | HeadError::Tiles(error) => {
                from_source(error, signed)
            }
            HeadError::Advance(AdvanceError::Store(error)) => own_files(error).into(),
            HeadError::OtherGenesis { .. } => Blindness::OtherGenesis.into(),
            HeadError::Entry(_) => Blindness::OtherKey.into(),
            error => unreachable(error).into(),
        }
    }
}

fn unreachable(error: &dyn std::error::Error) -> Blindness {
    Blindness::Unreachable { why: causes(error) }
}

/// What a source did not give, or gave wrong.
fn from_source(error: &TilesError, signed: &SignedCheckpoint) -> Hitch {
    let head = signed.note().clone();
    let what = match error {
        TilesError::Missing(path) => Observation::TileMissing { path: *path, head },
        TilesError::MalformedTile(path)
        | TilesError::WrongTile(path)
        | TilesError::MalformedBundle { path, .. }
        | TilesError::WrongEntry { path, .. } => Observation::TileWrong { path: *path, head },
        TilesError::WrongRoot(at) => match TileEdge::paths(at.size()).first() {
            Some(path) => Observation::TileWrong { path: *path, head },
            None => return unreachable(error).into(),
        },
        error => return Hitch::Trouble(Trouble::Blind(unreachable(error))),
    };
    what.into()
}

/// Four looks for each 256 entries: seconds for a hundred million. A file that somebody took away is missed no longer.
const LOOK_SECONDS: u64 = 3_600;
