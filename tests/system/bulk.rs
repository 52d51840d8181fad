//! Many labels from one file: what is right goes in once, what is wrong is named, and a kill changes nothing.

mod answers;
mod known;
mod mistakes;
mod sheet;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use labelproof_tests::network::Ended;
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use serde_json::Value;

use self::sheet::Sheet;
use crate::{TestNetwork, demo_network};

const ISSUER: &str = "label.jp.example";

/// Writes the signing key of an authority.
fn key_at(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join("issuer.key");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path);
    let secret = world::key(name).to_text();
    file.unwrap().write_all(secret.as_bytes()).unwrap();
    path
}

/// A network and an issuer's desk in its folder.
fn desk(name: &str) -> TestNetwork {
    let network = demo_network(name);
    key_at(network.dir(), ISSUER);
    network
}

/// Runs a command on a file of many, and gives exit and result.
fn run(network: &TestNetwork, command: &str, file: &str, more: &[&str]) -> (i32, Value) {
    let args = [
        &["--json", command, "--key", "issuer.key", "--file", file][..],
        more,
    ]
    .concat();
    let ended: Ended = network.client(&args);
    let said: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!(said["exit"], ended.code, "{ended:?}");
    if said["result"].is_null() {
        panic!("{ended:?}");
    }
    (ended.code, said["result"].clone())
}

fn write(network: &TestNetwork, file: &str, text: &str) {
    std::fs::write(network.dir().join(file), text).unwrap();
}

fn read(network: &TestNetwork, file: &str) -> String {
    std::fs::read_to_string(network.dir().join(file)).unwrap_or_default()
}

/// Counts of a result: added, already logged, wrong.
fn counts(result: &Value) -> (u64, u64, u64) {
    let count = |name: &str| result[name].as_u64().unwrap();
    (count("added"), count("already_logged"), count("wrong"))
}

/// How many entries the log has published.
fn size(network: &TestNetwork) -> u64 {
    let checkpoint = network.get("/checkpoint").text();
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn right_rows_go_in_and_a_second_run_adds_nothing() {
    let network = desk("bulk");
    let mut sheet = Sheet::numbered(1, 40);
    sheet.set(7, "body.gtins", "1");
    // Right by every rule but the log's: no such level in the scheme.
    sheet.set(20, "body.level", "level9");
    write(&network, "labels.csv", &sheet.csv());

    let before = size(&network);
    let (code, tried) = run(&network, "issue", "labels.csv", &["--dry-run"]);
    assert_eq!(
        (code, tried["accepted"].as_u64()),
        (10, Some(38)),
        "{tried:#}"
    );
    assert_eq!(size(&network), before, "a dry run logged something");
    assert_eq!(read(&network, "labels.events.jsonl"), "");

    let (code, first) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&first)), (10, (38, 0, 2)), "{first:#}");
    let errors = read(&network, "labels.errors.csv");
    let column = |name: &str| sheet.column(name) + 1;
    for want in [
        format!("\r\n9,{},body.gtins,", column("body.gtins")),
        format!(
            "\r\n22,{},body.level,jp.jc-star/EX-21,",
            column("body.level")
        ),
    ] {
        assert!(errors.contains(&want), "{want:?} in {errors:?}");
    }
    let logged = size(&network);
    let (code, second) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&second)), (10, (0, 38, 2)), "{second:#}");
    assert_eq!(size(&network), logged, "a second run logged something");

    // The rows that were wrong are mended; only they are sent.
    sheet.set(7, "body.gtins", "9521234001010");
    sheet.set(20, "body.level", "level1");
    write(&network, "labels.csv", &sheet.csv());
    let (code, third) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&third)), (0, (2, 38, 0)), "{third:#}");
    let (code, fourth) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&fourth)), (0, (0, 40, 0)), "{fourth:#}");
    // Without what is known to be logged the log is asked, and knows.
    std::fs::remove_file(network.dir().join("labels.logged.jsonl")).unwrap();
    let logged = size(&network);
    let (code, fifth) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&fifth)), (0, (0, 40, 0)), "{fifth:#}");
    assert_eq!(size(&network), logged);
    assert_eq!(network.client(&["status", "jp.jc-star/EX-21"]).code, 0);

    // A row that changed after it was logged is named, with the cell that differs.
    sheet.set(3, "body.product.line", "Another line");
    write(&network, "labels.csv", &sheet.csv());
    let (code, changed) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&changed)), (10, (0, 39, 1)), "{changed:#}");
    let fault = &changed["faults"][0];
    assert_eq!(
        (&fault["line"], &fault["code"]),
        (&5.into(), &"changed".into())
    );
    assert_eq!(fault["name"], "body.product.line", "{fault:#}");
}

