//! Packs: many products under one head, fetched in one request and checked on every core.
//!
//! ```text
//! POST /v1/pack   gtin 09521234001010     one subject a line ─▶ a pack (docs/spec/state.md)
//! ```

use labelproof_core::{
    bundle::{Bundle, BundleError},
    event::Subject,
    status::{Unverified, VerifiedBundle, pack::PackSubject, verify_with},
    time::Time,
};
use labelproof_host::hands::Cores;

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
    let bundle = read(&bytes)?;
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

/// Reads a bundle or pack as [`Bundle::parse`] does, on every core.
///
/// # Errors
/// [`BundleError`] unless writing the result gives the same bytes again.
pub fn read(file: &[u8]) -> Result<Bundle, BundleError> {
    Bundle::parse_with(file, &Cores)
}

/// Checks a bundle or pack as [`labelproof_core::status::verify`] does, on every core.
///
/// Whether the log is the home of its labels is [`TrustedLog::check_home`]'s.
///
/// # Errors
/// [`Unverified`]; nothing of it may be used then.
pub fn verify(bundle: &Bundle, log: &TrustedLog, now: Time) -> Result<VerifiedBundle, Unverified> {
    verify_with(bundle, &trusted(log), now, &Cores)
}
