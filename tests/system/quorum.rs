//! Publication follows the quorum: with five of seven witnesses it goes on, with four it stops.

use labelproof_tests::world;

use crate::demo_network;

const ISSUER: &str = "label.jp.example";

#[test]
fn two_dead_witnesses_are_borne_three_are_not() {
    let mut network = demo_network("quorum");
    for (killed, code) in ["ca", "us"].into_iter().enumerate() {
        network.kill_witness(code).unwrap();
        let label = format!("jp.jc-star/UP-{}", 6 - killed);
        let answer = network.submit(&world::issue(&label, ISSUER));
        assert_eq!(answer.status, 201, "{} up: {}", 6 - killed, answer.text());
    }

    network.kill_witness("jp").unwrap();
    let before = network.get("/checkpoint").body;
    let waits = world::issue("jp.jc-star/UP-4", ISSUER);
    let answer = network.submit(&waits);
    assert_eq!(
        answer.status,
        202,
        "4 up: durable, not witnessed: {}",
        answer.text()
    );
    assert_eq!(
        tree(&network.get("/checkpoint").body),
        tree(&before),
        "nothing new is published"
    );
    let ready = network.get("/readyz");
    assert_eq!(ready.status, 503, "{}", ready.text());
    for code in ["ca", "jp", "us"] {
        assert!(
            ready.text().contains(code),
            "readyz names {code}: {}",
            ready.text()
        );
    }
    assert_eq!(network.get("/livez").status, 200, "readers are served");
    let absent = network.client(&["status", "jp.jc-star/UP-4"]);
    assert_eq!(
        absent.code, 17,
        "the published head does not have it: {absent:?}"
    );

    network.start_witness("us").unwrap();
    let answer = network.submit(&world::issue("jp.jc-star/UP-8", ISSUER));
    assert_eq!(answer.status, 201, "5 up again: {}", answer.text());
    let present = network.client(&["status", "jp.jc-star/UP-4"]);
    assert_eq!(present.code, 0, "what waited is published: {present:?}");
}

#[test]
fn a_log_without_witnesses_starts_waits_and_goes_on() {
    let mut network = demo_network("no-witness");
    for code in world::WITNESSES {
        network.kill_witness(code).unwrap();
    }
    network.kill_log().unwrap();
    network.start_log().unwrap();
    assert_eq!(network.get("/readyz").status, 503);
    assert_eq!(
        network.get("/checkpoint").status,
        200,
        "what was published stays"
    );
    for code in world::WITNESSES {
        network.start_witness(code).unwrap();
    }
    network.wait_until_ready();
    let answer = network.submit(&world::issue("jp.jc-star/UP-7", ISSUER));
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Size and root of a checkpoint.
fn tree(checkpoint: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(checkpoint);
    text.lines().take(3).map(ToOwned::to_owned).collect()
}
