//! One label from issue to revocation, and what a bundle proves of it at each step.

use labelproof_core::event::{Kind, ReasonCode};
use labelproof_core::state::CutOff;
use labelproof_core::state::list::Code;
use labelproof_core::state::record::{Flag, Status};
use labelproof_core::status::{Finding, LabelStatus};
use serde_json::json;

use crate::ledger::{ISSUER, LABEL, Ledger, label, now, subject};
use crate::world;

const SUPERVISOR: &str = "watch.jp.example";

fn label_status(ledger: &mut Ledger, of: &str) -> LabelStatus {
    match ledger.finding(of) {
        Finding::Label(status) => *status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn label_is_proved_active_then_suspended_then_active_then_revoked() {
    let mut ledger = Ledger::founded();
    let (issued, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    let active = label_status(&mut ledger, LABEL);
    assert_eq!(
        (active.status(), active.reason(), active.since()),
        (Status::Active, None, issued)
    );
    assert_eq!(active.issuer().as_str(), ISSUER);
    assert_eq!(active.label(), &label(LABEL));
    assert_eq!(active.cut_off(), &CutOff::OutOfReach);
    assert_eq!(active.not_after(), active.issue().valid_until);
    assert!(!active.is_expired_at(now()));
    assert!(active.is_expired_at(active.not_after().unwrap()));

    let (at, suspension) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        ISSUER,
    ));
    let suspended = label_status(&mut ledger, LABEL);
    assert_eq!(
        (suspended.status(), suspended.since()),
        (Status::Suspended, at)
    );
    assert_eq!(suspended.reason(), Some(ReasonCode::Vulnerability));

    let (at, _) = ledger.accept(&world::reinstate(
        LABEL,
        suspension,
        suspension,
        &world::key(ISSUER),
    ));
    let active = label_status(&mut ledger, LABEL);
    assert_eq!(
        (active.status(), active.reason(), active.since()),
        (Status::Active, None, at)
    );

    let newest = ledger.newest(LABEL);
    let (at, _) = ledger.accept(&world::revoke(LABEL, Some(newest), ISSUER));
    let revoked = label_status(&mut ledger, LABEL);
    assert_eq!((revoked.status(), revoked.since()), (Status::Revoked, at));
    assert_eq!(revoked.reason(), Some(ReasonCode::FalseDeclaration));
    assert_eq!(revoked.record().prior(), Some(Status::Active));
    assert_eq!(revoked.events().len(), 4);
}

#[test]
fn label_that_never_was_is_proved_absent() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    assert!(matches!(ledger.finding("jp.jc-star/EX-2"), Finding::Absent));
    assert!(matches!(ledger.finding("jp.unknown/EX-2"), Finding::Absent));
    assert!(matches!(
        ledger.finding("authority:nobody.jp.example"),
        Finding::Absent
    ));
    assert!(matches!(
        ledger.finding("scheme:jp.unknown"),
        Finding::Absent
    ));
    assert!(matches!(ledger.finding("member:xx"), Finding::Absent));
    assert!(matches!(
        ledger.finding("authority:label.jp.example"),
        Finding::Subject(_)
    ));
    assert!(matches!(
        ledger.finding("scheme:jp.jc-star"),
        Finding::Subject(_)
    ));
    assert!(matches!(ledger.finding("member:jp"), Finding::Subject(_)));
}

#[test]
fn other_spelling_of_an_id_is_the_same_label() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    assert_eq!(
        ledger.refusal(&world::issue("jp.jc-star/ex-1", ISSUER)),
        "duplicate-label"
    );
    ledger.accept(&world::revoke("jp.jc-star/ex-1", None, ISSUER));
    assert_eq!(
        label_status(&mut ledger, "jp.jc-star/Ex-1").status(),
        Status::Revoked
    );
}

#[test]
fn label_is_issued_once_and_begins_its_chain() {
    let mut ledger = Ledger::founded();
    let (_, id) = ledger.accept(&world::issue(LABEL, ISSUER));
    assert_eq!(
        ledger.refusal(&world::issue(LABEL, ISSUER)),
        "duplicate-label"
    );
    let draft = world::issue_draft("jp.jc-star/EX-2");
    let with_previous = world::entry(Kind::LabelIssue, &draft, Some(id), &[&world::key(ISSUER)]);
    assert!(ledger.offer(&with_previous).is_err());
}

#[test]
fn events_about_what_never_was_are_refused() {
    let mut ledger = Ledger::founded();
    assert_eq!(
        ledger.refusal(&world::revoke(LABEL, None, ISSUER)),
        "unknown-subject"
    );
    assert_eq!(
        ledger.refusal(&world::issue("jp.unknown/EX-1", ISSUER)),
        "unknown-subject"
    );
}

