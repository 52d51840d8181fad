//! Receipts and adverse events: kept, late, not kept, and what promises nothing.

use std::time::Duration;

use labelproof_core::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    event::Event,
    merkle::{LeafHash, LeafIndex, RootHash, TreeHead, TreeSize, WholeTree},
    receipt::Receipt,
    refusal::Refusal,
    state::{
        head::{StateHead, StateRoots},
        map::MapRoot,
    },
    time::Time,
    tlog_proof::TlogProof,
};

use super::{World, head, honest, leaves};
use crate::{
    alert::Rule,
    board::Standing,
    promises::{
        Full, Promise, Promises,
        keeper::{Promised, Unjudged},
    },
    rules::Listener as _,
    samples,
};

/// A receipt for the event at index 3 under a head of this size, its clock at 0 s.
fn receipt(size: u64, forks_at: u64) -> (Vec<u8>, Vec<u8>) {
    let event = samples::revoke(3);
    let roots = StateRoots {
        map_root: MapRoot::from_bytes([1; 32]),
        list_root: RootHash::from_bytes([2; 32]),
        issues: 3,
    };
    let index = LeafIndex::new(size - 1);
    let clock_ms = samples::at(0).unix() * 1_000;
    let state = StateHead::new(
        samples::origin(),
        LeafHash::of_entry(b"0"),
        index,
        roots,
        clock_ms,
    );
    let mut leaves = with_event(size - 1, forks_at);
    leaves.push(LeafHash::of_entry(&state.to_bytes()));
    let tree = WholeTree::new(leaves.iter().copied());
    let path = |index| tree.path(index).unwrap();
    let at = LeafIndex::new(3);
    let proof = Receipt::write(&head(&leaves), at, path(at), &state, &path(index)).unwrap();
    (event.bytes().to_vec(), proof.to_bytes())
}

fn with_event(size: u64, forks_at: u64) -> Vec<LeafHash> {
    let mut leaves = leaves(size, forks_at);
    leaves[3] = LeafHash::of_entry(samples::revoke(3).bytes());
    leaves
}

/// The log after the batch of the receipt: its head, and more.
fn after(size: u64, more: u64) -> Vec<LeafHash> {
    let (_, proof) = receipt(size, u64::MAX);
    let proof = TlogProof::parse(&proof).unwrap();
    let opened = Receipt::open(
        &proof,
        LeafHash::of_entry(samples::revoke(3).bytes()),
        samples::log_key().vkey(),
    );
    let mut leaves = with_event(size + more, u64::MAX);
    let last = usize::try_from(size - 1).unwrap();
    leaves[last] = LeafHash::of_entry(&opened.unwrap().head().to_bytes());
    leaves
}

#[test]
fn a_receipt_that_is_kept_is_kept() {
    let world = World::new(6);
    world.verified(&after(6, 0));
    let (entry, proof) = receipt(6, u64::MAX);
    assert!(matches!(
        world.keeper.judge_receipt(&entry, &proof),
        Ok(Promised::Kept)
    ));
    assert_eq!(world.keeper.open_promises(), 0);
}

#[test]
fn a_deadline_is_told_once_when_the_log_was_asked_after_it_and_only_then() {
    let world = World::new(7);
    world.verified(&with_event(5, u64::MAX));
    let (entry, proof) = receipt(6, u64::MAX);
    let Ok(Promised::Watched { deadline }) = world.keeper.judge_receipt(&entry, &proof) else {
        panic!("it is ahead");
    };
    assert_eq!(deadline, samples::at(60));
    let asks = |seconds: u64| {
        world.clock.set(samples::at(seconds).unix() * 1_000);
        world.verified(&with_event(5, u64::MAX));
        world.poll();
    };
    asks(60);
    assert!(world.told().is_empty());
    // Blind: whether the log shows it, nobody knows.
    world.clock.set(samples::at(90).unix() * 1_000);
    let sees = world.standing();
    world.put(Standing {
        blind: Some((samples::at(70), "unreachable".to_owned())),
        polled: Some(samples::at(90)),
        ..sees.clone()
    });
    world.poll();
    world.put(sees);
    world.poll();
    assert!(world.told().is_empty(), "not asked since the deadline");
    asks(95);
    asks(100);
    assert_eq!(world.told(), [Rule::DeadlinePassed]);
    let world = world.restarted();
    assert_eq!(world.keeper.open_promises(), 1);
    world.poll();
    assert_eq!(world.told(), [Rule::DeadlinePassed], "the journal knows it");
    world.verified(&after(6, 2));
    world.poll();
    assert_eq!((world.keeper.open_promises(), world.told().len()), (0, 1));
}

