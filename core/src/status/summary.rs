//! A label in short: what its proved record and its issue say, with its whole history at hand or without.
//!
//! ```text
//! record        status, reason, not_after, successor        proved by the map
//! issue         product, holder, level; the issuer          vouched for by a chain or an index record
//! cut-off       nothing is tainted, or the history was replayed
//! ```
//! In a bundle every label has its whole history; a pack leaves it out where nothing can be tainted.

use std::sync::Arc;

use crate::event::{AuthorityName, Body, Event, LabelId, LabelIssue, ReasonCode};
use crate::merkle::LeafIndex;
use crate::state::record::{StateRecord, Status};
use crate::state::{Coverage, CutOff, Falls};
use crate::time::Time;

/// What is known of every proved label: authentic, under a witnessed head.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LabelSummary {
    label: LabelId,
    record: StateRecord,
    issuer: AuthorityName,
    since: Since,
    cut_off: CutOff,
    issue: Arc<Event>,
}

/// Since when a label has its status.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Since {
    /// The event at this index gave it.
    At(LeafIndex),
    /// It has it since its newest event at the latest, which stands here; the event that gave it is not at hand.
    AtTheLatest(LeafIndex),
}

/// How much a label is worth at a time, the worse the later: the order of the exit codes of all programs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Grade {
    /// Active and not expired.
    InForce,
    /// Something of it was signed with what is no longer believed: a person decides.
    InDoubt,
    /// Its validity ended, or what it rests on did.
    Expired,
    /// Suspended.
    Suspended,
    /// Revoked, withdrawn, annulled, superseded, or withdrawn with its authority.
    Ended,
}

impl LabelSummary {
    /// `None` if the event is no issue of a label.
    pub(crate) fn new(
        record: StateRecord,
        issuer: AuthorityName,
        since: Since,
        cut_off: CutOff,
        issue: Arc<Event>,
    ) -> Option<Self> {
        let crate::event::Subject::Label(label) = issue.subject() else {
            return None;
        };
        let label = label.clone();
        matches!(issue.body(), Body::LabelIssue(_)).then_some(Self {
            label,
            record,
            issuer,
            since,
            cut_off,
            issue,
        })
    }

    /// The label, as its issue names it.
    #[must_use]
    pub fn label(&self) -> &LabelId {
        &self.label
    }

    /// The proved record.
    #[must_use]
    pub fn record(&self) -> &StateRecord {
        &self.record
    }

    /// The label's own status, before cut-offs and the reader's clock.
    #[must_use]
    pub fn status(&self) -> Status {
        self.record.status()
    }

    /// Why it has this status; none if it is active.
    #[must_use]
    pub fn reason(&self) -> Option<ReasonCode> {
        ReasonCode::from_number(self.record.reason())
    }

    /// Since when it has this status.
    #[must_use]
    pub fn since(&self) -> Since {
        self.since
    }

    /// The first instant at which it is no longer valid, renewals included; none if it is open-ended.
    #[must_use]
    pub fn not_after(&self) -> Option<Time> {
        self.record.not_after()
    }

    /// Whether its validity has ended at `now`.
    #[must_use]
    pub fn is_expired_at(&self, now: Time) -> bool {
        self.not_after().is_some_and(|end| end <= now)
    }

    /// Where the label was issued that takes its place.
    #[must_use]
    pub fn successor(&self) -> Option<LeafIndex> {
        self.record.successor_index()
    }

    /// The authority that issued it, in scope when it did.
    #[must_use]
    pub fn issuer(&self) -> &AuthorityName {
        &self.issuer
    }

    /// What revoked keys and withdrawn authorities leave of it.
    #[must_use]
    pub fn cut_off(&self) -> &CutOff {
        &self.cut_off
    }

    /// Whether an event of it was signed with what is no longer believed.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        matches!(self.cut_off, CutOff::LeftOut(_))
    }

    /// The event that issued it.
    #[must_use]
    pub fn issue_event(&self) -> &Event {
        &self.issue
    }

    /// What the issue says of product, holder and level.
    ///
    /// # Panics
    /// Never: the event is an issue.
    #[must_use]
    pub fn issue(&self) -> &LabelIssue {
        let Body::LabelIssue(body) = self.issue.body() else {
            unreachable!("only an issue makes a summary");
        };
        body
    }

    /// What it is worth at `now`; of several troubles the worst.
    #[must_use]
    pub fn grade(&self, now: Time) -> Grade {
        let expired = self.is_expired_at(now).then_some(Grade::Expired);
        let cut = match &self.cut_off {
            CutOff::OutOfReach | CutOff::NothingLeftOut => None,
            CutOff::LeftOut(left) => {
                let falls = match left.falls() {
                    Falls::IntoDoubt => Grade::InDoubt,
                    Falls::WithItsAuthority => Grade::Ended,
                };
                let ended = left.coverage().and_then(Coverage::valid_until);
                let ended = ended.filter(|end| *end <= now).map(|_| Grade::Expired);
                let rest = left.remaining().map(Grade::from);
                [ended, rest]
                    .into_iter()
                    .flatten()
                    .fold(falls, Grade::max)
                    .into()
            }
        };
        let own = Grade::from(self.status());
        [expired, cut].into_iter().flatten().fold(own, Grade::max)
    }
}

impl Since {
    /// The index, whichever it is.
    #[must_use]
    pub const fn index(self) -> LeafIndex {
        match self {
            Self::At(index) | Self::AtTheLatest(index) => index,
        }
    }
}

/// What a status alone is worth, before clock and cut-offs.
impl From<Status> for Grade {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::InForce,
            Status::Suspended => Self::Suspended,
            Status::Lapsed => Self::Expired,
            Status::Superseded | Status::Revoked | Status::Withdrawn | Status::Annulled => {
                Self::Ended
            }
        }
    }
}
