//! Evidence about entries: logs that lie, judged by their own entries, and honest ones that cannot be convicted.

use std::slice;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::evidence::{
    Claim, Decision, Evidence, EvidenceError, Fault, JudgeError, Proven, SignedEntry,
};
use labelproof_core::merkle::{LeafHash, LeafIndex, NodeHash, WholeTree};
use labelproof_core::state::head::StateHead;
use labelproof_core::tlog_proof::TlogProof;
use sha2::{Digest as _, Sha256};

use crate::ledger::{ISSUER, LABEL, log_key, sample, stranger};
use crate::world;

/// Entries that one log signed, whatever they are.
#[derive(Clone)]
struct Entries(Vec<Vec<u8>>);

impl Entries {
    /// Four batches of an honest log.
    fn honest() -> Self {
        let mut ledger = sample();
        ledger.close();
        ledger.accept(&world::issue("jp.jc-star/EX-3", ISSUER));
        ledger.close();
        ledger.accept(&world::revoke(LABEL, None, "watch.jp.example"));
        ledger.accept(&world::issue("de.it-sik/A-1", "label.de.example"));
        ledger.close();
        Self(ledger.entries)
    }

    fn heads(&self) -> Vec<usize> {
        let numbered = self.0.iter().enumerate();
        let heads = numbered.filter(|(_, entry)| StateHead::is_head(entry));
        heads.map(|(at, _)| at).collect()
    }

    fn events(&self) -> Vec<usize> {
        let heads = self.heads();
        (1..self.0.len()).filter(|at| !heads.contains(at)).collect()
    }

    fn with(&self, at: usize, entry: &[u8]) -> Self {
        let mut changed = self.clone();
        changed.0[at] = entry.to_vec();
        changed
    }

    /// The same with a line of the head at `at` replaced.
    fn with_line(&self, at: usize, line: usize, value: &str) -> Self {
        let head = String::from_utf8(self.0[at].clone()).unwrap();
        let mut lines: Vec<&str> = head.lines().collect();
        lines[line] = value;
        self.with(at, (lines.join("\n") + "\n").as_bytes())
    }

    fn tree(&self) -> WholeTree {
        WholeTree::new(self.0.iter().map(|entry| LeafHash::of_entry(entry)))
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let checkpoint = Checkpoint::new(world::origin(), self.tree().head());
        SignedCheckpoint::sign(&checkpoint, &log_key())
    }

    fn entry(&self, at: usize) -> SignedEntry {
        let index = LeafIndex::new(at as u64);
        let path = self.tree().path(index).unwrap();
        SignedEntry::new(&self.checkpoint(), index, path, self.0[at].clone()).unwrap()
    }

    /// What a judge says who reads these entries.
    fn judge(&self, evidence: &Evidence) -> Result<Proven, JudgeError> {
        let read = Evidence::parse(&evidence.to_bytes()).unwrap();
        assert_eq!(&read, evidence);
        let Decision::NeedsEntries(mut judge) = verify(&read).unwrap() else {
            panic!("{} is judged by entries", read.claim());
        };
        let needs = usize::try_from(judge.needs().get()).unwrap();
        for entry in &self.0[..needs.min(self.0.len())] {
            judge.take(entry);
        }
        judge.decide()
    }

    fn wrong_head(&self, at: usize) -> Result<Proven, JudgeError> {
        self.judge(&Evidence::wrong_head(&self.entry(at)).unwrap())
    }

    fn bad_entry(&self, at: usize) -> Result<Proven, JudgeError> {
        self.judge(&Evidence::bad_entry(&self.entry(at)).unwrap())
    }

    fn back_dated(&self, earlier: usize, later: usize) -> Result<Evidence, EvidenceError> {
        Evidence::back_dated(&self.entry(earlier), &self.entry(later))
    }
}

fn verify(evidence: &Evidence) -> Result<Decision, EvidenceError> {
    evidence.verify(slice::from_ref(log_key().vkey()))
}

