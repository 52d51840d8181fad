//! Several times what a log takes, a reader's probe beside it, and an account of every receipt.
//!
//! ```text
//! signed labels, round and round ──▶ log ─ 202 ─▶ receipts    the oldest are signed anew, as fast as the log takes them
//! /checkpoint, twenty a second ────▶ log ───────▶ sizes
//! afterwards: the leaf at each receipt's index is the receipt's, and a checkpoint held it within a minute
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use labelproof_core::merkle::LeafHash;
use labelproof_core::tile::{TileIndex, TileKind, TileLevel, TilePath, Width};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::client::{Client, get};
use crate::ground::{Ground, Target};
use crate::load::{self, Plan, Shed, Source, whole};
use crate::run::{self, Measured, measure};
use crate::sources;

/// Too much.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// How many times what the log takes.
    #[arg(long, default_value_t = 3.0)]
    times: f64,
    /// For how many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Number of the first label: the log must not have it yet.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

impl Options {
    pub(crate) fn run(&self, json: bool) -> io::Result<bool> {
        let (ground, runtime) = (self.target.open()?, run::runtime()?);
        let quick = sources::events(self.from, CAPACITY_EVENTS, 1);
        let plan = Plan {
            connections: 4_000,
            rate: None,
            time: Duration::from_secs(10),
            shed: Shed::Count,
        };
        let capacity = measure(&runtime, &ground, plan, quick.source);
        capacity.print("capacity", json);
        let flood = Flood {
            rate: capacity.outcome.rate() * self.times,
            taken: capacity.outcome.rate(),
            from: self.from + CAPACITY_EVENTS,
            time: Duration::from_secs(self.seconds),
        };
        let found = flood.run(&runtime, &ground)?;
        let good = found.events.print("overload", json);
        let calm = found.probe.print("reader's probe", json);
        found.kept.print(json);
        let quick = found.probe.outcome.percentile_ms(99.0) <= PROBE_LIMIT_MS;
        Ok(good && calm && quick && found.kept.is_whole())
    }
}

/// More events than a log takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flood {
    /// Events sent a second.
    pub(crate) rate: f64,
    /// Of which the log takes about so many.
    pub(crate) taken: f64,
    /// Number of the first label.
    pub(crate) from: u64,
    pub(crate) time: Duration,
}

/// What came of it.
pub(crate) struct Found {
    pub(crate) events: Measured,
    pub(crate) probe: Measured,
    pub(crate) kept: Kept,
}

impl Flood {
    /// Sends the events, and asks for the checkpoint twenty times a second meanwhile; then looks after the receipts.
    pub(crate) fn run(self, runtime: &Runtime, ground: &Ground) -> io::Result<Found> {
        let wanted = whole(self.rate * self.time.as_secs_f64());
        let rounds = Arc::new(Rounds::sign(self.from, wanted));
        let sizes = Arc::new(Sizes::default());
        let plan = |connections, rate, time| Plan {
            connections,
            rate: Some(rate),
            time,
            shed: Shed::Count,
        };
        let (address, probed) = (ground.address, Arc::clone(&sizes));
        // The last events are answered after their time.
        let probe = plan(4, PROBES, self.time + PROMISED);
        let reader = thread::spawn(move || {
            Ok::<_, io::Error>(load::run(&run::runtime()?, address, probe, probed))
        });
        let end = Instant::now() + self.time;
        let events = thread::scope(|scope| {
            scope.spawn(|| rounds.renew(self.taken, end));
            let plan = plan(CONNECTIONS, self.rate, self.time);
            let flood = UntilThen(Arc::clone(&rounds), end);
            measure(runtime, ground, plan, Arc::new(flood))
        });
        sizes.done.store(true, Ordering::Relaxed);
        let outcome = reader
            .join()
            .map_err(|_| io::Error::other("the probe panicked"))??;
        let receipts = std::mem::take(&mut *lock(&rounds.receipts));
        let unreadable = rounds.unreadable.load(Ordering::Relaxed);
        let kept = runtime.block_on(Kept::of(receipts, unreadable, &sizes, ground))?;
        Ok(Found {
            events,
            probe: Measured {
                outcome,
                cpu_us: f64::NAN,
                usage: None,
            },
            kept,
        })
    }
}

