//! The shell of the monitor's pages, and the page of one alert; what a page is, `labelproof_host::web` says.

use axum::{extract::Request, http::HeaderMap, middleware::Next, response::Response};
use labelproof_core::checkpoint::Origin;
use labelproof_host::web::{Html, Shell, Tone, fact, moment, problem, tone};

use crate::alert::{Alert, Numbered, Proof, Severity};

/// Answers with a page.
pub(super) fn page(title: &str, main: &Html, request: &HeaderMap) -> Response {
    SHELL.page(title, main, request)
}

/// Shows problems as pages to browsers; for `from_fn` around the whole router.
pub(super) async fn problems_for_people(request: Request, next: Next) -> Response {
    let wants_page = problem::wants_page(request.headers());
    let response = next.run(request).await;
    match wants_page {
        true => problem::page_for(response, &SHELL),
        false => response,
    }
}

/// The page of an alert: what it says, and what proves it.
pub(super) fn of_alert(numbered: &Numbered, request: &HeaderMap) -> Response {
    let (number, alert) = (numbered.number(), numbered.alert());
    let severity = alert.severity().to_string().to_ascii_uppercase();
    let text = |text: &str| Html::text(text);
    let log = alert.origin().map(Origin::as_str);
    let entry = alert.index().map(|index| index.to_string());
    let code = |text: String| Html::raw(format!("<code>{}</code>", Html::text(&text)));
    let facts = [
        ("Told", text(&moment(&alert.at().to_string()))),
        ("Log", text(log.unwrap_or_default())),
        ("Entry", text(&entry.unwrap_or_default())),
        ("Rule", code(alert.rule().to_string())),
        ("Id", code(alert.id().to_string())),
    ];
    let facts: String = facts
        .iter()
        .map(|(name, value)| fact(name, value))
        .collect();
    let main = Html::raw(format!(
        "<p class=\"lead\">Alert {number} of this monitor</p>\n<h1>{}</h1>\n{}<dl>\n{facts}</dl>\n{}\
         <p>For programs: <a href=\"/v1/alerts?after={}&amp;limit=1\">the alert as JSON</a>.</p>\n",
        Html::text(alert.title()),
        tone::shown(
            tone_of(alert.severity()),
            &severity,
            &Html::text(alert.detail())
        ),
        proof(alert),
        number.saturating_sub(1),
    ));
    page(alert.title(), &main, request)
}

/// What it means for a reader that an alert is so loud.
pub(super) fn tone_of(severity: Severity) -> Tone {
    match severity {
        Severity::Info | Severity::Notice => Tone::Good,
        Severity::Warning => Tone::Unsure,
        Severity::Critical => Tone::Bad,
    }
}

/// The files that prove an alert, and what to do with them.
fn proof(alert: &Alert) -> String {
    let (heading, says, command) = match alert.proof() {
        Proof::Entry { .. } => (
            "Check it yourself",
            "Save both files, and take a trust file from somebody you trust. Exit code 0: the event is in the log.",
            "labelproof verify entry.tlog-proof --event entry.note --trust trust.toml".to_owned(),
        ),
        Proof::Evidence(evidence) => (
            "Check it yourself",
            "Save the file, and take a trust file from somebody you trust. Exit code 20: the log did what it says.",
            format!(
                "labelproof verify {}.evidence --trust trust.toml",
                evidence.claim()
            ),
        ),
        Proof::Receipt { .. } => (
            "What the log promised",
            "The receipt that the log signed. It proves the promise; that the promise is not kept, nothing can prove yet.",
            String::new(),
        ),
        Proof::Seen(notes) if notes.is_empty() => (
            "What proves it",
            "Nothing: it is the monitor's own word, about itself.",
            String::new(),
        ),
        Proof::Seen(_) => (
            "What was seen",
            "It is signed by whoever it names, and proves nobody's fault.",
            String::new(),
        ),
    };
    let command = match command.as_str() {
        "" => command,
        _ => format!("<pre>{}</pre>\n", Html::text(&command)),
    };
    let files = alert.proof().files().into_iter().map(|(name, bytes)| {
        format!(
            "<details><summary><code>{}</code></summary><pre>{}</pre></details>\n",
            Html::text(&name),
            Html::text(&String::from_utf8_lossy(&bytes))
        )
    });
    let files: String = files.collect();
    format!("<h2>{heading}</h2>\n<p>{says}</p>\n{command}{files}")
}

const SHELL: Shell<'_> = Shell {
    name: "labelproof monitor",
    links: &[("/alerts.atom", "Feed"), ("/readyz", "Health")],
    note: "This page is a convenience and proves nothing. Every alert carries its own proof, which can be checked with \
           the <code>labelproof</code> program.",
};
