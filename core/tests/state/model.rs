//! Random histories against a model that knows nothing of the code: lists of facts, searched from the start.

use std::collections::BTreeMap;

use labelproof_core::event::{EventId, Gtin14, Kind};
use labelproof_core::state::Coverage;
use labelproof_core::state::record::{Flag, Status};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;

use crate::ledger::Ledger;
use crate::products::{GTINS, indexes, rebuilt};
use crate::world::{self, key};

const LABELS: [&str; 6] = [
    "jp.jc-star/A",
    "jp.jc-star/B",
    "de.it-sik/A",
    "de.it-sik/B",
    "jp.jc-star/C",
    "de.it-sik/C",
];
const SIGNERS: [&str; 6] = [
    "label.jp.example",
    "watch.jp.example",
    "label.de.example",
    "watch.de.example",
    "second.jp.example",
    "nobody.jp.example",
];

/// What happened to one label, as plain facts.
#[derive(Clone, Debug)]
enum Fact {
    Issued { by: &'static str },
    Suspended { id: EventId, by: &'static str },
    Lifted { suspension: EventId, minute: u64 },
    Revoked,
    Superseded,
    Bound { gtin: &'static str },
    Unbound { gtin: &'static str },
    Renewed { year: usize },
}

#[derive(Default)]
struct Model {
    labels: BTreeMap<&'static str, (Vec<Fact>, Vec<EventId>)>,
}

impl Model {
    fn facts(&self, label: &str) -> &[Fact] {
        self.labels.get(label).map_or(&[], |(facts, _)| facts)
    }

    fn newest(&self, label: &str) -> Option<EventId> {
        self.labels.get(label)?.1.last().copied()
    }

    fn standing(&self, label: &str) -> Vec<(EventId, &'static str)> {
        let facts = self.facts(label);
        let lifted = |id: &EventId| {
            facts
                .iter()
                .any(|fact| matches!(fact, Fact::Lifted { suspension, .. } if suspension == id))
        };
        let suspended = facts.iter().filter_map(|fact| match fact {
            Fact::Suspended { id, by } if !lifted(id) => Some((*id, *by)),
            _ => None,
        });
        suspended.collect()
    }

    fn status(&self, label: &str) -> Option<Status> {
        let facts = self.facts(label);
        if facts.is_empty() {
            return None;
        }
        let revoked = facts.iter().any(|fact| matches!(fact, Fact::Revoked));
        let superseded = facts.iter().any(|fact| matches!(fact, Fact::Superseded));
        Some(
            match (revoked, superseded, self.standing(label).is_empty()) {
                (true, ..) => Status::Revoked,
                (false, true, _) => Status::Superseded,
                (false, false, false) => Status::Suspended,
                (false, false, true) => Status::Active,
            },
        )
    }

    fn bound(&self, label: &str) -> Vec<&'static str> {
        let mut bound = Vec::new();
        for fact in self.facts(label) {
            match fact {
                Fact::Issued { .. } => bound.push(GTINS[0]),
                Fact::Bound { gtin } => bound.push(gtin),
                Fact::Unbound { gtin } => bound.retain(|known| known != gtin),
                _ => {}
            }
        }
        bound
    }

    /// The year in which the label ends; its issue says 2028.
    fn until(&self, label: &str) -> usize {
        let renewed = self.facts(label).iter().rev().find_map(|fact| match fact {
            Fact::Renewed { year } => Some(*year),
            _ => None,
        });
        renewed.unwrap_or(2028)
    }

    fn issuer(&self, label: &str) -> Option<&'static str> {
        self.facts(label).iter().find_map(|fact| match fact {
            Fact::Issued { by } => Some(*by),
            _ => None,
        })
    }

    fn is_supervisor(label: &str, by: &str) -> bool {
        by == format!("watch.{}.example", &label[..2])
    }

    fn may_issue(label: &str, by: &str) -> bool {
        by == format!("label.{}.example", &label[..2])
            || (by == "second.jp.example" && label.starts_with("jp"))
    }

    fn may_touch(&self, label: &str, by: &str) -> bool {
        self.issuer(label) == Some(by) || Self::is_supervisor(label, by)
    }

    /// Whether a note with this `prev`, minute and id follows what is there.
    fn follows(
        &self,
        label: &str,
        prev: Option<EventId>,
        minute: u64,
        id: EventId,
        may_be_blind: bool,
    ) -> bool {
        if prev.is_some() || !may_be_blind {
            return prev == self.newest(label);
        }
        let overtaken = self
            .facts(label)
            .iter()
            .any(|fact| matches!(fact, Fact::Lifted { minute: lifted, .. } if minute <= *lifted));
        let seen = self
            .labels
            .get(label)
            .is_some_and(|(_, ids)| ids.contains(&id));
        !overtaken && !seen
    }
}

fn time(minute: u64) -> String {
    format!(
        "2026-06-{:02}T{:02}:{:02}:00Z",
        1 + minute / 1440,
        minute / 60 % 24,
        minute % 60
    )
}

/// One random attempt, and what the model says to it: nothing, or what it makes of it.
fn attempt(model: &mut Model, random: &mut ChaCha8Rng) -> (Vec<u8>, bool) {
    let mut pick = |count: usize| usize::try_from(random.next_u64() % count as u64).unwrap();
    let label = LABELS[pick(LABELS.len())];
    // Mostly those who may, at some later minute, or nothing would ever happen.
    let own = SIGNERS.map(|by| Model::may_issue(label, by) || Model::is_supervisor(label, by));
    let by = match pick(4) {
        0 => SIGNERS[pick(SIGNERS.len())],
        _ => {
            SIGNERS[own
                .iter()
                .enumerate()
                .filter(|(_, own)| **own)
                .map(|(at, _)| at)
                .nth(pick(2))
                .unwrap_or(0)]
        }
    };
    let minute = pick(4000) as u64;
    let some = model
        .labels
        .get(label)
        .and_then(|(_, ids)| ids.get(pick(ids.len().max(1))).copied());
    let newest = model.newest(label);
    let prev = [newest, newest, newest, some, None][pick(5)];
    let status = model.status(label);
    let open = matches!(status, Some(Status::Active | Status::Suspended));
    let reason = json!({ "code": "vulnerability" });
    let (entry, fact) = match pick(22) {
        0..=3 => {
            let other = LABELS[pick(LABELS.len())];
            let mut draft = world::issue_draft(label);
            let supersedes = pick(2) == 0 && other[..2] == label[..2] && other != label;
            if supersedes {
                draft["body"]["supersedes"] = json!(other);
            }
            let entry = world::entry(Kind::LabelIssue, &draft, None, &[&key(by)]);
            let id = world::id_of(&entry);
            let gives_way = matches!(
                model.status(other),
                Some(Status::Active | Status::Suspended)
            );
            let valid = status.is_none()
                && Model::may_issue(label, by)
                && (!supersedes || (gives_way && model.issuer(other) == Some(by)));
            if valid && supersedes {
                let (facts, ids) = model.labels.get_mut(other).unwrap();
                facts.push(Fact::Superseded);
                ids.push(id);
            }
            (entry, valid.then_some(Fact::Issued { by }))
        }
        4..=8 => {
            let draft = json!({ "subject": label, "decided_at": time(minute), "reason": reason, "body": { "validity_effect": "suspended" } });
            let entry = world::entry(Kind::LabelSuspend, &draft, prev, &[&key(by)]);
            let id = world::id_of(&entry);
            let valid =
                open && model.may_touch(label, by) && model.follows(label, prev, minute, id, true);
            (entry, valid.then_some(Fact::Suspended { id, by }))
        }
        9..=14 => {
            let standing = model.standing(label);
            let suspension = standing
                .get(pick(standing.len().max(1)))
                .map_or(EventId::from_bytes([1; 32]), |(id, _)| *id);
            let draft = json!({ "subject": label, "decided_at": time(minute), "body": { "suspension": suspension.to_string() } });
            let prev = newest.or(Some(EventId::from_bytes([2; 32])));
            let entry = world::entry(Kind::LabelReinstate, &draft, prev, &[&key(by)]);
            let supervised = standing
                .iter()
                .any(|(_, by)| Model::is_supervisor(label, by));
            let valid = status == Some(Status::Suspended)
                && model.may_touch(label, by)
                && (!supervised || Model::is_supervisor(label, by))
                && model.follows(label, prev, minute, world::id_of(&entry), false);
            (entry, valid.then_some(Fact::Lifted { suspension, minute }))
        }
        15..=20 => {
            let (gtin, year) = (GTINS[pick(GTINS.len())], 2027 + pick(6));
            let products = json!({ "gtins": [gtin], "models": [] });
            let is_bound = model.bound(label).contains(&gtin);
            let (kind, body, fits, fact) = match pick(3) {
                0 => (Kind::LabelBind, products, !is_bound, Fact::Bound { gtin }),
                1 => (
                    Kind::LabelUnbind,
                    products,
                    is_bound,
                    Fact::Unbound { gtin },
                ),
                _ => {
                    let until = format!("{year}-02-03T00:00:00Z");
                    let body = json!({ "valid_until": until });
                    let later = year > model.until(label);
                    (Kind::LabelRenew, body, later, Fact::Renewed { year })
                }
            };
            let prev = [newest, newest, some][pick(3)].unwrap_or(EventId::from_bytes([2; 32]));
            let entry = world::change(kind, label, &body, prev, &key(by));
            let valid = open && fits && model.issuer(label) == Some(by) && newest == Some(prev);
            (entry, valid.then_some(fact))
        }
        _ => {
            let draft = json!({ "subject": label, "decided_at": time(minute), "reason": reason, "body": {} });
            let entry = world::entry(Kind::LabelRevoke, &draft, prev, &[&key(by)]);
            let id = world::id_of(&entry);
            let valid = status.is_some()
                && model.may_touch(label, by)
                && model.follows(label, prev, minute, id, true);
            (entry, valid.then_some(Fact::Revoked))
        }
    };
    let accepted = fact.is_some();
    if let Some(fact) = fact {
        let (facts, ids) = model.labels.entry(label).or_default();
        facts.push(fact);
        ids.push(world::id_of(&entry));
    }
    (entry, accepted)
}

#[test]
fn random_histories_go_as_the_model_says() {
    let mut counted = (0, 0);
    for seed in 0..24_u64 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut ledger = Ledger::founded();
        ledger.accept(&world::accredit(
            "second.jp.example",
            &["issuer"],
            &["jp.jc-star"],
        ));
        let mut model = Model::default();
        for step in 0..80 {
            let (entry, want) = attempt(&mut model, &mut random);
            let got = ledger.offer(&entry);
            assert_eq!(
                got.is_ok(),
                want,
                "seed {seed}, step {step}: {got:?}\n{}",
                String::from_utf8_lossy(&entry)
            );
            *(if want { &mut counted.0 } else { &mut counted.1 }) += 1;
            for label in LABELS {
                let record = ledger.record(label);
                assert_eq!(
                    record.map(|record| record.status()),
                    model.status(label),
                    "seed {seed}, step {step}"
                );
                let coverage = ledger.state.label_coverage(&label.parse().unwrap());
                let gtins = coverage.map_or(&[][..], Coverage::gtins).iter();
                assert_eq!(
                    gtins.map(Gtin14::as_str).collect::<Vec<_>>(),
                    model.bound(label),
                    "seed {seed}, step {step}"
                );
                let until = record.and_then(|record| record.not_after());
                assert!(until.is_none_or(|until| {
                    until
                        .to_string()
                        .starts_with(&model.until(label).to_string())
                }));
                let supervised = model
                    .standing(label)
                    .iter()
                    .any(|(_, by)| Model::is_supervisor(label, by));
                assert_eq!(
                    record.is_some_and(|record| record.has(Flag::SupervisorSuspension)),
                    supervised
                );
                let count = model.labels.get(label).map_or(0, |(_, ids)| ids.len());
                assert_eq!(
                    record.map_or(0, |record| record.event_count()) as usize,
                    count
                );
            }
        }
        assert_eq!(indexes(&ledger), rebuilt(&ledger), "seed {seed}");
        for label in LABELS {
            let bundle = ledger.bundle(label);
            assert!(ledger.verify(&bundle).is_ok(), "seed {seed}: {label}");
        }
    }
    // Both sides were really asked.
    assert!(counted.0 > 200 && counted.1 > 200, "{counted:?}");
}
