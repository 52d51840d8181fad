//! The independent checker: reads a log's files and recomputes all of it, with no code of the log.
//!
//! ```text
//! DIR/head · DIR/tile/entries/… · DIR/tile/<level>/…     as docs of the store say
//! ```
//! I1 every root ever signed is that of the entries' beginning; I2 what was acknowledged is there;
//! I3 every tile that the newest head implies is there and right; I4 one root a size.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use labelproof_host::fs::{Fs, SimulatedFs};
use sha2::{Digest as _, Sha256};

use crate::ledger::Ledger;

type Hash = [u8; 32];

/// What is wrong, for a person.
pub(crate) type Wrong = String;

/// Checks a log's directory against what was signed and acknowledged; gives its size.
pub(crate) fn check_log(
    fs: &SimulatedFs,
    dir: &Path,
    ledger: &Ledger,
    acknowledged: &BTreeMap<u64, Vec<u8>>,
) -> Result<u64, Wrong> {
    if let Some(size) = ledger.fork() {
        return Err(format!("I4: two roots were signed for size {size}"));
    }
    let store = Store { fs, dir };
    let size = store.size()?;
    let entries = store.entries(size)?;
    let signed = ledger.roots();
    if let Some((largest, _)) = signed
        .last_key_value()
        .filter(|(largest, _)| **largest > size)
    {
        return Err(format!(
            "I1: size {largest} was signed, the log now has {size}"
        ));
    }
    let leaves: Vec<Hash> = entries.iter().map(|entry| hash(&[&[0], entry])).collect();
    for (at, root) in (0..).zip(roots(&leaves)) {
        if signed
            .get(&at)
            .is_some_and(|signed| *signed.as_bytes() != root)
        {
            return Err(format!(
                "I1: the root signed for size {at} is not that of the entries"
            ));
        }
    }
    for (index, entry) in acknowledged {
        let at = usize::try_from(*index).map_err(|_| "an index beyond memory")?;
        if entries.get(at) != Some(entry) {
            return Err(format!(
                "I2: entry {index} was acknowledged and is not there"
            ));
        }
    }
    store.check_tiles(leaves)?;
    Ok(size)
}

struct Store<'a> {
    fs: &'a SimulatedFs,
    dir: &'a Path,
}

impl Store<'_> {
    fn size(&self) -> Result<u64, Wrong> {
        let bytes = self.read(Path::new("head"))?;
        let text = String::from_utf8(bytes).map_err(said("head"))?;
        let line = text.lines().nth(2).ok_or("head: no third line")?;
        line.parse().map_err(said("head"))
    }

    fn entries(&self, size: u64) -> Result<Vec<Vec<u8>>, Wrong> {
        let mut entries = Vec::new();
        for bundle in 0..size.div_ceil(WIDTH) {
            let path = object("entries", bundle);
            let bytes = self.read(&path)?;
            let mut rest = bytes.as_slice();
            for _ in 0..WIDTH.min(size - bundle * WIDTH) {
                let (length, after) = rest.split_first_chunk::<2>().ok_or_else(|| short(&path))?;
                let length = usize::from(u16::from_be_bytes(*length));
                let (entry, after) = after.split_at_checked(length).ok_or_else(|| short(&path))?;
                entries.push(entry.to_vec());
                rest = after;
            }
        }
        Ok(entries)
    }

    fn check_tiles(&self, leaves: Vec<Hash>) -> Result<(), Wrong> {
        let width = usize::try_from(WIDTH).map_err(said("width"))?;
        let mut hashes = leaves;
        for level in 0_u8.. {
            if hashes.is_empty() {
                break;
            }
            for (tile, part) in (0..).zip(hashes.chunks(width)) {
                let path = object(&level.to_string(), tile);
                let bytes = self.read(&path)?;
                if !bytes.starts_with(&part.concat()) {
                    return Err(format!(
                        "I3: {} is not what the entries give",
                        path.display()
                    ));
                }
            }
            let full = hashes.chunks_exact(width);
            hashes = full
                .map(|part| *roots(part).last().expect("a root for each size"))
                .collect();
        }
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Wrong> {
        self.fs.read(&self.dir.join(path)).map_err(said("I3"))
    }
}

