//! What a bundle proves: fed in one piece, with every byte changed, with parts missing, under wrong heads.

use labelproof_core::bundle::{Answer, Answers, Bundle, BundleChunk, BundleEntry};
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::event::Kind;
use labelproof_core::merkle::{LeafHash, LeafIndex, NodeHash, WholeTree};
use labelproof_core::policy::QuorumError;
use labelproof_core::state::head::{StateHead, StateRoots};
use labelproof_core::state::map::proof::Sibling;
use labelproof_core::state::record::Status;
use labelproof_core::status::{
    self, Failure, Finding, NotProved, Step, Trusted, Unverified, VerifiedBundle,
};
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;
use serde_json::json;

use crate::ledger::{self, Ledger, WITNESSES, now, policy, subject};
use crate::world::{self, key};

const LABEL: &str = "jp.jc-star/EX-1";
const ISSUER: &str = "label.jp.example";

/// A log in which the label was suspended by its supervisor and the issuer has a second key.
fn sample() -> Ledger {
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

/// The answer in one comparable piece.
fn verdict(verified: &VerifiedBundle, of: &str) -> String {
    match verified.find(&subject(of)) {
        Ok(Finding::Label(label)) => format!(
            "{:?} {:?} since {} issued at {} by {} until {:?}, {:?}, as of {}",
            label.status(),
            label.reason(),
            label.since(),
            label.record().first_index(),
            label.issuer(),
            label.not_after(),
            label.cut_off(),
            verified.as_of()
        ),
        Ok(Finding::Subject(found)) => format!(
            "{:?} cut {:?}, as of {}",
            found.status(),
            found.cut(),
            verified.as_of()
        ),
        Ok(Finding::Absent) => format!("absent as of {}", verified.as_of()),
        Ok(other) => panic!("{other:?}"),
        Err(NotProved) => "not proved".to_owned(),
    }
}

/// What changed bytes say of a subject; an error, or nothing about it, is no answer.
fn answer(ledger: &Ledger, bytes: &[u8], of: &str) -> Option<String> {
    let bundle = Bundle::parse(bytes).ok()?;
    let verified = ledger.verify_parsed(&bundle).ok()?;
    verified
        .find(&subject(of))
        .is_ok()
        .then(|| verdict(&verified, of))
}

#[test]
fn checks_are_told_in_order() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    let verified = ledger.verify(&bundle).unwrap();
    let steps: Vec<Step> = verified.checks().iter().map(status::Check::step).collect();
    assert!(steps.is_sorted());
    for step in [
        Step::Log,
        Step::Quorum,
        Step::Head,
        Step::Map,
        Step::Authenticity,
        Step::CutOff,
    ] {
        assert!(steps.contains(&step), "{step:?}");
    }
    assert_eq!(verified.labels().count(), 1);
    assert_eq!(verified.as_of(), now());
    assert_eq!(verified.state().size().get(), ledger.entries.len() as u64);
    let issue = verified.labels().next().unwrap().record().first_index();
    assert_eq!(
        verified.event(issue).unwrap().event().kind(),
        Kind::LabelIssue
    );
}

#[test]
fn bundle_holds_a_label_with_all_that_it_hangs_on() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    let names: Vec<String> = bundle
        .answers()
        .iter()
        .map(|(name, _)| name.to_string())
        .collect();
    let want = [
        "label jp.jc-star EX-1",
        "authority label.jp.example",
        "authority watch.jp.example",
        "scheme jp.jc-star",
        "member jp",
    ];
    assert_eq!(names, want);
    let bytes = bundle.to_bytes().len();
    assert!(bytes < 16 * 1024, "{bytes} bytes");
}

#[test]
fn no_changed_byte_turns_one_verdict_into_another() {
    let mut ledger = sample();
    // Every byte would take minutes; each of these steps meets every kind of line, and all residues in base64.
    for (of, step) in [
        (LABEL, 7),
        ("jp.jc-star/EX-9", 11),
        ("de.unknown/EX-1", 5),
        ("authority:label.jp.example", 23),
    ] {
        let bundle = ledger.bundle(of).to_bytes();
        let want = answer(&ledger, &bundle, of);
        assert!(want.is_some());
        for at in (0..bundle.len()).step_by(step) {
            let mut changed = bundle.clone();
            changed[at] ^= 1 << (at % 7);
            let got = answer(&ledger, &changed, of);
            assert!(got.is_none() || got == want, "byte {at} of {of}: {got:?}");
        }
    }
}

