//! Admission: order, duplicates, room, the clock, and what waits for whom.

use std::{sync::Arc, time::Duration};

use labelproof_core::{merkle::LeafIndex, refusal::Refusal};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::{
    admission::{Arrival, MAX_UNPUBLISHED_BATCHES},
    feeder::Skew,
    http::error::Problem,
    log::Hold,
    progress::Standing,
    quota::{Allowance, Quota, Quotas},
};

use crate::world::{Ledger, NOW_MS, World, found, id_of, issue, revoke, scheme};

fn world() -> World {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    World::load(&fs, &Ledger::default()).unwrap()
}

#[test]
fn the_order_of_admission_is_the_order_in_the_log() {
    let mut world = world();
    world.furnish();
    let indices: Vec<u64> = (0..5)
        .map(|number| world.log.admit(&issue(number)).unwrap().index().get())
        .collect();
    assert_eq!(indices, [5, 6, 7, 8, 9]);
    assert!(world.step());
    for (number, index) in indices.into_iter().enumerate() {
        let entry = world
            .log
            .setting()
            .directory
            .entry(LeafIndex::new(index))
            .unwrap();
        assert_eq!(entry, issue(number));
    }
}

#[test]
fn a_batch_may_define_accredit_and_issue_at_once() {
    let mut world = world();
    world.furnish();
    world.log.admit(&issue(1)).unwrap();
    world.log.admit(&revoke(1, Some(id_of(&issue(1))))).unwrap();
    assert!(world.step());
    assert_eq!(world.log.newest().unwrap().signed().head().size().get(), 8);
}

#[test]
fn a_second_submitter_waits_on_the_first_and_what_is_logged_has_its_index() {
    let mut world = world();
    world.furnish();
    let first = world.log.admit(&issue(1)).unwrap();
    let second = world.log.admit(&issue(1)).unwrap();
    assert_eq!(
        (first.arrival(), second.arrival()),
        (Arrival::New, Arrival::Known)
    );
    assert_eq!(first.index(), second.index());
    let standing = |world: &World| {
        world
            .log
            .progress()
            .borrow()
            .standing(second.index(), second.epoch())
    };
    assert_eq!(standing(&world), Standing::Waiting);
    assert!(world.step());
    assert_eq!(standing(&world), Standing::Acknowledged);
    let third = world.log.admit(&issue(1)).unwrap();
    assert_eq!((third.index(), third.leaf()), (first.index(), first.leaf()));
    world.witness();
    assert_eq!(standing(&world), Standing::Published);
}

#[test]
fn an_index_that_forgot_an_event_is_caught_by_the_history() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    let first = world.log.admit(&issue(1)).unwrap();
    assert!(world.step());
    // Another process, which has nothing of it in memory.
    let world = World::load(&fs, &Ledger::default()).unwrap();
    world.log.setting().index.clear();
    let again = world.log.admit(&issue(1)).unwrap();
    assert_eq!(
        (again.index(), again.arrival()),
        (first.index(), Arrival::Known)
    );
}

#[test]
fn a_restarted_log_reads_a_labels_history_back_before_it_judges() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    drop(World::of_one_label(&fs));
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    let wrong = world.log.admit(&revoke(1, Some(id_of(&scheme()))));
    assert!(
        matches!(wrong, Err(Problem::Refused(Refusal::WrongPrevious { want: Some(want) })) if want == id_of(&issue(1)))
    );
    world.log.admit(&revoke(1, None)).unwrap();
    assert!(world.step());
}

#[test]
fn what_was_logged_lately_is_known_without_the_index_or_the_disk() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    let first = world.log.admit(&issue(1)).unwrap();
    assert!(world.step());
    world.log.setting().index.clear();
    let before = disk.calls();
    for _ in 0..1_000 {
        let again = world.log.admit(&issue(1)).unwrap();
        assert_eq!((again.index(), again.leaf()), (first.index(), first.leaf()));
        assert_eq!(again.arrival(), Arrival::Known);
    }
    assert_eq!(disk.calls(), before, "nothing was read");
    assert!(!world.step(), "a flood of duplicates fills no pool");
}

/// Ten issues at once and one a second; five that take away.
fn narrow() -> Quotas {
    let usual = Quota {
        grants: Allowance::new(1, 10),
        adverse: Allowance::new(1, 5),
    };
    Quotas {
        usual,
        ..Quotas::default()
    }
}