/// Signed labels that go round; what was shed comes again, what is known already is answered as such.
struct Rounds {
    parts: Vec<RwLock<Vec<Vec<u8>>>>,
    next: AtomicU64,
    receipts: Mutex<Vec<Receipt>>,
    unreadable: AtomicU64,
}

impl Rounds {
    fn sign(from: u64, wanted: u64) -> Self {
        let parts = wanted.div_ceil(PART).clamp(1, MOST_PARTS);
        let signed = sources::requests(from, parts * PART, 1);
        let part = usize::try_from(PART).expect("a part is small");
        Self {
            parts: signed
                .chunks(part)
                .map(|part| RwLock::new(part.to_vec()))
                .collect(),
            next: AtomicU64::new(from + parts * PART),
            receipts: Mutex::default(),
            unreadable: AtomicU64::new(0),
        }
    }

    /// Replaces the oldest part again and again, so many events a second.
    fn renew(&self, pace: f64, end: Instant) {
        let start = Instant::now();
        let mut signed = 0.0;
        for part in self.parts.iter().cycle() {
            while start.elapsed().as_secs_f64() * pace < signed {
                if Instant::now() >= end {
                    return;
                }
                thread::sleep(BETWEEN_LOOKS);
            }
            let from = self.next.fetch_add(PART, Ordering::Relaxed);
            let fresh = sources::part(from, from + PART, 1);
            *part.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            signed += PART as f64;
        }
    }
}

impl Source for Rounds {
    fn request(&self, ticket: u64, out: &mut Vec<u8>) -> bool {
        let at = |number| usize::try_from(number).expect("few parts, each small");
        let part = at(ticket / PART % self.parts.len() as u64);
        let part = self.parts[part]
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        out.extend_from_slice(&part[at(ticket % PART)]);
        true
    }

    /// Counts new events alone.
    fn count(&self, status: u16, body: &[u8]) -> u64 {
        if status != 202 {
            return 0;
        }
        match Receipt::read(body) {
            Some(receipt) => lock(&self.receipts).push(receipt),
            None => {
                self.unreadable.fetch_add(1, Ordering::Relaxed);
            }
        }
        1
    }
}

/// Sends nothing after its time, also what was due before: else a slow log would be flooded for longer.
struct UntilThen(Arc<Rounds>, Instant);

impl Source for UntilThen {
    fn request(&self, ticket: u64, out: &mut Vec<u8>) -> bool {
        Instant::now() < self.1 && self.0.request(ticket, out)
    }

    fn count(&self, status: u16, body: &[u8]) -> u64 {
        self.0.count(status, body)
    }
}

/// What the log acknowledged, and when.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    index: u64,
    leaf: LeafHash,
    at: Instant,
}

impl Receipt {
    fn read(body: &[u8]) -> Option<Self> {
        let place: Value = serde_json::from_slice(body).ok()?;
        Some(Self {
            index: place["index"].as_u64()?,
            leaf: place["leaf"].as_str()?.parse().ok()?,
            at: Instant::now(),
        })
    }
}

/// The sizes under which the log was seen witnessed, in order of time.
#[derive(Default)]
struct Sizes {
    seen: Mutex<Vec<(Instant, u64)>>,
    /// Nothing more is asked for.
    done: AtomicBool,
}

impl Sizes {
    /// Notes the size in a checkpoint (c2sp.org/tlog-checkpoint, its second line); answers the largest so far.
    fn note(&self, checkpoint: &[u8]) -> u64 {
        let line = checkpoint.split(|byte| *byte == b'\n').nth(1);
        let size = line.and_then(|line| str::from_utf8(line).ok()?.parse().ok());
        let mut seen = lock(&self.seen);
        let largest = seen.last().map_or(0, |(_, size)| *size);
        match size {
            Some(size) if size > largest => {
                seen.push((Instant::now(), size));
                size
            }
            _ => largest,
        }
    }

    /// When an index was first seen below a size.
    fn when(&self, index: u64) -> Option<Instant> {
        let seen = lock(&self.seen);
        let at = seen.partition_point(|(_, size)| *size <= index);
        seen.get(at).map(|(when, _)| *when)
    }
}