fn clock_of(entry: &[u8]) -> u64 {
    StateHead::parse(entry).unwrap().clock_ms()
}

fn fault(proven: Result<Proven, JudgeError>) -> Fault {
    match proven {
        Ok(Proven::BadEntry(bad)) => bad.fault().clone(),
        other => panic!("{other:?}"),
    }
}

fn is_not_proven(judged: &Result<Proven, JudgeError>) -> bool {
    matches!(judged, Err(JudgeError::NotProven { .. }))
}

#[test]
fn an_honest_log_is_convicted_of_no_entry() {
    let honest = Entries::honest();
    for at in honest.heads() {
        assert!(is_not_proven(&honest.wrong_head(at)), "{at}");
    }
    for at in honest.events() {
        assert!(is_not_proven(&honest.bad_entry(at)), "{at}");
    }
    let heads = honest.heads();
    for pair in heads.windows(2) {
        assert!(matches!(
            honest.back_dated(pair[0], pair[1]),
            Err(EvidenceError::Clocks { .. })
        ));
    }
}

#[test]
fn a_clock_that_runs_back_is_proved_by_the_file() {
    let honest = Entries::honest();
    let heads = honest.heads();
    let [first, .., last] = heads[..] else {
        panic!("several heads")
    };
    let clock = clock_of(&honest.0[last]);
    let lying = honest.with_line(last, 8, &(clock - 1).to_string());
    for earlier in &heads[..heads.len() - 1] {
        let evidence = lying.back_dated(*earlier, last).unwrap();
        assert_eq!(evidence.claim(), Claim::BackDated);
        let read = Evidence::parse(&evidence.to_bytes()).unwrap();
        let Ok(Decision::Proven(Proven::BackDated(proven))) = verify(&read) else {
            panic!("the file decides");
        };
        assert_eq!(proven.earlier_clock_ms(), proven.later_clock_ms() + 1);
        assert_eq!(proven.earlier().index().get(), *earlier as u64);
        assert_eq!(proven.later().index().get(), last as u64);
    }
    assert_eq!(lying.back_dated(last, first), Err(EvidenceError::Order));
    assert_eq!(lying.back_dated(last, last), Err(EvidenceError::Order));
    // Who lies about the place, the log or the rules is no head whose clock counts.
    let at = LeafIndex::new(last as u64);
    for (line, value) in [(1, "other.example"), (3, "12"), (8, "now")] {
        let other = lying.with_line(last, line, value);
        let refused = other.back_dated(first, last);
        assert_eq!(refused, Err(EvidenceError::NotAHead { index: at }));
    }
    let event = honest.events()[3];
    assert!(matches!(
        lying.back_dated(event, last),
        Err(EvidenceError::NotAHead { .. })
    ));
    assert!(matches!(
        lying
            .with_line(last, 7, "state/0.3")
            .back_dated(first, last),
        Err(EvidenceError::Rules(_))
    ));
}

#[test]
fn a_head_that_the_entries_do_not_give_is_proved_by_them() {
    let honest = Entries::honest();
    let other_hash = NodeHash::from_bytes([1; 32]).to_string();
    for at in honest.heads() {
        let right = StateHead::parse(&honest.0[at]).unwrap();
        for (line, value) in [
            (1, "other.example"),
            (2, other_hash.as_str()),
            (3, "12"),
            (4, other_hash.as_str()),
            (5, other_hash.as_str()),
            (6, "7"),
            (7, "state/0.3"),
            (8, "now"),
        ] {
            let proven = honest.with_line(at, line, value).wrong_head(at);
            let Ok(Proven::WrongHead(proven)) = proven else {
                panic!("line {line} of {at}: {proven:?}");
            };
            assert_eq!(proven.claimed().is_none(), line == 8);
            assert_eq!(proven.gives().map_root(), right.map_root());
            assert_eq!(proven.gives().list_root(), right.list_root());
            assert_eq!(proven.gives().issues(), right.issues());
            assert_eq!(proven.entry().index(), right.index());
        }
        // The clock is the log's word, and running back is another claim.
        for clock in ["0".to_owned(), (right.clock_ms() + 1).to_string()] {
            let other_clock = honest.with_line(at, 8, &clock);
            assert!(is_not_proven(&other_clock.wrong_head(at)), "{clock}");
        }
    }
    // A head where an event should be.
    let event = honest.events()[2];
    let doubled = honest.with(event, &honest.0[honest.heads()[0]].clone());
    assert!(matches!(
        doubled.wrong_head(event),
        Ok(Proven::WrongHead(_))
    ));
}