#[test]
fn one_authority_s_grants_end_at_its_quota_and_leave_what_takes_away_alone() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load_under(&fs, &Ledger::default(), narrow()).unwrap();
    world.furnish();
    for number in 0..10 {
        world.log.admit(&issue(number)).unwrap();
    }
    let refused = world.log.admit(&issue(10)).unwrap_err();
    let Problem::Quota(used_up) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(used_up.name, "label.jp.example");
    assert_eq!(used_up.after, Duration::from_secs(1));
    // A duplicate uses nothing, a forged signature uses nothing of whom it names, a trial uses nothing.
    world.log.admit(&issue(3)).unwrap();
    world.log.try_out(&issue(11)).unwrap();
    for number in 0..5 {
        world.log.admit(&revoke(number, None)).unwrap();
    }
    let refused = world.log.admit(&revoke(5, None));
    assert!(matches!(refused, Err(Problem::Quota(_))), "{refused:?}");
    world.clock.advance(1_000);
    world.log.admit(&issue(10)).unwrap();
    world.log.admit(&revoke(5, None)).unwrap();
}

#[test]
fn who_has_not_signed_uses_up_nobody_s_quota() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load_under(&fs, &Ledger::default(), narrow()).unwrap();
    world.furnish();
    for number in 0..20 {
        let forged = world.log.admit(&forged_issue(number));
        let refused = matches!(forged, Err(Problem::Refused(Refusal::BadSignature { .. })));
        assert!(refused, "{forged:?}");
    }
    for number in 0..10 {
        world.log.admit(&issue(number)).unwrap();
    }
}

/// An issue with the line of another one.
fn forged_issue(number: usize) -> Vec<u8> {
    let own = String::from_utf8(issue(number)).unwrap();
    let other = String::from_utf8(issue(number + 1)).unwrap();
    let (text, _) = own.split_once("\n\n").unwrap();
    let (_, line) = other.split_once("\n\n").unwrap();
    format!("{text}\n\n{line}").into_bytes()
}

#[test]
fn a_clock_an_hour_off_the_witnesses_signs_nothing() {
    let mut world = world();
    world.furnish();
    world.log.admit(&issue(1)).unwrap();
    world.log.set_skew(Some(Skew::Behind));
    assert!(!world.step());
    let held = world.log.admit(&issue(2));
    assert!(matches!(held, Err(Problem::Starting { .. })), "{held:?}");
    world.log.set_skew(None);
    assert!(world.step());
    // It never lets go of what holds for another reason.
    world.log.hold(Hold::Ending);
    world.log.set_skew(Some(Skew::Ahead));
    world.log.set_skew(None);
    assert_eq!(world.log.held(), Some(Hold::Ending));
}

#[test]
fn refusals_change_nothing() {
    let mut world = world();
    world.furnish();
    let junk = world.log.admit(b"junk");
    assert!(matches!(junk, Err(Problem::Refused(Refusal::Malformed(_)))));
    let unknown = world.log.admit(&revoke(9, None));
    assert!(
        matches!(unknown, Err(Problem::Refused(Refusal::UnknownSubject))),
        "{unknown:?}"
    );
    assert!(!world.step(), "no events, no new head");
}

#[test]
fn too_many_unwitnessed_batches_hold_further_events_back() {
    let mut world = world();
    world.furnish();
    let already = world.log.unpublished();
    for number in already..MAX_UNPUBLISHED_BATCHES {
        world.log.admit(&issue(number)).unwrap();
        assert!(world.step());
    }
    assert_eq!(world.log.admit(&issue(9_999)), Err(Problem::NoQuorum));
    world.witness();
    world.log.admit(&issue(9_999)).unwrap();
}

#[test]
fn a_clock_that_stepped_back_more_than_two_seconds_signs_nothing() {
    let mut world = world();
    world.furnish();
    world.clock.set(NOW_MS - 2_000);
    world.log.admit(&issue(1)).unwrap();
    assert!(world.step(), "two seconds are bridged");
    world.log.admit(&issue(2)).unwrap();
    world.clock.set(NOW_MS - 2_001);
    assert!(!world.step());
    assert!(matches!(world.log.held(), Some(Hold::Clock { .. })));
    world.clock.set(NOW_MS + 1);
    assert!(world.step(), "and goes on once the clock has caught up");
    assert_eq!(world.log.held(), None);
}

#[test]
fn nothing_is_signed_before_the_witnesses_have_said_what_they_hold() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let world = World::load_closed(&fs, &Ledger::default()).unwrap();
    assert!(matches!(
        world.log.admit(&scheme()),
        Err(Problem::Starting { .. })
    ));
    world.log.open();
    world.log.admit(&scheme()).unwrap();
}
