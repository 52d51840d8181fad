//! Evidence as whoever gets the file sees it: it convicts the log, and with any byte changed it convicts nobody.

use labelproof::evidence::{VerifyError, verify};
use labelproof::mirror::Folder;
use labelproof::trust::TrustedLog;
use labelproof_core::evidence::{Claim, Evidence, Proven};
use labelproof_core::time::Time;
use labelproof_monitor::alert::{Alert, Proof, Rule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// The evidence of an alert, if it is one of that kind.
pub(super) fn of(alert: &Alert) -> Option<Evidence> {
    match alert.proof() {
        Proof::Evidence(evidence) => Some(evidence.clone()),
        _ => None,
    }
}

/// Judges the file of an alert with the copy of somebody who has one.
pub(super) fn check(
    evidence: &Evidence,
    log: &TrustedLog,
    copy: &Folder,
    now: Time,
    random: &mut ChaCha8Rng,
) -> Result<(), String> {
    let file = evidence.to_bytes();
    let claim = judge(&file, log, copy, now).map_err(|why| format!("convicts nobody: {why}"))?;
    if Rule::of_claim(claim) != Rule::of_claim(evidence.claim()) {
        return Err(format!("told as {}, proves {claim}", evidence.claim()));
    }
    for _ in 0..CHANGES {
        let mut changed = file.clone();
        let place = usize::try_from(random.next_u64() % changed.len() as u64).unwrap();
        let by = 1 + u8::try_from(random.next_u64() % 255).unwrap();
        changed[place] ^= by;
        if judge(&changed, log, copy, now).is_ok() {
            return Err(format!("convicts with byte {place} changed by {by}"));
        }
    }
    Ok(())
}

/// What the file proves; a fork that it proves by the way is one too.
fn judge(file: &[u8], log: &TrustedLog, copy: &Folder, now: Time) -> Result<Claim, String> {
    let evidence = Evidence::parse(file).map_err(|error| error.to_string())?;
    match verify(&evidence, log, Some(copy), now, &|_| ()) {
        Ok(Proven::Fork(_)) | Err(VerifyError::Forked(_)) => Ok(Claim::Fork),
        Ok(Proven::BackDated(_)) => Ok(Claim::BackDated),
        Ok(Proven::WrongHead(_)) => Ok(Claim::WrongHead),
        Ok(Proven::BadEntry(_)) => Ok(Claim::BadEntry),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// Bytes that are changed of each file.
const CHANGES: usize = 24;
