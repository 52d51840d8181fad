//! Rounds of cosigning: who is asked what, when it is enough, and what a bad witness can do.

use std::sync::Arc;

use labelproof_core::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    key::{KeyType, SigningKey},
    merkle::{RootHash, TreeHead, TreeSize},
};
use labelproof_log::feeder::{Action, Answer, Feeder, Input, Skew, WitnessIndex};

use crate::world::{NOW_MS, ORIGIN, line, log_key, policy};

fn head(size: u64) -> Arc<SignedCheckpoint> {
    let root = RootHash::from_bytes([u8::try_from(size).unwrap(); 32]);
    let head = TreeHead::new(TreeSize::new(size), root);
    Arc::new(SignedCheckpoint::sign(
        &Checkpoint::new(ORIGIN.parse().unwrap(), head),
        &log_key(),
    ))
}

/// What a witness was asked: from which size to which head.
type Asked = (WitnessIndex, TreeSize, Arc<SignedCheckpoint>);

/// A feeder and what it asked for last of each witness.
struct Bench {
    feeder: Feeder,
    now_ms: u64,
    asked: Vec<Option<Asked>>,
    published: Vec<(TreeSize, usize)>,
    opened: bool,
    stopped: Option<String>,
}

impl Bench {
    fn start(size: u64) -> Self {
        let mut bench = Self {
            feeder: Feeder::new(policy()),
            now_ms: NOW_MS,
            asked: vec![None, None, None],
            published: Vec::new(),
            opened: false,
            stopped: None,
        };
        bench.handle(Input::Head(head(size)));
        bench
    }

    fn handle(&mut self, input: Input) {
        for action in self.feeder.handle(input, self.now_ms) {
            match action {
                Action::Send {
                    witness,
                    old,
                    target,
                } => {
                    let asked = &mut self.asked[witness.get()];
                    assert!(asked.is_none(), "a witness is asked one thing at a time");
                    *asked = Some((witness, old, target));
                }
                Action::Open => self.opened = true,
                Action::Publish(witnessed) => {
                    self.published
                        .push((witnessed.head().size(), witnessed.cosigners().len()));
                }
                Action::Stop(why) => self.stopped = Some(why.witness),
            }
        }
    }

    fn answer(&mut self, witness: usize, answer: Answer) {
        let (witness, ..) = self.asked[witness].take().unwrap();
        self.handle(Input::Answer { witness, answer });
    }

    fn cosign(&mut self, witness: usize) {
        self.cosign_at(witness, self.now_ms / 1_000);
    }

    /// It cosigns, and its clock says this.
    fn cosign_at(&mut self, witness: usize, time: u64) {
        let target = self.asked[witness].as_ref().unwrap().2.clone();
        let line = line(witness, &target, time);
        self.answer(witness, Answer::Cosigned(format!("{line}\n").into_bytes()));
    }

    fn tick(&mut self, ms: u64) {
        self.now_ms += ms;
        self.handle(Input::Tick);
    }

    fn asked(&self, witness: usize) -> Option<(u64, u64)> {
        self.asked[witness]
            .as_ref()
            .map(|(_, old, target)| (old.get(), target.head().size().get()))
    }
}

#[test]
fn at_start_every_witness_is_asked_whether_it_is_in_step() {
    let mut bench = Bench::start(2);
    for witness in 0..3 {
        assert_eq!(bench.asked(witness), Some((2, 2)));
    }
    bench.cosign(0);
    assert!(!bench.opened, "one of three is no quorum");
    bench.answer(1, Answer::Conflict(TreeSize::EMPTY));
    assert!(
        bench.opened,
        "one in step and one behind could form a quorum"
    );
    assert_eq!(
        bench.asked(1),
        Some((0, 2)),
        "the one behind is resumed from where it is"
    );
    assert!(bench.published.is_empty());
    bench.cosign(1);
    assert_eq!(bench.published, [(TreeSize::new(2), 2)]);
}

#[test]
fn a_larger_head_of_ours_stops_the_log_and_names_the_witness() {
    let mut bench = Bench::start(2);
    bench.cosign(0);
    bench.answer(1, Answer::Ahead(head(3).note().to_bytes()));
    assert_eq!(bench.stopped.as_deref(), Some("w1"));
    assert!(!bench.opened);
    bench.handle(Input::Head(head(4)));
    bench.tick(60_000);
    assert_eq!(bench.asked(0), None, "nothing is sent any more");
}

#[test]
fn a_larger_size_that_is_not_shown_stops_nobody() {
    let stranger = SigningKey::from_seed(ORIGIN.parse().unwrap(), KeyType::Note, [9; 32]);
    let forged = SignedCheckpoint::sign(head(3).checkpoint(), &stranger);
    let mut cut = head(3).note().to_bytes();
    cut.truncate(cut.len() / 2);
    let claims = [
        Answer::Conflict(TreeSize::new(3)),
        Answer::Ahead(forged.note().to_bytes()),
        Answer::Ahead(cut),
        Answer::Ahead(head(2).note().to_bytes()),
    ];
    for claim in claims {
        let mut bench = Bench::start(2);
        bench.answer(0, claim.clone());
        assert_eq!(bench.stopped, None, "{claim:?}");
        bench.cosign(1);
        assert!(!bench.opened, "it does not count as in step: {claim:?}");
        bench.cosign(2);
        assert!(bench.opened, "the others suffice: {claim:?}");
        assert_eq!(bench.published, [(TreeSize::new(2), 2)]);
    }
}

