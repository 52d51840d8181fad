//! Problems: what the log answers when it does not do what was asked (RFC 9457).
//!
//! ```text
//! {"type":"urn:labelproof:problem:wrong-previous","title":"wrong-previous","status":409,
//!  "detail":"prev is not the subject's newest …","prev":"9f86d0…"}
//! ```
//! One table gives the status of every problem; no arm of it is a wildcard, so that a new refusal
//! does not compile without a status. The code is the last part of `type`; `pointer` names a member of
//! the event, `prev` the id that was wanted, `parameter` the part of the query, `authority` whose quota is used up;
//! `retry_after_s` is the header again, for lines of a batch, which have none.

use std::time::Duration;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use labelproof_core::{gs1::GtinError, refusal::Refusal};
use labelproof_host::web::{BadQuery, NoText, problem};
use serde_json::{Map, Value, json};

use crate::quota::UsedUp;

/// Why a request was not answered as it hoped.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The event was refused: by the parser, the admission rules or the state function.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Nothing is known under this address.
    #[error("there is nothing here; the routes are listed at /")]
    NotFound,
    /// The address exists, but not for this method.
    #[error("this address does not take that method; see the Allow header")]
    WrongMethod,
    /// A part of the address is not what it should be.
    #[error("the address is malformed: {what}")]
    BadAddress {
        /// Which part, and what it should be.
        what: &'static str,
    },
    /// A parameter of the query is not what it should be.
    #[error(transparent)]
    BadQuery(#[from] BadQuery),
    /// The number in the address is no product's.
    #[error("this is no GTIN: {0}")]
    BadGtin(#[from] GtinError),
    /// The resolver has no link of the type asked for.
    #[error("this resolver has no link of this type; linkType=all lists those there are")]
    NoSuchLink,
    /// The log proves that it holds no such label.
    #[error("there is no such label in this log; the bundle named in the Link header proves it")]
    NoSuchLabel,
    /// There is no form of the answer that the request accepts.
    #[error("this comes as {}; accept one of these", offered.join(", "))]
    NotAcceptable {
        /// The media types there are.
        offered: Vec<&'static str>,
    },
    /// The body is longer than a body may be.
    #[error("the body is over the limit of {limit} bytes; send less at once")]
    BodyTooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// A body comes compressed.
    #[error("compressed bodies are not read; send it as it is")]
    Encoded,
    /// A line of a batch is not what a line is.
    #[error("the line is malformed: {why}")]
    BadLine {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A line of a request for a pack names nothing that a pack can hold.
    #[error(
        "line {line} is no subject of a pack; they look like `gtin 09521234001010`, 14 digits with a right check digit, or `label jp.jc-star/EX-000123`"
    )]
    BadSubject {
        /// Which line, from 1.
        line: usize,
    },
    /// A bundle or pack would be longer than readers take.
    #[error(
        "the answer would have {lines} lines, and readers take {limit}; ask for fewer subjects at once, or for one as a pack (POST /v1/pack)"
    )]
    AnswerTooLong {
        /// What it would have.
        lines: usize,
        /// What is read.
        limit: usize,
    },
    /// A batch has more lines than a batch may have.
    #[error("a batch has at most {limit} lines; this one and what follows it was not looked at")]
    TooManyLines {
        /// What is allowed.
        limit: usize,
    },
    /// An authority has used up its quota.
    #[error(
        "{} has used up its quota of events of this sort; send it again after the time in Retry-After",
        .0.name
    )]
    Quota(UsedUp),
    /// As many requests of this sort run as may run at once.
    #[error("too many {what} run at once; send it again after the time in Retry-After")]
    Busy {
        /// What they are.
        what: &'static str,
    },
    /// The pool has no room for an event of this kind.
    #[error("too many events wait; send it again after the time in Retry-After")]
    PoolFull,
    /// Too much waits for the witnesses, or nothing was ever witnessed.
    #[error("too few witnesses cosign at the moment; send it again after the time in Retry-After")]
    NoQuorum,
    /// The store failed.
    #[error(
        "the store failed; if an event was sent, it is not known whether it is in the log; send the same again"
    )]
    Storage,
    /// The log does not write yet, or not any more.
    #[error("the log is not ready: {why}; ask again after the time in Retry-After")]
    Starting {
        /// What it waits for.
        why: &'static str,
    },
}

