//! Query strings, read strictly: a parameter that is not known, or is there twice, is an error that names it.
//!
//! ```text
//! ?gtin=09521234001010&status=active&limit=50
//! ```

use axum::{
    extract::{FromRequestParts, Query as Pairs},
    http::request::Parts,
};

use super::error::Problem;

/// The parameters of a request, not looked at yet.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Pairs::try_from_uri(&parts.uri) {
            Ok(Pairs(pairs)) => Ok(Self(pairs)),
            Err(_) => Err(Problem::BadQuery {
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
    /// [`Problem::BadQuery`].
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Problem> {
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
            return Err(Problem::BadQuery { parameter, why });
        }
        Ok(self)
    }

    /// Reads a parameter, if it is there.
    ///
    /// # Errors
    /// [`Problem::BadQuery`] with what `read` says.
    pub(super) fn get<T, E: std::fmt::Display>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problem> {
        let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) else {
            return Ok(None);
        };
        let refused = |why: E| Problem::BadQuery {
            parameter: name.into(),
            why: why.to_string(),
        };
        read(value).map(Some).map_err(refused)
    }
}

/// Letters of a parameter's name that an error repeats.
const MAX_SHOWN: usize = 32;
