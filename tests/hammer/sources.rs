//! What is asked for: events one by one and in batches, status, objects, growing logs at a witness.

use std::fmt::Write as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use labelproof_core::add_checkpoint::AddCheckpoint;
use labelproof_core::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use labelproof_core::key::{KeyType, SigningKey, Vkey};
use labelproof_core::merkle::{
    LeafHash, NodeHash, NodeId, ReadNodes, TreeSize, WholeTree, prove_consistency,
};
use labelproof_core::tile::{TileIndex, TileKind, TileLevel, TilePath, Width};
use labelproof_tests::labels::LabelMill;

use crate::client::{get, post};
use crate::load::Source;

/// Requests made before the run, each sent once.
pub(crate) struct Prepared {
    requests: Vec<Vec<u8>>,
    kind: Kind,
}

/// How the answers of prepared requests are counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Each is one.
    Single,
    /// Each has a line for every event.
    Lines,
}

impl Source for Prepared {
    fn request(&self, ticket: u64, out: &mut Vec<u8>) -> bool {
        let request = usize::try_from(ticket)
            .ok()
            .and_then(|at| self.requests.get(at));
        request.is_some_and(|request| {
            out.extend_from_slice(request);
            true
        })
    }

    fn count(&self, _status: u16, body: &[u8]) -> u64 {
        match self.kind {
            Kind::Single => 1,
            Kind::Lines => body
                .split(|byte| *byte == b'\n')
                .filter(|line| line.windows(11).any(|part| part == b"\"status\":20"))
                .count() as u64,
        }
    }
}

/// Signed labels, and what making them cost.
pub(crate) struct Signed {
    pub(crate) source: Arc<dyn Source>,
    /// Of one thread, for one event.
    pub(crate) each: Duration,
}

/// Signs the labels from number `from` on, one a request or `batch` a request.
pub(crate) fn events(from: u64, count: u64, batch: u64) -> Signed {
    let start = Instant::now();
    let requests = requests(from, count, batch);
    Signed {
        source: Arc::new(Prepared {
            requests,
            kind: if batch == 1 {
                Kind::Single
            } else {
                Kind::Lines
            },
        }),
        each: start.elapsed() * 2 / u32::try_from(count.max(1)).unwrap_or(u32::MAX),
    }
}

/// The requests of these labels, made by two threads.
pub(crate) fn requests(from: u64, count: u64, batch: u64) -> Vec<Vec<u8>> {
    let middle = from + count / 2 / batch * batch;
    let halves = [(from, middle), (middle, from + count)];
    thread::scope(|scope| {
        let threads = halves.map(|(from, end)| scope.spawn(move || part(from, end, batch)));
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("signing does not panic"))
            .collect()
    })
}

/// The requests of the labels from `from` to before `end`, made by this thread.
pub(crate) fn part(from: u64, end: u64, batch: u64) -> Vec<Vec<u8>> {
    let mill = LabelMill::new();
    let mut requests = Vec::new();
    let mut number = from;
    while number < end {
        if batch == 1 {
            requests.push(post("/v1/events", ASYNC_TEXT, &mill.entry(number)));
            number += 1;
            continue;
        }
        let mut body = String::new();
        for number in number..(number + batch).min(end) {
            let entry = String::from_utf8(mill.entry(number)).expect("notes are text");
            // Writing to a string does not fail.
            let _ = writeln!(body, "{}", serde_json::Value::String(entry));
        }
        requests.push(post("/v1/events:batch", ASYNC_LINES, body.as_bytes()));
        number += batch;
    }
    requests
}

/// Signed labels whose answers wait for the witnesses.
pub(crate) fn witnessed(from: u64, count: u64) -> Arc<dyn Source> {
    let mill = LabelMill::new();
    let request = |number| {
        post(
            "/v1/events",
            "Content-Type: text/plain\r\n",
            &mill.entry(number),
        )
    };
    Arc::new(Prepared {
        requests: (from..from + count).map(request).collect(),
        kind: Kind::Single,
    })
}

/// Entries that differ, each as long as one of our events, for a log that takes any bytes under `/add`.
pub(crate) fn blobs(from: u64, count: u64) -> Arc<dyn Source> {
    let length = LabelMill::new().entry(0).len();
    let blob = |number: u64| {
        let seed = LeafHash::of_entry(&number.to_be_bytes());
        let mut bytes: Vec<u8> = Vec::with_capacity(length + 31);
        let mut part = 0_u8;
        while bytes.len() < length {
            let seeded = [seed.as_bytes().as_slice(), &[part]].concat();
            bytes.extend_from_slice(LeafHash::of_entry(&seeded).as_bytes());
            part += 1;
        }
        bytes.truncate(length);
        post("/add", "", &bytes)
    };
    Arc::new(Prepared {
        requests: (from..from + count).map(blob).collect(),
        kind: Kind::Single,
    })
}

/// The status of random labels among the first `labels`.
pub(crate) struct Status {
    pub(crate) labels: u64,
}

impl Source for Status {
    fn request(&self, ticket: u64, out: &mut Vec<u8>) -> bool {
        let subject = LabelMill::subject(scattered(ticket) % self.labels);
        out.extend_from_slice(&get(&format!("/v1/status/label/{subject}")));
        true
    }
}

