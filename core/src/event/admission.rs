//! Admission: rules that keep an event out of the log and never make a logged one invalid.
//!
//! They need what the state function must not read: a clock, and tables that change with the
//! world (Unicode, countries). A log asks them first; a client asks them before it signs.

use crate::event::Event;
use crate::refusal::Refusal;
use crate::time::Time;

/// Asks every admission rule about `event`, submitted at `now`.
///
/// # Errors
/// [`Refusal::DecidedInFuture`], [`Refusal::BadMember`] or [`Refusal::PrivateData`].
pub fn admit(event: &Event, now: Time) -> Result<(), Refusal> {
    if event.decided_at() > now.plus_seconds(MAX_AHEAD_SECONDS) {
        return Err(Refusal::DecidedInFuture);
    }
    Ok(())
}

/// Two honest clocks differ by less.
const MAX_AHEAD_SECONDS: u64 = 5 * 60;
