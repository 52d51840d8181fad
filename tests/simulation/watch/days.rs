//! One run: tick after tick, what happens, one poll, and what was told of it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use labelproof_core::evidence::Evidence;
use labelproof_core::time::Time;
use labelproof_host::clock::Clock as _;
use labelproof_host::fs::Fault;
use labelproof_monitor::alert::{Alert, Rule};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::evidence;
use super::faults::{Faults, Lasting, Moment};
use super::lie::Lie;
use super::log::{Log, Sight};
use super::source::{Shown, Tiles};
use super::station::{MAX_AGE_S, PATIENCE_S, Station};
use super::story::{self, Promised};
use super::truth::Truth;
use super::{BATCH_TICKS, TICK_S, TICKS, at, label, revoke};

/// Lives through three days.
pub(super) fn run(seed: u64, lie: Option<Lie>) {
    let mut days = Days::new(seed, lie);
    for tick in 0..TICKS {
        days.tick(tick);
    }
    days.faults = Faults::default();
    for tick in TICKS..TICKS + CALM_TICKS {
        days.tick(tick);
    }
    days.end();
}

struct Days {
    seed: u64,
    random: ChaCha8Rng,
    log: Log,
    shown: Arc<Shown>,
    station: Station,
    faults: Faults,
    truth: Truth,
    /// What was true and shown at the polls before, each with what the own clock said.
    before: VecDeque<(Time, Time, Sight, Truth)>,
    lying: Lying,
    /// By how many seconds the own clock is off.
    offset: i64,
    /// When the process of the monitor began, and whether it saw since then that the own clock is right.
    begun: (u64, bool),
    /// Whether the poll before found nothing wrong.
    was_good: bool,
    /// Of how many revocations was told.
    subjects: BTreeSet<String>,
    /// Evidence that is judged once the disk is well.
    unjudged: Vec<Evidence>,
    judged: u64,
    trace: Vec<String>,
}

/// How far the lie is.
struct Lying {
    lie: Option<Lie>,
    /// Not before this, and not before a poll that found nothing wrong.
    from: u64,
    is_begun: bool,
    is_found: bool,
    promised: Option<Promised>,
    /// When it was handed in, by whoever has something to hand in.
    handed: Option<u64>,
    /// Polls since then that showed everything there is to see; in a row for what may pass by itself.
    good: u64,
}

impl Lying {
    /// The lie, while it is told.
    fn now(&self) -> Option<Lie> {
        self.lie.filter(|_| self.is_begun && !self.is_found)
    }
}

/// What of a tick counts for what a monitor can know.
struct Poll {
    is_good: bool,
    is_start: bool,
}

