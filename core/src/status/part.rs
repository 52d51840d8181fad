//! Parts of bundles: a subject's history and record, read, checked and written out once.
//!
//! ```text
//! bundle of a label = its own history and record      a few lines, different each time
//!                   + parts of scheme, issuer, member  most lines, the same for every label of the issuer
//!                   + opening                          head and proof, the same for every bundle under the head
//! ```
//! A part is of one view. Where the record is the same under a later one, so is the history, which its chain binds:
//! then only the proof is made anew. Keeping parts is the caller's, through [`ReadLog`](super::ReadLog).

use std::fmt::Write as _;
use std::sync::Arc;

use super::build::answer;
use crate::bundle::{BundleError, write_entry_line};
use crate::event::Event;
use crate::merkle::{LeafHash, LeafIndex};
use crate::refusal::Refusal;
use crate::state::StateView;
use crate::state::head::StateHead;
use crate::state::key::MapName;
use crate::state::map::MapRoot;
use crate::state::record::RecordError;
use crate::tlog_proof::TlogProof;

/// The history of a scheme, an authority or a member, and its record with the proof under one view.
#[derive(Clone, Debug)]
pub struct Part {
    name: MapName,
    root: MapRoot,
    record: Vec<u8>,
    events: Arc<[Arc<ReadEvent>]>,
    answer: String,
}

/// An entry that was read, and the event it is.
#[derive(Clone, Debug)]
pub(super) struct ReadEvent {
    index: LeafIndex,
    event: Event,
    leaf: LeafHash,
    /// Its line in a bundle, for those that are in many.
    line: Option<String>,
}

/// What every bundle under a head begins and ends with: its entry and its proof, written out once.
#[derive(Clone, Debug)]
pub struct Opening {
    head: StateHead,
    proof: TlogProof,
    line: String,
    end: String,
}

impl Part {
    /// Writes out a history that its record binds.
    pub(super) fn new(
        view: &StateView,
        name: MapName,
        record: Vec<u8>,
        events: &[Arc<ReadEvent>],
    ) -> Result<Self, RecordError> {
        let written = events.iter().map(|event| Arc::new(event.written()));
        Ok(Self {
            root: view.map().root(),
            answer: answer(view, name.clone())?.to_string(),
            events: written.collect(),
            name,
            record,
        })
    }

    /// The same under another view, in which the record is the same.
    pub(super) fn under(&self, view: &StateView) -> Result<Self, RecordError> {
        Ok(Self {
            root: view.map().root(),
            answer: answer(view, self.name.clone())?.to_string(),
            ..self.clone()
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn name(&self) -> &MapName {
        &self.name
    }

    /// About how much memory it takes, in bytes: an event in words and as it was read is four times its entry.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let of_event = |event: &Arc<ReadEvent>| {
            4 * event.bytes().len() + event.line.iter().map(String::len).sum::<usize>()
        };
        self.answer.len() + self.events.iter().map(of_event).sum::<usize>()
    }

    pub(super) fn is_of(&self, root: MapRoot) -> bool {
        self.root == root
    }

    pub(super) fn record(&self) -> &[u8] {
        &self.record
    }

    pub(super) fn events(&self) -> &[Arc<ReadEvent>] {
        &self.events
    }

    /// The lines of its record and their siblings.
    pub(super) fn answer(&self) -> &str {
        &self.answer
    }
}

impl ReadEvent {
    pub(super) fn parse(index: LeafIndex, entry: &[u8]) -> Result<Self, Refusal> {
        Ok(Self {
            index,
            event: Event::parse(entry)?,
            leaf: LeafHash::of_entry(entry),
            line: None,
        })
    }

    /// The same with its line.
    fn written(&self) -> Self {
        let mut line = String::new();
        self.write_line(&mut line);
        let line = Some(line);
        Self {
            line,
            ..self.clone()
        }
    }

    pub(super) fn index(&self) -> LeafIndex {
        self.index
    }

    pub(super) fn event(&self) -> &Event {
        &self.event
    }

    pub(super) fn leaf(&self) -> &LeafHash {
        &self.leaf
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.event.bytes()
    }

    /// Adds its line, with its end.
    pub(super) fn write_line(&self, out: &mut String) {
        match &self.line {
            Some(line) => out.push_str(line),
            None => write_entry_line(out, self.index, self.bytes()),
        }
    }
}

impl Opening {
    /// Writes out a head and the proof of its place in the log.
    ///
    /// # Errors
    /// [`BundleError::NoHead`] if the proof is of another entry, or has an extra line that nothing would use.
    pub fn new(head: StateHead, proof: TlogProof) -> Result<Self, BundleError> {
        if proof.index() != head.index() || proof.extra().is_some() {
            return Err(BundleError::NoHead);
        }
        let (mut line, mut end) = (String::new(), String::new());
        write_entry_line(&mut line, head.index(), &head.to_bytes());
        write!(end, "\n{proof}").expect("a string takes what is written");
        Ok(Self {
            head,
            proof,
            line,
            end,
        })
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &StateHead {
        &self.head
    }

    /// The proof that it is in the log, with the checkpoint.
    #[must_use]
    pub fn proof(&self) -> &TlogProof {
        &self.proof
    }

    /// The line of its entry, the last of all.
    pub(super) fn line(&self) -> &str {
        &self.line
    }

    /// What follows the answers.
    pub(super) fn end(&self) -> &str {
        &self.end
    }
}
