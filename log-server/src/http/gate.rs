//! The gate before admission: how many events are judged at once, and how many may stand before it.
//!
//! ```text
//! at work   as many as there are cores: readers get theirs from the same processor
//! waiting   10,000 at most, a quarter of the places kept for events that say they take something away
//! ```
//! What an event says of itself decides only how long its line may be; its class in the pool is decided by what it is.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Problem;
use crate::pool::{Class, MAX_POOL_EVENTS};

/// The gate.
#[derive(Debug)]
pub(super) struct Gate {
    at_work: Semaphore,
    waiting: AtomicUsize,
}

impl Gate {
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            at_work: Semaphore::new(cores),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a turn, unless too many wait already.
    ///
    /// # Errors
    /// [`Problem::PoolFull`].
    pub(super) async fn enter(&self, body: &[u8]) -> Result<SemaphorePermit<'_>, Problem> {
        if let Ok(permit) = self.at_work.try_acquire() {
            return Ok(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _leaves = Leaves(&self.waiting);
        if before >= MAX_WAITING / 4 * 3
            && (before >= MAX_WAITING || claimed(body) == Class::Grants)
        {
            return Err(Problem::PoolFull);
        }
        let permit = self.at_work.acquire().await;
        Ok(permit.expect("the gate is never closed"))
    }

    /// Waits for a turn, however many wait: for who keeps his place in a bounded line of his own.
    pub(super) async fn enter_in_turn(&self) -> SemaphorePermit<'_> {
        let permit = self.at_work.acquire().await;
        permit.expect("the gate is never closed")
    }
}

/// One fewer waits, also when the request is given up.
struct Leaves<'a>(&'a AtomicUsize);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an event says that it is, without reading it.
fn claimed(body: &[u8]) -> Class {
    let says = |kind: &[u8]| body.windows(kind.len()).any(|part| part == kind);
    if ADVERSE.iter().any(|kind| says(kind)) {
        Class::TakesAway
    } else {
        Class::Grants
    }
}

const ADVERSE: [&[u8]; 6] = [
    br#""kind":"label.revoke""#,
    br#""kind":"label.suspend""#,
    br#""kind":"label.unbind""#,
    br#""kind":"authority.key""#,
    br#""kind":"authority.withdraw""#,
    br#""kind":"member.root""#,
];
/// As many as the pool holds: about half a second of signatures on two cores.
const MAX_WAITING: usize = MAX_POOL_EVENTS;

#[cfg(test)]
mod tests {
    use std::{
        future::Future as _,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn a_full_line_keeps_a_quarter_for_what_takes_away_and_then_sheds_all() {
        let gate = Gate::new();
        let cores = gate.at_work.available_permits();
        let (grant, adverse) = (br#"{"kind":"label.issue"}"#, br#"{"kind":"label.revoke"}"#);
        let mut nobody = Context::from_waker(Waker::noop());
        let permits = gate
            .at_work
            .try_acquire_many(u32::try_from(cores).unwrap())
            .unwrap();
        let enter = |body: &'static [u8], nobody: &mut Context<'_>| {
            let mut entering = Box::pin(gate.enter(body));
            match entering.as_mut().poll(nobody) {
                Poll::Pending => Ok(entering),
                Poll::Ready(Ok(_)) => panic!("nobody left the gate"),
                Poll::Ready(Err(problem)) => Err(problem),
            }
        };
        let mut line = Vec::new();
        while let Ok(entering) = enter(grant, &mut nobody) {
            line.push(entering);
        }
        assert_eq!(line.len(), 7_500);
        while let Ok(entering) = enter(adverse, &mut nobody) {
            line.push(entering);
        }
        assert_eq!(line.len(), MAX_WAITING);
        assert_eq!(enter(adverse, &mut nobody).err(), Some(Problem::PoolFull));
        // Who gives up makes room; who is let in leaves the line.
        line.truncate(MAX_WAITING - 1);
        line.push(enter(adverse, &mut nobody).ok().unwrap());
        drop(permits);
        let mut first = pin!(line.swap_remove(0));
        assert!(first.as_mut().poll(&mut nobody).is_ready());
    }
}
