//! Packs: many products under one head, fetched in one request and checked on every core.
//!
//! ```text
//! POST /v1/pack   gtin 09521234001010     one subject a line ─▶ a pack (docs/spec/state.md)
//! ```
//! Threads are here and not in `core`: entries are parsed and signatures verified in parts, and the checks that
//! decide run over the parts as they would without.

use std::thread;

use labelproof_core::{
    bundle::Bundle,
    event::Subject,
    state::SignatureMemo,
    status::{
        ParsedEntries, SignatureCheck, Unverified, VerifiedBundle, event_entries,
        pack::PackSubject, signatures_to_check, verify_with,
    },
    time::Time,
};

use crate::{
    log_server::LogServer,
    lookup::{Looked, LookupError, taken, trusted},
    trust::{TrustedLog, store::TrustStore},
};

/// Asks `server` for one pack of all `subjects`, checks it at `now`, and takes its head into the store.
///
/// # Errors
/// [`LookupError`]; nothing is known of any subject then.
pub fn fetch(
    server: &LogServer,
    log: &TrustedLog,
    store: &TrustStore,
    subjects: &[PackSubject],
    now: Time,
) -> Result<Looked, LookupError> {
    let bytes = server.pack(subjects)?;
    let bundle = Bundle::parse(&bytes)?;
    let proved = verify(&bundle, log, now)?;
    log.check_home(&proved)?;
    for subject in subjects {
        let said = match subject {
            PackSubject::Product(gtin) => proved.product(gtin).is_ok(),
            PackSubject::Label(label) => proved.find(&Subject::Label(label.clone())).is_ok(),
        };
        if !said {
            return Err(LookupError::other(subject));
        }
    }
    taken(server, log, store, None, bytes, proved)
}

/// Checks a bundle or pack as [`labelproof_core::status::verify`] does, on as many threads as there are cores.
///
/// Whether the log is the home of its labels is [`TrustedLog::check_home`]'s.
///
/// # Errors
/// [`Unverified`]; nothing of it may be used then.
pub fn verify(bundle: &Bundle, log: &TrustedLog, now: Time) -> Result<VerifiedBundle, Unverified> {
    let mut parsed = ParsedEntries::default();
    for part in in_parts(event_entries(bundle), ParsedEntries::parse) {
        parsed.append(part?);
    }
    let mut memo = SignatureMemo::empty();
    for part in in_parts(&signatures_to_check(&parsed), SignatureCheck::verify) {
        memo.merge(part);
    }
    verify_with(bundle, &parsed, &trusted(log), now, &memo)
}

/// Does the same to each part of a list, at once, and gives the results in order.
fn in_parts<T: Sync, R: Send>(all: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MAX_THREADS);
    let size = all.len().div_ceil(threads).max(MIN_PART);
    let mut parts = all.chunks(size);
    let first = parts.next().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(|| work(part))).collect();
        let mut results = vec![work(first)];
        for other in others {
            results.push(other.join().expect("what runs on a thread does not panic"));
        }
        results
    })
}

/// More would wait for memory, not for a core.
const MAX_THREADS: usize = 16;

/// A thread costs some tens of microseconds, a signature as many.
const MIN_PART: usize = 64;
