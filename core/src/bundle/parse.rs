//! Reads a bundle, line by line, section by section; whatever has no place is refused.
//!
//! Entries and a pack's records are most of a long file: they are found by their first word and read in parts.

use std::str::FromStr;

use super::pack::Pack;
use super::{
    Answer, Answers, Bundle, BundleChunk, BundleEntry, BundleError, FIRST_LINE, MAX_BUNDLE_LINES,
    MAX_PACK_LINES, NOTHING,
};
use crate::hands::{Hands, OneHand};
use crate::merkle::{LeafIndex, NodeHash};
use crate::state::key::{MapName, MapType};
use crate::state::list::Chunk;
use crate::state::map::MapHash;
use crate::state::map::proof::{OtherLeaf, Sibling};
use crate::state::map::pruned::{PrunedTree, Token};
use crate::state::record::Record;
use crate::text::{parse_base64, parse_decimal};
use crate::tlog_proof::TlogProof;

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// [`BundleError`] unless writing the result gives the same bytes again.
    pub fn parse(file: &[u8]) -> Result<Self, BundleError> {
        Self::parse_with(file, &OneHand)
    }

    /// The same with as many hands as there are: what is read does not depend on how many.
    ///
    /// # Errors
    /// As [`Bundle::parse`].
    pub fn parse_with(file: &[u8], hands: &impl Hands) -> Result<Self, BundleError> {
        // Newlines are counted before anything is allocated for them.
        let lines = file.iter().filter(|byte| **byte == b'\n').count();
        if lines > MAX_PACK_LINES {
            return Err(BundleError::TooManyLines {
                got: lines,
                limit: MAX_PACK_LINES,
            });
        }
        let text = str::from_utf8(file).map_err(|_| BundleError::NotUtf8)?;
        // Only a pack, which has a tree, may be longer than what is read at once.
        if lines > MAX_BUNDLE_LINES && !text.contains("\nnode ") {
            return Err(BundleError::TooManyLines {
                got: lines,
                limit: MAX_BUNDLE_LINES,
            });
        }
        let (body, proof) = text.split_once("\n\n").ok_or(BundleError::NoGap)?;
        let all: Vec<&str> = body.split('\n').collect();
        let mut reader = Reader::new(&all);
        if reader.next() != Some(FIRST_LINE) {
            return Err(BundleError::FirstLine);
        }
        let entries = reader.entries(hands)?;
        let answers = reader.answers(hands)?;
        let chunks = reader.chunks()?;
        if reader.next().is_some() {
            return Err(reader.unexpected());
        }
        let proof = TlogProof::parse(proof.as_bytes())?;
        let bundle = Self::assemble(entries, answers, chunks, proof)?;
        bundle.check_lines(lines)?;
        // Each line's reader is strict already; this holds if one of them ever is not.
        if bundle.is_written_as(file) {
            Ok(bundle)
        } else {
            Err(BundleError::Malformed { line: 1 })
        }
    }
}

/// The lines before the gap, with the number of the newest one taken.
#[derive(Clone, Copy)]
struct Reader<'a> {
    lines: &'a [&'a str],
    taken: usize,
}

