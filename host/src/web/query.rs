//! Query strings, read strictly: a parameter that is not known, or is there twice, is an error that names it.
//!
//! ```text
//! ?gtin=09521234001010&status=active&limit=50
//! ```

use axum::{
    extract::{FromRequestParts, Query as Pairs},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::problem;

/// The parameters of a request, not looked at yet.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = BadQuery;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, BadQuery> {
        match Pairs::try_from_uri(&parts.uri) {
            Ok(Pairs(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(BadQuery {
                parameter: String::new(),
                why: "it is no query string".into(),
            }),
        }
    }
}

impl Query {
    /// Refuses every parameter but these, and these if they come twice.
    ///
    /// # Errors
    /// [`BadQuery`].
    pub fn only(self, known: &[&str]) -> Result<Self, BadQuery> {
        for (number, (name, _)) in self.0.iter().enumerate() {
            let why = if !known.contains(&name.as_str()) {
                format!("is not known; known are {}", known.join(", "))
            } else if self.0[..number].iter().any(|(other, _)| other == name) {
                "is there twice".into()
            } else {
                continue;
            };
            // What a stranger sent comes back to him, but not at any length.
            let parameter = name.chars().take(MAX_SHOWN).collect();
            return Err(BadQuery { parameter, why });
        }
        Ok(self)
    }

    /// Reads a parameter, if it is there.
    ///
    /// # Errors
    /// [`BadQuery`] with what `read` says.
    pub fn get<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, BadQuery> {
        let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        let refused = |why: E| BadQuery {
            parameter: name.into(),
            why: why.to_string(),
        };
        read(value).map(Some).map_err(refused)
    }
}

/// A parameter is not known, there twice, or not what it should be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the query is malformed: {parameter} {why}")]
pub struct BadQuery {
    /// Which parameter; empty if it is the query as a whole.
    pub parameter: String,
    /// What is wrong with it.
    pub why: String,
}

impl BadQuery {
    /// The stable word for programs.
    pub const CODE: &str = "bad-query";
}

impl IntoResponse for BadQuery {
    fn into_response(self) -> Response {
        let status = StatusCode::BAD_REQUEST;
        let mut members = problem::members(Self::CODE, status, &self.to_string());
        members.insert("parameter".into(), json!(self.parameter));
        problem::respond(status, members, None)
    }
}

/// Letters of a parameter's name that an error repeats.
const MAX_SHOWN: usize = 32;
