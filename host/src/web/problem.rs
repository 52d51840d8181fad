//! Problems as bytes (RFC 9457); which there are, and with which status, each service says in one table.
//!
//! ```text
//! {"type":"urn:labelproof:problem:bad-query","title":"bad-query","status":400,"detail":"the query is malformed: …"}
//! ```
//! Who follows a link or fills in a form reads the same as a page ([`page_for`]): a browser asks for one, a program does not.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{Html, Shell, choose};

/// The members that every problem has.
#[must_use]
pub fn members(code: &str, status: StatusCode, detail: &str) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("type".into(), json!(type_uri(code)));
    members.insert("title".into(), json!(code));
    members.insert("status".into(), json!(status.as_u16()));
    members.insert("detail".into(), json!(detail));
    members
}

/// The code as the URI that RFC 9457 asks for.
#[must_use]
pub fn type_uri(code: &str) -> String {
    format!("{TYPE_PREFIX}{code}")
}

/// Answers with a problem, and says in a header when to come again.
pub fn respond(
    status: StatusCode,
    members: Map<String, Value>,
    retry_after_s: Option<u64>,
) -> Response {
    let detail = members.get("detail").and_then(Value::as_str);
    let told = Told(detail.unwrap_or_default().to_owned());
    let mut response = (status, Value::Object(members).to_string()).into_response();
    response.extensions_mut().insert(told);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What a problem says, for whoever shows it in another form.
#[derive(Clone)]
struct Told(String);

/// Whether whoever asks would rather read a problem as a page.
#[must_use]
pub fn wants_page(request: &HeaderMap) -> bool {
    choose(request, &[(JSON, false), ("text/html", true)]).unwrap_or(false)
}

/// The problem as a page; any other answer as it is.
pub fn page_for(response: Response, shell: &Shell<'_>) -> Response {
    let Some(Told(detail)) = response.extensions().get() else {
        return response;
    };
    let heading = match response.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Not now",
        _ => "This was not understood",
    };
    let again = response.headers().get(header::RETRY_AFTER);
    let again = again.and_then(|seconds| seconds.to_str().ok());
    let again = again.map_or_else(String::new, |seconds| {
        format!(" Come again in {seconds} s.")
    });
    let main = Html::raw(format!(
        "<h1>{heading}</h1>\n<p>{}{}</p>\n<p><a href=\"/\">To the first page</a></p>\n",
        Html::text(&sentence(detail)),
        Html::text(&again)
    ));
    let page = shell.page(heading, &main, &HeaderMap::new());
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    for (name, value) in page.headers() {
        // Nobody keeps a problem.
        if name != header::ETAG && name != header::CACHE_CONTROL {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, page.into_body())
}

/// With a capital letter and a full stop.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

const JSON: &str = "application/problem+json";
const TYPE_PREFIX: &str = "urn:labelproof:problem:";

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Shell<'_> = Shell {
        name: "labels.g7.example",
        links: &[("/docs", "API"), ("/readyz", "Health")],
        note: "",
    };

    #[test]
    fn browsers_get_a_page_and_programs_what_they_had() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
        for (accept, want) in [
            (browser, true),
            ("text/html", true),
            ("*/*", false),
            ("application/json", false),
            ("application/problem+json, text/html", false),
            ("image/png", false),
        ] {
            let mut request = HeaderMap::new();
            assert!(!wants_page(&request));
            request.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(wants_page(&request), want, "{accept}");
        }
    }

    #[tokio::test]
    async fn a_page_says_what_the_problem_says_and_keeps_its_status_and_headers() {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let members = members("busy", status, "too many <b>at once</b>");
        let page = page_for(respond(status, members, Some(7)), &SHELL);
        assert_eq!(page.status(), status);
        let header = |name: header::HeaderName| page.headers()[name].to_str().unwrap();
        assert_eq!(header(header::RETRY_AFTER), "7");
        assert_eq!(header(header::CACHE_CONTROL), "no-store");
        assert_eq!(header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        assert!(header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
        assert!(!page.headers().contains_key(header::ETAG));
        let bytes = axum::body::to_bytes(page.into_body(), 1 << 20).await;
        let text = String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        let said = "<p>Too many &lt;b&gt;at once&lt;/b&gt;. Come again in 7 s.</p>";
        assert!(text.contains(said), "{text}");
        let other = page_for("not found".into_response(), &SHELL);
        assert_eq!(
            other.headers()[header::CONTENT_TYPE],
            "text/plain; charset=utf-8"
        );
    }
}
