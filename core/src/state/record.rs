//! Records: the values of the state map.
//!
//! ```text
//! state  80 bytes: u8 1, u8 1, u8 status, u8 flags, u8 reason, u8 prior, 2 × 0, u64 first_index, u64 last_index,
//!                  u32 event_count, u32 0, u64 not_after, u64 successor_index, chain(32)
//! index  56 bytes: u8 1, u8 2, 6 × 0, u64 count, u64 last_index, root(32)
//! chain_k = SHA-256("labelproof-chain/v1\n" ‖ chain_{k−1} ‖ u64 index ‖ leaf hash), chain_0 = 32 × 0
//! ```
//! Integers are big-endian; "none" and "open" are 2^64 − 1; unused bytes and bits are zero, else refused.
//! When a record changes belongs to the state function.

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::key::MapType;
use crate::merkle::{LeafHash, LeafIndex, RootHash, WholeTree};
use crate::time::Time;

/// Where a label stands; authorities, schemes and members use the first, second and fifth.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Status {
    /// Issued and in force; an authority or a scheme: in force.
    Active = 1,
    /// Suspended until reinstated.
    Suspended = 2,
    /// Replaced by another label of the same issuer.
    Superseded = 3,
    /// Revoked.
    Revoked = 4,
    /// Withdrawn without blame; an authority or a scheme: withdrawn or closed.
    Withdrawn = 5,
    /// Ended because a requirement, the support or the scheme ended.
    Lapsed = 6,
    /// Void from the start.
    Annulled = 7,
}

impl Status {
    /// All statuses, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Active,
        Self::Suspended,
        Self::Superseded,
        Self::Revoked,
        Self::Withdrawn,
        Self::Lapsed,
        Self::Annulled,
    ];

    /// The number in the record.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.number() == number)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::Lapsed => "lapsed",
            Self::Annulled => "annulled",
        })
    }
}

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

/// The running hash over a subject's events.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Chain([u8; 32]);

impl Chain {
    /// The chain of no event.
    pub const EMPTY: Self = Self([0; 32]);

    /// Takes a chain as it was read from a record.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The chain with one event more.
    #[must_use]
    pub fn with(&self, index: LeafIndex, leaf: &LeafHash) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(CHAIN_TAG);
        hasher.update(self.0);
        hasher.update(index.get().to_be_bytes());
        hasher.update(leaf.as_bytes());
        Self(hasher.finalize().into())
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({})", hex::encode(self.0))
    }
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
            chain: Chain(array_at(bytes, 48)),
        })
    }
}

/// A list of events that bear on something, 56 bytes: how many, the last, and their root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IndexRecord {
    count: u64,
    last_index: LeafIndex,
    root: RootHash,
}

impl IndexRecord {
    /// Records these events, in order of the log; `None` if there is none or the order is another.
    #[must_use]
    pub fn of_events(events: &[(LeafIndex, LeafHash)]) -> Option<Self> {
        let last_index = events.last()?.0;
        if !events.is_sorted_by(|earlier, later| earlier.0 < later.0) {
            return None;
        }
        let leaves = events.iter().map(|(index, leaf)| index_leaf(*index, leaf));
        Some(Self {
            count: events.len() as u64,
            last_index,
            root: WholeTree::new(leaves).root(),
        })
    }

    /// How many events there are, at least one.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Where the newest is.
    #[must_use]
    pub const fn last_index(&self) -> LeafIndex {
        self.last_index
    }

    /// The RFC 6962 root over the leaves of [`index_leaf`].
    #[must_use]
    pub const fn root(&self) -> RootHash {
        self.root
    }

    /// Encodes the 56 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; INDEX_BYTES] {
        let mut out = [0; INDEX_BYTES];
        out[0] = VERSION;
        out[1] = KIND_INDEX;
        out[8..16].copy_from_slice(&self.count.to_be_bytes());
        out[16..24].copy_from_slice(&self.last_index.get().to_be_bytes());
        out[24..].copy_from_slice(self.root.as_bytes());
        out
    }

    /// Parses the 56 bytes; whatever is unused must be zero.
    ///
    /// # Errors
    /// [`RecordError`] for the first byte that no record has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() != INDEX_BYTES {
            return Err(RecordError::WrongLength {
                got: bytes.len(),
                want: INDEX_BYTES,
            });
        }
        check_start(bytes, KIND_INDEX)?;
        check_zero(bytes, 2..8)?;
        let (count, last_index) = (u64_at(bytes, 8), u64_at(bytes, 16));
        if count.checked_sub(1).is_none_or(|more| more > last_index) {
            return Err(RecordError::BadByte { at: 8 });
        }
        Ok(Self {
            count,
            last_index: LeafIndex::new(last_index),
            root: RootHash::from_bytes(array_at(bytes, 24)),
        })
    }
}

