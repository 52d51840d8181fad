//! The newest head of a log, believed and taken into the trust store.
//!
//! ```text
//! GET /checkpoint ─log key─▶ SignedCheckpoint ─quorum─▶ WitnessedCheckpoint
//!       ─consistency from the newest accepted head─▶ trust store ─entry 0 is the genesis─▶ AcceptedHead
//! ```
//! It reads the checkpoint and tiles only, so a mirror on a plain file server answers as the log does.

use labelproof_core::{
    merkle::{LeafHash, NodeId, ReadNodes},
    policy::WitnessedCheckpoint,
    time::Time,
};
use labelproof_host::tiles::{TileReader, TilesError};

use crate::{
    log_server::ServerError,
    patience::{PatientTiles, Pause, patiently},
    proof::{EntryError, open_checkpoint},
    source::Source,
    trust::{
        TrustedLog,
        store::{AdvanceError, Standing, TrustStore, relate},
    },
};

/// Asks for the published checkpoint and takes it in, as of `now`.
///
/// # Errors
/// [`HeadError`]; [`AdvanceError::Fork`] carries evidence, and the store is as it was.
pub fn newest_head<'a>(
    source: &'a dyn Source,
    log: &TrustedLog,
    store: &TrustStore,
    pause: &'a dyn Pause,
    now: Time,
) -> Result<AcceptedHead<'a>, HeadError> {
    let note = patiently(pause, || source.checkpoint())?;
    let signed = open_checkpoint(note, log)?;
    let head = log
        .policy()
        .accept(signed, now)
        .map_err(EntryError::Quorum)?;
    take_head(head, source, log, store, pause)
}

/// Takes in a head that met the quorum of `log`, with tiles from `source`.
///
/// # Errors
/// As [`newest_head`].
pub fn take_head<'a>(
    head: WitnessedCheckpoint,
    source: &'a dyn Source,
    log: &TrustedLog,
    store: &TrustStore,
    pause: &'a dyn Pause,
) -> Result<AcceptedHead<'a>, HeadError> {
    let before = store.newest(log).map_err(AdvanceError::Store)?;
    if let Some(before) = &before {
        // Two heads of one size need no tile to be evidence.
        relate(before, &head).map_err(AdvanceError::Fork)?;
    }
    let tiles = TileReader::new(PatientTiles::new(source, pause), head.signed());
    let first = NodeId::new(0, 0).expect("every tree may have a leaf 0");
    let is_genesis = tiles.read_nodes(&[first])? == [log.genesis().into()];
    let other = HeadError::OtherGenesis {
        want: log.genesis(),
    };
    if !is_genesis && before.is_none() {
        return Err(other);
    }
    // With a head from before, another genesis is a fork, and a fork is worth more than an error.
    let standing = store.advance(log, &head, &tiles)?;
    if !is_genesis {
        return Err(other);
    }
    Ok(AcceptedHead {
        head,
        standing,
        tiles,
    })
}

/// A head that met the quorum and appends to every head accepted before, or is older than one of them.
#[derive(Debug)]
pub struct AcceptedHead<'a> {
    head: WitnessedCheckpoint,
    standing: Standing,
    tiles: TileReader<PatientTiles<'a>>,
}

impl<'a> AcceptedHead<'a> {
    /// The checkpoint with its quorum.
    pub fn head(&self) -> &WitnessedCheckpoint {
        &self.head
    }

    /// How it stands to the newest one accepted before.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Entries and nodes under it.
    pub fn tiles(&self) -> &TileReader<PatientTiles<'a>> {
        &self.tiles
    }
}

/// Why no head was accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// It could not be taken into the trust store, or shows a fork.
    #[error(transparent)]
    Advance(#[from] AdvanceError<TilesError>),
    /// Not signed by the log, or by too few witnesses.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The log begins with another entry than the trusted one.
    #[error("entry 0 is not the genesis with the leaf hash {want}")]
    OtherGenesis {
        /// The leaf hash that is trusted.
        want: LeafHash,
    },
    /// The log gave no checkpoint.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The log's tiles could not be had, or do not fit the checkpoint.
    #[error("cannot read the log's tiles")]
    Tiles(#[from] TilesError),
}
