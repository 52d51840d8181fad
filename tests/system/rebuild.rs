//! `labelproof-log rebuild`: index and snapshot from the entries, of a log that does not run.

use labelproof_tests::network::Network;
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use serde_json::Value;

use crate::demo_network;

/// Runs `labelproof-log rebuild --json`: its exit code and what it prints.
fn rebuild(network: &Network) -> (i32, Value) {
    let mut command = network.command(Program::Log);
    let output = command
        .args(["rebuild", "--json", "--dir"])
        .arg(network.log_dir())
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code().unwrap(), report)
}

#[test]
fn a_rebuilt_log_answers_as_before_and_a_running_one_is_left_alone() {
    let mut network = demo_network("rebuild");
    let issued = world::issue("jp.jc-star/EX-1", "label.jp.example");
    network.submit_all(std::slice::from_ref(&issued)).unwrap();
    let event = format!("/v1/events/{}", world::id_of(&issued));
    let (status, before) = ("jp.jc-star/EX-1", network.get(&event));
    let (code, refused) = rebuild(&network);
    assert_eq!((code, &refused["exit"]), (2, &2.into()), "{refused}");

    network.take_log().unwrap().stop().unwrap();
    let log = network.log_dir();
    let snapshot = std::fs::read(log.join("snapshot")).unwrap();
    std::fs::write(log.join("snapshot"), b"of nothing").unwrap();
    std::fs::remove_dir_all(log.join("index")).unwrap();
    let (code, report) = rebuild(&network);
    assert_eq!((code, &report["version"]), (0, &1.into()), "{report}");
    let entries = report["events"].as_u64().unwrap() + report["state_heads"].as_u64().unwrap();
    assert_eq!(report["size"], entries);
    assert_eq!(std::fs::read(log.join("snapshot")).unwrap(), snapshot);

    // An entry that was changed gives neither.
    let bundle = log.join("tile/entries/000");
    let good = std::fs::read(&bundle).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&bundle, &bad).unwrap();
    let (code, report) = rebuild(&network);
    assert_eq!((code, &report["exit"]), (11, &11.into()), "{report}");
    std::fs::write(&bundle, &good).unwrap();
    assert_eq!(rebuild(&network).0, 0);

    network.start_log().unwrap();
    network.wait_until_ready();
    assert_eq!(network.get(&event), before);
    assert_eq!(network.client(&["status", status]).code, 0);
}
