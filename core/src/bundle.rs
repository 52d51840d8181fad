//! Bundles (`.labelproof`): everything a reader without a network needs, under one head.
//!
//! ```text
//! labelproof-bundle/v1
//! entry <index> <base64 of the entry's bytes>              indices strictly increasing; the last is the state head
//! path <base64>                                            RFC 6962 siblings of the entry above, leaf to root
//! record <type> <field> … <base64 record>                  what stands under this key
//! absent <type> <field> … <base64 of the other leaf, or ->  nothing stands under this key; - if the map is empty
//! sib <base64 of v(bit) ‖ hash>                            map siblings of the line above, leaf to root
//! chunk <number> <base64, or -><LF>path …                  a list chunk, - if all its codes are 0, and its path
//!
//! c2sp.org/tlog-proof@v1 …                                 of the state head, to the end
//! ```
//! Sections come in this order. A *pack* has one pruned tree before its records instead of `sib` lines
//! (`pack`). An entry without path is covered by the chain or root of a record, the head by the proof at the
//! end. Here is the form alone: whether it proves anything, and that every line is needed, belongs to `status`.

mod error;
mod pack;
mod parse;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use crate::entry_bundle::MAX_ENTRY_BYTES;
use crate::merkle::{LeafHash, LeafIndex, MAX_INCLUSION_HASHES, NodeHash};
use crate::state::key::MapName;
use crate::state::list::Chunk;
use crate::state::map::MapRoot;
use crate::state::map::proof::{
    MapProofError, OtherLeaf, Sibling, verify_absence, verify_inclusion,
};
use crate::state::record::Record;
use crate::text::{Rest, put_base64, to_base64};
use crate::tlog_proof::TlogProof;

pub use error::BundleError;
pub use pack::Pack;

/// A bundle in its one form; nothing in it is believed yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bundle {
    entries: Vec<BundleEntry>,
    answers: Answers,
    chunks: Vec<BundleChunk>,
    proof: TlogProof,
}

/// An entry of the log; a path if no record vouches for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleEntry {
    index: LeafIndex,
    bytes: Vec<u8>,
    path: Vec<NodeHash>,
}

/// What the map says of each key asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Answers {
    /// Each with siblings of its own.
    Each(Vec<Answer>),
    /// All under one pruned tree.
    Pack(Pack),
}

/// What the map says of one key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// A record stands under it.
    Present {
        /// The key's name.
        name: MapName,
        /// What stands there.
        record: Record,
        /// Its path.
        siblings: Vec<Sibling>,
    },
    /// Nothing stands under it.
    Absent {
        /// The key's name.
        name: MapName,
        /// The leaf at which the walk for it ends; `None` if the map is empty.
        other: Option<OtherLeaf>,
        /// The path of that leaf.
        siblings: Vec<Sibling>,
    },
}

/// A chunk of the status list with its path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleChunk {
    /// Its number.
    pub number: u64,
    /// Its bytes.
    pub chunk: Chunk,
    /// RFC 6962 siblings among the chunks, leaf to root.
    pub path: Vec<NodeHash>,
}

impl Bundle {
    /// Puts a bundle together.
    ///
    /// # Errors
    /// [`BundleError`] for the first rule of the form that the parts break.
    pub fn new(
        entries: Vec<BundleEntry>,
        answers: Answers,
        chunks: Vec<BundleChunk>,
        proof: TlogProof,
    ) -> Result<Self, BundleError> {
        let bundle = Self::assemble(entries, answers, chunks, proof)?;
        bundle.check_lines(bundle.count_lines())?;
        Ok(bundle)
    }

    /// The same, whatever the number of its lines.
    fn assemble(
        entries: Vec<BundleEntry>,
        answers: Answers,
        chunks: Vec<BundleChunk>,
        proof: TlogProof,
    ) -> Result<Self, BundleError> {
        if let Some(pair) = entries
            .windows(2)
            .find(|pair| pair[0].index >= pair[1].index)
        {
            return Err(BundleError::EntryOrder {
                index: pair[1].index,
            });
        }
        // The proof at the end is the last entry's: no path, and no extra line that nothing would use.
        let head = entries.last().ok_or(BundleError::NoHead)?;
        if head.index != proof.index() || !head.path.is_empty() || proof.extra().is_some() {
            return Err(BundleError::NoHead);
        }
        answers.check()?;
        if let Some(pair) = chunks
            .windows(2)
            .find(|pair| pair[0].number >= pair[1].number)
        {
            return Err(BundleError::ChunkOrder {
                number: pair[1].number,
            });
        }
        if let Some(wrong) = chunks
            .iter()
            .find(|chunk| chunk.path.len() > MAX_INCLUSION_HASHES)
        {
            return Err(BundleError::LongPath {
                got: wrong.path.len(),
            });
        }
        Ok(Self {
            entries,
            answers,
            chunks,
            proof,
        })
    }