#[test]
fn an_entry_that_the_rules_refuse_is_proved_by_the_entries_before_it() {
    let honest = Entries::honest();
    let at = *honest.events().last().unwrap();
    let stranger = stranger("label.jp.example");
    let draft = world::issue_draft("jp.jc-star/EX-77");
    let kind = labelproof_core::event::Kind::LabelIssue;
    for (entry, code) in [
        (b"junk".to_vec(), "malformed"),
        (vec![0xff; 20_000], "too-large"),
        (world::issue("jp.jc-star/EX-3", ISSUER), "duplicate-label"),
        (
            world::entry(kind, &draft, None, &[&stranger]),
            "unknown-authority",
        ),
        (world::genesis(), "bad-transition"),
        (
            world::revoke(LABEL, None, "watch.jp.example"),
            "wrong-previous",
        ),
    ] {
        let lying = honest.with(at, &entry);
        let Fault::Refused(refusal) = fault(lying.bad_entry(at)) else {
            panic!("refused");
        };
        assert_eq!(refusal.code(), code);
    }
}

#[test]
fn an_entry_that_is_right_at_one_place_convicts_at_another() {
    let mut entries = Entries::honest();
    let issue = world::issue("jp.jc-star/EX-3", ISSUER);
    let at = entries.0.iter().position(|entry| *entry == issue).unwrap();
    assert!(is_not_proven(&entries.bad_entry(at)));
    let again = entries.0.len();
    entries.0.push(issue);
    assert!(matches!(fault(entries.bad_entry(again)), Fault::Refused(_)));
}

#[test]
fn a_checkpoint_that_ends_without_a_head_is_proved() {
    let mut entries = Entries::honest();
    let at = *entries.events().last().unwrap();
    assert!(is_not_proven(&entries.bad_entry(at)));
    entries.0.truncate(at + 1);
    assert_eq!(fault(entries.bad_entry(at)), Fault::NoHead);
    // An event that is not the last one is no fault of that kind.
    assert!(is_not_proven(&entries.bad_entry(at - 1)));
}

#[test]
fn what_came_before_does_not_hide_a_lie() {
    let honest = Entries::honest();
    let heads = honest.heads();
    let (second, last) = (heads[1], heads[heads.len() - 1]);
    let other_hash = NodeHash::from_bytes([1; 32]).to_string();
    // A clock that ran back before, or a refused event, are judged as they stand.
    let lying = honest
        .with_line(second, 8, "0")
        .with_line(last, 4, &other_hash);
    assert!(matches!(lying.wrong_head(last), Ok(Proven::WrongHead(_))));
    let mut lying = Entries::honest();
    lying.0.truncate(second + 1);
    lying.0.extend([b"junk".to_vec(), b"more junk".to_vec()]);
    assert!(matches!(
        fault(lying.bad_entry(second + 2)),
        Fault::Refused(_)
    ));
    // A wrong head before is what should have been proved.
    let lying = honest.with_line(second, 4, &other_hash);
    assert_eq!(
        lying.wrong_head(last).unwrap_err(),
        JudgeError::Earlier {
            at: LeafIndex::new(second as u64)
        }
    );
}