impl Days {
    fn new(seed: u64, lie: Option<Lie>) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let log = Log::begin();
        let shown = Shown::new(log.honest.tree());
        let faults = Faults::draw(&mut random, TICKS);
        let from = TICKS * 2 / 5 + random.next_u64() % (TICKS / 2);
        Self {
            seed,
            random,
            log,
            shown,
            station: Station::new(seed, at(0)),
            faults,
            truth: Truth::default(),
            before: VecDeque::new(),
            lying: Lying {
                lie,
                from,
                is_begun: false,
                is_found: false,
                promised: None,
                handed: None,
                good: 0,
            },
            offset: 0,
            begun: (0, false),
            was_good: false,
            subjects: BTreeSet::new(),
            unjudged: Vec::new(),
            judged: 0,
            trace: Vec::new(),
        }
    }

    fn tick(&mut self, tick: u64) {
        self.move_clock(tick);
        let kept = self.log.take(tick, &mut self.random);
        let is_due = !self.lying.is_begun && tick >= self.lying.from && self.was_good;
        if let Some(lie) = self.lying.lie.filter(|_| is_due) {
            self.lying.is_begun = true;
            self.lying.promised = self.log.lie(lie, tick, &mut self.random);
            self.say(tick, &format!("the lie begins: {lie:?}"));
        }
        let lie = self.lying.now();
        let sight = self.log.publish(tick, &self.faults, lie);
        self.shown.show(self.log.view(sight, lie));
        let was_well = !self.truth.disk && !self.truth.clock && self.offset == 0;
        self.go_wrong(tick);
        let met = self.station.fs.faults_met();
        let is_start = self.begin(tick);
        if let Some(kept) = kept {
            self.hand_in(&kept);
        }
        self.announce(tick);
        self.accuse(tick);
        let is_up = self.station.up.is_some();
        self.station.pass();
        self.station.fs.heal();
        self.truth.disk |= self.station.fs.faults_met() > met;
        if self.station.fs.is_down() {
            self.station.power_on();
        }
        if let Some(shown) = &sight.shown {
            self.truth.shown(shown);
        }
        let is_aside = matches!(lie, Some(Lie::Fork(..)));
        if let Some(shown) = sight.shown.filter(|_| is_up && !is_aside) {
            self.truth.seen(&shown);
            let is_kept = self.station.fs.faults_met() == met && self.offset > -300;
            if is_kept && sight.tiles == Tiles::Right {
                self.truth.kept(&shown);
            }
        }
        let is_well = was_well && self.station.fs.faults_met() == met && is_up;
        let poll = Poll {
            is_good: is_well && self.station.up.is_some() && sight.is_fresh,
            is_start,
        };
        let said = self.station.clock.now();
        let moment = (said, at(tick), sight, self.truth.clone());
        self.before.push_front(moment);
        self.before.truncate(MAX_BEFORE);
        for alert in self.station.told() {
            self.hear(tick, &alert);
        }
        self.begun.1 |= poll.is_good && lie != Some(Lie::Stale);
        self.begun.1 &= !self.truth.clock;
        self.was_good = poll.is_good;
        self.count(tick, &poll, &sight);
        if is_up && sight.is_fresh && self.station.fs.faults_met() == met && self.offset == 0 {
            (self.truth.disk, self.truth.clock) = (false, false);
            self.judge(tick);
        }
    }

    fn move_clock(&mut self, tick: u64) {
        self.station.clock.advance(TICK_S * 1_000);
        let offset = self.faults.find(tick, |what| match what {
            Lasting::Clock(offset) => Some(offset),
            _ => None,
        });
        let offset = offset.unwrap_or(0);
        if offset != self.offset {
            self.say(tick, &format!("the own clock is off by {offset} s"));
        }
        self.truth.clock |= offset.abs_diff(self.offset) > 300 || offset.abs() > 300;
        self.offset = offset;
        let now = at(tick).unix().checked_add_signed(offset).unwrap();
        self.station.clock.set(now * 1_000);
    }

    /// Ends the monitor, and damages it.
    fn go_wrong(&mut self, tick: u64) {
        let (fs, moment) = (self.station.fs.clone(), self.faults.moment(tick));
        if let Some(moment) = moment {
            self.say(tick, &format!("{moment:?}"));
        }
        let next = fs.calls();
        let is_smaller = matches!(self.lying.now(), Some(Lie::Fork(by, _)) if by < 0);
        match moment {
            Some(Moment::Killed) => self.station.up = None,
            Some(Moment::Stopped) => self.station.stop(),
            Some(Moment::PowerCut(call)) => fs.fail_call(next + call, Fault::PowerCut),
            Some(Moment::Error(call)) => fs.fail_call(next + call, Fault::Eio),
            Some(Moment::ShortWrite(call)) => fs.fail_call(next + call, Fault::ShortWrite),
            Some(Moment::FlippedBit(call, bit)) => {
                fs.fail_call(next + call, Fault::FlippedBit(bit));
            }
            // All that the log shows is the smaller tree: without a copy nobody can prove that it had a larger one.
            Some(Moment::CopyLost) if is_smaller => {}
            Some(Moment::CopyLost) => {
                let is_had_again =
                    |name: &str| name.contains("/mirror/") || name.ends_with("/state");
                self.station
                    .replace_disk(self.seed ^ tick, |name| !is_had_again(name));
                self.truth.disk = true;
            }
            Some(Moment::AllLost) => {
                self.station.replace_disk(self.seed ^ tick, |_| false);
                self.truth.forget();
                self.truth.disk = true;
            }
            None => {}
        }
        if self
            .faults
            .is(tick, |what| matches!(what, Lasting::DiskFull))
        {
            let fs = &self.station.fs;
            fs.fail_from(fs.calls() + 1, Fault::Enospc);
        }
    }

    /// Starts the monitor if it may be up and is not; whether it did.
    fn begin(&mut self, tick: u64) -> bool {
        if self.faults.is(tick, |what| matches!(what, Lasting::Down)) {
            self.station.up = None;
            return false;
        }
        let is_start = self.station.up.is_none();
        if is_start {
            self.truth.start();
            self.begun = (tick, false);
            self.station.start(&self.shown);
        }
        is_start
    }

    /// Somebody hands in a receipt that the log keeps, or not.
    fn hand_in(&mut self, promised: &Promised) -> bool {
        let Some(up) = &self.station.up else {
            return false;
        };
        let judged = up.keeper.judge_receipt(&promised.entry, &promised.receipt);
        if judged.is_ok() {
            let deadline = promised.time.plus_seconds(60);
            self.truth.promise(promised.size, deadline);
        }
        judged.is_ok()
    }

    /// Somebody hands in a revocation that the log takes in the next batch.
    fn announce(&mut self, tick: u64) {
        if !(tick + 1).is_multiple_of(BATCH_TICKS) || !self.random.next_u64().is_multiple_of(2) {
            return;
        }
        let number = self.log.pick(&mut self.random);
        self.log.announced = Some(number);
        // Nothing tells a clock that is behind by more than a log may be silent from a log that is ahead.
        let is_tellable = self.offset.abs() <= i64::try_from(MAX_AGE_S).unwrap();
        if let Some(up) = self.station.up.as_ref().filter(|_| is_tellable) {
            // What is said of it comes with the poll.
            let _ = up.keeper.judge_adverse(&revoke(number), Duration::ZERO);
            // A batch that is open takes it, and the next tick shows it.
            let deadline = at(tick).plus_seconds(60);
            self.truth.wait_for(self.log.honest.size() + 1, deadline);
        }
    }

    /// Somebody has what the log lies about, and hands it in.
    fn accuse(&mut self, tick: u64) {
        let Some(lie) = self.lying.now() else {
            return;
        };
        if self.lying.handed.is_some() {
            return;
        }
        let is_done = match lie {
            Lie::Unkept | Lie::Deadline => {
                let promised = self.lying.promised.take().unwrap();
                let is_done = self.hand_in(&promised);
                self.lying.promised = Some(promised);
                is_done
            }
            Lie::ForkElsewhere(_) => {
                let aside = self.log.aside.clone().unwrap();
                let head = aside.lock().unwrap().head();
                let note = story::note(head, at(tick), &[]);
                let up = self.station.up.as_ref();
                up.is_some_and(|up| up.keeper.judge_head(&note.to_bytes()).is_ok())
            }
            Lie::NotLogged => {
                let number = self.log.withheld;
                let up = self.station.up.as_ref();
                // A clock that nothing bore out yet is given longer.
                let is_right = !self.truth.clock && self.offset == 0 && self.begun.1;
                self.truth.wait_for(u64::MAX, at(tick).plus_seconds(60));
                up.filter(|_| is_right).is_some_and(|up| {
                    let said = up.keeper.judge_adverse(&revoke(number), Duration::ZERO);
                    said.is_ok()
                })
            }
            _ => true,
        };
        if is_done {
            self.lying.handed = Some(tick);
            self.say(tick, "handed in");
        }
    }

    /// Holds an alert against the truth.
    fn hear(&mut self, tick: u64, alert: &Alert) {
        self.say(tick, &format!("told: {} {}", alert.rule(), alert.title()));
        if matches!(alert.rule(), Rule::Watch(_)) {
            let subject = alert.title();
            let known = self.log.revoked.iter().map(|number| label(*number));
            let known: Vec<String> = known.filter(|label| subject.contains(label)).collect();
            let [label] = &known[..] else {
                self.fail(&format!("nobody revoked this: {subject}"));
            };
            self.subjects.insert(label.clone());
            return;
        }
        let accuses = self.lying.lie.filter(|lie| lie.rule() == *alert.rule());
        let is_of_lie = accuses.is_some() && self.lying.is_begun;
        if let Some(evidence) = evidence::of(alert) {
            if !is_of_lie {
                self.fail("a log is accused of what it did not do");
            }
            self.unjudged.push(evidence);
        } else {
            // What could not be written when it was seen is told later.
            let mut then = self.before.iter().filter(|then| then.0 == alert.at());
            if !then.any(|(_, now, sight, truth)| truth.allows(alert, sight, *now)) {
                self.fail("this is not true");
            }
        }
        if is_of_lie && self.lying.now().is_some() {
            self.lying.is_found = true;
            self.say(tick, "found");
        }
    }

    /// Counts the polls in which the lie could be seen; they may not be more than its deadline and one.
    fn count(&mut self, tick: u64, poll: &Poll, sight: &Sight) {
        let Some(lie) = self.lying.now() else {
            return;
        };
        if poll.is_start || (!poll.is_good && !lie.is_evidence()) {
            self.lying.good = 0;
        }
        let size = sight.shown.map_or(0, |shown| shown.size());
        let is_visible = match lie {
            Lie::Unkept => size >= self.lying.promised.as_ref().unwrap().size,
            Lie::ForkElsewhere(_) => {
                let aside = self.log.aside.as_ref().unwrap().lock().unwrap();
                size >= aside.head().size().get()
            }
            Lie::Stale => {
                let shown = sight.shown.map_or(at(tick), |shown| shown.time);
                // By a clock that nothing has shown to be right it is old only once it stood still for as long.
                let (begun, is_proven) = self.begun;
                at(tick).seconds_since(shown) > MAX_AGE_S
                    && (is_proven || (tick - begun) * TICK_S > MAX_AGE_S)
            }
            Lie::Deadline | Lie::NotLogged => self.lying.handed.is_some_and(|when| when < tick),
            _ => true,
        };
        let polls = match lie {
            Lie::WentBack(_) | Lie::QuorumLost | Lie::TileMissing | Lie::TileWrong => {
                PATIENCE_S / TICK_S + 1
            }
            _ => 1,
        };
        let is_handed = self.lying.handed.is_some();
        self.lying.good += u64::from(poll.is_good && is_visible && is_handed);
        if self.lying.good >= polls {
            self.fail(&format!("{lie:?} is not found after {polls} polls"));
        }
    }

    /// Judges the evidence that was told, as somebody with a copy of the log.
    fn judge(&mut self, tick: u64) {
        for evidence in std::mem::take(&mut self.unjudged) {
            let copy = self.station.copy().unwrap();
            let log = self.station.log().clone();
            let done = evidence::check(&evidence, &log, &copy, at(tick), &mut self.random);
            if let Err(why) = done {
                self.fail(&why);
            }
            self.judged += 1;
        }
    }

    fn end(&self) {
        if !self.unjudged.is_empty() {
            self.fail("evidence could not be judged");
        }
        let Some(lie) = self.lying.lie else {
            return self.all_told();
        };
        if !self.lying.is_found {
            self.fail(&format!("{lie:?} is never found"));
        }
        if lie.is_evidence() != (self.judged > 0) {
            self.fail("evidence is not what it should be");
        }
        self.all_told();
    }

    fn all_told(&self) {
        for number in &self.log.revoked {
            if !self.subjects.contains(&label(*number)) {
                self.fail(&format!("the revocation of {} is not told", label(*number)));
            }
        }
        assert!(self.log.revoked.len() > 10, "nothing happened");
    }

    fn say(&mut self, tick: u64, what: &str) {
        self.trace.push(format!("{tick:4} {}  {what}", at(tick)));
    }

    fn fail(&self, why: &str) -> ! {
        let trace = self.trace.join("\n");
        let (seed, lie) = (self.seed, self.lying.lie);
        panic!("{trace}\n{:?}\nseed {seed}, {lie:?}: {why}", self.faults);
    }
}

/// Without a fault, so that everything that is left can be seen and judged.
const CALM_TICKS: u64 = 30;
/// No disk is full for so long.
const MAX_BEFORE: usize = 20;
