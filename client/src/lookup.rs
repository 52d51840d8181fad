//! Where a subject stands, asked of its log and proved.
//!
//! ```text
//! GET /v1/status/… ─▶ bundle ─verify─▶ VerifiedBundle ─find subject─▶ Finding
//!                                        └ its head ─consistency─▶ trust store, forward only
//! ```
//! A log that does not answer, or answers something else, is a [`LookupError`] and never a status.
//! How old an answer may be is for [`freshness`] and whoever asks.

use std::time::Duration;

use labelproof_core::{
    bundle::{Bundle, BundleError},
    event::{Event, EventId, Gtin14, Subject},
    merkle::LeafIndex,
    state::record::Status,
    status::{Finding, RecordedEvent, Trusted, Unverified, VerifiedBundle, verify},
    time::Time,
};
use labelproof_host::tiles::TilesError;

use crate::{
    log_server::{LogServer, ServerError},
    trust::{
        NotHome, TrustedLog,
        store::{AdvanceError, Newest, Standing, TrustStore},
    },
};

/// Asks `server` where `subject` stands, checks the answer at `now`, and takes its head into the store.
///
/// # Errors
/// [`LookupError`]; nothing is known of the subject then.
pub fn look_up(
    server: &LogServer,
    log: &TrustedLog,
    store: &TrustStore,
    subject: &Subject,
    now: Time,
) -> Result<Looked, LookupError> {
    let bytes = server.status(subject)?;
    let (subject, proved) = proved(&bytes, log, subject, now)?;
    taken(server, log, store, Some(subject), bytes, proved)
}

/// Asks `server` for all labels of a product, checks the answer at `now`, and takes its head into the store.
///
/// # Errors
/// As [`look_up`].
pub fn look_up_product(
    server: &LogServer,
    log: &TrustedLog,
    store: &TrustStore,
    gtin: &Gtin14,
    now: Time,
) -> Result<Looked, LookupError> {
    let bytes = server.product_status(gtin)?;
    let bundle = Bundle::parse(&bytes)?;
    let proved = verify(&bundle, &trusted(log), now)?;
    log.check_home(&proved)?;
    if proved.product(gtin).is_err() {
        return Err(LookupError::other(gtin));
    }
    taken(server, log, store, None, bytes, proved)
}

/// Takes the head of a checked answer into the store.
pub(crate) fn taken(
    server: &LogServer,
    log: &TrustedLog,
    store: &TrustStore,
    subject: Option<Subject>,
    bytes: Vec<u8>,
    proved: VerifiedBundle,
) -> Result<Looked, LookupError> {
    let seen = proved.state().checkpoint();
    let nodes = server.tiles(seen.signed());
    let before = store.newest(log).map_err(AdvanceError::Store)?;
    let standing = store.advance(log, seen, &nodes)?;
    Ok(Looked {
        bytes,
        subject,
        proved,
        standing,
        before,
    })
}

/// Asks where `subject` stands and checks the answer, but leaves the trust store alone.
///
/// For many subjects at once, and on several threads; whoever acts on the answers looks one up with
/// [`look_up`] too, so that a log that shows two histories is found out.
///
/// # Errors
/// [`LookupError`]; nothing is known of the subject then.
pub fn look_at(
    server: &LogServer,
    log: &TrustedLog,
    subject: &Subject,
    now: Time,
) -> Result<Glance, LookupError> {
    let bytes = server.status(subject)?;
    let (subject, proved) = proved(&bytes, log, subject, now)?;
    Ok(Glance { subject, proved })
}

fn proved(
    bytes: &[u8],
    log: &TrustedLog,
    subject: &Subject,
    now: Time,
) -> Result<(Subject, VerifiedBundle), LookupError> {
    let bundle = Bundle::parse(bytes)?;
    let proved = verify(&bundle, &trusted(log), now)?;
    log.check_home(&proved)?;
    let subject = subject.clone();
    match proved.find(&subject) {
        Ok(_) => Ok((subject, proved)),
        Err(_) => Err(LookupError::other(subject)),
    }
}

/// A log of a trust file, as bundles are checked against it.
pub fn trusted(log: &TrustedLog) -> Trusted<'_> {
    Trusted {
        origin: log.origin(),
        genesis: log.genesis(),
        policy: log.policy(),
    }
}

/// A checked answer.
#[derive(Clone, Debug)]
pub struct Looked {
    bytes: Vec<u8>,
    /// What was asked about, if it was one subject.
    subject: Option<Subject>,
    proved: VerifiedBundle,
    standing: Standing,
    before: Option<Newest>,
}