impl Source for Sizes {
    fn request(&self, _ticket: u64, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&get("/checkpoint"));
        !self.done.load(Ordering::Relaxed)
    }

    fn count(&self, status: u16, body: &[u8]) -> u64 {
        if status == 200 {
            self.note(body);
        }
        1
    }
}

/// What became of the receipts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) receipts: u64,
    /// The log has another entry at the index, or none, or the receipt could not be read.
    pub(crate) lost: u64,
    /// Not under a witnessed checkpoint within a minute.
    pub(crate) late: u64,
    /// From the receipt to the first checkpoint seen to hold it, in milliseconds; 0 if that was seen first.
    pub(crate) p99_ms: f64,
    pub(crate) most_ms: f64,
}

impl Kept {
    async fn of(
        receipts: Vec<Receipt>,
        unreadable: u64,
        sizes: &Sizes,
        ground: &Ground,
    ) -> io::Result<Self> {
        let mut client = Client::new(ground.address);
        let last = receipts.iter().map(|receipt| receipt.index).max();
        let end = Instant::now() + PROMISED;
        let size = loop {
            let answer = client.ask(&get("/checkpoint")).await?;
            let size = sizes.note(answer.body);
            if last.is_none_or(|last| last < size) || Instant::now() > end {
                break size;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        };
        let mut kept = Self {
            receipts: receipts.len() as u64 + unreadable,
            lost: unreadable,
            ..Self::default()
        };
        let mut waits = Vec::with_capacity(receipts.len());
        for receipt in &receipts {
            let wait = sizes.when(receipt.index);
            let wait = wait.map(|when| when.saturating_duration_since(receipt.at));
            kept.late += u64::from(wait.is_none_or(|wait| wait > PROMISED));
            waits.extend(wait);
        }
        waits.sort_unstable();
        let millis =
            |wait: Option<&Duration>| wait.map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3);
        kept.p99_ms = millis(waits.get(waits.len() * 99 / 100));
        kept.most_ms = millis(waits.last());
        let mut tiles: BTreeMap<u64, Vec<Receipt>> = BTreeMap::new();
        for receipt in receipts {
            tiles.entry(receipt.index / 256).or_default().push(receipt);
        }
        for (tile, receipts) in tiles {
            let leaves = leaves(&mut client, tile, size).await?;
            let stands = |receipt: &&Receipt| {
                let at = usize::try_from(receipt.index % 256).expect("below 256");
                leaves.chunks(32).nth(at) == Some(receipt.leaf.as_bytes().as_slice())
            };
            kept.lost += (receipts.len() - receipts.iter().filter(stands).count()) as u64;
        }
        Ok(kept)
    }

    /// Whether nothing that was acknowledged is lost or late.
    pub(crate) fn is_whole(&self) -> bool {
        self.receipts > 0 && self.lost == 0 && self.late == 0
    }

    fn print(&self, in_json: bool) {
        if in_json {
            let line = json!({
                "what": "receipts", "items": self.receipts, "lost": self.lost, "late": self.late,
                "p99_ms": self.p99_ms, "max_ms": self.most_ms,
            });
            println!("{line}");
        } else {
            println!("{:<24} {self}", "receipts");
        }
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} given, {} lost, {} late · witnessed after p99 {:.0} ms, at most {:.0} ms",
            self.receipts, self.lost, self.late, self.p99_ms, self.most_ms
        )
    }
}

