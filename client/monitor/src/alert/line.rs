//! One alert as one line of JSON: what the journal holds, what is sent, what others read.
//!
//! ```text
//! "proof":{"kind":"entry","entry":"<the signed note>","proof":"<a tlog-proof>"}
//!         {"kind":"evidence","evidence":"<an evidence file>"}
//!         {"kind":"receipt","receipt":"<a receipt>","leaf":"<leaf hash, base64>"}
//!         {"kind":"seen","notes":["<a signed note>", …]}
//! "event":{"index":4711,"id":"9f86…","kind":"label.revoke","subject":"jp.jc-star/EX-000123","reason":"vulnerability"}
//! ```
//! Members are the closed set above and in `alert`; `origin` and `event` are absent where there is none. A line reads
//! back to the alert it was made of, or not at all.

use labelproof_core::{
    checkpoint::Origin,
    event::{Event, EventId, Kind, ReasonCode, Subject},
    evidence::Evidence,
    note::Note,
    time::Time,
    tlog_proof::TlogProof,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Alert, AlertId, FORMAT, Occasion, Proof, Rule, Severity};

/// An alert and its place in the journal, from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Numbered {
    number: u64,
    alert: Alert,
}

impl Numbered {
    /// An alert at this place.
    #[must_use]
    pub(crate) fn new(number: u64, alert: Alert) -> Self {
        Self { number, alert }
    }

    /// Its place.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The alert.
    #[must_use]
    pub fn alert(&self) -> &Alert {
        &self.alert
    }

    /// The line, without a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let alert = &self.alert;
        let line = Line {
            format: FORMAT.to_owned(),
            number: self.number,
            id: alert.id,
            rule: alert.rule.clone(),
            severity: alert.severity,
            at: alert.at.to_string(),
            origin: alert.origin.as_ref().map(ToString::to_string),
            occasion: alert.occasion.to_string(),
            title: alert.title.clone(),
            detail: alert.detail.clone(),
            event: event_of(alert),
            proof: ProofLine::of(&alert.proof),
        };
        serde_json::to_string(&line).expect("texts and plain values only")
    }

    /// Reads a line, without a newline.
    ///
    /// # Errors
    /// [`LineError`], also for a line that would be written otherwise.
    pub fn from_json(text: &str) -> Result<Self, LineError> {
        #[derive(Deserialize)]
        struct Probe {
            format: String,
        }
        if text.len() > MAX_ALERT_BYTES {
            return Err(LineError::TooLong { bytes: text.len() });
        }
        let probe: Probe = serde_json::from_str(text)?;
        if probe.format != FORMAT {
            return Err(LineError::OtherFormat {
                format: probe.format,
            });
        }
        let line: Line = serde_json::from_str(text)?;
        let number = line.number;
        let claimed = line.id;
        let alert = line.read().ok_or(LineError::BadProof)?;
        if alert.id != claimed {
            return Err(LineError::OtherId { id: claimed });
        }
        let numbered = Self { number, alert };
        if numbered.to_json() == text {
            Ok(numbered)
        } else {
            Err(LineError::NotCanonical)
        }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    format: String,
    number: u64,
    id: AlertId,
    rule: Rule,
    severity: Severity,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    occasion: String,
    title: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventLine>,
    proof: ProofLine,
}