#[test]
fn a_round_keeps_its_target_until_the_quorum_is_met() {
    let mut bench = Bench::start(2);
    bench.cosign(0);
    bench.handle(Input::Head(head(4)));
    bench.handle(Input::Head(head(6)));
    assert_eq!(bench.asked(0), None, "it has cosigned this target");
    bench.cosign(1);
    assert_eq!(bench.published, [(TreeSize::new(2), 2)]);
    assert_eq!(
        bench.asked(0),
        Some((2, 6)),
        "the next target is the newest head"
    );
    assert_eq!(bench.asked(1), Some((2, 6)));
    assert_eq!(
        bench.asked(2),
        Some((2, 2)),
        "the slow one still works on the old target"
    );
    bench.cosign(2);
    assert_eq!(
        bench.asked(2),
        Some((2, 6)),
        "and then skips to the new one"
    );
}

#[test]
fn after_ten_seconds_without_a_quorum_the_target_is_the_newest() {
    let mut bench = Bench::start(2);
    bench.cosign(0);
    bench.handle(Input::Head(head(4)));
    bench.tick(9_999);
    assert_eq!(bench.asked(0), None);
    bench.tick(1);
    assert_eq!(bench.asked(0), Some((2, 4)));
}

#[test]
fn one_witness_that_never_answers_starves_nobody() {
    let mut bench = Bench::start(2);
    for size in 1..50 {
        bench.cosign(0);
        bench.cosign(1);
        assert_eq!(bench.published.last().unwrap().0, TreeSize::new(2 * size));
        bench.handle(Input::Head(head(2 * size + 2)));
    }
}

#[test]
fn a_settled_head_is_cosigned_again_after_five_minutes() {
    let mut bench = Bench::start(2);
    for witness in 0..3 {
        bench.cosign(witness);
    }
    assert_eq!(
        bench.published.last(),
        Some(&(TreeSize::new(2), 3)),
        "late lines are published too"
    );
    bench.tick(299_000);
    assert_eq!(bench.asked(0), None);
    bench.tick(1_000);
    assert_eq!(bench.asked(0), Some((2, 2)));
    let before = bench.published.len();
    bench.cosign(0);
    bench.cosign(1);
    bench.cosign(2);
    assert!(bench.published.len() > before);
}

#[test]
fn answers_without_a_right_cosignature_count_for_nothing() {
    let mut bench = Bench::start(2);
    let target = head(2);
    let wrong = [
        String::new(),
        "— w0 AAAA\n".to_owned(),
        format!("{}\n", line(1, &target, NOW_MS / 1_000)),
        format!("{}\n", line(0, &head(4), NOW_MS / 1_000)),
        "\u{0}\u{1}".to_owned(),
    ];
    for body in wrong {
        bench.answer(0, Answer::Cosigned(body.clone().into_bytes()));
        assert!(!bench.opened, "{body:?}");
        bench.tick(10_000);
    }
    bench.answer(0, Answer::Conflict(TreeSize::new(2)));
    bench.tick(10_000);
    bench.answer(0, Answer::Failed("it answered 503".to_owned()));
    assert!(bench.published.is_empty());
    assert_eq!(
        bench.feeder.report()[0].failure.as_deref(),
        Some("it answered 503")
    );
}

#[test]
fn a_failing_witness_is_asked_again_after_a_pause_that_grows() {
    let mut bench = Bench::start(2);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        bench.answer(0, Answer::Failed("no answer".to_owned()));
        let mut pause = 0;
        while bench.asked(0).is_none() {
            bench.tick(50);
            pause += 50;
        }
        pauses.push(pause);
    }
    assert_eq!(pauses, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
    bench.cosign(0);
    assert_eq!(bench.feeder.report()[0].failure, None);
}

#[test]
fn a_witness_that_names_ever_other_sizes_is_asked_after_a_pause_too() {
    let mut bench = Bench::start(4);
    bench.answer(0, Answer::Conflict(TreeSize::new(1)));
    bench.answer(0, Answer::Conflict(TreeSize::new(2)));
    bench.answer(0, Answer::Conflict(TreeSize::new(1)));
    assert_eq!(bench.asked(0), None, "the third in a row");
    bench.tick(250);
    assert_eq!(bench.asked(0), Some((1, 4)));
    bench.answer(0, Answer::Conflict(TreeSize::new(2)));
    bench.tick(250);
    assert_eq!(bench.asked(0), None, "the pause grows");
    bench.tick(250);
    bench.cosign(0);
    assert_eq!(bench.feeder.report()[0].failure, None);
}

#[test]
fn a_clock_is_off_when_witnesses_enough_for_a_quorum_say_so() {
    for (ours_s, want) in [
        (0, None),
        (3_600, None),
        (-3_600, None),
        (3_601, Some(Skew::Ahead)),
        (-3_601, Some(Skew::Behind)),
    ] {
        let mut bench = Bench::start(2);
        let theirs = NOW_MS / 1_000;
        bench.now_ms = NOW_MS.saturating_add_signed(ours_s * 1_000);
        bench.cosign_at(0, theirs);
        assert_eq!(bench.feeder.skew(), None, "one witness moves nobody");
        bench.cosign_at(1, theirs);
        assert_eq!(bench.feeder.skew(), want, "{ours_s} s");
    }
    // Two that contradict each other say nothing.
    let mut bench = Bench::start(2);
    bench.cosign_at(0, NOW_MS / 1_000 - 9_000);
    bench.cosign_at(1, NOW_MS / 1_000 + 9_000);
    assert_eq!(bench.feeder.skew(), None);
}