#[test]
fn no_missing_or_doubled_line_turns_one_verdict_into_another() {
    let mut ledger = sample();
    for of in [LABEL, "jp.jc-star/EX-9", "scheme:jp.jc-star"] {
        let bundle = String::from_utf8(ledger.bundle(of).to_bytes()).unwrap();
        let want = answer(&ledger, bundle.as_bytes(), of);
        assert!(want.is_some());
        let lines: Vec<&str> = bundle.split_inclusive('\n').collect();
        for at in 0..lines.len() {
            let (mut without, mut twice, mut swapped) =
                (lines.clone(), lines.clone(), lines.clone());
            without.remove(at);
            twice.insert(at, lines[at]);
            swapped.swap(at, (at + 1) % lines.len());
            for changed in [without, twice, swapped] {
                let got = answer(&ledger, changed.concat().as_bytes(), of);
                assert!(got.is_none() || got == want, "line {at} of {of}: {got:?}");
            }
        }
    }
}

#[test]
fn bundle_of_another_label_proves_nothing_about_this_one() {
    let mut ledger = sample();
    let bundle = ledger.bundle("jp.jc-star/EX-2");
    let verified = ledger.verify(&bundle).unwrap();
    assert_eq!(verified.find(&subject(LABEL)).unwrap_err(), NotProved);
    assert_eq!(
        verified.find(&subject("us.mark/EX-1")).unwrap_err(),
        NotProved
    );
    assert_eq!(
        verified
            .find(&subject("authority:nobody.jp.example"))
            .unwrap_err(),
        NotProved
    );
}

/// Rebuilds a bundle with other entries and answers.
fn rebuilt(bundle: &Bundle, entries: Vec<BundleEntry>, answers: Vec<Answer>) -> Bundle {
    Bundle::new(
        entries,
        Answers::Each(answers),
        bundle.chunks().to_vec(),
        bundle.proof().clone(),
    )
    .unwrap()
}

fn answers(bundle: &Bundle) -> Vec<Answer> {
    match bundle.answers() {
        Answers::Each(answers) => answers.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_entry_and_every_record_is_needed() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    for at in 0..bundle.entries().len() - 1 {
        let mut entries = bundle.entries().to_vec();
        entries.remove(at);
        let error = ledger
            .verify_parsed(&rebuilt(&bundle, entries, answers(&bundle)))
            .unwrap_err();
        assert_ne!(error.failure(), Failure::Malformed, "{error}");
    }
    for at in 0..answers(&bundle).len() {
        let mut fewer = answers(&bundle);
        fewer.remove(at);
        let error = ledger
            .verify_parsed(&rebuilt(&bundle, bundle.entries().to_vec(), fewer))
            .unwrap_err();
        assert_eq!(error.failure(), Failure::Proof, "{error}");
    }
}

#[test]
fn hidden_withdrawal_of_the_issuer_is_noticed() {
    let mut ledger = sample();
    let before = ledger.bundle(LABEL);
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    ledger.accept(&world::withdraw(ISSUER, &json!("all"), newest));
    let after = ledger.bundle(LABEL);
    // The new records with the old entries: the withdrawal left out.
    let mut entries: Vec<BundleEntry> = before.entries()[..before.entries().len() - 1].to_vec();
    entries.push(after.head_entry().clone());
    let error = ledger
        .verify_parsed(&rebuilt(&after, entries, answers(&after)))
        .unwrap_err();
    assert!(matches!(error, Unverified::OtherRecord { .. }), "{error}");
    assert!(ledger.verify_parsed(&after).is_ok());
}

#[test]
fn entry_that_no_record_vouches_for_is_refused() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    let tree = ledger.tree();
    // EX-2's issue is in the log, and proved so, but belongs to none of the records.
    let index = ledger
        .state
        .subject_indices(&subject("jp.jc-star/EX-2"))
        .unwrap()[0];
    let bytes = ledger.entries[usize::try_from(index.get()).unwrap()].clone();
    for path in [Vec::new(), tree.path(index).unwrap()] {
        let mut entries = bundle.entries().to_vec();
        entries.push(BundleEntry::new(index, bytes.clone(), path).unwrap());
        entries.sort_by_key(BundleEntry::index);
        let error = ledger
            .verify_parsed(&rebuilt(&bundle, entries, answers(&bundle)))
            .unwrap_err();
        assert_eq!(error, Unverified::UnusedEntry { index });
    }
}

