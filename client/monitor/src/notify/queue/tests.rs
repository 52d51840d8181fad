//! A queue on a clock of its own, before channels that work, break and refuse.

use super::*;

const DOWN: Outcome = Outcome::Down { after: None };
const DAY: u64 = 24 * 3_600_000;
/// The middle: neither shorter nor longer.
const EVEN: u64 = 25;

/// Runs a queue on a clock of its own until it rests; `answer` is asked at each try.
fn run(
    queue: &mut Queue,
    end: u64,
    until_ms: u64,
    mut answer: impl FnMut(u64, u64) -> Outcome,
) -> (Vec<(u64, u64)>, Vec<Told>) {
    let (mut now, mut tries, mut told) = (0, Vec::new(), Vec::new());
    while now <= until_ms && tries.len() < 10_000 {
        match queue.step(now, end) {
            Step::Try(number) => {
                tries.push((now, number));
                told.extend(queue.ended(number, answer(now, number), now, EVEN));
            }
            Step::Wait(time) => now += u64::try_from(time.as_millis()).unwrap(),
            Step::Rest | Step::Gone => break,
        }
    }
    (tries, told)
}

#[test]
fn alerts_go_out_in_order_and_once() {
    let mut queue = Queue::from(1);
    let (tries, told) = run(&mut queue, 4, DAY, |_, _| Outcome::Delivered);
    assert_eq!(tries, [(0, 1), (0, 2), (0, 3)]);
    assert_eq!((told, queue.step(0, 4)), (vec![], Step::Rest));
}

#[test]
fn a_channel_that_is_down_for_a_day_gets_everything_after_it() {
    let mut queue = Queue::from(1);
    let mut got = Vec::new();
    let (tries, told) = run(&mut queue, 4, 3 * DAY, |now, number| {
        if now < DAY {
            return DOWN;
        }
        got.push(number);
        Outcome::Delivered
    });
    got.sort_unstable();
    assert_eq!(got, [1, 2, 3]);
    let while_down = tries.iter().filter(|(now, _)| *now < DAY).count();
    assert!(
        (20..120).contains(&while_down),
        "{while_down} tries in a day"
    );
    assert!(tries.last().unwrap().0 <= DAY + 3_600_000, "{tries:?}");
    assert_eq!(told.iter().filter(|told| **told == Told::Down).count(), 1);
    assert_eq!((queue.step(3 * DAY, 4), queue.failures()), (Step::Rest, 0));
}

#[test]
fn a_channel_that_takes_nothing_for_ten_days_loses_nothing() {
    let mut queue = Queue::from(1);
    let mut got = Vec::new();
    let (_, told) = run(&mut queue, 4, 12 * DAY, |now, number| {
        if now < 10 * DAY {
            return DOWN;
        }
        got.push(number);
        Outcome::Delivered
    });
    got.sort_unstable();
    assert_eq!((got, queue.given_up()), (vec![1, 2, 3], 0));
    assert!(told.contains(&Told::Back), "{told:?}");
}

#[test]
fn days_in_which_a_channel_was_down_are_held_against_no_alert() {
    let mut queue = Queue::from(1);
    // Back after ten days, and for two more it will not have the first.
    let (tries, told) = run(&mut queue, 4, 30 * DAY, |now, number| match number {
        _ if now < 10 * DAY => DOWN,
        1 if now < 12 * DAY => Outcome::Refused,
        _ => Outcome::Delivered,
    });
    let last = *tries.last().unwrap();
    assert!(last.1 == 1 && last.0 >= 12 * DAY, "{last:?}");
    assert_eq!((queue.given_up(), queue.aside()), (0, 0), "{told:?}");
}

#[test]
fn a_channel_that_refuses_what_waits_is_not_down() {
    let mut queue = Queue::from(1);
    let (_, told) = run(&mut queue, 2, 30 * DAY, |now, _| match now {
        _ if now < DAY => DOWN,
        _ => Outcome::Refused,
    });
    let want = [Told::Down, Told::SetAside(1), Told::Back, Told::GaveUp(1)];
    assert_eq!(told, want);
}

#[test]
fn another_receiver_has_tries_of_its_own() {
    let mut queue = Queue::from(1);
    run(&mut queue, 2, 4 * DAY, |_, _| Outcome::Refused);
    let mut queue = queue.for_another();
    assert_eq!(queue.step(6 * DAY, 2), Step::Try(1));
    assert_eq!(queue.ended(1, DOWN, 6 * DAY, EVEN), []);
    assert_eq!((queue.given_up(), queue.aside()), (0, 1));
}

