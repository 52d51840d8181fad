//! Crashes: the power goes, or a call fails, at every call of a batch; then the log is loaded again.

use std::sync::Arc;

use labelproof_core::{
    merkle::{LeafIndex, TreeSize},
    state::head::StateHead,
};
use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_log::{
    engine::{reload, step},
    load::LoadError,
    sequencer::Sequencer,
    snapshot,
    storage::InstanceId,
};

use crate::world::{Ledger, World, found, genesis, id_of, issue, parts};

/// A log whose next batch begins at `size`.
fn disk_at(size: usize, seed: u64) -> SimulatedFs {
    let disk = SimulatedFs::new(seed);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    // A label and a head each.
    for number in 0..(size - 5) / 2 {
        world.log.admit(&issue(number)).unwrap();
        assert!(world.step());
        world.witness();
    }
    snapshot::write(&world.log).unwrap();
    disk
}

/// Loads a log as it is after a crash; the snapshot keeps it quick.
fn load(disk: &SimulatedFs, ledger: &Ledger) -> Result<World, LoadError> {
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let world = World::load_unindexed(&fs, ledger)?;
    world.log.open();
    Ok(world)
}

/// Lets one batch of three labels meet `fault` at its call `number`; answers whether it was acknowledged.
fn run_batch(disk: &SimulatedFs, ledger: &Ledger, number: u64, fault: Fault) -> (u64, bool) {
    let mut world = load(disk, ledger).unwrap();
    for label in 1_000..1_003 {
        world.log.admit(&issue(label)).unwrap();
    }
    let before = disk.calls();
    disk.fail_call(before + number, fault);
    let acknowledged = step(&world.log, &mut world.sequencer).is_ok();
    assert_eq!(world.sequencer.is_poisoned(), !acknowledged);
    (disk.calls() - before, acknowledged)
}

fn check_after(disk: &SimulatedFs, ledger: &Ledger, before: TreeSize, acknowledged: bool) {
    let mut world = load(disk, ledger).unwrap();
    let size = world.sequencer.head().size();
    let after = TreeSize::new(before.get() + 4);
    assert!(
        size == before || size == after,
        "size {size} is neither before nor after the batch"
    );
    assert!(
        !acknowledged || size == after,
        "what was acknowledged is lost"
    );
    assert!(
        size == after || !ledger.is_signed(after),
        "a head was signed that the log does not have"
    );
    if size == after {
        for (offset, label) in (1_000..1_003).enumerate() {
            let entry = world
                .log
                .setting()
                .directory
                .entry(LeafIndex::new(before.get() + offset as u64))
                .unwrap();
            assert_eq!(id_of(&entry), id_of(&issue(label)));
        }
    }
    // It goes on, and what was lost can be sent again.
    for label in 1_000..1_005 {
        world.log.admit(&issue(label)).unwrap();
    }
    assert!(world.step());
}

fn crash_everywhere(size: usize, fault: Fault, restart: impl Fn(&SimulatedFs)) {
    let base = disk_at(size, 7);
    let before = TreeSize::new(size as u64);
    let mut number = 1;
    loop {
        let disk = base.backup(number);
        let ledger = Ledger::default();
        let (calls, acknowledged) = run_batch(&disk, &ledger, number, fault);
        disk.heal();
        restart(&disk);
        check_after(&disk, &ledger, before, acknowledged);
        if calls < number {
            assert!(acknowledged, "a batch without a fault is acknowledged");
            assert!(number > 15, "a batch makes more calls than {number}");
            break;
        }
        number += 1;
    }
}

#[test]
fn power_cut_at_every_call_of_a_small_batch_forks_nothing_and_loses_nothing() {
    crash_everywhere(5, Fault::PowerCut, SimulatedFs::restart);
}

#[test]
fn power_cut_at_every_call_across_a_full_tile_forks_nothing_and_loses_nothing() {
    crash_everywhere(253, Fault::PowerCut, SimulatedFs::restart);
}

#[test]
fn an_error_at_every_call_forks_nothing_and_loses_nothing() {
    crash_everywhere(5, Fault::Eio, SimulatedFs::restart_process);
}

