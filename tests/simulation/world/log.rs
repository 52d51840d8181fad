//! What the log does: entries in, heads to the witnesses, checkpoints out, and back from the dead.

use std::path::Path;
use std::sync::Arc;

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_host::clock::Clock;
use labelproof_log::feeder::{Action, Input};

use super::wire::Packet;
use super::{World, chain, revive};
use crate::checker::{Wrong, check_log};
use crate::log_node::{DIR, LogProcess};

impl World {
    pub(super) fn submit(&mut self) -> Result<(), Wrong> {
        if !self.log.as_ref().is_some_and(|log| log.feeder.is_open()) {
            return Ok(());
        }
        // Now and then enough to fill a tile and begin the next.
        let count = if self.below(16) == 0 {
            200 + self.below(120)
        } else {
            1 + self.below(4)
        };
        self.sequence(count)
    }

    pub(super) fn sequence(&mut self, count: u64) -> Result<(), Wrong> {
        let Some(mut log) = self.log.take() else {
            return Ok(());
        };
        let entries: Vec<Vec<u8>> = (0..count).map(|_| self.entry()).collect();
        let mut acknowledged: Option<SignedCheckpoint> = None;
        let outcome = log.sequencer.sequence(entries.clone(), &mut |signed| {
            acknowledged = Some(signed.clone());
        });
        match (outcome, acknowledged) {
            (Ok(()), Some(signed)) => {
                let size = signed.head().size().get();
                self.say(&format!(
                    "log: {count} entries in, size {size}, root {}",
                    signed.head().root()
                ));
                self.acknowledged.extend((size - count..).zip(entries));
                let input = Input::Head(Arc::new(signed));
                let actions = log.feeder.handle(input, self.clock.unix_ms());
                self.log = Some(log);
                self.act(actions)
            }
            (Err(error), None) => {
                self.say(&format!("log: stops, {}", chain(&error)));
                Ok(())
            }
            (outcome, _) => Err(format!(
                "acknowledged and answered do not agree: {outcome:?}"
            )),
        }
    }

    pub(super) fn entry(&mut self) -> Vec<u8> {
        self.events += 1;
        // Lengths that let writes end anywhere in a sector.
        let padding = usize::try_from(self.below(600)).unwrap();
        format!("event {} {}", self.events, ".".repeat(padding)).into_bytes()
    }

    pub(super) fn act(&mut self, actions: Vec<Action>) -> Result<(), Wrong> {
        for action in actions {
            let Some(log) = &mut self.log else {
                return Ok(());
            };
            match action {
                Action::Send {
                    witness,
                    old,
                    target,
                } => {
                    let packet = match log.request(old, &target) {
                        Some(body) => Packet::Request {
                            to: witness,
                            log_life: self.log_life,
                            life: self.witnesses[witness.get()].life,
                            body,
                        },
                        None => self.no_answer(witness, "no proof"),
                    };
                    self.wire.push(packet);
                }
                Action::Open => self.say("log: open"),
                Action::Publish(witnessed) => {
                    log.unstored = Some(*witnessed);
                    self.publish()?;
                }
                Action::Stop(older) => return Err(format!("I1: {older}")),
            }
        }
        self.notice_power_cut();
        Ok(())
    }

    pub(super) fn publish(&mut self) -> Result<(), Wrong> {
        let Some(head) = self.log.as_mut().and_then(LogProcess::publish) else {
            return Ok(());
        };
        let size = head.size().get();
        if size < self.published {
            return Err(format!("size {size} is published after {}", self.published));
        }
        if self.ledger.roots().get(&size) != Some(&head.root()) {
            return Err(format!("size {size} is published and was never signed"));
        }
        self.published = size;
        self.say(&format!("log: size {size} published"));
        Ok(())
    }

    pub(super) fn start_log(&mut self) -> Result<(), Wrong> {
        self.log = None;
        self.power_cuts += revive(&self.log_fs);
        self.log_life += 1;
        let met = self.log_fs.faults_met();
        match LogProcess::start(&self.log_fs, &self.ledger, &self.policy, self.log_life) {
            Ok(mut log) => {
                let signed = log.sequencer.signed();
                // On a copy, so that the checker meets no fault and moves no call.
                let copy = self.log_fs.backup(0);
                let size = check_log(&copy, Path::new(DIR), &self.ledger, &self.acknowledged)?;
                self.say(&format!("log: back with size {size}"));
                let heard = signed.map(|signed| Input::Head(Arc::new(signed)));
                let now_ms = self.clock.unix_ms();
                let actions = heard.map(|input| log.feeder.handle(input, now_ms));
                self.log = Some(log);
                self.act(actions.unwrap_or_default())
            }
            Err(error) if self.log_fs.faults_met() == met => {
                Err(format!("the log does not come back: {}", chain(&error)))
            }
            Err(error) => {
                self.say(&format!("log: does not start, {}", chain(&error)));
                Ok(())
            }
        }
    }

    pub(super) fn notice_power_cut(&mut self) {
        if self.log_fs.is_down() {
            self.log = None;
        }
    }
}
