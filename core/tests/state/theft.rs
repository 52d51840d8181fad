//! A thief who renews, binds, amends or unbinds: which validity and which products a verifier still believes.

use labelproof_core::event::{EventId, Gtin14, Kind};
use labelproof_core::merkle::LeafIndex;
use labelproof_core::state::record::Status;
use labelproof_core::state::{Coverage, CutOff, Falls};
use serde_json::{Value, json};

use crate::cutoff::{left_out, revoke_key, status_of, withdraw};
use crate::ledger::{ISSUER, LABEL, Ledger};
use crate::world::{self, further_key, key, root};

const GTINS: [&str; 3] = ["09521234001010", "09521234001027", "09521234001034"];

/// A label of a issuer with two keys; the first is the one that will be stolen.
fn issued() -> Ledger {
    let mut ledger = Ledger::founded();
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let add = json!({ "add": further_key(ISSUER, 2).vkey().to_string() });
    ledger.accept(&world::change_key(ISSUER, &add, newest, &root("jp")));
    let draft = world::issue_draft(LABEL);
    ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&further_key(ISSUER, 2)],
    ));
    ledger
}

fn by_thief(ledger: &mut Ledger, kind: Kind, body: &Value) -> LeafIndex {
    let newest = ledger.newest(LABEL);
    ledger
        .accept(&world::change(kind, LABEL, body, newest, &key(ISSUER)))
        .0
}

fn by_owner(ledger: &mut Ledger, kind: Kind, body: &Value) -> LeafIndex {
    let newest = ledger.newest(LABEL);
    let own = further_key(ISSUER, 2);
    ledger
        .accept(&world::change(kind, LABEL, body, newest, &own))
        .0
}

fn products(gtins: &[&str]) -> Value {
    json!({ "gtins": gtins, "models": [] })
}

fn believed(ledger: &mut Ledger) -> Coverage {
    match status_of(ledger, LABEL).cut_off() {
        CutOff::LeftOut(left) => left.coverage().unwrap().clone(),
        other => panic!("{other:?}"),
    }
}

fn gtins(coverage: &Coverage) -> Vec<&str> {
    coverage.gtins().iter().map(Gtin14::as_str).collect()
}

#[test]
fn renewal_by_a_thief_is_left_out_and_the_validity_before_it_stands() {
    let mut ledger = issued();
    let body = json!({ "valid_until": "2035-02-03T00:00:00Z", "aliases": ["R 1"] });
    let stolen = by_thief(&mut ledger, Kind::LabelRenew, &body);
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(
        status.not_after().unwrap().to_string(),
        "2035-02-03T00:00:00Z",
        "the record alone does not know"
    );
    assert_eq!(
        left_out(&status),
        (vec![stolen.get()], Some(Status::Active), Falls::IntoDoubt)
    );
    let coverage = believed(&mut ledger);
    assert_eq!(
        coverage.valid_until().unwrap().to_string(),
        "2028-02-03T00:00:00Z"
    );
    assert!(coverage.aliases().is_empty());
    assert_eq!(status.coverage().aliases()[0].as_str(), "R1");
}

#[test]
fn products_bound_by_a_thief_are_not_believed_and_later_ones_of_the_owner_are() {
    let mut ledger = issued();
    let stolen = by_thief(&mut ledger, Kind::LabelBind, &products(&[GTINS[1]]));
    by_owner(&mut ledger, Kind::LabelBind, &products(&[GTINS[2]]));
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(
        left_out(&status),
        (vec![stolen.get()], Some(Status::Active), Falls::IntoDoubt)
    );
    assert_eq!(gtins(status.coverage()), GTINS);
    assert_eq!(gtins(&believed(&mut ledger)), [GTINS[0], GTINS[2]]);
}

