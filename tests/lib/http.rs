//! Plain HTTP on loopback, as `curl` would: any status is an answer.

use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;

/// What a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The value of `Content-Type`, empty if there is none.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Asks for `url`; none if nobody answers.
#[must_use]
pub fn get(url: &str) -> Option<Answer> {
    answer(agent().get(url).call())
}

/// Sends `body` to `url` with further headers; none if nobody answers.
#[must_use]
pub fn post(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut request = agent().post(url).content_type("text/plain; charset=utf-8");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request.send(body))
}

fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(LONGEST_WAIT))
        .build();
    config.into()
}

fn answer(result: Result<Response<ureq::Body>, ureq::Error>) -> Option<Answer> {
    let mut response = result.ok()?;
    let content_type = response.headers().get("content-type");
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let status = response.status().as_u16();
    let body = response.body_mut().read_to_vec().ok()?;
    Some(Answer {
        status,
        content_type,
        body,
    })
}

/// A log lets a submitter wait 30 s for the witnesses.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