/// Hashes one event of an index record: the leaf `u64 index ‖ leaf hash` of its tree.
#[must_use]
pub fn index_leaf(index: LeafIndex, leaf: &LeafHash) -> LeafHash {
    let mut bytes = [0; 40];
    bytes[..8].copy_from_slice(&index.get().to_be_bytes());
    bytes[8..].copy_from_slice(leaf.as_bytes());
    LeafHash::of_entry(&bytes)
}

/// What stands under a key: which of the two is decided by the key's type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Record {
    /// Under a label, authority, scheme or member.
    State(StateRecord),
    /// Under every other key.
    Index(IndexRecord),
}

impl Record {
    /// Parses the record of a key of this type.
    ///
    /// # Errors
    /// [`RecordError`] for the first byte that no such record has.
    pub fn from_bytes(kind: MapType, bytes: &[u8]) -> Result<Self, RecordError> {
        if kind.has_state() {
            StateRecord::from_bytes(bytes).map(Self::State)
        } else {
            IndexRecord::from_bytes(bytes).map(Self::Index)
        }
    }

    /// Encodes the record.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::State(record) => record.to_bytes().to_vec(),
            Self::Index(record) => record.to_bytes().to_vec(),
        }
    }
}

/// Why bytes are no record.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum RecordError {
    /// Another length than the record's.
    #[error("a record of this kind has {want} bytes, not {got}")]
    WrongLength {
        /// Bytes found.
        got: usize,
        /// Bytes it has.
        want: usize,
    },
    /// The field that starts here has a value it cannot have.
    #[error("the field at byte {at} of the record has a value it cannot have")]
    BadByte {
        /// Where the field starts.
        at: usize,
    },
}

fn check_start(bytes: &[u8], kind: u8) -> Result<(), RecordError> {
    match (bytes[0], bytes[1]) {
        (VERSION, found) if found == kind => Ok(()),
        (VERSION, _) => Err(RecordError::BadByte { at: 1 }),
        _ => Err(RecordError::BadByte { at: 0 }),
    }
}

fn check_zero(bytes: &[u8], range: std::ops::Range<usize>) -> Result<(), RecordError> {
    let at = range.start;
    if bytes[range].iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(RecordError::BadByte { at })
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("the record's length was checked")
}

/// Length of a state record.
pub const STATE_BYTES: usize = 80;

/// Length of an index record.
pub const INDEX_BYTES: usize = 56;

/// The highest number of a reason (spec/event.md).
pub const MAX_REASON: u8 = 15;

const VERSION: u8 = 1;
const KIND_STATE: u8 = 1;
const KIND_INDEX: u8 = 2;
const ALL_FLAGS: u8 =
    Flag::SupervisorSuspension as u8 | Flag::Dated as u8 | Flag::NoValidityEffect as u8;
