//! The order of a commit, read from a recording: write, sync, rename, sync folder, swap, sign, acknowledge.
//!
//! ```text
//! staged/… written, synced, renamed, folder synced     the batch is durable
//! head     written, synced, renamed, folder synced     swap
//! sign
//! tile/… written, cut, synced; new names' folders      the log is readable
//! staged/… removed, folder synced
//! acknowledge
//! ```
//! [`check_order`] knows the promise and not the code. The tests take each record out of a true
//! recording, and move the marks: each time it must say no.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::merkle::TreeSize;
use labelproof_core::tile::{Width, bundles_between, tiles_between};
use labelproof_host::fs::{Fs, Journal, Record, RecordingFs, SimulatedFs, folder_of};
use labelproof_log::sequencer::{Parts, Sequencer, Sign};
use labelproof_log::storage::{HeadRecord, HeadStore, SwapError};

use crate::ledger::Ledger;
use crate::log_node::{DIR, create, parts};

/// Marks each swap that succeeded.
struct MarkedHeads {
    inner: Arc<dyn HeadStore>,
    journal: Journal,
}

impl HeadStore for MarkedHeads {
    fn read(&self) -> Result<Option<HeadRecord>, SwapError> {
        self.inner.read()
    }

    fn swap(&self, expected: &HeadRecord, new: &HeadRecord) -> Result<(), SwapError> {
        self.inner.swap(expected, new)?;
        self.journal.mark("swap");
        Ok(())
    }
}

/// Marks each signature.
struct MarkedSigner {
    inner: Arc<Ledger>,
    journal: Journal,
}

impl Sign for MarkedSigner {
    fn sign(&self, checkpoint: &Checkpoint) -> SignedCheckpoint {
        self.journal.mark("sign");
        self.inner.sign(checkpoint)
    }
}

/// What one commit has to write, and what is there before it.
struct Plan {
    objects: BTreeSet<PathBuf>,
    names: BTreeSet<PathBuf>,
}

/// A recording of the commit that takes a log from `before` to `after` entries.
fn record(before: u64, after: u64) -> (Vec<Record>, Plan) {
    let disk = SimulatedFs::new(0);
    create(&disk);
    let journal = Journal::default();
    let fs: Arc<dyn Fs> = Arc::new(RecordingFs::new(Arc::new(disk.clone()), journal.clone()));
    let Parts {
        origin,
        directory,
        heads,
        instance,
        ..
    } = parts(&fs, &Arc::new(Ledger::new()), 1);
    let mut sequencer = Sequencer::load(Parts {
        origin,
        directory,
        heads: Arc::new(MarkedHeads {
            inner: heads,
            journal: journal.clone(),
        }),
        signer: Arc::new(MarkedSigner {
            inner: Arc::new(Ledger::new()),
            journal: journal.clone(),
        }),
        instance,
    })
    .unwrap();
    let entries = |count: u64| vec![b"an entry".to_vec(); usize::try_from(count).unwrap()];
    if before > 0 {
        sequencer.sequence(entries(before), &mut |_| {}).unwrap();
    }
    let names = names_below(&disk, Path::new(DIR));
    journal.clear();
    let mark = journal.clone();
    sequencer
        .sequence(entries(after - before), &mut |_| mark.mark("acknowledge"))
        .unwrap();
    let (old, new) = (TreeSize::new(before), TreeSize::new(after));
    let objects = tiles_between(old, new).chain(bundles_between(old, new));
    let objects = objects.map(|path| Path::new(DIR).join(path.with_width(Width::FULL).to_string()));
    (
        journal.records(),
        Plan {
            objects: objects.collect(),
            names,
        },
    )
}

fn names_below(disk: &SimulatedFs, dir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([dir.to_owned()]);
    for name in disk.list(dir).unwrap() {
        let path = dir.join(name);
        if disk.list(&path).is_ok() {
            found.extend(names_below(disk, &path));
        } else {
            found.insert(path);
        }
    }
    found
}

/// What is true so far.
struct Progress<'a> {
    plan: &'a Plan,
    names: BTreeSet<PathBuf>,
    unsynced_bytes: BTreeSet<PathBuf>,
    unsynced_names: BTreeSet<PathBuf>,
    written: BTreeSet<PathBuf>,
    cut: BTreeSet<PathBuf>,
    renamed: BTreeSet<PathBuf>,
    removed: BTreeSet<PathBuf>,
    marks: Vec<&'a str>,
}

fn check_order(records: &[Record], plan: &Plan) -> Result<(), String> {
    let mut progress = Progress {
        plan,
        names: plan.names.clone(),
        unsynced_bytes: BTreeSet::new(),
        unsynced_names: BTreeSet::new(),
        written: BTreeSet::new(),
        cut: BTreeSet::new(),
        renamed: BTreeSet::new(),
        removed: BTreeSet::new(),
        marks: Vec::new(),
    };
    for record in records {
        progress
            .take(record)
            .map_err(|what| format!("{record:?}: {what}"))?;
    }
    must(
        progress.marks == ["swap", "sign", "acknowledge"],
        "a commit ends with the acknowledgement",
    )
}