#[test]
fn wrong_previous_is_answered_with_the_right_one() {
    let mut ledger = Ledger::founded();
    let (_, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    let (_, suspend) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-11T08:00:00Z",
        Some(issue),
        ISSUER,
    ));
    let refusal = ledger
        .offer(&world::revoke(LABEL, Some(issue), ISSUER))
        .unwrap_err();
    assert_eq!(
        refusal,
        labelproof_core::refusal::Refusal::WrongPrevious {
            want: Some(suspend)
        }
    );
}

#[test]
fn replayed_blind_event_does_nothing() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let blind = world::suspend(LABEL, "2026-05-11T08:00:00Z", None, ISSUER);
    let (_, id) = ledger.accept(&blind);
    // Standing, lifted, or much later: the same id never counts twice.
    assert_eq!(ledger.refusal(&blind), "wrong-previous");
    ledger.accept(&world::reinstate(LABEL, id, id, &world::key(ISSUER)));
    assert_eq!(ledger.refusal(&blind), "wrong-previous");
    // Decided before the newest reinstate (2026-06-20): overtaken.
    assert_eq!(
        ledger.refusal(&world::suspend(LABEL, "2026-06-20T08:00:00Z", None, ISSUER)),
        "wrong-previous"
    );
    ledger.accept(&world::suspend(LABEL, "2026-06-20T08:00:01Z", None, ISSUER));
    let revoke = world::revoke(LABEL, None, ISSUER);
    ledger.accept(&revoke);
    assert_eq!(ledger.refusal(&revoke), "wrong-previous");
}

#[test]
fn supervisors_suspension_is_not_lifted_by_the_issuer() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let (_, by_issuer) =
        ledger.accept(&world::suspend(LABEL, "2026-05-11T08:00:00Z", None, ISSUER));
    let (_, by_supervisor) = ledger.accept(&world::suspend(
        LABEL,
        "2026-05-12T08:00:00Z",
        None,
        SUPERVISOR,
    ));
    assert!(
        ledger
            .record(LABEL)
            .unwrap()
            .has(Flag::SupervisorSuspension)
    );
    let issuer = world::key(ISSUER);
    for suspension in [by_issuer, by_supervisor] {
        assert_eq!(
            ledger.refusal(&world::reinstate(LABEL, suspension, by_supervisor, &issuer)),
            "out-of-scope"
        );
    }
    let (_, lifted) = ledger.accept(&world::reinstate(
        LABEL,
        by_supervisor,
        by_supervisor,
        &world::key(SUPERVISOR),
    ));
    let record = ledger.record(LABEL).unwrap();
    assert_eq!(
        (record.status(), record.has(Flag::SupervisorSuspension)),
        (Status::Suspended, false)
    );
    ledger.accept(&world::reinstate(LABEL, by_issuer, lifted, &issuer));
    assert_eq!(ledger.record(LABEL).unwrap().status(), Status::Active);
}

#[test]
fn reinstate_names_a_standing_suspension() {
    let mut ledger = Ledger::founded();
    let (_, issue) = ledger.accept(&world::issue(LABEL, ISSUER));
    let (_, suspension) =
        ledger.accept(&world::suspend(LABEL, "2026-05-11T08:00:00Z", None, ISSUER));
    assert_eq!(
        ledger.refusal(&world::reinstate(
            LABEL,
            issue,
            suspension,
            &world::key(ISSUER)
        )),
        "bad-member"
    );
}

#[test]
fn superseding_issue_is_an_event_of_both_labels() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let mut draft = world::issue_draft("jp.jc-star/EX-2");
    draft["body"]["supersedes"] = json!(LABEL);
    let by = |key: &str| world::entry(Kind::LabelIssue, &draft, None, &[&world::key(key)]);
    let (at, id) = ledger.accept(&by(ISSUER));
    assert_eq!(ledger.newest(LABEL), id);
    assert_eq!(ledger.newest("jp.jc-star/EX-2"), id);
    let old = label_status(&mut ledger, LABEL);
    assert_eq!(
        (old.status(), old.successor(), old.since()),
        (Status::Superseded, Some(at), at)
    );
    assert_eq!(old.events().len(), 2);
    assert_eq!(
        label_status(&mut ledger, "jp.jc-star/EX-2").status(),
        Status::Active
    );
    // What stood before a revocation is kept for an annul.
    ledger.accept(&world::revoke(LABEL, Some(id), ISSUER));
    assert_eq!(
        ledger.record(LABEL).unwrap().prior(),
        Some(Status::Superseded)
    );
    assert_eq!(label_status(&mut ledger, LABEL).status(), Status::Revoked);
}

