//! The gate before admission: how many events are judged at once, and how many may stand before it.
//!
//! ```text
//! at work   as many as there are cores
//! in line   10,000 at most with those, a quarter of the places kept for events that say they take something away
//! ```
//! What an event says of itself decides only how long its line may be; its class in the pool is decided by what it is.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use labelproof_core::event::Kind;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Problem;
use crate::{
    admission::class_of,
    pool::{Class, MAX_POOL_EVENTS},
};

/// The gate.
#[derive(Debug)]
pub(super) struct Gate {
    at_work: Semaphore,
    in_line: AtomicUsize,
}

/// A place in the line, kept until the event is judged or its request is given up.
#[derive(Debug)]
pub(super) struct InLine(Arc<Gate>);

impl Gate {
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            at_work: Semaphore::new(cores),
            in_line: AtomicUsize::new(0),
        }
    }

    /// Takes a place in the line, unless too many stand there already; at once, so that to be shed costs little.
    ///
    /// # Errors
    /// [`Problem::PoolFull`].
    pub(super) fn line_up(self: &Arc<Self>, body: &[u8]) -> Result<InLine, Problem> {
        let before = self.in_line.fetch_add(1, Ordering::Relaxed);
        let place = InLine(Arc::clone(self));
        if before >= MAX_IN_LINE / 4 * 3
            && (before >= MAX_IN_LINE || claimed(body) == Class::Grants)
        {
            return Err(Problem::PoolFull);
        }
        Ok(place)
    }

    /// Waits for a turn without a place in the line: for who keeps his place in a bounded line of his own.
    pub(super) async fn enter(&self) -> SemaphorePermit<'_> {
        let permit = self.at_work.acquire().await;
        permit.expect("the gate is never closed")
    }
}

impl InLine {
    /// Waits for a turn.
    pub(super) async fn enter(&self) -> SemaphorePermit<'_> {
        self.0.enter().await
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        self.0.in_line.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an event says that it is, without reading it.
fn claimed(body: &[u8]) -> Class {
    let says = |kind: &String| body.windows(kind.len()).any(|part| part == kind.as_bytes());
    if ADVERSE.iter().any(says) {
        Class::TakesAway
    } else {
        Class::Grants
    }
}

/// How the events that take something away name their kind, in the form in which bodies are written.
static ADVERSE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let kinds = Kind::ALL.iter();
    let adverse = kinds.filter(|kind| class_of(**kind) == Class::TakesAway);
    adverse.map(|kind| format!(r#""kind":"{kind}""#)).collect()
});
/// As many as the pool holds: about half a second of signatures on two cores.
const MAX_IN_LINE: usize = MAX_POOL_EVENTS;

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
        let gate = Arc::new(Gate::new());
        let (grant, adverse) = (br#"{"kind":"label.issue"}"#, br#"{"kind":"label.revoke"}"#);
        let mut line = Vec::new();
        while let Ok(place) = gate.line_up(grant) {
            line.push(place);
        }
        assert_eq!(line.len(), 7_500);
        while let Ok(place) = gate.line_up(adverse) {
            line.push(place);
        }
        assert_eq!(line.len(), MAX_IN_LINE);
        assert_eq!(gate.line_up(adverse).err(), Some(Problem::PoolFull));
        // Who leaves makes room.
        line.truncate(MAX_IN_LINE - 1);
        assert!(gate.line_up(adverse).is_ok());
    }

    #[test]
    fn as_many_are_at_work_as_there_are_cores_and_the_next_enters_when_one_leaves() {
        let gate = Arc::new(Gate::new());
        let mut nobody = Context::from_waker(Waker::noop());
        let place = gate.line_up(b"").unwrap();
        let mut at_work = Vec::new();
        let mut next = loop {
            let mut entering = Box::pin(place.enter());
            match entering.as_mut().poll(&mut nobody) {
                Poll::Ready(turn) => at_work.push(turn),
                Poll::Pending => break entering,
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(at_work.len(), cores);
        at_work.pop();
        assert!(pin!(&mut next).poll(&mut nobody).is_ready());
    }
}
