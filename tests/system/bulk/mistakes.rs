//! Every mistake of a table is answered with its line, its column and the header of its cell.

use std::path::Path;
use std::process::Command;

use labelproof_core::merkle::LeafHash;
use labelproof_tests::network::Ended;
use labelproof_tests::paper_log::policy;
use labelproof_tests::programs::{Program, Programs};
use labelproof_tests::world;
use serde_json::Value;

use super::{ISSUER, key_at, sheet::Sheet};

/// A machine without a network: key, trust file, programs.
struct Office {
    dir: tempfile::TempDir,
    programs: Programs,
}

impl Office {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let programs = Programs::link(&crate::demo(), dir.path()).unwrap();
        let genesis = LeafHash::of_entry(&world::genesis());
        let policy = policy("http://127.0.0.1:1");
        let trust =
            labelproof::trust::TrustFile::first(&world::origin(), genesis, &policy).unwrap();
        std::fs::write(dir.path().join("trust.toml"), trust).unwrap();
        key_at(dir.path(), ISSUER);
        Self { dir, programs }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    /// Checks a file by the rules alone; nothing is sent, nothing kept.
    fn check(&self, command: &str, file: &str, text: impl AsRef<[u8]>) -> Ended {
        std::fs::write(self.path(file), text).unwrap();
        let before = self.files();
        let mut client = Command::new(self.programs.path(Program::Client));
        client.current_dir(self.dir.path());
        client.args([
            "--json",
            command,
            "--key",
            "issuer.key",
            "--trust",
            "trust.toml",
        ]);
        client.args(["--dry-run", "--no-submit", "--file", file]);
        let done = client.output().unwrap();
        assert_eq!(before, self.files(), "a dry run left something");
        Ended {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8(done.stdout).unwrap(),
            stderr: String::from_utf8(done.stderr).unwrap(),
        }
    }

    fn files(&self) -> Vec<std::ffi::OsString> {
        let mut files: Vec<_> = Path::new(self.dir.path())
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        files.sort();
        files
    }
}

fn result(ended: &Ended) -> Value {
    let said: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    said["result"].clone()
}

fn told(fault: &Value) -> String {
    let column = fault["column"]
        .as_u64()
        .map_or(String::new(), |it| it.to_string());
    format!(
        "{}|{column}|{}|{}|{}",
        fault["line"],
        fault["name"].as_str().unwrap_or_default(),
        fault["code"].as_str().unwrap(),
        fault["error"].as_str().unwrap()
    )
}

/// Column, cell, code, beginning of the sentence.
const CELLS: [(&str, &str, &str, &str); 31] = [
    (
        "subject",
        "",
        "empty-cell",
        "is empty, and subject must be there",
    ),
    (
        "subject",
        "jp.jc-star",
        "bad-member",
        "not a label: <scheme>/<native id>",
    ),
    (
        "subject",
        "authority:label.jp.example",
        "bad-member",
        "is not a subject of label.issue",
    ),
    ("decided_at", "2026-02-03", "bad-member", "not a time"),
    (
        "decided_at",
        "2026-02-30T00:00:00Z",
        "bad-member",
        "not a time",
    ),
    (
        "decided_at",
        "2999-01-01T00:00:00Z",
        "decided-in-future",
        "decided_at lies in the future",
    ),
    (
        "body.native_id",
        "EX-OTHER",
        "bad-member",
        "is not the native id of the subject",
    ),
    (
        "body.level",
        "★1",
        "bad-member",
        "not a level code: 1 to 32 of",
    ),
    (
        "body.level",
        "",
        "empty-cell",
        "is empty, and body.level must be there",
    ),
    (
        "body.assurance",
        "third-party",
        "bad-member",
        "not an assurance: one of self-declared",
    ),
    (
        "body.gtins",
        "09521234001011",
        "bad-member",
        "element 1 of the list: not a GTIN-14",
    ),
    (
        "body.gtins",
        "9.52123E+12",
        "bad-member",
        "element 1 of the list: not a GTIN-14",
    ),
    (
        "body.gtins",
        "09521234001010;;09521234001027",
        "bad-cell",
        "element 2 of the list is empty",
    ),
    (
        "body.gtins",
        "09521234001010;9521234001010",
        "bad-member",
        "element 1 repeats an earlier one",
    ),
    (
        "body.territory",
        "JP;XX",
        "bad-member",
        "element 2 of the list: ",
    ),
    (
        "body.territory",
        "",
        "empty-cell",
        "is empty, and body.territory must be there",
    ),
    (
        "body.holder.country",
        "Japan",
        "bad-member",
        "not a country code: two of A-Z",
    ),
    (
        "body.holder.ids",
        "gln:1",
        "bad-member",
        "element 1 of the list: not an id of an organisation",
    ),
    (
        "body.holder.name",
        "",
        "empty-cell",
        "is empty, and body.holder.name must be there",
    ),
    (
        "body.product.line",
        "=HYPERLINK(1)",
        "formula",
        "begins with '=', as a formula does",
    ),
    (
        "body.product.line",
        "@home",
        "formula",
        "begins with '@', as a formula does",
    ),
    (
        "body.product.line",
        "line\u{202e}",
        "bad-member",
        "holds the character U+202E",
    ),
    (
        "body.product.names",
        "write to a@b.example",
        "private-data",
        "element 1 of the list: holds an e-mail address",
    ),
    (
        "body.product.use",
        "home",
        "bad-member",
        "not a use: one of consumer",
    ),
    (
        "body.models.0.number",
        "",
        "empty-cell",
        "is empty, and body.models.0.number must be there",
    ),
    (
        "body.models.0.variant",
        "MAC 02:00:5e:10:00:01",
        "private-data",
        "holds a hardware address",
    ),
    (
        "body.valid_until",
        "2020-01-01T00:00:00Z",
        "bad-member",
        "is not after valid_from",
    ),
    ("body.support_end", "soon", "bad-member", "not "),
    (
        "body.updates.uri",
        "http://kawabe.example",
        "bad-member",
        "not a page: https://",
    ),
    (
        "body.page",
        "https://jc-star.jp.example",
        "bad-member",
        "not a label's page: https://",
    ),
    (
        "body.components",
        "[\"device\"",
        "bad-cell",
        "begins as JSON and is none",
    ),
];

