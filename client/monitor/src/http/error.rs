//! Problems: what the monitor answers when it does not do what was asked (RFC 9457); one table gives each its status.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use labelproof_host::{fs::FsError, logging::causes, web::problem};
use thiserror::Error;

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
            Self::Busy { .. } => "busy",
            Self::Storage => "storage",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadAddress { .. } => StatusCode::BAD_REQUEST,
            Self::Busy { .. } | Self::Storage => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Busy { .. } => Some(1),
            Self::Storage => Some(10),
            Self::NotFound | Self::WrongMethod | Self::BadAddress { .. } => None,
        }
    }
}

impl From<FsError> for Problem {
    fn from(error: FsError) -> Self {
        tracing::error!(why = causes(&error), "cannot read for a request");
        Self::Storage
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let members = problem::members(self.code(), self.status(), &self.to_string());
        problem::respond(self.status(), members, self.retry_after_s())
    }
}
