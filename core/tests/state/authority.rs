//! Who may sign what: members and their names, authorities and their scope, keys and their lives.

use labelproof_core::event::{Event, Kind};
use labelproof_core::key::SigningKey;
use labelproof_core::note::Note;
use labelproof_core::state::record::Status;
use labelproof_core::state::{SignatureMemo, State};
use serde_json::{Value, json};

use crate::ledger::{ISSUER, LABEL, Ledger};
use crate::world::{self, MEMBERS, further_key, key, root};

fn genesis_with(change: impl FnOnce(&mut Value)) -> Value {
    let entry = world::genesis();
    let note = Note::parse(&entry).unwrap();
    let line = note.text().lines().nth(2).unwrap();
    let mut draft: Value = serde_json::from_str(line).unwrap();
    draft.as_object_mut().unwrap().remove("kind");
    change(&mut draft);
    draft
}

fn all_roots() -> Vec<SigningKey> {
    MEMBERS.iter().map(|(code, ..)| root(code)).collect()
}

#[test]
fn genesis_needs_every_member() {
    let draft = genesis_with(|_| ());
    let roots = all_roots();
    for missing in 0..roots.len() {
        let mut signers: Vec<&SigningKey> = roots.iter().collect();
        signers.remove(missing);
        let entry = world::entry(Kind::LogGenesis, &draft, None, &signers);
        assert_eq!(State::genesis(&entry).unwrap_err().code(), "bad-signature");
    }
}

#[test]
fn genesis_names_the_rules_of_this_program() {
    let draft = genesis_with(|draft| draft["body"]["rules"] = json!("state/0.3"));
    let roots = all_roots();
    let signers: Vec<&SigningKey> = roots.iter().collect();
    let entry = world::entry(Kind::LogGenesis, &draft, None, &signers);
    assert_eq!(State::genesis(&entry).unwrap_err().code(), "bad-member");
}

#[test]
fn log_begins_with_its_genesis_and_has_one() {
    assert_eq!(
        State::genesis(&world::scheme("jp.jc-star"))
            .unwrap_err()
            .code(),
        "unknown-subject"
    );
    assert_eq!(Ledger::bare().refusal(&world::genesis()), "bad-transition");
}

