//! A pack on a machine without a network: whole, old, altered, or of another shop.

use labelproof_tests::paper_log::PaperLog;
use serde_json::Value;

use super::{JP, ROWS, THREE, assortment, batches, issue, paper, subjects};
use crate::client::offline::{has, network_calls};
use crate::client::{AT, Desk, json_of, then};

const PACK: &str = "retail.labelproof";

fn desk() -> Desk {
    let desk = Desk::trusting("http://127.0.0.1:1");
    desk.write(PACK, &paper(then()).pack(&subjects()));
    desk.write("assortment.csv", assortment().as_bytes());
    desk
}

fn check_args<'a>(pack: &'a str, at: &'a str) -> [&'a str; 11] {
    [
        "check",
        "--file",
        "assortment.csv",
        "--pack",
        pack,
        "--trust",
        "trust.toml",
        "--at",
        at,
        "--report",
        "out.json",
    ]
}

fn verdicts(desk: &Desk) -> Vec<String> {
    let report: Value =
        serde_json::from_slice(&std::fs::read(desk.path("out.json")).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| row["verdict"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn neither_pack_verify_nor_check_opens_a_socket() {
    let desk = desk();
    let verify = ["pack", "verify", PACK, "--trust", "trust.toml", "--at", AT];
    let gtin = [
        "verify",
        PACK,
        "--gtin",
        THREE,
        "--trust",
        "trust.toml",
        "--at",
        AT,
    ];
    if !has("strace", &["-f", "-o", "/dev/null", "true"]) {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "strace does not work here"
        );
        eprintln!("skipped: strace does not work here");
        return;
    }
    assert_eq!(network_calls(&desk, &verify, 0), Vec::<String>::new());
    assert_eq!(network_calls(&desk, &gtin, 13), Vec::<String>::new());
    assert_eq!(
        network_calls(&desk, &check_args(PACK, AT), 10),
        Vec::<String>::new()
    );
}

#[test]
fn pack_verify_says_what_is_in_it() {
    let desk = desk();
    let ended = desk.run(&[
        "pack",
        "verify",
        PACK,
        "--trust",
        "trust.toml",
        "--at",
        AT,
        "--json",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let result = &json_of(&ended)["result"];
    assert_eq!(result["gtins"], 8);
    assert_eq!(result["without_label"], 1);
    assert_eq!(result["labels"], 9);
    let schemes = ["de.it-sik", "jp.jc-star", "sg.cls", "us.mark"];
    assert_eq!(result["schemes"], serde_json::json!(schemes));
    assert_eq!(result["age"]["is"], "fresh");
}

#[test]
fn an_old_pack_keeps_only_what_was_taken_away_for_good() {
    let desk = desk();
    for (at, is, exit) in [
        ("2026-11-03T11:59:00Z", "fresh", 0),
        ("2026-11-04T12:00:00Z", "with-conditions", 0),
        ("2026-11-08T11:00:00Z", "with-conditions", 0),
        ("2026-11-09T12:00:00Z", "too-old", 16),
    ] {
        let args = [
            "pack",
            "verify",
            PACK,
            "--trust",
            "trust.toml",
            "--json",
            "--at",
            at,
        ];
        let ended = desk.run(&args);
        assert_eq!(ended.code, exit, "{at}: {ended:?}");
        assert_eq!(json_of(&ended)["result"]["age"]["is"], is, "{at}");
    }
    desk.run(&check_args(PACK, "2026-11-09T12:00:00Z"));
    let want = ROWS.map(|row| match row.verdict {
        "active" | "suspended" | "expired" | "no-label" => "too-old",
        kept => kept,
    });
    assert_eq!(verdicts(&desk), want);
    let mut strict = check_args(PACK, "2026-11-01T14:00:00Z").to_vec();
    strict.extend(["--max-age", "1h"]);
    desk.run(&strict);
    assert_eq!(verdicts(&desk), want);
}

#[test]
fn a_product_that_is_not_in_the_pack_is_not_called_unlabelled() {
    let desk = desk();
    desk.write(PACK, &paper(then()).pack(&[format!("gtin {THREE}")]));
    desk.write("assortment.csv", b"gtin\n9521234001010\n9521234002017\n");
    let ended = desk.run(&check_args(PACK, AT));
    assert_eq!(ended.code, 13, "{ended:?}");
    assert_eq!(verdicts(&desk), ["revoked", "not-in-pack"]);
    desk.write("assortment.csv", b"gtin\n9521234002017\n");
    assert_eq!(desk.run(&check_args(PACK, AT)).code, 19);
}

#[test]
fn evidence_is_the_pack_and_verify_checks_it_again() {
    let desk = desk();
    let mut args = check_args(PACK, AT).to_vec();
    args.extend(["--evidence", "evidence.labelproof"]);
    assert_eq!(desk.run(&args).code, 10);
    let verify = |more: &[&str]| {
        let mut args = vec![
            "verify",
            "evidence.labelproof",
            "--trust",
            "trust.toml",
            "--at",
            AT,
            "--json",
        ];
        args.extend(more);
        desk.run(&args)
    };
    let all = verify(&[]);
    assert_eq!(all.code, 13, "{all:?}");
    let proved = json_of(&all)["result"]["inputs"][0]["proved"].clone();
    assert_eq!(proved.as_array().unwrap().len(), 8);
    for row in ROWS.iter().filter(|row| !row.gtin.is_empty()) {
        let one = verify(&["--gtin", row.given]);
        assert_eq!(
            u64::try_from(one.code),
            Ok(row.exit),
            "{}: {one:?}",
            row.given
        );
    }
    let other = verify(&["--gtin", "9521234009993"]);
    assert_eq!(other.code, 11, "{other:?}");
    let wrong = verify(&["--gtin", "9521234001011"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[test]
fn no_altered_pack_is_believed() {
    let desk = desk();
    let right = paper(then()).pack(&subjects());
    let text = String::from_utf8(right.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut seen = 0;
    for at in (1..lines.len()).step_by(7) {
        let mut less = lines.clone();
        less.remove(at);
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        for altered in [less, twice] {
            desk.write(
                "altered.labelproof",
                format!("{}\n", altered.join("\n")).as_bytes(),
            );
            let ended = desk.run(&[
                "pack",
                "verify",
                "altered.labelproof",
                "--trust",
                "trust.toml",
                "--at",
                AT,
            ]);
            // A signature line of a witness too many is another matter than one too few.
            let cosignature = lines[at].starts_with('\u{2014}');
            assert!(
                [10, 11, 12].contains(&ended.code) || cosignature && ended.code == 0,
                "line {at} ({}): {ended:?}",
                lines[at]
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} alterations were tried");
}

#[test]
fn a_fork_in_a_pack_is_evidence() {
    let desk = desk();
    let ended = desk.run(&["pack", "verify", PACK, "--trust", "trust.toml", "--at", AT]);
    assert_eq!(ended.code, 0, "{ended:?}");
    // The store holds nothing yet, for files never write it; an online answer does.
    let parrot = labelproof_tests::paper_log::Parrot::start(paper(then()).answers(&[JP])).unwrap();
    let online = desk.run(&[
        "status",
        JP,
        "--trust",
        "trust.toml",
        "--log",
        parrot.url(),
        "--at",
        AT,
    ]);
    assert_eq!(online.code, 0, "{online:?}");
    let mut other = PaperLog::founded(then());
    let [mut first, second, third] = batches();
    first[0] = issue("jp.jc-star/OTHER-1", &[THREE], None);
    for batch in [first, second, third] {
        other.append(&batch);
    }
    desk.write("fork.labelproof", &other.pack(&subjects()));
    let ended = desk.run(&[
        "pack",
        "verify",
        "fork.labelproof",
        "--trust",
        "trust.toml",
        "--at",
        AT,
    ]);
    assert_eq!(ended.code, 20, "{ended:?}");
}
