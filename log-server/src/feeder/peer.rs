//! One witness as the feeder sees it: what it holds, what it was asked, when to ask again.

use std::sync::Arc;

use labelproof_core::{checkpoint::SignedCheckpoint, merkle::TreeSize};

use super::Answers;

#[derive(Debug)]
pub(super) struct Peer {
    has_url: bool,
    known: Option<TreeSize>,
    request: Option<Request>,
    failures: u32,
    conflicts: u32,
    not_before_ms: u64,
    failure: Option<String>,
    failure_is_new: bool,
    /// How far our clock was ahead of its, when it last cosigned.
    ahead_s: Option<i64>,
    answers: Answers,
}

/// What a witness was asked and has not answered.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) old: TreeSize,
    pub(super) target: Arc<SignedCheckpoint>,
}

impl Peer {
    pub(super) fn new(has_url: bool) -> Self {
        Self {
            has_url,
            known: None,
            request: None,
            failures: 0,
            conflicts: 0,
            not_before_ms: 0,
            failure: None,
            failure_is_new: false,
            ahead_s: None,
            answers: Answers::default(),
        }
    }

    /// Notes a request for `target` if this is the time for one, and gives the size to prove from.
    pub(super) fn request(
        &mut self,
        target: &Arc<SignedCheckpoint>,
        now_ms: u64,
    ) -> Option<TreeSize> {
        let size = target.head().size();
        // Before its first answer a witness is asked whether it is in step: old = our own size.
        let old = self.known.unwrap_or(size);
        // One that is past this target waits for the next.
        if !self.has_url || self.request.is_some() || now_ms < self.not_before_ms || old > size {
            return None;
        }
        self.request = Some(Request {
            old,
            target: target.clone(),
        });
        Some(old)
    }

    pub(super) fn take_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    pub(super) fn succeeded(&mut self, size: TreeSize) {
        self.answers.cosigned += 1;
        self.known = Some(size);
        self.not_before_ms = 0;
        self.failures = 0;
        self.conflicts = 0;
        self.failure = None;
    }

    /// It cosigned at `theirs` by its clock and `ours` by ours, both Unix seconds.
    pub(super) fn told_time(&mut self, theirs: u64, ours: u64) {
        let off = i128::from(ours) - i128::from(theirs);
        self.ahead_s = Some(i64::try_from(off).unwrap_or(i64::MAX));
    }

    pub(super) fn ahead_s(&self) -> Option<i64> {
        self.ahead_s
    }

    /// It told its size, which is an answer but no cosignature.
    pub(super) fn conflicted(&mut self, size: TreeSize, now_ms: u64) {
        self.answers.conflicts += 1;
        self.known = Some(size);
        self.conflicts = self.conflicts.saturating_add(1);
        if self.conflicts > FREE_CONFLICTS {
            self.pause(
                "it names another size each time it is asked".to_owned(),
                now_ms,
            );
        } else {
            self.not_before_ms = 0;
        }
    }

    pub(super) fn failed(&mut self, why: String, now_ms: u64) {
        self.answers.failed += 1;
        self.pause(why, now_ms);
    }

    fn pause(&mut self, why: String, now_ms: u64) {
        let pause_ms = FIRST_PAUSE_MS << self.failures.min(MAX_DOUBLINGS);
        self.not_before_ms = now_ms + pause_ms;
        self.failures = self.failures.saturating_add(1);
        self.failure_is_new = self.failure.as_ref() != Some(&why);
        self.failure = Some(why);
    }

    /// A failure that was not reported yet; the same one over and over is told once.
    pub(super) fn new_failure(&mut self) -> Option<&str> {
        let is_new = std::mem::take(&mut self.failure_is_new);
        self.failure.as_deref().filter(|_| is_new)
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(super) fn answers(&self) -> Answers {
        self.answers
    }

    pub(super) fn known(&self) -> Option<TreeSize> {
        self.known
    }

    pub(super) fn has_answered(&self) -> bool {
        self.known.is_some()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.request.is_some()
    }
}

/// One to learn its size, one for whoever else feeds it; a witness that goes on like that would keep us busy.
const FREE_CONFLICTS: u32 = 2;
const FIRST_PAUSE_MS: u64 = 250;
/// A pause of at most four seconds: a witness that comes back is used within the promise of 60 s.
const MAX_DOUBLINGS: u32 = 4;
