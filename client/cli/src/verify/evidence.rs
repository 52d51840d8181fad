//! Evidence from a file: whether a log of the trust file misbehaved.

use labelproof::trust::TrustedLog;
use labelproof_core::evidence::{Evidence, EvidenceError, ProvenFork};
use labelproof_host::exit::Exit;
use serde_json::json;

use super::Bench;
use crate::report::{Failure, Report, Said, Tone};

impl Bench<'_> {
    pub(super) fn evidence(&self, name: &str, bytes: &[u8]) -> Result<Report, Failure> {
        let evidence =
            Evidence::parse(bytes).map_err(|error| Failure::on(Exit::Malformed, name, &error))?;
        let log = self.trust.log(evidence.origin()).ok_or_else(|| {
            let what = format!(
                "{name}: log {} is not in the trust file, so its key is unknown",
                evidence.origin()
            );
            Failure::new(Exit::NotSigned, what)
        })?;
        let fork = judged(&evidence, log)
            .map_err(|error| Failure::on(evidence_exit(&error), name, &error))?;
        let (smaller, larger) = (fork.smaller().head(), fork.larger().head());
        let body = format!(
            "  claim      fork: it signed heads that no one log can have\n  size {:>6} root {}\n  size {:>6} root {}\n  \
             Trust nothing that this log says.\n",
            smaller.size(),
            smaller.root(),
            larger.size(),
            larger.root()
        );
        let said = Said::Answer {
            tone: Tone::Bad,
            word: "THE LOG MISBEHAVED".into(),
            about: evidence.origin().to_string(),
            body,
        };
        let result = json!({
            "kind": "evidence", "claim": evidence.claim().to_string(), "origin": evidence.origin().as_str(),
            "heads": [
                { "size": smaller.size().get(), "root": smaller.root().to_string() },
                { "size": larger.size().get(), "root": larger.root().to_string() },
            ],
        });
        Ok(Report {
            exit: Exit::LogMisbehaved,
            said: vec![said],
            result,
        })
    }
}

/// By whichever of the log's keys it holds; the error of the last.
fn judged(evidence: &Evidence, log: &TrustedLog) -> Result<ProvenFork, EvidenceError> {
    let mut judged = Err(EvidenceError::OtherLog);
    for key in log.policy().logs() {
        judged = evidence.verify(key.vkey());
        if judged.is_ok() {
            break;
        }
    }
    judged
}

fn evidence_exit(error: &EvidenceError) -> Exit {
    match error {
        EvidenceError::Malformed { .. } | EvidenceError::Digest | EvidenceError::Sizes => {
            Exit::Malformed
        }
        EvidenceError::Checkpoint(_) | EvidenceError::OtherLog => Exit::NotSigned,
        EvidenceError::Proof(_) | EvidenceError::NoFork => Exit::NotInLog,
        EvidenceError::NotDecidable { .. } => Exit::Undecidable,
        _ => Exit::Internal,
    }
}
