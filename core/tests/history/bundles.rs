//! Bundles of the history's subjects, for a second verifier: `tests/vectors/bundles.json`.
//!
//! One label of each status and fate, one that never was, an authority and a scheme; a log key and seven witnesses
//! sign the last head. What each bundle proves is written beside it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::{env, fs};

use labelproof_core::bundle::Bundle;
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::event::{Body, Event, Gtin14, Subject};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{LeafHash, LeafIndex, WholeTree};
use labelproof_core::policy::Policy;
use labelproof_core::state::head::StateHead;
use labelproof_core::state::key::{CanonicalId, MapKey};
use labelproof_core::state::{Coverage, CutOff, Falls, State, StateView};
use labelproof_core::status::{
    Binding, Finding, LabelStatus, LabelSummary, Opening, ReadLog, RecordedEvent, Trusted,
    VerifiedBundle, build, build_alias, build_product, pack, pack::PackSubject, verify,
};
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;
use serde_json::{Value, json};

use crate::cast::ORIGIN;
use crate::history;
use crate::script::{Outcome, Script};

const NOW: u64 = 1_900_000_000;

/// The history's log, complete, with a signed and cosigned checkpoint.
struct Finished {
    script: Script,
    state: State,
    view: StateView,
    proof: TlogProof,
}

impl ReadLog for Finished {
    type Error = Infallible;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, Infallible> {
        let at = usize::try_from(index.get()).unwrap();
        Ok(self.script.entries()[at].0.clone())
    }

    fn events_of(&self, subject: &Subject, _: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        Ok(self.state.subject_indices(subject).unwrap_or_default())
    }

    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        let is_under = |entry: &[u8]| {
            Event::parse(entry).is_ok_and(|event| self.state.index_keys(&event).contains(key))
        };
        let numbered = (0..).map(LeafIndex::new).zip(self.script.entries());
        let under = numbered.filter(|(_, (entry, outcome))| {
            matches!(outcome, Outcome::Accepted) && is_under(entry)
        });
        Ok(under.map(|(index, _)| index).collect())
    }
}

fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN.parse().unwrap(), KeyType::Note, [40; 32])
}

fn witness(number: u8) -> SigningKey {
    let name = format!("w{number}.example").parse().unwrap();
    SigningKey::from_seed(name, KeyType::Cosignature, [50 + number; 32])
}

fn policy_text() -> String {
    let mut text = format!("log {}\n", log_key().vkey());
    for number in 1..=7 {
        text += &format!("witness w{number} {}\n", witness(number).vkey());
    }
    text + "group all 5 w1 w2 w3 w4 w5 w6 w7\nquorum all\n"
}

fn finish() -> Finished {
    let script = history();
    let entries = script.entries();
    let mut state = State::genesis(&entries[0].0).unwrap();
    for (entry, _) in &entries[1..entries.len() - 1] {
        state.replay_entry(entry).unwrap();
    }
    let view = state.view();
    let tree = WholeTree::new(entries.iter().map(|(entry, _)| LeafHash::of_entry(entry)));
    let checkpoint = Checkpoint::new(ORIGIN.parse().unwrap(), tree.head());
    let mut note = SignedCheckpoint::sign(&checkpoint, &log_key())
        .note()
        .clone();
    // Six of seven answered, an hour apart; five are needed, so the second oldest decides.
    for number in 1..=6 {
        let time = CosignatureTime::new(NOW - 3600 * u64::from(number)).unwrap();
        let line = cosign(&witness(number), note.text(), time);
        note = note.with_signature(line).unwrap();
    }
    let last = view.head_index();
    let proof = TlogProof::new(None, last, tree.path(last).unwrap(), note).unwrap();
    Finished {
        script,
        state,
        view,
        proof,
    }
}

impl Finished {
    fn bundle(&self, subject: &Subject) -> Bundle {
        let head = self.entry(self.view.head_index()).unwrap();
        let head = StateHead::parse(&head).unwrap();
        let opening = Opening::new(head, self.proof.clone()).unwrap();
        let bytes = build(&self.view, self, subject, &opening).unwrap();
        Bundle::parse(&bytes).unwrap()
    }

    fn verified(&self, bundle: &Bundle) -> VerifiedBundle {
        let policy = Policy::parse(policy_text().as_bytes()).unwrap();
        let trusted = Trusted {
            origin: &ORIGIN.parse().unwrap(),
            genesis: self.state.genesis_hash(),
            policy: &policy,
        };
        verify(bundle, &trusted, Time::from_unix(NOW).unwrap()).unwrap()
    }