#[test]
fn pauses_grow_to_an_hour_with_a_quarter_of_chance() {
    let mut queue = Queue::from(1);
    let (tries, _) = run(&mut queue, 2, 6 * 3_600_000, |_, _| DOWN);
    let pauses: Vec<u64> = tries
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0) / 1_000)
        .collect();
    assert_eq!(pauses[..6], [5, 30, 120, 600, 1_800, 3_600]);
    assert!(
        pauses[6..].iter().all(|pause| *pause == 3_600),
        "{pauses:?}"
    );
    for (jitter, want) in [(0, 3_750), (50, 6_250), (51, 3_750)] {
        assert_eq!(due_after(1, DOWN, 0, jitter), want);
    }
}

#[test]
fn a_receiver_is_given_the_time_it_asks_for_up_to_an_hour() {
    for (asked_s, want_ms) in [(1, 5_000), (60, 60_000), (86_400, 3_600_000)] {
        let mut queue = Queue::from(1);
        let after = Some(Duration::from_secs(asked_s));
        queue.ended(1, Outcome::Down { after }, 0, EVEN);
        assert_eq!(queue.step(0, 2), Step::Wait(Duration::from_millis(want_ms)));
    }
}

#[test]
fn one_alert_that_is_refused_holds_up_no_other_and_is_given_up_after_days() {
    let mut queue = Queue::from(1);
    let (tries, told) = run(&mut queue, 5, 30 * DAY, |_, number| match number {
        2 => Outcome::Refused,
        _ => Outcome::Delivered,
    });
    assert_eq!(tries[..4], [(0, 1), (0, 2), (0, 3), (0, 4)]);
    let last = tries.last().unwrap().0;
    assert!((5 * DAY..6 * DAY).contains(&last), "{last}");
    assert_eq!(told, [Told::SetAside(2), Told::GaveUp(2)]);
    assert_eq!((queue.given_up(), queue.aside()), (1, 0));
}

#[test]
fn one_alert_that_the_receiver_falls_over_holds_up_no_other_for_an_hour() {
    let mut queue = Queue::from(1);
    let (tries, told) = run(&mut queue, 4, 30 * DAY, |_, number| match number {
        1 => DOWN,
        _ => Outcome::Delivered,
    });
    let second = tries.iter().find(|(_, number)| *number == 2).unwrap();
    assert!(second.0 <= 7_000_000, "{second:?}");
    // It is tried for days all the same, and a hundred tries an hour are not among them.
    let first = tries.iter().filter(|(_, number)| *number == 1).count();
    assert!((50..200).contains(&first), "{first}");
    assert_eq!(
        told,
        [Told::Down, Told::SetAside(1), Told::Back, Told::GaveUp(1)]
    );
}

#[test]
fn what_waits_is_bounded_and_the_rest_stays_in_the_journal() {
    let mut queue = Queue::from(1);
    run(&mut queue, 1_000_000, 4 * DAY, |_, _| Outcome::Refused);
    assert_eq!((queue.aside(), queue.next()), (MAX_ASIDE, 65));
    let (_, told) = run(&mut queue, 70, 4 * DAY, |_, _| Outcome::Delivered);
    assert_eq!(told, [Told::Back]);
    assert_eq!((queue.aside(), queue.next()), (0, 70));
}

#[test]
fn who_wants_no_more_is_asked_no_more_until_it_is_another() {
    let mut queue = Queue::from(1);
    assert_eq!(queue.ended(1, Outcome::Gone, 7, EVEN), [Told::Gone]);
    assert_eq!(queue.step(DAY, 9), Step::Gone);
    let queue = queue.for_another();
    assert_eq!(queue.step(DAY, 9), Step::Try(1));
}

#[test]
fn a_clock_that_steps_stops_nothing_and_gives_nothing_up() {
    let mut queue = Queue::from(1);
    queue.ended(1, DOWN, 400 * DAY, EVEN);
    assert_eq!(queue.step(7, 2), Step::Try(1));
    let mut queue = Queue::from(1);
    queue.ended(1, Outcome::Refused, 0, EVEN);
    assert_eq!(queue.ended(1, Outcome::Refused, 400 * DAY, EVEN), []);
    assert_eq!(queue.aside(), 1);
}

#[test]
fn what_was_not_asked_for_changes_nothing() {
    let mut queue = Queue::from(5);
    let before = queue.clone();
    for outcome in [Outcome::Delivered, DOWN, Outcome::Refused, Outcome::Gone] {
        for number in [0, 4, 6, u64::MAX] {
            assert_eq!(queue.ended(number, outcome, 0, 0), []);
            assert_eq!(queue, before);
        }
    }
}
