//! The three forms of a report, parsed back by somebody else's parser.

use labelproof_tests::network::Ended;
use serde_json::Value;

use super::{ROWS, assert_rows, assortment, paper, subjects};
use crate::client::{AT, Desk, then};

pub(super) fn desk() -> Desk {
    let desk = Desk::trusting("http://127.0.0.1:1");
    desk.write("retail.labelproof", &paper(then()).pack(&subjects()));
    desk.write("assortment.csv", assortment().as_bytes());
    desk
}

pub(super) fn check(desk: &Desk, report: &str) -> Ended {
    desk.run(&[
        "check",
        "--file",
        "assortment.csv",
        "--pack",
        "retail.labelproof",
        "--trust",
        "trust.toml",
        "--at",
        AT,
        "--report",
        report,
    ])
}

#[test]
fn json_has_every_row_in_order_and_every_label() {
    let desk = desk();
    let ended = check(&desk, "out.json");
    // 10 is worse than 13: a row that is no product was not checked at all... and 13 stands beside it.
    assert_eq!(ended.code, 10, "{ended:?}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(desk.path("out.json")).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let read: Vec<_> = rows
        .iter()
        .map(|row| {
            let line = row["line"].as_u64().unwrap();
            let exit = row["exit"].as_u64().unwrap();
            (
                line,
                text(row, "given"),
                text(row, "gtin"),
                text(row, "verdict"),
                exit,
            )
        })
        .collect();
    assert_rows(&read);
    let labels = rows[0]["labels"].as_array().unwrap();
    let named: Vec<_> = labels
        .iter()
        .map(|label| {
            (
                text(label, "label"),
                text(label, "verdict"),
                label["decides"].as_bool().unwrap(),
            )
        })
        .collect();
    let want = [
        (super::JP, "active", false),
        (super::DE, "revoked", true),
        (super::SG, "active", false),
    ];
    assert_eq!(
        named,
        want.map(|(label, verdict, decides)| (label.to_owned(), verdict.to_owned(), decides))
    );
    assert_eq!(labels[1]["reason"], "false-declaration");
    assert_eq!(labels[1]["since"], "2026-09-01T08:00:00Z");
    assert_eq!(
        labels[2]["until"], "2099-01-01T00:00:00Z",
        "the renewal counts"
    );
    let unbound = &rows[6]["labels"][0];
    assert_eq!(
        (unbound["binding"].as_str(), unbound["counts"].as_bool()),
        (Some("unbound"), Some(false))
    );
    assert_eq!(rows[5]["labels"].as_array().unwrap().len(), 0);
    assert!(
        text(&rows[8], "error")
            .contains("line 10, column 2 (EAN): the check digit is 1 and should be 0")
    );
    assert_eq!(report["counts"]["active"], 3);
    assert_eq!(report["counts"]["not-a-gtin"], 5);
    assert_eq!(report["row_count"], ROWS.len());
    assert_eq!(report["age"]["is"], "fresh");
    assert!(report["territory"].is_null() && report["policy"].is_null());
    for left in ["out.json.tmp", "out.json.journal"] {
        assert!(!desk.exists(left), "{left} is left");
    }
}

#[test]
fn csv_has_every_row_and_no_formula() {
    let desk = desk();
    assert_eq!(check(&desk, "out.csv").code, 10);
    let mut reader = csv::Reader::from_path(desk.path("out.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let read: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |name| row[place(name)].trim_start_matches('\'').to_owned();
            let number = |name| row[place(name)].parse().unwrap();
            (
                number("line"),
                text("given"),
                text("gtin"),
                text("verdict"),
                number("exit"),
            )
        })
        .collect();
    assert_rows(&read);
    for row in &rows {
        assert!(
            row.iter()
                .all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])),
            "{row:?}"
        );
    }
    assert_eq!(&rows[12][place("given")], "'=2+3");
    assert_eq!(&rows[0][place("scheme")], "de.it-sik");
    assert_eq!(&rows[0][place("id")], "R-1");
    assert_eq!(&rows[0][place("reason")], "false-declaration");
    assert_eq!(
        &rows[0][place("labels")],
        "jp.jc-star/EX-1 active; de.it-sik/R-1 revoked; sg.cls/C-1 active"
    );
}

#[test]
fn html_is_one_page_that_asks_nobody_for_anything() {
    let desk = desk();
    let evil = "gtin\n\"<script src=x>\"\n\"9521234002017\"\n";
    desk.write("assortment.csv", evil.as_bytes());
    assert_eq!(check(&desk, "out.html").code, 10);
    let page = std::fs::read_to_string(desk.path("out.html")).unwrap();
    assert!(
        page.contains("&lt;script src=x&gt;") && !page.contains("<script"),
        "{page}"
    );
    for word in [
        "src=\"",
        "href",
        "url(",
        "@import",
        "http-equiv=\"refresh\"",
        " onclick=",
        " onload=",
        " onerror=",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page.matches("<tr class=").count(), 2);
    assert!(
        page.contains("✓ <b>ACTIVE</b>") && page.contains("✗ <b>NOT A GTIN</b>"),
        "{page}"
    );
    assert!(!desk.exists("out.html.rows.tmp") && !desk.exists("out.html.tmp"));
}

#[test]
fn a_report_that_cannot_be_has_an_exit_and_leaves_the_old_one() {
    let desk = desk();
    desk.write("out.json", b"old");
    for (file, report, code, says) in [
        ("assortment.csv", "out.txt", 2, ".json, .csv or .html"),
        ("assortment.csv", "none/out.json", 2, "out.json"),
        ("none.csv", "out.json", 2, "there is no file none.csv"),
        ("empty.csv", "out.json", 10, "there is no row"),
        ("other.csv", "out.json", 10, "--column"),
    ] {
        desk.write("empty.csv", b"");
        desk.write("other.csv", b"article,shelf\nx,1\n");
        let ended = desk.run(&[
            "check",
            "--file",
            file,
            "--pack",
            "retail.labelproof",
            "--trust",
            "trust.toml",
            "--at",
            AT,
            "--report",
            report,
        ]);
        assert_eq!(ended.code, code, "{file} {report}: {ended:?}");
        assert!(ended.stderr.contains(says), "{file} {report}: {ended:?}");
        assert_eq!(std::fs::read(desk.path("out.json")).unwrap(), b"old");
    }
    // The log is asked before the rows are judged, and standard input does not come twice.
    let online = [
        "check",
        "--file",
        "-",
        "--trust",
        "trust.toml",
        "--report",
        "out.json",
    ];
    let ended = desk.run(&online);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("standard input"), "{ended:?}");
}