    fn proved(&self, subject: &str) -> (Value, Value) {
        let subject: Subject = subject.parse().unwrap();
        let bundle = self.bundle(&subject);
        let verified = self.verified(&bundle);
        let found = match verified.find(&subject).unwrap() {
            Finding::Label(label) => of_label(label),
            Finding::Subject(subject) => json!({
                "status": subject.status().to_string(),
                "events": indices(subject.events().iter().map(RecordedEvent::index)),
            }),
            Finding::Absent => json!({"status": "absent"}),
            _ => panic!("a new kind of finding"),
        };
        let vector = json!({
            "subject": subject.to_string(),
            "bundle": bundle.to_string(),
            "found": found,
            "as_of": verified.as_of().unix(),
        });
        (vector, found)
    }
}

fn indices(indices: impl Iterator<Item = LeafIndex>) -> Vec<u64> {
    indices.map(LeafIndex::get).collect()
}

fn of_label(label: &LabelStatus) -> Value {
    let cut = match label.cut_off() {
        CutOff::OutOfReach => json!("out of reach"),
        CutOff::NothingLeftOut => json!("nothing left out"),
        CutOff::LeftOut(left) => json!({
            "left_out": indices(left.events().iter().copied()),
            "remaining": left.remaining().map(|status| status.to_string()),
            "covers": left.coverage().map(of_coverage),
            "falls": left.falls() == Falls::WithItsAuthority,
        }),
    };
    json!({
        "status": label.status().to_string(),
        "reason": label.record().reason(),
        "issuer": label.issuer().as_str(),
        "events": indices(label.events().iter().map(RecordedEvent::index)),
        "cut": cut,
    })
}

fn of_coverage(coverage: &Coverage) -> Value {
    let texts = |texts: &mut dyn Iterator<Item = &str>| {
        let mut sorted: Vec<&str> = texts.collect();
        sorted.sort_unstable();
        json!(sorted)
    };
    json!({
        "valid_until": coverage.valid_until().map(Time::unix),
        "gtins": texts(&mut coverage.gtins().iter().map(Gtin14::as_str)),
        "models": texts(&mut coverage.models().iter().map(|model| model.number.as_str())),
        "aliases": texts(&mut coverage.aliases().iter().map(CanonicalId::as_str)),
    })
}

impl Finished {
    fn head(&self) -> StateHead {
        StateHead::parse(&self.entry(self.view.head_index()).unwrap()).unwrap()
    }

    fn product(&self, gtin: &Gtin14) -> Value {
        let (head, proof) = (self.head(), self.proof.clone());
        let opening = Opening::new(head, proof).unwrap();
        let bytes = build_product(&self.view, self, gtin, &opening).unwrap();
        let bundle = Bundle::parse(&bytes).unwrap();
        let verified = self.verified(&bundle);
        json!({
            "gtin": gtin.as_str(),
            "bundle": bundle.to_string(),
            "found": of_product(&verified, gtin),
            "as_of": verified.as_of().unix(),
        })
    }

    fn alias(&self, scheme: &str, printed: &str) -> Value {
        let (head, proof) = (self.head(), self.proof.clone());
        let scheme = scheme.parse().unwrap();
        let opening = Opening::new(head, proof).unwrap();
        let bytes = build_alias(&self.view, self, &scheme, printed, &opening).unwrap();
        let bundle = Bundle::parse(&bytes).unwrap();
        let verified = self.verified(&bundle);
        let found = verified.alias(&scheme, printed).unwrap();
        let labels: Vec<Value> = found.labels().iter().map(|one| of_summary(one)).collect();
        json!({
            "scheme": scheme.as_str(),
            "printed": printed,
            "bundle": bundle.to_string(),
            "found": labels,
        })
    }

    fn pack(&self, gtins: &[Gtin14], labels: &[&str]) -> Value {
        let mut subjects: Vec<PackSubject> =
            gtins.iter().cloned().map(PackSubject::Product).collect();
        let labels = labels
            .iter()
            .map(|label| PackSubject::Label(label.parse().unwrap()));
        subjects.extend(labels);
        let (head, proof) = (self.head(), self.proof.clone());
        let draft = pack::build(&self.view, self, &subjects, &head, proof).unwrap();
        let pieces: Vec<Vec<u8>> = draft.pieces(self).map(Result::unwrap).collect();
        let text = String::from_utf8(pieces.concat()).unwrap();
        let verified = self.verified(&Bundle::parse(text.as_bytes()).unwrap());
        let products: BTreeMap<&str, Value> = gtins
            .iter()
            .map(|gtin| (gtin.as_str(), of_product(&verified, gtin)))
            .collect();
        json!({ "bundle": text, "products": products })
    }

