//! Products and printed ids: what a bundle proves of all labels that name one, and what no change of it can prove.

use labelproof_core::event::{Gtin14, Kind, SchemeId};
use labelproof_core::state::record::Status;
use labelproof_core::status::{Binding, Finding, Grade, NotProved, Unverified, VerifiedBundle};
use serde_json::json;

use crate::ledger::{ISSUER, LABEL, Ledger, now, subject};
use crate::world::{self, key};

/// The product of the samples, and another one.
pub(crate) const GTIN: &str = "09521234001010";
pub(crate) const OTHER: &str = "09521234001027";
const GERMAN: &str = "de.it-sik/EX-1";
const GERMAN_ISSUER: &str = "label.de.example";
const SINGAPORE: &str = "sg.cls/EX-1";

pub(crate) fn gtin(text: &str) -> Gtin14 {
    text.parse().unwrap()
}

pub(crate) fn bind(ledger: &mut Ledger, kind: Kind, label: &str, gtin: &str, by: &str) -> u64 {
    let draft = json!({
        "subject": label, "decided_at": "2026-08-02T00:00:00Z",
        "reason": { "code": "clerical-error" },
        "body": { "gtins": [gtin], "models": [] },
    });
    let prev = ledger.newest(label);
    let (index, _) = ledger.accept(&world::entry(kind, &draft, Some(prev), &[&key(by)]));
    index.get()
}

pub(crate) fn renew(ledger: &mut Ledger, label: &str, alias: &str, by: &str) -> u64 {
    let draft = json!({
        "subject": label, "decided_at": "2026-08-03T00:00:00Z",
        "body": { "valid_until": "2030-02-03T00:00:00Z", "aliases": [alias] },
    });
    let prev = ledger.newest(label);
    let (index, _) = ledger.accept(&world::entry(
        Kind::LabelRenew,
        &draft,
        Some(prev),
        &[&key(by)],
    ));
    index.get()
}

/// A product with a revoked, a renewed and a suspended label, of three schemes.
pub(crate) fn shelf() -> Ledger {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    ledger.accept(&world::issue(GERMAN, GERMAN_ISSUER));
    ledger.accept(&world::issue(SINGAPORE, "label.sg.example"));
    ledger.accept(&world::revoke(LABEL, None, "watch.jp.example"));
    renew(&mut ledger, GERMAN, "EX 1/r1", GERMAN_ISSUER);
    ledger.accept(&world::suspend(
        SINGAPORE,
        "2026-05-11T08:00:00Z",
        None,
        "label.sg.example",
    ));
    ledger
}

/// A product in one comparable piece.
fn verdict(verified: &VerifiedBundle, of: &str) -> String {
    match verified.product(&gtin(of)) {
        Ok(product) => format!("{:?}", product.labels()),
        Err(NotProved) => "not proved".to_owned(),
    }
}

#[test]
fn product_with_labels_of_three_schemes_is_as_bad_as_the_worst() {
    let mut ledger = shelf();
    let verified = ledger.product(GTIN);
    let product = verified.product(&gtin(GTIN)).unwrap();
    let labels: Vec<(String, Status, Grade)> = product
        .labels()
        .iter()
        .map(|one| {
            let label = one.label();
            (label.label().to_string(), label.status(), one.grade(now()))
        })
        .collect();
    assert_eq!(
        labels,
        [
            (LABEL.to_owned(), Status::Revoked, Grade::Ended),
            (GERMAN.to_owned(), Status::Active, Grade::InForce),
            (SINGAPORE.to_owned(), Status::Suspended, Grade::Suspended),
        ]
    );
    let renewed = product.labels()[1].label();
    assert_eq!(
        renewed.not_after().unwrap().to_string(),
        "2030-02-03T00:00:00Z"
    );
    let (grade, worst) = product.decisive(now()).unwrap();
    assert_eq!(
        (grade, worst.label().label().to_string().as_str()),
        (Grade::Ended, LABEL)
    );
    assert!(product.labels().iter().all(|one| one.binding().is_bound()));
}

#[test]
fn printed_id_of_a_renewal_leads_to_its_label() {
    let mut ledger = shelf();
    let scheme: SchemeId = "de.it-sik".parse().unwrap();
    let verified = ledger.printed("de.it-sik", "ex 1/R1");
    let alias = verified.alias(&scheme, "EX1/r1").unwrap();
    let names: Vec<String> = alias
        .labels()
        .iter()
        .map(|one| one.label().to_string())
        .collect();
    assert_eq!(names, [GERMAN]);
    assert_eq!(alias.decisive(now()).unwrap().0, Grade::InForce);
    assert_eq!(verified.alias(&scheme, "EX-2").unwrap_err(), NotProved);

    let verified = ledger.printed("de.it-sik", "EX-1");
    assert_eq!(verified.alias(&scheme, "ex-1").unwrap().labels().len(), 1);
    let verified = ledger.printed("de.it-sik", "EX-77");
    assert!(
        verified
            .alias(&scheme, "EX-77")
            .unwrap()
            .labels()
            .is_empty()
    );
    let verified = ledger.printed("de.none", "EX-77");
    assert!(
        verified
            .alias(&"de.none".parse().unwrap(), "x")
            .unwrap()
            .labels()
            .is_empty()
    );
}