const NONE: u64 = u64::MAX;
const CHAIN_TAG: &[u8] = b"labelproof-chain/v1\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(seed: u8) -> LeafHash {
        LeafHash::from_bytes([seed; 32])
    }

    fn sample() -> StateRecord {
        let mut record = StateRecord::begin(LeafIndex::new(7), &leaf(1));
        record.record_event(LeafIndex::new(300), &leaf(2));
        record.set_status(Status::Revoked, 3);
        record.set_prior(Some(Status::Suspended));
        record.raise(Flag::SupervisorSuspension);
        record.set_not_after(Time::from_unix(1_800_000_000));
        record
    }

    #[test]
    fn state_record_has_its_bytes() {
        let bytes = sample().to_bytes();
        assert_eq!(
            hex::encode(&bytes[..48]),
            concat!(
                "0101040103020000",
                "0000000000000007",
                "000000000000012c",
                "0000000200000000",
                "000000006b49d200",
                "ffffffffffffffff"
            )
        );
        assert_eq!(StateRecord::from_bytes(&bytes), Ok(sample()));
    }

    #[test]
    fn unused_bytes_and_bits_are_refused() {
        let good = sample().to_bytes();
        for at in [0, 1, 6, 7, 28, 29, 30, 31] {
            for bit in 0..8 {
                let mut bytes = good;
                bytes[at] ^= 1 << bit;
                assert!(StateRecord::from_bytes(&bytes).is_err(), "byte {at}");
            }
        }
        let with = |at: usize, value: u8| {
            let mut bytes = good;
            bytes[at] = value;
            StateRecord::from_bytes(&bytes)
        };
        assert_eq!(with(2, 0), Err(RecordError::BadByte { at: 2 }));
        assert_eq!(with(2, 8), Err(RecordError::BadByte { at: 2 }));
        assert_eq!(with(2, 1), Err(RecordError::BadByte { at: 4 }));
        assert_eq!(with(3, 0x08), Err(RecordError::BadByte { at: 3 }));
        assert_eq!(with(4, 16), Err(RecordError::BadByte { at: 4 }));
        assert_eq!(with(5, 8), Err(RecordError::BadByte { at: 5 }));
        assert_eq!(with(27, 0), Err(RecordError::BadByte { at: 24 }));
        assert_eq!(with(27, 1), Err(RecordError::BadByte { at: 24 }));
        assert_eq!(with(16, 0xff).map(|_| ()), Ok(()));
        assert_eq!(with(8, 0xff), Err(RecordError::BadByte { at: 16 }));
        assert_eq!(with(33, 1), Err(RecordError::BadByte { at: 32 }));
        assert!(StateRecord::from_bytes(&good[..79]).is_err());
        assert!(StateRecord::from_bytes(&[good.as_slice(), &[0]].concat()).is_err());
        assert!(StateRecord::from_bytes(&[0; 80]).is_err());
    }

    #[test]
    fn history_is_all_events_in_order() {
        let (one, two, three) = (leaf(1), leaf(2), leaf(3));
        let at = LeafIndex::new;
        let record = sample();
        assert!(record.has_history([(at(7), &one), (at(300), &two)]));
        for wrong in [
            vec![],
            vec![(at(7), &one)],
            vec![(at(300), &two)],
            vec![(at(300), &two), (at(7), &one)],
            vec![(at(7), &one), (at(300), &three)],
            vec![(at(8), &one), (at(300), &two)],
            vec![(at(7), &one), (at(299), &two)],
            vec![(at(7), &one), (at(7), &one), (at(300), &two)],
            vec![(at(7), &one), (at(300), &two), (at(301), &three)],
        ] {
            assert!(!record.has_history(wrong));
        }
    }

    #[test]
    fn index_record_has_its_bytes() {
        let events = [
            (LeafIndex::new(2), leaf(1)),
            (LeafIndex::new(9), leaf(2)),
            (LeafIndex::new(11), leaf(3)),
        ];
        let record = IndexRecord::of_events(&events).expect("events in order");
        let bytes = record.to_bytes();
        assert_eq!(
            hex::encode(&bytes[..24]),
            "01020000000000000000000000000003000000000000000b"
        );
        assert_eq!(IndexRecord::from_bytes(&bytes), Ok(record));
        for at in 0..8 {
            let mut wrong = bytes;
            wrong[at] ^= 0x10;
            assert!(IndexRecord::from_bytes(&wrong).is_err(), "byte {at}");
        }
        let mut none = bytes;
        none[15] = 0;
        assert!(IndexRecord::from_bytes(&none).is_err());
        none[15] = 13;
        assert!(IndexRecord::from_bytes(&none).is_err());
        assert!(IndexRecord::from_bytes(&bytes[1..]).is_err());
        assert_eq!(IndexRecord::of_events(&[]), None);
        assert_eq!(IndexRecord::of_events(&[events[1], events[0]]), None);
    }

    #[test]
    fn type_of_the_key_decides_the_record() {
        let bytes = sample().to_bytes();
        assert!(Record::from_bytes(MapType::Label, &bytes).is_ok());
        assert!(Record::from_bytes(MapType::Product, &bytes).is_err());
    }
}
