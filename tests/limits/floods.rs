//! More than the log takes: what is shed, what is kept, and who is not held up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use labelproof_tests::world;

use super::{Limited, report};

const ISSUER: &str = "label.jp.example";
const NARROW: &str = "[quota]\nevents_per_second = 2\nburst = 40\nadverse_events_per_second = 500\nadverse_burst = 1000\n";

fn label(series: &str, number: usize) -> String {
    format!("jp.jc-star/{series}-{number}")
}

#[test]
fn three_times_more_than_the_quota_is_shed_and_what_is_taken_keeps_its_deadline() {
    let log = Limited::start(NARROW);
    let (mut taken, mut shed, mut longest) = (Vec::new(), 0, Duration::ZERO);
    let began = Instant::now();
    for number in 0.. {
        let note = world::issue(&label("OVER", number), ISSUER);
        let asked = Instant::now();
        let answer = log.network.submit_async(&note);
        match answer.status {
            202 => {
                longest = longest.max(asked.elapsed());
                taken.push((note, answer.json()["index"].clone()));
            }
            429 => {
                let problem = answer.json();
                assert_eq!(problem["title"], "quota");
                assert_eq!(problem["authority"], ISSUER);
                assert!(problem["retry_after_s"].as_u64().unwrap() >= 1);
                shed += 1;
            }
            status => panic!("{status}: {}", answer.text()),
        }
        if shed >= 2 * taken.len() && shed > 100 {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{} taken, {shed} shed",
            taken.len()
        );
    }
    // Two a second, and what the burst and the rounding give.
    let allowed = 42 + 2 * usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!(
        taken.len() <= allowed,
        "{} taken in {:?}",
        taken.len(),
        began.elapsed()
    );
    assert!(longest < Duration::from_secs(30), "{longest:?}");
    for (note, index) in &taken {
        let found = log
            .network
            .get(&format!("/v1/events/{}", world::id_of(note)));
        assert_eq!(
            (found.status, &found.body),
            (200, note),
            "what was taken at {index}"
        );
    }
    eprintln!(
        "{} taken, {shed} shed, the longest waited {longest:?}",
        taken.len()
    );
}

#[test]
fn a_flood_of_duplicates_fills_nothing_and_holds_nobody_up() {
    let log = Limited::start("");
    let first = world::issue(&label("SAME", 0), ISSUER);
    let index = log.network.submit_async(&first).json()["index"].clone();
    let size = log.network.get("/readyz").json()["size"].as_u64().unwrap();
    let over = &AtomicBool::new(false);
    let probes = std::thread::scope(|scope| {
        let flood: Vec<_> = (0..8)
            .map(|_| {
                let (network, first, index) = (&log.network, &first, &index);
                scope.spawn(move || {
                    let mut count = 0;
                    while !over.load(Ordering::Relaxed) {
                        let answer = network.submit_async(first);
                        assert_eq!((answer.status, &answer.json()["index"]), (200, index));
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        let mut probes = Vec::new();
        for number in 1..=20 {
            let answer = log
                .network
                .submit_async(&world::issue(&label("SAME", number), ISSUER));
            assert_eq!(answer.status, 202, "{}", answer.text());
            probes.push(log.probe());
        }
        over.store(true, Ordering::Relaxed);
        let sent: usize = flood.into_iter().map(|thread| thread.join().unwrap()).sum();
        eprintln!("{sent} duplicates beside 20 events");
        probes
    });
    report("a flood of duplicates", probes);
    let after = log.network.get("/readyz").json()["size"].as_u64().unwrap();
    assert_eq!(after, size + 40, "twenty events, a head each");
}

#[test]
fn revocations_pass_while_one_issuer_floods() {
    const LABELS: usize = 30;
    let log = Limited::start(NARROW);
    for number in 0..LABELS {
        let answer = log
            .network
            .submit_async(&world::issue(&label("HELD", number), ISSUER));
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood: Vec<_> = (0..4)
            .map(|thread| {
                let network = &log.network;
                scope.spawn(move || {
                    let (mut taken, mut shed) = (0, 0);
                    for number in 0.. {
                        if over.load(Ordering::Relaxed) {
                            return (taken, shed);
                        }
                        let note = world::issue(&label(&format!("FLOOD{thread}"), number), ISSUER);
                        match network.submit_async(&note).status {
                            202 => taken += 1,
                            429 => shed += 1,
                            status => panic!("{status}"),
                        }
                    }
                    (taken, shed)
                })
            })
            .collect();
        // Both by the flooding issuer and by another: all of them are taken, and in time.
        let mut waits = Vec::new();
        for number in 0..LABELS {
            let by = if number % 2 == 0 {
                ISSUER
            } else {
                "watch.jp.example"
            };
            let asked = Instant::now();
            let answer = log
                .network
                .submit_async(&world::revoke(&label("HELD", number), None, by));
            assert_eq!(answer.status, 202, "{}", answer.text());
            waits.push(asked.elapsed());
        }
        over.store(true, Ordering::Relaxed);
        let flooded: Vec<(usize, usize)> = flood
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        let shed: usize = flooded.iter().map(|(_, shed)| shed).sum();
        assert!(shed > 0, "it was no flood: {flooded:?}");
        eprintln!("the flood, taken and shed: {flooded:?}");
        let longest = waits.iter().max().unwrap();
        assert!(
            *longest < Duration::from_secs(60),
            "the promise is 60 s: {longest:?}"
        );
        report("revocations", waits);
    });
}