impl Problem {
    /// What is looked up may be missing from the index, which is made anew meanwhile.
    pub(crate) const REINDEXING: Self = Self::Starting {
        why: "the index is being made anew",
    };

    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::NotFound => "not-found",
            Self::WrongMethod => "wrong-method",
            Self::BadAddress { .. } => "bad-address",
            Self::BadQuery(_) => BadQuery::CODE,
            Self::BadGtin(_) => "bad-gtin",
            Self::NoSuchLabel => "no-such-label",
            Self::NoSuchLink => "no-such-link",
            Self::NotAcceptable { .. } => "not-acceptable",
            Self::BodyTooLarge { .. } | Self::AnswerTooLong { .. } | Self::TooManyLines { .. } => {
                "too-large"
            }
            Self::Encoded => "encoded",
            Self::BadLine { .. } | Self::BadSubject { .. } => "malformed",
            Self::Quota(_) => "quota",
            Self::Busy { .. } => "busy",
            Self::PoolFull => "pool-full",
            Self::NoQuorum => "no-quorum",
            Self::Storage => "storage",
            Self::Starting { .. } => "starting",
        }
    }

    /// The code as the URI that RFC 9457 asks for.
    #[must_use]
    pub fn type_uri(&self) -> String {
        problem::type_uri(self.code())
    }

    /// The one table of statuses.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(Refusal::Malformed(_) | Refusal::NotCanonical { .. })
            | Self::BadAddress { .. }
            | Self::BadQuery(_)
            | Self::BadGtin(_)
            | Self::BadLine { .. }
            | Self::BadSubject { .. } => StatusCode::BAD_REQUEST,
            Self::Refused(
                Refusal::BadSignature { .. } | Refusal::UnknownAuthority | Refusal::OutOfScope,
            ) => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NoSuchLabel | Self::NoSuchLink => StatusCode::NOT_FOUND,
            Self::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Refused(
                Refusal::WrongPrevious { .. }
                | Refusal::DuplicateLabel
                | Refusal::BadTransition { .. },
            ) => StatusCode::CONFLICT,
            Self::Refused(Refusal::TooLarge { .. })
            | Self::BodyTooLarge { .. }
            | Self::AnswerTooLong { .. }
            | Self::TooManyLines { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Refused(
                Refusal::BadMember { .. }
                | Refusal::PrivateData { .. }
                | Refusal::WrongLog
                | Refusal::UnknownSubject
                | Refusal::UnknownKind
                | Refusal::DecidedInFuture,
            ) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Quota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy { .. }
            | Self::PoolFull
            | Self::NoQuorum
            | Self::Storage
            | Self::Starting { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// After how many seconds it is worth asking again.
    pub(super) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::PoolFull | Self::Busy { .. } => Some(1),
            Self::Quota(used_up) => Some(used_up.after.as_secs() + 1),
            Self::Starting { .. } => Some(2),
            Self::NoQuorum | Self::Storage => Some(10),
            Self::Refused(_)
            | Self::NotFound
            | Self::WrongMethod
            | Self::BadAddress { .. }
            | Self::BadQuery(_)
            | Self::BadGtin(_)
            | Self::NoSuchLabel
            | Self::NoSuchLink
            | Self::NotAcceptable { .. }
            | Self::BodyTooLarge { .. }
            | Self::Encoded
            | Self::BadLine { .. }
            | Self::BadSubject { .. }
            | Self::AnswerTooLong { .. }
            | Self::TooManyLines { .. } => None,
        }
    }

    /// How long to wait if the same may soon succeed without anybody doing anything about it.
    pub(super) fn passes_after(&self) -> Option<Duration> {
        match self {
            Self::PoolFull | Self::NoQuorum => self.retry_after_s().map(Duration::from_secs),
            Self::Quota(used_up) => Some(used_up.after),
            Self::Refused(_)
            | Self::NotFound
            | Self::WrongMethod
            | Self::BadAddress { .. }
            | Self::BadQuery(_)
            | Self::BadGtin(_)
            | Self::NoSuchLabel
            | Self::NoSuchLink
            | Self::NotAcceptable { .. }
            | Self::BodyTooLarge { .. }
            | Self::Encoded
            | Self::BadLine { .. }
            | Self::BadSubject { .. }
            | Self::AnswerTooLong { .. }
            | Self::TooManyLines { .. }
            | Self::Busy { .. }
            | Self::Storage
            | Self::Starting { .. } => None,
        }
    }

    /// The body, as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.members())
    }

    fn members(&self) -> Map<String, Value> {
        let mut members = problem::members(self.code(), self.status(), &self.to_string());
        if let Some(seconds) = self.retry_after_s() {
            members.insert("retry_after_s".into(), json!(seconds));
        }
        if let Self::Quota(used_up) = self {
            members.insert("authority".into(), json!(used_up.name));
        }
        if let Self::Refused(refusal) = self {
            if let Some(pointer) = refusal.pointer() {
                members.insert("pointer".into(), json!(pointer.to_string()));
            }
            if let Refusal::WrongPrevious { want } = refusal {
                members.insert("prev".into(), json!(want.map(|id| id.to_string())));
            }
        }
        if let Self::BadQuery(wrong) = self {
            members.insert("parameter".into(), json!(wrong.parameter));
        }
        members
    }
}

impl From<NoText> for Problem {
    fn from(_: NoText) -> Self {
        Self::BadAddress { what: NoText::WHAT }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem::respond(self.status(), self.members(), self.retry_after_s())
    }
}
