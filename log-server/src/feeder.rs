//! Feeding: who is asked to cosign which checkpoint, and when that is enough (c2sp.org/tlog-witness).
//!
//! ```text
//! Head ─▶ a round: one target for every witness ─▶ Send … Send
//! Answer 200 ─▶ a line more; quorum met ─▶ Publish ─▶ next round: the newest head
//! Answer 409, smaller ─▶ Send again from there        Answer 409, larger, and shows what we signed ─▶ Stop
//! ```
//! A round keeps its target until the quorum is met or ten seconds are over: feeding each witness
//! whatever is newest when it is free can starve the quorum with everybody honest. A slow witness skips targets.
//! This is a state machine without clock, thread or socket; `driver` gives it those.

pub mod driver;
mod peer;

use std::sync::Arc;

use labelproof_core::{
    checkpoint::SignedCheckpoint,
    cosignature::{CosignatureTime, verify_cosignature},
    merkle::TreeSize,
    note::{Note, SignatureLine},
    policy::{Policy, WitnessedCheckpoint},
    time::Time,
};
use tracing::{info, warn};

use self::peer::Peer;

/// A witness by its place in the policy.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct WitnessIndex(pub(crate) usize);

impl WitnessIndex {
    /// How many witnesses stand before it.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0
    }
}

/// What the feeder is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// The log has a new head, acknowledged and signed.
    Head(Arc<SignedCheckpoint>),
    /// A witness answered, or did not.
    Answer {
        /// Which one.
        witness: WitnessIndex,
        /// What it said.
        answer: Answer,
    },
    /// Time went by.
    Tick,
}

/// What a witness said to add-checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// 200, with this body.
    Cosigned(Vec<u8>),
    /// 409, with the size it says it holds.
    Conflict(TreeSize),
    /// 409 with a larger size than we sent, and the checkpoint that its read endpoint shows for this log.
    Ahead(Vec<u8>),
    /// Anything else, in words for the operator.
    Failed(String),
}

/// What the feeder wants done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Ask a witness to cosign `target`, with a consistency proof from `old`.
    Send {
        /// Which one.
        witness: WitnessIndex,
        /// The size it is believed to hold.
        old: TreeSize,
        /// What it shall cosign.
        target: Arc<SignedCheckpoint>,
    },
    /// The witnesses that answered could form a quorum and none holds more than we do: signing may begin.
    Open,
    /// The quorum holds: this may be published.
    Publish(Box<WitnessedCheckpoint>),
    /// A witness holds a larger head than this store: stop signing.
    Stop(OlderStore),
}

/// How far this machine's clock is off those of witnesses that could form a quorum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Skew {
    /// It is ahead of all of theirs by more than an hour.
    Ahead,
    /// It is behind all of theirs by more than an hour.
    Behind,
}

/// This store is older than what a witness has cosigned.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "witness {witness} holds size {theirs} of this log, this store only {ours}: it is an old copy, and must not sign; put the newest copy in its place"
)]
pub struct OlderStore {
    /// Name of the witness.
    pub witness: String,
    /// The size it holds.
    pub theirs: TreeSize,
    /// The size of this store.
    pub ours: TreeSize,
}

/// The state of feeding.
#[derive(Debug)]
pub struct Feeder {
    policy: Arc<Policy>,
    peers: Vec<Peer>,
    newest: Option<Arc<SignedCheckpoint>>,
    round: Option<Round>,
    open: bool,
    stopped: bool,
}

#[derive(Debug)]
struct Round {
    target: Arc<SignedCheckpoint>,
    started_ms: u64,
    lines: Vec<Option<(CosignatureTime, SignatureLine)>>,
    met: bool,
    /// When the newest line came that is not published yet.
    unpublished_ms: Option<u64>,
}

/// What is known of a witness, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WitnessReport {
    /// Its name in the policy.
    pub name: String,
    /// The size it holds, once it answered.
    pub size: Option<TreeSize>,
    /// Why its last answer was of no use.
    pub failure: Option<String>,
    /// What it answered since the start.
    pub answers: Answers,
}

/// How often a witness answered what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Answers {
    /// A cosignature that verifies.
    pub cosigned: u64,
    /// The size it holds, which is not the one we thought.
    pub conflicts: u64,
    /// Nothing of use, or nothing.
    pub failed: u64,
}