#[test]
fn each_wrong_cell_is_named_and_the_right_rows_are_right() {
    let office = Office::open();
    let mut sheet = Sheet::numbered(1, CELLS.len() * 2);
    for (place, (column, cell, _, _)) in CELLS.iter().enumerate() {
        sheet.set(place * 2, column, cell);
    }
    for (separator, end, mark) in [(",", "\n", ""), (";", "\r\n", "\u{feff}"), ("\t", "\n", "")] {
        let text = format!("{mark}{}", sheet.written(separator, end));
        let ended = office.check("issue", "labels.csv", text);
        assert_eq!(ended.code, 10, "{ended:?}");
        let result = result(&ended);
        assert_eq!(result["accepted"], CELLS.len(), "{result:#}");
        assert_eq!(result["wrong"], CELLS.len());
        let faults = result["faults"].as_array().unwrap();
        assert_eq!(faults.len(), CELLS.len(), "{faults:#?}");
        for (place, (fault, (name, _, code, sentence))) in faults.iter().zip(CELLS).enumerate() {
            let column = sheet.column(name) + 1;
            let want = format!("{}|{column}|{name}|{code}|{sentence}", place * 2 + 2);
            assert!(told(fault).starts_with(&want), "{want}\n{}", told(fault));
        }
    }
}

