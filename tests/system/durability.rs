//! Acknowledged means durable: `kill -9` under load loses nothing that was answered.

use std::sync::Mutex;

use labelproof_core::event::EventId;
use labelproof_tests::{http, world};

use crate::demo_network;

const ISSUER: &str = "label.jp.example";

#[test]
fn every_acknowledged_event_survives_kill_9() {
    let mut network = demo_network("kill-9");
    let url = format!("{}/v1/events", network.log_url());
    let next = Mutex::new(0..EVENTS);
    let acknowledged: Mutex<Vec<(Vec<u8>, u64)>> = Mutex::new(Vec::new());
    let log = Mutex::new(network.take_log().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..SUBMITTERS {
            scope.spawn(|| {
                while let Some(number) = { next.lock().unwrap().next() } {
                    let note = world::issue(&format!("jp.jc-star/LOAD-{number}"), ISSUER);
                    let Some(answer) = http::post(&url, &[("Prefer", "respond-async")], &note)
                    else {
                        return; // The log is gone: so are we.
                    };
                    assert_eq!(answer.status, 202, "{}", answer.text());
                    let index = answer.json()["index"].as_u64().unwrap();
                    let mut all = acknowledged.lock().unwrap();
                    all.push((note, index));
                    if all.len() == KILLED_AFTER {
                        log.lock().unwrap().kill().unwrap();
                    }
                }
            });
        }
    });
    network.start_log().unwrap();
    network.wait_until_ready();

    // A further event is witnessed, so that everything before it is published.
    let last = network.submit(&world::issue("jp.jc-star/LAST", ISSUER));
    assert_eq!(last.status, 201, "{}", last.text());
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(
        acknowledged.len() >= KILLED_AFTER,
        "{} acknowledged",
        acknowledged.len()
    );
    for (note, index) in &acknowledged {
        let id: EventId = world::id_of(note);
        let stored = network.get(&format!("/v1/events/{id}"));
        assert_eq!(
            (stored.status, &stored.body),
            (200, note),
            "event {id} at {index}"
        );
        let again = network.submit_async(note);
        assert_eq!(
            (again.status, again.json()["index"].as_u64()),
            (200, Some(*index)),
            "{}",
            again.text()
        );
    }
}

const EVENTS: u32 = 2_000;
const SUBMITTERS: usize = 16;
const KILLED_AFTER: usize = 700;
