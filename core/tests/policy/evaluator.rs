//! A second evaluator, naive and recursive over the text, judges the first on every small case.

use std::collections::BTreeMap;

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::key::SigningKey;
use labelproof_core::note::SignatureLine;
use labelproof_core::policy::Policy;
use labelproof_core::time::Time;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::{checkpoint, log_key, witness_key};

/// What a witness has done to the checkpoint.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Nothing,
    Yes,
    YesLater,
    Wrong,
}

const STATES: [Said; 4] = [Said::Nothing, Said::Yes, Said::YesLater, Said::Wrong];
const EARLY: u64 = 1_775_000_000;
const LATER: u64 = EARLY + 7;

/// Group lines over the witnesses w0, w1, … and the name of the quorum.
struct Shape {
    groups: String,
    quorum: String,
}

impl Shape {
    fn text(&self, keys: &[SigningKey]) -> String {
        let mut text = format!("log {}\n", log_key().vkey());
        for (index, key) in keys.iter().enumerate() {
            text += &format!("witness w{index} {}\n", key.vkey());
        }
        format!("{text}{}quorum {}\n", self.groups, self.quorum)
    }

    /// Whether `name` holds; straight from the specification, by name and by recursion.
    fn holds(&self, name: &str, yes: &dyn Fn(usize) -> bool) -> bool {
        if let Some(index) = name.strip_prefix('w') {
            return yes(index.parse().unwrap());
        }
        let lines: BTreeMap<&str, Vec<&str>> = self
            .groups
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .map(|items| (items[1], items[2..].to_vec()))
            .collect();
        let (threshold, members) = lines[name].split_first().unwrap();
        let met = members
            .iter()
            .filter(|member| self.holds(member, yes))
            .count();
        match *threshold {
            "any" => met >= 1,
            "all" => met == members.len(),
            k => met >= k.parse().unwrap(),
        }
    }
}

fn keys(n: usize) -> Vec<SigningKey> {
    (0..n)
        .map(|index| witness_key(&format!("w{index}"), u8::try_from(index).unwrap()))
        .collect()
}

fn lines(key: &SigningKey) -> BTreeMap<u8, SignatureLine> {
    let signed = checkpoint();
    let at = |text: &str, time| cosign(key, text, CosignatureTime::new(time).unwrap());
    let text = signed.note().text();
    BTreeMap::from([
        (1, at(text, EARLY)),
        (2, at(text, LATER)),
        (3, at("labels.g7.example\nanother root\n", EARLY)),
    ])
}

/// Runs all states of all witnesses through both evaluators; gives how many were accepted.
fn judge(shape: &Shape, n: usize) -> usize {
    let keys = keys(n);
    let policy = Policy::parse(shape.text(&keys).as_bytes()).unwrap();
    let lines: Vec<_> = keys.iter().map(lines).collect();
    let now = Time::from_unix(LATER).unwrap();
    let mut accepted = 0;
    for case in 0..STATES.len().pow(u32::try_from(n).unwrap()) {
        let mut rest = case;
        let said: Vec<usize> = (0..n)
            .map(|_| {
                let state = rest % STATES.len();
                rest /= STATES.len();
                state
            })
            .collect();
        let mut note = checkpoint().note().clone();
        for (state, lines) in said.iter().zip(&lines) {
            if let Some(line) = lines.get(&u8::try_from(*state).unwrap()) {
                note = note.with_signature(line.clone()).unwrap();
            }
        }
        let signed = SignedCheckpoint::open(note, log_key().vkey()).unwrap();
        let said: Vec<Said> = said.into_iter().map(|state| STATES[state]).collect();
        let yes = |index: usize| matches!(said[index], Said::Yes | Said::YesLater);
        let later = |index: usize| said[index] == Said::YesLater;
        let want = if said.contains(&Said::Wrong) || !shape.holds(&shape.quorum, &yes) {
            None
        } else if shape.holds(&shape.quorum, &later) {
            Some(LATER)
        } else {
            Some(EARLY)
        };
        let got = policy
            .accept(signed, now)
            .ok()
            .map(|witnessed| witnessed.as_of().unix());
        assert_eq!(got, want, "case {case} of {}", shape.groups);
        accepted += usize::from(got.is_some());
    }
    accepted
}

#[test]
fn both_agree_on_every_state_of_four_witnesses() {
    let shapes = [
        ("", "w0"),
        ("group g any w0 w1 w2 w3\n", "g"),
        ("group g all w0 w1 w2 w3\n", "g"),
        ("group g 2 w0 w1 w2 w3\n", "g"),
        ("group g 3 w0 w1 w2 w3\n", "g"),
        ("group g any w0 w1\ngroup h all g w2 w3\n", "h"),
        ("group g 2 w0 w1 w2\ngroup h any g w3\n", "h"),
        (
            "group g all w0 w1\ngroup h all w2 w3\ngroup i any g h\n",
            "i",
        ),
        ("group g all w0 w1\ngroup h any w2 w3\n", "h"),
    ];
    for (groups, quorum) in shapes {
        let shape = Shape {
            groups: groups.to_owned(),
            quorum: quorum.to_owned(),
        };
        assert!(judge(&shape, 4) > 0);
    }
}

#[test]
fn both_agree_on_random_shapes() {
    let mut random = ChaCha8Rng::seed_from_u64(0x0070_6f6c);
    for _ in 0..40 {
        let shape = random_shape(&mut random, 3);
        judge(&shape, 3);
    }
}

/// Puts all names into groups, one after the other, until one is left.
fn random_shape(random: &mut ChaCha8Rng, n: usize) -> Shape {
    let mut below = |limit: usize| usize::try_from(random.next_u32()).unwrap() % limit;
    let mut names: Vec<String> = (0..n).map(|index| format!("w{index}")).collect();
    let mut groups = String::new();
    let mut number = 0;
    while names.len() > 1 || number == 0 {
        let take = 1 + below(names.len());
        let members: Vec<String> = (0..take)
            .map(|_| names.swap_remove(below(names.len())))
            .collect();
        let threshold = match below(3) {
            0 => "any".to_owned(),
            1 => "all".to_owned(),
            _ => (1 + below(take)).to_string(),
        };
        groups += &format!("group g{number} {threshold} {}\n", members.join(" "));
        names.push(format!("g{number}"));
        number += 1;
    }
    Shape {
        groups,
        quorum: names.remove(0),
    }
}

/// The formula against all pairs of sets.
#[test]
fn the_smallest_overlap_is_found_by_trying_all_pairs() {
    let mut random = ChaCha8Rng::seed_from_u64(0x0070_6169);
    for _ in 0..60 {
        let shape = random_shape(&mut random, 5);
        let policy = Policy::parse(shape.text(&keys(5)).as_bytes()).unwrap();
        let enough: Vec<u32> = (0..32)
            .filter(|set| shape.holds(&shape.quorum, &|index| set >> index & 1 == 1))
            .collect();
        let pairs = enough
            .iter()
            .flat_map(|a| enough.iter().map(move |b| (a & b).count_ones()));
        let want = usize::try_from(pairs.min().unwrap()).unwrap();
        assert_eq!(policy.smallest_overlap(), want, "{}", shape.groups);
    }
}
