//! The shell of every page: plain HTML that works without a script, in the dark, on a phone and on paper.
//!
//! Nothing is loaded from elsewhere, and the policy in the header says so. All text is escaped, here and only here.

use std::{fmt, sync::LazyLock};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::{Document, NO_CACHE, NO_STORE};

/// HTML that is safe to put into a page.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Html(String);

impl Html {
    /// Markup of ours.
    #[must_use]
    pub fn raw(markup: impl Into<String>) -> Self {
        Self(markup.into())
    }

    /// Text of anybody's.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        for letter in text.chars() {
            match letter {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                // Direction marks would let a name write over what stands beside it.
                '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' => {}
                letter => escaped.push(letter),
            }
        }
        Self(escaped)
    }

    /// A link to a page of anybody's, or an address of ours; what is neither is shown as text.
    #[must_use]
    pub fn link(address: &str, text: &str) -> Self {
        let text = Self::text(text);
        if address.starts_with("https://") || address.starts_with('/') {
            let address = Self::text(address);
            return Self(format!(
                "<a href=\"{address}\" rel=\"nofollow noopener\">{text}</a>"
            ));
        }
        text
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands around every page of a service.
#[derive(Clone, Copy, Debug)]
pub struct Shell<'a> {
    /// What the service is called, at the top of each page and in its title.
    pub name: &'a str,
    /// Addresses of ours and what they are, beside the name.
    pub links: &'a [(&'a str, &'a str)],
    /// Markup of ours at the foot of each page.
    pub note: &'a str,
}

impl Shell<'_> {
    /// Answers with a page.
    pub fn page(&self, title: &str, main: &Html, request: &HeaderMap) -> Response {
        let (title, name, note) = (Html::text(title), Html::text(self.name), self.note);
        let link = |(address, text): &(&str, &str)| Html::link(address, text).to_string();
        let links: String = self.links.iter().map(link).collect();
        let page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} · {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">Skip to the answer</a>\n\
             <header><a href=\"/\">{name}</a><nav>{links}</nav></header>\n\
             <main id=\"main\">\n{main}\n</main>\n\
             <footer>{note}</footer>\n</body>\n</html>\n"
        );
        let mut response = Document {
            bytes: page.into(),
            content_type: "text/html; charset=utf-8",
            cache_control: NO_CACHE,
        }
        .respond(request);
        let headers = response.headers_mut();
        let policy = HeaderValue::from_str(&POLICY).expect("base64 in a header");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        response
    }

    /// Answers with a page that says that something is not there; it may be there in a second, so nobody keeps it.
    pub fn not_found(&self, title: &str, main: &Html) -> Response {
        let mut response = self.page(title, main, &HeaderMap::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response.headers_mut().remove(header::ETAG);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
        response
    }
}

/// A row of a list of facts; nothing if there is nothing to say.
#[must_use]
pub fn fact(name: &str, value: &Html) -> String {
    if value.0.is_empty() {
        return String::new();
    }
    format!("<dt>{}</dt><dd>{value}</dd>\n", Html::text(name))
}

/// The style by its hash, forms to ourselves, and nothing else at all.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

const STYLE: &str = include_str!("style.css");