#[test]
fn a_copy_that_lags_breaks_no_promise_and_a_log_that_stands_still_does() {
    let world = World::new(15);
    world.verified(&with_event(5, u64::MAX));
    let (entry, proof) = receipt(6, u64::MAX);
    world.keeper.judge_receipt(&entry, &proof).unwrap();
    let asks = |seconds: u64, as_of: u64| {
        world.clock.set(samples::at(seconds).unix() * 1_000);
        world.verified(&with_event(5, u64::MAX));
        world.put(Standing {
            as_of: Some(samples::at(as_of)),
            is_stale: seconds > 3_660,
            ..world.standing()
        });
        world.poll();
    };
    asks(61, 60);
    asks(3_660, 60);
    assert!(world.told().is_empty(), "the source shows what was before");
    asks(3_661, 60);
    assert_eq!(world.told(), [Rule::DeadlinePassed]);
}

#[test]
fn a_receipt_that_is_not_kept_is_a_fork() {
    let world = World::new(8);
    world.verified(&with_event(5, u64::MAX));
    let (entry, proof) = receipt(6, u64::MAX);
    world.keeper.judge_receipt(&entry, &proof).unwrap();
    // The log goes on without the event.
    world.verified(&honest(9));
    world.poll();
    assert_eq!(world.told(), [Rule::Fork]);
    let again = world.keeper.judge_receipt(&entry, &proof).unwrap();
    assert!(matches!(again, Promised::Forked(_)));
    assert_eq!(world.told(), [Rule::Fork], "told once");
}

#[test]
fn receipts_that_promise_nothing_are_refused() {
    let world = World::new(9);
    world.verified(&honest(9));
    let (entry, proof) = receipt(6, u64::MAX);
    let refused =
        |entry: &[u8], proof: &[u8]| world.keeper.judge_receipt(entry, proof).unwrap_err();
    let other = samples::issue(3);
    assert!(
        matches!(refused(other.bytes(), &proof), Unjudged::Receipt(_)),
        "another event"
    );
    assert!(matches!(refused(b"x", &proof), Unjudged::Malformed(_)));
    assert!(matches!(refused(&entry, b"x"), Unjudged::Malformed(_)));
    let plain = samples::logged(3, samples::revoke(3)).proof().to_bytes();
    assert!(
        matches!(refused(&entry, &plain), Unjudged::Receipt(_)),
        "no state head in it"
    );
    assert_eq!(world.keeper.open_promises(), 0);
}

#[test]
fn an_adverse_event_is_told_a_minute_after_it_was_handed_in_unless_it_is_logged() {
    let world = World::new(10);
    let event = Box::new(samples::revoke(3));
    let since = samples::at(0);
    let mut promises = Promises::default();
    promises
        .add(Promise::Adverse {
            event: event.clone(),
            since,
        })
        .unwrap();
    let stands = |seconds: u64, verified: u64| Standing {
        verified: TreeSize::new(verified),
        witnessed: Some(head(&honest(9))),
        polled: Some(samples::at(seconds)),
        as_of: Some(samples::at(seconds)),
        ..world.standing()
    };
    let told = |promises: &Promises, standing: &Standing| {
        let hour = Duration::from_secs(3_600);
        promises.overdue(standing, hour, samples::at(99)).len()
    };
    assert_eq!(told(&promises, &stands(60, 9)), 0, "not yet");
    assert_eq!(
        told(&promises, &stands(61, 8)),
        0,
        "perhaps it is in what waits"
    );
    assert_eq!(told(&promises, &stands(61, 9)), 1);
    let lags = |seconds: u64| Standing {
        as_of: Some(samples::at(60)),
        is_stale: seconds > 3_660,
        ..stands(seconds, 9)
    };
    assert_eq!(told(&promises, &lags(3_660)), 0, "perhaps a copy that lags");
    assert_eq!(told(&promises, &lags(3_661)), 1, "nobody sees it for long");
    let ahead = Standing {
        is_stale: false,
        ..lags(3_661)
    };
    assert_eq!(told(&promises, &ahead), 0, "only the own clock says so");
    assert!(promises.expired(samples::at(31 * 24 * 3_600)).is_empty());
    assert_eq!(promises.logged(samples::issue(3).id()), []);
    assert_eq!(promises.logged(event.id()).len(), 1);
    assert_eq!((promises.len(), told(&promises, &stands(61, 9))), (0, 0));
    promises.add(Promise::Adverse { event, since }).unwrap();
    assert_eq!(promises.expired(samples::at(31 * 24 * 3_600 + 1)).len(), 1);
}

