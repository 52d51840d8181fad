//! A label as a page: the answer, the three statements apart, the questions people have, the history.

use axum::{http::HeaderMap, response::Response};
use labelproof_core::event::LabelId;

use super::{
    Answer, Standing,
    facts::{Told, Word},
};
use crate::http::html::{Html, Tone, fact, moment, not_found, page, tone};

/// The page of a label.
pub(super) fn of(answer: &Answer, request: &HeaderMap) -> Response {
    let label = &answer.label;
    let title = label
        .product
        .first()
        .map_or(label.id.as_str(), String::as_str);
    let main = Html::raw(format!(
        "<p class=\"lead\"><code>{id}</code></p>\n<h1>{title}</h1>\n{verdict}{three}{facts}{questions}{history}{check}",
        id = Html::text(&label.id),
        title = Html::text(title),
        verdict = answer_box(answer),
        three = three(answer),
        facts = facts(answer),
        questions = questions(answer),
        history = history(&answer.history),
        check = check(&label.id, &label.status_url),
    ));
    page(title, &answer.log, &main, request)
}

/// The page that says that there is no such label.
pub(super) fn absent(label: &LabelId, origin: &str) -> Response {
    let id = label.to_string();
    let main = Html::raw(format!(
        "<p class=\"lead\"><code>{}</code></p>\n<h1>No such label</h1>\n{}{}",
        Html::text(&id),
        tone::shown(
            Tone::Bad,
            "NOT IN THIS LOG",
            &Html::text(
                "This log holds no label of this name, and can prove it. If it is printed on a product, \
             look for a mistake in reading it first, then ask the scheme."
            )
        ),
        check(&id, &format!("/v1/status/label/{id}")),
    ));
    not_found("No such label", origin, &main)
}

/// How a label stands, all considered: tone, word, sentence.
pub(in crate::http) fn verdict(answer: &Answer) -> (Tone, &'static str, String) {
    match answer.doubt {
        Some(doubt) if answer.falls => (
            Tone::Bad,
            "WITHDRAWN",
            format!("Do not rely on it: {doubt}."),
        ),
        Some(doubt) => (
            Tone::Unsure,
            "IN DOUBT",
            format!("Do not rely on it: {doubt}."),
        ),
        None => {
            let (tone, word, says) = words(answer.standing());
            (tone, word, says.to_owned())
        }
    }
}

fn answer_box(answer: &Answer) -> String {
    let (tone, word, says) = verdict(answer);
    // An end matters only to what has not ended yet.
    let until = match (&answer.label.not_after, answer.label.status) {
        (Some(end), Word::Active | Word::Suspended) => format!(" Valid until {}.", date(end)),
        (None, Word::Active | Word::Suspended) => " No end of its validity is set.".to_owned(),
        _ => String::new(),
    };
    let reason = answer
        .label
        .reason
        .as_ref()
        .map_or_else(String::new, |reason| {
            format!(" The reason given: {}.", reason.replace('-', " "))
        });
    let text = format!(
        "{says}{reason} Since {}.{until} This log speaks as of {}.",
        date(&answer.since),
        moment(&answer.as_of)
    );
    tone::shown(tone, word, &Html::text(&text))
}

/// The words for how a label stands.
fn words(standing: Standing) -> (Tone, &'static str, &'static str) {
    match standing {
        Standing::As(Word::Active) => (Tone::Good, "ACTIVE", "The label is in force."),
        Standing::NotYet => (
            Tone::Unsure,
            "NOT YET VALID",
            "The label is issued, and its validity has not begun.",
        ),
        Standing::Expired => (Tone::Bad, "EXPIRED", "The validity of the label has ended."),
        Standing::As(Word::Suspended) => (
            Tone::Unsure,
            "SUSPENDED",
            "The label is suspended until its issuer or a supervisor lifts that.",
        ),
        Standing::As(Word::Superseded) => (
            Tone::Bad,
            "SUPERSEDED",
            "Another label has taken its place.",
        ),
        Standing::As(Word::Revoked) => (Tone::Bad, "REVOKED", "The label was revoked."),
        Standing::As(Word::Withdrawn) => (Tone::Bad, "WITHDRAWN", "The label was given up."),
        Standing::As(Word::Lapsed) => (Tone::Bad, "LAPSED", "What the label rested on has ended."),
        Standing::As(Word::Annulled) => {
            (Tone::Bad, "ANNULLED", "The label is void from the start.")
        }
    }
}

/// Authentic, witnessed, status: three statements that may each fail alone.
fn three(answer: &Answer) -> String {
    let authentic = match answer.doubt {
        None => format!(
            "Issued by {}, which was accredited for {} when it did.",
            answer.issuer, answer.label.scheme
        ),
        Some(doubt) => format!("Issued by {}; {doubt}.", answer.issuer),
    };
    let witnessed = format!(
        "{} witnesses cosigned the {} entries of this log: {}.",
        answer.witnessed_by.len(),
        answer.size,
        answer.witnessed_by.join(", ")
    );
    let status = format!(
        "Its record says {} as of {}.",
        answer.label.status.as_str(),
        moment(&answer.as_of)
    );
    let item = |name: &str, text: &str| format!("<li><b>{name}</b>{}</li>\n", Html::text(text));
    format!(
        "<h2>What this rests on</h2>\n<ul class=\"three\">\n{}{}{}</ul>\n",
        item("Authentic", &authentic),
        item("Witnessed", &witnessed),
        item("Status", &status)
    )
}

