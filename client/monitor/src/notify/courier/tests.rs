//! A channel over restarts, damaged files and a disk that is full.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use labelproof_host::{
    clock::ManualClock,
    fs::{Fault, RealFs, SimulatedFs},
};

use super::*;
use crate::{
    alert::Numbered,
    notify::{stdout::Stdout, tests::Kept as InMemory},
};

/// What was written, and whether writing works.
#[derive(Clone, Debug, Default)]
struct Pipe(Arc<Mutex<(Vec<u64>, bool)>>);

impl Pipe {
    fn numbers(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    fn break_down(&self, broken: bool) {
        self.0.lock().unwrap().1 = broken;
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipe = self.0.lock().unwrap();
        if pipe.1 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let value: serde_json::Value = serde_json::from_slice(bytes)?;
        pipe.0.push(value["number"].as_u64().unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct World {
    dir: tempfile::TempDir,
    alerts: Arc<InMemory>,
    clock: ManualClock,
    pipe: Pipe,
}

impl World {
    fn new(alerts: u64) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            alerts: Arc::new(InMemory::of(alerts)),
            clock: ManualClock::at(1_800_000_000_000),
            pipe: Pipe::default(),
        }
    }

    fn courier(&self) -> Courier {
        self.courier_on(Arc::new(RealFs::new()))
    }

    fn courier_on(&self, fs: Arc<dyn Fs>) -> Courier {
        let ground = Ground {
            alerts: Arc::clone(&self.alerts) as Arc<dyn Alerts>,
            fs,
            clock: Arc::new(self.clock.clone()),
        };
        let out = Channel::Stdout(Stdout::to(Box::new(self.pipe.clone())));
        Courier::open(out, self.dir.path(), FIRST, ground).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("stdout.json")
    }

    /// Turns until nothing is due at once.
    fn settle(&self, courier: &mut Courier) -> Turn {
        for _ in 0..10_000 {
            let turn = courier.turn();
            if turn != Turn::Again {
                return turn;
            }
        }
        panic!("it never rests");
    }
}

#[test]
fn a_restart_sends_nothing_twice_and_forgets_nothing() {
    let world = World::new(3);
    let mut courier = world.courier();
    assert_eq!(world.settle(&mut courier), Turn::Rest);
    assert_eq!(world.pipe.numbers(), [1, 2, 3]);
    drop(courier);
    world
        .alerts
        .0
        .lock()
        .unwrap()
        .push(crate::notify::tests::alert(4));
    world.settle(&mut world.courier());
    assert_eq!(world.pipe.numbers(), [4]);
}

#[test]
fn a_crash_in_the_middle_sends_some_twice_and_forgets_nothing() {
    let world = World::new(150);
    let mut courier = world.courier();
    for _ in 0..100 {
        assert_eq!(courier.turn(), Turn::Again);
    }
    assert_eq!(world.pipe.numbers().len(), 100);
    drop(courier); // With no time to keep where it was.
    world.settle(&mut world.courier());
    let again = world.pipe.numbers();
    assert_eq!(again.last(), Some(&150));
    let twice = 100 - (again[0] - 1);
    assert!(twice < u64::from(UNSAVED), "{twice} were sent twice");
}

#[test]
fn how_often_it_failed_outlives_a_restart() {
    let world = World::new(1);
    world.pipe.break_down(true);
    let mut courier = world.courier();
    let mut waits = Vec::new();
    for _ in 0..4 {
        let Turn::Wait(time) = world.settle(&mut courier) else {
            panic!("it rests while an alert waits");
        };
        waits.push(time.as_secs());
        world
            .clock
            .advance(u64::try_from(time.as_millis()).unwrap());
        courier = world.courier();
    }
    assert!(
        waits[0] <= 7 && waits[1] >= 20 && waits[2] >= 80 && waits[3] >= 400,
        "{waits:?}"
    );
    world.pipe.break_down(false);
    assert_eq!(world.settle(&mut courier), Turn::Rest);
    assert_eq!(world.pipe.numbers(), [1]);
}

#[test]
fn a_damaged_file_loses_nothing_and_is_kept() {
    let whole = {
        let world = World::new(3);
        world.settle(&mut world.courier());
        std::fs::read(world.file()).unwrap()
    };
    let torn = whole[..whole.len() / 2].to_vec();
    let other = String::from_utf8(whole.clone())
        .unwrap()
        .replace("/v1", "/v9")
        .into_bytes();
    for damaged in [torn, other, Vec::new(), vec![0; 4096], b"{}".to_vec()] {
        let world = World::new(3);
        std::fs::write(world.file(), &damaged).unwrap();
        world.settle(&mut world.courier());
        assert_eq!(world.pipe.numbers(), [1, 2, 3]);
        let aside = world.dir.path().join("stdout.json.corrupt");
        assert_eq!(std::fs::read(aside).unwrap(), damaged);
        // And it is whole again.
        world.settle(&mut world.courier());
        assert_eq!(world.pipe.numbers(), [0_u64; 0]);
    }
}

#[test]
fn a_journal_that_begins_anew_is_told_from_its_beginning() {
    let world = World::new(9);
    world.settle(&mut world.courier());
    world.pipe.numbers();
    *world.alerts.0.lock().unwrap() = (1..=2).map(crate::notify::tests::alert).collect();
    world.settle(&mut world.courier());
    assert_eq!(world.pipe.numbers(), [1, 2]);
}

#[test]
fn a_disk_that_takes_nothing_holds_up_no_alert() {
    let world = World::new(200);
    let disk = SimulatedFs::new(5);
    disk.create_dir_all(world.dir.path()).unwrap();
    disk.fail_from(disk.calls() + 1, Fault::Enospc);
    let mut courier = world.courier_on(Arc::new(disk.clone()));
    assert_eq!(world.settle(&mut courier), Turn::Rest);
    assert_eq!(world.pipe.numbers().len(), 200);
    assert!(disk.faults_met() > 0);
    // Once there is room it is kept.
    disk.heal();
    courier.turn();
    world.settle(&mut world.courier_on(Arc::new(disk)));
    assert_eq!(world.pipe.numbers(), [0_u64; 0]);
}

/// A journal whose disk does not answer.
#[derive(Debug)]
struct Unreadable;

impl Alerts for Unreadable {
    fn end(&self) -> u64 {
        2
    }

    fn read(&self, _: u64) -> io::Result<Option<Numbered>> {
        Err(io::Error::other("no such sector"))
    }
}

#[test]
fn a_journal_that_cannot_be_read_is_waited_for() {
    let world = World::new(0);
    let mut courier = world.courier();
    courier.ground.alerts = Arc::new(Unreadable);
    assert_eq!(courier.turn(), Turn::Wait(OWN_PAUSE));
    assert_eq!(courier.queue.failures(), 0, "the channel is not at fault");
}