#[test]
fn absent_label_may_be_the_printed_id_of_another() {
    let mut ledger = shelf();
    renew(&mut ledger, GERMAN, "EX-1-R2", GERMAN_ISSUER);
    let bundle = ledger.bundle("de.it-sik/EX-1-R2");
    let verified = ledger.verify(&bundle).unwrap();
    let Ok(Finding::Index(index)) = verified.find(&subject("de.it-sik/ex-1-r2")) else {
        panic!("the printed id is an answer");
    };
    assert_eq!(index.events().len(), 1);
    assert!(matches!(
        ledger.finding("de.it-sik/EX-1-R3"),
        Finding::Absent
    ));
}

#[test]
fn absence_of_a_label_needs_that_of_the_printed_id() {
    let mut ledger = shelf();
    let bundle = String::from_utf8(ledger.bundle("de.it-sik/EX-9").to_bytes()).unwrap();
    let lines: Vec<&str> = bundle.split_inclusive('\n').collect();
    let start = lines
        .iter()
        .position(|line| line.starts_with("absent alias"))
        .unwrap();
    let end = start
        + 1
        + lines[start + 1..]
            .iter()
            .take_while(|line| line.starts_with("sib"))
            .count();
    let without = [&lines[..start], &lines[end..]].concat().concat();
    let verified = ledger.verify_bytes(without.as_bytes()).unwrap();
    assert_eq!(
        verified.find(&subject("de.it-sik/EX-9")).unwrap_err(),
        NotProved
    );
}

#[test]
fn unbound_label_does_not_count_and_a_bound_one_does() {
    let mut ledger = shelf();
    let bound = bind(&mut ledger, Kind::LabelBind, GERMAN, OTHER, GERMAN_ISSUER);
    let verified = ledger.product(OTHER);
    let product = verified.product(&gtin(OTHER)).unwrap();
    assert_eq!(product.labels().len(), 1);
    assert!(matches!(product.labels()[0].binding(), Binding::Bound(at) if at.get() == bound));

    let freed = bind(&mut ledger, Kind::LabelUnbind, GERMAN, OTHER, GERMAN_ISSUER);
    let verified = ledger.product(OTHER);
    let product = verified.product(&gtin(OTHER)).unwrap();
    assert!(matches!(product.labels()[0].binding(), Binding::Unbound(at) if at.get() == freed));
    assert!(product.decisive(now()).is_none());
    assert_eq!(product.counting().count(), 0);

    bind(&mut ledger, Kind::LabelBind, GERMAN, OTHER, GERMAN_ISSUER);
    let verified = ledger.product(OTHER);
    assert_eq!(
        verified.product(&gtin(OTHER)).unwrap().counting().count(),
        1
    );
}

#[test]
fn superseded_label_does_not_count_beside_its_successor() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let mut draft = world::issue_draft("jp.jc-star/EX-2");
    draft["body"]["supersedes"] = json!(LABEL);
    ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&key(ISSUER)],
    ));
    let verified = ledger.product(GTIN);
    let product = verified.product(&gtin(GTIN)).unwrap();
    assert_eq!(product.labels().len(), 2);
    assert_eq!(product.counting().count(), 1);
    assert_eq!(product.decisive(now()).unwrap().0, Grade::InForce);

    // Once the successor no longer covers the product, the old label's end is what remains to be said.
    bind(
        &mut ledger,
        Kind::LabelUnbind,
        "jp.jc-star/EX-2",
        GTIN,
        ISSUER,
    );
    let verified = ledger.product(GTIN);
    let product = verified.product(&gtin(GTIN)).unwrap();
    assert_eq!(product.decisive(now()).unwrap().0, Grade::Ended);
}

#[test]
fn binding_by_a_thief_is_seen_as_such() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let stolen = bind(&mut ledger, Kind::LabelBind, LABEL, OTHER, ISSUER);
    crate::cutoff::revoke_key(
        &mut ledger,
        ISSUER,
        Some(labelproof_core::merkle::LeafIndex::new(stolen)),
    );
    let verified = ledger.product(OTHER);
    let product = verified.product(&gtin(OTHER)).unwrap();
    let one = &product.labels()[0];
    assert!(matches!(one.binding(), Binding::BoundInDoubt(at) if at.get() == stolen));
    assert!(one.is_tainted());
    assert_eq!(product.decisive(now()).unwrap().0, Grade::InDoubt);
    let verified = ledger.product(GTIN);
    let product = verified.product(&gtin(GTIN)).unwrap();
    assert!(matches!(product.labels()[0].binding(), Binding::Bound(_)));
}

