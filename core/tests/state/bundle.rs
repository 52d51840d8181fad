//! What a bundle proves: fed in one piece, with every byte changed, with parts missing, under wrong heads.

use labelproof_core::bundle::{Answer, Answers, Bundle, BundleChunk, BundleEntry};
use labelproof_core::event::Kind;
use labelproof_core::note::Note;
use labelproof_core::state::list::Chunk;
use labelproof_core::state::map::proof::Sibling;
use labelproof_core::status::{
    self, Failure, Finding, NotProved, Step, Unverified, VerifiedBundle,
};
use serde_json::json;

use crate::ledger::{ISSUER, LABEL, Ledger, now, sample, subject};
use crate::world::{self, key};

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
                        *siblings = changed;
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
        chunk: Chunk::zeros(),
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
        Note::parse(&issue).unwrap().text(),
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

#[test]
fn lines_under_the_names_of_others_do_not_swell_a_bundle() {
    let mut ledger = sample();
    let text = Note::parse(&world::issue("jp.jc-star/EX-3", ISSUER))
        .unwrap()
        .text()
        .to_owned();
    let near =
        ["label.de.example", "watch.us.example", "watch.jp.example"].map(crate::ledger::stranger);
    let own = key(ISSUER);
    let signers: Vec<_> = near.iter().chain([&own]).collect();
    ledger.accept(&world::sign(&text, &signers));
    let bundle = ledger.bundle("jp.jc-star/EX-3");
    assert_eq!(bundle.answers().iter().count(), 4);
    assert!(ledger.verify(&bundle).is_ok());
    // One that did sign comes along, with its member.
    let text = Note::parse(&world::issue("jp.jc-star/EX-4", ISSUER))
        .unwrap()
        .text()
        .to_owned();
    ledger.accept(&world::sign(&text, &[&key("label.de.example"), &own]));
    let bundle = ledger.bundle("jp.jc-star/EX-4");
    assert_eq!(bundle.answers().iter().count(), 6);
    assert!(ledger.verify(&bundle).is_ok());
}