impl Line {
    fn read(self) -> Option<Alert> {
        let origin = match self.origin {
            Some(origin) => Some(origin.parse::<Origin>().ok()?),
            None => None,
        };
        let occasion: Occasion = self.occasion.parse().ok()?;
        let at: Time = self.at.parse().ok()?;
        let proof = self.proof.read()?;
        if let (Proof::Entry { proof, .. }, Occasion::Entry(index)) = (&proof, &occasion)
            && proof.index() != *index
        {
            return None;
        }
        Some(Alert {
            id: AlertId::of(&self.rule, origin.as_ref(), &occasion),
            rule: self.rule,
            severity: self.severity,
            at,
            origin,
            occasion,
            title: self.title,
            detail: self.detail,
            proof,
        })
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EventLine {
    index: u64,
    id: EventId,
    kind: Kind,
    subject: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReasonCode>,
}

/// What a reader wants to know before it opens the proof; it says nothing that the entry does not.
fn event_of(alert: &Alert) -> Option<EventLine> {
    let Proof::Entry { event, proof } = &alert.proof else {
        return None;
    };
    Some(EventLine {
        index: proof.index().get(),
        id: event.id(),
        kind: event.kind(),
        subject: event.subject().clone(),
        reason: event.reason().map(labelproof_core::event::Reason::code),
    })
}

#[derive(Deserialize, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    rename_all_fields = "lowercase",
    deny_unknown_fields
)]
enum ProofLine {
    Entry { entry: String, proof: String },
    Evidence { evidence: String },
    Receipt { receipt: String, leaf: String },
    Seen { notes: Vec<String> },
}

impl ProofLine {
    fn of(proof: &Proof) -> Self {
        match proof {
            Proof::Entry { event, proof } => Self::Entry {
                entry: event.note().to_string(),
                proof: proof.to_string(),
            },
            Proof::Evidence(evidence) => Self::Evidence {
                evidence: evidence.to_string(),
            },
            Proof::Receipt { receipt, leaf } => Self::Receipt {
                receipt: receipt.to_string(),
                leaf: leaf.to_string(),
            },
            Proof::Seen(notes) => Self::Seen {
                notes: notes.iter().map(ToString::to_string).collect(),
            },
        }
    }

    fn read(self) -> Option<Proof> {
        let read_proof = |text: &str| TlogProof::parse(text.as_bytes()).ok();
        Some(match self {
            Self::Entry { entry, proof } => Proof::Entry {
                event: Box::new(Event::parse(entry.as_bytes()).ok()?),
                proof: read_proof(&proof)?,
            },
            Self::Evidence { evidence } => {
                Proof::Evidence(Evidence::parse(evidence.as_bytes()).ok()?)
            }
            Self::Receipt { receipt, leaf } => Proof::Receipt {
                receipt: read_proof(&receipt)?,
                leaf: leaf.parse().ok()?,
            },
            Self::Seen { notes } => {
                let notes = notes.iter().map(|note| Note::parse(note.as_bytes()).ok());
                Proof::Seen(notes.collect::<Option<_>>()?)
            }
        })
    }
}

/// Why a line is no alert.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LineError {
    /// It is over the limit.
    #[error("{bytes} bytes are more than an alert has")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// Not JSON, or members are missing, unknown or of another type.
    #[error("not an alert in JSON")]
    Json(#[from] serde_json::Error),
    /// Another format, perhaps of a newer version.
    #[error("its format is {format:?}, and this program reads {FORMAT}")]
    OtherFormat {
        /// Which.
        format: String,
    },
    /// A time, an origin, an occasion or a part of the proof is malformed.
    #[error("a time, a name or a proof in it is malformed")]
    BadProof,
    /// The id is not that of its rule, origin and occasion.
    #[error("its id {id} is not that of its rule, origin and occasion")]
    OtherId {
        /// The id in the line.
        id: AlertId,
    },
    /// It says the right thing in another way than this program writes it.
    #[error("it is not written as alerts are written")]
    NotCanonical,
}