/// Hands an event in on a thread, and lets the follower say this of it at its next poll.
fn hand_in(world: &World, event: &Event, said: Result<(), Refusal>) -> Result<Time, Unjudged> {
    let (keeper, bytes) = (world.keeper.clone(), event.bytes().to_vec());
    let asks = std::thread::spawn(move || keeper.judge_adverse(&bytes, Duration::from_secs(60)));
    let mut follower = world.keeper.clone();
    while !asks.is_finished() {
        for waiting in follower.waiting(&world.standing()) {
            assert_eq!(waiting.id(), event.id());
            follower.judged(&waiting, said.clone());
        }
        std::thread::yield_now();
    }
    asks.join().unwrap()
}

#[test]
fn an_event_is_watched_if_the_state_function_takes_it_and_only_if_it_takes_away() {
    let world = World::new(11);
    world.verified(&honest(9));
    let event = samples::revoke(3);
    let refused = hand_in(&world, &event, Err(Refusal::UnknownAuthority));
    assert!(matches!(
        refused,
        Err(Unjudged::Refused(Refusal::UnknownAuthority))
    ));
    assert_eq!(world.keeper.open_promises(), 0);
    assert_eq!(hand_in(&world, &event, Ok(())).unwrap(), samples::at(0));
    assert_eq!(world.keeper.open_promises(), 1);
    // Who asks again, also after a restart, hears since when; nobody needs to be asked.
    let world = world.restarted();
    world.clock.advance(30_000);
    let again = world.keeper.judge_adverse(event.bytes(), Duration::ZERO);
    assert_eq!(again.unwrap(), samples::at(0));
    world.clock.advance(31_000);
    world.verified(&honest(9));
    world.poll();
    world.poll();
    assert_eq!(world.told(), [Rule::NotLogged]);
    world.keeper.clone().logged(LeafIndex::new(9), &event);
    assert_eq!(world.restarted().keeper.open_promises(), 0);

    let world = World::new(12);
    let now = |bytes: &[u8]| {
        world
            .keeper
            .judge_adverse(bytes, Duration::ZERO)
            .unwrap_err()
    };
    assert!(matches!(
        now(samples::issue(3).bytes()),
        Unjudged::NotAdverse
    ));
    assert!(matches!(now(b"x"), Unjudged::Malformed(_)));
    // Nobody says anything: it waits, and is not watched.
    for number in 0..64 {
        assert!(
            matches!(now(samples::revoke(number).bytes()), Unjudged::NotYet),
            "{number}"
        );
    }
    assert!(matches!(
        now(samples::revoke(64).bytes()),
        Unjudged::Full(_)
    ));
    world.clock.advance(3_601_000);
    assert!(matches!(now(samples::revoke(64).bytes()), Unjudged::NotYet));
    assert_eq!(world.keeper.open_promises(), 0);
}

