//! What a check found.
//!
//! ```json
//! {"version":1,"origin":"labels.g7.example","size":261,"root":"CsUY…=","tiles":3,"bundles":2,"events":220,"heads":41,
//!  "fault":{"object":"tile/0/000","what":"tile/0/000 does not hash to its parent","exit":11}}
//! ```
//! `fault` is null when everything held.

use std::fmt;

use labelproof_core::checkpoint::{Origin, SignedCheckpoint};
use labelproof_core::merkle::{LeafIndex, TreeHead};
use labelproof_core::refusal::Refusal;
use labelproof_core::state::WrongEntry;
use labelproof_core::tile::TilePath;
use labelproof_host::exit::Exit;
use labelproof_host::logging::causes;
use labelproof_host::tiles::TilesError;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// What was checked, and the first thing that is wrong.
#[derive(Debug)]
pub struct Report {
    origin: Origin,
    head: TreeHead,
    tiles: u64,
    bundles: u64,
    events: u64,
    heads: u64,
    fault: Option<Fault>,
}

/// The first thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A tile or bundle is missing, or not what its place in the tree says, or could not be read.
    #[error(transparent)]
    Object(TilesError),
    /// A partial tile is not the one that the entries make; with the entries' one the root comes out right.
    #[error("{0} is not the tile that the entries make")]
    PartialTile(TilePath),
    /// Neither the tiles nor the entries hash to the signed root.
    #[error("neither tiles nor entries hash to the root of the checkpoint")]
    Root,
    /// The checkpoint that the log shows is not a beginning of the log.
    #[error("the published checkpoint is not a beginning of the log")]
    Published,
    /// Entry 0 begins the log of another origin.
    #[error("entry 0 begins the log {0}")]
    OtherOrigin(Origin),
    /// An entry that the state function refuses; an honest log has none.
    #[error("entry {index} is refused by the state function ({})", .why.code())]
    Refused {
        /// Which entry.
        index: LeafIndex,
        /// What the state function says.
        #[source]
        why: Refusal,
    },
    /// A state head is not the one that the entries before it give.
    #[error(transparent)]
    Entry(WrongEntry),
    /// The last entry is no state head.
    #[error("the last entry, {0}, is no state head")]
    NoHead(LeafIndex),
}

/// What an operator has to look at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Object {
    /// The checkpoint or head record.
    Checkpoint,
    /// A file.
    File(TilePath),
    /// An entry.
    Entry(LeafIndex),
    /// The place the files come from.
    Source,
}

impl Report {
    pub(super) fn new(checkpoint: &SignedCheckpoint) -> Self {
        Self {
            origin: checkpoint.origin().clone(),
            head: checkpoint.head(),
            tiles: 0,
            bundles: 0,
            events: 0,
            heads: 0,
            fault: None,
        }
    }

    /// The log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The tree that was checked.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        self.head
    }

    /// Tiles of hashes that are right.
    #[must_use]
    pub fn tiles(&self) -> u64 {
        self.tiles
    }

    /// Entry bundles that are right.
    #[must_use]
    pub fn bundles(&self) -> u64 {
        self.bundles
    }

    /// Events that the state function accepted.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// State heads that are the ones the entries give.
    #[must_use]
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// The first thing that is wrong; none if everything held.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    pub(super) fn count_tile(&mut self) {
        self.tiles += 1;
    }

    pub(super) fn count_bundle(&mut self) {
        self.bundles += 1;
    }

    pub(super) fn count_event(&mut self) {
        self.events += 1;
    }

    pub(super) fn count_head(&mut self) {
        self.heads += 1;
    }

    pub(super) fn close(self, fault: Option<Fault>) -> Self {
        Self { fault, ..self }
    }
}

impl Fault {
    /// Names the first bad object.
    #[must_use]
    pub fn object(&self) -> Object {
        match self {
            Self::Object(
                TilesError::Missing(path)
                | TilesError::MalformedTile(path)
                | TilesError::MalformedBundle { path, .. }
                | TilesError::WrongTile(path)
                | TilesError::WrongEntry { path, .. },
            )
            | Self::PartialTile(path) => Object::File(*path),
            Self::Object(TilesError::Source(_)) => Object::Source,
            Self::Object(_) | Self::Root | Self::Published => Object::Checkpoint,
            Self::OtherOrigin(_) => Object::Entry(LeafIndex::new(0)),
            Self::Refused { index, .. } | Self::NoHead(index) => Object::Entry(*index),
            Self::Entry(
                WrongEntry::ClockBack { at }
                | WrongEntry::Head { at }
                | WrongEntry::NeedsHistory { at, .. },
            ) => Object::Entry(*at),
            Self::Entry(_) => Object::Source,
        }
    }

    /// How a program ends that found it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Object(TilesError::Source(_)) => Exit::Unreachable,
            Self::Object(TilesError::MalformedTile(_) | TilesError::MalformedBundle { .. }) => {
                Exit::Malformed
            }
            // The log signed what it should not have.
            Self::OtherOrigin(_) | Self::Refused { .. } | Self::Entry(_) | Self::NoHead(_) => {
                Exit::LogMisbehaved
            }
            Self::Object(_) | Self::PartialTile(_) | Self::Root | Self::Published => Exit::NotInLog,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::File(path) => path.fmt(f),
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Source => f.write_str("source"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            head,
            tiles,
            bundles,
            events,
            heads,
            ..
        } = self;
        writeln!(f, "{origin}: {} entries, root {}", head.size(), head.root())?;
        write!(
            f,
            "{tiles} tiles, {bundles} entry bundles, {events} events, {heads} state heads are right"
        )?;
        if let Some(fault) = &self.fault {
            write!(f, "\n{} is wrong: {}", fault.object(), causes(fault))?;
        }
        Ok(())
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &REPORT_VERSION)?;
        map.serialize_entry("origin", self.origin.as_str())?;
        map.serialize_entry("size", &self.head.size().get())?;
        map.serialize_entry("root", &self.head.root().to_string())?;
        map.serialize_entry("tiles", &self.tiles)?;
        map.serialize_entry("bundles", &self.bundles)?;
        map.serialize_entry("events", &self.events)?;
        map.serialize_entry("heads", &self.heads)?;
        map.serialize_entry("fault", &self.fault)?;
        map.end()
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("object", &self.object().to_string())?;
        map.serialize_entry("what", &self.to_string())?;
        map.serialize_entry("exit", &self.exit().code())?;
        map.end()
    }
}

/// Raised when a member changes its meaning or goes.
const REPORT_VERSION: u32 = 1;
