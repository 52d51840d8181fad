//! Problems: what the monitor answers when it does not do what was asked (RFC 9457); one table gives each its status.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use labelproof_host::{fs::FsError, logging::causes, web::problem};
use thiserror::Error;

use crate::promises::keeper::Unjudged;

/// Why a request was not answered as it hoped.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(super) enum Problem {
    /// Nothing is known under this address.
    #[error("there is nothing here; the routes are listed at /")]
    NotFound,
    /// The address exists, but not for this method.
    #[error("this address does not take that method; see the Allow header")]
    WrongMethod,
    /// A part of the address, or a header, is not what it should be.
    #[error("the request is malformed: {what}")]
    BadAddress {
        /// Which part, and what it should be.
        what: &'static str,
    },
    /// The body is longer than a body may be.
    #[error("a body has at most 128 KiB")]
    BodyTooLarge,
    /// The body is not what it should be.
    #[error("the body is malformed: {why}")]
    Malformed {
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is of a log that this monitor does not follow.
    #[error("it is of a log that this monitor does not follow; the logs are listed at /")]
    NotMine,
    /// The log did not sign it.
    #[error("{why}")]
    NotSigned {
        /// What is wrong with it.
        why: String,
    },
    /// It is an event that no log has to take.
    #[error("{why}")]
    Refused {
        /// The code of the state function, or `not-adverse`.
        code: &'static str,
        /// In words.
        why: String,
    },
    /// Nothing of ours to hold it against.
    #[error(
        "the monitor's copy of that log does not reach so far, or cannot be read now; come again after the time in Retry-After"
    )]
    NotYet,
    /// As many requests of this sort run as may run at once.
    #[error("too many {what} at once; come again after the time in Retry-After")]
    Busy {
        /// What they are.
        what: &'static str,
    },
    /// The monitor's own files.
    #[error("the monitor's files cannot be read; come again after the time in Retry-After")]
    Storage,
}

impl Problem {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::WrongMethod => "wrong-method",
            Self::BadAddress { .. } => "bad-address",
            Self::BodyTooLarge => "too-large",
            Self::Malformed { .. } => "malformed",
            Self::NotMine => "not-mine",
            Self::NotSigned { .. } => "bad-signature",
            Self::Refused { code, .. } => code,
            Self::NotYet => "starting",
            Self::Busy { .. } => "busy",
            Self::Storage => "storage",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadAddress { .. } | Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotSigned { .. } => StatusCode::FORBIDDEN,
            Self::NotMine | Self::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotYet | Self::Busy { .. } | Self::Storage => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Busy { .. } => Some(1),
            Self::NotYet | Self::Storage => Some(10),
            Self::NotFound
            | Self::WrongMethod
            | Self::BadAddress { .. }
            | Self::BodyTooLarge
            | Self::Malformed { .. }
            | Self::NotMine
            | Self::NotSigned { .. }
            | Self::Refused { .. } => None,
        }
    }
}

impl From<FsError> for Problem {
    fn from(error: FsError) -> Self {
        tracing::error!(why = causes(&error), "cannot read for a request");
        Self::Storage
    }
}

impl From<Unjudged> for Problem {
    fn from(unjudged: Unjudged) -> Self {
        match &unjudged {
            Unjudged::Malformed(why) => Self::Malformed { why },
            Unjudged::NotMine => Self::NotMine,
            Unjudged::NotSigned | Unjudged::Receipt(_) => Self::NotSigned {
                why: causes(&unjudged),
            },
            Unjudged::NotAdverse => Self::Refused {
                code: "not-adverse",
                why: unjudged.to_string(),
            },
            Unjudged::Refused(refusal) => Self::Refused {
                code: refusal.code(),
                why: causes(&unjudged),
            },
            Unjudged::NotYet => Self::NotYet,
            Unjudged::Copy(error) => {
                tracing::warn!(
                    why = causes(error),
                    "a head cannot be held against the copy"
                );
                Self::NotYet
            }
            Unjudged::Full(_) => Self::Busy {
                what: "promises are watched",
            },
            Unjudged::Files(error) => {
                tracing::error!(why = causes(error), "cannot write for a request");
                Self::Storage
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let members = problem::members(self.code(), self.status(), &self.to_string());
        problem::respond(self.status(), members, self.retry_after_s())
    }
}
