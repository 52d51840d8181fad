//! A log's directory restored to an older copy: it signs nothing new, and says which witness knows better.

use std::sync::Arc;

use labelproof_host::clock::Clock;
use labelproof_log::feeder::{Action, Input, OlderStore};

use super::{Disks, PATIENCE, WITNESSES, World};
use crate::checker::Wrong;
use crate::log_node::LogProcess;

impl World {
    /// Lets everything arrive until the newest head is published.
    fn calm(&mut self) -> Result<(), Wrong> {
        for _ in 0..PATIENCE {
            while !self.wire.is_empty() {
                self.deliver()?;
            }
            let log = self.log.as_ref().ok_or("the log is down")?;
            if log.sequencer.head().size().get() == self.published {
                return Ok(());
            }
            self.wait()?;
        }
        Err("nothing is published".to_owned())
    }
}

/// Starts a log from `backup` and lets it ask the first `reached` witnesses.
fn ask(world: &mut World, backup: LogProcess, reached: usize) -> Option<OlderStore> {
    let mut log = backup;
    let signed = log.sequencer.signed().unwrap();
    let now_ms = world.clock.unix_ms();
    let mut actions = log.feeder.handle(Input::Head(Arc::new(signed)), now_ms);
    while let Some(action) = actions.pop() {
        match action {
            Action::Send {
                witness,
                old,
                target,
            } => {
                if witness.get() < reached {
                    let body = log.request(old, &target).unwrap();
                    let node = &mut world.witnesses[witness.get()];
                    let answer = node.answer(&body, &world.ledger).unwrap();
                    actions.extend(log.feeder.handle(Input::Answer { witness, answer }, now_ms));
                }
            }
            Action::Stop(older) => return Some(older),
            Action::Open => panic!("an old copy may sign"),
            Action::Publish(_) => panic!("an old copy publishes"),
        }
    }
    assert!(!log.feeder.is_open(), "an old copy may sign");
    None
}

#[test]
fn old_copy_of_the_log_signs_nothing() {
    for seed in 0..20 {
        let mut world = World::new(seed, Disks::Honest);
        world.begin().unwrap();
        world.calm().unwrap();
        world.sequence(1 + seed % 5).unwrap();
        world.calm().unwrap();
        let backup = world.log_fs.backup(seed);
        let old = world.published;
        world.sequence(1 + seed % 300).unwrap();
        world.calm().unwrap();
        let signed = world.ledger.roots();
        for reached in 0..=WITNESSES {
            let process = LogProcess::start(&backup, &world.ledger, &world.policy, 99).unwrap();
            let stopped = ask(&mut world, process, reached);
            match stopped {
                None => assert_eq!(reached, 0, "seed {seed}: a witness was asked"),
                Some(OlderStore { theirs, ours, .. }) => {
                    assert_eq!((theirs.get(), ours.get()), (world.published, old));
                }
            }
            assert_eq!(
                world.ledger.roots(),
                signed,
                "seed {seed}: something new was signed"
            );
            assert_eq!(world.ledger.fork(), None);
        }
    }
}
