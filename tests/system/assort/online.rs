//! The same shop with a network: a real log, seven witnesses, and a log that goes away.

use labelproof_tests::paper_log::Parrot;
use serde_json::Value;

use super::{DE, JP, ROWS, SG, THREE, assert_rows, assortment, batches, paper, subjects};
use crate::client::{AT, Desk, json_of, then};
use crate::demo_network;

fn read_rows(report: &[u8]) -> Vec<(u64, String, String, String, u64)> {
    let report: Value = serde_json::from_slice(report).unwrap();
    let rows = report["rows"].as_array().unwrap().iter();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.map(|row| {
        let number = |name: &str| row[name].as_u64().unwrap();
        (
            number("line"),
            text(row, "given"),
            text(row, "gtin"),
            text(row, "verdict"),
            number("exit"),
        )
    })
    .collect()
}

#[test]
fn every_way_to_ask_a_log_gives_the_same_answers() {
    let network = demo_network("assort");
    for batch in batches() {
        network.submit_all(&batch).unwrap();
    }
    let path = |name: &str| network.dir().join(name).to_str().unwrap().to_owned();

    // One product in every form that it has.
    let saved = path("three.labelproof");
    for form in [
        THREE,
        "9521234001010",
        "952-1234-00101-0",
        "https://shop.example/01/09521234001010/21/4711",
        "(01)09521234001010(21)7",
    ] {
        let ended = network.client(&["status", form, "--json", "--save", &saved]);
        assert_eq!(ended.code, 13, "{form}: {ended:?}");
        let result = &json_of(&ended)["result"];
        assert_eq!(result["gtin"], THREE);
        let labels: Vec<_> = result["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| {
                (
                    label["label"].as_str().unwrap(),
                    label["verdict"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(labels, [(JP, "active"), (DE, "revoked"), (SG, "active")]);
    }
    let said = network.client(&["status", THREE]);
    for words in [
        "REVOKED  09521234001010",
        "this one decides",
        "false-declaration",
        "authentic",
        "witnessed",
    ] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
    }
    for (gtin, code) in [
        (THREE, 13),
        ("9521234001010", 13),
        ("9521234002017", 11),
        ("9521234001011", 2),
    ] {
        let ended = network.client(&["verify", &saved, "--gtin", gtin]);
        assert_eq!(ended.code, code, "{gtin}: {ended:?}");
    }
    // Every row, one by one; a serial number never leaves the machine.
    for row in ROWS.iter().filter(|row| !row.gtin.is_empty()) {
        let ended = network.client(&["status", row.given]);
        assert_eq!(
            u64::try_from(ended.code),
            Ok(row.exit),
            "{}: {ended:?}",
            row.given
        );
    }
    for wrong in [
        "9521234001011",
        "9783161484100",
        "https://shop.example/page",
    ] {
        assert_eq!(network.client(&["status", wrong]).code, 2, "{wrong}");
    }
    // A printed id leads to the label that carries it.
    let printed = network.client(&["status", "sg.cls/C-1-2026", "--json"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(json_of(&printed)["result"]["subject"], SG);
    assert_eq!(network.client(&["status", "sg.cls/C-1-2027"]).code, 17);

    // A pack, made, checked, used.
    std::fs::write(path("assortment.csv"), assortment()).unwrap();
    let (file, pack) = (path("assortment.csv"), path("retail.labelproof"));
    let made = network.client(&["pack", "make", "--file", &file, "--out", &pack]);
    assert_eq!(made.code, 10, "five rows are no products: {made:?}");
    assert!(
        made.stdout.contains("left out   line 10, column 2 (EAN)"),
        "{made:?}"
    );
    let (json, csv) = (path("offline.json"), path("online.json"));
    let offline = network.client(&["check", "--file", &file, "--pack", &pack, "--report", &json]);
    let evidence = path("evidence.labelproof");
    let online = network.client(&[
        "check",
        "--file",
        &file,
        "--report",
        &csv,
        "--evidence",
        &evidence,
    ]);
    assert_eq!(
        (offline.code, online.code),
        (10, 10),
        "{offline:?} {online:?}"
    );
    assert_rows(&read_rows(&std::fs::read(&json).unwrap()));
    assert_rows(&read_rows(&std::fs::read(&csv).unwrap()));
    let again = network.client(&["verify", &evidence]);
    assert_eq!(again.code, 13, "{again:?}");

    // An update sees what happened since, and the file never gets older.
    let revoked = labelproof_tests::world::revoke("jp.jc-star/EX-2", None, "label.jp.example");
    network.submit_all(&[revoked]).unwrap();
    let before = std::fs::read(&pack).unwrap();
    assert_eq!(network.client(&["status", "9521234002017"]).code, 13);
    let updated = network.client(&["pack", "update", &pack]);
    assert_eq!(updated.code, 0, "{updated:?}");
    assert_ne!(std::fs::read(&pack).unwrap(), before);
    assert_eq!(
        network
            .client(&["verify", &pack, "--gtin", "9521234002017"])
            .code,
        13
    );
}

#[test]
fn a_run_that_was_interrupted_goes_on_without_asking_again() {
    let log = paper(then());
    let mut answers = log.answers(&[]);
    answers.insert("/v1/pack".to_owned(), log.pack(&subjects()));
    let parrot = Parrot::start(answers).unwrap();
    let desk = Desk::trusting("http://127.0.0.1:1");
    desk.write("assortment.csv", assortment().as_bytes());
    let check = |report: &str, url: &str| {
        desk.run(&[
            "check",
            "--file",
            "assortment.csv",
            "--trust",
            "trust.toml",
            "--log",
            url,
            "--at",
            AT,
            "--report",
            report,
        ])
    };
    // Interrupted: the pack was fetched, and the report could not be written.
    std::fs::create_dir(desk.path("out.json.tmp")).unwrap();
    let first = check("out.json", parrot.url());
    assert!(
        first.code != 10 && desk.exists("out.json.journal"),
        "{first:?}"
    );
    std::fs::remove_dir(desk.path("out.json.tmp")).unwrap();
    // Nobody answers now.
    let second = check("out.json", "http://127.0.0.1:1");
    assert_eq!(second.code, 10, "{second:?}");
    assert!(second.stderr.contains("going on with"), "{second:?}");
    assert_rows(&read_rows(&std::fs::read(desk.path("out.json")).unwrap()));
    assert!(!desk.exists("out.json.journal"));
    // Without a journal there is nothing to go on with.
    let third = check("other.json", "http://127.0.0.1:1");
    assert_eq!(third.code, 69, "{third:?}");
    assert!(!desk.exists("other.json"));
}

#[test]
fn a_pack_for_other_products_is_no_answer() {
    let log = paper(then());
    let mut answers = log.answers(&[]);
    answers.insert(
        "/v1/pack".to_owned(),
        log.pack(&["gtin 09521234002055".to_owned()]),
    );
    answers.insert(
        format!("/v1/status/gtin/{THREE}"),
        log.product_bundle("09521234002055"),
    );
    let parrot = Parrot::start(answers).unwrap();
    let desk = Desk::trusting(parrot.url());
    desk.write("assortment.csv", b"9521234001010\n");
    let checked = desk.run(&[
        "check",
        "--file",
        "assortment.csv",
        "--trust",
        "trust.toml",
        "--at",
        AT,
        "--report",
        "out.json",
    ]);
    assert_eq!(checked.code, 11, "{checked:?}");
    let made = desk.run(&[
        "pack",
        "make",
        "--gtins",
        "assortment.csv",
        "--trust",
        "trust.toml",
        "--out",
        "x.labelproof",
    ]);
    assert_eq!(made.code, 11, "{made:?}");
    let status = desk.run(&["status", THREE, "--trust", "trust.toml", "--at", AT]);
    assert_eq!(status.code, 11, "{status:?}");
    assert!(!desk.exists("x.labelproof") && !desk.exists("out.json"));
}