#[test]
fn a_kill_in_the_middle_loses_nothing_and_doubles_nothing() {
    const ROWS: usize = 700;
    let network = desk("killed");
    write(&network, "labels.csv", &Sheet::numbered(1, ROWS).csv());
    let journal = network.dir().join("labels.events.jsonl");
    // Once before anything is sent, as far as that can be hit, and once while the log takes them.
    killed_when(&network, || journal.exists());
    let kept = read(&network, "labels.events.jsonl");
    assert_eq!(
        kept.lines().count(),
        ROWS,
        "all are kept before one is sent"
    );
    let before = size(&network);
    killed_when(&network, || size(&network) > before);

    let (code, result) = run(&network, "issue", "labels.csv", &[]);
    let (added, already, wrong) = counts(&result);
    let all = ROWS as u64;
    assert_eq!((code, added + already, wrong), (0, all, 0), "{result:#}");
    assert!(already > 0, "the kill came too early: {result:#}");
    assert_eq!(read(&network, "labels.events.jsonl"), kept, "signed anew");

    // Each label has one entry: as many indices as rows, no two equal.
    let results = read(&network, "labels.results.csv");
    let mut indices: Vec<u64> = results
        .lines()
        .skip(1)
        .map(|row| row.split(',').nth(3).unwrap().parse().unwrap())
        .collect();
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), ROWS);
    let (code, again) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&again)), (0, (0, all, 0)), "{again:#}");
}

