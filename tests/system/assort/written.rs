//! `docs/spec/check.md` against reports as they are written.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::report::{check, desk};

/// The first cells of the table under a heading, without their back quotes, and the rows they begin.
fn table(heading: &str) -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("docs/spec/check.md")).unwrap();
    let part = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("docs/spec/check.md has no {heading}"))
        .1;
    let rows = part
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2);
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_matches('|').split(" | ");
        inner.map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(|line| {
        let cells = cells(line);
        (cells[0].trim_matches('`').to_owned(), cells)
    })
    .collect()
}

fn names(heading: &str) -> Vec<String> {
    table(heading).into_iter().map(|(name, _)| name).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

fn members(value: &Value) -> Vec<String> {
    sorted(value.as_object().unwrap().keys().cloned().collect())
}

#[test]
fn columns_and_members_are_those_that_the_document_lists() {
    let desk = desk();
    for report in ["out.json", "out.csv", "out.html"] {
        assert_eq!(check(&desk, report).code, 10);
    }
    let read = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    let csv = read("out.csv");
    let (header, _) = csv.split_once("\r\n").unwrap();
    assert_eq!(header.split(',').collect::<Vec<_>>(), names("## CSV"));

    let html = read("out.html");
    let (_, head) = html.split_once("<thead><tr>").unwrap();
    let (head, _) = head.split_once("</thead>").unwrap();
    let heads: Vec<_> = head.split("<th scope=\"col\">").skip(1).collect();
    assert_eq!(heads, names("## HTML"));

    let json: Value = serde_json::from_str(&read("out.json")).unwrap();
    assert_eq!(members(&json), sorted(names("## JSON")));
    let rows = json["rows"].as_array().unwrap();
    let mut labels = 0;
    for row in rows {
        assert_eq!(members(row), sorted(names("### A row")));
        for label in row["labels"].as_array().unwrap() {
            assert_eq!(members(label), sorted(names("### A label")));
            labels += 1;
        }
    }
    assert!(labels > 5, "{labels} labels");
}

#[test]
fn verdicts_and_their_exits_are_those_that_the_document_lists() {
    let desk = desk();
    assert_eq!(check(&desk, "out.json").code, 10);
    let json: Value =
        serde_json::from_slice(&std::fs::read(desk.path("out.json")).unwrap()).unwrap();
    let listed = table("## Verdicts");
    let words = listed.iter().map(|(word, _)| word.clone()).collect();
    assert_eq!(members(&json["counts"]), sorted(words));
    let exits: BTreeMap<_, _> = listed
        .iter()
        .map(|(word, cells)| (word.as_str(), cells[2].parse::<u64>().unwrap()))
        .collect();
    for row in json["rows"].as_array().unwrap() {
        let verdict = row["verdict"].as_str().unwrap();
        assert_eq!(row["exit"].as_u64(), Some(exits[verdict]), "{verdict}");
    }
}