/// Some paths, asked for in a scattered order.
pub(crate) struct Paths {
    requests: Vec<Vec<u8>>,
}

impl Paths {
    pub(crate) fn one(path: &str) -> Self {
        Self {
            requests: vec![get(path)],
        }
    }

    /// Full tiles of hashes, or full bundles of entries, of a log of this size.
    pub(crate) fn tiles(kind: TileKind, size: u64) -> Self {
        let full = (size / 256).max(1);
        let path = |at| {
            let path = TilePath::new(kind, TileIndex::new(at), Width::FULL);
            get(&format!("/{}", path.expect("a tile of a log")))
        };
        Self {
            requests: (0..full.min(MOST_PATHS)).map(path).collect(),
        }
    }

    /// The same for a client that takes this encoding.
    pub(crate) fn accepting(mut self, encoding: &str) -> Self {
        let field = format!("Accept-Encoding: {encoding}\r\n\r\n");
        for request in &mut self.requests {
            request.truncate(request.len() - b"\r\n".len());
            request.extend_from_slice(field.as_bytes());
        }
        self
    }

    pub(crate) fn leaves(size: u64) -> Self {
        Self::tiles(TileKind::Hashes(TileLevel::LEAVES), size)
    }

    pub(crate) fn entries(size: u64) -> Self {
        Self::tiles(TileKind::Entries, size)
    }
}

impl Source for Paths {
    fn request(&self, ticket: u64, out: &mut Vec<u8>) -> bool {
        let at = scattered(ticket) % self.requests.len() as u64;
        let at = usize::try_from(at).expect("fewer paths than memory");
        out.extend_from_slice(&self.requests[at]);
        true
    }
}

/// Logs that each grow by an entry a request, at a witness that begins all of them at size 0.
pub(crate) struct GrowingLogs;

impl GrowingLogs {
    /// The keys of `logs` logs, whose origins are their names.
    pub(crate) fn vkeys(logs: u64) -> Vec<Vkey> {
        (0..logs).map(|log| log_key(log).vkey().clone()).collect()
    }

    /// `count` requests: every log in turn, round after round.
    pub(crate) fn requests(logs: u64, count: u64) -> Arc<dyn Source> {
        let rounds = count.div_ceil(logs);
        let leaf = |number: u64| LeafHash::of_entry(&number.to_be_bytes());
        let leaves: Vec<LeafHash> = (0..rounds).map(leaf).collect();
        let steps: Vec<(WholeTree, Vec<NodeHash>)> = (0..rounds)
            .map(|round| {
                let (old, new) = (TreeSize::new(round), TreeSize::new(round + 1));
                let held: Vec<LeafHash> = (0..=round).map(leaf).collect();
                let proof = prove_consistency(&Leaves(&leaves), old, new);
                (WholeTree::new(held), proof.expect("leaves are in memory"))
            })
            .collect();
        let request = |ticket: u64| {
            let (log, round) = (ticket % logs, ticket / logs);
            let key = log_key(log);
            let at = usize::try_from(round).expect("few rounds");
            let (tree, proof) = &steps[at];
            let checkpoint = Checkpoint::new(Origin::from(key.vkey().name()), tree.head());
            let signed = SignedCheckpoint::sign(&checkpoint, &key);
            let old = TreeSize::new(round);
            let body = AddCheckpoint::new(old, proof.clone(), signed.note().clone());
            let body = body.expect("the proof is short").to_bytes();
            post("/add-checkpoint", "", &body)
        };
        let halves = [(0, count / 2), (count / 2, count)];
        let requests = thread::scope(|scope| {
            let threads = halves.map(|(from, end)| {
                scope.spawn(move || (from..end).map(request).collect::<Vec<_>>())
            });
            threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("signing does not panic"))
                .collect()
        });
        Arc::new(Prepared {
            requests,
            kind: Kind::Single,
        })
    }
}

struct Leaves<'a>(&'a [LeafHash]);

impl ReadNodes for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn read_nodes(&self, ids: &[NodeId]) -> Result<Vec<NodeHash>, Self::Error> {
        let node = |id: &NodeId| {
            let width = 1_u64 << id.level();
            let from = usize::try_from(id.index() * width).expect("few leaves");
            let end = from + usize::try_from(width).expect("few leaves");
            let root = WholeTree::new(self.0[from..end].iter().copied()).root();
            NodeHash::from_bytes(*root.as_bytes())
        };
        Ok(ids.iter().map(node).collect())
    }
}

fn log_key(number: u64) -> SigningKey {
    let name = format!("log{number}.hammer.example/2026");
    let name = name.parse().expect("a key name");
    let seed = LeafHash::of_entry(&number.to_be_bytes());
    SigningKey::from_seed(name, KeyType::Note, *seed.as_bytes())
}

/// Spreads numbers that follow each other (the finisher of SplitMix64): the same order in every run.
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

const ASYNC_TEXT: &str = "Content-Type: text/plain\r\nPrefer: respond-async\r\n";
const ASYNC_LINES: &str = "Content-Type: application/jsonl\r\nPrefer: respond-async\r\n";
/// Enough that no cache of paths helps, few enough to be made at once.
const MOST_PATHS: u64 = 8_192;
