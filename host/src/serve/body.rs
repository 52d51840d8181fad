//! A request body whose sender has to keep a pace.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// Ends with [`TooSlow`] when a window passes in which too little came.
///
/// Only time in which we wait for the sender counts, from the first wait on.
pub(super) struct PacedBody {
    inner: Incoming,
    limits: Limits,
    window: Option<Pin<Box<Sleep>>>,
    got: u64,
}

impl PacedBody {
    pub(super) fn new(inner: Incoming, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            window: None,
            got: 0,
        }
    }

    fn out_of_pace(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            limits,
            window,
            got,
            ..
        } = self;
        let window = window.get_or_insert_with(|| Box::pin(sleep(limits.body_window)));
        // Twice at most: a window that was just begun is not over.
        loop {
            ready!(window.as_mut().poll(cx));
            if *got < limits.body_window_bytes {
                return Poll::Ready(());
            }
            *got = 0;
            window.as_mut().reset(Instant::now() + limits.body_window);
        }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                let came = frame.data_ref().map_or(0, Bytes::len);
                self.got += u64::try_from(came).unwrap_or(u64::MAX);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.out_of_pace(cx));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The sender is slower than the limits allow.
#[derive(Debug, thiserror::Error)]
#[error("request body comes too slowly")]
pub(super) struct TooSlow;
