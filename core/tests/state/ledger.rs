//! A log in memory: entries, the state they make, and signed heads with their bundles.

use std::convert::Infallible;

use labelproof_core::bundle::Bundle;
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::event::{Event, EventId, LabelId, Subject};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{LeafHash, LeafIndex, WholeTree};
use labelproof_core::policy::Policy;
use labelproof_core::refusal::Refusal;
use labelproof_core::state::head::StateHead;
use labelproof_core::state::key::{IdRule, MapKey, MapName, canonical_id};
use labelproof_core::state::record::StateRecord;
use labelproof_core::state::{SignatureMemo, State, StateView};
use labelproof_core::status::{
    self, Finding, Opening, ReadLog, Trusted, Unverified, VerifiedBundle,
};
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;
use serde_json::json;

use crate::world;

/// The log's own key, named as its origin.
pub(crate) fn log_key() -> SigningKey {
    world::key(world::ORIGIN)
}

/// Five of the seven witnesses of the samples.
pub(crate) fn policy() -> Policy {
    let mut text = format!("log {}\n", log_key().vkey());
    for code in world::WITNESSES {
        text += &format!("witness {code} {}\n", world::witness_key(code).vkey());
    }
    text += &format!("group all 5 {}\nquorum all\n", world::WITNESSES.join(" "));
    Policy::parse(text.as_bytes()).unwrap()
}

/// The instant at which the witnesses cosign, and the readers look.
pub(crate) fn now() -> Time {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn label(text: &str) -> LabelId {
    text.parse().unwrap()
}

pub(crate) fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

/// A log and the state of its tip.
pub(crate) struct Ledger {
    pub(crate) state: State,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) heads: Vec<(StateHead, StateView)>,
}

impl Ledger {
    /// Only the genesis and its head.
    pub(crate) fn bare() -> Self {
        let genesis = world::genesis();
        let mut ledger = Self {
            state: State::genesis(&genesis).unwrap(),
            entries: vec![genesis],
            heads: Vec::new(),
        };
        ledger.close();
        ledger
    }

    /// Four schemes with an issuer and a supervisor each.
    pub(crate) fn founded() -> Self {
        let mut ledger = Self::bare();
        for entry in world::foundation() {
            ledger.accept(&entry);
        }
        ledger
    }

    /// Admits an entry or says why not; a refusal must leave no trace.
    pub(crate) fn offer(&mut self, entry: &[u8]) -> Result<LeafIndex, Refusal> {
        let event = Event::parse(entry)?;
        let memo = SignatureMemo::verify(&event, &self.state.candidate_keys(&event));
        let before = (self.state.view().map().root(), self.state.next_index());
        let tried = self.state.check(&event, &memo);
        let after = (self.state.view().map().root(), self.state.next_index());
        assert_eq!(before, after, "a trial changes nothing");
        let done = self.state.apply(&event, &memo);
        assert_eq!(tried, done.clone().map(drop), "a trial foretells the event");
        match done {
            Ok(applied) => {
                assert_eq!(applied.index().get(), self.entries.len() as u64);
                assert_eq!(
                    (applied.id(), applied.leaf()),
                    (event.id(), LeafHash::of_entry(entry))
                );
                self.entries.push(entry.to_vec());
                Ok(applied.index())
            }
            Err(refusal) => {
                let after = (self.state.view().map().root(), self.state.next_index());
                assert_eq!(before, after, "a refused event changes nothing");
                Err(refusal)
            }
        }
    }

    /// Admits an entry that must be accepted.
    pub(crate) fn accept(&mut self, entry: &[u8]) -> (LeafIndex, EventId) {
        let index = self
            .offer(entry)
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", String::from_utf8_lossy(entry)));
        (index, world::id_of(entry))
    }

