//! One label's whole life by the command line: issued, proved without a network, suspended, reinstated, revoked.

use std::path::PathBuf;

use labelproof_core::key::SigningKey;
use labelproof_tests::network::Ended;
use labelproof_tests::world;

use crate::{TestNetwork, demo_network};

const LABEL: &str = "jp.jc-star/EX-000123";
const ISSUER: &str = "label.jp.example";

#[test]
fn a_label_lives_and_every_answer_is_proved() {
    let network = demo_network("life");
    let key = key_file(&network, &world::key(ISSUER));
    let key = key.to_str().unwrap();
    let draft = network.dir().join("label.json");
    std::fs::write(&draft, world::issue_draft(LABEL).to_string()).unwrap();

    let issued = network.client(&["issue", "--key", key, "--file", draft.to_str().unwrap()]);
    assert_eq!(issued.code, 0, "{issued:?}");
    let bundle = network.dir().join("jp.jc-star.EX-000123.labelproof");
    let proof = network.dir().join("jp.jc-star.EX-000123.tlog-proof");
    assert!(bundle.exists() && proof.exists(), "{issued:?}");

    expect(&network, "status", LABEL, 0, "ACTIVE");
    expect(&network, "verify", bundle.to_str().unwrap(), 0, "ACTIVE");

    let suspended = network.client(&["suspend", LABEL, "--reason", "vulnerability", "--key", key]);
    assert_eq!(suspended.code, 0, "{suspended:?}");
    expect(&network, "status", LABEL, 15, "SUSPENDED");
    let reinstated = network.client(&["reinstate", LABEL, "--key", key]);
    assert_eq!(reinstated.code, 0, "{reinstated:?}");
    expect(&network, "status", LABEL, 0, "ACTIVE");

    let revoked = network.client(&["revoke", LABEL, "--reason", "nonconformity", "--key", key]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    expect(&network, "status", LABEL, 13, "REVOKED");
    let again = network.client(&["revoke", LABEL, "--reason", "nonconformity", "--key", key]);
    assert_eq!(again.code, 0, "revoking what I revoked is done: {again:?}");

    expect(&network, "status", "jp.jc-star/EX-000999", 17, "");
    expect(&network, "status", "jp.nothing/EX-000999", 17, "");
}

#[test]
fn a_canary_is_issued_and_revoked_and_one_that_was_left_is_revoked_first() {
    let network = demo_network("canary");
    let key = key_file(&network, &world::key(ISSUER));
    let canary = |label: &str, key: &std::path::Path| {
        let key = key.to_str().unwrap();
        let args = ["--label", label, "--key", key, "--out", "canary"];
        let ended = network.client(&[&["canary", "--json"][..], &args].concat());
        let said: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said["exit"], ended.code, "{ended:?}");
        (ended.code, said)
    };
    let (code, said) = canary("jp.jc-star/CANARY-", &key);
    assert_eq!(code, 0, "{said}");
    let result = &said["result"];
    let label = result["subject"].as_str().unwrap();
    assert!(label.starts_with("jp.jc-star/CANARY-20"), "{said}");
    assert!(result["issued"]["index"].as_u64() < result["revoked"]["index"].as_u64());
    assert_eq!(result["left_over"], serde_json::Value::Null);
    expect(&network, "status", label, 13, "REVOKED");
    let bundle = network.dir().join("canary.labelproof");
    expect(&network, "verify", bundle.to_str().unwrap(), 13, "REVOKED");

    // A run that ended between the two events.
    let left = "jp.jc-star/LEFT-1";
    let draft = network.dir().join("left.json");
    std::fs::write(&draft, world::issue_draft(left).to_string()).unwrap();
    let args = ["--key", key.to_str().unwrap(), "--out", "canary", "--file"];
    let issued = network.client(&[&["issue"][..], &args, &[draft.to_str().unwrap()]].concat());
    assert_eq!(issued.code, 0, "{issued:?}");
    let (code, said) = canary("jp.jc-star/LEFT-", &key);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said["result"]["left_over"], left);
    expect(&network, "status", left, 13, "REVOKED");
    // Every event was kept: it can be told from one that a thief signed.
    let kept = std::fs::read_to_string(network.dir().join("canary.events.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), 6, "{kept}");

    let thief = network.dir().join("thief.key");
    labelproof_host::keyfile::create(&thief, &world::further_key(ISSUER, 2)).unwrap();
    for (label, key, want) in [
        ("jp.jc-star/THIEF-", &thief, 12),
        ("jp.nothing/CANARY-", &key, 12),
        ("de.it-sik/CANARY-", &key, 12),
    ] {
        assert_eq!(canary(label, key).0, want, "{label}");
    }
    let long = format!("jp.jc-star/{}", "C".repeat(90));
    assert_eq!(canary(&long, &key).0, 2);
}

#[test]
fn an_absence_is_proved_offline_and_only_for_the_label_in_hand() {
    let network = demo_network("absence");
    let saved = network.dir().join("absent.labelproof");
    let saved = saved.to_str().unwrap();
    let absent = network.client(&["status", "jp.jc-star/NEVER-1", "--save", saved]);
    assert_eq!(absent.code, 17, "{absent:?}");
    let same = network.client(&["verify", saved, "--subject", "jp.jc-star/NEVER-1"]);
    assert_eq!(same.code, 17, "{same:?}");
    // Upper and lower case are one label in this scheme; another number is not.
    let folded = network.client(&["verify", saved, "--subject", "jp.jc-star/never-1"]);
    assert_eq!(folded.code, 17, "{folded:?}");
    let other = network.client(&["verify", saved, "--subject", "jp.jc-star/NEVER-2"]);
    assert_eq!(other.code, 11, "{other:?}");
    let unnamed = network.client(&["verify", saved]);
    assert!(
        ![0, 17].contains(&unnamed.code),
        "an absence of what? {unnamed:?}"
    );
}

#[test]
fn an_old_answer_is_too_old_to_say() {
    let network = demo_network("stale");
    network.submit_all(&[world::issue(LABEL, ISSUER)]).unwrap();
    let saved = network.dir().join("old.labelproof");
    let saved = saved.to_str().unwrap();
    assert_eq!(network.client(&["status", LABEL, "--save", saved]).code, 0);
    let late = network.client(&["verify", saved, "--at", "2099-01-01T00:00:00Z"]);
    assert!([14, 16].contains(&late.code), "{late:?}");
    let soon = network.client(&[
        "verify",
        saved,
        "--max-age",
        "87600h",
        "--at",
        "2027-06-01T00:00:00Z",
    ]);
    assert_eq!(soon.code, 0, "{soon:?}");
    let day = network.client(&["verify", saved, "--at", "2027-06-01T00:00:00Z"]);
    assert_eq!(day.code, 16, "{day:?}");
}

#[test]
fn the_log_and_the_witnesses_come_back_with_what_they_had() {
    let mut network = demo_network("restart");
    network.submit_all(&[world::issue(LABEL, ISSUER)]).unwrap();
    for code in world::WITNESSES {
        network.kill_witness(code).unwrap();
        network.start_witness(code).unwrap();
    }
    network.kill_log().unwrap();
    network.start_log().unwrap();
    network.wait_until_ready();
    let answer = network.submit(&world::revoke(LABEL, None, ISSUER));
    assert_eq!(answer.status, 201, "{}", answer.text());
    expect(&network, "status", LABEL, 13, "REVOKED");
}

/// Runs `labelproof COMMAND SUBJECT` and demands this exit code and a word in what a person reads.
fn expect(network: &TestNetwork, command: &str, subject: &str, code: i32, word: &str) {
    let said: Ended = network.client(&[command, subject]);
    assert_eq!(said.code, code, "{command} {subject}: {said:?}");
    assert!(said.stdout.contains(word), "{command} {subject}: {said:?}");
    let json = network.client(&[command, subject, "--json"]);
    assert_eq!(json.code, code, "{command} {subject} --json: {json:?}");
    let parsed: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(parsed.is_object(), "{json:?}");
}

/// A key file as `keygen` makes it.
pub(crate) fn key_file(network: &TestNetwork, key: &SigningKey) -> PathBuf {
    let path = network.dir().join(format!("{}.key", key.vkey().name()));
    labelproof_host::keyfile::create(&path, key).unwrap();
    path
}
