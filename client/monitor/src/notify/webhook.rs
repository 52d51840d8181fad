//! Alerts by HTTP, as the Standard Webhooks specification 1.0.0 says.
//!
//! ```text
//! POST <url>
//! webhook-id: <id of the alert>             the same each time it is tried
//! webhook-timestamp: <Unix seconds>         of this try
//! webhook-signature: v1,<base64> v1a,…      one for each secret, over  id.timestamp.body
//!
//! {"type":"alert.quorum_lost","timestamp":"2026-11-25T07:00:00Z","data":<the line of the alert>}
//! ```
//! 2xx: taken. 410: unsubscribed. 400, 413, 415, 422: not this alert. All else, a redirect too: again later, and not before
//! the time in `Retry-After`, an hour at most. Connects to no address inside this network but those that were allowed.

mod secret;

use std::{fmt, sync::Arc, time::Duration};

use labelproof_host::{
    clock::Clock,
    fetch::{Fetch, FetchCause, IpNet},
};
use thiserror::Error;

pub use secret::{Secrets, SecretsError};

use super::Outcome;
use crate::alert::{Numbered, Rule};

/// A receiver of alerts by HTTP.
#[derive(Debug)]
pub struct Webhook {
    url: String,
    secrets: Secrets,
    fetch: Fetch,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Posts to `url`, signed with each of the secrets; of the addresses inside this network only those in `allowed`.
    #[must_use]
    pub fn new(url: String, secrets: Secrets, allowed: Vec<IpNet>, clock: Arc<dyn Clock>) -> Self {
        Self {
            url,
            secrets,
            fetch: Fetch::to_outside(TIMEOUT, allowed),
            clock,
        }
    }

    /// The same, but a receiver has no longer than this for each alert.
    #[cfg(test)]
    fn impatient(self, timeout: Duration) -> Self {
        let allowed = vec!["127.0.0.0/8".parse().expect("a network")];
        let fetch = Fetch::to_outside(timeout, allowed);
        Self { fetch, ..self }
    }

    /// What tells it from another receiver under the same name.
    pub(crate) fn target(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn send(&self, alert: &Numbered) -> Result<(), WebhookError> {
        let id = alert.alert().id().to_string();
        let timestamp = self.clock.now().unix().to_string();
        let body = body(alert);
        let signature = self.secrets.sign(&id, &timestamp, &body);
        let headers = [
            ("webhook-id", id.as_str()),
            ("webhook-timestamp", &timestamp),
            ("webhook-signature", &signature),
        ];
        let json = "application/json";
        let answer =
            self.fetch
                .post_with(&self.url, body.as_bytes(), json, &headers, MAX_ANSWER_BYTES);
        match answer {
            Ok(answer) => judge(answer.status(), answer.retry_after()),
            Err(error) => match error.into_cause() {
                // It talks more than we hear, but what it thinks of the alert stands in front.
                FetchCause::TooLong { status, .. } => judge(status, None),
                cause => Err(WebhookError::NoAnswer(cause)),
            },
        }
    }
}

/// The body; the line of the alert is in it as it stands in the journal.
fn body(numbered: &Numbered) -> String {
    let alert = numbered.alert();
    let (kind, at, line) = (kind(alert.rule()), alert.at(), numbered.to_json());
    format!(r#"{{"type":"{kind}","timestamp":"{at}","data":{line}}}"#)
}

/// SPEC Standard Webhooks, "Event types": delimited by full stops, of letters, digits and `_`.
fn kind(rule: &Rule) -> String {
    let word = rule.to_string();
    let word = word.split_once(':').map_or(word.as_str(), |(word, _)| word);
    format!("alert.{}", word.replace('-', "_"))
}

/// What a status says of the alert (Standard Webhooks, "Delivery success and failure").
fn judge(status: u16, after: Option<Duration>) -> Result<(), WebhookError> {
    match status {
        200..=299 => Ok(()),
        300..=399 => Err(WebhookError::Redirects { status }),
        410 => Err(WebhookError::Gone),
        400 | 413 | 415 | 422 => Err(WebhookError::Refused { status }),
        _ => Err(WebhookError::Status { status, after }),
    }
}

/// Why a receiver did not take an alert.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// It wants no more.
    #[error("the receiver answers 410: it wants no more alerts")]
    Gone,
    /// No answer: not reached, too slow, or at an address that nobody allowed.
    #[error("the receiver does not answer{}", hint(.0))]
    NoAnswer(#[source] FetchCause),
    /// It sends us elsewhere, where its owner might not want the alert to go.
    #[error(
        "the receiver answers {status} and sends us elsewhere; write the new URL into the configuration"
    )]
    Redirects {
        /// Which.
        status: u16,
    },
    /// It will not take this alert.
    #[error("the receiver answers {status} to this alert")]
    Refused {
        /// Which.
        status: u16,
    },
    /// It cannot take alerts now.
    #[error("the receiver answers {status}")]
    Status {
        /// Which.
        status: u16,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
}

impl WebhookError {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Gone => Outcome::Gone,
            Self::Refused { .. } => Outcome::Refused,
            Self::Status { after, .. } => Outcome::Down { after: *after },
            Self::NoAnswer(_) | Self::Redirects { .. } => Outcome::Down { after: None },
        }
    }
}

fn hint(cause: &FetchCause) -> impl fmt::Display {
    match cause {
        FetchCause::Inside { .. } => ", for nobody allowed its address; see allow_private",
        _ => "",
    }
}

/// SPEC Standard Webhooks, "Request timeouts": between 15 and 30 s.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A sentence of a receiver; nothing is read of it.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