impl<'a> Progress<'a> {
    fn take(&mut self, record: &'a Record) -> Result<(), String> {
        match record {
            Record::Write(path) => {
                let early = self.plan.objects.contains(path) && !self.marks.contains(&"swap");
                must(!early, "applied before it was reserved")?;
                self.name(path);
                self.written.insert(path.clone());
                self.unsynced_bytes.insert(path.clone());
            }
            Record::SetLen(path) => {
                must(self.written.contains(path), "cut before it was written")?;
                self.cut.insert(path.clone());
                self.unsynced_bytes.insert(path.clone());
            }
            Record::SyncFile(path) => {
                must(self.unsynced_bytes.remove(path), "synced and not written")?;
            }
            Record::Rename { from, to } => {
                must(self.names.remove(from), "renamed and not written")?;
                must(
                    !self.unsynced_bytes.contains(from),
                    "renamed before it was synced",
                )?;
                self.unsynced_names.remove(from);
                self.names.insert(to.clone());
                self.unsynced_names.insert(to.clone());
                self.renamed.insert(to.clone());
            }
            Record::SyncDir(dir) => self.unsynced_names.retain(|name| folder_of(name) != dir),
            Record::CreateDir(dir) => self.name(dir),
            Record::Remove(path) => {
                must(
                    self.renamed.contains(path),
                    "removed and never made durable",
                )?;
                must(self.marks == ["swap", "sign"], "removed too early")?;
                self.all_applied()?;
                self.names.remove(path);
                self.removed.insert(path.clone());
                self.unsynced_names.insert(path.clone());
            }
            Record::Mark(mark) => {
                self.mark(mark)?;
                self.marks.push(mark);
            }
        }
        Ok(())
    }

    fn mark(&self, mark: &str) -> Result<(), String> {
        match mark {
            "swap" => {
                must(self.marks.is_empty(), "swapped twice")?;
                let staged = self
                    .renamed
                    .iter()
                    .filter(|path| folder_of(path).ends_with("staged"));
                must(staged.count() == 1, "no batch is staged")?;
                must(
                    self.renamed.contains(&Path::new(DIR).join("head")),
                    "no head is written",
                )?;
                self.all_durable()
            }
            "sign" => must(self.marks == ["swap"], "signed before it was reserved"),
            "acknowledge" => {
                must(
                    self.marks == ["swap", "sign"],
                    "acknowledged before it was signed",
                )?;
                must(!self.removed.is_empty(), "the staged batch is left")?;
                self.all_applied()?;
                self.all_durable()
            }
            _ => Err("nobody knows this mark".to_owned()),
        }
    }

    fn name(&mut self, path: &Path) {
        if self.names.insert(path.to_owned()) {
            self.unsynced_names.insert(path.to_owned());
        }
    }

    fn all_applied(&self) -> Result<(), String> {
        let missing = self
            .plan
            .objects
            .iter()
            .find(|path| !self.written.contains(*path) || !self.cut.contains(*path));
        must(missing.is_none(), &format!("{missing:?} is not written"))
    }

    fn all_durable(&self) -> Result<(), String> {
        must(
            self.unsynced_bytes.is_empty(),
            &format!("not synced: {:?}", self.unsynced_bytes),
        )?;
        must(
            self.unsynced_names.is_empty(),
            &format!("names not synced: {:?}", self.unsynced_names),
        )
    }
}

fn must(holds: bool, else_: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(else_.to_owned()) }
}

#[test]
fn commit_keeps_the_order() {
    for (before, after) in [(0, 1), (10, 13), (254, 259), (511, 512), (512, 513)] {
        let (records, plan) = record(before, after);
        let checked = check_order(&records, &plan);
        assert_eq!(checked, Ok(()), "{before} to {after}: {records:#?}");
    }
}

#[test]
fn commit_with_any_step_taken_out_is_refused() {
    // Inside a tile no step is there for caution only.
    let (records, plan) = record(10, 13);
    let kinds = records.iter().map(std::mem::discriminant);
    // Write, cut, sync, rename, sync folder, remove, mark.
    assert_eq!(
        kinds.collect::<std::collections::HashSet<_>>().len(),
        7,
        "{records:#?}"
    );
    for taken in 0..records.len() {
        let mut rest = records.clone();
        let record = rest.remove(taken);
        assert!(
            check_order(&rest, &plan).is_err(),
            "nobody misses {record:?}"
        );
    }
}

#[test]
fn commit_with_a_mark_moved_forward_is_refused() {
    let (records, plan) = record(254, 259);
    let marks = (0..records.len()).filter(|at| matches!(records[*at], Record::Mark(_)));
    for mark in marks {
        // An idle sync before the mark may stand on either side of it.
        let last_change = (0..mark)
            .rev()
            .find(|at| !matches!(records[*at], Record::SyncDir(_)));
        for earlier in 0..=last_change.unwrap() {
            let mut moved = records.clone();
            let record = moved.remove(mark);
            moved.insert(earlier, record.clone());
            assert!(
                check_order(&moved, &plan).is_err(),
                "{record:?} may come {earlier}th"
            );
        }
    }
}
