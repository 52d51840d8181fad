//! Killed while alerts flow: whoever is told hears of each, and knows what comes twice by its id.
//!
//! ```text
//! round   the log revokes, and once it lies · the power or the process goes at some call of
//!         start · poll · bringing · start again, until nothing ends it
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use labelproof_host::fs::{Fault, Fs};
use labelproof_monitor::alert::{Numbered, Rule};
use labelproof_monitor::journal::Journal;
use labelproof_monitor::notify::{Channel, Couriers, stdout::Stdout};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::source::{Shown, Tiles, View};
use super::station::Station;
use super::story::{Honest, WITNESSES, note};
use super::{TICK_S, at, issue, label, revoke};

/// Whoever is told, on another machine.
#[derive(Clone, Debug, Default)]
struct Receiver(Arc<Mutex<Vec<Numbered>>>);

impl Write for Receiver {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(line).map_err(io::Error::other)?;
        let alert = Numbered::from_json(text.trim_end()).map_err(io::Error::other)?;
        self.0.lock().unwrap().push(alert);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One life of the monitor: it starts, polls, and brings what there is; whether nothing ended it.
fn live(station: &mut Station, shown: &Arc<Shown>, receiver: &Receiver) -> bool {
    station.start(shown);
    let Some(journal) = station.up.as_ref().map(|up| up.journal.clone()) else {
        return false;
    };
    let fs: Arc<dyn Fs> = Arc::new(station.fs.clone());
    let out = Channel::Stdout(Stdout::to(Box::new(receiver.clone())));
    let (dir, clock) = (
        station.dir().join("notify"),
        Arc::new(station.clock.clone()),
    );
    let Ok(mut couriers) = Couriers::open(vec![out], Arc::new(journal), &dir, fs, clock) else {
        return false;
    };
    couriers.settle();
    station.pass();
    couriers.settle();
    !station.fs.is_down()
}

/// Kills a monitor so often; how many alerts came twice.
fn killed(seed: u64, most: u32) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut honest = Honest::begin(at(0));
    honest.append(at(0), (0..4).map(issue).collect());
    let mut station = Station::new(seed, at(0));
    let shown = Shown::new(honest.tree());
    let receiver = Receiver::default();
    let (mut kills, mut tick, mut revoked) = (0, 0, 0);
    let mut calls = 100;
    let lies_at = 10 + random.next_u64() % 20;
    while kills < most {
        tick += 1;
        let fresh = 1 + random.next_u64() % 3;
        let mut events: Vec<_> = (revoked + 4..revoked + 4 + fresh).map(issue).collect();
        events.extend((revoked..revoked + fresh).map(revoke));
        revoked += fresh;
        honest.append(at(tick), events);
        if tick == lies_at {
            honest.append_bad(at(tick), issue(0));
        }
        let head = honest.shown().head();
        shown.show(View {
            note: Some(note(head, at(tick), &WITNESSES)),
            tree: honest.tree(),
            tiles: Tiles::Right,
        });
        station.clock.advance(TICK_S * 1_000);
        // Again and again, so that a start is ended too; in the end it lives.
        loop {
            let before = station.fs.calls();
            let call = before + 1 + random.next_u64() % (calls * 2);
            station.fs.fail_call(call, Fault::PowerCut);
            let is_alive = live(&mut station, &shown, &receiver);
            station.fs.heal();
            if is_alive {
                calls = station.fs.calls() - before;
                station.stop();
                break;
            }
            station.up = None;
            kills += 1;
            // The process alone, or the machine with what was not synced.
            match random.next_u64() % 2 {
                0 => station.fs.restart_process(),
                _ => station.fs.restart(),
            }
        }
    }
    let told = receiver.0.lock().unwrap();
    check(seed, &told, revoked);
    let shared: Arc<dyn Fs> = Arc::new(station.fs.clone());
    kept_once(seed, &told, shared, station.dir());
    let ids: BTreeSet<_> = told.iter().map(|one| one.alert().id()).collect();
    told.len() - ids.len()
}

/// Each revocation and the lie were told, and what was told twice is the same alert.
fn check(seed: u64, told: &[Numbered], revoked: u64) {
    let mut by_id = BTreeMap::new();
    let mut by_title = BTreeMap::new();
    for one in told {
        let alert = one.alert();
        let first = by_id.entry(alert.id()).or_insert(one);
        assert_eq!(*first, one, "seed {seed}: one id, two alerts");
        let id = by_title
            .entry((alert.rule().clone(), alert.title()))
            .or_insert(alert.id());
        assert_eq!(
            *id,
            alert.id(),
            "seed {seed}: {} has two ids",
            alert.title()
        );
    }
    let is_told = |words: &str| by_title.keys().any(|(_, title)| title.contains(words));
    for number in 0..revoked {
        let label = label(number);
        assert!(is_told(&label), "seed {seed}: {label} is not told");
    }
    let lies = by_title.keys().filter(|(rule, _)| *rule == Rule::BadEntry);
    assert_eq!(lies.count(), 1, "seed {seed}");
    assert_eq!(
        by_title.len() as u64,
        revoked + 1,
        "seed {seed}: {by_title:?}"
    );
}

/// The journal has each alert that was brought, once.
fn kept_once(seed: u64, told: &[Numbered], fs: Arc<dyn Fs>, dir: &Path) {
    let journal = Journal::open(fs, dir).unwrap();
    let mut kept: Vec<Numbered> = Vec::new();
    // A page is a megabyte at most.
    loop {
        let page = journal.read(kept.last().map_or(0, Numbered::number), 100);
        match page.unwrap() {
            page if page.is_empty() => break,
            page => kept.extend(page),
        }
    }
    let ids: BTreeSet<_> = kept.iter().map(|one| one.alert().id()).collect();
    assert_eq!(ids.len(), kept.len(), "seed {seed}: kept twice");
    assert!(told.iter().all(|one| kept.contains(one)), "seed {seed}");
}

#[test]
fn killed_a_hundred_times_it_loses_no_alert_and_marks_what_comes_twice() {
    let twice = killed(0, 100);
    assert!(twice > 0, "nothing came twice, so nothing was tried");
}