#[test]
fn threshold_counts_distinct_public_keys() {
    // One key under two names, and the same line twice, are one key.
    let pair = [root("jp"), further_key("root.jp.example", 2)];
    let draft = genesis_with(|draft| {
        let jp = &mut draft["body"]["members"][5];
        assert_eq!(jp["id"], "jp");
        jp["roots"] = json!([pair[0].vkey().to_string(), pair[1].vkey().to_string()]);
        jp["threshold"] = json!(2);
    });
    let roots = all_roots();
    let mut signers: Vec<&SigningKey> = roots.iter().collect();
    let entry = world::entry(Kind::LogGenesis, &draft, None, &signers);
    assert_eq!(State::genesis(&entry).unwrap_err().code(), "bad-signature");
    signers.push(&pair[1]);
    let mut state =
        State::genesis(&world::entry(Kind::LogGenesis, &draft, None, &signers)).unwrap();

    let scheme = Event::parse(&world::scheme("jp.jc-star")).unwrap();
    let text = scheme.note().text();
    let mut apply = |keys: &[&SigningKey]| {
        let event = Event::parse(&world::sign(text, keys)).unwrap();
        state
            .apply(&event, &SignatureMemo::empty())
            .map(|_| ())
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(apply(&[&pair[0]]), Err("bad-signature"));
    assert_eq!(apply(&[&pair[0], &pair[0]]), Err("bad-signature"));
    assert_eq!(apply(&[&pair[0], &pair[1]]), Ok(()));
}

#[test]
fn member_rotates_its_roots_by_the_old_threshold() {
    let mut ledger = Ledger::bare();
    let new = further_key("root.jp.example", 2);
    let draft = json!({
        "subject": "member:jp",
        "decided_at": "2026-02-01T00:00:00Z",
        "body": { "roots": [new.vkey().to_string()], "threshold": 1 },
    });
    let genesis = world::id_of(&world::genesis());
    let rotate = |prev, by: &SigningKey| world::entry(Kind::MemberRoot, &draft, prev, &[by]);
    assert_eq!(
        ledger.refusal(&rotate(Some(genesis), &new)),
        "unknown-authority"
    );
    assert_eq!(
        ledger.refusal(&rotate(Some(genesis), &root("de"))),
        "out-of-scope"
    );
    assert_eq!(
        ledger.refusal(&rotate(
            Some(ledger.newest("member:de")).filter(|_| false),
            &root("jp")
        )),
        "wrong-previous"
    );
    ledger.accept(&rotate(Some(genesis), &root("jp")));
    let scheme = Event::parse(&world::scheme("jp.jc-star")).unwrap();
    assert_eq!(
        ledger.refusal(&world::sign(scheme.note().text(), &[&root("jp")])),
        "unknown-authority"
    );
    ledger.accept(&world::sign(scheme.note().text(), &[&new]));
    assert_eq!(ledger.record("member:jp").unwrap().event_count(), 2);
}

#[test]
fn names_belong_to_their_member() {
    let mut ledger = Ledger::bare();
    ledger.accept(&world::scheme("jp.jc-star"));
    // Another member's scheme.
    let scheme = Event::parse(&world::scheme("de.it-sik")).unwrap();
    assert_eq!(
        ledger.refusal(&world::sign(scheme.note().text(), &[&root("jp")])),
        "out-of-scope"
    );
    // A scheme of nobody.
    let scheme = Event::parse(&world::scheme("xx.mark")).unwrap();
    assert_eq!(
        ledger.refusal(&world::sign(scheme.note().text(), &[&root("jp")])),
        "out-of-scope"
    );
    // Another member's scheme in a grant, another member's domain, a sibling of the own domain.
    let accredit = |name: &str, scheme: &str, member: &str| {
        let draft = json!({
            "subject": format!("authority:{name}"),
            "decided_at": "2026-01-12T00:00:00Z",
            "body": {
                "member": member, "name": "Example office", "country": member.to_uppercase(),
                "keys": [key(name).vkey().to_string()],
                "grants": [{ "role": "issuer", "schemes": [scheme] }],
            },
        });
        world::entry(Kind::AuthorityAccredit, &draft, None, &[&root(member)])
    };
    assert_eq!(
        ledger.refusal(&accredit("label.de.example", "jp.jc-star", "de")),
        "out-of-scope"
    );
    assert_eq!(
        ledger.refusal(&accredit("label.de.example", "jp.jc-star", "jp")),
        "out-of-scope"
    );
    assert_eq!(
        ledger.refusal(&accredit("label.notjp.example", "jp.jc-star", "jp")),
        "out-of-scope"
    );
    assert_eq!(
        ledger.refusal(&accredit(ISSUER, "jp.other", "jp")),
        "unknown-subject"
    );
    ledger.accept(&accredit(ISSUER, "jp.jc-star", "jp"));
    assert_eq!(
        ledger.refusal(&accredit(ISSUER, "jp.jc-star", "jp")),
        "bad-transition"
    );
    assert_eq!(
        ledger.refusal(&world::scheme("jp.jc-star")),
        "bad-transition"
    );
}

#[test]
fn market_scope_lies_within_the_members_territories() {
    let mut ledger = Ledger::bare();
    let accredit = |territory: Option<Value>| {
        let mut grant = json!({ "role": "market", "schemes": [] });
        if let Some(territory) = territory {
            grant["territory"] = territory;
        }
        let draft = json!({
            "subject": "authority:market.de.example",
            "decided_at": "2026-01-12T00:00:00Z",
            "body": {
                "member": "de", "name": "Example office", "country": "DE",
                "keys": [key("market.de.example").vkey().to_string()], "grants": [grant],
            },
        });
        world::entry(Kind::AuthorityAccredit, &draft, None, &[&root("de")])
    };
    for outside in [
        None,
        Some(json!(["FR"])),
        Some(json!(["DE", "FR"])),
        Some(json!(["*"])),
    ] {
        assert_eq!(ledger.refusal(&accredit(outside)), "out-of-scope");
    }
    ledger.accept(&accredit(Some(json!(["DE"]))));
}

#[test]
fn issuer_stays_within_its_grant() {
    let mut ledger = Ledger::bare();
    ledger.accept(&world::scheme("jp.jc-star"));
    let mut accreditation = json!({
        "subject": format!("authority:{ISSUER}"),
        "decided_at": "2026-01-12T00:00:00Z",
        "body": {
            "member": "jp", "name": "Example office", "country": "JP", "keys": [key(ISSUER).vkey().to_string()],
            "grants": [{
                "role": "issuer", "schemes": ["jp.jc-star"], "levels": ["level1"],
                "categories": ["router"], "territory": ["JP"],
            }],
        },
    });
    ledger.accept(&world::entry(
        Kind::AuthorityAccredit,
        &accreditation,
        None,
        &[&root("jp")],
    ));
    for (pointer, value) in [
        ("/body/level", json!("level2")),
        ("/body/product/category", json!("camera")),
        ("/body/territory", json!(["JP", "DE"])),
    ] {
        let mut draft = world::issue_draft(LABEL);
        *draft.pointer_mut(pointer).unwrap() = value;
        let entry = world::entry(Kind::LabelIssue, &draft, None, &[&key(ISSUER)]);
        assert_eq!(ledger.refusal(&entry), "out-of-scope", "{pointer}");
    }
    ledger.accept(&world::issue(LABEL, ISSUER));
    // A lab or a supervisor does not issue.
    for role in ["lab", "supervisor"] {
        let name = format!("{role}.jp.example");
        accreditation["subject"] = json!(format!("authority:{name}"));
        ledger.accept(&world::accredit(&name, &[role], &["jp.jc-star"]));
        assert_eq!(
            ledger.refusal(&world::issue("jp.jc-star/EX-2", &name)),
            "out-of-scope"
        );
    }
}

#[test]
fn nothing_follows_a_withdrawal() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let subject = format!("authority:{ISSUER}");
    let newest = ledger.newest(&subject);
    ledger.accept(&world::withdraw(ISSUER, &json!("none"), newest));
    let record = ledger.record(&subject).unwrap();
    assert_eq!(
        (record.status(), record.reason(), record.successor_index()),
        (Status::Withdrawn, 8, None)
    );
    assert_eq!(
        ledger.refusal(&world::issue("jp.jc-star/EX-2", ISSUER)),
        "unknown-authority"
    );
    assert_eq!(
        ledger.refusal(&world::revoke(LABEL, None, ISSUER)),
        "unknown-authority"
    );
    let newest = ledger.newest(&subject);
    let add = json!({ "add": further_key(ISSUER, 2).vkey().to_string() });
    assert_eq!(
        ledger.refusal(&world::change_key(ISSUER, &add, newest, &root("jp"))),
        "bad-transition"
    );
    assert_eq!(
        ledger.refusal(&world::withdraw(ISSUER, &json!("all"), newest)),
        "bad-transition"
    );
    assert_eq!(
        ledger.refusal(&world::accredit(ISSUER, &["issuer"], &["jp.jc-star"])),
        "bad-transition"
    );
}