    /// The code of the refusal that an entry meets.
    pub(crate) fn refusal(&mut self, entry: &[u8]) -> &'static str {
        self.offer(entry).expect_err("the entry is refused").code()
    }

    /// The id of the newest event of a subject.
    pub(crate) fn newest(&self, of: &str) -> EventId {
        self.state.newest_event(&subject(of)).unwrap()
    }

    /// Closes the batch with a head.
    pub(crate) fn close(&mut self) -> StateHead {
        let view = self.state.view();
        let head = self.state.append_head(now().unix() * 1000);
        self.entries.push(head.to_bytes());
        self.heads.push((head.clone(), view));
        head
    }

    pub(crate) fn tree(&self) -> WholeTree {
        WholeTree::new(self.entries.iter().map(|entry| LeafHash::of_entry(entry)))
    }

    /// A checkpoint of the whole log by the log and these witnesses.
    pub(crate) fn checkpoint(&self, witnesses: &[&str]) -> SignedCheckpoint {
        checkpoint(
            &Checkpoint::new(world::origin(), self.tree().head()),
            witnesses,
        )
    }

    /// The proof that the newest entry is in the log.
    pub(crate) fn head_proof(&self, checkpoint: &SignedCheckpoint) -> TlogProof {
        let index = LeafIndex::new(self.entries.len() as u64 - 1);
        let path = self.tree().path(index).unwrap();
        TlogProof::new(None, index, path, checkpoint.note().clone()).unwrap()
    }

    /// Closes the batch and makes the bundle of a subject under the new head.
    pub(crate) fn bundle(&mut self, of: &str) -> Bundle {
        self.close();
        self.bundle_now(of)
    }

    /// The bundle of a subject under the newest head, which is the newest entry.
    pub(crate) fn bundle_now(&self, of: &str) -> Bundle {
        let (head, view) = self.heads.last().unwrap();
        let proof = self.head_proof(&self.checkpoint(&WITNESSES));
        let opening = Opening::new(head.clone(), proof).unwrap();
        let bytes = status::build(view, self, &subject(of), &opening).unwrap();
        Bundle::parse(&bytes).unwrap()
    }

    /// Closes the batch and makes the bundle of a product under the new head.
    pub(crate) fn product_bundle(&mut self, gtin: &str) -> Bundle {
        self.close();
        let (head, view) = self.heads.last().unwrap();
        let proof = self.head_proof(&self.checkpoint(&WITNESSES));
        let opening = Opening::new(head.clone(), proof).unwrap();
        let gtin = gtin.parse().unwrap();
        let bytes = status::build_product(view, self, &gtin, &opening).unwrap();
        Bundle::parse(&bytes).unwrap()
    }

    /// What the bundle of a product proves.
    pub(crate) fn product(&mut self, gtin: &str) -> VerifiedBundle {
        let bundle = self.product_bundle(gtin);
        self.verify(&bundle).unwrap()
    }

    /// What the bundle of a printed id proves.
    pub(crate) fn printed(&mut self, scheme: &str, printed: &str) -> VerifiedBundle {
        self.close();
        let (head, view) = self.heads.last().unwrap();
        let proof = self.head_proof(&self.checkpoint(&WITNESSES));
        let scheme = scheme.parse().unwrap();
        let opening = Opening::new(head.clone(), proof).unwrap();
        let bytes = status::build_alias(view, self, &scheme, printed, &opening).unwrap();
        self.verify(&Bundle::parse(&bytes).unwrap()).unwrap()
    }

    /// Closes the batch and writes the pack of these subjects under the new head.
    pub(crate) fn pack(&mut self, subjects: &[&str]) -> String {
        self.close();
        let (head, view) = self.heads.last().unwrap();
        let proof = self.head_proof(&self.checkpoint(&WITNESSES));
        let subjects: Vec<_> = subjects.iter().map(|line| line.parse().unwrap()).collect();
        let draft = status::pack::build(view, self, &subjects, head, proof).unwrap();
        let pieces: Vec<Vec<u8>> = draft.pieces(self).map(Result::unwrap).collect();
        let pack = String::from_utf8(pieces.concat()).unwrap();
        assert_eq!(draft.lines(), pack.lines().count());
        pack
    }

    /// What bytes prove, if they are a bundle that holds.
    pub(crate) fn verify_bytes(&self, bytes: &[u8]) -> Option<VerifiedBundle> {
        self.verify_parsed(&Bundle::parse(bytes).ok()?).ok()
    }

    /// What a text proves that has the form of a bundle.
    pub(crate) fn verify_text(&self, text: &str) -> Result<VerifiedBundle, Unverified> {
        self.verify_parsed(&Bundle::parse(text.as_bytes()).unwrap())
    }

    /// What the bundle of a subject proves of it.
    pub(crate) fn finding(&mut self, of: &str) -> Finding {
        let bundle = self.bundle(of);
        let verified = self.verify(&bundle).unwrap();
        verified.find(&subject(of)).unwrap().clone()
    }

    /// Reads the bundle from its bytes and verifies it.
    pub(crate) fn verify(&self, bundle: &Bundle) -> Result<VerifiedBundle, Unverified> {
        let bundle = Bundle::parse(&bundle.to_bytes()).unwrap();
        self.verify_parsed(&bundle)
    }

    pub(crate) fn verify_parsed(&self, bundle: &Bundle) -> Result<VerifiedBundle, Unverified> {
        let (origin, policy) = (world::origin(), policy());
        let trusted = Trusted {
            origin: &origin,
            genesis: self.state.genesis_hash(),
            policy: &policy,
        };
        status::verify(bundle, &trusted, now())
    }

    /// The record of a subject at the tip.
    pub(crate) fn record(&self, of: &str) -> Option<StateRecord> {
        let name = match subject(of) {
            Subject::Label(label) => {
                let id = canonical_id(IdRule::Upper, label.native().as_str()).unwrap();
                MapName::label(label.scheme().as_str(), &id).unwrap()
            }
            Subject::Authority(name) => MapName::authority(name.as_str()).unwrap(),
            Subject::Scheme(id) => MapName::scheme(id.as_str()).unwrap(),
            Subject::Member(code) => MapName::member(code.as_str()).unwrap(),
            Subject::Log(_) => return None,
        };
        self.state.view().record(&name)
    }
}

