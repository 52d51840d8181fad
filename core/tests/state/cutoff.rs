//! A thief, a lying lab, a withdrawn authority: what a verifier still believes.

use labelproof_core::event::Kind;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::state::record::Status;
use labelproof_core::state::{CutOff, Falls, LeftOut};
use labelproof_core::status::{Finding, LabelStatus};
use serde_json::{Value, json};

use crate::ledger::{ISSUER, LABEL, Ledger};
use crate::world::{self, further_key, key, root};

const SUPERVISOR: &str = "watch.jp.example";

pub(crate) fn status_of(ledger: &mut Ledger, label: &str) -> LabelStatus {
    match ledger.finding(label) {
        Finding::Label(status) => *status,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn left_out(status: &LabelStatus) -> (Vec<u64>, Option<Status>, Falls) {
    match status.cut_off() {
        CutOff::LeftOut(left) => parts(left),
        other => panic!("{other:?}"),
    }
}

fn parts(left: &LeftOut) -> (Vec<u64>, Option<Status>, Falls) {
    (
        left.events().iter().copied().map(LeafIndex::get).collect(),
        left.remaining(),
        left.falls(),
    )
}

pub(crate) fn revoke_key(
    ledger: &mut Ledger,
    authority: &str,
    from: Option<LeafIndex>,
) -> LeafIndex {
    let mut body = json!({ "revoke": { "key": key(authority).vkey().id().to_string() } });
    if let Some(from) = from {
        body["revoke"]["compromised_from"] = json!(from.get());
    }
    let newest = ledger.newest(&format!("authority:{authority}"));
    let member = world::member_of(authority);
    ledger
        .accept(&world::change_key(authority, &body, newest, &root(member)))
        .0
}

pub(crate) fn withdraw(ledger: &mut Ledger, authority: &str, effect: &Value) {
    let newest = ledger.newest(&format!("authority:{authority}"));
    ledger.accept(&world::withdraw(authority, effect, newest));
}

#[test]
fn label_issued_by_a_thief_is_left_out() {
    let mut ledger = Ledger::founded();
    let (before, _) = ledger.accept(&world::issue("jp.jc-star/BEFORE", ISSUER));
    let (stolen, _) = ledger.accept(&world::issue(LABEL, ISSUER));
    let (other, _) = ledger.accept(&world::issue("de.it-sik/EX-1", "label.de.example"));
    revoke_key(&mut ledger, ISSUER, Some(stolen));

    let thief = status_of(&mut ledger, LABEL);
    assert_eq!(
        thief.status(),
        Status::Active,
        "the record alone does not know"
    );
    assert_eq!(
        left_out(&thief),
        (vec![stolen.get()], None, Falls::IntoDoubt)
    );
    let honest = status_of(&mut ledger, "jp.jc-star/BEFORE");
    assert_eq!(
        (honest.cut_off(), honest.since()),
        (&CutOff::OutOfReach, before)
    );
    let elsewhere = status_of(&mut ledger, "de.it-sik/EX-1");
    assert_eq!(
        (elsewhere.cut_off(), elsewhere.since()),
        (&CutOff::OutOfReach, other)
    );
}

#[test]
fn reinstatement_by_a_thief_is_left_out() {
    let mut ledger = Ledger::founded();
    let (_, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    let (_, suspension) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        ISSUER,
    ));
    let (stolen, _) = ledger.accept(&world::reinstate(
        LABEL,
        suspension,
        suspension,
        &key(ISSUER),
    ));
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(status.status(), Status::Active);
    assert_eq!(
        left_out(&status),
        (
            vec![stolen.get()],
            Some(Status::Suspended),
            Falls::IntoDoubt
        )
    );
}

#[test]
fn event_that_takes_away_always_counts() {
    let mut ledger = Ledger::founded();
    let (_, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    let (stolen, suspension) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        ISSUER,
    ));
    ledger.accept(&world::revoke(LABEL, Some(suspension), ISSUER));
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(
        (status.status(), status.cut_off()),
        (Status::Revoked, &CutOff::NothingLeftOut)
    );
}

#[test]
fn cut_before_the_issue_and_a_good_reinstatement_leave_nothing() {
    let mut ledger = Ledger::founded();
    let (stolen, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    let (_, suspension) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        SUPERVISOR,
    ));
    let (lifted, _) = ledger.accept(&world::reinstate(
        LABEL,
        suspension,
        suspension,
        &key(SUPERVISOR),
    ));
    revoke_key(&mut ledger, ISSUER, Some(stolen));
    let status = status_of(&mut ledger, LABEL);
    // Without its issue the label has no status that a reinstatement could give back.
    assert_eq!(
        left_out(&status),
        (vec![stolen.get(), lifted.get()], None, Falls::IntoDoubt)
    );
}

