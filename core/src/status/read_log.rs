//! Where a maker of bundles finds entries, and why it cannot make one.

use std::sync::Arc;

use thiserror::Error;

use super::part::Part;
use crate::bundle::BundleError;
use crate::event::Subject;
use crate::merkle::LeafIndex;
use crate::refusal::Refusal;
use crate::state::key::{MapKey, MapName};
use crate::state::record::RecordError;

/// Where a maker of bundles finds entries; nothing it says is believed.
pub trait ReadLog {
    /// Why it cannot answer.
    type Error;

    /// The bytes of an entry.
    ///
    /// # Errors
    /// As the source says.
    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, Self::Error>;

    /// Where the accepted events of a subject are, in order; those past the head are ignored.
    ///
    /// `key` is that of the subject's record.
    ///
    /// # Errors
    /// As the source says.
    fn events_of(&self, subject: &Subject, key: &MapKey) -> Result<Vec<LeafIndex>, Self::Error>;

    /// Where the events are that are entered in the index of a product or a printed id, as `events_of` has them.
    ///
    /// # Errors
    /// As the source says.
    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, Self::Error>;

    /// The part of a scheme, an authority or a member, if it was kept.
    fn kept(&self, _name: &MapName) -> Option<Arc<Part>> {
        None
    }

    /// May keep a part, for other bundles of the same log.
    fn keep(&self, _part: &Arc<Part>) {}
}

/// Why a bundle cannot be made.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BuildError<E> {
    /// The log's source failed.
    #[error("cannot read the log")]
    Read(E),
    /// The source does not know all events of a subject.
    #[error("the events found for {name} are not those of its record")]
    Incomplete {
        /// Whose record it is.
        name: MapName,
    },
    /// An entry is no event.
    #[error("entry {index} is no event")]
    Entry {
        /// Its index.
        index: LeafIndex,
        /// Why.
        source: Refusal,
    },
    /// There is no bundle about the log itself.
    #[error("a bundle is about a label, an authority, a scheme or a member")]
    NoSubject,
    /// View and head do not belong together.
    #[error("the head does not commit to this view")]
    OtherHead,
    /// A record of the view is malformed.
    #[error("a record of the state is malformed")]
    Record(#[from] RecordError),
    /// The parts do not make a bundle.
    #[error("the parts do not make a bundle")]
    Bundle(#[from] BundleError),
}
