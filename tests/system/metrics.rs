//! `/metrics` of a log that runs: what only a process with witnesses and connections can count.

use labelproof_tests::world;

use crate::demo_network;

#[test]
fn a_running_log_counts_each_witness_its_connections_and_nothing_broken() {
    let network = demo_network("metrics");
    let taken = network.submit(&world::issue("jp.jc-star/EX-90", "label.jp.example"));
    assert_eq!(taken.status, 201);
    let page = network.get("/metrics").text().to_string();
    let value = |sample: &str| -> u64 {
        let found = page.lines().find_map(|line| line.strip_prefix(sample));
        let found = found.unwrap_or_else(|| panic!("there is no {sample} in {page}"));
        found.trim().parse().unwrap()
    };
    let policy = std::fs::read_to_string(network.policy()).unwrap();
    let names = policy
        .lines()
        .filter_map(|line| line.strip_prefix("witness ")?.split(' ').next());
    let cosigned = names.map(|name| {
        let of = |result: &str| {
            format!(
                "labelproof_log_witness_answers_total{{witness=\"{name}\",result=\"{result}\"}}"
            )
        };
        let _ = (value(&of("conflict")), value(&of("failed")));
        value(&of("cosigned"))
    });
    let cosigned: Vec<u64> = cosigned.collect();
    assert_eq!(cosigned.len(), 7);
    let in_step = cosigned.iter().filter(|count| **count > 0).count();
    assert!(in_step >= 5, "a quorum is five of seven: {cosigned:?}");

    assert!(value("labelproof_log_connections ") >= 1, "this one");
    assert!(value("labelproof_log_admissions_total{result=\"new\"}") >= 1);
    let invariants = page
        .lines()
        .filter(|line| line.starts_with("labelproof_log_should_be_zero_total{"));
    let invariants: Vec<&str> = invariants.collect();
    assert!(!invariants.is_empty());
    assert!(
        invariants.iter().all(|line| line.ends_with("} 0")),
        "{invariants:?}"
    );
}