#[test]
fn renewal_by_a_thief_is_worth_a_doubt_at_best() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let stolen = renew(&mut ledger, LABEL, "EX-1-R", ISSUER);
    crate::cutoff::revoke_key(
        &mut ledger,
        ISSUER,
        Some(labelproof_core::merkle::LeafIndex::new(stolen)),
    );
    let verified = ledger.product(GTIN);
    let product = verified.product(&gtin(GTIN)).unwrap();
    let label = product.labels()[0].label();
    assert_eq!(
        label.not_after().unwrap().to_string(),
        "2030-02-03T00:00:00Z"
    );
    assert_eq!(label.grade(now()), Grade::InDoubt);
    // Without the thief's renewal it has ended by then.
    assert_eq!(
        label.grade("2029-01-01T00:00:00Z".parse().unwrap()),
        Grade::Expired
    );
}

#[test]
fn product_that_nothing_names_is_proved_absent() {
    let mut ledger = shelf();
    let verified = ledger.product(OTHER);
    let product = verified.product(&gtin(OTHER)).unwrap();
    assert!(product.labels().is_empty() && product.decisive(now()).is_none());
    assert_eq!(verified.product(&gtin(GTIN)).unwrap_err(), NotProved);
}

#[test]
fn no_changed_byte_turns_one_product_into_another() {
    let mut ledger = shelf();
    bind(&mut ledger, Kind::LabelBind, GERMAN, OTHER, GERMAN_ISSUER);
    for (of, step) in [(GTIN, 37), (OTHER, 23), ("09521234001034", 5)] {
        let bytes = ledger.product_bundle(of).to_bytes();
        let want = verdict(&ledger.verify_bytes(&bytes).unwrap(), of);
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 7);
            if let Some(got) = ledger.verify_bytes(&changed) {
                let got = verdict(&got, of);
                assert!(
                    got == want || got == "not proved",
                    "byte {at} of {of}: {got}"
                );
            }
        }
    }
}

#[test]
fn no_missing_doubled_or_swapped_line_turns_one_product_into_another() {
    let mut ledger = shelf();
    bind(&mut ledger, Kind::LabelBind, GERMAN, OTHER, GERMAN_ISSUER);
    bind(&mut ledger, Kind::LabelUnbind, GERMAN, OTHER, GERMAN_ISSUER);
    for of in [GTIN, OTHER] {
        let bundle = String::from_utf8(ledger.product_bundle(of).to_bytes()).unwrap();
        let want = verdict(&ledger.verify_bytes(bundle.as_bytes()).unwrap(), of);
        let lines: Vec<&str> = bundle.split_inclusive('\n').collect();
        for at in 0..lines.len() {
            let (mut without, mut twice, mut swapped) =
                (lines.clone(), lines.clone(), lines.clone());
            without.remove(at);
            twice.insert(at, lines[at]);
            swapped.swap(at, (at + 1) % lines.len());
            for changed in [without, twice, swapped] {
                if let Some(got) = ledger.verify_bytes(changed.concat().as_bytes()) {
                    let got = verdict(&got, of);
                    assert!(
                        got == want || got == "not proved",
                        "line {at} of {of}: {got}"
                    );
                }
            }
        }
    }
}

#[test]
fn product_without_one_of_its_labels_or_events_proves_nothing() {
    let mut ledger = shelf();
    let bundle = String::from_utf8(ledger.product_bundle(GTIN).to_bytes()).unwrap();
    let without = |word: &str| {
        let mut skips = false;
        let kept = bundle.split_inclusive('\n').filter(|line| {
            skips = line.starts_with(word) || (skips && line.starts_with("sib"));
            !skips
        });
        kept.collect::<String>()
    };
    let refused = |text: String| ledger.verify_text(&text).unwrap_err();
    let error = refused(without("record label de.it-sik EX-1 "));
    assert!(
        matches!(
            error,
            Unverified::MissingRecord { .. } | Unverified::UnusedEntry { .. }
        ),
        "{error:?}"
    );
    let bind = ledger.entries.len() - 4;
    let issue = (0..bind)
        .find(|at| bundle.contains(&format!("entry {at} ")) && *at > 12)
        .unwrap();
    let error = refused(without(&format!("entry {issue} ")));
    assert!(!matches!(error, Unverified::Checkpoint(_)), "{error:?}");
}
