//! The home page: `GET /`, for a person who found the address.

use axum::{extract::State, http::HeaderMap, response::Response};
use labelproof_core::time::Time;
use labelproof_host::web::{Html, Shell, fact};

use super::{Service, apart, error::Problem, health::backlog};
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
    let shell = Shell {
        name: "labelproof monitor",
        links: &[("/alerts.atom", "Feed"), ("/readyz", "Health")],
        note: "This page is a convenience and proves nothing. Every alert carries its own proof, which can be checked \
               with the <code>labelproof</code> program.",
    };
    Ok(shell.page("Monitor", &main, &request))
}

fn about(log: &Standing, evidence: Option<u64>, now: Time) -> String {
    let age = |time: Option<Time>| match time {
        Some(time) => format!("{} ({})", shown(time), ago(now.seconds_since(time))),
        None => "never".to_owned(),
    };
    let sight = match (log.blind(), evidence) {
        (Some((since, why)), _) => format!("blind since {}: {why}", shown(*since)),
        // That it is seen would be read as all being well.
        (None, Some(_)) => "holds evidence against it".to_owned(),
        (None, None) => "sees it".to_owned(),
    };
    let evidence = evidence.map_or_else(Html::default, |number| {
        let address = format!("/v1/alerts/{number}");
        Html::link(&address, &format!("this log misbehaved: alert {number}"))
    });
    let verified = match backlog(log) {
        0 => format!("all {} entries", log.verified()),
        waiting => format!("{} entries; {waiting} wait", log.verified()),
    };
    let facts = [
        ("Monitor", sight),
        ("Verified", verified),
        ("Witnessed", age(log.as_of())),
        ("Answered", age(log.polled())),
    ];
    let facts: String = facts
        .iter()
        .map(|(name, value)| fact(name, &Html::text(value)))
        .collect();
    let origin = Html::text(log.origin().as_str());
    let evidence = fact("Evidence", &evidence);
    format!("<h2>{origin}</h2>\n<dl>\n{evidence}{facts}</dl>\n")
}

fn ago(seconds: u64) -> String {
    match seconds {
        1 => "1 second ago".to_owned(),
        seconds => format!("{seconds} seconds ago"),
    }
}

fn told(numbered: &Numbered) -> String {
    let alert = numbered.alert();
    let address = format!("/v1/alerts/{}", numbered.number());
    let words = format!("{}: {}", alert.severity(), alert.title());
    format!(
        "<dt>{}</dt><dd>{}</dd>\n",
        Html::text(&shown(alert.at())),
        Html::link(&address, &words)
    )
}

fn shown(time: Time) -> String {
    time.to_string().replace('T', " ").replace('Z', " UTC")
}

const PROGRAMS: &str = "<h2>For programs</h2>\n<dl>\
    <dt><a href=\"/v1/alerts\">/v1/alerts</a></dt><dd>alerts page by page; <code>/v1/stream</code> as they come</dd>\n\
    <dt><a href=\"/alerts.atom\">/alerts.atom</a></dt><dd>all alerts for feed readers</dd>\n\
    <dt><a href=\"/readyz\">/readyz</a></dt><dd>whether the monitor sees; <a href=\"/metrics\">/metrics</a> for Prometheus</dd>\n";
/// A screen.
const LAST_ALERTS: usize = 10;
