//! One log, three witnesses, a wire and a clock: a seed decides what happens and what goes wrong.
//!
//! ```text
//! submit a batch · deliver, lose a message · let time go by · a fault at a call to come
//! (power cut, EIO, full disk, short write) · end a process · start what is down
//! ```
//! Every start recovers by the products' own code, and what came back is checked at once. At the
//! end all faults are mended: then everything has to be published, and is checked once more after
//! a power cut everywhere.

mod log;
mod old_backup;
mod wire;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use labelproof_core::policy::Policy;
use labelproof_host::clock::ManualClock;
use labelproof_host::fs::{Call, Fault, SimulatedFs};
use labelproof_log::feeder::Input;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::wire::Packet;
use crate::checker::Wrong;
use crate::ledger::Ledger;
use crate::log_node::{self, LogProcess};
use crate::witness_node::WitnessNode;

/// Which disks lie, about which sync; from the first event on, so that the stores exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Disks {
    Honest,
    LogIgnores(Call),
    WitnessesIgnore(Call),
}

/// What a run shows when all held.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) trace: Vec<String>,
    pub(crate) acknowledged: usize,
    pub(crate) power_cuts: u64,
}

/// What was broken, and all that led there.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) wrong: Wrong,
    pub(crate) trace: Vec<String>,
}

/// Runs one seed to its end.
pub(crate) fn run(seed: u64, disks: Disks) -> Result<Run, Box<Broken>> {
    let mut world = World::new(seed, disks);
    let mut live = || {
        world.begin()?;
        for _ in 0..STEPS {
            world.step()?;
        }
        world.end()
    };
    let outcome = live();
    let World {
        trace,
        acknowledged,
        power_cuts,
        ..
    } = world;
    match outcome {
        Ok(()) => Ok(Run {
            trace,
            acknowledged: acknowledged.len(),
            power_cuts,
        }),
        Err(wrong) => Err(Box::new(Broken { wrong, trace })),
    }
}

struct World {
    random: ChaCha8Rng,
    clock: ManualClock,
    wire: Vec<Packet>,
    log_fs: SimulatedFs,
    log: Option<LogProcess>,
    /// Counts the starts of the log; an answer to an earlier process is lost.
    log_life: u64,
    witnesses: Vec<WitnessNode>,
    policy: Arc<Policy>,
    ledger: Arc<Ledger>,
    acknowledged: BTreeMap<u64, Vec<u8>>,
    published: u64,
    events: u64,
    power_cuts: u64,
    trace: Vec<String>,
}

impl World {
    fn new(seed: u64, disks: Disks) -> World {
        let disk = |number: u64| SimulatedFs::new(seed.wrapping_mul(8).wrapping_add(number));
        let clock = ManualClock::at(START_MS);
        let ledger = Arc::new(Ledger::new());
        let witnesses: Vec<WitnessNode> = (0..WITNESSES)
            .map(|number| {
                let fs = disk(number as u64 + 1);
                WitnessNode::create(number, fs, ledger.vkey(), clock.clone())
            })
            .collect();
        let policy = Arc::new(policy(&ledger, &witnesses));
        let log_fs = disk(0);
        log_node::create(&log_fs);
        match disks {
            Disks::Honest => {}
            Disks::LogIgnores(sync) => log_fs.ignore(sync),
            Disks::WitnessesIgnore(sync) => witnesses.iter().for_each(|it| it.fs.ignore(sync)),
        }
        World {
            random: ChaCha8Rng::seed_from_u64(seed),
            clock,
            wire: Vec::new(),
            log_fs,
            log: None,
            log_life: 0,
            witnesses,
            policy,
            ledger,
            acknowledged: BTreeMap::new(),
            published: 0,
            events: 0,
            power_cuts: 0,
            trace: Vec::new(),
        }
    }

    /// The first entry goes in before anyone is asked, as the genesis does.
    fn begin(&mut self) -> Result<(), Wrong> {
        for witness in 0..WITNESSES {
            self.start_witness(witness)?;
        }
        self.start_log()?;
        self.sequence(1)
    }

