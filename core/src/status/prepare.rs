//! The work of a verification that can be shared out: entries parsed, signatures verified.
//!
//! ```text
//! entries ─parse, in parts─▶ events ─ the keys that they add ─▶ signatures ─verify, in parts─▶ memo
//! ```
//! A memo saves time and decides nothing: what is not in it, the state function verifies.

use std::sync::Arc;

use super::Unverified;
use crate::bundle::{Bundle, BundleEntry};
use crate::event::Event;
use crate::hands::Hands;
use crate::merkle::LeafHash;
use crate::state::{AuthorityKeys, SignatureMemo};

/// An entry as an event, with its leaf hash.
pub(super) type Parsed = (LeafHash, Arc<Event>);

/// The entries of a bundle that are events: all but the state head at its end.
pub(super) fn event_entries(bundle: &Bundle) -> &[BundleEntry] {
    let (_, events) = bundle.entries().split_last().expect("a bundle has a head");
    events
}

/// Parses the entries that are events.
///
/// # Errors
/// [`Unverified::Entry`] for the first entry that is no event.
pub(super) fn parse(bundle: &Bundle, hands: &impl Hands) -> Result<Vec<Parsed>, Unverified> {
    hands.try_each(event_entries(bundle), |entry| {
        match Event::parse(entry.bytes()) {
            Ok(event) => Ok((event.leaf(), Arc::new(event))),
            Err(source) => Err(Unverified::Entry {
                index: entry.index(),
                source,
            }),
        }
    })
}

/// Verifies the signatures of labels' events by keys that an authority of the bundle has or had.
pub(super) fn verify_signatures(parsed: &[Parsed], hands: &impl Hands) -> SignatureMemo {
    let keys = AuthorityKeys::claimed(parsed.iter().map(|(_, event)| &**event));
    let parts = hands.in_parts(parsed, |part| {
        let mut memo = SignatureMemo::empty();
        for (_, event) in part {
            memo.merge(keys.verify(event));
        }
        memo
    });
    let merged = parts.into_iter().reduce(|mut all, part| {
        all.merge(part);
        all
    });
    merged.unwrap_or_default()
}
