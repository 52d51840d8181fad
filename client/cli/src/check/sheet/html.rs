//! A report as one page: counts first, then a table; no script, nothing from elsewhere, also on paper.
//!
//! A word, a sign and a colour say the verdict, never colour alone. On a narrow screen each row is a card.

use std::fmt::Write as _;
use std::io::{self, Read, Write};

use labelproof_host::exit::Exit;

use super::{Source, Under};
use crate::check::entry::{Entry, Tally};
use crate::product::{JudgedLabel, Verdict};
use crate::report::in_line;

pub(super) fn row(out: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
    let verdict = entry.verdict();
    let kept = if verdict.is_trouble() { "t" } else { "o" };
    let labels: String = entry
        .judged()
        .map_or(&[][..], |judged| judged.labels())
        .iter()
        .map(label)
        .collect();
    let gtin = entry.gtin().unwrap_or_default();
    // Zeroes in front are how the same number is written with fourteen digits.
    let same =
        !gtin.is_empty() && gtin.trim_start_matches('0') == entry.given.trim_start_matches('0');
    let given = match same {
        true => String::new(),
        false => format!("<small>{}</small>", escape(entry.given)),
    };
    let says = entry.error().unwrap_or(entry.says());
    writeln!(
        out,
        "<tr class=\"{kept} {tone}\"><td>{line}<td>{gtin}{given}<td>{mark} <b>{word}</b>\
         <td>{says}<td>{labels}",
        tone = tone(verdict),
        line = entry.line,
        mark = mark(verdict),
        word = verdict.shown(),
        says = escape(says),
    )
}

fn label(label: &JudgedLabel) -> String {
    let counts = if label.counts { "" } else { " out" };
    let mut text = format!(
        "<div class=\"{}{counts}\">{} <b>{}&nbsp;{}</b>",
        tone(label.verdict),
        escape(&label.label.to_string()),
        mark(label.verdict),
        label.verdict.shown()
    );
    if let Some(reason) = label.reason {
        let _ = write!(text, ", {}", escape(&reason.to_string()));
    }
    for (word, time) in [("since", label.decided_at), ("until", label.until)] {
        if let Some(time) = time {
            let _ = write!(text, ", {word} <time>{time}</time>");
        }
    }
    let _ = write!(text, ", by {}", escape(&label.issuer));
    if !label.counts {
        text.push_str("; does not count");
    }
    text.push_str("</div>");
    text
}

/// Writes the whole page; `rows` were written by [`row`].
pub(super) fn page(
    out: &mut impl Write,
    rows: &mut impl Read,
    under: &Under,
    tally: &Tally,
) -> io::Result<()> {
    let title = format!("Labels of {}", in_line(&under.file));
    let from = match &under.source {
        Source::Pack(file) => format!("pack {}, without a network", in_line(file)),
        Source::Log(url) => format!("log at {url}"),
    };
    let evidence = under.evidence.as_ref().map_or_else(
        || "none was kept".to_owned(),
        |file| format!("{}; labelproof verify checks it again", in_line(file)),
    );
    let facts = [
        ("Rows", tally.rows().to_string()),
        ("Checked", under.checked_at.to_string()),
        ("Answers from", from),
        ("Log", format!("{}, size {}", under.origin, under.size)),
        (
            "Witnessed",
            format!(
                "yes, as the trust file asks, by {}",
                under.cosigners.join(" ")
            ),
        ),
        ("As of", format!("{}. {}", under.as_of, under.age.says())),
        ("Evidence", evidence),
    ];
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n<ul class=\"counts\">\n",
        title = escape(&title),
    )?;
    for (verdict, rows) in tally.iter() {
        let (tone, mark, word) = (tone(verdict), mark(verdict), verdict.shown());
        writeln!(out, "<li class=\"{tone}\"><b>{rows}</b> {mark} {word}")?;
    }
    out.write_all(b"</ul>\n<dl>\n")?;
    for (name, fact) in facts {
        writeln!(out, "<dt>{name}<dd>{}", escape(&fact))?;
    }
    writeln!(
        out,
        "</dl>\n<p>{}</p>\n<input type=\"checkbox\" id=\"f\"><label for=\"f\">only what needs attention</label>\n\
         <table><thead><tr><th scope=\"col\">Line<th scope=\"col\">GTIN<th scope=\"col\">Verdict\
         <th scope=\"col\">Meaning<th scope=\"col\">Labels</thead><tbody>",
        escape(crate::finding::STATE_IS_THE_LOGS_WORD)
    )?;
    io::copy(rows, out)?;
    out.write_all(b"</tbody></table></body></html>\n")
}

fn tone(verdict: Verdict) -> &'static str {
    match verdict.exit() {
        Exit::Done => "good",
        Exit::TooOld | Exit::Undecidable | Exit::UnknownLabel => "unsure",
        _ => "bad",
    }
}

fn mark(verdict: Verdict) -> &'static str {
    match tone(verdict) {
        "good" => "✓",
        "bad" => "✗",
        _ => "?",
    }
}

/// Text as text: nothing in it is markup, and what would not be seen is shown by its number.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in in_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = include_str!("style.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let evil = "<script>alert('1')</script>\"&\u{202e}\n";
        let safe = escape(evil);
        assert!(
            !safe.contains(['<', '>', '"', '\'', '\n', '\u{202e}']),
            "{safe}"
        );
        assert!(
            safe.starts_with("&lt;script&gt;alert(&#39;1&#39;)"),
            "{safe}"
        );
    }

    #[test]
    fn the_style_asks_nobody_for_anything() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains('<'));
    }
}