impl WitnessReport {
    /// Whether it answered, and its last answer was of use.
    #[must_use]
    pub fn works(&self) -> bool {
        self.size.is_some() && self.failure.is_none()
    }
}

impl Feeder {
    /// A feeder that has heard of nothing.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        let peers = policy
            .witnesses()
            .iter()
            .map(|witness| Peer::new(witness.url().is_some()))
            .collect();
        Self {
            policy,
            peers,
            newest: None,
            round: None,
            open: false,
            stopped: false,
        }
    }

    /// Takes one input and says what to do about it.
    pub fn handle(&mut self, input: Input, now_ms: u64) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.stopped {
            return actions;
        }
        match input {
            Input::Head(head) => self.newest = Some(head),
            Input::Answer { witness, answer } => self.answer(witness, answer, now_ms, &mut actions),
            Input::Tick => {}
        }
        if !self.stopped {
            self.publish(now_ms, &mut actions);
            self.next_round(now_ms);
            self.send(now_ms, &mut actions);
        }
        actions
    }

    fn answer(
        &mut self,
        witness: WitnessIndex,
        answer: Answer,
        now_ms: u64,
        actions: &mut Vec<Action>,
    ) {
        let Some((peer, known)) = self
            .peers
            .get_mut(witness.0)
            .zip(self.policy.witnesses().get(witness.0))
        else {
            return;
        };
        let Some(request) = peer.take_request() else {
            return;
        };
        let newest = self
            .newest
            .as_ref()
            .map_or(TreeSize::EMPTY, |newest| newest.head().size());
        match answer {
            Answer::Cosigned(body) => {
                let text = request.target.note().text();
                match lines_of(&body).find_map(|line| {
                    Some((verify_cosignature(known.vkey(), text, &line).ok()?, line))
                }) {
                    Some((time, line)) => {
                        peer.succeeded(request.target.head().size());
                        peer.told_time(time.unix(), now_ms / 1_000);
                        let round = self.round.as_mut();
                        if let Some(round) = round.filter(|round| round.target == request.target) {
                            round.lines[witness.0] = Some((time, line));
                            round.unpublished_ms.get_or_insert(now_ms);
                        }
                    }
                    None => peer.failed(
                        "its answer holds no cosignature by its key".to_owned(),
                        now_ms,
                    ),
                }
            }
            Answer::Ahead(shown) => match signed_size(&shown, &request.target) {
                Some(theirs) if theirs > newest => {
                    self.stopped = true;
                    actions.push(Action::Stop(OlderStore {
                        witness: known.name().to_owned(),
                        theirs,
                        ours: newest,
                    }));
                    return;
                }
                _ => peer.failed(CLAIMS_TOO_MUCH.to_owned(), now_ms),
            },
            // One witness must not be able to stop the log by a number alone.
            Answer::Conflict(theirs) if theirs > newest => {
                peer.failed(CLAIMS_TOO_MUCH.to_owned(), now_ms);
            }
            Answer::Conflict(theirs) if theirs == request.old => {
                peer.failed(
                    format!("it refuses size {theirs}, which is what it says it holds"),
                    now_ms,
                );
            }
            Answer::Conflict(theirs) => peer.conflicted(theirs, now_ms),
            Answer::Failed(why) => peer.failed(why, now_ms),
        }
        if let Some(failure) = peer.new_failure() {
            warn!(witness = known.name(), failure, "no cosignature");
        }
        if !self.open && self.policy.holds(|index| self.peers[index].has_answered()) {
            self.open = true;
            info!("enough witnesses are in step or behind; the log may sign");
            actions.push(Action::Open);
        }
    }

    /// Publishes what came in: at once when the quorum is first met, then in batches of lines.
    fn publish(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let busy = self.peers.iter().any(Peer::is_busy);
        let Some(round) = self.round.as_mut() else {
            return;
        };
        let Some(since_ms) = round.unpublished_ms else {
            return;
        };
        if round.met && busy && now_ms.saturating_sub(since_ms) < GATHER_MS {
            return;
        }
        let mut cosigned = SignedCheckpoint::clone(&round.target);
        for (witness, line) in self.policy.witnesses().iter().zip(&round.lines) {
            if let Some((_, line)) = line {
                cosigned = match cosigned
                    .clone()
                    .with_cosignature(witness.vkey(), line.clone())
                {
                    Ok(more) => more,
                    Err(error) => {
                        warn!(witness = witness.name(), %error, "a cosignature cannot be added");
                        cosigned
                    }
                };
            }
        }
        let Some(now) = Time::from_unix(now_ms / 1_000) else {
            return;
        };
        if let Ok(witnessed) = self.policy.accept(cosigned, now) {
            round.met = true;
            round.unpublished_ms = None;
            actions.push(Action::Publish(Box::new(witnessed)));
        }
    }

    fn next_round(&mut self, now_ms: u64) {
        let Some(newest) = &self.newest else { return };
        let over = match &self.round {
            None => true,
            Some(round) => {
                let grown = newest.head().size() > round.target.head().size();
                grown && (round.met || now_ms.saturating_sub(round.started_ms) >= ROUND_MS)
            }
        };
        if over {
            self.round = Some(Round {
                target: newest.clone(),
                started_ms: now_ms,
                lines: vec![None; self.peers.len()],
                met: false,
                unpublished_ms: None,
            });
        }
    }

    fn send(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let Some(round) = &self.round else { return };
        let settled = round.met && self.newest.as_ref() == Some(&round.target);
        for (index, (peer, line)) in self.peers.iter_mut().zip(&round.lines).enumerate() {
            let wanted = match line {
                None => true,
                // A settled log is cosigned again now and then, so that its age stays small.
                Some((time, _)) => {
                    settled && now_ms / 1_000 >= time.unix().saturating_add(REFRESH_S)
                }
            };
            if wanted && let Some(old) = peer.request(&round.target, now_ms) {
                let target = round.target.clone();
                actions.push(Action::Send {
                    witness: WitnessIndex(index),
                    old,
                    target,
                });
            }
        }
    }

    /// Whether witnesses enough for a quorum have answered since the start.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether our clock is more than an hour off those of witnesses enough for a quorum, by their newest answers.
    #[must_use]
    pub fn skew(&self) -> Option<Skew> {
        let all_say = |is_off: fn(i64) -> bool| {
            let says = |index: usize| self.peers[index].ahead_s().is_some_and(is_off);
            self.policy.holds(says)
        };
        if all_say(|ahead_s| ahead_s > MAX_SKEW_S) {
            Some(Skew::Ahead)
        } else if all_say(|ahead_s| ahead_s < -MAX_SKEW_S) {
            Some(Skew::Behind)
        } else {
            None
        }
    }

    /// What is known of each witness, in the order of the policy.
    #[must_use]
    pub fn report(&self) -> Vec<WitnessReport> {
        let witnesses = self.policy.witnesses().iter().zip(&self.peers);
        witnesses
            .map(|(witness, peer)| WitnessReport {
                name: witness.name().to_owned(),
                size: peer.known(),
                failure: peer.failure().map(str::to_owned),
                answers: peer.answers(),
            })
            .collect()
    }
}

