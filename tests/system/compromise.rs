//! A stolen key and a withdrawn authority: what was granted under them is never plainly valid again.

use labelproof_tests::world;
use serde_json::json;

use crate::demo_network;

const OLD: &str = "jp.jc-star/OLD-1";
const FORGED: &str = "jp.jc-star/FORGED-1";
const SUSPENDED: &str = "jp.jc-star/SUSPENDED-1";
const ISSUER: &str = "label.jp.example";

/// `19` of the table of exit codes: not decidable from what is here.
const REFER: i32 = 19;
/// `15`: suspended.
const STILL_SUSPENDED: i32 = 15;

#[test]
fn a_thief_issues_and_reinstates_and_neither_is_believed() {
    let network = demo_network("thief");
    let suspend = world::suspend(SUSPENDED, "2026-05-11T08:00:00Z", None, ISSUER);
    let suspended = world::id_of(&suspend);
    network
        .submit_all(&[
            world::issue(OLD, ISSUER),
            world::issue(SUSPENDED, ISSUER),
            suspend,
        ])
        .unwrap();
    let stolen_at = network.get("/v1/log").json()["size"].as_u64().unwrap();

    // The thief has the key: to the log these events are the issuer's.
    let stolen = world::key(ISSUER);
    let theft = [
        world::issue(FORGED, ISSUER),
        world::reinstate(SUSPENDED, suspended, suspended, &stolen),
    ];
    network.submit_all(&theft).unwrap();
    for label in [OLD, FORGED, SUSPENDED] {
        assert_eq!(
            network.client(&["status", label]).code,
            0,
            "{label} before the discovery"
        );
    }

    let accredited = world::id_of(&world::accredit(ISSUER, &["issuer"], &["jp.jc-star"]));
    let body = json!({ "revoke": { "key": stolen.vkey().id().to_string(), "compromised_from": stolen_at } });
    let cut = world::change_key(ISSUER, &body, accredited, &world::root("jp"));
    network.submit_all(&[cut]).unwrap();

    let old = network.client(&["status", OLD]);
    assert_eq!(old.code, 0, "issued before the theft: {old:?}");
    // Without the thief's events the one was never issued, the other is suspended still.
    for (label, code, status) in [
        (
            FORGED,
            REFER,
            "active in the log; never issued without what is no longer believed, as of ",
        ),
        (
            SUSPENDED,
            STILL_SUSPENDED,
            "active in the log; suspended without what is no longer believed, as of ",
        ),
    ] {
        let said = network.client(&["status", label]);
        assert_eq!(said.code, code, "{label}: {said:?}");
        assert!(!said.stdout.starts_with("ACTIVE"), "{label}: {said:?}");
        assert!(said.stdout.contains(status), "{label}: {said:?}");
    }
    let answer = network.submit(&world::issue("jp.jc-star/AFTER-1", ISSUER));
    assert_eq!(
        answer.status,
        403,
        "the key signs nothing more: {}",
        answer.text()
    );
}

#[test]
fn labels_fall_with_an_authority_withdrawn_with_all() {
    let network = demo_network("withdrawn");
    network.submit_all(&[world::issue(OLD, ISSUER)]).unwrap();
    let accredited = world::id_of(&world::accredit(ISSUER, &["issuer"], &["jp.jc-star"]));
    network
        .submit_all(&[world::withdraw(ISSUER, &json!("all"), accredited)])
        .unwrap();
    let said = network.client(&["status", OLD]);
    assert_eq!(said.code, 13, "{said:?}");
    let answer = network.submit(&world::issue(FORGED, ISSUER));
    assert_eq!(answer.status, 403, "{}", answer.text());
    let authority = network.client(&["status", "authority:label.jp.example"]);
    assert_eq!(authority.code, 13, "{authority:?}");
}
