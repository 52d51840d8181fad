//! Alarms of a monitor whose disk, source or clock fails at the same time: each is told, and none that is not true.

use labelproof_host::exit::Exit;
use labelproof_host::fs::Fault;
use labelproof_monitor::follow::Passed;

use super::{Machine, Paper, begun, issue, time};

#[test]
fn an_alarm_that_cannot_be_written_is_told_once_it_can() {
    let later = time().plus_seconds(7_200);
    let machine = Machine::new(1, later);
    let mut log = begun();
    log.set_time(later);
    let paper = Paper::of(&log);
    let mut follower = machine.start(&paper, None).unwrap();
    assert_eq!(follower.pass(), Passed::Done(Exit::Done));
    // The witnesses fall silent while the disk is full.
    machine.clock.advance(7_200_000);
    machine.fs.fail_from(machine.fs.calls() + 1, Fault::Enospc);
    follower.pass();
    follower.pass();
    machine.fs.heal();
    follower.pass();
    let (_, others) = machine.told("a full disk");
    assert_eq!(others, ["stale"]);
}

#[test]
fn a_log_whose_newest_head_cannot_be_taken_is_not_silent() {
    let machine = Machine::new(2, time());
    let mut log = begun();
    let paper = Paper::of(&log);
    let mut follower = machine.start(&paper, None).unwrap();
    assert_eq!(follower.pass(), Passed::Done(Exit::Done));
    let later = time().plus_seconds(7_200);
    machine.clock.advance(7_200_000);
    log.set_time(later);
    log.append(&[issue(10)]);
    paper.turn(&log);
    paper
        .files
        .lock()
        .unwrap()
        .retain(|path, _| path == "/checkpoint");
    follower.pass();
    let (_, others) = machine.told("no tiles");
    assert_eq!(others, ["tile"]);
}

#[test]
fn a_log_is_not_silent_for_a_clock_that_is_behind() {
    let machine = Machine::new(3, time());
    let mut log = begun();
    let paper = Paper::of(&log);
    let mut follower = machine.start(&paper, None).unwrap();
    assert_eq!(follower.pass(), Passed::Done(Exit::Done));
    // It is set back by two hours, and runs on; what witnesses say then is not believed yet.
    for hour in 1..=3 {
        let now = time().plus_seconds(hour * 3_600);
        machine.clock.advance(3_600_000);
        machine.clock.set((now.unix() - 7_200) * 1_000);
        log.set_time(now);
        log.append(&[issue(10 + hour)]);
        paper.turn(&log);
        follower.pass();
    }
    // Set right, it sees at once that nothing was silent, though nothing answers.
    machine
        .clock
        .set(time().plus_seconds(3 * 3_600).unix() * 1_000);
    paper
        .files
        .lock()
        .unwrap()
        .insert("/checkpoint".to_owned(), vec![]);
    follower.pass();
    let (_, others) = machine.told("a clock that is behind");
    assert!(others.iter().all(|rule| rule == "blind"), "{others:?}");
}