impl ReadLog for Ledger {
    type Error = Infallible;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, Infallible> {
        Ok(self.entries[usize::try_from(index.get()).unwrap()].clone())
    }

    fn events_of(&self, subject: &Subject, _: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        Ok(self.state.subject_indices(subject).unwrap_or_default())
    }

    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        let is_under = |entry: &Vec<u8>| {
            Event::parse(entry).is_ok_and(|event| self.state.index_keys(&event).contains(key))
        };
        let numbered = (0..).map(LeafIndex::new).zip(&self.entries);
        Ok(numbered
            .filter(|(_, entry)| is_under(entry))
            .map(|(index, _)| index)
            .collect())
    }
}

/// Signs a checkpoint as the log and cosigns it as these witnesses.
pub(crate) fn checkpoint(checkpoint: &Checkpoint, witnesses: &[&str]) -> SignedCheckpoint {
    let mut signed = SignedCheckpoint::sign(checkpoint, &log_key());
    let time = CosignatureTime::new(now().unix()).unwrap();
    for code in witnesses {
        let key = world::witness_key(code);
        let line = cosign(&key, &checkpoint.text(), time);
        signed = signed.with_cosignature(key.vkey(), line).unwrap();
    }
    signed
}

/// A key for a stranger under a name.
pub(crate) fn stranger(name: &str) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), KeyType::Note, [7; 32])
}

/// Enough of the witnesses.
pub(crate) const WITNESSES: [&str; 5] = ["ca", "de", "fr", "gb", "it"];

/// A log in which the label was suspended by its supervisor and the issuer has a second key.
pub(crate) fn sample() -> Ledger {
    let mut ledger = Ledger::founded();
    let (_, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    ledger.accept(&world::issue("jp.jc-star/EX-2", ISSUER));
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let add = json!({ "add": world::further_key(ISSUER, 2).vkey().to_string() });
    ledger.accept(&world::change_key(ISSUER, &add, newest, &world::root("jp")));
    ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        "watch.jp.example",
    ));
    ledger
}

/// The label of most tests.
pub(crate) const LABEL: &str = "jp.jc-star/EX-1";

/// Its issuer.
pub(crate) const ISSUER: &str = "label.jp.example";
