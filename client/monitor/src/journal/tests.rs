//! What the journal keeps when it is killed, torn, full or asked twice.

use labelproof_core::merkle::LeafIndex;
use labelproof_host::fs::{Fault, SimulatedFs};

use super::*;
use crate::samples;

fn watched(list: &str, index: u64) -> Alert {
    let logged = samples::logged(index, samples::revoke(123));
    Alert::watched(
        &list.parse().unwrap(),
        "kind label.revoke",
        &logged,
        samples::at(0),
    )
}

fn open(fs: &SimulatedFs) -> Journal {
    Journal::open(Arc::new(fs.clone()), Path::new(".")).unwrap()
}

fn numbers(journal: &Journal, after: u64, limit: usize) -> Vec<u64> {
    let read = journal.read(after, limit).unwrap();
    read.iter().map(Numbered::number).collect()
}

#[test]
fn what_was_told_is_not_told_again_also_after_a_restart() {
    let fs = SimulatedFs::new(1);
    let journal = open(&fs);
    let told = journal
        .append(vec![watched("a", 1), watched("b", 1), watched("a", 1)])
        .unwrap();
    assert_eq!(told.len(), 2);
    fs.cut_power();
    fs.restart();
    let journal = open(&fs);
    assert_eq!(journal.newest(), 2);
    let told = journal
        .append(vec![watched("b", 1), watched("a", 2)])
        .unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].number(), 3);
    assert_eq!(told[0].alert().index(), Some(LeafIndex::new(2)));
}

#[test]
fn readers_find_every_number_from_any_other() {
    let fs = SimulatedFs::new(2);
    let journal = open(&fs);
    for index in 0..150 {
        journal.append(vec![watched("a", index)]).unwrap();
    }
    assert!(journal.book().places.len() > 3, "more than one stride");
    let one = |number| journal.one(number).unwrap().map(|one| one.number());
    assert_eq!([0, 1, 150, 151].map(one), [None, Some(1), Some(150), None]);
    for journal in [journal, open(&fs)] {
        for after in 0..=150 {
            let want: Vec<u64> = (after + 1..=150).take(7).collect();
            assert_eq!(numbers(&journal, after, 7), want);
        }
        assert!(numbers(&journal, u64::MAX, 7).is_empty());
    }
}

#[test]
fn a_power_cut_at_any_call_loses_no_alert_that_was_given_a_number() {
    let mut cuts = 0;
    for seed in 0..20 {
        let fs = SimulatedFs::new(seed);
        let mut journal = open(&fs);
        let mut told = Vec::new();
        let mut next = 0;
        for round in 0..12 {
            fs.fail_call(fs.calls() + 1 + (seed + round) % 4, Fault::PowerCut);
            while next < 60 {
                // As the desk does: what could not be kept comes again.
                let batch = (next..next + 3).map(|index| watched("a", index)).collect();
                match journal.append(batch) {
                    Ok(kept) => {
                        told.extend(kept);
                        next += 3;
                    }
                    Err(_) => break,
                }
                if fs.is_down() {
                    break;
                }
            }
            cuts += u64::from(fs.is_down());
            fs.restart();
            fs.heal();
            journal = open(&fs);
            let known = journal.read(0, 1_000).unwrap();
            for numbered in &told {
                assert!(
                    known.contains(numbered),
                    "seed {seed}, number {}",
                    numbered.number()
                );
            }
            let indices: Vec<_> = known.iter().map(|known| known.alert().index()).collect();
            let mut once = indices.clone();
            once.dedup();
            assert_eq!(indices, once, "each once");
        }
    }
    assert!(cuts > 50, "{cuts}");
}

#[test]
fn a_damaged_line_is_passed_over_and_its_number_is_not_given_again() {
    let fs = SimulatedFs::new(3);
    let journal = open(&fs);
    for index in 0..3 {
        journal.append(vec![watched("a", index)]).unwrap();
    }
    let lines = fs.read(Path::new("./alerts.jsonl")).unwrap();
    for damaged in 1..=3 {
        let disk = SimulatedFs::new(4);
        disk.write(Path::new("./alerts.jsonl"), &lines).unwrap();
        let start: usize = lines
            .split_inclusive(|byte| *byte == b'\n')
            .take(damaged - 1)
            .map(<[u8]>::len)
            .sum();
        disk.flip_bit(Path::new("./alerts.jsonl"), (start as u64 + 3) * 8)
            .unwrap();
        let journal = open(&disk);
        assert_eq!(journal.damaged(), 1);
        let want: Vec<u64> = (1..=3).filter(|number| *number != damaged as u64).collect();
        assert_eq!(numbers(&journal, 0, 10), want);
        let told = journal.append(vec![watched("a", 9)]).unwrap();
        assert!(told[0].number() > 3, "{damaged}: {}", told[0].number());
    }
}

#[test]
fn a_full_disk_keeps_nothing_half_and_the_next_try_keeps_all() {
    let fs = SimulatedFs::new(5);
    let journal = open(&fs);
    journal.append(vec![watched("a", 0)]).unwrap();
    fs.fail_from(fs.calls() + 1, Fault::Enospc);
    assert!(journal.append(vec![watched("a", 1)]).is_err());
    assert_eq!(journal.newest(), 1);
    fs.heal();
    assert_eq!(
        journal.append(vec![watched("a", 1)]).unwrap()[0].number(),
        2
    );
    assert_eq!(numbers(&open(&fs), 0, 10), [1, 2]);
}

#[test]
fn old_alerts_about_entries_stay_told_when_their_ids_are_forgotten() {
    let mut memory = Memory::new(4);
    let told: Vec<Alert> = (0..10).map(|index| watched("a", index)).collect();
    for alert in &told {
        memory.add(alert);
    }
    assert!(told.iter().all(|alert| memory.knows(alert)));
    assert!(!memory.knows(&watched("a", 10)));
    assert!(!memory.knows(&watched("b", 3)));
}

#[test]
fn who_subscribes_sees_each_append_and_the_newest_are_known_by_rule() {
    let fs = SimulatedFs::new(6);
    let journal = open(&fs);
    let mut grown = journal.subscribe();
    assert_eq!(*grown.borrow_and_update(), 0);
    journal
        .append((0..60).map(|index| watched("a", index)).collect())
        .unwrap();
    journal.append(vec![watched("b", 0)]).unwrap();
    assert!(grown.has_changed().unwrap());
    assert_eq!(*grown.borrow_and_update(), 61);
    journal.append(vec![watched("b", 0)]).unwrap();
    assert!(!grown.has_changed().unwrap(), "nothing new");
    let rule = |list: &str| Rule::Watch(list.parse().unwrap());
    for journal in [journal, open(&fs)] {
        assert_eq!(journal.recent(None, 3), [61, 60, 59]);
        assert_eq!(journal.recent(Some(&rule("a")), 100).len(), 50);
        assert_eq!(journal.recent(Some(&rule("b")), 100), [61]);
        assert_eq!(journal.recent(Some(&rule("c")), 100), [0_u64; 0]);
        assert_eq!(journal.counts(), [(rule("a"), 60), (rule("b"), 1)]);
    }
}