/// Two tlog-proofs with 64 signatures each in base64 are 60 KiB, an entry 16 KiB; JSON writes some bytes as two.
pub const MAX_ALERT_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::{Blindness, Observation},
        name::Name,
        samples,
    };
    use labelproof_core::merkle::TreeSize;

    fn one_of_each() -> Vec<Alert> {
        let at = samples::at(0);
        let origin = samples::origin();
        let list: Name = "recalls".parse().unwrap();
        let logged = samples::logged(5, samples::revoke(123));
        let head = logged.proof().note().clone();
        let went_back = Observation::HeadWentBack {
            from: TreeSize::new(9),
            to: TreeSize::new(6),
            head,
        };
        let leaf = labelproof_core::merkle::LeafHash::of_entry(logged.event().bytes());
        vec![
            Alert::watched(&list, "gtin 09521234001010", &logged, at),
            Alert::not_mine("label.jp.example", &logged, at),
            Alert::evidence(&samples::fork(), at),
            Alert::observed(&origin, &went_back, at),
            Alert::deadline_passed(&origin, logged.proof(), leaf, at, at),
            Alert::not_logged(logged.event(), at, at),
            Alert::blind(&origin, &Blindness::OtherKey, at),
            Alert::own_file("recalls.txt, line 3: unknown word `gtim`", at),
            Alert::sees_again(&origin, at, at),
            Alert::daily(true, &["One log.".to_owned()], at),
        ]
    }

    #[test]
    fn a_line_reads_back_to_its_alert() {
        for (place, alert) in one_of_each().into_iter().enumerate() {
            let numbered = Numbered::new(place as u64 + 1, alert);
            let line = numbered.to_json();
            assert!(!line.contains('\n'));
            assert_eq!(Numbered::from_json(&line).unwrap(), numbered);
        }
    }

    #[test]
    fn ids_are_distinct_and_follow_from_what_the_line_says() {
        let alerts = one_of_each();
        for (place, alert) in alerts.iter().enumerate() {
            assert!(alerts[..place].iter().all(|other| other.id() != alert.id()));
        }
        // The same event told again by another list is another alert; a second later, the same.
        let logged = samples::logged(5, samples::revoke(123));
        let told = |list: &str, second| {
            Alert::watched(
                &list.parse().unwrap(),
                "kind label.revoke",
                &logged,
                samples::at(second),
            )
        };
        assert_eq!(told("recalls", 0).id(), alerts[0].id());
        assert_eq!(told("recalls", 1).id(), alerts[0].id());
        assert_ne!(told("others", 0).id(), alerts[0].id());
        // By hand, as the specification says.
        use sha2::Digest as _;
        let lines = "labelproof-alert/v1\nwatch:recalls\nlabels.g7.example\n5\n";
        assert_eq!(
            alerts[0].id().to_string(),
            hex::encode(sha2::Sha256::digest(lines))
        );
    }

    #[test]
    fn refuses_lines_that_say_something_else() {
        let alert = one_of_each().swap_remove(0);
        let line = Numbered::new(1, alert).to_json();
        for (from, to) in [
            ("labelproof-alert/v1", "labelproof-alert/v2"),
            ("\"rule\":\"watch:recalls\"", "\"rule\":\"watch:other\""),
            ("\"rule\":\"watch:recalls\"", "\"rule\":\"watch\""),
            ("\"occasion\":\"5\"", "\"occasion\":\"05\""),
            ("\"occasion\":\"5\"", "\"occasion\":\"6\""),
            ("\"index\":5", "\"index\":6"),
            (
                "\"kind\":\"label.revoke\",\"subject\"",
                "\"kind\":\"label.suspend\",\"subject\"",
            ),
            ("\"kind\":\"entry\"", "\"kind\":\"evidence\""),
            ("\"number\":1", "\"number\": 1"),
            ("\"number\":1", "\"number\":1,\"more\":2"),
            ("\"severity\":\"warning\"", "\"severity\":\"loud\""),
            ("c2sp.org/tlog-proof@v1", "c2sp.org/tlog-proof@v2"),
        ] {
            let other = line.replacen(from, to, 1);
            assert_ne!(other, line, "{from} is in the line");
            assert!(Numbered::from_json(&other).is_err(), "takes {to}");
        }
        assert!(matches!(
            Numbered::from_json(&line.replace("alert/v1", "alert/v9")),
            Err(LineError::OtherFormat { .. })
        ));
    }
}
