//! State records: what the map holds of a label, an authority, a scheme or a member.
//!
//! ```text
//! 80 bytes: u8 1, u8 1, u8 status, u8 flags, u8 reason, u8 prior, 2 × 0, u64 first_index, u64 last_index,
//!           u32 event_count, u32 0, u64 not_after, u64 successor_index, chain(32)
//! ```
//! "None" and "open" are 2^64 − 1.

use super::{Chain, RecordError, Status, VERSION, array_at, check_start, check_zero, u64_at};
use crate::merkle::{LeafHash, LeafIndex};
use crate::time::Time;

/// What a record notes beside its status; bit 1 is the least significant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Flag {
    /// Bit 1: a supervisor's suspension stands.
    SupervisorSuspension = 0x01,
    /// Bit 2: some event has a later `effective_from` or an `effective_until`.
    Dated = 0x02,
    /// Bit 3: the standing suspension has `validity_effect: none`.
    NoValidityEffect = 0x04,
}

/// The state of a label, authority, scheme or member, 80 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StateRecord {
    status: Status,
    flags: u8,
    reason: u8,
    prior: Option<Status>,
    first_index: LeafIndex,
    last_index: LeafIndex,
    event_count: u32,
    not_after: Option<Time>,
    successor_index: Option<LeafIndex>,
    chain: Chain,
}

impl StateRecord {
    /// The record after a subject's first event: active, open, nothing noted.
    #[must_use]
    pub fn begin(index: LeafIndex, leaf: &LeafHash) -> Self {
        Self {
            status: Status::Active,
            flags: 0,
            reason: 0,
            prior: None,
            first_index: index,
            last_index: index,
            event_count: 1,
            not_after: None,
            successor_index: None,
            chain: Chain::EMPTY.with(index, leaf),
        }
    }

    /// Counts and chains one event more.
    ///
    /// # Panics
    /// If `index` is not greater than the last one, or after 2^32 − 1 events.
    pub fn record_event(&mut self, index: LeafIndex, leaf: &LeafHash) {
        assert!(index > self.last_index, "events come in order of the log");
        self.last_index = index;
        self.event_count = self
            .event_count
            .checked_add(1)
            .expect("a subject has fewer than 2^32 events");
        self.chain = self.chain.with(index, leaf);
    }

    /// Sets the status and the number of the reason of the event that set it; active has none.
    ///
    /// # Panics
    /// If the reason is none of the enumeration, or an active status has one.
    pub fn set_status(&mut self, status: Status, reason: u8) {
        assert!(reason <= MAX_REASON, "reasons are numbered 0 to 15");
        assert!(
            status != Status::Active || reason == 0,
            "an active record has no reason"
        );
        self.status = status;
        self.reason = reason;
    }

    /// Sets the status that an annul would restore.
    pub fn set_prior(&mut self, prior: Option<Status>) {
        self.prior = prior;
    }

    /// Sets a flag.
    pub fn raise(&mut self, flag: Flag) {
        self.flags |= flag as u8;
    }

    /// Clears a flag.
    pub fn lower(&mut self, flag: Flag) {
        self.flags &= !(flag as u8);
    }

    /// Sets the end of validity; `None` is open.
    pub fn set_not_after(&mut self, not_after: Option<Time>) {
        self.not_after = not_after;
    }

    /// Sets the index of the successor's issue; of an authority or a scheme, its cut.
    pub fn set_successor_index(&mut self, index: Option<LeafIndex>) {
        self.successor_index = index;
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Whether the flag is set.
    #[must_use]
    pub const fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }

    /// The number of the reason of the event that set the status, 0 if active.
    #[must_use]
    pub const fn reason(&self) -> u8 {
        self.reason
    }

    /// The status that an annul would restore.
    #[must_use]
    pub const fn prior(&self) -> Option<Status> {
        self.prior
    }

    /// Where its first event is.
    #[must_use]
    pub const fn first_index(&self) -> LeafIndex {
        self.first_index
    }

    /// Where its newest event is.
    #[must_use]
    pub const fn last_index(&self) -> LeafIndex {
        self.last_index
    }

    /// How many events it has, at least one.
    #[must_use]
    pub const fn event_count(&self) -> u32 {
        self.event_count
    }

    /// The end of validity; `None` is open.
    #[must_use]
    pub const fn not_after(&self) -> Option<Time> {
        self.not_after
    }