#[test]
fn every_mistake_of_one_row_is_found_at_once() {
    let office = Office::open();
    let mut sheet = Sheet::numbered(1, 1);
    for (column, cell) in [
        ("body.level", "★1"),
        ("body.assurance", "weak"),
        ("body.gtins", "1"),
        ("body.support_end", "soon"),
        ("body.page", "nowhere"),
    ] {
        sheet.set(0, column, cell);
    }
    let ended = office.check("issue", "labels.csv", sheet.csv());
    let result = result(&ended);
    let names: Vec<&str> = result["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["name"].as_str().unwrap())
        .collect();
    let want = [
        "body.assurance",
        "body.gtins",
        "body.level",
        "body.page",
        "body.support_end",
    ];
    assert_eq!(names, want, "{result:#}");
    assert_eq!(result["wrong"], 1);
}

#[test]
fn rows_that_are_none_are_named_and_the_others_read() {
    let office = Office::open();
    let sheet = Sheet::numbered(1, 8);
    let text = sheet.csv();
    let mut lines: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
    let width = sheet.header.len();
    lines[2].extend_from_slice(b",more");
    lines[3] = b"jp.jc-star/EX-3".to_vec();
    lines[4] = vec![b'x'; 100 << 20];
    lines[5].insert(0, b'"');
    lines[6][3] = 0xff;
    lines[7] = lines[1].clone();
    let ended = office.check("issue", "labels.csv", lines.join(&b'\n'));
    assert_eq!(ended.code, 10, "{ended:?}");
    let result = result(&ended);
    let faults: Vec<String> = result["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    let want = [
        format!("3|||bad-row|has {} cells, the header {width}", width + 1),
        format!("4|||bad-row|has 1 cells, the header {width}"),
        "5|||too-long|has more than 262144 bytes".to_owned(),
        "6|1|body.aliases|bad-quote|text after the closing quote".to_owned(),
        "7|2|body.assurance|not-utf-8|not UTF-8; save the file as \"CSV UTF-8\"".to_owned(),
        "8|||repeated|jp.jc-star/EX-1 is in line 2 already".to_owned(),
    ];
    assert_eq!(faults.len(), want.len(), "{faults:#?}");
    for (fault, want) in faults.iter().zip(want) {
        assert!(fault.starts_with(&want), "{want}\n{fault}");
    }
    assert_eq!(result["accepted"], 2);
}

#[test]
fn a_wrong_header_stops_everything_and_all_of_it_is_named() {
    let office = Office::open();
    let mut sheet = Sheet::numbered(1, 1);
    let (level, page) = (sheet.column("body.level"), sheet.column("body.page"));
    sheet.header[level] = "body.levle".to_owned();
    sheet.header[page] = "body.contact".to_owned();
    sheet.header.push("prev".to_owned());
    sheet.rows[0].push(String::new());
    let ended = office.check("issue", "labels.csv", sheet.csv());
    assert_eq!(ended.code, 10, "{ended:?}");
    let result = result(&ended);
    let faults: Vec<String> = result["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    let contact = sheet.column("body.contact") + 1;
    let want = [
        format!("1|{}|body.levle|unknown-column|no such column; did you mean body.level?", level + 1),
        format!("1|{}|body.contact|repeated-column|is the same as column {contact} (body.contact)", page + 1),
        format!("1|{}|prev|unknown-column|is asked of the log", sheet.header.len()),
        "1||body.level|missing-column|there is no column body.level, and every label.issue needs it".to_owned(),
        "1||body.page|missing-column|there is no column body.page, and every label.issue needs it".to_owned(),
    ];
    assert_eq!(faults.len(), want.len(), "{faults:#?}");
    for (fault, want) in faults.iter().zip(want) {
        assert!(fault.starts_with(&want), "{want}\n{fault}");
    }
}

#[test]
fn files_that_are_no_table_say_what_to_do() {
    let office = Office::open();
    let cases: [(&[u8], i32, &str); 5] = [
        (b"", 10, "no header"),
        (b"\xff\xfes\0u\0", 10, "UTF-16"),
        (b"subject,decided_at,reason.code\n", 10, "holds no event"),
        (b"subject;\"decided_at\n", 10, "never closed"),
        (b"hello\nworld\n", 10, "the header is wrong"),
    ];
    for (bytes, code, what) in cases {
        let ended = office.check("revoke", "labels.csv", bytes);
        assert_eq!(ended.code, code, "{ended:?}");
        assert!(ended.stdout.contains(what), "{what}: {ended:?}");
    }
}

#[test]
fn json_lines_are_named_by_line_and_pointer() {
    let office = Office::open();
    let draft = |number: usize| world::issue_draft(&format!("jp.jc-star/EX-{number}"));
    let mut wrong = draft(2);
    wrong["body"]["level"] = "★1".into();
    wrong["body"]["gtins"][0] = "1".into();
    let twice = draft(4)
        .to_string()
        .replacen('{', "{\"subject\":\"x.y/z\",", 1);
    let text = format!(
        "\u{feff}{}\n{wrong}\n\n{{\"subject\":\n{twice}\n{}\n{}\n",
        draft(1),
        draft(1),
        draft(5)
    );
    let ended = office.check("issue", "labels.jsonl", text);
    assert_eq!(ended.code, 10, "{ended:?}");
    let result = result(&ended);
    let faults: Vec<String> = result["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(told)
        .collect();
    let want = [
        "2||/body/gtins/0|bad-member|not a GTIN-14",
        "2||/body/level|bad-member|not a level code",
        "4|||malformed|not an event: line 3 is not JSON",
        "5||",
        "6|||repeated|jp.jc-star/EX-1 is in line 1 already",
    ];
    assert_eq!(faults.len(), want.len(), "{faults:#?}");
    for (fault, want) in faults.iter().zip(want) {
        assert!(fault.starts_with(want), "{want}\n{fault}");
    }
    assert_eq!(result["accepted"], 2);
}
