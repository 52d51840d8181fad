//! Events, proofs and evidence of a small invented log, for tests.

use labelproof_core::{
    checkpoint::{Checkpoint, Origin, SignedCheckpoint},
    event::{Draft, Event, EventId, Kind},
    evidence::Evidence,
    key::{KeyType, SigningKey},
    merkle::{LeafHash, LeafIndex, WholeTree},
    note::Note,
    time::Time,
    tlog_proof::TlogProof,
};

use crate::finding::Logged;

pub(crate) fn origin() -> Origin {
    "labels.g7.example".parse().unwrap()
}

pub(crate) fn at(seconds: u64) -> Time {
    Time::from_unix(1_790_000_000 + seconds).unwrap()
}

pub(crate) fn log_key() -> SigningKey {
    key("labels.g7.example", 1)
}

/// The key of the authority that signs the events.
pub(crate) fn issuer_key() -> SigningKey {
    key("label.jp.example", 7)
}

pub(crate) fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), KeyType::Note, [seed; 32])
}

/// Signs a draft as the authority does.
pub(crate) fn event(kind: Kind, json: &str, prev: Option<EventId>) -> Event {
    signed(kind, json, prev, &issuer_key())
}

pub(crate) fn signed(kind: Kind, json: &str, prev: Option<EventId>, key: &SigningKey) -> Event {
    let text = Draft::from_json(kind, json).unwrap().text(&origin(), prev);
    let line = key.sign_note(&text);
    Event::parse(&Note::new(text, vec![line]).unwrap().to_bytes()).unwrap()
}

/// The label `EX-<number>`.
pub(crate) fn issue(number: u64) -> Event {
    let sample = include_str!("../../../docs/samples/label.json");
    let json = sample.replace("EX-000123", &format!("EX-{number:06}"));
    event(Kind::LabelIssue, &json, None)
}

/// Its revocation.
pub(crate) fn revoke(number: u64) -> Event {
    let json = format!(
        r#"{{"subject":"jp.jc-star/EX-{number:06}","decided_at":"2026-09-01T08:00:00Z",
            "reason":{{"code":"vulnerability","text":"A weakness"}},"body":{{}}}}"#
    );
    event(Kind::LabelRevoke, &json, Some(issue(number).id()))
}

/// An event as the entry at `index` of a log that ends with it.
pub(crate) fn logged(index: u64, event: Event) -> Logged {
    let others = (0..index).map(|other| LeafHash::of_entry(&other.to_be_bytes()));
    let leaf = LeafHash::of_entry(event.bytes());
    let tree = WholeTree::new(others.chain([leaf]));
    let path = tree.path(LeafIndex::new(index)).unwrap();
    let note = checkpoint(&tree).note().clone();
    let proof = TlogProof::new(None, LeafIndex::new(index), path, note).unwrap();
    Logged::new(event, proof)
}

pub(crate) fn checkpoint(tree: &WholeTree) -> SignedCheckpoint {
    SignedCheckpoint::sign(&Checkpoint::new(origin(), tree.head()), &log_key())
}

/// Two heads of one size.
pub(crate) fn fork() -> Evidence {
    let tree = |byte| checkpoint(&WholeTree::new([LeafHash::of_entry(&[byte])]));
    Evidence::fork_at_one_size(&tree(1), &tree(2)).unwrap()
}