/// The leaf hashes of a tile of a log of this size; none if it has no such tile.
async fn leaves(client: &mut Client, tile: u64, size: u64) -> io::Result<Vec<u8>> {
    let width = match size.saturating_sub(tile * 256).min(256) {
        0 => return Ok(Vec::new()),
        width => Width::new(u16::try_from(width).expect("at most 256")),
    };
    let kind = TileKind::Hashes(TileLevel::LEAVES);
    let path = width.and_then(|width| TilePath::new(kind, TileIndex::new(tile), width));
    let path = path.ok_or_else(|| io::Error::other("an index beyond any log"))?;
    let answer = client.ask(&get(&format!("/{path}"))).await?;
    match answer.status {
        200 => Ok(answer.body.to_vec()),
        status => Err(io::Error::other(format!("/{path} was answered {status}"))),
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

const CAPACITY_EVENTS: u64 = 150_000;
/// Events that are signed at a time.
const PART: u64 = 20_000;
/// A gigabyte of requests.
const MOST_PARTS: u64 = 25;
/// Below what the log grants to strangers, and above what its pool holds.
const CONNECTIONS: usize = 12_000;
/// Probes a second.
const PROBES: f64 = 20.0;
/// A reader must not notice that writers are turned away.
const PROBE_LIMIT_MS: f64 = 250.0;
/// What a receipt promises (docs/spec/state.md).
const PROMISED: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use labelproof_tests::file_server::FileServer;

    use super::*;
    use crate::ground::address_of;

    #[test]
    fn an_index_is_seen_with_the_first_size_above_it() {
        let sizes = Sizes::default();
        assert_eq!(sizes.note(b"origin\n3\nroot\n"), 3);
        assert_eq!(sizes.note(b"origin\n2\nroot\n"), 3);
        assert_eq!(sizes.note(b"nonsense"), 3);
        let first = sizes.when(2).unwrap();
        assert_eq!(sizes.note(b"origin\n9\nroot\n"), 9);
        assert_eq!(sizes.when(0), Some(first));
        assert!(sizes.when(3).unwrap() >= first);
        assert_eq!(sizes.when(9), None);
    }

    #[test]
    fn new_events_alone_are_counted_and_an_unreadable_receipt_is_lost() {
        let rounds = Rounds::sign(0, 1);
        let leaf = LeafHash::of_entry(b"entry");
        let body = json!({"index": 7, "event": "00", "leaf": leaf.to_string(), "receipt": "r"});
        let body = body.to_string();
        assert_eq!(rounds.count(200, body.as_bytes()), 0);
        assert_eq!(rounds.count(202, body.as_bytes()), 1);
        assert_eq!(rounds.count(202, b"{}"), 1);
        let receipts = lock(&rounds.receipts);
        assert_eq!((receipts[0].index, receipts[0].leaf), (7, leaf));
        assert_eq!(
            (receipts.len(), rounds.unreadable.load(Ordering::Relaxed)),
            (1, 1)
        );
    }

    #[test]
    fn receipts_that_the_log_does_not_keep_are_lost_and_old_ones_late() {
        let folder = tempfile::tempdir().unwrap();
        let tile = folder.path().join("tile/0");
        std::fs::create_dir_all(tile.join("000.p")).unwrap();
        std::fs::write(folder.path().join("checkpoint"), "origin\n3\nroot\n").unwrap();
        let leaf = |number: u8| LeafHash::of_entry(&[number]);
        let leaves = [0, 1, 2].map(|number| *leaf(number).as_bytes());
        std::fs::write(tile.join("000.p/3"), leaves.concat()).unwrap();
        let server = FileServer::start(folder.path()).unwrap();
        let ground = Ground::of(address_of(server.url()).unwrap(), None);
        let kept = |receipts: &[(u64, LeafHash)], age, unreadable| {
            let at = Instant::now().checked_sub(age).unwrap();
            let receipt = |(index, leaf): &(u64, LeafHash)| Receipt {
                index: *index,
                leaf: *leaf,
                at,
            };
            let receipts = receipts.iter().map(receipt).collect();
            let sizes = Sizes::default();
            let kept = Kept::of(receipts, unreadable, &sizes, &ground);
            let kept = run::runtime().unwrap().block_on(kept).unwrap();
            ((kept.receipts, kept.lost, kept.late), kept.is_whole())
        };
        let (all, now) = ([(0, leaf(0)), (2, leaf(2))], Duration::ZERO);
        assert_eq!(kept(&all, now, 0), ((2, 0, 0), true));
        assert_eq!(kept(&all, now, 1), ((3, 1, 0), false));
        assert_eq!(kept(&all, PROMISED * 2, 0), ((2, 0, 2), false));
        let moved = [(1, leaf(1)), (0, leaf(2)), (2, leaf(0))];
        assert_eq!(kept(&moved, now, 0), ((3, 2, 0), false));
        assert_eq!(kept(&[], now, 0), ((0, 0, 0), false));
    }
}
