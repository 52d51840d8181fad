//! What a server says, and what `labelproof status` makes of it: never one verdict out of another.

use std::collections::BTreeMap;

use labelproof_core::time::Time;
use labelproof_tests::paper_log::{PaperLog, Parrot, status_path};
use labelproof_tests::world;

use super::{
    ACTIVE, Desk, EXPIRED, REVOKED, SUBJECTS, SUSPENDED, UNKNOWN, issue, json_of, log_at, now,
};

#[test]
fn an_honest_log_gets_the_exit_of_each_status() {
    let parrot = Parrot::start(log_at(now()).answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    let cases = [
        (ACTIVE, 0, "ACTIVE"),
        (SUSPENDED, 15, "SUSPENDED"),
        (REVOKED, 13, "REVOKED"),
        (EXPIRED, 14, "EXPIRED"),
        (UNKNOWN, 17, "NO SUCH LABEL"),
        ("authority:label.jp.example", 0, "IN FORCE"),
    ];
    for (subject, code, word) in cases {
        let ended = desk.status(subject);
        assert_eq!(ended.code, code, "{subject}: {ended:?}");
        assert!(
            ended.stdout.starts_with(&format!("{word}  {subject}\n")),
            "{ended:?}"
        );
        for statement in [
            "\n  authentic  ",
            "\n  witnessed  ",
            "\n  status     ",
            "not prevented",
        ] {
            assert!(
                ended.stdout.contains(statement),
                "{statement:?} in {ended:?}"
            );
        }
        let plain = ended.stdout.contains("\n  status     active as of ");
        assert_eq!(
            plain,
            subject == ACTIVE,
            "the statement is the word: {ended:?}"
        );
        assert!(
            !ended.stdout.contains('\x1b'),
            "no colour off a terminal: {ended:?}"
        );
    }
}

#[test]
fn json_says_the_same_as_the_exit_on_success_and_on_failure() {
    let parrot = Parrot::start(log_at(now()).answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    let cases = [
        (REVOKED, 13, "revoked"),
        (UNKNOWN, 17, "unknown-label"),
        ("jp.jc-star/EX-77", 69, "unreachable"),
    ];
    for (subject, code, meaning) in cases {
        let ended = desk.run(&["--json", "status", subject, "--trust", "trust.toml"]);
        let object = json_of(&ended);
        assert_eq!(ended.code, code, "{ended:?}");
        assert_eq!(
            (&object["version"], &object["command"]),
            (&1.into(), &"status".into())
        );
        assert_eq!(
            (&object["exit"], &object["meaning"]),
            (&code.into(), &meaning.into())
        );
        assert!(
            !ended.stderr.is_empty(),
            "text for people goes to standard error"
        );
    }
}

#[test]
fn record_of_another_label_is_a_wrong_proof() {
    let log = log_at(now());
    let parrot = Parrot::start(log.answers(&[])).unwrap();
    let desk = Desk::trusting(parrot.url());
    for (asked, told) in [
        (UNKNOWN, ACTIVE),
        (ACTIVE, UNKNOWN),
        (REVOKED, ACTIVE),
        (ACTIVE, "scheme:jp.jc-star"),
    ] {
        parrot.say_at(&status_path(asked), Some(log.bundle(told)));
        let ended = desk.status(asked);
        assert_eq!(ended.code, 11, "{asked} answered with {told}: {ended:?}");
    }
}

#[test]
fn an_answer_that_is_none_is_unreachable_and_never_an_absence() {
    let parrot = Parrot::start(BTreeMap::new()).unwrap();
    let desk = Desk::trusting(parrot.url());
    assert_eq!(desk.status(UNKNOWN).code, 69, "404");
    parrot.say_at(&status_path(UNKNOWN), Some(b"no such label".to_vec()));
    assert_eq!(desk.status(UNKNOWN).code, 10, "not a bundle");
    let nobody = Desk::trusting("http://127.0.0.1:1");
    assert_eq!(nobody.status(UNKNOWN).code, 69, "nobody listens");
}

#[test]
fn an_older_head_than_one_seen_is_too_old_to_say() {
    let mut log = PaperLog::founded(now());
    log.append(&[issue(ACTIVE)]);
    let older = log.answers(&SUBJECTS);
    let parrot = Parrot::start(older.clone()).unwrap();
    let desk = Desk::trusting(parrot.url());
    assert_eq!(desk.status(ACTIVE).code, 0);
    log.append(&[
        issue(REVOKED),
        world::revoke(ACTIVE, None, "label.jp.example"),
    ]);
    parrot.say(log.answers(&SUBJECTS));
    assert_eq!(desk.status(REVOKED).code, 0);
    parrot.say(older);
    for subject in [ACTIVE, REVOKED, UNKNOWN] {
        let ended = desk.status(subject);
        assert_eq!(ended.code, 16, "{subject}: {ended:?}");
        assert!(ended.stdout.starts_with("TOO OLD TO SAY"), "{ended:?}");
    }
}

#[test]
fn age_is_measured_by_the_witnesses_and_a_proved_revocation_has_none() {
    let yesterday = Time::from_unix(now().unix() - 90_000).unwrap();
    let parrot = Parrot::start(log_at(yesterday).answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    for (subject, code) in [(ACTIVE, 16), (SUSPENDED, 16), (UNKNOWN, 16), (REVOKED, 13)] {
        assert_eq!(desk.status(subject).code, code, "{subject}");
    }
    let ended = desk.run(&[
        "status",
        ACTIVE,
        "--trust",
        "trust.toml",
        "--max-age",
        "26h",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn too_few_witnesses_are_no_quorum() {
    let log = log_at(now());
    let parrot = Parrot::start(log.answers(&[])).unwrap();
    let desk = Desk::trusting(parrot.url());
    for witnesses in [&["ca", "de", "fr", "gb"][..], &[]] {
        parrot.say_at(&status_path(ACTIVE), Some(log.bundle_by(ACTIVE, witnesses)));
        assert_eq!(desk.status(ACTIVE).code, 12, "{witnesses:?}");
    }
    parrot.say_at(
        &status_path(ACTIVE),
        Some(log.bundle_by(ACTIVE, &["ca", "de", "fr", "gb", "us"])),
    );
    assert_eq!(desk.status(ACTIVE).code, 0);
}

#[test]
fn two_histories_of_one_size_leave_evidence() {
    fork(1);
}

#[test]
fn two_histories_of_different_sizes_leave_evidence() {
    fork(3);
}

fn fork(more: usize) {
    let mut honest = PaperLog::founded(now());
    honest.append(&[issue(ACTIVE)]);
    let mut other = PaperLog::founded(now());
    other.append(&[issue(REVOKED)]);
    for number in 1..more {
        other.append(&[issue(&format!("jp.jc-star/EX-5{number}"))]);
    }
    let parrot = Parrot::start(honest.answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    assert_eq!(desk.status(ACTIVE).code, 0);
    parrot.say(other.answers(&SUBJECTS));
    let ended = desk.status(ACTIVE);
    assert_eq!(ended.code, 20, "{ended:?}");
    let judged = desk.run(&["verify", "fork.evidence", "--trust", "trust.toml"]);
    assert_eq!(judged.code, 20, "{judged:?}");
    assert!(
        judged.stdout.starts_with("THE LOG MISBEHAVED"),
        "{judged:?}"
    );
}

#[test]
fn a_head_is_not_stored_without_a_consistency_proof() {
    let mut log = PaperLog::founded(now());
    log.append(&[issue(ACTIVE)]);
    let parrot = Parrot::start(log.answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    assert_eq!(desk.status(ACTIVE).code, 0);
    let store = desk.path("trust.toml.newest/labels.g7.example.checkpoint");
    let before = std::fs::read(&store).unwrap();
    log.append(&[issue(REVOKED)]);
    let mut answers = log.answers(&SUBJECTS);
    answers.retain(|path, _| !path.starts_with("/tile/"));
    parrot.say(answers.clone());
    assert_eq!(desk.status(ACTIVE).code, 69, "no tiles");
    let tiles = log
        .answers(&[])
        .into_iter()
        .filter(|(path, _)| path.starts_with("/tile/0/"));
    answers.extend(tiles.map(|(path, mut tile)| {
        tile[40] ^= 1;
        (path, tile)
    }));
    parrot.say(answers);
    assert_eq!(desk.status(ACTIVE).code, 11, "a tile with one bit flipped");
    assert_eq!(std::fs::read(&store).unwrap(), before);
}

#[test]
fn a_clock_behind_the_witnesses_knows_no_age() {
    let later = Time::from_unix(now().unix() + 250).unwrap();
    let parrot = Parrot::start(log_at(later).answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    assert_eq!(desk.status(ACTIVE).code, 0, "within the slack of 300 s");
    let store = desk.path("trust.toml.newest/labels.g7.example.checkpoint");
    let text = std::fs::read_to_string(&store).unwrap();
    let future = Time::from_unix(now().unix() + 1_000).unwrap();
    let later_still = text.replacen(&later.to_string(), &future.to_string(), 1);
    std::fs::write(&store, later_still).unwrap();
    let ended = desk.status(ACTIVE);
    assert_eq!(ended.code, 16, "{ended:?}");
    assert!(ended.stdout.contains("clock"), "{ended:?}");
}

#[test]
fn trust_is_made_only_for_the_genesis_that_was_named() {
    let log = log_at(now());
    let parrot = Parrot::start(log.answers(&[])).unwrap();
    let desk = Desk::trusting(parrot.url());
    let bare = labelproof_tests::paper_log::policy("").replace(" \n", "\n");
    desk.write("g7.policy", bare.as_bytes());
    let init = |genesis: &str| {
        desk.run(&[
            "trust",
            "init",
            "--log",
            parrot.url(),
            "--genesis",
            genesis,
            "--policy",
            "g7.policy",
            "--out",
            "new.toml",
        ])
    };
    let other = labelproof_core::merkle::LeafHash::of_entry(b"another").to_string();
    assert_eq!(init(&other).code, 11);
    assert!(!desk.exists("new.toml"));
    let right = labelproof_core::merkle::LeafHash::of_entry(&world::genesis()).to_string();
    let ended = init(&right);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(init(&right).code, 2, "an existing trust file stays");
    let ended = desk.run(&["trust", "show", "--trust", "new.toml"]);
    assert!(ended.stdout.contains("at least 3 of them"), "{ended:?}");
    assert!(ended.stdout.contains(parrot.url()), "{ended:?}");
}

#[test]
fn many_commands_at_once_share_one_store() {
    let mut log = PaperLog::founded(now());
    log.append(&[issue(ACTIVE)]);
    let parrot = Parrot::start(log.answers(&SUBJECTS)).unwrap();
    let desk = Desk::trusting(parrot.url());
    for _ in 0..2 {
        std::thread::scope(|scope| {
            let each: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| desk.status(ACTIVE)))
                .collect();
            for ended in each {
                let ended = ended.join().unwrap();
                assert_eq!(ended.code, 0, "{ended:?}");
            }
        });
        log.append(&[issue(&format!("jp.jc-star/EX-6{}", log.size()))]);
        parrot.say(log.answers(&SUBJECTS));
    }
}