#[test]
fn map_proofs_are_fed_with_everything_wrong() {
    let mut ledger = sample();
    for of in [LABEL, "jp.jc-star/EX-9"] {
        let bundle = ledger.bundle(of);
        let all = answers(&bundle);
        for at in 0..all.len() {
            let siblings = |answer: &mut Answer| match answer {
                Answer::Present { siblings, .. } | Answer::Absent { siblings, .. } => {
                    std::mem::take(siblings)
                }
                other => panic!("{other:?}"),
            };
            let with = |changed: Vec<Sibling>| {
                let mut answers = all.clone();
                match &mut answers[at] {
                    Answer::Present { siblings, .. } | Answer::Absent { siblings, .. } => {
                        *siblings = changed
                    }
                    other => panic!("{other:?}"),
                }
                ledger
                    .verify_parsed(&rebuilt(&bundle, bundle.entries().to_vec(), answers))
                    .map(|_| ())
            };
            let honest = siblings(&mut all[at].clone());
            assert_eq!(with(honest.clone()), Ok(()));
            let mut fewer = honest.clone();
            let last = fewer.pop().unwrap();
            let mut more = honest.clone();
            more.push(last);
            for wrong in [fewer, more] {
                assert!(matches!(with(wrong).unwrap_err(), Unverified::Map(_)));
            }
        }
    }
}

#[test]
fn head_proof_is_fed_with_everything_wrong() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    let proof = bundle.proof();
    let with = |index: LeafIndex, path: Vec<NodeHash>| {
        let proof = TlogProof::new(None, index, path, proof.note().clone()).unwrap();
        let origin = world::origin();
        let policy = policy();
        let trusted = Trusted {
            origin: &origin,
            genesis: ledger.state.genesis_hash(),
            policy: &policy,
        };
        status::ProvenState::open(&proof, bundle.head_entry().bytes(), &trusted, now()).map(|_| ())
    };
    assert_eq!(with(proof.index(), proof.path().to_vec()), Ok(()));
    for at in 0..proof.path().len() {
        let mut path = proof.path().to_vec();
        let mut bytes = *path[at].as_bytes();
        bytes[at % 32] ^= 1;
        path[at] = NodeHash::from_bytes(bytes);
        assert!(matches!(
            with(proof.index(), path),
            Err(Unverified::Inclusion(_))
        ));
    }
    let mut fewer = proof.path().to_vec();
    fewer.pop();
    let mut more = proof.path().to_vec();
    more.push(NodeHash::from_bytes([0; 32]));
    for path in [fewer, more] {
        assert!(matches!(
            with(proof.index(), path),
            Err(Unverified::Inclusion(_))
        ));
    }
    let lower = LeafIndex::new(proof.index().get() - 1);
    assert!(matches!(
        with(lower, proof.path().to_vec()),
        Err(Unverified::NotTheLastEntry { .. })
    ));
}

#[test]
fn older_head_under_a_newer_checkpoint_is_refused() {
    let mut ledger = sample();
    ledger.close();
    let (head, view) = ledger.heads.last().unwrap().clone();
    ledger.accept(&world::revoke(LABEL, None, ISSUER));
    ledger.close();
    let checkpoint = ledger.checkpoint(&WITNESSES);
    let path = ledger.tree().path(head.index()).unwrap();
    let proof = TlogProof::new(None, head.index(), path, checkpoint.note().clone()).unwrap();
    let bundle = status::build(&view, &ledger, &subject(LABEL), &head, proof).unwrap();
    let error = ledger.verify(&bundle).unwrap_err();
    assert_eq!(
        (
            error.failure(),
            matches!(error, Unverified::NotTheLastEntry { .. })
        ),
        (Failure::Proof, true)
    );
    // A head and a view that are not of one moment do not even make a bundle.
    let (newer, _) = ledger.heads.last().unwrap();
    let proof = ledger.head_proof(&checkpoint);
    let error = status::build(&view, &ledger, &subject(LABEL), newer, proof).unwrap_err();
    assert_eq!(error, status::BuildError::OtherHead);
}

/// A one-entry tree with this entry last, witnessed.
fn proof_of(entry: &[u8], before: &[Vec<u8>], witnesses: &[&str]) -> TlogProof {
    let leaves = before
        .iter()
        .map(Vec::as_slice)
        .chain([entry])
        .map(LeafHash::of_entry);
    let tree = WholeTree::new(leaves);
    let checkpoint = ledger::checkpoint(&Checkpoint::new(world::origin(), tree.head()), witnesses);
    let index = LeafIndex::new(before.len() as u64);
    TlogProof::new(
        None,
        index,
        tree.path(index).unwrap(),
        checkpoint.note().clone(),
    )
    .unwrap()
}

