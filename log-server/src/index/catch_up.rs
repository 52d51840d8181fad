//! Catching up: filling the index from the entries where it is behind, and from entry 0 where it is wrong.
//!
//! It runs beside everything else: until it is done a look-up may miss, and what is missed is answered with 503.

use labelproof_core::{
    event::Event,
    merkle::{Frontier, LeafHash, LeafIndex, ReadNodes, TreeHead, TreeSize},
};
use tracing::{info, warn};

use crate::{index::Addition, log::Log, lookup, metrics::Invariant, storage::StorageError};

/// Brings the index to the end of the log.
///
/// # Errors
/// What the store says about an entry or a tile.
pub fn catch_up(log: &Log) -> Result<(), StorageError> {
    let setting = log.setting();
    let index = &setting.index;
    if log.take_index_suspicion() || !is_head_of(log, index.watermark())? {
        warn!("the index is made anew from the entries");
        setting.metrics.broke(Invariant::IndexComplete);
        index.clear();
    }
    let begin = index.watermark().size();
    // Batches that come in meanwhile move the end; each round is shorter than the one before.
    loop {
        let (from, end) = (index.watermark().size(), log.standing().acknowledged());
        if from >= end {
            break;
        }
        let upto = TreeSize::new(end.get().min(from.get() + PART_ENTRIES));
        let nodes = setting.directory.read_nodes(&Frontier::ids(from))?;
        let mut frontier =
            Frontier::from_nodes(from, nodes).expect("as many nodes as ids were asked for");
        let mut events = Vec::new();
        for item in setting.directory.entries(LeafIndex::new(from.get()), upto) {
            let (at, entry) = item?;
            frontier.append(LeafHash::of_entry(&entry));
            if let Ok(event) = Event::parse(&entry) {
                events.push((at, event));
            }
        }
        let tip = log.tip();
        let Some(state) = &tip.state else {
            return Ok(());
        };
        let events = events
            .iter()
            .map(|(at, event)| lookup::indexed(state, event, *at))
            .collect();
        drop(tip);
        index.append(Addition {
            from,
            head: frontier.head(),
            events,
        });
    }
    log.index_is_checked();
    if begin < index.watermark().size() {
        info!(from = %begin, to = %index.watermark().size(), "the index caught up");
    }
    Ok(())
}

/// Whether the index was filled from this very log.
fn is_head_of(log: &Log, watermark: TreeHead) -> Result<bool, StorageError> {
    if watermark.size() > log.standing().acknowledged() {
        return Ok(false);
    }
    let nodes = log
        .setting()
        .directory
        .read_nodes(&Frontier::ids(watermark.size()))?;
    let frontier =
        Frontier::from_nodes(watermark.size(), nodes).expect("as many nodes as ids were asked for");
    Ok(frontier.head() == watermark)
}

/// What is read at once: four bundles, at most 16 MiB.
const PART_ENTRIES: u64 = 1_024;
