//! The limits that rows are read against, measured in the same run on one core.

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{LeafHash, NodeHash};

/// What one core does a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Leaf hashes of 700 bytes.
    pub(crate) leaf_hashes: f64,
    /// Hashes of two nodes.
    pub(crate) node_hashes: f64,
    /// Strict Ed25519 verifications.
    pub(crate) verifications: f64,
    /// Signatures.
    pub(crate) signatures: f64,
    /// Appends of 100 bytes, each on the disk before the next.
    pub(crate) durable_appends: f64,
}

impl Limits {
    /// Measures them, half a second each; files go to `dir`.
    pub(crate) fn measure(dir: &Path) -> io::Result<Self> {
        let entry = [7; 700];
        let (left, right) = (NodeHash::from_bytes([1; 32]), NodeHash::from_bytes([2; 32]));
        let (key, text) = signer();
        let mut file = file_in(dir)?;
        let mut failed = Ok(());
        let durable_appends = rate(1, || {
            let done = file.write_all(&[7; 100]).and_then(|()| file.sync_data());
            if let Err(error) = done {
                failed = Err(error);
            }
        });
        failed?;
        Ok(Self {
            leaf_hashes: rate(1_000, || {
                black_box(LeafHash::of_entry(black_box(&entry)));
            }),
            node_hashes: rate(1_000, || {
                black_box(NodeHash::of_children(black_box(&left), black_box(&right)));
            }),
            verifications: verifications(),
            signatures: rate(50, || {
                black_box(key.sign_note(black_box(&text)));
            }),
            durable_appends,
        })
    }
}

/// Strict Ed25519 verifications of one core a second, measured for half a second.
pub(crate) fn verifications() -> f64 {
    let (key, text) = signer();
    let line = key.sign_note(&text);
    rate(50, || {
        let checked = key.vkey().verify_line(black_box(&text), black_box(&line));
        black_box(checked.is_ok());
    })
}

fn signer() -> (SigningKey, String) {
    let name = "limits.example".parse().expect("a key name");
    let key = SigningKey::from_seed(name, KeyType::Note, [3; 32]);
    (key, "a text of some length that is signed\n".repeat(20))
}

fn file_in(dir: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("durable"))
}

/// Runs `work` for half a second, looking at the clock every `step` times.
pub(crate) fn rate(step: u32, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut count = 0_u64;
    while start.elapsed() < HALF_A_SECOND {
        for _ in 0..step {
            work();
        }
        count += u64::from(step);
    }
    count as f64 / start.elapsed().as_secs_f64()
}

const HALF_A_SECOND: Duration = Duration::from_millis(500);