/// The size of a checkpoint that a witness shows, if the key that signed `ours` signed it for the same log.
fn signed_size(shown: &[u8], ours: &SignedCheckpoint) -> Option<TreeSize> {
    let note = Note::parse(shown).ok()?;
    let theirs = SignedCheckpoint::open(note, ours.log_key()).ok()?;
    (theirs.origin() == ours.origin()).then(|| theirs.head().size())
}

/// The signature lines in the body of an answer; what is no line is left out.
fn lines_of(body: &[u8]) -> impl Iterator<Item = SignatureLine> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    text.lines()
        .take(MAX_ANSWER_LINES)
        .filter_map(|line| SignatureLine::parse(line).ok())
}

/// Witnesses answer within a second; one that hangs must not hold the others' next target longer than this.
const ROUND_MS: u64 = 10_000;
/// Lines after the quorum are published together: each publication is a durable write.
const GATHER_MS: u64 = 1_000;
/// An award asks for heads at most 15 minutes old; a third of that leaves room for two failures.
const REFRESH_S: u64 = 300;
/// Time zones and summer time set wrongly are whole hours; network time is off by less than seconds.
const MAX_SKEW_S: i64 = 3_600;
/// SPEC signed-note: a verifier may stop at 16 lines; a witness has one or two keys.
const MAX_ANSWER_LINES: usize = 16;
/// What the operator reads; the log goes on with the others.
const CLAIMS_TOO_MUCH: &str =
    "it says that it holds a larger size, and shows no checkpoint of it that this log signed";