/// The roots of the trees of the first 0, 1, 2 … leaves (RFC 6962, section 2.1), one by one.
fn roots(leaves: &[Hash]) -> Vec<Hash> {
    let mut roots = vec![hash(&[])];
    // Perfect subtrees from left to right: how many leaves, which hash.
    let mut perfect: Vec<(u64, Hash)> = Vec::new();
    for leaf in leaves {
        let mut new = (1, *leaf);
        while let Some(last) = perfect.pop_if(|last| last.0 == new.0) {
            new = (2 * new.0, hash(&[&[1], &last.1, &new.1]));
        }
        perfect.push(new);
        let right_to_left = perfect.iter().rev().map(|(_, hash)| *hash);
        let root = right_to_left.reduce(|right, left| hash(&[&[1], &left, &right]));
        roots.push(root.expect("there is a leaf"));
    }
    roots
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// `tile/0/x001/067`: three digits a folder, all but the last with an x.
fn object(kind: &str, index: u64) -> PathBuf {
    let mut name = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    PathBuf::from(format!("tile/{kind}/{name}"))
}

fn said<E: Display>(what: &'static str) -> impl Fn(E) -> Wrong {
    move |error| format!("{what}: {error}")
}

fn short(path: &Path) -> Wrong {
    format!("I3: {} ends early", path.display())
}

const WIDTH: u64 = 256;

#[test]
fn checker_finds_each_kind_of_damage() {
    use labelproof_core::checkpoint::Checkpoint;
    use labelproof_core::merkle::{RootHash, TreeHead, TreeSize};
    use labelproof_log::sequencer::Sign as _;

    let entries: Vec<Vec<u8>> = (0..300_u32).map(|n| n.to_string().into_bytes()).collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| hash(&[&[0], entry])).collect();
    let roots = roots(&leaves);
    let build = || {
        let fs = SimulatedFs::new(0);
        let put = |path: PathBuf, bytes: &[u8]| {
            fs.create_dir_all(path.parent().unwrap()).unwrap();
            fs.write(&path, bytes).unwrap();
        };
        put(PathBuf::from("head"), b"tag\norigin\n300\n");
        for (tile, part) in (0..).zip(leaves.chunks(256)) {
            put(object("0", tile), &part.concat());
        }
        put(object("1", 0), &roots[256]);
        for (bundle, part) in (0..).zip(entries.chunks(256)) {
            let framed = part.iter().flat_map(|entry| {
                let length = u16::try_from(entry.len()).unwrap();
                [length.to_be_bytes().as_slice(), entry].concat()
            });
            put(object("entries", bundle), &framed.collect::<Vec<u8>>());
        }
        fs
    };
    let ledger = Ledger::new();
    let sign = |ledger: &Ledger, size: u64, root: Hash| {
        let head = TreeHead::new(TreeSize::new(size), RootHash::from_bytes(root));
        ledger.sign(&Checkpoint::new(crate::ledger::origin(), head));
    };
    sign(&ledger, 257, roots[257]);
    sign(&ledger, 300, roots[300]);
    let acknowledged = BTreeMap::from([(299, entries[299].clone())]);
    let check = |fs: &SimulatedFs, ledger: &Ledger, acknowledged: &BTreeMap<u64, Vec<u8>>| {
        check_log(fs, Path::new("/"), ledger, acknowledged).unwrap_or_default()
    };
    assert_eq!(check(&build(), &ledger, &acknowledged), 300);

    let damaged = [
        "tile/0/000",
        "tile/0/001",
        "tile/1/000",
        "tile/entries/000",
        "tile/entries/001",
    ];
    for path in damaged {
        let fs = build();
        fs.flip_bit(Path::new(path), 77).unwrap();
        assert_eq!(check(&fs, &ledger, &acknowledged), 0, "{path} flipped");
        let fs = build();
        fs.set_len(Path::new(path), 5).unwrap();
        assert_eq!(check(&fs, &ledger, &acknowledged), 0, "{path} cut");
        let fs = build();
        fs.remove(Path::new(path)).unwrap();
        assert_eq!(check(&fs, &ledger, &acknowledged), 0, "{path} removed");
    }
    let lost = BTreeMap::from([(299, entries[298].clone())]);
    assert_eq!(
        check(&build(), &ledger, &lost),
        0,
        "another entry acknowledged"
    );
    let beyond = BTreeMap::from([(300, entries[0].clone())]);
    assert_eq!(
        check(&build(), &ledger, &beyond),
        0,
        "acknowledged beyond the end"
    );
    let fs = build();
    fs.write(Path::new("head"), b"tag\norigin\n299\n").unwrap();
    assert_eq!(
        check(&fs, &ledger, &BTreeMap::new()),
        0,
        "signed beyond the end"
    );
    sign(&ledger, 257, roots[256]);
    assert_eq!(
        check(&build(), &ledger, &acknowledged),
        0,
        "two roots signed"
    );
    let ledger = Ledger::new();
    sign(&ledger, 257, roots[256]);
    assert_eq!(
        check(&build(), &ledger, &acknowledged),
        0,
        "a wrong root signed"
    );
}
