//! What our HTTP services answer with: documents that readers may keep, pages for people, problems, strict queries.
//!
//! ```text
//! accept     which form of an answer a reader wants
//! address    the parts of an address, which are text
//! document   bytes with a tag: 304 where nothing changed
//! html       plain pages, escaped, that load nothing from elsewhere
//! moment     times as people read them
//! open       what scripts of any page may read
//! places     what may only be done so often at once
//! problem    application/problem+json (RFC 9457)
//! query      ?a=b, each known and once
//! stream     server-sent events, a place for each reader
//! tone       the answer in its box
//! ```
//! What there is to say belongs to the services; connections belong to [`crate::serve`].

mod accept;
mod address;
mod document;
mod html;
mod moment;
mod open;
mod places;
pub mod problem;
mod query;
pub mod stream;
pub mod tone;

pub use accept::choose;
pub use address::{Address, NoText};
pub use document::{Document, NO_CACHE, NO_STORE, has_named};
pub use html::{Html, Shell, fact};
pub use moment::{ago, moment};
pub use open::open_to_browsers;
pub use places::{Place, Places};
pub use query::{BadQuery, Query};
pub use tone::Tone;
