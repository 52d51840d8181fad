//! The one thread that changes the store: it takes all requests that wait and answers them together.

use std::sync::Arc;
use std::thread::JoinHandle;

use labelproof_core::note::SignatureLine;
use tokio::sync::{mpsc, oneshot};

use crate::decision::{Candidate, Refusal};
use crate::http::Metrics;
use crate::witness::Witness;

/// Where requests wait; when the last clone is dropped the thread ends.
#[derive(Clone, Debug)]
pub struct Queue(mpsc::Sender<Job>);

#[derive(Debug)]
struct Job {
    candidate: Candidate,
    answer: oneshot::Sender<Result<SignatureLine, Refusal>>,
}

impl Queue {
    /// Waits for the answer to a candidate.
    ///
    /// # Errors
    /// [`Refusal::Busy`] at once if too many wait; [`Refusal::Storage`] if the thread is gone; else what
    /// the witness says.
    pub async fn answer(&self, candidate: Candidate) -> Result<SignatureLine, Refusal> {
        let (sender, answer) = oneshot::channel();
        let job = Job {
            candidate,
            answer: sender,
        };
        self.0.try_send(job).map_err(|_| Refusal::Busy)?;
        answer.await.unwrap_or(Err(Refusal::Storage))
    }

    /// Waits until the thread is gone, which it is early only if it panicked.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// Gives a witness its thread.
#[must_use]
pub fn start(mut witness: Witness, metrics: Arc<Metrics>) -> (Queue, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::channel(MAX_WAITING);
    let thread = std::thread::spawn(move || {
        let mut jobs: Vec<Job> = Vec::new();
        while receiver.blocking_recv_many(&mut jobs, MAX_BATCH) > 0 {
            let (candidates, answers): (Vec<_>, Vec<_>) = jobs
                .drain(..)
                .map(|job| (job.candidate, job.answer))
                .unzip();
            metrics.count_batch();
            for (answer, sender) in witness.answer(&candidates).into_iter().zip(answers) {
                // Whoever asked may have gone; what was stored stays.
                let _ = sender.send(answer);
            }
        }
    });
    (Queue(sender), thread)
}

/// Requests that wait at most: two batches, at 2 ms a commit well under a second.
const MAX_WAITING: usize = 2 * MAX_BATCH;

/// Requests in one transaction; each changes at most one record of about 12 KiB.
const MAX_BATCH: usize = 512;