    fn check_lines(&self, got: usize) -> Result<(), BundleError> {
        check_lines(got, self.answers.max_lines())
    }

    fn count_lines(&self) -> usize {
        let mut count = Lines(0);
        write!(count, "{self}").expect("counting does not fail");
        count.0
    }

    /// Whether it is written as these bytes; it is not written out for that.
    fn is_written_as(&self, file: &[u8]) -> bool {
        let mut rest = Rest::of(file);
        write!(rest, "{self}").is_ok() && rest.is_empty()
    }

    /// All entries in order of the log; the last is the state head.
    #[must_use]
    pub fn entries(&self) -> &[BundleEntry] {
        &self.entries
    }

    /// The state head's entry.
    #[must_use]
    pub fn head_entry(&self) -> &BundleEntry {
        self.entries.last().expect("a bundle has a head")
    }

    /// What the map says.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Chunks of the status list, in order.
    #[must_use]
    pub fn chunks(&self) -> &[BundleChunk] {
        &self.chunks
    }

    /// The proof that the state head is in the log, with the checkpoint.
    #[must_use]
    pub fn proof(&self) -> &TlogProof {
        &self.proof
    }

    /// The bundle as it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl BundleEntry {
    /// Puts an entry and its path together; an empty path if a record or the head's proof covers it.
    ///
    /// # Errors
    /// [`BundleError::LongEntry`], [`BundleError::LongPath`].
    pub fn new(index: LeafIndex, bytes: Vec<u8>, path: Vec<NodeHash>) -> Result<Self, BundleError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(BundleError::LongEntry { got: bytes.len() });
        }
        if path.len() > MAX_INCLUSION_HASHES {
            return Err(BundleError::LongPath { got: path.len() });
        }
        Ok(Self { index, bytes, path })
    }

    /// Where it stands in the log.
    #[must_use]
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// The entry's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its hash in the log's tree.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        LeafHash::of_entry(&self.bytes)
    }

    /// Its siblings, leaf to root; empty if a record or the head's proof covers it.
    #[must_use]
    pub fn path(&self) -> &[NodeHash] {
        &self.path
    }
}

impl Answers {
    /// Checks every answer against a map's root.
    ///
    /// # Errors
    /// [`BundleError::Map`] or [`BundleError::Pruned`] for the first that does not hold.
    pub fn verify(&self, root: &MapRoot) -> Result<(), BundleError> {
        match self {
            Self::Each(answers) => {
                for answer in answers {
                    answer.verify(root)?;
                }
                Ok(())
            }
            Self::Pack(pack) => Ok(pack.verify(root)?),
        }
    }

    /// Whether many answers share one tree.
    #[must_use]
    pub const fn is_pack(&self) -> bool {
        matches!(self, Self::Pack(_))
    }

    const fn max_lines(&self) -> usize {
        match self {
            Self::Each(_) => MAX_BUNDLE_LINES,
            Self::Pack(_) => MAX_PACK_LINES,
        }
    }

    /// Every name with its record, or `None` where it is absent.
    pub fn iter(&self) -> impl Iterator<Item = (&MapName, Option<&Record>)> {
        let (each, pack) = match self {
            Self::Each(answers) => (Some(answers), None),
            Self::Pack(pack) => (None, Some(pack)),
        };
        each.into_iter()
            .flatten()
            .map(|answer| match answer {
                Answer::Present { name, record, .. } => (name, Some(record)),
                Answer::Absent { name, .. } => (name, None),
            })
            .chain(pack.into_iter().flat_map(Pack::iter))
    }