#[test]
fn successor_takes_the_place_of_the_own_issuer() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::accredit(
        "next.jp.example",
        &["issuer"],
        &["jp.jc-star"],
    ));
    ledger.accept(&world::issue(LABEL, ISSUER));
    let withdraw = |ledger: &Ledger, successor: &str| {
        let draft = json!({
            "subject": format!("authority:{ISSUER}"),
            "decided_at": "2026-10-01T00:00:00Z",
            "reason": { "code": "contract" },
            "body": { "effect_on_labels": "no-new", "successor": successor },
        });
        let prev = ledger.newest(&format!("authority:{ISSUER}"));
        world::entry(Kind::AuthorityWithdraw, &draft, Some(prev), &[&root("jp")])
    };
    for wrong in ["label.de.example", "unknown.jp.example"] {
        let entry = withdraw(&ledger, wrong);
        assert_eq!(ledger.refusal(&entry), "bad-member");
    }
    assert_eq!(
        ledger.refusal(&world::revoke(LABEL, None, "next.jp.example")),
        "out-of-scope"
    );
    let entry = withdraw(&ledger, "next.jp.example");
    ledger.accept(&entry);
    ledger.accept(&world::revoke(LABEL, None, "next.jp.example"));
    assert_eq!(ledger.record(LABEL).unwrap().status(), Status::Revoked);
    assert!(matches!(
        ledger.finding(LABEL),
        labelproof_core::status::Finding::Label(_)
    ));
}