/// Issues the labels of the table and kills the client with -9 as soon as something holds.
fn killed_when(network: &TestNetwork, holds: impl Fn() -> bool) {
    let mut command = network.command(Program::Client);
    command
        .args(["issue", "--key", "issuer.key", "--file", "labels.csv"])
        .env("LABELPROOF_TRUST", network.trust())
        .env("LABELPROOF_LOG", network.log_url())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    for _ in 0..MOST_LOOKS {
        if holds() || child.try_wait().unwrap().is_some() {
            break;
        }
        // Nobody tells what another process has done: it has to be looked for.
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn every_kind_comes_from_a_table() {
    let network = desk("kinds");
    write(&network, "labels.csv", &Sheet::numbered(1, 3).csv());
    assert_eq!(run(&network, "issue", "labels.csv", &[]).0, 0);
    let all = |text: &str| -> Sheet {
        let rows: String = (1..=3)
            .map(|number| text.replace('#', &number.to_string()))
            .collect::<Vec<_>>()
            .join("\n");
        Sheet::plain(&rows)
    };
    let with = |header: &str, row: &str| {
        let mut sheet = all(row);
        let first = std::mem::replace(
            &mut sheet.header,
            header.split(',').map(str::to_owned).collect(),
        );
        sheet.rows.insert(0, first);
        sheet.csv()
    };
    let steps = [
        (
            "renew",
            with(
                "subject,decided_at,body.valid_until,body.aliases",
                "jp.jc-star/EX-#,2026-03-01T00:00:00Z,2031-01-01T00:00:00Z,EX-#-R",
            ),
        ),
        (
            "bind",
            with(
                "subject,decided_at,body.gtins,body.models.0.number",
                "jp.jc-star/EX-#,2026-03-02T00:00:00Z,9521234001027,KH-9",
            ),
        ),
        (
            "unbind",
            with(
                "subject,decided_at,reason.code,body.gtins",
                "jp.jc-star/EX-#,2026-03-03T00:00:00Z,holder-request,09521234001027",
            ),
        ),
        (
            "suspend",
            with(
                "subject,decided_at,reason.code,reason.text,body.validity_effect",
                "jp.jc-star/EX-#,2026-03-04T00:00:00Z,vulnerability,Fixed in June.,suspended",
            ),
        ),
    ];
    for (command, text) in &steps {
        let file = format!("{command}.csv");
        write(&network, &file, text);
        let (code, result) = run(&network, command, &file, &[]);
        assert_eq!(
            (code, counts(&result)),
            (0, (3, 0, 0)),
            "{command}: {result:#}"
        );
        let (code, again) = run(&network, command, &file, &[]);
        assert_eq!(
            (code, counts(&again)),
            (0, (0, 3, 0)),
            "{command}: {again:#}"
        );
    }
    assert_eq!(network.client(&["status", "jp.jc-star/EX-2"]).code, 15);

    // What was suspended, by the ids that the results of the suspension hold.
    let results = read(&network, "suspend.results.csv");
    let mut reinstate = "subject,decided_at,body.suspension\n".to_owned();
    for row in results.lines().skip(1) {
        let cells: Vec<&str> = row.trim().split(',').collect();
        reinstate.push_str(&format!("{},2026-03-05T00:00:00Z,{}\n", cells[1], cells[2]));
    }
    write(&network, "reinstate.csv", &reinstate);
    let (code, result) = run(&network, "reinstate", "reinstate.csv", &[]);
    assert_eq!((code, counts(&result)), (0, (3, 0, 0)), "{result:#}");
    assert_eq!(network.client(&["status", "jp.jc-star/EX-2"]).code, 0);

    // One by hand in between: the next table follows it.
    let bound = [
        "bind",
        "jp.jc-star/EX-1",
        "--gtin",
        "9521234001034",
        "--key",
        "issuer.key",
    ];
    assert_eq!(network.client(&bound).code, 0);
    let again = network.client(&bound);
    assert!(
        again.code == 0 && again.stdout.contains("ALREADY DONE"),
        "{again:?}"
    );
    let mut amended = Sheet::numbered(1, 3);
    for row in 0..3 {
        amended.set(row, "decided_at", "2026-03-06T00:00:00Z");
        amended.set(row, "body.firmware.min", "3.0");
        amended.set(row, "body.aliases", &format!("EX-{}-R", row + 1));
        amended.set(row, "body.valid_until", "2031-01-01T00:00:00Z");
    }
    write(&network, "amend.csv", &amended.csv());
    let (_, result) = run(&network, "amend", "amend.csv", &[]);
    let (added, _, wrong) = counts(&result);
    // EX-1 covers one product more than its row says, so that the row does not hold.
    assert_eq!((added, wrong), (2, 1), "{result:#}");

    let revoke = with(
        "subject,decided_at,reason.code",
        "jp.jc-star/EX-#,2026-03-07T00:00:00Z,nonconformity",
    );
    let revoke = format!("{revoke}jp.jc-star/NEVER,2026-03-07T00:00:00Z,nonconformity\n");
    write(&network, "revoke.csv", &revoke);
    let (code, result) = run(&network, "revoke", "revoke.csv", &[]);
    assert_eq!(counts(&result), (3, 0, 1), "{result:#}");
    assert_ne!(code, 0);
    assert_eq!(result["faults"][0]["line"], 5, "{result:#}");
    assert_eq!(network.client(&["status", "jp.jc-star/EX-3"]).code, 13);
}

#[test]
fn a_log_that_is_away_is_said_and_a_later_run_goes_on() {
    let mut network = desk("away");
    write(&network, "labels.csv", &Sheet::numbered(1, 5).csv());
    let (code, signed) = run(&network, "issue", "labels.csv", &["--no-submit"]);
    assert_eq!(
        (code, signed["signed_only"].as_u64()),
        (0, Some(5)),
        "{signed:#}"
    );
    let kept = read(&network, "labels.events.jsonl");
    network.kill_log().unwrap();
    network.start_log().unwrap();
    network.wait_until_ready();
    let (code, result) = run(&network, "issue", "labels.csv", &[]);
    assert_eq!((code, counts(&result)), (0, (5, 0, 0)), "{result:#}");
    assert_eq!(read(&network, "labels.events.jsonl"), kept);
}

/// A minute of looks.
const MOST_LOOKS: u32 = 12_000;