impl<'a> Reader<'a> {
    fn new(lines: &'a [&'a str]) -> Self {
        Self { lines, taken: 0 }
    }

    fn next(&mut self) -> Option<&'a str> {
        let next = self.lines.get(self.taken).copied();
        self.taken += 1;
        next
    }

    /// Takes the next line if it starts with this word, and returns what follows the word's space.
    fn take(&mut self, word: &str) -> Option<&'a str> {
        let rest = after(word, self.lines.get(self.taken)?)?;
        self.taken += 1;
        Some(rest)
    }

    /// Takes the lines that start with this word, each with those after it that start with the other.
    fn take_each(&mut self, word: &str, then: Option<&str>) -> Vec<Self> {
        let mut each = Vec::new();
        loop {
            let first = *self;
            if self.take(word).is_none() {
                return each;
            }
            while then.is_some_and(|then| self.take(then).is_some()) {}
            let lines = &self.lines[..self.taken];
            each.push(Self { lines, ..first });
        }
    }

    fn malformed(&self) -> BundleError {
        BundleError::Malformed { line: self.taken }
    }

    fn unexpected(&self) -> BundleError {
        BundleError::Unexpected { line: self.taken }
    }

    fn entries(&mut self, hands: &impl Hands) -> Result<Vec<BundleEntry>, BundleError> {
        hands.try_each(&self.take_each(ENTRY, Some(PATH)), |lines| lines.entry())
    }

    fn entry(mut self) -> Result<BundleEntry, BundleError> {
        let rest = self.take(ENTRY).unwrap_or_default();
        let (index, bytes) = rest.split_once(' ').ok_or(self.malformed())?;
        let index = parse_decimal(index).ok_or(self.malformed())?;
        let bytes = parse_base64(bytes).ok_or(self.malformed())?;
        BundleEntry::new(LeafIndex::new(index), bytes, self.path()?)
    }

    fn path(&mut self) -> Result<Vec<NodeHash>, BundleError> {
        let mut path = Vec::new();
        while let Some(hash) = self.take(PATH) {
            path.push(hash.parse().map_err(|_| self.malformed())?);
        }
        Ok(path)
    }

    fn answers(&mut self, hands: &impl Hands) -> Result<Answers, BundleError> {
        let tokens = self.tokens()?;
        if !tokens.is_empty() {
            let records = hands.try_each(&self.take_each(RECORD, None), |line| {
                let mut line = *line;
                let rest = line.take(RECORD).unwrap_or_default();
                line.record(rest)
            })?;
            let mut absent = Vec::new();
            while let Some(rest) = self.take("absent") {
                let (name, left) = self.name(rest)?;
                if left.is_some() {
                    return Err(self.malformed());
                }
                absent.push(name);
            }
            return Ok(Answers::Pack(Pack::new(
                PrunedTree::new(tokens),
                records,
                absent,
            )?));
        }
        let mut answers = Vec::new();
        loop {
            if let Some(rest) = self.take(RECORD) {
                let (name, record) = self.record(rest)?;
                let siblings = self.siblings()?;
                answers.push(Answer::Present {
                    name,
                    record,
                    siblings,
                });
            } else if let Some(rest) = self.take("absent") {
                let (name, left) = self.name(rest)?;
                let other = match left.ok_or(self.malformed())? {
                    NOTHING => None,
                    leaf => Some(self.other(leaf)?),
                };
                let siblings = self.siblings()?;
                answers.push(Answer::Absent {
                    name,
                    other,
                    siblings,
                });
            } else {
                return Ok(Answers::Each(answers));
            }
        }
    }

    fn tokens(&mut self) -> Result<Vec<Token>, BundleError> {
        let mut tokens = Vec::new();
        loop {
            if let Some(bit) = self.take("node") {
                let bit = parse_decimal(bit).and_then(|bit| u8::try_from(bit).ok());
                tokens.push(Token::Node(bit.ok_or(self.malformed())?));
            } else if let Some(hash) = self.take("cut") {
                let hash = NodeHash::from_str(hash).map_err(|_| self.malformed())?;
                tokens.push(Token::Cut(MapHash::from_bytes(*hash.as_bytes())));
            } else if let Some(rest) = self.take("leaf") {
                if !rest.is_empty() {
                    return Err(self.malformed());
                }
                tokens.push(Token::Leaf);
            } else if let Some(leaf) = self.take("other") {
                tokens.push(Token::Other(self.other(leaf)?));
            } else {
                return Ok(tokens);
            }
        }
    }

    fn siblings(&mut self) -> Result<Vec<Sibling>, BundleError> {
        let mut siblings = Vec::new();
        while let Some(text) = self.take("sib") {
            let bytes = parse_base64(text).ok_or(self.malformed())?;
            siblings.push(Sibling::from_bytes(&bytes).map_err(|_| self.malformed())?);
        }
        Ok(siblings)
    }

    fn other(&self, text: &str) -> Result<OtherLeaf, BundleError> {
        let bytes = parse_base64(text).ok_or(self.malformed())?;
        OtherLeaf::from_bytes(&bytes).map_err(|_| self.malformed())
    }

    fn record(&self, rest: &str) -> Result<(MapName, Record), BundleError> {
        let (name, record) = self.name(rest)?;
        let bytes = record.and_then(parse_base64).ok_or(self.malformed())?;
        let record = Record::from_bytes(name.kind(), &bytes).map_err(|_| self.malformed())?;
        Ok((name, record))
    }

    /// Splits `<type> <field> …` from the one word that may follow.
    fn name<'b>(&self, rest: &'b str) -> Result<(MapName, Option<&'b str>), BundleError> {
        let mut words = rest.split(' ');
        let kind: MapType = words
            .next()
            .and_then(|word| word.parse().ok())
            .ok_or(self.malformed())?;
        let fields: Vec<String> = words.by_ref().take(kind.fields()).map(Into::into).collect();
        let name = MapName::new(kind, fields).map_err(|_| self.malformed())?;
        let left = words.next();
        if words.next().is_some() {
            return Err(self.malformed());
        }
        Ok((name, left))
    }

    fn chunks(&mut self) -> Result<Vec<BundleChunk>, BundleError> {
        let mut chunks = Vec::new();
        while let Some(rest) = self.take("chunk") {
            let (number, bytes) = rest.split_once(' ').ok_or(self.malformed())?;
            let number = parse_decimal(number).ok_or(self.malformed())?;
            let chunk = match bytes {
                NOTHING => Chunk::zeros(),
                _ => parse_base64(bytes)
                    .and_then(|bytes| Chunk::from_bytes(&bytes).ok())
                    .filter(|chunk| !chunk.is_zero())
                    .ok_or(self.malformed())?,
            };
            let path = self.path()?;
            chunks.push(BundleChunk {
                number,
                chunk,
                path,
            });
        }
        Ok(chunks)
    }
}

/// What follows the word's space in a line that starts with the word.
fn after<'a>(word: &str, line: &'a str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix(' ')
    }
}

const ENTRY: &str = "entry";
const PATH: &str = "path";
const RECORD: &str = "record";
