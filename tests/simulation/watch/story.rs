//! What the log signs and holds in these days, kept so that any head of any hour can be shown again.
//!
//! ```text
//! Honest     events every hour, by the state function     ─▶ Tree
//! Tree       entries, tiles, bundles                            ─▶ files, and a note by these witnesses at this time
//! another    the same entries but one: what only a liar signs
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::merkle::{LeafHash, LeafIndex, TreeHead};
use labelproof_core::note::Note;
use labelproof_core::status::ReadLog as _;
use labelproof_core::tile::TileEdge;
use labelproof_core::time::Time;
use labelproof_tests::paper_log::{PaperLog, log_key};
use labelproof_tests::world;

/// The witnesses of these days; two of them are a quorum.
pub(super) const WITNESSES: [&str; 3] = ["de", "jp", "us"];

/// The policy of the log at an address that nobody asks.
pub(super) fn policy() -> String {
    let mut text = format!("log {} http://127.0.0.1:1\n", log_key().vkey());
    for code in WITNESSES {
        let key = world::witness_key(code);
        text += &format!("witness {code} {}\n", key.vkey());
    }
    text + &format!("group two 2 {}\nquorum two\n", WITNESSES.join(" "))
}

/// A head of the log, signed by it, and cosigned by these at a time.
pub(super) fn note(head: TreeHead, time: Time, witnesses: &[&str]) -> Note {
    let checkpoint = Checkpoint::new(world::origin(), head);
    let mut signed = SignedCheckpoint::sign(&checkpoint, &log_key());
    let time = CosignatureTime::new(time.unix()).unwrap();
    for code in witnesses {
        let key = world::witness_key(code);
        let line = cosign(&key, &checkpoint.text(), time);
        signed = signed.with_cosignature(key.vkey(), line).unwrap();
    }
    signed.note().clone()
}

/// Entries, and the files that a server gives of them, of every size it had.
#[derive(Debug, Default)]
pub(super) struct Tree {
    entries: Vec<Vec<u8>>,
    edge: TileEdge,
    files: BTreeMap<String, Vec<u8>>,
    /// The last bundle, if it is not full.
    tail: Option<EntryBundle>,
}

impl Tree {
    fn of(entries: Vec<Vec<u8>>) -> Self {
        let mut tree = Self::default();
        tree.grow(entries);
        tree
    }

    fn grow(&mut self, entries: Vec<Vec<u8>>) {
        let old = self.edge.size();
        let leaves = entries.iter().map(|entry| LeafHash::of_entry(entry));
        for (path, tile) in self.edge.grow(leaves) {
            self.files.insert(path.to_string(), tile.to_bytes());
        }
        for (path, bundle) in EntryBundle::grow(old, self.tail.take(), entries.iter().cloned()) {
            self.files.insert(path.to_string(), bundle.to_bytes());
            self.tail = (bundle.width().count() < 256).then_some(bundle);
        }
        self.entries.extend(entries);
    }

    pub(super) fn head(&self) -> TreeHead {
        self.edge.head()
    }

    pub(super) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.files.get(path).cloned()
    }

    /// The same but for one entry near its beginning, `more` entries longer or that many shorter.
    pub(super) fn another(&self, at: usize, more: isize) -> Self {
        let mut entries = self.entries.clone();
        entries[at] = b"nothing happened here".to_vec();
        let size = entries.len().checked_add_signed(more).unwrap();
        entries.resize(size, b"and nothing here".to_vec());
        Self::of(entries)
    }
}

/// The log whose entries are as they should be, until it is made to lie in them.
pub(super) struct Honest {
    paper: PaperLog,
    tree: Arc<Mutex<Tree>>,
    /// What it took, to take it once more in another history.
    batches: Vec<(Time, Vec<Vec<u8>>)>,
}

/// A promise of the log: an event, and the receipt it gave for it.
pub(super) struct Promised {
    pub(super) entry: Vec<u8>,
    pub(super) receipt: Vec<u8>,
    /// When it was given.
    pub(super) time: Time,
    /// How large the head is that was promised.
    pub(super) size: u64,
}

impl Honest {
    pub(super) fn begin(time: Time) -> Self {
        let honest = Self {
            paper: PaperLog::founded(time),
            tree: Arc::default(),
            batches: Vec::new(),
        };
        honest.publish();
        honest
    }

    pub(super) fn tree(&self) -> Arc<Mutex<Tree>> {
        Arc::clone(&self.tree)
    }

    pub(super) fn shown(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap()
    }

    pub(super) fn size(&self) -> u64 {
        self.paper.size()
    }

    /// Takes events, closes them with a head, and shows both.
    pub(super) fn append(&mut self, time: Time, events: Vec<Vec<u8>>) {
        self.paper.set_time(time);
        self.paper.append(&events);
        self.batches.push((time, events));
        self.publish();
    }

    /// The same, with a lie on paper before it is shown.
    pub(super) fn append_with(
        &mut self,
        time: Time,
        events: Vec<Vec<u8>>,
        lie: impl FnOnce(&mut PaperLog),
    ) {
        self.paper.set_time(time);
        self.paper.append(&events);
        lie(&mut self.paper);
        self.publish();
    }

    /// Takes an entry that no honest log takes, and closes it with a head.
    pub(super) fn append_bad(&mut self, time: Time, entry: Vec<u8>) {
        self.paper.set_time(time);
        self.paper.take_bad(entry);
        self.paper.append(&[]);
        self.publish();
    }

    /// Takes events, and ends with an event in the place of the head.
    pub(super) fn append_without_head(&mut self, time: Time, events: Vec<Vec<u8>>, end: Vec<u8>) {
        let lie = |paper: &mut PaperLog| {
            let at = LeafIndex::new(paper.size() - 1);
            paper.lie(at, end);
        };
        self.append_with(time, events, lie);
    }

    /// What it promised now to whoever sent an event that its newest batch holds.
    pub(super) fn promised(&self, time: Time, entry: &[u8]) -> Promised {
        promise(&self.paper, time, entry)
    }

    /// What it promises to whoever sends this event now, and never shows.
    pub(super) fn promised_aside(&self, time: Time, begun: Time, entry: &[u8]) -> Promised {
        let mut aside = PaperLog::founded(begun);
        for (time, events) in &self.batches {
            aside.set_time(*time);
            aside.append(events);
        }
        aside.set_time(time);
        aside.append(&[entry.to_vec()]);
        promise(&aside, time, entry)
    }

    fn publish(&self) {
        let mut tree = self.shown();
        let old = tree.head().size().get();
        let fresh = (old..self.paper.size()).map(LeafIndex::new);
        let fresh = fresh.map(|at| self.paper.entry(at).unwrap()).collect();
        tree.grow(fresh);
    }
}

fn promise(paper: &PaperLog, time: Time, entry: &[u8]) -> Promised {
    let index = paper.index_of(entry).unwrap();
    Promised {
        entry: entry.to_vec(),
        receipt: paper.receipt(index).to_bytes(),
        time,
        size: paper.size(),
    }
}

/// Writes a line of the newest state head anew.
pub(super) fn misprint(log: &mut PaperLog, line: usize, says: &str) {
    let at = LeafIndex::new(log.size() - 1);
    let head = String::from_utf8(log.entry(at).unwrap()).unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines[line] = says;
    log.lie(at, (lines.join("\n") + "\n").into_bytes());
}
