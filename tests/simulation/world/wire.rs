//! The wire between log and witnesses: messages arrive in any order, once, or not at all.

use labelproof_host::clock::Clock;
use labelproof_log::feeder::{Answer, Input, WitnessIndex};

use super::World;
use crate::checker::Wrong;

/// A message under way.
pub(super) enum Packet {
    Request {
        to: WitnessIndex,
        log_life: u64,
        life: u64,
        body: Vec<u8>,
    },
    Answer {
        from: WitnessIndex,
        log_life: u64,
        answer: Answer,
    },
}

impl World {
    pub(super) fn deliver(&mut self) -> Result<(), Wrong> {
        if self.wire.is_empty() {
            return Ok(());
        }
        let at = usize::try_from(self.below(self.wire.len() as u64)).unwrap();
        match self.wire.swap_remove(at) {
            Packet::Request {
                to,
                log_life,
                life,
                body,
            } => {
                let witness = &mut self.witnesses[to.get()];
                let answer = if witness.life == life {
                    witness.answer(&body, &self.ledger)?
                } else {
                    Answer::Failed("connection broke".to_owned())
                };
                self.say(&format!("witness {}: {}", to.get(), short(&answer)));
                self.wire.push(Packet::Answer {
                    from: to,
                    log_life,
                    answer,
                });
                self.notice_power_cut();
                Ok(())
            }
            Packet::Answer {
                from,
                log_life,
                answer,
            } if log_life == self.log_life => self.hear(Input::Answer {
                witness: from,
                answer,
            }),
            Packet::Answer { .. } => Ok(()),
        }
    }

    /// A request that is lost was not seen; an answer that is lost was given.
    pub(super) fn lose(&mut self) -> Result<(), Wrong> {
        let Some(packet) = self.wire.pop() else {
            return Ok(());
        };
        let (Packet::Request {
            to: witness,
            log_life,
            ..
        }
        | Packet::Answer {
            from: witness,
            log_life,
            ..
        }) = packet;
        self.say(&format!(
            "wire: a message of witness {} is lost",
            witness.get()
        ));
        if log_life == self.log_life {
            let answer = Answer::Failed("no answer in time".to_owned());
            return self.hear(Input::Answer { witness, answer });
        }
        Ok(())
    }

    pub(super) fn hear(&mut self, input: Input) -> Result<(), Wrong> {
        let now_ms = self.clock.unix_ms();
        let Some(log) = &mut self.log else {
            return Ok(());
        };
        let actions = log.feeder.handle(input, now_ms);
        self.act(actions)
    }

    pub(super) fn no_answer(&self, from: WitnessIndex, why: &str) -> Packet {
        let answer = Answer::Failed(why.to_owned());
        Packet::Answer {
            from,
            log_life: self.log_life,
            answer,
        }
    }
}

fn short(answer: &Answer) -> String {
    match answer {
        Answer::Cosigned(line) => String::from_utf8_lossy(line).trim().to_owned(),
        other => format!("{other:?}"),
    }
}