    /// Products with few events, those that were unbound before the others.
    fn gtins(&self) -> Vec<Gtin14> {
        let mut named: BTreeMap<Gtin14, (bool, usize)> = BTreeMap::new();
        let entries = self.script.entries().iter();
        for (entry, _) in entries.filter(|(_, outcome)| matches!(outcome, Outcome::Accepted)) {
            let Ok(event) = Event::parse(entry) else {
                continue;
            };
            let (gtins, is_unbind) = match event.body() {
                Body::LabelIssue(body) => (body.gtins.as_slice(), false),
                Body::LabelBind(body) => (body.gtins.as_slice(), false),
                Body::LabelUnbind(body) => (body.gtins.as_slice(), true),
                _ => continue,
            };
            for gtin in gtins {
                let seen = named.entry(gtin.clone()).or_insert((true, 0));
                *seen = (seen.0 && !is_unbind, seen.1 + 1);
            }
        }
        let mut gtins: Vec<_> = named.into_iter().collect();
        gtins.sort_by_key(|(_, seen)| *seen);
        gtins.into_iter().map(|(gtin, _)| gtin).take(4).collect()
    }

    /// Printed ids that renewals and issues gave, the first few.
    fn printed(&self) -> Vec<(String, String)> {
        let mut printed = Vec::new();
        let entries = self.script.entries().iter();
        for (entry, _) in entries.filter(|(_, outcome)| matches!(outcome, Outcome::Accepted)) {
            let Ok(event) = Event::parse(entry) else {
                continue;
            };
            let Subject::Label(label) = event.subject() else {
                continue;
            };
            let aliases = match event.body() {
                Body::LabelIssue(body) => body.aliases.as_slice(),
                Body::LabelRenew(body) => body.added_aliases(),
                _ => continue,
            };
            let scheme = label.scheme().as_str();
            printed.extend(
                aliases
                    .iter()
                    .map(|one| (scheme.to_owned(), one.as_str().to_owned())),
            );
        }
        printed.truncate(3);
        printed
    }
}

fn of_product(verified: &VerifiedBundle, gtin: &Gtin14) -> Value {
    let product = verified.product(gtin).unwrap();
    let labels = product.labels().iter().map(|one| {
        let binding = match one.binding() {
            Binding::Bound(at) => json!(["bound", at.get()]),
            Binding::BoundInDoubt(at) => json!(["in doubt", at.get()]),
            Binding::Unbound(at) => json!(["unbound", at.get()]),
        };
        let mut label = of_summary(one.label());
        label["binding"] = binding;
        label
    });
    labels.collect()
}

fn of_summary(label: &LabelSummary) -> Value {
    json!({
        "label": label.label().to_string(),
        "status": label.status().to_string(),
        "reason": label.record().reason(),
        "issuer": label.issuer().as_str(),
        "last_index": label.record().last_index().get(),
        "tainted": label.is_tainted(),
    })
}

/// The first label of each status, fate and shape of history.
fn chosen(log: &Finished) -> Vec<String> {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for label in log.script.labels() {
        let (_, found) = log.proved(label);
        let fate = match &found["cut"] {
            Value::String(word) => word.clone(),
            cut => format!("left out {} {}", cut["remaining"], cut["falls"]),
        };
        let key = format!("{} {fate}", found["status"]);
        first.entry(key).or_insert_with(|| label.clone());
    }
    first.into_values().collect()
}

#[test]
fn committed_bundles_are_what_the_code_makes() {
    let log = finish();
    let mut subjects = chosen(&log);
    for other in [
        "jp.second/corner",
        "jp.second/fallen",
        "jp.second/robbed",
        "jp.jc-star/never-was",
        "fr.mark/no-scheme",
        "authority:watch.jp.example",
        "authority:never.jp.example",
        "scheme:gb.mark",
        "member:jp",
    ] {
        subjects.push(other.into());
    }
    let vectors: Vec<Value> = subjects
        .iter()
        .map(|subject| log.proved(subject).0)
        .collect();
    let (gtins, unknown) = (log.gtins(), "09529999999993".parse::<Gtin14>().unwrap());
    let file = json!({
        "origin": ORIGIN,
        "genesis": log.state.genesis_hash().to_string(),
        "log": log_key().vkey().to_string(),
        "witnesses": (1..=7).map(|number| witness(number).vkey().to_string()).collect::<Vec<_>>(),
        "quorum": 5,
        "now": NOW,
        "bundles": vectors,
        "products": gtins.iter().chain([&unknown]).map(|gtin| log.product(gtin)).collect::<Vec<_>>(),
        "aliases": log.printed().iter().map(|(scheme, id)| log.alias(scheme, id)).collect::<Vec<_>>(),
        "packs": [log.pack(
            &gtins.iter().cloned().chain([unknown.clone()]).collect::<Vec<_>>(),
            &["jp.second/robbed", "jp.jc-star/never-was"],
        )],
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&file).unwrap());
    let path = crate::file().with_file_name("bundles.json");
    if env::var_os("LABELPROOF_WRITE_VECTORS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == text,
        "bundles.json is not what the code makes"
    );
    assert!(vectors.len() >= 12, "{} bundles", vectors.len());
}
