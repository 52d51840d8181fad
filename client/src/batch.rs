//! Sending many signed events to their log, some hundred a request, several requests at once.
//!
//! ```text
//! POST /v1/events:batch       a JSON string a line, each a signed note
//! {"line":1,"status":201,"index":7,"event":"<64 hex>","leaf":"…","proof":"c2sp.org/tlog-proof@v1\n…"}
//! {"line":2,"status":409,"type":"urn:labelproof:problem:wrong-previous","title":…,"detail":…,"prev":…}
//! {"line":3,"status":200,"event":"<64 hex>","accepted":true}          only with ?dry-run
//! ```
//! Sending again is safe, for the log knows an event by its id: what was not answered, or only promised, is
//! sent again; a log that is busy gets the time that it asks for. Proofs are checked here, each against the
//! bytes that were sent; a head that many proofs share is checked once ([`Heads`]).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use labelproof_core::{
    event::EventId,
    merkle::{LeafHash, LeafIndex},
    policy::WitnessedCheckpoint,
    time::Time,
    tlog_proof::TlogProof,
};
use serde::Deserialize;

use crate::{
    log_server::{LogServer, Problem, RawProblem, ServerError},
    patience::{Backoff, Passing, Pause, Retry, Wish},
    proof::{EntryError, open_checkpoint},
    submit::Arrival,
    trust::TrustedLog,
};

/// A signed event to send.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// Its id.
    pub event: EventId,
    /// Its bytes, a signed note.
    pub text: &'a str,
}

/// Whether events are taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// They go into the log.
    Take,
    /// The log only says whether it would take them.
    DryRun,
}

/// What became of an event.
#[derive(Debug)]
pub enum Outcome {
    /// It is in the log, proved for exactly these bytes under a head with its quorum.
    Proved {
        /// Where.
        index: LeafIndex,
        /// Whether it was there before.
        arrival: Arrival,
    },
    /// The log says it had the event before with other signature lines; that is not proved here.
    Known {
        /// Where it says it is.
        index: LeafIndex,
    },
    /// The log would take it.
    Accepted,
    /// The log does not take it.
    Refused(Problem),
    /// The log says that it took it, and the proof does not hold.
    Unproved {
        /// Where it says it is.
        index: LeafIndex,
        /// Why that is not proved.
        error: EntryError,
    },
    /// It was taken, and no head that covers it had its quorum in the time there was.
    Promised {
        /// Where it will be.
        index: LeafIndex,
    },
    /// No answer in the tries there were.
    Unanswered(Arc<ServerError>),
}

/// Sends events to one log.
#[derive(Debug)]
pub struct Sender<'a> {
    server: &'a LogServer,
    log: &'a TrustedLog,
    now: Time,
    mode: Mode,
    pause: &'a dyn Pause,
    heads: Heads,
}

impl<'a> Sender<'a> {
    /// A sender whose proofs are checked for `log` at `now`; waits with `pause`.
    pub fn new(
        server: &'a LogServer,
        log: &'a TrustedLog,
        now: Time,
        mode: Mode,
        pause: &'a dyn Pause,
    ) -> Self {
        Self {
            server,
            log,
            now,
            mode,
            pause,
            heads: Heads::default(),
        }
    }

