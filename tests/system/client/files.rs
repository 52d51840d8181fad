//! `labelproof verify` and the other commands that read files.

use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_tests::paper_log::PaperLog;
use labelproof_tests::world;

use super::{ACTIVE, AT, Desk, REVOKED, SUSPENDED, UNKNOWN, issue, json_of, log_at, then};

fn desk() -> (Desk, PaperLog) {
    let log = log_at(then());
    let desk = Desk::trusting("http://127.0.0.1:1");
    for (name, subject) in [
        ("active", ACTIVE),
        ("suspended", SUSPENDED),
        ("revoked", REVOKED),
        ("absent", UNKNOWN),
    ] {
        desk.write(&format!("{name}.labelproof"), &log.bundle(subject));
    }
    (desk, log)
}

#[test]
fn bundles_say_first_what_they_prove_and_exit_with_the_worst() {
    let (desk, _) = desk();
    let verify = ["verify", "--trust", "trust.toml", "--at", AT];
    let run = |files: &[&str]| desk.run(&[&verify[..], files].concat());
    let ended = run(&["active.labelproof"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended
            .stdout
            .starts_with("active.labelproof proves something about jp.jc-star/EX-1\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("  checked    "), "{ended:?}");
    assert_eq!(run(&["active.labelproof", "suspended.labelproof"]).code, 15);
    assert_eq!(
        run(&[
            "suspended.labelproof",
            "revoked.labelproof",
            "active.labelproof"
        ])
        .code,
        13
    );
    assert_eq!(run(&[]).code, 2, "nothing to verify is a failure");
    assert_eq!(run(&["trust.toml"]).code, 10, "not a proof");
    assert_eq!(run(&["none.labelproof"]).code, 2, "no such file");
}

#[test]
fn an_absence_is_believed_only_of_the_subject_in_hand() {
    let (desk, _) = desk();
    let run = |more: &[&str]| {
        let args = [
            "verify",
            "absent.labelproof",
            "--trust",
            "trust.toml",
            "--at",
            AT,
        ];
        desk.run(&[&args[..], more].concat()).code
    };
    assert_eq!(run(&[]), 2);
    assert_eq!(run(&["--subject", UNKNOWN]), 17);
    assert_eq!(run(&["--subject", "jp.jc-star/EX-8"]), 11);
    assert_eq!(run(&["--subject", ACTIVE]), 11);
}

#[test]
fn subject_and_event_in_hand_are_compared() {
    let (desk, _) = desk();
    desk.write("mine.note", &issue(ACTIVE));
    desk.write("other.note", &issue(SUSPENDED));
    let run = |more: &[&str]| {
        let args = [
            "verify",
            "active.labelproof",
            "--trust",
            "trust.toml",
            "--at",
            AT,
        ];
        desk.run(&[&args[..], more].concat()).code
    };
    assert_eq!(run(&["--subject", ACTIVE, "--event", "mine.note"]), 0);
    assert_eq!(run(&["--subject", SUSPENDED]), 11);
    assert_eq!(run(&["--event", "other.note"]), 11);
    assert_eq!(
        run(&["--subject", "jp.jc-star/ex-1"]),
        0,
        "the scheme's rule folds the id"
    );
}

#[test]
fn a_proof_or_receipt_needs_its_event() {
    let (desk, log) = desk();
    let event = issue(ACTIVE);
    let index = log.index_of(&event).unwrap();
    desk.write("mine.note", &event);
    desk.write("other.note", &issue(SUSPENDED));
    desk.write(
        "a.tlog-proof",
        &log.proof_by(index, &world::WITNESSES).to_bytes(),
    );
    desk.write(
        "few.tlog-proof",
        &log.proof_by(index, &["ca", "de", "fr", "gb"]).to_bytes(),
    );
    let next = LeafIndex::new(index.get() + 1);
    desk.write(
        "next.tlog-proof",
        &log.proof_by(next, &world::WITNESSES).to_bytes(),
    );
    desk.write("a.receipt", &log.receipt(index).to_bytes());
    // A log alone could add extra data; only the name of the file says that a promise will do.
    desk.write("receipt.tlog-proof", &log.receipt(index).to_bytes());
    let run = |file: &str, event: &str| {
        desk.run(&[
            "verify",
            file,
            "--trust",
            "trust.toml",
            "--at",
            AT,
            "--event",
            event,
        ])
        .code
    };
    assert_eq!(run("a.tlog-proof", "mine.note"), 0);
    assert_eq!(run("a.receipt", "mine.note"), 0);
    assert_eq!(run("a.tlog-proof", "other.note"), 11);
    assert_eq!(run("a.receipt", "other.note"), 11);
    assert_eq!(run("next.tlog-proof", "mine.note"), 11);
    assert_eq!(run("few.tlog-proof", "mine.note"), 12);
    assert_eq!(run("receipt.tlog-proof", "mine.note"), 12);
    let ended = desk.run(&[
        "verify",
        "a.tlog-proof",
        "--trust",
        "trust.toml",
        "--at",
        AT,
    ]);
    assert_eq!(ended.code, 2, "without the event: {ended:?}");
}

#[test]
fn old_evidence_is_judged_as_of_a_time() {
    let (desk, _) = desk();
    let at = |time: &str| {
        desk.run(&[
            "verify",
            "active.labelproof",
            "--trust",
            "trust.toml",
            "--at",
            time,
        ])
        .code
    };
    assert_eq!(at(AT), 0);
    assert_eq!(at("2026-11-02T11:59:59Z"), 0);
    assert_eq!(at("2026-11-02T12:00:01Z"), 16);
    assert_eq!(
        at("2026-11-01T11:54:59Z"),
        12,
        "cosigned more than 300 s in the future"
    );
}

#[test]
fn each_kind_of_file_is_explained_and_nothing_is_claimed() {
    let (desk, log) = desk();
    desk.write("e.note", &issue(ACTIVE));
    desk.write(
        "c.note",
        &log.checkpoint(&world::WITNESSES).note().to_bytes(),
    );
    desk.write(
        "g7.policy",
        labelproof_tests::paper_log::policy("https://labels.g7.example").as_bytes(),
    );
    desk.write(
        "a.tlog-proof",
        &log.proof_by(LeafIndex::new(0), &[]).to_bytes(),
    );
    let files = [
        "active.labelproof",
        "e.note",
        "c.note",
        "g7.policy",
        "a.tlog-proof",
        "trust.toml",
    ];
    for file in files {
        let ended = desk.run(&["inspect", file]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stdout.contains("Nothing was verified"), "{ended:?}");
        let object = json_of(&desk.run(&["--json", "inspect", file]));
        assert_eq!(object["result"]["verified"], false);
    }
    assert_eq!(desk.run(&["inspect", "bin/labelproof"]).code, 10);
}

#[test]
fn keys_are_made_once_and_never_shown() {
    let (desk, _) = desk();
    let made = desk.run(&["keygen", "--name", "label.jp.example", "--out", "a.key"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.stdout.starts_with("label.jp.example+"), "{made:?}");
    assert_eq!(desk.run(&["key", "show", "a.key"]).stdout, made.stdout);
    assert_eq!(
        desk.run(&["keygen", "--name", "label.jp.example", "--out", "a.key"])
            .code,
        2
    );
    let secret = std::fs::read_to_string(desk.path("a.key")).unwrap();
    // Base64 may hold a plus of its own.
    let secret = secret.trim_end().splitn(5, '+').last().unwrap().to_owned();
    for args in [
        &["--json", "key", "show", "a.key"][..],
        &["--json", "inspect", "a.key"],
        &["key", "show", "a.key"],
    ] {
        let ended = desk.run(args);
        assert!(!format!("{ended:?}").contains(&secret), "{args:?}");
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(desk.path("a.key"), open).unwrap();
    let ended = desk.run(&["key", "show", "a.key"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("chmod 600"), "{ended:?}");
}

#[test]
fn a_note_takes_several_signatures_and_a_checkpoint_none_by_hand() {
    let (desk, log) = desk();
    desk.write("e.note", &issue(ACTIVE));
    desk.write("c.note", &log.checkpoint(&[]).note().to_bytes());
    for name in ["root.jp.example", "root.de.example"] {
        let key = format!("{name}.key");
        assert_eq!(desk.run(&["keygen", "--name", name, "--out", &key]).code, 0);
        assert_eq!(desk.run(&["sign", "--key", &key, "e.note"]).code, 0);
        assert_eq!(
            desk.run(&["sign", "--key", &key, "e.note"]).code,
            0,
            "again changes nothing"
        );
        assert_eq!(desk.run(&["sign", "--key", &key, "c.note"]).code, 2);
    }
    let object = json_of(&desk.run(&["--json", "inspect", "e.note"]));
    let note = object["result"]["content"][0]["note"].as_str().unwrap();
    assert_eq!(
        note.lines()
            .filter(|line| line.starts_with('\u{2014}'))
            .count(),
        3,
        "{note}"
    );
}

#[test]
fn a_signer_without_a_network_keeps_the_note_for_later() {
    let (desk, _) = desk();
    assert_eq!(
        desk.run(&["keygen", "--name", "label.jp.example", "--out", "a.key"])
            .code,
        0
    );
    desk.write(
        "label.json",
        world::issue_draft("jp.jc-star/EX-5").to_string().as_bytes(),
    );
    let args = [
        "issue",
        "--key",
        "a.key",
        "--trust",
        "trust.toml",
        "--file",
        "label.json",
        "--no-submit",
    ];
    let ended = desk.run(&args);
    assert_eq!(ended.code, 0, "{ended:?}");
    let kept = std::fs::read(desk.path("jp.jc-star.EX-5.events.jsonl")).unwrap();
    assert_eq!(desk.run(&args).code, 0);
    let again = std::fs::read(desk.path("jp.jc-star.EX-5.events.jsonl")).unwrap();
    assert_eq!(kept, again, "a re-run adds nothing");
    assert!(
        !desk.exists("jp.jc-star.EX-5.labelproof"),
        "nothing is proved yet"
    );
    let ended = desk.run(&[
        "submit",
        "jp.jc-star.EX-5.events.jsonl",
        "--trust",
        "trust.toml",
    ]);
    assert_eq!(ended.code, 69, "{ended:?}");
    desk.write(
        "label.json",
        br#"{"subject":"jp.jc-star/EX-5","decided_at":"2026-01-01T00:00:00Z","body":{}}"#,
    );
    let ended = desk.run(&args);
    assert_eq!(ended.code, 10, "{ended:?}");
    assert!(ended.stderr.contains("event new label.issue"), "{ended:?}");
}

/// Beside a second log, the first still answers for its schemes, and not for who may stand in both.
#[test]
fn one_of_two_logs_does_not_answer_for_the_other() {
    let (desk, log) = desk();
    desk.write(
        "authority.labelproof",
        &log.bundle("authority:label.jp.example"),
    );
    let trust = std::fs::read_to_string(desk.path("trust.toml")).unwrap();
    let first = trust.replace("\"*\"", "\"jp.jc-star\"");
    let second = first[first.find("[[log]]").unwrap()..]
        .replace(
            "origin = \"labels.g7.example\"",
            "origin = \"labels.other.example\"",
        )
        .replace("\"jp.jc-star\"", "\"us.mark\"");
    desk.write("two.toml", format!("{first}\n{second}").as_bytes());
    let run = |trust: &str, file: &str| {
        desk.run(&["verify", file, "--trust", trust, "--at", AT])
            .code
    };
    assert_eq!(run("trust.toml", "authority.labelproof"), 0);
    assert_eq!(run("two.toml", "authority.labelproof"), 12);
    assert_eq!(run("two.toml", "active.labelproof"), 0);
}

#[test]
fn a_receipt_of_a_log_that_began_otherwise_promises_nothing() {
    let (desk, log) = desk();
    let event = issue(ACTIVE);
    desk.write("mine.note", &event);
    let index = log.index_of(&event).unwrap();
    desk.write("a.receipt", &log.receipt(index).to_bytes());
    let trust = std::fs::read_to_string(desk.path("trust.toml")).unwrap();
    let pinned = LeafHash::of_entry(&world::genesis()).to_string();
    let other = trust.replace(&pinned, &LeafHash::of_entry(b"another").to_string());
    desk.write("other.toml", other.as_bytes());
    let run = |trust: &str| {
        let args = ["verify", "a.receipt", "--event", "mine.note", "--at", AT];
        desk.run(&[&args[..], &["--trust", trust]].concat()).code
    };
    assert_eq!((run("trust.toml"), run("other.toml")), (0, 11));
}