#[test]
fn heads_of_another_log_genesis_place_or_function_are_refused() {
    let ledger = sample();
    let index = ledger.state.next_index();
    let view = ledger.state.view();
    let roots = StateRoots {
        map_root: view.map().root(),
        list_root: view.list().root(),
        issues: 2,
    };
    let (origin, genesis, policy) = (world::origin(), ledger.state.genesis_hash(), policy());
    let trusted = Trusted {
        origin: &origin,
        genesis,
        policy: &policy,
    };
    let open = |entry: &[u8]| {
        let proof = proof_of(entry, &ledger.entries, &WITNESSES);
        status::ProvenState::open(&proof, entry, &trusted, now()).map(|_| ())
    };
    let head = |origin: &str, genesis, index| {
        StateHead::new(origin.parse().unwrap(), genesis, index, roots, 0).to_bytes()
    };
    assert_eq!(open(&head(world::ORIGIN, genesis, index)), Ok(()));
    assert!(matches!(
        open(&head("other.example", genesis, index)),
        Err(Unverified::OtherHead { .. })
    ));
    let elsewhere = LeafIndex::new(index.get() - 1);
    assert!(matches!(
        open(&head(world::ORIGIN, genesis, elsewhere)),
        Err(Unverified::OtherHead { .. })
    ));
    let other = LeafHash::from_bytes([3; 32]);
    assert!(matches!(
        open(&head(world::ORIGIN, other, index)),
        Err(Unverified::OtherGenesis { .. })
    ));
    assert!(matches!(
        open(ledger.entries.last().unwrap()),
        Err(Unverified::Head(_))
    ));
    let text = String::from_utf8(head(world::ORIGIN, genesis, index)).unwrap();
    let error = open(text.replace("state/0.1", "state/0.2").as_bytes()).unwrap_err();
    assert_eq!(
        (error.failure(), matches!(error, Unverified::Rules(_))),
        (Failure::Malformed, true)
    );
}

#[test]
fn quorum_and_log_key_decide_first() {
    let mut ledger = sample();
    ledger.close();
    let entry = ledger.entries.last().unwrap();
    let (origin, genesis, policy) = (world::origin(), ledger.state.genesis_hash(), policy());
    let trusted = Trusted {
        origin: &origin,
        genesis,
        policy: &policy,
    };
    let open = |signed: &SignedCheckpoint, now: Time| {
        status::ProvenState::open(&ledger.head_proof(signed), entry, &trusted, now)
    };
    let error = open(&ledger.checkpoint(&WITNESSES[..4]), now()).unwrap_err();
    assert!(matches!(
        error,
        Unverified::Quorum(QuorumError::NotMet { counted: 4, .. })
    ));
    assert_eq!(error.failure(), Failure::Signature);
    // One witness, as often as you like, is one.
    let mut signed = ledger.checkpoint(&WITNESSES[..4]);
    let key = world::witness_key("ca");
    let line = cosign(
        &key,
        signed.note().text(),
        CosignatureTime::new(now().unix() - 1).unwrap(),
    );
    signed = signed.with_cosignature(key.vkey(), line).unwrap();
    assert!(matches!(
        open(&signed, now()),
        Err(Unverified::Quorum(QuorumError::NotMet { .. }))
    ));
    // Timestamps over 300 s ahead of the reader's clock do not count.
    let five = ledger.checkpoint(&WITNESSES);
    assert!(open(&five, Time::from_unix(now().unix() - 300).unwrap()).is_ok());
    assert!(open(&five, Time::from_unix(now().unix() - 301).unwrap()).is_err());
    // Another log's key.
    let stranger = ledger::stranger(world::ORIGIN);
    let checkpoint = Checkpoint::new(world::origin(), ledger.tree().head());
    let error = open(&SignedCheckpoint::sign(&checkpoint, &stranger), now()).unwrap_err();
    assert!(matches!(error, Unverified::Checkpoint(_)), "{error}");
    assert_eq!(error.failure(), Failure::Signature);
}

