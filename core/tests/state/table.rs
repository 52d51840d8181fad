//! The table of states (events.md), cell by cell, for the kinds of this version.

use labelproof_core::event::{EventId, Kind};
use labelproof_core::state::record::Status;
use serde_json::{Value, json};

use crate::ledger::{ISSUER, LABEL, Ledger};
use crate::world;

const SUPERVISOR: &str = "watch.jp.example";
const OTHER_ISSUER: &str = "second.jp.example";

/// What can be done about the label, each as the next event in order.
#[derive(Clone, Copy, Debug)]
enum Act {
    Issue,
    Renew,
    Amend,
    Bind,
    Unbind,
    Suspend,
    Reinstate,
    Revoke,
    Supersede,
}

use Act::{Amend, Bind, Issue, Reinstate, Renew, Revoke, Supersede, Suspend, Unbind};

/// A log in which the label has this status; none is absent.
fn with_status(status: Option<Status>) -> Ledger {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::accredit(OTHER_ISSUER, &["issuer"], &["jp.jc-star"]));
    let path: &[Act] = match status {
        None => &[],
        Some(Status::Active) => &[Issue],
        Some(Status::Suspended) => &[Issue, Suspend],
        Some(Status::Superseded) => &[Issue, Supersede],
        Some(Status::Revoked) => &[Issue, Revoke],
        Some(Status::Withdrawn | Status::Lapsed | Status::Annulled) => {
            unreachable!("no event leads there yet")
        }
    };
    for act in path {
        let entry = entry(&ledger, *act, ISSUER);
        ledger.accept(&entry);
    }
    assert_eq!(ledger.record(LABEL).map(|record| record.status()), status);
    ledger
}

fn entry(ledger: &Ledger, act: Act, by: &str) -> Vec<u8> {
    let label = LABEL.parse().unwrap();
    let newest = ledger.state.newest_event(&label);
    let none = EventId::from_bytes([0; 32]);
    let change = |kind, body: &Value| {
        world::change(kind, LABEL, body, newest.unwrap_or(none), &world::key(by))
    };
    match act {
        Issue => world::issue(LABEL, by),
        Renew => change(Kind::LabelRenew, &json!({})),
        Amend => change(Kind::LabelAmend, &world::issue_draft(LABEL)["body"]),
        Bind => change(
            Kind::LabelBind,
            &json!({ "gtins": ["09521234001027"], "models": [] }),
        ),
        Unbind => change(
            Kind::LabelUnbind,
            &json!({ "gtins": ["09521234001010"], "models": [] }),
        ),
        Suspend => world::suspend(LABEL, "2026-05-11T08:00:00Z", newest, by),
        Reinstate => world::reinstate(
            LABEL,
            newest.unwrap_or(none),
            newest.unwrap_or(none),
            &world::key(by),
        ),
        Revoke => world::revoke(LABEL, newest, by),
        Supersede => {
            let mut draft = world::issue_draft("jp.jc-star/EX-2");
            // A new name each time, so that only the label's own status decides.
            draft["body"]["supersedes"] = json!(LABEL);
            draft["subject"] = json!(format!("jp.jc-star/NEXT-{}", ledger.entries.len()));
            draft["body"]["native_id"] = json!(format!("NEXT-{}", ledger.entries.len()));
            world::entry(Kind::LabelIssue, &draft, None, &[&world::key(by)])
        }
    }
}

#[test]
fn every_cell_of_the_table_of_states() {
    const ACTS: [Act; 9] = [
        Issue, Renew, Amend, Bind, Unbind, Suspend, Reinstate, Revoke, Supersede,
    ];
    let (active, suspended) = (Ok(Status::Active), Ok(Status::Suspended));
    let (revoked, superseded) = (Ok(Status::Revoked), Ok(Status::Superseded));
    let unknown = Err("unknown-subject");
    let never = Err("bad-transition");
    let twice = Err("duplicate-label");
    let table = [
        (
            None,
            [
                active, unknown, unknown, unknown, unknown, unknown, unknown, unknown, unknown,
            ],
        ),
        (
            Some(Status::Active),
            [
                twice, active, active, active, active, suspended, never, revoked, superseded,
            ],
        ),
        (
            Some(Status::Suspended),
            [
                twice, suspended, suspended, suspended, suspended, suspended, active, revoked,
                superseded,
            ],
        ),
        (
            Some(Status::Superseded),
            [
                twice, never, never, never, never, never, never, revoked, never,
            ],
        ),
        (
            Some(Status::Revoked),
            [
                twice, never, never, never, never, never, never, revoked, never,
            ],
        ),
    ];
    for (from, row) in table {
        for (act, want) in ACTS.into_iter().zip(row) {
            let mut ledger = with_status(from);
            let offered = entry(&ledger, act, ISSUER);
            let got = ledger.offer(&offered).map_err(|refusal| refusal.code());
            let got = got.map(|_| ledger.record(LABEL).unwrap().status());
            assert_eq!(got, want, "{act:?} from {from:?}");
        }
    }
}

#[test]
fn every_cell_asks_who() {
    // By the supervisor, by another issuer of the scheme, by an issuer of another scheme.
    let everyone = [
        SUPERVISOR,
        OTHER_ISSUER,
        "label.de.example",
        "nobody.jp.example",
    ];
    let no = Err("out-of-scope");
    let stranger = Err("unknown-authority");
    let table = [
        (None, Issue, [no, Ok(()), no, stranger]),
        (Some(Status::Active), Renew, [no, no, no, stranger]),
        (Some(Status::Suspended), Renew, [no, no, no, stranger]),
        (Some(Status::Active), Amend, [no, no, no, stranger]),
        (Some(Status::Suspended), Amend, [no, no, no, stranger]),
        (Some(Status::Active), Bind, [no, no, no, stranger]),
        (Some(Status::Suspended), Bind, [no, no, no, stranger]),
        (Some(Status::Active), Unbind, [no, no, no, stranger]),
        (Some(Status::Suspended), Unbind, [no, no, no, stranger]),
        (Some(Status::Active), Suspend, [Ok(()), no, no, stranger]),
        (Some(Status::Suspended), Suspend, [Ok(()), no, no, stranger]),
        (
            Some(Status::Suspended),
            Reinstate,
            [Ok(()), no, no, stranger],
        ),
        (Some(Status::Active), Revoke, [Ok(()), no, no, stranger]),
        (Some(Status::Suspended), Revoke, [Ok(()), no, no, stranger]),
        (Some(Status::Superseded), Revoke, [Ok(()), no, no, stranger]),
        (Some(Status::Revoked), Revoke, [Ok(()), no, no, stranger]),
        (Some(Status::Active), Supersede, [no, no, no, stranger]),
        (Some(Status::Suspended), Supersede, [no, no, no, stranger]),
    ];
    for (from, act, wants) in table {
        for (by, want) in everyone.into_iter().zip(wants) {
            let mut ledger = with_status(from);
            let offered = entry(&ledger, act, by);
            let got = ledger
                .offer(&offered)
                .map(|_| ())
                .map_err(|refusal| refusal.code());
            assert_eq!(got, want, "{act:?} from {from:?} by {by}");
        }
    }
}

#[test]
fn prior_status_survives_further_revocations() {
    let mut ledger = with_status(Some(Status::Suspended));
    for by in [ISSUER, SUPERVISOR] {
        let next = entry(&ledger, Revoke, by);
        ledger.accept(&next);
        let record = ledger.record(LABEL).unwrap();
        assert_eq!(
            (record.status(), record.prior()),
            (Status::Revoked, Some(Status::Suspended))
        );
    }
}
