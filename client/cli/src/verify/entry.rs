//! A tlog-proof or a receipt from a file, with the event that it is about.

use labelproof::proof::{log_of_note, open_checkpoint, verify_entry};
use labelproof_core::{
    event::Event,
    merkle::LeafHash,
    policy::Cosigner,
    receipt::{Receipt, ReceiptError},
    time::Time,
    tlog_proof::TlogProof,
};
use labelproof_host::exit::Exit;
use serde_json::json;

use super::Bench;
use crate::{
    event::event_json,
    outcome::entry_exit,
    report::{Failure, Report, Said, Tone},
};

impl Bench<'_> {
    /// A proof that an event is in the log; says nothing of what came after.
    pub(super) fn proof(&self, name: &str, bytes: &[u8]) -> Result<Report, Failure> {
        let proof =
            TlogProof::parse(bytes).map_err(|error| Failure::on(Exit::Malformed, name, &error))?;
        let log = log_of_note(proof.note(), &self.trust).ok_or_else(|| not_ours(name))?;
        // One of several events in hand fits; the error of the last says why none does.
        let mut refused = None;
        for event in self.in_hand(name)? {
            match verify_entry(&proof, LeafHash::of_entry(event.bytes()), log, self.now) {
                Ok(seen) => {
                    let names: Vec<&str> = seen.cosigners().iter().map(Cosigner::name).collect();
                    let body = format!(
                        "  event      {} {}\n  entry      {} of {}, size {}\n  witnessed  yes, as of {}: {}\n  \
                         status     not said: this proves that it was logged, not that it still stands\n",
                        event.kind(),
                        event.id(),
                        proof.index(),
                        log.origin(),
                        seen.head().size(),
                        seen.as_of(),
                        names.join(" ")
                    );
                    let mut result = event_json(event);
                    result["kind_of_file"] = json!("tlog-proof");
                    result["index"] = json!(proof.index().get());
                    result["size"] = json!(seen.head().size().get());
                    result["as_of"] = json!(seen.as_of().to_string());
                    result["cosigners"] = json!(names);
                    return Ok(answer("LOGGED", event, body, result));
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(match refused {
            Some(error) => Failure::on(entry_exit(&error), name, &error),
            None => Failure::new(Exit::Malformed, format!("{name}: no event is in hand")),
        })
    }

    /// A log's promise to publish an event.
    pub(super) fn receipt(&self, name: &str, bytes: &[u8]) -> Result<Report, Failure> {
        let proof =
            TlogProof::parse(bytes).map_err(|error| Failure::on(Exit::Malformed, name, &error))?;
        let log = log_of_note(proof.note(), &self.trust).ok_or_else(|| not_ours(name))?;
        let signed = open_checkpoint(proof.note().clone(), log)
            .map_err(|error| Failure::on(entry_exit(&error), name, &error))?;
        let mut refused = None;
        for event in self.in_hand(name)? {
            match Receipt::open(&proof, LeafHash::of_entry(event.bytes()), signed.log_key()) {
                Ok(receipt) if receipt.head().genesis() != log.genesis() => {
                    return Err(Failure::new(
                        Exit::NotInLog,
                        format!(
                            "{name}: is of a log whose entry 0 has leaf hash {}, trusted is {}",
                            receipt.head().genesis(),
                            log.genesis()
                        ),
                    ));
                }
                Ok(receipt) => {
                    let deadline =
                        Time::from_unix(receipt.deadline_ms() / 1_000).unwrap_or(Time::MAX);
                    let body = format!(
                        "  event      {} {}\n  entry      {} of {}\n  witnessed  not yet: the log promises it \
                         by {deadline}\n  status     not said\n",
                        event.kind(),
                        event.id(),
                        receipt.index(),
                        log.origin()
                    );
                    let mut result = event_json(event);
                    result["kind_of_file"] = json!("receipt");
                    result["index"] = json!(receipt.index().get());
                    result["deadline"] = json!(deadline.to_string());
                    return Ok(answer("PROMISED", event, body, result));
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(match refused {
            Some(error) => Failure::on(receipt_exit(&error), name, &error),
            None => Failure::new(Exit::Malformed, format!("{name}: no event is in hand")),
        })
    }

    fn in_hand(&self, name: &str) -> Result<&[Event], Failure> {
        self.events.as_deref().ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!("{name}: a proof of an event needs the event"),
            )
            .next("name the signed note, or NAME.events.jsonl, with --event")
        })
    }
}

fn answer(word: &str, event: &Event, body: String, result: serde_json::Value) -> Report {
    let said = Said::Answer {
        tone: Tone::Good,
        word: word.into(),
        about: event.subject().to_string(),
        body,
    };
    Report {
        exit: Exit::Done,
        said: vec![said],
        result,
    }
}

fn receipt_exit(error: &ReceiptError) -> Exit {
    match error {
        ReceiptError::Checkpoint(_) => Exit::NotSigned,
        ReceiptError::Extensions | ReceiptError::Extra | ReceiptError::Head(_) => Exit::Malformed,
        _ => Exit::NotInLog,
    }
}

fn not_ours(name: &str) -> Failure {
    Failure::new(
        Exit::NotSigned,
        format!("{name}: its checkpoint is of a log that the trust file does not name"),
    )
}
