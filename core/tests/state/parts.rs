//! Parts that were kept: bundles made with them are those made without, under every head.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use labelproof_core::bundle::{Bundle, BundleError};
use labelproof_core::event::Subject;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::state::key::{MapKey, MapName};
use labelproof_core::status::{Opening, Part, ReadLog, build};
use labelproof_core::tlog_proof::TlogProof;
use serde_json::json;

use crate::ledger::{ISSUER, LABEL, Ledger, WITNESSES, sample, subject};
use crate::world;

/// A ledger whose reader keeps parts, and counts the entries it is asked for.
struct Keeping<'a> {
    ledger: &'a Ledger,
    parts: &'a RefCell<BTreeMap<MapName, Arc<Part>>>,
    reads: Cell<usize>,
}

impl ReadLog for Keeping<'_> {
    type Error = Infallible;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, Infallible> {
        self.reads.set(self.reads.get() + 1);
        self.ledger.entry(index)
    }

    fn events_of(&self, subject: &Subject, key: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        self.ledger.events_of(subject, key)
    }

    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        self.ledger.events_under(key)
    }

    fn kept(&self, name: &MapName) -> Option<Arc<Part>> {
        self.parts.borrow().get(name).cloned()
    }

    fn keep(&self, part: &Arc<Part>) {
        let kept = (part.name().clone(), part.clone());
        self.parts.borrow_mut().extend([kept]);
    }
}

fn opening(ledger: &Ledger) -> Opening {
    let (head, _) = ledger.heads.last().unwrap();
    let proof = ledger.head_proof(&ledger.checkpoint(&WITNESSES));
    Opening::new(head.clone(), proof).unwrap()
}

/// Makes a bundle with what was kept, compares it with the one made afresh, and gives how many entries were read.
fn reads_for(ledger: &Ledger, parts: &RefCell<BTreeMap<MapName, Arc<Part>>>, of: &str) -> usize {
    let keeping = Keeping {
        ledger,
        parts,
        reads: Cell::new(0),
    };
    let (_, view) = ledger.heads.last().unwrap();
    let bytes = build(view, &keeping, &subject(of), &opening(ledger)).unwrap();
    let fresh = ledger.bundle_now(of);
    assert_eq!(bytes, fresh.to_bytes(), "{of}");
    ledger
        .verify(&Bundle::parse(&bytes).unwrap())
        .expect("what was kept is proved under this head");
    keeping.reads.get()
}

#[test]
fn bundles_with_kept_parts_are_those_made_afresh_under_every_head() {
    let mut ledger = sample();
    ledger.close();
    let parts = RefCell::default();
    assert!(reads_for(&ledger, &parts, LABEL) > 2);
    // Its issue and its suspension; all others were kept.
    assert_eq!(reads_for(&ledger, &parts, LABEL), 2);
    assert_eq!(reads_for(&ledger, &parts, "jp.jc-star/EX-2"), 1);

    // Another head: no history of what was kept changed, so only proofs are made anew.
    ledger.accept(&world::issue("jp.jc-star/EX-3", ISSUER));
    ledger.close();
    assert_eq!(reads_for(&ledger, &parts, "jp.jc-star/EX-3"), 1);
    assert_eq!(reads_for(&ledger, &parts, "jp.jc-star/EX-404"), 0);

    // The issuer's history grew: its part is read again, those of scheme and member are not.
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let add = json!({ "add": world::further_key(ISSUER, 3).vkey().to_string() });
    ledger.accept(&world::change_key(ISSUER, &add, newest, &world::root("jp")));
    ledger.close();
    assert_eq!(reads_for(&ledger, &parts, "jp.jc-star/EX-3"), 1 + 3);
    for of in [
        &format!("authority:{ISSUER}"),
        "scheme:jp.jc-star",
        "member:jp",
    ] {
        assert_eq!(reads_for(&ledger, &parts, of), 0, "{of}");
    }
}

#[test]
fn a_kept_part_of_a_later_head_does_not_answer_for_an_earlier_one() {
    let mut ledger = sample();
    ledger.close();
    let (early, early_view) = ledger.heads.last().unwrap().clone();
    let early_opening = opening(&ledger);
    let early_bytes = ledger.bundle_now(LABEL).to_bytes();
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let add = json!({ "add": world::further_key(ISSUER, 3).vkey().to_string() });
    ledger.accept(&world::change_key(ISSUER, &add, newest, &world::root("jp")));
    ledger.close();
    let parts = RefCell::default();
    reads_for(&ledger, &parts, LABEL);
    let keeping = Keeping {
        ledger: &ledger,
        parts: &parts,
        reads: Cell::new(0),
    };
    let bytes = build(&early_view, &keeping, &subject(LABEL), &early_opening).unwrap();
    assert_eq!(bytes, early_bytes);
    assert_eq!(early_opening.head(), &early);
}

#[test]
fn an_opening_is_made_of_a_head_and_its_own_bare_proof() {
    let mut ledger = sample();
    let first = ledger.close();
    ledger.accept(&world::issue("jp.jc-star/EX-3", ISSUER));
    let head = ledger.close();
    let proof = ledger.head_proof(&ledger.checkpoint(&WITNESSES));
    assert_eq!(
        Opening::new(first, proof.clone()).unwrap_err(),
        BundleError::NoHead
    );
    let (path, note) = (proof.path().to_vec(), proof.note().clone());
    let extra = TlogProof::new(Some(vec![1]), proof.index(), path, note).unwrap();
    assert_eq!(Opening::new(head, extra).unwrap_err(), BundleError::NoHead);
}
