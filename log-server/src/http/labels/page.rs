//! A list of labels as a page; each row says what the label's own proof says.

use axum::{http::HeaderMap, response::Response};

use super::{Answer, NOTICE, Wish, walk::walk, with_next};
use crate::{
    http::{
        error::Problem,
        html::{Html, Tone, moment, page, tone},
        label::{Answer as LabelAnswer, facts::Word, page::verdict, read},
    },
    log::Log,
};

/// Finds the labels, and reads each out of the bundle that proves it.
pub(in crate::http) fn gather(
    log: &Log,
    wish: &Wish,
) -> Result<(Answer, Vec<LabelAnswer>), Problem> {
    let published = log.published().ok_or(Problem::NoQuorum)?;
    let found = walk(log, &published, wish)?;
    let mut labels = Vec::new();
    for (label, _) in &found.labels {
        labels.extend(read(log, &published, label)?);
    }
    let answer = Answer {
        notice: NOTICE,
        log: log.setting().origin.to_string(),
        size: published.head().size().get(),
        as_of: published.witnessed.as_of().to_string(),
        labels: Vec::new(),
        next: found.more_after.map(|last| wish.after(last)),
    };
    Ok((answer, labels))
}

/// The page.
pub(in crate::http) fn of(
    wish: &Wish,
    answer: Answer,
    labels: &[LabelAnswer],
    request: &HeaderMap,
) -> Response {
    let title = title(wish);
    let next = answer.next.as_deref().map_or_else(String::new, |next| {
        format!("<p>{}</p>\n", Html::link(next, "Next page"))
    });
    let main = Html::raw(format!(
        "<h1>{}</h1>\n<p class=\"lead\">As of {}, {} entries.</p>\n{}{next}{}",
        Html::text(&title),
        Html::text(&moment(&answer.as_of)),
        answer.size,
        if labels.is_empty() {
            nothing(wish)
        } else {
            table(labels)
        },
        proof(wish),
    ));
    with_next(
        page(&title, &answer.log, &main, request),
        answer.next.as_deref(),
    )
}

fn title(wish: &Wish) -> String {
    match (&wish.gtin, &wish.holder, &wish.scheme) {
        (Some(gtin), _, _) => format!("Labels of product {gtin}"),
        (None, Some(holder), _) => format!("Labels held by {holder}"),
        (None, None, Some(scheme)) => format!("Labels of {scheme}"),
        (None, None, None) => "Labels".to_owned(),
    }
}

/// Why a list is empty, which is never a good sign for a product.
fn nothing(wish: &Wish) -> String {
    match (&wish.gtin, wish.after) {
        (Some(_), None) => tone::shown(
            Tone::Bad,
            "NO LABEL",
            &Html::text("No label in this log covers this product now. Another log may hold one."),
        ),
        _ => "<p>There is none on this page.</p>\n".to_owned(),
    }
}

/// The rows.
fn table(labels: &[LabelAnswer]) -> String {
    let mut rows = String::new();
    for answer in labels {
        let label = answer.label();
        let (tone, word, _) = verdict(answer);
        let class = tone.class();
        // Beside REVOKED an end would be read as one that is still to come.
        let until = match (&label.not_after, label.status) {
            (Some(end), Word::Active | Word::Suspended) => end.split('T').next(),
            (None, Word::Active | Word::Suspended) => Some("no end set"),
            _ => None,
        };
        rows.push_str(&format!(
            "<tr><td>{}<br><code>{}</code></td><td>{}<br>level {}</td><td><span class=\"badge {class}\">{word}</span></td>\
             <td class=\"day\" data-name=\"until\">{}</td></tr>\n",
            Html::link(&label.url, label.product.first().unwrap_or(&label.id)),
            Html::text(&label.id),
            Html::text(&label.holder.name),
            Html::text(&label.level),
            Html::text(until.unwrap_or_default()),
        ));
    }
    format!(
        "<table class=\"stack\"><thead><tr><th scope=\"col\">Label</th><th scope=\"col\">Holder and level</th>\
         <th scope=\"col\">Stands</th><th scope=\"col\">Until</th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    )
}

/// Where the proof of a product's labels is.
fn proof(wish: &Wish) -> String {
    match &wish.gtin {
        Some(gtin) => {
            crate::http::label::page::check(gtin.as_str(), &format!("/v1/status/gtin/{gtin}"))
        }
        None => String::new(),
    }
}
