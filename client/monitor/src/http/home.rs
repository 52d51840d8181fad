//! The home page: `GET /`, for a person who found the address.

use axum::{extract::State, http::HeaderMap, response::Response};
use labelproof_core::time::Time;
use labelproof_host::web::{Html, Tone, ago, fact, moment, problem::sentence, tone};

use super::{
    Service, apart,
    error::Problem,
    health::backlog,
    page::{page, tone_of},
};
use crate::{alert::Numbered, board::Standing};

/// `GET /`: how each log stands, and the last alerts.
pub(super) async fn home(
    State(service): State<Service>,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let now = service.clock.now();
    let logs: String = service
        .board
        .logs()
        .iter()
        .map(|log| about(log, service.journal.evidence(log.origin()), now))
        .collect();
    let feeds = service.lists.iter().map(|list| {
        let address = format!("/feeds/{list}.atom");
        format!(
            "<dt>{}</dt><dd>the watch list {list}</dd>\n",
            Html::link(&address, &address)
        )
    });
    let feeds: String = feeds.collect();
    let journal = service.journal.clone();
    let alerts = apart(move || {
        let mut alerts = Vec::new();
        for number in journal.recent(None, LAST_ALERTS) {
            alerts.extend(journal.one(number)?);
        }
        Ok(alerts)
    });
    let alerts: String = alerts.await?.iter().map(told).collect();
    let alerts = match alerts.as_str() {
        "" => "<p>None so far.</p>\n".to_owned(),
        _ => format!("<dl>\n{alerts}</dl>\n"),
    };
    let main = Html::raw(format!(
        "<h1>Monitor</h1>\n<p class=\"lead\">This program reads all that these logs publish, verifies every entry, and \
         tells what people asked to be told, with proof.</p>\n{logs}<h2>Last alerts</h2>\n{alerts}{PROGRAMS}{feeds}</dl>\n"
    ));
    Ok(page("Monitor", &main, &request))
}

fn about(log: &Standing, evidence: Option<u64>, now: Time) -> String {
    let age = |time: Option<Time>| match time {
        Some(time) => format!("{} ({})", moment(&time.to_string()), ago(time, now)),
        None => "never".to_owned(),
    };
    let (tone, word, says) = verdict(log, evidence);
    let witnesses = log.cosigned().iter().map(|(name, time)| {
        let spoke = time.map_or_else(|| "never since the start".to_owned(), |time| ago(time, now));
        // A name and its age stay in one line.
        format!(
            "<span class=\"day\">{}</span>",
            Html::text(&format!("{name} {spoke}"))
        )
    });
    let witnesses: Vec<String> = witnesses.collect();
    let facts = [
        (
            "Verified",
            Html::text(&format!("{} entries", log.verified())),
        ),
        ("Witnessed", Html::text(&age(log.as_of()))),
        ("Witnesses", Html::raw(witnesses.join(" · "))),
        ("Answered", Html::text(&age(log.polled()))),
    ];
    let facts: String = facts
        .iter()
        .map(|(name, value)| fact(name, value))
        .collect();
    let origin = Html::text(log.origin().as_str());
    let answer = tone::shown(tone, word, &says);
    format!("<h2>{origin}</h2>\n{answer}<dl>\n{facts}</dl>\n")
}

/// How a log stands in a word, the worst first, and everything that is to say of it.
fn verdict(log: &Standing, evidence: Option<u64>) -> (Tone, &'static str, Html) {
    let since = |time: Time| moment(&time.to_string());
    let blind = log.blind().map(|(begin, why)| {
        let begin = since(*begin);
        format!(
            "Blind since {begin}: {why}. Until it sees again, its silence says nothing of this log."
        )
    });
    let observed = log.observed().iter().map(|(begin, what)| {
        let (what, begin) = (sentence(what), since(*begin));
        format!("{what} Seen since {begin}; this proves nobody's fault.")
    });
    let backlog = match backlog(log) {
        0 => None,
        waiting => Some(format!("{waiting} entries wait to be verified.")),
    };
    let (tone, word) = match (evidence, log.blind()) {
        (Some(_), _) => (Tone::Bad, "THIS LOG MISBEHAVED"),
        (None, Some(_)) => (Tone::Unsure, "BLIND"),
        (None, None) if !log.observed().is_empty() => (Tone::Unsure, "NOT AS IT SHOULD BE"),
        (None, None) if log.witnessed().is_none() => (Tone::Unsure, "NOTHING SEEN YET"),
        (None, None) if backlog.is_some() => (Tone::Unsure, "CATCHING UP"),
        (None, None) => (Tone::Good, "NOTHING WRONG"),
    };
    let mut says: Vec<String> = blind.into_iter().chain(observed).chain(backlog).collect();
    if tone == Tone::Good {
        says.push(
            "Every entry is verified, and all that this monitor was shown stands together."
                .to_owned(),
        );
    }
    let says = Html::text(&says.join(" "));
    let says = match evidence {
        Some(number) => {
            let address = format!("/v1/alerts/{number}");
            let proof = Html::link(&address, &format!("alert {number}"));
            Html::raw(format!(
                "It signed what cannot stand together, and {proof} proves it to anybody. Rely on nothing that it says. {says}"
            ))
        }
        None => says,
    };
    (tone, word, says)
}

fn told(numbered: &Numbered) -> String {
    let alert = numbered.alert();
    let address = format!("/v1/alerts/{}", numbered.number());
    let (severity, class) = (alert.severity(), tone_of(alert.severity()).class());
    format!(
        "<dt>{}</dt><dd><span class=\"badge {class}\">{severity}</span> {}</dd>\n",
        Html::text(&moment(&alert.at().to_string())),
        Html::link(&address, alert.title())
    )
}

const PROGRAMS: &str = "<h2>For programs</h2>\n<dl>\
    <dt><a href=\"/v1/alerts\">/v1/alerts</a></dt><dd>alerts page by page; <code>/v1/stream</code> as they come</dd>\n\
    <dt><a href=\"/alerts.atom\">/alerts.atom</a></dt><dd>all alerts for feed readers</dd>\n\
    <dt><a href=\"/readyz\">/readyz</a></dt><dd>whether the monitor sees; <a href=\"/metrics\">/metrics</a> for Prometheus</dd>\n";
/// A screen.
const LAST_ALERTS: usize = 10;
