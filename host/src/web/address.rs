//! The parts of an address, decoded once; what is no text is refused as every other mistake is.
//!
//! ```text
//! /v1/alerts/17        17
//! /v1/alerts/%ff       400, application/problem+json
//! ```

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde::de::DeserializeOwned;

use super::problem;

/// The parts of an address that a route names: one text, or as many as it has names.
#[derive(Clone, Debug)]
pub struct Address<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Address<T> {
    type Rejection = NoText;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, NoText> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(parts)| Self(parts)).map_err(|_| NoText)
    }
}

/// A part of the address is no text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the address is malformed: {}", Self::WHAT)]
pub struct NoText;

impl NoText {
    /// The stable word for programs.
    pub const CODE: &str = "bad-address";
    /// What is wrong with the address.
    pub const WHAT: &str = "what it percent-encodes is not UTF-8";
}

impl IntoResponse for NoText {
    fn into_response(self) -> Response {
        let status = StatusCode::BAD_REQUEST;
        let members = problem::members(Self::CODE, status, &self.to_string());
        problem::respond(status, members, None)
    }
}
