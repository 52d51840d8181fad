//! The files of one log in a monitor's folder: what is lost, missing or of no use any more.

use labelproof_core::merkle::LeafIndex;
use labelproof_host::exit::Exit;
use labelproof_host::fs::{Fault, Fs};
use labelproof_monitor::follow::{Passed, Since};
use labelproof_tests::world;

use super::{Machine, Paper, begun, grown, long, time};

#[test]
fn where_telling_begins_is_not_forgotten_by_a_disk_that_failed_once() {
    let (begun, grown) = (begun(), grown());
    let paper = Paper::of(&begun);
    let start = |machine: &Machine| machine.start(&paper, None).unwrap();
    let calls = |machine: &Machine| {
        let mut follower = start(machine);
        let before = machine.fs.calls();
        follower.pass();
        machine.fs.calls() - before
    };
    for call in 1..=calls(&Machine::new(0, time())) {
        let machine = Machine::new(call, time());
        let mut follower = start(&machine);
        machine.fs.fail_call(machine.fs.calls() + call, Fault::Eio);
        follower.pass();
        machine.fs.heal();
        follower.pass();
        drop(follower);
        machine.fs.cut_power();
        machine.fs.restart();
        paper.turn(&grown);
        start(&machine).pass();
        paper.turn(&begun);
        let (subjects, _) = machine.told(&format!("call {call}"));
        assert_eq!(subjects.len(), 2, "call {call}: {subjects:?}");
    }
}

#[test]
fn a_file_that_nobody_has_is_asked_for_once_a_pass() {
    let machine = Machine::new(1, time());
    let log = begun();
    machine.pass(&log);
    let bundle = format!("tile/entries/000.p/{}", log.size());
    let mirror = machine
        .dir()
        .join("logs")
        .join(world::ORIGIN)
        .join("mirror");
    machine.fs.remove(&mirror.join(&bundle)).unwrap();
    let paper = Paper::of(&log);
    paper.files.lock().unwrap().remove(&format!("/{bundle}"));
    // Another place to tell from, so that all is verified again.
    let since = Some(Since::Index(LeafIndex::new(1)));
    let mut follower = machine.start(&paper, since).unwrap();
    for passes in 1..=3 {
        assert_ne!(follower.pass(), Passed::Done(Exit::Done));
        assert!(paper.asked() <= passes + 1, "{} times", paper.asked());
    }
    paper.turn(&log);
    assert_eq!(follower.pass(), Passed::Done(Exit::Done));
}

#[test]
fn one_head_more_takes_as_many_calls_however_long_the_log_is() {
    let calls = |size: u64| {
        let mut log = long(size);
        let machine = Machine::new(size, time());
        let paper = Paper::of(&log);
        let mut follower = machine.start(&paper, None).unwrap();
        follower.pass();
        log.append(&[]);
        paper.turn(&log);
        let before = machine.fs.calls();
        assert_eq!(follower.pass(), Passed::Done(Exit::Done));
        machine.fs.calls() - before
    };
    assert_eq!(calls(600), calls(3_928), "2 full tiles and 15");
}

#[test]
fn a_file_that_was_taken_away_comes_back_within_an_hour() {
    let mut log = long(600);
    let machine = Machine::new(3, time());
    let paper = Paper::of(&log);
    let mut follower = machine.start(&paper, None).unwrap();
    follower.pass();
    let mirror = machine
        .dir()
        .join("logs")
        .join(world::ORIGIN)
        .join("mirror");
    let tile = mirror.join("tile/0/000");
    machine.fs.remove(&tile).unwrap();
    for (seconds, is_back) in [(3_599, false), (3_600, true)] {
        let now = time().plus_seconds(seconds);
        machine.clock.set(now.unix() * 1_000);
        log.set_time(now);
        log.append(&[]);
        paper.turn(&log);
        assert_eq!(follower.pass(), Passed::Done(Exit::Done));
        assert_eq!(machine.fs.exists(&tile).unwrap(), is_back, "{seconds} s");
    }
}

#[test]
fn what_the_checkpoint_of_the_copy_stands_for_is_on_the_disk() {
    let log = long(600);
    let files = log.answers(&[]);
    for seed in 0..16 {
        let machine = Machine::new(seed, time());
        // One run dies with some files written, and the next takes them over.
        let mut follower = machine.start(&Paper::of(&log), None).unwrap();
        machine.fs.fail_call(machine.fs.calls() + 40, Fault::Eio);
        follower.pass();
        machine.fs.heal();
        drop(follower);
        machine.pass(&log);
        machine.fs.cut_power();
        machine.fs.restart();
        let logs = machine.dir().join("logs");
        let mirror = logs.join(world::ORIGIN).join("mirror");
        let kept = |path: &str| machine.fs.read(&mirror.join(path)).unwrap();
        for (path, bytes) in &files {
            let path = path.trim_start_matches('/');
            assert!(kept(path) == *bytes, "seed {seed}: {path}");
        }
    }
}
