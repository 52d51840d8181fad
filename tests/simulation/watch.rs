//! Three days of a monitor, by seed: a log that lies in one way, or in none, while everything else goes wrong.
//!
//! ```text
//! each tick   the log publishes · the source shows it, or not · faults · one poll · what was told is held against the truth
//! a lie       told as what it is within its deadline and one poll, counted while the monitor can see; nothing else is
//! evidence    convicts before whoever verifies it, and with one byte changed nobody
//! ```
//! `LABELPROOF_SEEDS` as in `seeds`; a seed names its lie.

mod days;
mod evidence;
mod faults;
mod kills;
mod lie;
mod log;
mod source;
mod station;
mod story;
mod truth;

use std::thread;

use labelproof_core::time::Time;

use self::days::run;
use self::lie::Lie;
use crate::labels::{issue, label, revoke};
use crate::seeds::seeds;

/// How often the monitor polls, and witnesses cosign again.
const TICK_S: u64 = 1_200;
/// 72 hours.
const TICKS: u64 = 72 * 3_600 / TICK_S;
/// A batch each hour.
const BATCH_TICKS: u64 = 3;

/// The beginning of a tick.
fn at(tick: u64) -> Time {
    let begin: Time = "2026-11-01T12:00:00Z".parse().unwrap();
    begin.plus_seconds(tick * TICK_S)
}

/// The lie of a seed; none now and then.
fn lie_of(seed: u64) -> Option<Lie> {
    let ways = Lie::ALL.len() as u64 + 1;
    Lie::ALL.get(usize::try_from(seed % ways).unwrap()).copied()
}

#[test]
fn every_lie_is_found_in_time_and_nothing_else_is_told() {
    let seeds: Vec<u64> = seeds(0..24).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for part in seeds.chunks(seeds.len().div_ceil(cores).max(1)) {
            scope.spawn(move || part.iter().for_each(|seed| run(*seed, lie_of(*seed))));
        }
    });
    println!("{} times 72 hours", seeds.len());
}

#[test]
fn an_honest_log_is_accused_of_nothing() {
    for seed in 100..104 {
        run(seed, None);
    }
}