#[test]
fn a_judge_takes_the_accused_logs_entries_only() {
    let honest = Entries::honest();
    let last = *honest.heads().last().unwrap();
    let other_hash = NodeHash::from_bytes([1; 32]).to_string();
    let lying = honest.with_line(last, 4, &other_hash);
    let evidence = Evidence::wrong_head(&lying.entry(last)).unwrap();
    assert!(lying.judge(&evidence).is_ok());
    for at in [0, 1, honest.events()[1], last - 1] {
        let mut changed = lying.clone();
        changed.0[at].push(b'\n');
        assert_eq!(
            changed.judge(&evidence).unwrap_err(),
            JudgeError::OtherEntries {
                before: LeafIndex::new(last as u64)
            },
            "entry {at}"
        );
    }
    let decide = |count: usize| {
        let Ok(Decision::NeedsEntries(mut judge)) = verify(&evidence) else {
            panic!("entries decide");
        };
        for entry in &lying.0[..count] {
            judge.take(entry);
        }
        judge.decide()
    };
    for count in [0, 1, last - 1, last + 1] {
        let counted = decide(count);
        assert!(matches!(counted, Err(JudgeError::Count { .. })), "{count}");
    }
    assert!(decide(last).is_ok());
}

#[test]
fn other_rules_are_not_judged() {
    let honest = Entries::honest();
    let genesis = String::from_utf8(honest.0[0].clone()).unwrap();
    let later = honest.with(0, genesis.replace("state/0.2", "state/0.3").as_bytes());
    let last = *later.heads().last().unwrap();
    assert!(matches!(
        later.wrong_head(last),
        Err(JudgeError::Genesis { .. })
    ));
}

#[test]
fn claims_fit_the_entry_they_are_about() {
    let honest = Entries::honest();
    let (head, event) = (honest.heads()[1], honest.events()[1]);
    assert_eq!(
        Evidence::wrong_head(&honest.entry(event)),
        Err(EvidenceError::NotAHead {
            index: LeafIndex::new(event as u64)
        })
    );
    assert_eq!(
        Evidence::bad_entry(&honest.entry(head)),
        Err(EvidenceError::IsAHead {
            index: LeafIndex::new(head as u64)
        })
    );
    for refused in [
        Evidence::wrong_head(&honest.entry(0)),
        Evidence::bad_entry(&honest.entry(0)),
    ] {
        assert_eq!(refused, Err(EvidenceError::Genesis));
    }
}

/// A file of evidence of one proof, sealed.
fn file(claim: &str, proofs: &[&TlogProof]) -> Vec<u8> {
    let mut text = format!(
        "labelproof-evidence/v1\nclaim {claim}\norigin {}\n",
        world::ORIGIN
    );
    for proof in proofs {
        text += &format!("proof {}\n", BASE64.encode(proof.to_bytes()));
    }
    let digest = hex::encode(Sha256::digest(&text));
    format!("{text}sha256 {digest}\n").into_bytes()
}

fn proof_of(entries: &Entries, at: usize) -> TlogProof {
    let index = LeafIndex::new(at as u64);
    let path = entries.tree().path(index).unwrap();
    let note = entries.checkpoint().note().clone();
    TlogProof::new(Some(entries.0[at].clone()), index, path, note).unwrap()
}