#[test]
fn list_chunk_is_checked_with_the_label_it_belongs_to() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    let mut list = ledger.heads.last().unwrap().1.list().clone();
    list.extend_to(bundle.proof().index().get());
    let chunk = BundleChunk {
        number: 0,
        chunk: list.chunk(0).unwrap().clone(),
        path: list.path(0).unwrap(),
    };
    let with = |bundle: &Bundle, chunk: BundleChunk| {
        let answers = bundle.answers().clone();
        let bundle = Bundle::new(
            bundle.entries().to_vec(),
            answers,
            vec![chunk],
            bundle.proof().clone(),
        )
        .unwrap();
        ledger.verify_parsed(&bundle).map(|_| ())
    };
    assert_eq!(with(&bundle, chunk.clone()), Ok(()));
    let zeros = BundleChunk {
        chunk: labelproof_core::state::list::Chunk::zeros(),
        ..chunk.clone()
    };
    assert!(matches!(with(&bundle, zeros), Err(Unverified::List(_))));
    assert!(matches!(
        with(
            &bundle,
            BundleChunk {
                number: 1,
                ..chunk.clone()
            }
        ),
        Err(Unverified::List(_))
    ));
    let absence = ledger.bundle_now("jp.jc-star/EX-9");
    assert_eq!(
        with(&absence, chunk),
        Err(Unverified::UnusedChunk { number: 0 })
    );
}

#[test]
fn state_that_the_function_does_not_give_is_noticed() {
    // A log that writes "active" where the function gives "suspended", and signs it.
    let mut ledger = sample();
    ledger.close();
    let (head, view) = ledger.heads.last().unwrap().clone();
    let name = labelproof_core::state::key::MapName::label(
        "jp.jc-star",
        &labelproof_core::state::key::canonical_id(
            labelproof_core::state::key::IdRule::Upper,
            "EX-1",
        )
        .unwrap(),
    );
    let name = name.unwrap();
    let mut record = view.record(&name).unwrap();
    record.set_status(Status::Active, 0);
    let mut map = view.map().clone();
    map.insert(name.key(), &record.to_bytes());
    let roots = StateRoots {
        map_root: map.root(),
        list_root: head.list_root(),
        issues: head.issues(),
    };
    let lie = StateHead::new(
        world::origin(),
        head.genesis(),
        head.index(),
        roots,
        head.clock_ms(),
    );
    let entries = &ledger.entries[..ledger.entries.len() - 1];
    let proof = proof_of(&lie.to_bytes(), entries, &WITNESSES);
    let honest = ledger.bundle_now(LABEL);
    let mut entries: Vec<BundleEntry> = honest.entries().to_vec();
    *entries.last_mut().unwrap() =
        BundleEntry::new(lie.index(), lie.to_bytes(), Vec::new()).unwrap();
    let answers = honest
        .answers()
        .iter()
        .map(|(name, _)| match map.prove(&name.key()) {
            labelproof_core::state::map::proof::MapProof::Inclusion { record, siblings } => {
                Answer::Present {
                    record: labelproof_core::state::record::Record::from_bytes(
                        name.kind(),
                        &record,
                    )
                    .unwrap(),
                    name: name.clone(),
                    siblings,
                }
            }
            other => panic!("{other:?}"),
        });
    let bundle = Bundle::new(entries, Answers::Each(answers.collect()), Vec::new(), proof).unwrap();
    let error = ledger.verify_parsed(&bundle).unwrap_err();
    assert_eq!(error, Unverified::OtherRecord { name });
}

#[test]
fn log_that_logs_what_nobody_signed_is_noticed() {
    // The log's own state takes an issue by a key that never was; the reader replays and refuses.
    let mut honest = Ledger::founded();
    honest.accept(&world::accredit(
        "second.jp.example",
        &["issuer"],
        &["jp.jc-star"],
    ));
    let mut lying = Ledger::founded();
    lying.accept(&world::accredit(
        "second.jp.example",
        &["issuer"],
        &["jp.jc-star"],
    ));
    let issue = world::issue(LABEL, "second.jp.example");
    lying.accept(&issue);
    let bundle = lying.bundle(LABEL);
    assert!(lying.verify(&bundle).is_ok());
    // The same bundle with the issuer's signature taken from somewhere else.
    let forged = world::sign(
        labelproof_core::note::Note::parse(&issue).unwrap().text(),
        &[&key("second.de.example")],
    );
    let entries = bundle.entries().iter().map(|entry| {
        let bytes = if entry.bytes() == issue {
            forged.clone()
        } else {
            entry.bytes().to_vec()
        };
        BundleEntry::new(entry.index(), bytes, Vec::new()).unwrap()
    });
    let error = honest
        .verify_parsed(&rebuilt(&bundle, entries.collect(), answers(&bundle)))
        .unwrap_err();
    assert_eq!(error.failure(), Failure::Signature, "{error}");
}