impl Looked {
    /// The bundle as the log gave it, for a file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it proves.
    pub fn proved(&self) -> &VerifiedBundle {
        &self.proved
    }

    /// How its head stands to the newest one seen before.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The newest head seen before.
    pub fn before(&self) -> Option<&Newest> {
        self.before.as_ref()
    }

    /// The subject's whole history, in order of the log; empty if it is proved absent.
    pub fn history(&self) -> &[RecordedEvent] {
        match &self.subject {
            Some(subject) => history(&self.proved, subject),
            None => &[],
        }
    }

    /// The status in the subject's record; `None` if it is proved absent.
    pub fn status(&self) -> Option<Status> {
        status(&self.proved, self.subject.as_ref()?)
    }

    /// The event with this id at this index of the subject's history.
    pub fn event(&self, id: EventId, index: LeafIndex) -> Option<&Event> {
        let at = |event: &&RecordedEvent| event.index() == index && event.event().id() == id;
        self.history().iter().find(at).map(RecordedEvent::event)
    }

    /// Whether the head covers the entry at `index`.
    pub fn covers(&self, index: LeafIndex) -> bool {
        index < self.proved.state().head().index()
    }
}

/// A checked answer that no store knows of.
#[derive(Clone, Debug)]
pub struct Glance {
    subject: Subject,
    proved: VerifiedBundle,
}

impl Glance {
    /// When the quorum spoke.
    pub fn as_of(&self) -> Time {
        self.proved.as_of()
    }

    /// The subject's whole history, in order of the log; empty if it is proved absent.
    pub fn history(&self) -> &[RecordedEvent] {
        history(&self.proved, &self.subject)
    }

    /// The status in the subject's record; `None` if it is proved absent.
    pub fn status(&self) -> Option<Status> {
        status(&self.proved, &self.subject)
    }
}

fn history<'a>(proved: &'a VerifiedBundle, subject: &Subject) -> &'a [RecordedEvent] {
    match proved.find(subject) {
        Ok(Finding::Label(label)) => label.events(),
        Ok(Finding::Subject(status)) => status.events(),
        _ => &[],
    }
}

fn status(proved: &VerifiedBundle, subject: &Subject) -> Option<Status> {
    match proved.find(subject) {
        Ok(Finding::Label(label)) => Some(label.status()),
        Ok(Finding::Subject(status)) => Some(status.status()),
        _ => None,
    }
}

/// How an answer's age stands to what the reader allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Freshness {
    /// Young enough.
    Fresh {
        /// Seconds since the quorum spoke.
        age: u64,
    },
    /// Older than allowed.
    TooOld {
        /// Seconds since the quorum spoke.
        age: u64,
    },
    /// This machine's clock is behind a time that a quorum named before, so that no age is known.
    ClockBehind,
}

/// Measures the age of an answer at `now`.
///
/// `newest` is what the trust store holds; a clock more than [`CLOCK_SLACK`] behind it tells no age.
pub fn freshness(as_of: Time, now: Time, max_age: Duration, newest: Option<&Newest>) -> Freshness {
    let latest = newest.map_or(as_of, |newest| newest.as_of().max(as_of));
    if latest.seconds_since(now) > CLOCK_SLACK.as_secs() {
        return Freshness::ClockBehind;
    }
    let age = now.seconds_since(as_of);
    match age <= max_age.as_secs() {
        true => Freshness::Fresh { age },
        false => Freshness::TooOld { age },
    }
}

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The head could not be taken into the trust store, or shows a fork.
    #[error(transparent)]
    Advance(#[from] AdvanceError<TilesError>),
    /// Not a bundle.
    #[error("the log's answer is not a bundle")]
    Bundle(#[from] BundleError),
    /// The log speaks of a label of a scheme whose home it is not.
    #[error("the log's answer is about a label that is not its own")]
    NotHome(#[from] NotHome),
    /// A bundle that says nothing of what was asked.
    #[error("the log's answer proves nothing about {subject}")]
    OtherSubject {
        /// What was asked.
        subject: String,
    },
    /// The log gave no answer.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A bundle that does not hold.
    #[error("the log's answer does not hold")]
    Unverified(#[from] Unverified),
}

impl LookupError {
    pub(crate) fn other(subject: impl std::fmt::Display) -> Self {
        Self::OtherSubject {
            subject: subject.to_string(),
        }
    }
}

/// Witnesses' clocks may run ahead of ours by as much (docs/spec/state.md).
pub const CLOCK_SLACK: Duration = Duration::from_secs(300);