/// The proof with a bit flipped, a hash more, a hash less, another index, another entry, none.
fn wrong_proofs(proof: &TlogProof) -> Vec<TlogProof> {
    let make = |extra: Option<Vec<u8>>, index: u64, path: Vec<NodeHash>| {
        TlogProof::new(extra, LeafIndex::new(index), path, proof.note().clone()).unwrap()
    };
    let (entry, index) = (proof.extra().map(<[u8]>::to_vec), proof.index().get());
    let path = proof.path();
    let mut wrong = vec![
        make(entry.clone(), index + 1, path.to_vec()),
        make(entry.clone(), index - 1, path.to_vec()),
        make(entry.clone(), u64::MAX, path.to_vec()),
        make(entry.clone(), index, path[1..].to_vec()),
        make(entry.clone(), index, path[..path.len() - 1].to_vec()),
        make(None, index, path.to_vec()),
        make(Some(Vec::new()), index, path.to_vec()),
    ];
    let mut longer = path.to_vec();
    longer.push(NodeHash::from_bytes([0; 32]));
    wrong.push(make(entry.clone(), index, longer));
    for at in 0..path.len() {
        let mut bytes = *path[at].as_bytes();
        bytes[at] ^= 1;
        let mut flipped = path.to_vec();
        flipped[at] = NodeHash::from_bytes(bytes);
        wrong.push(make(entry.clone(), index, flipped));
    }
    let mut other = entry.unwrap();
    other[40] ^= 1;
    wrong.push(make(Some(other), index, path.to_vec()));
    wrong
}

#[test]
fn wrong_proofs_are_refused() {
    let honest = Entries::honest();
    let heads = honest.heads();
    let last = *heads.last().unwrap();
    let event = *honest.events().last().unwrap();
    let lying = honest.with_line(last, 8, "1");
    let (earlier, later) = (proof_of(&lying, heads[1]), proof_of(&lying, last));
    let bad = proof_of(
        &honest.with(
            event,
            b"junk of more than forty bytes, so that one of them can be changed",
        ),
        event,
    );
    let right = |bytes: &[u8]| verify(&Evidence::parse(bytes).unwrap()).is_ok();
    assert!(right(&file("back-dated", &[&earlier, &later])));
    assert!(right(&file("wrong-head", &[&later])));
    assert!(right(&file("bad-entry", &[&bad])));
    for wrong in wrong_proofs(&earlier) {
        assert!(!right(&file("back-dated", &[&wrong, &later])));
    }
    for wrong in wrong_proofs(&later) {
        assert!(!right(&file("back-dated", &[&earlier, &wrong])));
        assert!(!right(&file("wrong-head", &[&wrong])));
    }
    for wrong in wrong_proofs(&bad) {
        assert!(!right(&file("bad-entry", &[&wrong])));
    }
    assert!(!right(&file("back-dated", &[&later, &earlier])));
    for (claim, proofs) in [
        ("back-dated", vec![&later]),
        ("back-dated", vec![&earlier, &later, &later]),
        ("wrong-head", vec![]),
        ("wrong-head", vec![&later, &later]),
        ("bad-entry", vec![&bad, &bad]),
        ("fork", vec![&later]),
    ] {
        assert!(Evidence::parse(&file(claim, &proofs)).is_err(), "{claim}");
    }
    // Another key of the same name accuses nobody.
    let other = stranger(world::ORIGIN);
    let evidence = Evidence::parse(&file("back-dated", &[&earlier, &later])).unwrap();
    assert!(matches!(
        evidence.verify(slice::from_ref(other.vkey())),
        Err(EvidenceError::Checkpoint(_))
    ));
}

#[test]
fn no_changed_byte_is_evidence() {
    let honest = Entries::honest();
    let (first, last) = (honest.heads()[0], *honest.heads().last().unwrap());
    let lying = honest.with_line(last, 8, "1");
    let files = [
        lying.back_dated(first, last).unwrap().to_bytes(),
        Evidence::wrong_head(&lying.entry(last)).unwrap().to_bytes(),
        Evidence::bad_entry(&lying.entry(last - 1))
            .unwrap()
            .to_bytes(),
    ];
    for file in files {
        assert!(Evidence::parse(&file).is_ok());
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(Evidence::parse(&changed).is_err(), "byte {at}");
        }
        for cut in 0..file.len() {
            assert!(Evidence::parse(&file[..cut]).is_err(), "first {cut} bytes");
        }
    }
}
