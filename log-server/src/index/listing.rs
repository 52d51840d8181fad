//! Listings: lists of labels that stand under no key of the map, for people who browse.
//!
//! ```text
//! key = SHA-256("labelproof-listing/v1\n" ‖ word ‖ "\n" ‖ text)
//!   all                                every issue
//!   scheme   jp.jc-star                every issue in a scheme
//!   holder   gln:9521234000006         every issue, and every amendment, that names the holder by this id
//! ```
//! The keys share the table of the map's keys; a hash of another beginning never meets one of those. Nothing
//! proves a listing: each label in it is checked against its record, and what is missing is missed.

use labelproof_core::{
    event::{Body, Event, OrganisationId, SchemeId, Subject},
    state::key::MapKey,
};
use sha2::{Digest as _, Sha256};

/// A list of labels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listing<'a> {
    /// All of them.
    All,
    /// Those of a scheme.
    Scheme(&'a SchemeId),
    /// Those of a holder, by one of its ids.
    Holder(&'a OrganisationId),
}

impl Listing<'_> {
    /// The key under which the index keeps it.
    #[must_use]
    pub fn key(&self) -> MapKey {
        let (word, text) = match self {
            Self::All => ("all", ""),
            Self::Scheme(id) => ("scheme", id.as_str()),
            Self::Holder(id) => ("holder", id.as_str()),
        };
        let mut hasher = Sha256::new();
        hasher.update(TAG);
        hasher.update(word);
        hasher.update("\n");
        hasher.update(text);
        MapKey::from_bytes(hasher.finalize().into())
    }

    /// The keys of the listings in which an event stands.
    #[must_use]
    pub fn keys_of(event: &Event) -> Vec<MapKey> {
        let Subject::Label(label) = event.subject() else {
            return Vec::new();
        };
        let (mut listings, holder) = match event.body() {
            Body::LabelIssue(body) => (
                vec![Listing::All, Listing::Scheme(label.scheme())],
                &body.holder,
            ),
            Body::LabelAmend(body) => (Vec::new(), &body.holder),
            _ => return Vec::new(),
        };
        listings.extend(holder.ids.iter().map(Listing::Holder));
        listings.iter().map(Listing::key).collect()
    }
}

const TAG: &str = "labelproof-listing/v1\n";