#[test]
fn a_clock_that_is_behind_takes_no_time_away_from_the_log() {
    // What nothing bears out may be behind by as much as the log may be silent.
    for (behind, since) in [(Some(70), 70), (Some(0), 0), (None, 3_600)] {
        let world = World::new(18);
        world.verified(&honest(9));
        world.put(Standing {
            behind,
            ..world.standing()
        });
        let event = samples::revoke(3);
        let watched = hand_in(&world, &event, Ok(()));
        assert_eq!(watched.unwrap(), samples::at(since));
        world.clock.set(samples::at(since + 60).unix() * 1_000);
        world.verified(&honest(9));
        world.poll();
        assert_eq!(world.told(), []);
        world.clock.advance(1_000);
        world.verified(&honest(9));
        world.poll();
        assert_eq!(world.told(), [Rule::NotLogged]);
    }
}

#[test]
fn an_event_that_the_log_refuses_by_now_is_not_missed() {
    let world = World::new(17);
    world.verified(&honest(9));
    let events = [samples::revoke(3), samples::revoke(4)];
    for event in &events {
        hand_in(&world, event, Ok(())).unwrap();
    }
    let mut follower = world.keeper.clone();
    let mut waiting = |seconds: u64| {
        world.clock.set(samples::at(seconds).unix() * 1_000);
        world.verified(&honest(9));
        let waiting = follower.waiting(&world.standing());
        // Another event of the label came first.
        for event in &waiting {
            let is_first = event.id() == events[0].id();
            let said = Err(Refusal::WrongPrevious { want: None });
            follower.judged(event, if is_first { said } else { Ok(()) });
        }
        world.poll();
        waiting.len()
    };
    assert_eq!(waiting(60), 0, "not late yet");
    assert_eq!(waiting(61), 2);
    assert_eq!((waiting(62), world.keeper.open_promises()), (0, 1));
    assert_eq!(world.told(), [Rule::NotLogged]);
    assert_eq!(world.restarted().keeper.open_promises(), 1);
}

#[test]
fn who_hands_in_an_event_for_which_there_is_no_room_is_told_so() {
    let world = World::new(16);
    world.verified(&honest(9));
    let mut follower = world.keeper.clone();
    for number in 0..4_096 {
        let event = samples::revoke(number);
        let asked = world.keeper.judge_adverse(event.bytes(), Duration::ZERO);
        assert!(matches!(asked, Err(Unjudged::NotYet)), "{number}");
        follower.judged(&event, Ok(()));
    }
    assert_eq!(world.keeper.open_promises(), 4_096);
    let full = hand_in(&world, &samples::revoke(5_000), Ok(()));
    assert!(matches!(full, Err(Unjudged::Full(_))), "{full:?}");
}

#[test]
fn there_is_an_end_to_what_is_watched() {
    let mut promises = Promises::default();
    let mut sizes = 10_u64..;
    let mut ahead = || {
        let head = TreeHead::new(
            TreeSize::new(sizes.next().unwrap()),
            RootHash::from_bytes([1; 32]),
        );
        let checkpoint = Checkpoint::new(samples::origin(), head);
        Promise::Head(SignedCheckpoint::sign(&checkpoint, &samples::log_key()))
    };
    let first = ahead();
    promises.add(first.clone()).unwrap();
    while promises.len() < 1_024 {
        promises.add(ahead()).unwrap();
    }
    assert_eq!(promises.add(ahead()), Err(Full), "heads leave room");
    let (entry, proof) = receipt(6, u64::MAX);
    let proof = TlogProof::parse(&proof).unwrap();
    let (seen, mut numbers) = (head(&honest(6)), 0_u64..);
    let mut receipt = || Promise::Receipt {
        receipt: proof.clone(),
        leaf: LeafHash::of_entry(&numbers.next().unwrap().to_be_bytes()),
        seen: seen.clone(),
        deadline: samples::at(60),
    };
    while promises.len() < 4_096 {
        promises.add(receipt()).unwrap();
    }
    assert_eq!(promises.add(receipt()), Err(Full));
    let event = Box::new(Event::parse(&entry).unwrap());
    let since = samples::at(0);
    assert_eq!(promises.add(Promise::Adverse { event, since }), Err(Full));
    assert_eq!(promises.add(first), Ok(None), "it is watched");
}
