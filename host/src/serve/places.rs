//! Places for connections, and who gives his up when all are taken: the one that has been idle longest.
//!
//! ```text
//! idle   no request is under way: before the first, between two, or within a head that is not whole yet
//! busy   from a request's head to the last byte of its answer; never evicted
//! ```

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

/// All places of a server.
#[derive(Debug)]
pub(super) struct Places {
    cap: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    open: usize,
    /// Grows with each connection that becomes idle: the smallest has been so longest.
    next: u64,
    idle: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    evicted: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    requests: usize,
    idle: Option<u64>,
}

impl Places {
    pub(super) fn new(cap: usize) -> Arc<Self> {
        let inner = Mutex::default();
        Arc::new(Self { cap, inner })
    }

    /// Takes a place, if need be of whoever has been idle longest; none if all are busy.
    pub(super) fn take(self: &Arc<Self>) -> Option<Arc<Place>> {
        let mut inner = self.inner();
        if inner.open >= self.cap {
            let (_, evicted) = inner.idle.pop_first()?;
            evicted.notify_one();
        }
        inner.open += 1;
        let evicted = Arc::new(Notify::new());
        let idle = Some(inner.now_idle(&evicted));
        let state = State { requests: 0, idle };
        Some(Arc::new(Place {
            places: Arc::clone(self),
            evicted,
            state: Mutex::new(state),
        }))
    }

    /// Asks so many to go, those first that have been idle longest.
    pub(super) fn evict(&self, count: usize) {
        let mut inner = self.inner();
        for _ in 0..count {
            if let Some((_, evicted)) = inner.idle.pop_first() {
                evicted.notify_one();
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here can panic half way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn now_idle(&mut self, evicted: &Arc<Notify>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.idle.insert(number, Arc::clone(evicted));
        number
    }
}

impl Place {
    /// Waits until the place is given to somebody else.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Whether no request is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.state().requests == 0
    }

    /// A request begins; it ends when what this gives is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut state = self.state();
        state.requests += 1;
        if let Some(number) = state.idle.take() {
            self.places.inner().idle.remove(&number);
        }
        Busy(Arc::clone(self))
    }

    fn end(&self) {
        let mut state = self.state();
        state.requests -= 1;
        if state.requests == 0 {
            state.idle = Some(self.places.inner().now_idle(&self.evicted));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let number = self.state().idle.take();
        let mut inner = self.places.inner();
        inner.open -= 1;
        if let Some(number) = number {
            inner.idle.remove(&number);
        }
    }
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The body of an answer; its request is under way until all of it was given out.
pub(super) struct Answer {
    body: Body,
    _busy: Busy,
}

impl Answer {
    pub(super) fn new(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a place was given to somebody else.
    fn is_evicted(place: &Place) -> bool {
        let waiting = std::pin::pin!(place.evicted());
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        waiting.poll(&mut nobody).is_ready()
    }

    #[test]
    fn the_one_that_was_idle_longest_goes_and_no_busy_one() {
        let places = Places::new(3);
        let [first, second, third] = [(); 3].map(|()| places.take().unwrap());
        let busy = first.begin();
        drop(third.begin());
        // Idle since the longest: the second, then the third.
        let fourth = places.take().unwrap();
        assert!(is_evicted(&second) && !is_evicted(&third));
        drop(second);
        let fifth = places.take().unwrap();
        assert!(is_evicted(&third));
        drop(third);
        let (_fourth_busy, _fifth_busy) = (fourth.begin(), fifth.begin());
        assert!(places.take().is_none(), "all are busy");
        drop(busy);
        let _sixth = places.take().unwrap();
        assert!(is_evicted(&first));
    }

    #[test]
    fn a_place_that_is_given_up_is_free() {
        let places = Places::new(1);
        for _ in 0..3 {
            let place = places.take().unwrap();
            drop(place.begin());
            assert!(!is_evicted(&place));
        }
        assert_eq!(places.inner().open, 0);
        assert!(places.inner().idle.is_empty());
    }
}
