//! A shop's assortment against three schemes: by status, by pack without a network, and by the log.

mod home;
mod offline;
mod online;
mod report;
mod written;

use labelproof_core::event::{EventId, Kind};
use labelproof_tests::paper_log::PaperLog;
use labelproof_tests::world::{self, entry, id_of, key};
use serde_json::{Value, json};

/// Every kind of row: what stands in the file, what it is as a GTIN, the verdict and the exit.
///
/// The first has labels of three schemes: one in force, one revoked, one renewed under another printed id.
pub(crate) const ROWS: [Row; 14] = [
    row("9521234001010", "09521234001010", "revoked", 13),
    row("952-1234-00201-7", "09521234002017", "active", 0),
    row("09521234002024", "09521234002024", "suspended", 15),
    row("(01)09521234002031(10)A-7", "09521234002031", "expired", 14),
    row(
        "https://shop.example/01/09521234002048/21/77",
        "09521234002048",
        "active",
        0,
    ),
    row("9521234002055", "09521234002055", "no-label", 17),
    row("9521234002062", "09521234002062", "no-label", 17),
    row("9521234002079", "09521234002079", "revoked", 13),
    row("9521234001011", "", "not-a-gtin", 10),
    row("9783161484100", "", "not-a-gtin", 10),
    row("2012345678903", "", "not-a-gtin", 10),
    row("9.52123E+12", "", "not-a-gtin", 10),
    row("=2+3", "", "not-a-gtin", 10),
    row("9521234002017", "09521234002017", "active", 0),
];

pub(crate) struct Row {
    pub(crate) given: &'static str,
    pub(crate) gtin: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) exit: u64,
}

const fn row(given: &'static str, gtin: &'static str, verdict: &'static str, exit: u64) -> Row {
    Row {
        given,
        gtin,
        verdict,
        exit,
    }
}

pub(crate) const THREE: &str = "09521234001010";
pub(crate) const JP: &str = "jp.jc-star/EX-1";
pub(crate) const DE: &str = "de.it-sik/R-1";
pub(crate) const SG: &str = "sg.cls/C-1";
const RENEWED: &str = "jp.jc-star/EX-5";

/// The file of a shop with [`ROWS`], the first at line 2.
pub(crate) fn assortment() -> String {
    let mut text = "article;EAN;shelf\n".to_owned();
    for row in &ROWS {
        text.push_str(&format!("\"Router; white\";{};12\n", row.given));
    }
    text
}

/// The events behind [`ROWS`], in three batches.
pub(crate) fn batches() -> [Vec<Vec<u8>>; 3] {
    let on = |gtin: &'static str| vec![gtin];
    let jp_2 = issue("jp.jc-star/EX-2", &on("09521234002017"), None);
    let unbound = issue("jp.jc-star/EX-7", &on("09521234002062"), None);
    let renewed = issue(RENEWED, &on("09521234002048"), Some("2026-03-01T00:00:00Z"));
    let sg = issue(SG, &on(THREE), Some("2026-03-01T00:00:00Z"));
    let issued = vec![
        issue(JP, &on(THREE), None),
        issue(DE, &on(THREE), None),
        sg.clone(),
        jp_2,
        issue("jp.jc-star/EX-3", &on("09521234002024"), None),
        issue(
            "jp.jc-star/EX-4",
            &on("09521234002031"),
            Some("2026-03-01T00:00:00Z"),
        ),
        renewed.clone(),
        unbound.clone(),
        issue("us.mark/M-8", &on("09521234002079"), None),
    ];
    let changed = vec![
        world::suspend(
            "jp.jc-star/EX-3",
            "2026-05-11T08:00:00Z",
            None,
            "label.jp.example",
        ),
        world::revoke(DE, None, "label.de.example"),
        renew(RENEWED, "EX-5-2026", id_of(&renewed)),
        renew(SG, "C-1-2026", id_of(&sg)),
        change(
            Kind::LabelUnbind,
            "jp.jc-star/EX-7",
            &json!({ "gtins": ["09521234002062"], "models": [] }),
            id_of(&unbound),
        ),
    ];
    let revoked = vec![world::revoke("us.mark/M-8", None, "watch.us.example")];
    [issued, changed, revoked]
}

/// A log on paper that holds [`batches`].
pub(crate) fn paper(time: labelproof_core::time::Time) -> PaperLog {
    let mut log = PaperLog::founded(time);
    for batch in batches() {
        log.append(&batch);
    }
    log
}

/// What a pack of [`ROWS`] is asked for.
pub(crate) fn subjects() -> Vec<String> {
    let gtins = ROWS.iter().filter(|row| !row.gtin.is_empty());
    gtins.map(|row| format!("gtin {}", row.gtin)).collect()
}

pub(crate) fn issue(label: &str, gtins: &[&str], until: Option<&str>) -> Vec<u8> {
    let mut draft = world::issue_draft(label);
    let body = draft["body"].as_object_mut().unwrap();
    body.insert("gtins".into(), json!(gtins));
    body.remove("valid_until");
    if let Some(until) = until {
        body.insert("valid_until".into(), json!(until));
    }
    entry(Kind::LabelIssue, &draft, None, &[&key(&issuer(label))])
}

fn renew(label: &str, alias: &str, prev: EventId) -> Vec<u8> {
    let body = json!({ "aliases": [alias], "valid_until": "2099-01-01T00:00:00Z" });
    change(Kind::LabelRenew, label, &body, prev)
}

fn change(kind: Kind, label: &str, body: &Value, prev: EventId) -> Vec<u8> {
    let mut draft = json!({ "subject": label, "decided_at": "2026-02-20T08:00:00Z", "body": body });
    if kind == Kind::LabelUnbind {
        draft["reason"] = json!({ "code": "clerical-error" });
    }
    entry(kind, &draft, Some(prev), &[&key(&issuer(label))])
}

fn issuer(label: &str) -> String {
    format!("label.{}.example", &label[..2])
}

/// Compares a report's rows, as `(line, given, gtin, verdict, exit)`, with [`ROWS`].
pub(crate) fn assert_rows(rows: &[(u64, String, String, String, u64)]) {
    assert_eq!(rows.len(), ROWS.len());
    for ((at, want), got) in ROWS.iter().enumerate().zip(rows) {
        let want = (
            at as u64 + 2,
            want.given.to_owned(),
            want.gtin.to_owned(),
            want.verdict.to_owned(),
            want.exit,
        );
        assert_eq!(*got, want);
    }
}