#[test]
fn power_cut_at_every_call_of_a_recovery_forks_nothing_and_loses_nothing() {
    let base = disk_at(5, 3);
    let before = TreeSize::new(5);
    // The first fault leaves a batch that is reserved and not applied.
    let broken = base.backup(1);
    let ledger = Ledger::default();
    let reserved = (1..60).find(|number| {
        let disk = base.backup(1);
        let ledger = Ledger::default();
        run_batch(&disk, &ledger, *number, Fault::PowerCut);
        ledger.is_signed(TreeSize::new(9))
    });
    run_batch(&broken, &ledger, reserved.unwrap(), Fault::PowerCut);
    broken.restart();
    broken.heal();
    for number in 1.. {
        let disk = broken.backup(number);
        let first = disk.calls();
        disk.fail_call(first + number, Fault::PowerCut);
        let loaded = load(&disk, &ledger).is_ok();
        disk.heal();
        disk.restart();
        check_after(&disk, &ledger, before, true);
        if loaded && disk.faults_met() == 0 {
            break;
        }
    }
}

#[test]
fn a_failing_disk_is_waited_for_and_what_was_not_acknowledged_can_be_sent_again() {
    let disk = disk_at(5, 11);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let ledger = Ledger::default();
    let mut world = World::load(&fs, &ledger).unwrap();
    world.log.admit(&issue(1)).unwrap();
    disk.fail_from(disk.calls() + 1, Fault::Enospc);
    assert!(step(&world.log, &mut world.sequencer).is_err());
    assert!(
        world.log.admit(&issue(2)).is_err(),
        "a poisoned log takes nothing"
    );
    let own = parts(&fs, &ledger);
    assert!(reload(&world.log, own.clone()).is_err());
    disk.heal();
    world.sequencer = reload(&world.log, own).unwrap();
    world.log.admit(&issue(1)).unwrap();
    world.log.admit(&issue(2)).unwrap();
    assert!(world.step());
}

#[test]
fn a_flipped_bit_in_any_file_of_the_right_edge_is_found_before_anything_is_signed() {
    let base = disk_at(5, 5);
    for path in ["/log/head", "/log/tile/0/000", "/log/tile/entries/000"] {
        for bit in [0, 9, 333, 801, 1_203] {
            let disk = base.backup(bit);
            disk.flip_bit(path.as_ref(), bit).unwrap();
            let fs: Arc<dyn Fs> = Arc::new(disk);
            let ledger = Ledger::default();
            let loaded = World::load(&fs, &ledger);
            // The instance id and the batch's digest say nothing about the log.
            if path == "/log/head" && loaded.is_ok() {
                continue;
            }
            assert!(loaded.is_err(), "{path}, bit {bit}");
            for size in 0..300 {
                assert!(
                    !ledger.is_signed(TreeSize::new(size)),
                    "{path}, bit {bit}: size {size} was signed"
                );
            }
        }
    }
}

#[test]
fn of_two_processes_on_one_store_only_the_later_advances() {
    let disk = disk_at(5, 2);
    let fs: Arc<dyn Fs> = Arc::new(disk);
    let ledger = Ledger::default();
    let mut first = World::load(&fs, &ledger).unwrap();
    let mut later = parts(&fs, &ledger);
    later.instance = InstanceId::from_bytes([9; 16]);
    let mut second = Sequencer::load(later).unwrap();
    first.log.admit(&issue(1)).unwrap();
    assert!(
        step(&first.log, &mut first.sequencer)
            .unwrap_err()
            .is_lost()
    );
    let again = reload(&first.log, parts(&fs, &ledger));
    assert!(
        matches!(again, Err(LoadError::Sequence(error)) if error.is_lost()),
        "the first never takes it back"
    );
    second.sequence(vec![issue(2)], &mut |_| {}).unwrap();
}

#[test]
fn the_first_entries_of_a_log_are_genesis_and_head() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk);
    found(&fs);
    let world = World::load(&fs, &Ledger::default()).unwrap();
    assert_eq!(world.sequencer.head().size(), TreeSize::new(2));
    let directory = &world.log.setting().directory;
    assert_eq!(directory.entry(LeafIndex::new(0)).unwrap(), genesis());
    assert!(StateHead::is_head(
        &directory.entry(LeafIndex::new(1)).unwrap()
    ));
}