#[test]
fn another_key_of_the_same_authority_is_not_cut() {
    let mut ledger = Ledger::founded();
    let second = further_key(ISSUER, 2);
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let add = json!({ "add": second.vkey().to_string() });
    ledger.accept(&world::change_key(ISSUER, &add, newest, &root("jp")));
    let draft = world::issue_draft(LABEL);
    let (issued, _) = ledger.accept(&world::entry(Kind::LabelIssue, &draft, None, &[&second]));
    let both = world::issue_draft("jp.jc-star/BOTH");
    ledger.accept(&world::entry(
        Kind::LabelIssue,
        &both,
        None,
        &[&key(ISSUER), &second],
    ));
    revoke_key(&mut ledger, ISSUER, Some(issued));
    for label in [LABEL, "jp.jc-star/BOTH"] {
        assert_eq!(
            status_of(&mut ledger, label).cut_off(),
            &CutOff::NothingLeftOut
        );
    }
}

#[test]
fn authority_suspect_from_an_index_taints_what_it_granted_since() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue("jp.jc-star/BEFORE", ISSUER));
    let (from, _) = ledger.accept(&world::issue(LABEL, ISSUER));
    withdraw(&mut ledger, ISSUER, &json!({ "suspect_from": from.get() }));
    assert_eq!(
        left_out(&status_of(&mut ledger, LABEL)),
        (vec![from.get()], None, Falls::IntoDoubt)
    );
    assert_eq!(
        status_of(&mut ledger, "jp.jc-star/BEFORE").cut_off(),
        &CutOff::OutOfReach
    );
    let scheme = ledger.record("scheme:jp.jc-star").unwrap();
    assert_eq!(scheme.successor_index(), Some(from));
}

#[test]
fn suspicion_cannot_reach_ahead() {
    let mut ledger = Ledger::founded();
    let ahead = ledger.entries.len() as u64 + 1;
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    assert_eq!(
        ledger.refusal(&world::withdraw(
            ISSUER,
            &json!({ "suspect_from": ahead }),
            newest
        )),
        "bad-member"
    );
}

#[test]
fn authority_withdrawn_with_all_takes_its_labels_along() {
    let mut ledger = Ledger::founded();
    let (issued, _) = ledger.accept(&world::issue(LABEL, ISSUER));
    withdraw(&mut ledger, ISSUER, &json!("all"));
    let status = status_of(&mut ledger, LABEL);
    assert_eq!(
        left_out(&status),
        (vec![issued.get()], None, Falls::WithItsAuthority)
    );
    assert_eq!(
        ledger
            .record("scheme:jp.jc-star")
            .unwrap()
            .successor_index(),
        Some(LeafIndex::new(0))
    );
}

#[test]
fn authority_withdrawn_without_effect_leaves_its_labels() {
    for effect in ["none", "no-new"] {
        let mut ledger = Ledger::founded();
        ledger.accept(&world::issue(LABEL, ISSUER));
        withdraw(&mut ledger, ISSUER, &json!(effect));
        let status = status_of(&mut ledger, LABEL);
        assert_eq!(
            (status.status(), status.cut_off()),
            (Status::Active, &CutOff::OutOfReach)
        );
    }
}

#[test]
fn lab_in_doubt_taints_the_labels_that_name_it() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::accredit(
        "lab.jp.example",
        &["lab"],
        &["jp.jc-star"],
    ));
    let mut draft = world::issue_draft(LABEL);
    draft["body"]["lab"] = json!("lab.jp.example");
    let (tested, _) = ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&key(ISSUER)],
    ));
    ledger.accept(&world::issue("jp.jc-star/OTHER", ISSUER));
    withdraw(
        &mut ledger,
        "lab.jp.example",
        &json!({ "suspect_from": tested.get() }),
    );
    assert_eq!(
        left_out(&status_of(&mut ledger, LABEL)),
        (vec![tested.get()], None, Falls::IntoDoubt)
    );
    // The scheme's cut reaches it, the replay clears it.
    assert_eq!(
        status_of(&mut ledger, "jp.jc-star/OTHER").cut_off(),
        &CutOff::NothingLeftOut
    );
}

#[test]
fn stolen_lab_key_taints_nothing_that_it_did_not_sign() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::accredit(
        "lab.jp.example",
        &["lab"],
        &["jp.jc-star"],
    ));
    let mut draft = world::issue_draft(LABEL);
    draft["body"]["lab"] = json!("lab.jp.example");
    let (tested, _) = ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&key(ISSUER)],
    ));
    revoke_key(&mut ledger, "lab.jp.example", Some(tested));
    assert_eq!(
        status_of(&mut ledger, LABEL).cut_off(),
        &CutOff::NothingLeftOut
    );
}

#[test]
fn revocation_without_an_index_cuts_at_itself() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let at = revoke_key(&mut ledger, ISSUER, None);
    assert_eq!(
        ledger
            .record("scheme:jp.jc-star")
            .unwrap()
            .successor_index(),
        Some(at)
    );
    assert_eq!(status_of(&mut ledger, LABEL).cut_off(), &CutOff::OutOfReach);
}
