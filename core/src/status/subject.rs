//! What was proved of one subject: its record, and the events that made it.

use std::sync::Arc;

use super::summary::{LabelSummary, Since};
use crate::event::{AuthorityName, Body, Event, LabelId, LabelIssue, ReasonCode, Subject};
use crate::merkle::{LeafHash, LeafIndex};
use crate::state::record::{StateRecord, Status};
use crate::state::{Coverage, CutOff};
use crate::time::Time;

/// An event at its place in the log, vouched for by the chain of a proved record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecordedEvent {
    index: LeafIndex,
    event: Arc<Event>,
}

impl RecordedEvent {
    pub(crate) fn new(index: LeafIndex, event: Arc<Event>) -> Self {
        Self { index, event }
    }

    /// Where it stands.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    pub(crate) fn shared(&self) -> Arc<Event> {
        self.event.clone()
    }

    /// The hash of its entry.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        self.event.leaf()
    }
}

/// An authority, a scheme or a member under a witnessed head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubjectStatus {
    subject: Subject,
    record: StateRecord,
    events: Vec<RecordedEvent>,
}

impl SubjectStatus {
    pub(crate) fn new(subject: Subject, record: StateRecord, events: Vec<RecordedEvent>) -> Self {
        Self {
            subject,
            record,
            events,
        }
    }

    /// Who or what it is.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The proved record.
    #[must_use]
    pub fn record(&self) -> &StateRecord {
        &self.record
    }

    /// Its whole history, in order of the log; a member's begins with the genesis.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// In force, suspended or withdrawn.
    #[must_use]
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// The index from which on what it granted is in doubt; of a scheme, the lowest of all its authorities.
    #[must_use]
    pub fn cut(&self) -> Option<LeafIndex> {
        self.record.successor_index()
    }
}

/// A label under a witnessed head: authentic, with its whole history.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LabelStatus {
    summary: LabelSummary,
    coverage: Coverage,
    events: Vec<RecordedEvent>,
}

impl LabelStatus {
    pub(crate) fn new(
        record: StateRecord,
        issuer: AuthorityName,
        since: LeafIndex,
        coverage: Coverage,
        cut_off: CutOff,
        events: Vec<RecordedEvent>,
    ) -> Option<Self> {
        let issue = events.first()?.shared();
        let summary = LabelSummary::new(record, issuer, Since::At(since), cut_off, issue)?;
        Some(Self {
            summary,
            coverage,
            events,
        })
    }

    /// The same without the history.
    #[must_use]
    pub fn summary(&self) -> &LabelSummary {
        &self.summary
    }

    /// The label, as its issue names it.
    #[must_use]
    pub fn label(&self) -> &LabelId {
        self.summary.label()
    }

    /// The proved record.
    #[must_use]
    pub fn record(&self) -> &StateRecord {
        self.summary.record()
    }

    /// The label's own status, before cut-offs and the reader's clock.
    #[must_use]
    pub fn status(&self) -> Status {
        self.summary.status()
    }

    /// Why it has this status; none if it is active.
    #[must_use]
    pub fn reason(&self) -> Option<ReasonCode> {
        self.summary.reason()
    }

    /// Where the event stands that gave it this status.
    #[must_use]
    pub fn since(&self) -> LeafIndex {
        self.summary.since().index()
    }

    /// The first instant at which it is no longer valid; none if it is open-ended.
    #[must_use]
    pub fn not_after(&self) -> Option<Time> {
        self.summary.not_after()
    }

    /// Whether its validity has ended at `now`.
    #[must_use]
    pub fn is_expired_at(&self, now: Time) -> bool {
        self.summary.is_expired_at(now)
    }

    /// Where the label was issued that takes its place.
    #[must_use]
    pub fn successor(&self) -> Option<LeafIndex> {
        self.summary.successor()
    }

    /// The authority that issued it, in scope when it did.
    #[must_use]
    pub fn issuer(&self) -> &AuthorityName {
        self.summary.issuer()
    }

    /// The products, printed ids and validity that its events have left it, before cut-offs.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What revoked keys and withdrawn authorities leave of it.
    #[must_use]
    pub fn cut_off(&self) -> &CutOff {
        self.summary.cut_off()
    }

    /// Its whole history, in order of the log.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// What its newest amend says of product, holder and level, else its issue.
    #[must_use]
    pub fn body(&self) -> &LabelIssue {
        let mut amends = self.events.iter().rev();
        let newest = amends.find_map(|event| match event.event.body() {
            Body::LabelAmend(body) => Some(&**body),
            _ => None,
        });
        newest.unwrap_or_else(|| self.issue())
    }

    /// What the issue says of product, holder and level.
    #[must_use]
    pub fn issue(&self) -> &LabelIssue {
        self.summary.issue()
    }
}