    fn step(&mut self) -> Result<(), Wrong> {
        match self.below(100) {
            0..25 => self.submit()?,
            25..70 => self.deliver()?,
            70..73 => self.lose()?,
            73..81 => self.wait()?,
            81..85 => self.plan_fault(None),
            85..88 => {
                let witness = self.pick();
                self.plan_fault(Some(witness));
            }
            88..89 => {
                self.say("log: power goes between calls");
                self.log_fs.cut_power();
                self.log = None;
            }
            89..90 => {
                self.say("log: killed");
                self.log = None;
            }
            90..91 => {
                let witness = self.pick();
                self.say(&format!("witness {witness}: power goes between calls"));
                self.witnesses[witness].fs.cut_power();
                self.witnesses[witness].process = None;
            }
            _ => self.start_what_is_down()?,
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Wrong> {
        self.say("all faults are mended");
        self.log_fs.heal();
        for witness in &self.witnesses {
            witness.fs.heal();
        }
        for _ in 0..PATIENCE {
            self.start_what_is_down()?;
            while !self.wire.is_empty() {
                self.deliver()?;
            }
            let size = self
                .log
                .as_ref()
                .map(|log| log.sequencer.head().size().get());
            if size == Some(self.published) {
                return self.cut_everything();
            }
            self.wait()?;
        }
        Err(format!(
            "nothing but {} is published, although nothing is broken",
            self.published
        ))
    }

    /// The strictest question: the power goes everywhere at once.
    fn cut_everything(&mut self) -> Result<(), Wrong> {
        self.log_fs.cut_power();
        self.log = None;
        for witness in &mut self.witnesses {
            witness.fs.cut_power();
            witness.process = None;
        }
        self.start_what_is_down()?;
        match &self.log {
            Some(_) => Ok(()),
            None => Err("the log does not come back, although nothing is broken".to_owned()),
        }
    }

    fn wait(&mut self) -> Result<(), Wrong> {
        let ms = 100 + self.below(4_000);
        self.clock.advance(ms);
        self.publish()?;
        self.hear(Input::Tick)
    }

    fn plan_fault(&mut self, witness: Option<usize>) {
        let fault = match self.below(8) {
            0..5 => Fault::PowerCut,
            5 => Fault::Eio,
            6 => Fault::Enospc,
            _ => Fault::ShortWrite,
        };
        let in_calls = 1 + self.below(60);
        let (name, fs) = match witness {
            None => ("log".to_owned(), &self.log_fs),
            Some(witness) => (format!("witness {witness}"), &self.witnesses[witness].fs),
        };
        fs.fail_call(fs.calls() + in_calls, fault);
        self.say(&format!("{name}: {fault:?} waits {in_calls} calls ahead"));
    }

    fn start_what_is_down(&mut self) -> Result<(), Wrong> {
        for witness in 0..WITNESSES {
            if self.witnesses[witness].process.is_none() || self.witnesses[witness].fs.is_down() {
                self.start_witness(witness)?;
            }
        }
        if self.log.is_none() || self.log_fs.is_down() {
            self.start_log()?;
        }
        Ok(())
    }

    fn start_witness(&mut self, number: usize) -> Result<(), Wrong> {
        let witness = &mut self.witnesses[number];
        witness.process = None;
        self.power_cuts += revive(&witness.fs);
        let met = witness.fs.faults_met();
        match witness.start()? {
            Ok(()) => self.say(&format!("witness {number}: back")),
            Err(error) if self.witnesses[number].fs.faults_met() == met => {
                return Err(format!(
                    "witness {number} does not come back: {}",
                    chain(&error)
                ));
            }
            Err(error) => self.say(&format!(
                "witness {number}: does not start, {}",
                chain(&error)
            )),
        }
        Ok(())
    }

    fn pick(&mut self) -> usize {
        usize::try_from(self.below(WITNESSES as u64)).unwrap()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random.next_u64() % bound
    }

    fn say(&mut self, what: &str) {
        self.trace.push(what.to_owned());
    }
}

/// Brings a machine or only its process back; counts the power cuts.
fn revive(fs: &SimulatedFs) -> u64 {
    let was_down = fs.is_down();
    if was_down {
        fs.restart();
    }
    u64::from(was_down)
}

fn policy(ledger: &Ledger, witnesses: &[WitnessNode]) -> Policy {
    let mut text = format!("log {}\n", ledger.vkey());
    let mut names = String::new();
    for (number, witness) in witnesses.iter().enumerate() {
        let vkey = witness.vkey();
        text += &format!("witness w{number} {vkey} https://w{number}.witness.example\n");
        names += &format!(" w{number}");
    }
    text += &format!("group all-of-us {QUORUM}{names}\nquorum all-of-us\n");
    Policy::parse(text.as_bytes()).unwrap()
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

const WITNESSES: usize = 3;
const QUORUM: usize = 2;
const STEPS: usize = 200;
/// Rounds of at least 100 ms in which all must be published: far above the pauses between tries.
const PATIENCE: usize = 100;
const START_MS: u64 = 1_790_000_000_000;
