//! Sending a signed event to its log.
//!
//! ```text
//! POST /v1/events, text/plain, the signed note
//! 201 {"index":7,"event":"<64 hex>","proof":"c2sp.org/tlog-proof@v1\n…"}    witnessed
//! 202 {"index":7,"event":"<64 hex>","receipt":"c2sp.org/tlog-proof@v1\n…"}  durable, not yet witnessed
//! 200 as 201 or 202                                                       it was logged before
//! 4xx, 5xx application/problem+json                                       refused, with a code
//! ```
//! The answer is a claim: the proof is checked with `proof`, and what the event did is proved by `lookup`.

use labelproof_core::{
    event::{Event, EventId},
    merkle::LeafIndex,
};
use serde::Deserialize;

use crate::log_server::{LogServer, MAX_PROOF_BYTES, ServerError};

/// Sends an event; safe to repeat, for an event that is logged already is answered with its index.
///
/// # Errors
/// [`ServerError::Refused`] carries the log's code and what to do about it.
pub fn submit(server: &LogServer, event: &Event) -> Result<Logged, ServerError> {
    let (status, body) = server.post(
        "/v1/events",
        "text/plain; charset=utf-8",
        event.bytes(),
        MAX_PROOF_BYTES,
    )?;
    let arrival = if status == 200 {
        Arrival::Known
    } else {
        Arrival::New
    };
    let answer: Answer = serde_json::from_slice(&body).map_err(|_| ServerError::NotOurs)?;
    if answer.event.parse::<EventId>().ok() != Some(event.id()) {
        return Err(ServerError::NotOurs);
    }
    let index = LeafIndex::new(answer.index);
    match (answer.proof, answer.receipt) {
        (Some(proof), _) => Ok(Logged {
            index,
            arrival,
            proof: Proof::Witnessed(proof),
        }),
        (None, Some(receipt)) => Ok(Logged {
            index,
            arrival,
            proof: Proof::Receipt(receipt),
        }),
        (None, None) => Err(ServerError::NotOurs),
    }
}

/// What the log says of an event it took; nothing of it is verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Logged {
    index: LeafIndex,
    arrival: Arrival,
    proof: Proof,
}

impl Logged {
    /// Where it is.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// Whether the log says that it had the event already.
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// What the log gave in return.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }
}

/// Whether an event came to its log for the first time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// It was logged before, perhaps with other signature lines.
    Known,
    /// It was logged now.
    New,
}

/// What a log gives for an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Proof {
    /// A tlog-proof under a head that is said to have the quorum.
    Witnessed(String),
    /// The log's signed promise to publish it.
    Receipt(String),
}

#[derive(Deserialize)]
struct Answer {
    index: u64,
    event: String,
    proof: Option<String>,
    receipt: Option<String>,
}