    /// Sends all of `notes`; `done` gets each one's place and outcome, as they come, each once.
    pub fn send(&self, notes: &[Note<'_>], mut done: impl FnMut(usize, Outcome)) {
        let chunks = Mutex::new(chunks(notes));
        let (answers, arriving) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..IN_FLIGHT {
                let (answers, chunks) = (answers.clone(), &chunks);
                scope.spawn(move || {
                    let take = || {
                        chunks
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .pop_front()
                    };
                    while let Some(chunk) = take() {
                        self.work(notes, chunk, &answers);
                    }
                });
            }
            drop(answers);
            for (place, outcome) in arriving {
                done(place, outcome);
            }
        });
    }

    /// Sends one chunk until each of its notes has an outcome, or the tries are used up.
    fn work(
        &self,
        notes: &[Note<'_>],
        mut open: Vec<usize>,
        answers: &mpsc::Sender<(usize, Outcome)>,
    ) {
        let mut tries = 0;
        let mut backoff = Backoff::default();
        loop {
            let some: Vec<Note<'_>> = open.iter().map(|place| notes[*place]).collect();
            let found = self.ask(&some).unwrap_or_else(|error| {
                let error = Arc::new(error);
                some.iter().map(|_| Step::Again(error.clone())).collect()
            });
            let mut retry = Retry::Never;
            let mut rest = Vec::new();
            for (place, step) in open.iter().zip(found) {
                match step {
                    Step::Done(outcome) => {
                        let _ = answers.send((*place, *outcome));
                    }
                    Step::Again(error) => {
                        retry = retry.max(error.retry());
                        rest.push((*place, Outcome::Unanswered(error)));
                    }
                    Step::Promised(index) => {
                        retry = retry.max(Retry::Soon);
                        rest.push((*place, Outcome::Promised { index }));
                    }
                }
            }
            // What moves is given time; only tries that brought nothing are counted.
            if rest.len() < open.len() {
                (tries, backoff) = (0, Backoff::default());
            }
            tries += 1;
            let goes_on = |time| tries < MAX_TRIES && self.pause.pause(time) == Wish::GoOn;
            if rest.is_empty() || !backoff.next(retry).is_some_and(goes_on) {
                for answer in rest {
                    let _ = answers.send(answer);
                }
                return;
            }
            open = rest.into_iter().map(|(place, _)| place).collect();
        }
    }

    /// One request; a step for each note.
    fn ask(&self, notes: &[Note<'_>]) -> Result<Vec<Step>, ServerError> {
        let path = match self.mode {
            Mode::Take => "/v1/events:batch",
            Mode::DryRun => "/v1/events:batch?dry-run",
        };
        let mut body = String::new();
        for note in notes {
            body.push_str(&serde_json::Value::from(note.text).to_string());
            body.push('\n');
        }
        let most = notes.len() * MAX_ANSWER_BYTES + MAX_ANSWER_BYTES;
        let (_, answer) = self
            .server
            .post(path, "application/jsonl", body.as_bytes(), most)?;
        let mut steps: Vec<Step> = Vec::with_capacity(notes.len());
        // A line that is not whole was cut off with its connection; what follows was not answered.
        let whole = answer.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        let lines = answer[..whole].split(|byte| *byte == b'\n');
        for (place, (note, line)) in notes.iter().zip(lines).enumerate() {
            match self.step(note, line, place + 1) {
                Some(step) => steps.push(step),
                None => return Err(ServerError::NotOurs),
            }
        }
        if steps.is_empty() {
            return Err(ServerError::NotOurs);
        }
        let cut = Arc::new(ServerError::Cut);
        steps.resize_with(notes.len(), || Step::Again(cut.clone()));
        Ok(steps)
    }

    /// What a line of the answer means; `None` if it is no answer to this note.
    fn step(&self, note: &Note<'_>, line: &[u8], number: usize) -> Option<Step> {
        let answer: Answer = serde_json::from_slice(line).ok()?;
        if answer.line != number {
            return None;
        }
        if !(200..300).contains(&answer.status) {
            let raw: RawProblem = serde_json::from_slice(line).ok()?;
            let problem = raw.with_status(answer.status);
            return Some(match problem.passes() {
                true => Step::Again(Arc::new(ServerError::Refused {
                    url: self.server.url().to_owned(),
                    problem: Box::new(problem),
                    retry_after: None,
                })),
                false => Step::Done(Box::new(Outcome::Refused(problem))),
            });
        }
        if answer.event?.parse::<EventId>().ok() != Some(note.event) {
            return None;
        }
        if self.mode == Mode::DryRun {
            return answer
                .accepted?
                .then(|| Step::Done(Box::new(Outcome::Accepted)));
        }
        let index = LeafIndex::new(answer.index?);
        let arrival = match answer.status {
            200 => Arrival::Known,
            _ => Arrival::New,
        };
        let Some(proof) = answer.proof else {
            return answer.receipt.map(|_| Step::Promised(index));
        };
        let leaf = LeafHash::of_entry(note.text.as_bytes());
        let outcome = match self.heads.check(&proof, index, leaf, self.log, self.now) {
            Ok(()) => Outcome::Proved { index, arrival },
            // The same event under another signature has another leaf, which only a lookup can vouch for.
            Err(EntryError::Proof(_)) if arrival == Arrival::Known => Outcome::Known { index },
            Err(error) => Outcome::Unproved { index, error },
        };
        Some(Step::Done(Box::new(outcome)))
    }
}

/// What to do with a note after an answer.
enum Step {
    Done(Box<Outcome>),
    Again(Arc<ServerError>),
    Promised(LeafIndex),
}

/// Heads that were checked: ten thousand proofs under one head cost its signatures once.
#[derive(Debug, Default)]
pub struct Heads {
    /// By the bytes of the note, signatures included.
    checked: Mutex<HashMap<String, Arc<WitnessedCheckpoint>>>,
}

impl Heads {
    /// Checks that `proof` puts the entry with this leaf hash at `index` under a head of `log`.
    ///
    /// # Errors
    /// [`EntryError`], the first check that does not hold.
    pub fn check(
        &self,
        proof: &str,
        index: LeafIndex,
        leaf: LeafHash,
        log: &TrustedLog,
        now: Time,
    ) -> Result<(), EntryError> {
        let proof = TlogProof::parse(proof.as_bytes())?;
        let note = proof.note().to_string();
        let lock = || self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&note).cloned();
        let head = match known {
            Some(head) => head,
            None => {
                let signed = open_checkpoint(proof.note().clone(), log)?;
                let head = Arc::new(log.policy().accept(signed, now)?);
                let mut checked = lock();
                // A log that shows a new head with each proof makes us check each, never hold them all.
                if checked.len() >= MAX_HEADS {
                    checked.clear();
                }
                checked.insert(note, head.clone());
                head
            }
        };
        proof.verify(leaf, head.signed())?;
        if proof.index() != index {
            return Err(EntryError::OtherIndex {
                got: proof.index(),
                want: index,
            });
        }
        Ok(())
    }
}