#[test]
fn only_the_own_issuer_supersedes() {
    let mut ledger = Ledger::founded();
    let other = world::accredit("second.jp.example", &["issuer"], &["jp.jc-star"]);
    ledger.accept(&other);
    ledger.accept(&world::issue(LABEL, ISSUER));
    let mut draft = world::issue_draft("jp.jc-star/EX-2");
    draft["body"]["supersedes"] = json!(LABEL);
    let entry = world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&world::key("second.jp.example")],
    );
    assert_eq!(ledger.refusal(&entry), "out-of-scope");
    draft["body"]["supersedes"] = json!("jp.jc-star/EX-9");
    let entry = world::entry(Kind::LabelIssue, &draft, None, &[&world::key(ISSUER)]);
    assert_eq!(ledger.refusal(&entry), "unknown-subject");
    assert!(ledger.record("jp.jc-star/EX-2").is_none());
}

#[test]
fn list_and_map_agree() {
    let mut ledger = Ledger::founded();
    let mut codes = Vec::new();
    for (number, expected) in [
        (1, Code::Active),
        (2, Code::Suspended),
        (3, Code::Ended),
        (4, Code::Superseded),
    ] {
        let name = format!("jp.jc-star/EX-{number}");
        let (at, id) = ledger.accept(&world::issue(&name, ISSUER));
        codes.push((at, expected));
        match expected {
            Code::Active => {}
            Code::Suspended => {
                ledger.accept(&world::suspend(
                    &name,
                    "2026-05-11T08:00:00Z",
                    Some(id),
                    SUPERVISOR,
                ));
            }
            Code::Ended => {
                ledger.accept(&world::revoke(&name, Some(id), SUPERVISOR));
            }
            Code::Superseded => {
                let mut draft = world::issue_draft("jp.jc-star/EX-5");
                draft["body"]["supersedes"] = json!(name);
                ledger.accept(&world::entry(
                    Kind::LabelIssue,
                    &draft,
                    None,
                    &[&world::key(ISSUER)],
                ));
            }
        }
    }
    let view = ledger.state.view();
    for (at, code) in codes {
        assert_eq!(view.list().get(at), Some(code));
    }
    assert_eq!(ledger.state.issues(), 5);
}

#[test]
fn page_level_and_lab_must_exist() {
    let mut ledger = Ledger::founded();
    for (pointer, value) in [
        ("level", json!("level9")),
        ("page", json!("https://elsewhere.jp.example/EX-1")),
        ("lab", json!("lab.jp.example")),
    ] {
        let mut draft = world::issue_draft(LABEL);
        draft["body"][pointer] = value;
        let entry = world::entry(Kind::LabelIssue, &draft, None, &[&world::key(ISSUER)]);
        let refusal = ledger.offer(&entry).unwrap_err();
        assert_eq!(
            refusal.pointer().map(|pointer| pointer.as_str().to_owned()),
            Some(format!("/body/{pointer}"))
        );
    }
    ledger.accept(&world::accredit(
        "lab.jp.example",
        &["lab"],
        &["jp.jc-star"],
    ));
    let mut draft = world::issue_draft(LABEL);
    draft["body"]["lab"] = json!("lab.jp.example");
    ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&world::key(ISSUER)],
    ));
    assert_eq!(label_status(&mut ledger, LABEL).status(), Status::Active);
    assert_eq!(ledger.bundle(LABEL).answers().iter().count(), 5);
}

#[test]
fn events_of_another_log_are_refused() {
    let mut ledger = Ledger::founded();
    let draft = labelproof_core::event::Draft::from_json(
        Kind::LabelIssue,
        &world::issue_draft(LABEL).to_string(),
    );
    let text = draft.unwrap().text(&"other.example".parse().unwrap(), None);
    assert_eq!(
        ledger.refusal(&world::sign(&text, &[&world::key(ISSUER)])),
        "wrong-log"
    );
    assert!(
        ledger
            .state
            .subject_indices(&subject("log:other.example"))
            .is_none()
    );
}

#[test]
fn flags_tell_of_dates_and_of_suspensions_without_effect() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let suspend = |effect: &str, at: &str, from: Option<&str>| {
        let mut draft = json!({
            "subject": LABEL,
            "decided_at": at,
            "reason": { "code": "contract" },
            "body": { "validity_effect": effect },
        });
        if let Some(from) = from {
            draft["effective_from"] = json!(from);
        }
        world::entry(Kind::LabelSuspend, &draft, None, &[&world::key(ISSUER)])
    };
    let flags = |ledger: &Ledger| {
        let record = ledger.record(LABEL).unwrap();
        (record.has(Flag::NoValidityEffect), record.has(Flag::Dated))
    };
    assert_eq!(flags(&ledger), (false, false));
    // In force from its decision on is the default and no date of its own.
    let at = "2026-05-01T00:00:00Z";
    ledger.accept(&suspend("none", at, Some(at)));
    assert_eq!(flags(&ledger), (true, false));
    // Of several suspensions the strictest decides.
    ledger.accept(&suspend(
        "suspended",
        "2026-05-02T00:00:00Z",
        Some("2026-05-03T00:00:00Z"),
    ));
    assert_eq!(flags(&ledger), (false, true));
}