    fn check(&self) -> Result<(), BundleError> {
        let mut names = BTreeSet::new();
        for (name, record) in self.iter() {
            // The keys of a pack ascend, so none of them is there twice.
            if !self.is_pack() && !names.insert(name) {
                return Err(BundleError::TwiceAsked { name: name.clone() });
            }
            let fits =
                |record: &Record| matches!(record, Record::State(_)) == name.kind().has_state();
            if !record.is_none_or(fits) {
                return Err(BundleError::OtherRecord { name: name.clone() });
            }
        }
        let Self::Each(answers) = self else {
            return Ok(());
        };
        match answers
            .iter()
            .find(|answer| answer.siblings().len() > MAX_MAP_SIBLINGS)
        {
            Some(answer) => Err(BundleError::LongPath {
                got: answer.siblings().len(),
            }),
            None => Ok(()),
        }
    }
}

impl Answer {
    fn siblings(&self) -> &[Sibling] {
        match self {
            Self::Present { siblings, .. } | Self::Absent { siblings, .. } => siblings,
        }
    }

    fn verify(&self, root: &MapRoot) -> Result<(), MapProofError> {
        match self {
            Self::Present {
                name,
                record,
                siblings,
            } => verify_inclusion(root, &name.key(), &record.to_bytes(), siblings),
            Self::Absent {
                name,
                other,
                siblings,
            } => verify_absence(root, &name.key(), other.as_ref(), siblings),
        }
    }
}

/// The bundle as it is stored.
impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        for entry in &self.entries {
            let mut line = String::new();
            write_entry_line(&mut line, entry.index, &entry.bytes);
            f.write_str(&line)?;
            write_path(f, &entry.path)?;
        }
        match &self.answers {
            Answers::Each(answers) => answers.iter().try_for_each(|answer| answer.fmt(f))?,
            Answers::Pack(pack) => pack.fmt(f)?,
        }
        for chunk in &self.chunks {
            if chunk.chunk.is_zero() {
                writeln!(f, "chunk {} {NOTHING}", chunk.number)?;
            } else {
                let bytes = to_base64(chunk.chunk.as_bytes());
                writeln!(f, "chunk {} {bytes}", chunk.number)?;
            }
            write_path(f, &chunk.path)?;
        }
        write!(f, "\n{}", self.proof)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { name, record, .. } => {
                writeln!(f, "record {name} {}", to_base64(&record.to_bytes()))?;
            }
            Self::Absent { name, other, .. } => match other {
                Some(other) => writeln!(f, "absent {name} {}", to_base64(&other.to_bytes()))?,
                None => writeln!(f, "absent {name} {NOTHING}")?,
            },
        }
        self.siblings()
            .iter()
            .try_for_each(|sibling| writeln!(f, "sib {}", to_base64(&sibling.to_bytes())))
    }
}

/// Adds the line of an entry, with its end.
pub(crate) fn write_entry_line(out: &mut String, index: LeafIndex, bytes: &[u8]) {
    write!(out, "entry {index} ").expect("a string takes what is written");
    put_base64(out, bytes);
    out.push('\n');
}

/// Checks that a bundle is not longer than its readers take.
///
/// # Errors
/// [`BundleError::TooManyLines`].
pub(crate) fn check_lines(got: usize, limit: usize) -> Result<(), BundleError> {
    if got <= limit {
        Ok(())
    } else {
        Err(BundleError::TooManyLines { got, limit })
    }
}

/// Counts the lines that are written.
struct Lines(usize);

impl fmt::Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.bytes().filter(|byte| *byte == b'\n').count();
        Ok(())
    }
}

fn write_path(f: &mut fmt::Formatter<'_>, path: &[NodeHash]) -> fmt::Result {
    path.iter().try_for_each(|hash| writeln!(f, "path {hash}"))
}

/// The most lines of a bundle that is read at once (bundle.md).
pub const MAX_BUNDLE_LINES: usize = 65_536;

/// The most lines of a pack: 100,000 subjects with a label each in a map of 10^8 take about five million.
pub const MAX_PACK_LINES: usize = 1 << 24;

/// A key has 256 bits, each parts a path at most once.
const MAX_MAP_SIBLINGS: usize = 256;

pub(crate) const FIRST_LINE: &str = "labelproof-bundle/v1";
const NOTHING: &str = "-";

#[cfg(test)]
mod tests;