#[test]
fn amend_by_a_thief_is_left_out_and_one_of_the_owner_binds_nothing() {
    let mut ledger = issued();
    let mut body = world::issue_draft(LABEL)["body"].clone();
    let number = |number: &str| json!([{ "number": number, "hw": [] }]);
    body["models"] = number("stolen");
    let stolen = by_thief(&mut ledger, Kind::LabelAmend, &body);
    let bound = by_thief(&mut ledger, Kind::LabelBind, &products(&[GTINS[1]]));
    // The new model is bound again by its owner, who repeats the thief's product in a whole body.
    let again = json!({ "gtins": [], "models": world::issue_draft(LABEL)["body"]["models"] });
    by_owner(&mut ledger, Kind::LabelBind, &again);
    body["models"] = number("own");
    body["gtins"] = json!(GTINS[..2]);
    by_owner(&mut ledger, Kind::LabelAmend, &body);
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(
        left_out(&status),
        (
            vec![stolen.get(), bound.get()],
            Some(Status::Active),
            Falls::IntoDoubt
        )
    );
    let coverage = believed(&mut ledger);
    assert_eq!(gtins(&coverage), GTINS[..1]);
    assert_eq!(coverage.models().len(), 1);
    assert_eq!(coverage.models()[0].number.as_str(), "own");
}

#[test]
fn unbind_after_the_cut_counts() {
    let mut ledger = issued();
    let stolen = by_thief(&mut ledger, Kind::LabelUnbind, &products(&[GTINS[0]]));
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(status.cut_off(), &CutOff::NothingLeftOut);
    assert!(status.coverage().gtins().is_empty());
}

#[test]
fn unbind_of_what_a_thief_bound_is_no_contradiction() {
    let mut ledger = issued();
    let stolen = by_thief(&mut ledger, Kind::LabelBind, &products(&GTINS[1..]));
    by_owner(&mut ledger, Kind::LabelUnbind, &products(&GTINS[..2]));
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    assert_eq!(
        left_out(&status_of(&mut ledger, LABEL)).0,
        vec![stolen.get()]
    );
    assert!(gtins(&believed(&mut ledger)).is_empty());
}

#[test]
fn amend_that_names_a_suspect_lab_is_left_out() {
    let mut ledger = issued();
    let lab = "lab.jp.example";
    ledger.accept(&world::accredit(lab, &["lab"], &["jp.jc-star"]));
    let mut body = world::issue_draft(LABEL)["body"].clone();
    body["lab"] = json!(lab);
    body["models"] = json!([{ "number": "tested", "hw": [] }]);
    let tested = by_owner(&mut ledger, Kind::LabelAmend, &body);
    withdraw(&mut ledger, lab, &json!({ "suspect_from": tested.get() }));
    assert_eq!(
        left_out(&status_of(&mut ledger, LABEL)),
        (vec![tested.get()], Some(Status::Active), Falls::IntoDoubt)
    );
}

#[test]
fn supervisor_neither_renews_nor_binds_but_may_sign_along() {
    let mut ledger = issued();
    let watch = key("watch.jp.example");
    let newest: EventId = ledger.newest(LABEL);
    let body = products(&[GTINS[1]]);
    let alone = world::change(Kind::LabelBind, LABEL, &body, newest, &watch);
    assert_eq!(ledger.refusal(&alone), "out-of-scope");
    let draft = json!({ "subject": LABEL, "decided_at": "2026-07-01T08:00:00Z", "body": body });
    let own = further_key(ISSUER, 2);
    let both = world::entry(Kind::LabelBind, &draft, Some(newest), &[&watch, &own]);
    ledger.accept(&both);
}

#[test]
fn successor_renews_the_labels_of_a_withdrawn_authority() {
    let mut ledger = issued();
    let heir = "heir.jp.example";
    ledger.accept(&world::accredit(heir, &["issuer"], &["jp.jc-star"]));
    let body = json!({ "valid_until": "2035-02-03T00:00:00Z" });
    let renew = |ledger: &Ledger| {
        let newest = ledger.newest(LABEL);
        world::change(Kind::LabelRenew, LABEL, &body, newest, &key(heir))
    };
    assert_eq!(
        {
            let early = renew(&ledger);
            ledger.refusal(&early)
        },
        "out-of-scope"
    );
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let draft = json!({
        "subject": format!("authority:{ISSUER}"), "decided_at": "2026-10-01T00:00:00Z",
        "reason": { "code": "contract" },
        "body": { "effect_on_labels": "none", "successor": heir },
    });
    ledger.accept(&world::entry(
        Kind::AuthorityWithdraw,
        &draft,
        Some(newest),
        &[&root("jp")],
    ));
    let late = renew(&ledger);
    ledger.accept(&late);
    assert_eq!(status_of(&mut ledger, LABEL).cut_off(), &CutOff::OutOfReach);
}