/// Places of notes in pieces that a log reads in one request.
fn chunks(notes: &[Note<'_>]) -> VecDeque<Vec<usize>> {
    let mut chunks = VecDeque::new();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for (place, note) in notes.iter().enumerate() {
        let more = note.text.len() * 2;
        if !chunk.is_empty() && (chunk.len() >= MAX_LINES || bytes + more > MAX_BYTES) {
            chunks.push_back(std::mem::take(&mut chunk));
            bytes = 0;
        }
        chunk.push(place);
        bytes += more;
    }
    if !chunk.is_empty() {
        chunks.push_back(chunk);
    }
    chunks
}

#[derive(Deserialize)]
struct Answer {
    line: usize,
    status: u16,
    index: Option<u64>,
    event: Option<String>,
    accepted: Option<bool>,
    proof: Option<String>,
    receipt: Option<String>,
}

/// A log takes 10,000; with fewer a lost connection costs less, and several requests share the work.
const MAX_LINES: usize = 500;
/// A log takes 16 MiB.
const MAX_BYTES: usize = 8 << 20;
/// Each waits a round of the witnesses; 4,000 events on their way are below what a log's pool holds.
const IN_FLIGHT: usize = 8;
/// A checkpoint with 16 signature lines and 64 hashes, as JSON.
const MAX_ANSWER_BYTES: usize = 16 << 10;
/// One batch has a few heads.
const MAX_HEADS: usize = 1_024;
/// About three minutes of nothing, in which a log's machine starts again.
const MAX_TRIES: u32 = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_every_note_once_and_no_more_than_a_log_reads() {
        let event = EventId::from_bytes([0; 32]);
        let long = "x".repeat(10 << 10);
        for (text, count, want) in [("x", 0, 0), ("x", 1, 1), ("x", 2_500, 5), (&long, 900, 3)] {
            let notes = vec![Note { event, text }; count];
            let chunks = chunks(&notes);
            assert_eq!(chunks.len(), want);
            let all: Vec<usize> = chunks.into_iter().flatten().collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
        }
    }
}