fn facts(answer: &Answer) -> String {
    let label = &answer.label;
    let text = |text: &str| Html::text(text);
    let gtins: Vec<String> = label
        .gtins
        .iter()
        .map(|gtin| Html::link(&format!("/01/{gtin}"), gtin).to_string())
        .collect();
    let territory = if label.territory.iter().any(|place| place == "*") {
        "everywhere".to_owned()
    } else {
        label.territory.join(", ")
    };
    let made_by = format!(
        "{} ({})",
        label.manufacturer.name, label.manufacturer.country
    );
    let held_by = format!("{} ({})", label.holder.name, label.holder.country);
    let rows = [
        ("Product", text(&label.product.join(", "))),
        ("Kind", text(&label.category)),
        ("Models", text(&label.models.join(", "))),
        ("GTIN", Html::raw(gtins.join(", "))),
        (
            "Level",
            text(&format!("{} of {}", label.level, label.scheme)),
        ),
        ("Conformity", text(&label.assurance.replace('-', " "))),
        ("Maker", text(&made_by)),
        (
            "Holder",
            text(if held_by == made_by { "" } else { &held_by }),
        ),
        ("Meant for", text(&territory)),
        ("Also printed", text(&label.aliases.join(", "))),
        (
            "Scheme's page",
            Html::link(&label.pages.label, &label.pages.label),
        ),
    ];
    let rows: String = rows.iter().map(|(name, value)| fact(name, value)).collect();
    format!("<h2>The label</h2>\n<dl>\n{rows}</dl>\n")
}

/// The four questions that people have, and where to report a weakness.
fn questions(answer: &Answer) -> String {
    let label = &answer.label;
    let page = |page: &Option<String>| {
        page.as_ref().map_or_else(
            || Html::text("the maker names no page"),
            |page| Html::link(page, page),
        )
    };
    let updates = match label.updates.as_str() {
        "automatic" => "Yes, automatic.",
        "prompted" => "It asks first.",
        "manual" => "No, you start them.",
        _ => "There are none.",
    };
    let updates = match &label.pages.updates {
        Some(page) => Html::raw(format!(
            "{} {}",
            Html::text(updates),
            Html::link(page, page)
        )),
        None => Html::text(updates),
    };
    let support = match label.support_end.as_str() {
        "unsupported" => "It is not supported.",
        "unknown" => "The maker does not say.",
        day => day,
    };
    format!(
        "<h2>Using it safely</h2>\n<dl>\n{}{}{}{}{}</dl>\n",
        fact("Change the password", &page(&label.pages.password)),
        fact("Set it up safely", &page(&label.pages.secure_config)),
        fact("Updates by themselves", &updates),
        fact("Updates until", &Html::text(support)),
        fact(
            "Report a weakness",
            &Html::link(&label.pages.contact, &label.pages.contact)
        ),
    )
}

fn history(events: &[Told]) -> String {
    let mut rows = String::new();
    for event in events {
        let reason = event
            .reason
            .as_deref()
            .unwrap_or_default()
            .replace('-', " ");
        let what = match &event.in_its_place {
            Some(other) => format!(
                "superseded by {}",
                Html::link(&format!("/v1/labels/{other}"), other)
            ),
            None => Html::text(event.kind.trim_start_matches("label.")).to_string(),
        };
        let link = Html::link(
            &format!("/v1/events/{}", event.event),
            &format!("entry {}", event.index),
        );
        rows.push_str(&format!(
            "<tr><td>{}</td><td>{} {}</td><td>{link}</td></tr>\n",
            date(&event.decided_at),
            what,
            Html::text(&if reason.is_empty() {
                reason
            } else {
                format!("({reason})")
            }),
        ));
    }
    format!(
        "<h2>History</h2>\n<table class=\"stack\"><thead><tr><th scope=\"col\">Decided</th><th scope=\"col\">What</th>\
         <th scope=\"col\">Where</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    )
}

/// How to check it oneself.
pub(in crate::http) fn check(what: &str, address: &str) -> String {
    format!(
        "<h2>Check it yourself</h2>\n<p>{} holds the signed events and every hash up to the witnesses' \
         signatures. With a trust file from somebody you trust:</p>\n\
         <pre>labelproof status {} --log URL --trust trust.toml</pre>\n",
        Html::link(address, "The proof"),
        Html::text(what),
    )
}

/// The day of an instant.
fn date(instant: &str) -> String {
    instant.split('T').next().unwrap_or(instant).to_owned()
}
