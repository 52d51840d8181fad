//! Checks a whole log: root, every tile, every entry bundle, every entry and state head.
//!
//! ```text
//! checkpoint ─root→ partial tiles ─hash→ full tiles ─leaf→ entries ─state function→ state heads
//! ```
//! It reads a directory or a URL, writes nothing, trusts only the checkpoint's signature, and stops at the first object
//! that is wrong, which it names. What it reads through is `labelproof_host::tiles`; what to print is left to the caller.

mod edge;
mod report;

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::merkle::{Frontier, LeafIndex, ReadNodes as _, TreeHead, TreeSize};
use labelproof_core::state::{ReadEntry, Replayed, State};
use labelproof_core::tile::{TileKind, TileLevel, TilePath, bundles_between, tiles_between};
use labelproof_host::ahead::Ahead;
use labelproof_host::hands::in_order;
use labelproof_host::tiles::{TileReader, TileSource, TilesError};

pub use report::{Fault, Object, Report};

/// How far a check has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Tiles and bundles checked.
    pub done: u64,
    /// Tiles and bundles there are.
    pub total: u64,
}

/// Checks everything that a checkpoint stands for, on every core, and tells `progress` after each object.
///
/// `published` is the older checkpoint that the log shows, if it is not the same: its tree must be a beginning of the
/// one that is checked.
#[must_use]
pub fn check<S: TileSource + Sync>(
    source: S,
    checkpoint: &SignedCheckpoint,
    published: Option<&SignedCheckpoint>,
    progress: impl FnMut(Progress),
) -> Report {
    let mut pass = Pass {
        reader: &TileReader::new(source, checkpoint),
        report: Report::new(checkpoint),
        state: None,
        ahead: &Ahead::default(),
        ends_in_head: false,
        total: objects(checkpoint.head().size()),
        progress,
    };
    let fault = pass.run(published.map(SignedCheckpoint::head)).err();
    pass.report.close(fault)
}

struct Pass<'a, S, P> {
    reader: &'a TileReader<S>,
    report: Report,
    state: Option<State>,
    ahead: &'a Ahead,
    ends_in_head: bool,
    total: u64,
    progress: P,
}

/// Tiles and bundles of a tree; iterating costs nothing beside reading them.
fn objects(size: TreeSize) -> u64 {
    let tiles = tiles_between(TreeSize::EMPTY, size).count();
    let bundles = bundles_between(TreeSize::EMPTY, size).count();
    (tiles + bundles) as u64
}

impl<S: TileSource + Sync, P: FnMut(Progress)> Pass<'_, S, P> {
    fn run(&mut self, published: Option<TreeHead>) -> Result<(), Fault> {
        let size = self.reader.head().size();
        let leaves = TileKind::Hashes(TileLevel::LEAVES);
        let tiles: Vec<TilePath> = tiles_between(TreeSize::EMPTY, size).collect();
        // From the top down: a tile is read after the one that proves it.
        for path in tiles.iter().rev().filter(|path| path.kind() != leaves) {
            let read = self.reader.tile(*path);
            self.tile(read.map(|_| ()))?;
        }
        if let Some(published) = published {
            self.published(published)?;
        }
        let (reader, ahead) = (self.reader, self.ahead);
        in_order(
            bundles_between(TreeSize::EMPTY, size),
            |path| ReadBundle::read(path, reader, ahead),
            |read| self.bundle(read),
        )?;
        if size == TreeSize::EMPTY {
            return edge::check_empty(self.reader.head());
        }
        // SPEC state.md: the head is the entry at C−1.
        if self.ends_in_head {
            Ok(())
        } else {
            Err(Fault::NoHead(LeafIndex::new(size.get() - 1)))
        }
    }

    fn tile(&mut self, read: Result<(), TilesError>) -> Result<(), Fault> {
        match read {
            Ok(()) => {
                self.report.count_tile();
                self.tell();
                Ok(())
            }
            // Which of the partial tiles is wrong, the reader cannot say; the entries can.
            Err(TilesError::WrongRoot(_)) => Err(edge::blame(self.reader)),
            Err(error) => Err(Fault::Object(error)),
        }
    }

    /// Checks that a smaller tree is a beginning of this one, from the nodes of this one.
    fn published(&self, published: TreeHead) -> Result<(), Fault> {
        let size = published.size();
        if size > self.reader.head().size() {
            return Err(Fault::Published);
        }
        let nodes = match self.reader.read_nodes(&Frontier::ids(size)) {
            Ok(nodes) => nodes,
            Err(TilesError::WrongRoot(_)) => return Err(edge::blame(self.reader)),
            Err(error) => return Err(Fault::Object(error)),
        };
        let frontier = Frontier::from_nodes(size, nodes).expect("a node for each id");
        if frontier.head() == published {
            Ok(())
        } else {
            Err(Fault::Published)
        }
    }

    fn bundle(&mut self, read: ReadBundle) -> Result<(), Fault> {
        self.tile(read.tile)?;
        let entries = read.entries.map_err(Fault::Object)?;
        for (index, entry) in (read.path.first()..).map(LeafIndex::new).zip(&entries) {
            self.entry(index, entry)?;
        }
        if let Some(state) = &self.state {
            self.ahead.learn(state, &entries);
        }
        self.report.count_bundle();
        self.tell();
        Ok(())
    }

    fn entry(&mut self, index: LeafIndex, entry: &ReadEntry) -> Result<(), Fault> {
        let Some(state) = &mut self.state else {
            let state = State::found(entry).map_err(|why| Fault::Refused { index, why })?;
            if state.origin() != self.report.origin() {
                return Err(Fault::OtherOrigin(state.origin().clone()));
            }
            self.report.count_event();
            self.state = Some(state);
            return Ok(());
        };
        state.forget_closed_view();
        let replayed = state.replay(entry).map_err(Fault::Entry)?;
        self.ends_in_head = matches!(replayed, Replayed::Head(_));
        match replayed {
            Replayed::Head(_) => self.report.count_head(),
            Replayed::Accepted(_) => self.report.count_event(),
            // An honest log has none: admission runs the same function first.
            Replayed::Refused(why) => return Err(Fault::Refused { index, why }),
        }
        Ok(())
    }

    fn tell(&mut self) {
        (self.progress)(Progress {
            done: self.report.tiles() + self.report.bundles(),
            total: self.total,
        });
    }
}

/// A bundle whose entries were read ahead of their turn, and the tile that proves it.
struct ReadBundle {
    path: TilePath,
    tile: Result<(), TilesError>,
    entries: Result<Vec<ReadEntry>, TilesError>,
}

impl ReadBundle {
    fn read<S: TileSource>(path: TilePath, reader: &TileReader<S>, ahead: &Ahead) -> Self {
        let tile = reader.tile(path.leaves().expect("a bundle has leaves"));
        let bundle = reader.bundle(LeafIndex::new(path.first()));
        let read = |entry| ahead.read(entry);
        Self {
            path,
            tile: tile.map(|_| ()),
            entries: bundle.map(|bundle| bundle.into_entries().into_iter().map(read).collect()),
        }
    }
}
