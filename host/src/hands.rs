//! Hands with threads: a list shared out among the cores, and jobs done ahead of who takes them.
//!
//! ```text
//! Cores       list ─cut─▶ parts ─every core takes the next─▶ results in order
//! in_order    job, job, job … ─every core takes the next─▶ results, taken in order by one thread
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use labelproof_core::hands::Hands;

/// As many hands as there are cores.
#[derive(Clone, Copy, Debug)]
pub struct Cores;

impl Hands for Cores {
    fn in_parts<T: Sync, R: Send>(&self, all: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
        // Several parts a core, for parts take longer on a core that others use too.
        let size = all.len().div_ceil(cores() * PARTS_A_CORE).max(MIN_PART);
        let parts: Vec<&[T]> = all.chunks(size).collect();
        if parts.len() < 2 {
            return vec![work(all)];
        }
        let next = AtomicUsize::new(0);
        let some = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                match parts.get(at) {
                    Some(part) => done.push((at, work(part))),
                    None => return done,
                }
            }
        };
        let mut done = thread::scope(|scope| {
            let others = cores().min(parts.len()) - 1;
            let others: Vec<_> = (0..others).map(|_| scope.spawn(some)).collect();
            let mut done = some();
            for other in others {
                done.extend(other.join().expect(NO_PANIC));
            }
            done
        });
        done.sort_unstable_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// Does `work` to each job on every core, and hands the results to `take` in order of the jobs, on this thread.
///
/// No more than a few jobs a core are under way or wait to be taken, so that `jobs` may be endless.
///
/// # Errors
/// The first of `take`; nothing is taken after it.
pub fn in_order<J: Send, R: Send, E>(
    jobs: impl IntoIterator<Item = J>,
    work: impl Fn(J) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let (give, given) = mpsc::channel::<(J, mpsc::SyncSender<R>)>();
    let given = Mutex::new(given);
    let worker = || {
        let next = || given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok((job, result)) = next() {
            // Nobody waits for it any more after an error.
            let _ = result.send(work(job));
        }
    };
    thread::scope(|scope| {
        // Taken into this scope, so that the workers end when it does.
        let give = give;
        for _ in 0..cores() {
            scope.spawn(worker);
        }
        let mut jobs = jobs.into_iter();
        let mut waiting = VecDeque::new();
        loop {
            while waiting.len() < cores() * JOBS_A_CORE {
                let Some(job) = jobs.next() else { break };
                let (result, slot) = mpsc::sync_channel(1);
                give.send((job, result)).expect("workers wait for jobs");
                waiting.push_back(slot);
            }
            match waiting.pop_front() {
                Some(slot) => take(slot.recv().expect(NO_PANIC))?,
                None => return Ok(()),
            }
        }
    })
}

fn cores() -> usize {
    thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS)
}

/// More would wait for memory, not for a core.
const MAX_THREADS: usize = 16;

/// So that the last one to end is an eighth late at most.
const PARTS_A_CORE: usize = 8;

/// A thread costs some tens of microseconds, what is shared out about as many each.
const MIN_PART: usize = 64;

/// One that is done, one that waits, and some for when taking stops for a moment.
const JOBS_A_CORE: usize = 4;

const NO_PANIC: &str = "what runs on a thread does not panic";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_consecutive_and_results_in_order() {
        for count in [0, 1, 63, 64, 65, 1_000, 10_001] {
            let all: Vec<u32> = (0..count).collect();
            let parts = Cores.in_parts(&all, <[u32]>::to_vec);
            assert!(!parts.is_empty());
            assert_eq!(parts.concat(), all);
        }
    }

    #[test]
    fn the_first_error_in_order_is_told() {
        let all: Vec<u32> = (0..10_000).collect();
        for wrong in [0, 5, 4_999, 9_999] {
            let tried = Cores.try_each(&all, |at| if *at < wrong { Ok(*at) } else { Err(*at) });
            assert_eq!(tried, Err(wrong));
        }
        assert_eq!(Cores.try_each(&all, |at| Ok::<_, ()>(*at)), Ok(all));
    }

    #[test]
    fn jobs_are_taken_in_order_and_none_after_an_error() {
        let mut taken = Vec::new();
        let all = in_order(
            0..1_000,
            |job| job * 2,
            |result| {
                taken.push(result);
                Ok::<_, ()>(())
            },
        );
        assert_eq!(all, Ok(()));
        assert!(taken.iter().copied().eq((0..1_000).map(|job| job * 2)));
        let mut last = None;
        // Without an end: only a few are done ahead.
        let stopped = in_order(
            0_u64..,
            |job| job,
            |result| {
                last = Some(result);
                if result == 777 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((stopped, last), (Err("enough"), Some(777)));
    }
}