    /// The index of the successor's issue; of an authority or a scheme, its cut.
    #[must_use]
    pub const fn successor_index(&self) -> Option<LeafIndex> {
        self.successor_index
    }

    /// The hash over its events.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Whether these are all its events, in order.
    #[must_use]
    pub fn has_history<'a>(
        &self,
        events: impl IntoIterator<Item = (LeafIndex, &'a LeafHash)>,
    ) -> bool {
        let mut replayed: Option<Self> = None;
        for (index, leaf) in events {
            match &mut replayed {
                None => replayed = Some(Self::begin(index, leaf)),
                Some(record) if index > record.last_index => record.record_event(index, leaf),
                Some(_) => return false,
            }
        }
        replayed.is_some_and(|record| {
            record.first_index == self.first_index
                && record.last_index == self.last_index
                && record.event_count == self.event_count
                && record.chain == self.chain
        })
    }

    /// Encodes the 80 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; STATE_BYTES] {
        let mut out = [0; STATE_BYTES];
        out[0] = VERSION;
        out[1] = KIND_STATE;
        out[2] = self.status.number();
        out[3] = self.flags;
        out[4] = self.reason;
        out[5] = self.prior.map_or(0, Status::number);
        out[8..16].copy_from_slice(&self.first_index.get().to_be_bytes());
        out[16..24].copy_from_slice(&self.last_index.get().to_be_bytes());
        out[24..28].copy_from_slice(&self.event_count.to_be_bytes());
        let not_after = self.not_after.map_or(NONE, Time::unix);
        out[32..40].copy_from_slice(&not_after.to_be_bytes());
        let successor = self.successor_index.map_or(NONE, LeafIndex::get);
        out[40..48].copy_from_slice(&successor.to_be_bytes());
        out[48..].copy_from_slice(self.chain.as_bytes());
        out
    }

    /// Parses the 80 bytes; whatever is unused must be zero.
    ///
    /// # Errors
    /// [`RecordError`] for the first byte that no record has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() != STATE_BYTES {
            return Err(RecordError::WrongLength {
                got: bytes.len(),
                want: STATE_BYTES,
            });
        }
        check_start(bytes, KIND_STATE)?;
        let status = Status::from_number(bytes[2]).ok_or(RecordError::BadByte { at: 2 })?;
        if bytes[3] & !ALL_FLAGS != 0 {
            return Err(RecordError::BadByte { at: 3 });
        }
        if bytes[4] > MAX_REASON || (status == Status::Active && bytes[4] != 0) {
            return Err(RecordError::BadByte { at: 4 });
        }
        let prior = match bytes[5] {
            0 => None,
            number => Some(Status::from_number(number).ok_or(RecordError::BadByte { at: 5 })?),
        };
        check_zero(bytes, 6..8)?;
        check_zero(bytes, 28..32)?;
        let (first_index, last_index) = (u64_at(bytes, 8), u64_at(bytes, 16));
        let event_count = u32::from_be_bytes(array_at(bytes, 24));
        // Indices of one subject strictly increase, so a first and a last bound how many there are.
        let further = last_index
            .checked_sub(first_index)
            .ok_or(RecordError::BadByte { at: 16 })?;
        let counted = u64::from(event_count).checked_sub(1);
        if !counted.is_some_and(|more| more <= further && (more == 0) == (further == 0)) {
            return Err(RecordError::BadByte { at: 24 });
        }
        let not_after = match u64_at(bytes, 32) {
            NONE => None,
            seconds => Some(Time::from_unix(seconds).ok_or(RecordError::BadByte { at: 32 })?),
        };
        let successor = u64_at(bytes, 40);
        Ok(Self {
            status,
            flags: bytes[3],
            reason: bytes[4],
            prior,
            first_index: LeafIndex::new(first_index),
            last_index: LeafIndex::new(last_index),
            event_count,
            not_after,
            successor_index: (successor != NONE).then(|| LeafIndex::new(successor)),
            chain: Chain::from_bytes(array_at(bytes, 48)),
        })
    }
}

/// Length of a state record.
pub const STATE_BYTES: usize = 80;

/// The highest number of a reason (spec/event.md).
pub const MAX_REASON: u8 = 15;

const KIND_STATE: u8 = 1;
const ALL_FLAGS: u8 =
    Flag::SupervisorSuspension as u8 | Flag::Dated as u8 | Flag::NoValidityEffect as u8;
const NONE: u64 = u64::MAX;
