//! What a label covers: renewals, amends and bindings, and the indexes of products and printed ids.

use std::collections::BTreeMap;

use labelproof_core::event::{Event, EventId, Gtin14, Kind};
use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_core::refusal::Refusal;
use labelproof_core::state::Coverage;
use labelproof_core::state::key::{CanonicalId, IdRule, MapKey, MapName, canonical_id};
use labelproof_core::state::record::{IndexRecord, Status};
use serde_json::{Value, json};

use crate::ledger::{ISSUER, LABEL, Ledger, label};
use crate::world::{self, key};

pub(crate) const GTINS: [&str; 3] = ["09521234001010", "09521234001027", "09521234001034"];

fn covered(ledger: &Ledger) -> &Coverage {
    ledger.state.label_coverage(&label(LABEL)).unwrap()
}

fn gtins(ledger: &Ledger) -> Vec<&str> {
    covered(ledger).gtins().iter().map(Gtin14::as_str).collect()
}

fn send(ledger: &mut Ledger, kind: Kind, body: &Value) -> Result<LeafIndex, Refusal> {
    let newest = ledger.newest(LABEL);
    ledger.offer(&world::change(kind, LABEL, body, newest, &key(ISSUER)))
}

fn pointer(refused: Result<LeafIndex, Refusal>) -> String {
    let refusal = refused.unwrap_err();
    assert_eq!(refusal.code(), "bad-member", "{refusal}");
    refusal.pointer().unwrap().as_str().to_owned()
}

/// A label with one product, valid until 2028.
fn issued() -> Ledger {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    ledger
}

#[test]
fn renewal_only_lengthens() {
    let mut ledger = issued();
    let until = |year: u64| json!({ "valid_until": format!("{year}-02-03T00:00:00Z") });
    for body in [until(2027), until(2028)] {
        let refused = send(&mut ledger, Kind::LabelRenew, &body);
        assert_eq!(pointer(refused), "/body/valid_until");
    }
    send(&mut ledger, Kind::LabelRenew, &until(2029)).unwrap();
    let record = ledger.record(LABEL).unwrap();
    assert_eq!(record.not_after(), covered(&ledger).valid_until());
    assert_eq!(
        record.not_after().unwrap().to_string(),
        "2029-02-03T00:00:00Z"
    );
    assert_eq!((record.status(), record.event_count()), (Status::Active, 2));
    // Open is the latest of all.
    send(&mut ledger, Kind::LabelRenew, &json!({})).unwrap();
    assert_eq!(ledger.record(LABEL).unwrap().not_after(), None);
    for body in [until(9999), json!({})] {
        let refused = send(&mut ledger, Kind::LabelRenew, &body);
        assert_eq!(pointer(refused), "/body/valid_until");
    }
    send(
        &mut ledger,
        Kind::LabelRenew,
        &json!({ "aliases": ["R-1"] }),
    )
    .unwrap();
}

#[test]
fn renewal_adds_printed_ids_that_are_new_up_to_eight() {
    let mut ledger = issued();
    let renew = |ledger: &mut Ledger, aliases: &[&str]| {
        send(ledger, Kind::LabelRenew, &json!({ "aliases": aliases }))
    };
    renew(&mut ledger, &["a 1", "b"]).unwrap();
    // The scheme folds letters to upper case, spaces never count.
    for (aliases, at) in [(&["A1"][..], 0), (&["c", "a1"], 1), (&["d", "D "], 1)] {
        let refused = renew(&mut ledger, aliases);
        assert_eq!(pointer(refused), format!("/body/aliases/{at}"));
    }
    renew(&mut ledger, &["c", "d", "e", "f", "g"]).unwrap();
    assert_eq!(pointer(renew(&mut ledger, &["h", "i"])), "/body/aliases");
    renew(&mut ledger, &["h"]).unwrap();
    let printed: Vec<&str> = covered(&ledger)
        .aliases()
        .iter()
        .map(CanonicalId::as_str)
        .collect();
    assert_eq!(printed, ["A1", "B", "C", "D", "E", "F", "G", "H"]);
}

#[test]
fn amend_changes_what_a_label_may_say_anew_and_nothing_else() {
    let mut ledger = issued();
    send(
        &mut ledger,
        Kind::LabelBind,
        &json!({ "gtins": [GTINS[1]], "models": [] }),
    )
    .unwrap();
    send(
        &mut ledger,
        Kind::LabelRenew,
        &json!({ "valid_until": "2029-02-03T00:00:00Z", "aliases": ["R 1"] }),
    )
    .unwrap();
    let mut good = world::issue_draft(LABEL)["body"].clone();
    good["gtins"] = json!([GTINS[1], GTINS[0]]);
    good["valid_until"] = json!("2029-02-03T00:00:00Z");
    good["aliases"] = json!(["r1"]);
    good["models"] = json!([{ "number": "KH-6", "hw": [] }]);
    good["page"] = json!("https://jc-star.jp.example/other");
    for (member, value) in [
        ("level", json!("level2")),
        ("valid_from", json!("2026-02-04T00:00:00Z")),
        ("valid_until", json!("2030-02-03T00:00:00Z")),
        ("valid_until", json!("2028-02-03T00:00:00Z")),
        ("validity_reference", json!("use")),
        ("gtins", json!([GTINS[0]])),
        ("gtins", json!([GTINS[0], GTINS[2]])),
        ("gtins", json!(GTINS)),
        ("aliases", json!([])),
        ("aliases", json!(["R-1"])),
        ("supersedes", json!("jp.jc-star/EX-2")),
        ("page", json!("https://other.jp.example/EX-1")),
        ("lab", json!("watch.jp.example")),
    ] {
        let mut body = good.clone();
        body[member] = value;
        let refused = send(&mut ledger, Kind::LabelAmend, &body);
        assert_eq!(pointer(refused), format!("/body/{member}"));
    }
    let before = ledger.record(LABEL).unwrap();
    send(&mut ledger, Kind::LabelAmend, &good).unwrap();
    let after = ledger.record(LABEL).unwrap();
    assert_eq!(after.not_after(), before.not_after());
    assert_eq!(after.event_count(), before.event_count() + 1);
    assert_eq!(covered(&ledger).models()[0].number.as_str(), "KH-6");
    assert_eq!(gtins(&ledger), [GTINS[0], GTINS[1]]);
}

#[test]
fn amend_stays_within_the_issuers_grant() {
    let mut ledger = Ledger::founded();
    let mut draft = world::accredit_draft("second.jp.example", &["issuer"], &["jp.jc-star"]);
    draft["body"]["grants"][0]["categories"] = json!(["router"]);
    ledger.accept(&world::entry(
        Kind::AuthorityAccredit,
        &draft,
        None,
        &[&world::root("jp")],
    ));
    ledger.accept(&world::issue(LABEL, "second.jp.example"));
    let newest = ledger.newest(LABEL);
    let mut body = world::issue_draft(LABEL)["body"].clone();
    body["product"]["category"] = json!("ip-camera");
    let amend = world::change(
        Kind::LabelAmend,
        LABEL,
        &body,
        newest,
        &key("second.jp.example"),
    );
    assert_eq!(ledger.refusal(&amend), "out-of-scope");
    body["product"]["category"] = json!("router");
    ledger.accept(&world::change(
        Kind::LabelAmend,
        LABEL,
        &body,
        newest,
        &key("second.jp.example"),
    ));
}

#[test]
fn bound_must_be_new_and_unbound_must_be_there() {
    let mut ledger = issued();
    let model = json!({ "number": "KH-5", "variant": "white", "hw": ["A1"] });
    let other = json!({ "number": "KH-5", "variant": "black", "hw": ["A1"] });
    let body = |gtins: &[&str], models: &[&Value]| json!({ "gtins": gtins, "models": models });
    for (kind, body, want) in [
        (
            Kind::LabelBind,
            body(&[GTINS[1], GTINS[0]], &[]),
            "/body/gtins/1",
        ),
        (Kind::LabelBind, body(&[], &[&model]), "/body/models/0"),
        (Kind::LabelUnbind, body(&[GTINS[1]], &[]), "/body/gtins/0"),
        (
            Kind::LabelUnbind,
            body(&[], &[&model, &other]),
            "/body/models/1",
        ),
    ] {
        assert_eq!(pointer(send(&mut ledger, kind, &body)), want);
    }
    send(&mut ledger, Kind::LabelBind, &body(&[GTINS[1]], &[&other])).unwrap();
    assert_eq!(gtins(&ledger), [GTINS[0], GTINS[1]]);
    // A label may lose all of them, and get one back.
    send(
        &mut ledger,
        Kind::LabelUnbind,
        &body(&[GTINS[0], GTINS[1]], &[&model, &other]),
    )
    .unwrap();
    assert!(covered(&ledger).gtins().is_empty() && covered(&ledger).models().is_empty());
    send(&mut ledger, Kind::LabelBind, &body(&[GTINS[0]], &[])).unwrap();
    assert_eq!(gtins(&ledger), [GTINS[0]]);
}

#[test]
fn label_covers_at_most_what_a_whole_body_can_name() {
    let mut ledger = issued();
    let numbers: Vec<String> = (0..64)
        .map(|number| {
            let digits = format!("952123500{number:03}");
            let check =
                (0..10).find(|check| Gtin14::from_digits(&format!("{digits}{check}")).is_ok());
            format!("0{digits}{}", check.unwrap())
        })
        .collect();
    let bind = |gtins: &[String]| json!({ "gtins": gtins, "models": [] });
    assert_eq!(
        pointer(send(&mut ledger, Kind::LabelBind, &bind(&numbers))),
        "/body/gtins"
    );
    send(&mut ledger, Kind::LabelBind, &bind(&numbers[..63])).unwrap();
    assert_eq!(
        pointer(send(&mut ledger, Kind::LabelBind, &bind(&numbers[63..]))),
        "/body/gtins"
    );
    let models: Vec<Value> = (0..256)
        .map(|number| json!({ "number": number.to_string(), "hw": [] }))
        .collect();
    let bind = |models: &[Value]| json!({ "gtins": [], "models": models });
    assert_eq!(
        pointer(send(&mut ledger, Kind::LabelBind, &bind(&models))),
        "/body/models"
    );
    send(&mut ledger, Kind::LabelBind, &bind(&models[1..])).unwrap();
}

/// Which accepted events each index should have, found by reading all of them.
pub(crate) fn rebuilt(ledger: &Ledger) -> BTreeMap<MapKey, IndexRecord> {
    let mut found: BTreeMap<MapKey, Vec<(LeafIndex, LeafHash)>> = BTreeMap::new();
    for (at, entry) in ledger.entries.iter().enumerate() {
        let Ok(event) = Event::parse(entry) else {
            continue;
        };
        let json: Value = serde_json::from_str(event.json()).unwrap();
        let (kind, body) = (json["kind"].as_str().unwrap(), &json["body"]);
        let texts = |list: &str, kinds: &[&str]| -> Vec<String> {
            let listed = body[list].as_array().filter(|_| kinds.contains(&kind));
            let texts = listed.into_iter().flatten();
            texts
                .map(|text| text.as_str().unwrap().to_owned())
                .collect()
        };
        let gtins = texts("gtins", &["label.issue", "label.bind", "label.unbind"]);
        let aliases = texts("aliases", &["label.issue", "label.renew"]);
        let names = gtins
            .iter()
            .map(|gtin| MapName::product(&gtin.parse().unwrap()));
        let mut names: Vec<MapName> = names.collect();
        for alias in aliases {
            let id = canonical_id(IdRule::Upper, &alias).unwrap();
            let scheme = json["subject"].as_str().unwrap().split_once('/').unwrap().0;
            names.push(MapName::alias(scheme, &id).unwrap());
        }
        names.sort();
        names.dedup();
        for name in names {
            let leaf = LeafHash::of_entry(entry);
            found
                .entry(name.key())
                .or_default()
                .push((LeafIndex::new(at as u64), leaf));
        }
    }
    found
        .into_iter()
        .map(|(key, events)| (key, IndexRecord::of_events(&events).unwrap()))
        .collect()
}

pub(crate) fn indexes(ledger: &Ledger) -> BTreeMap<MapKey, IndexRecord> {
    let view = ledger.state.view();
    let indexes = view.map().iter().filter_map(|(key, record)| {
        let record = IndexRecord::from_bytes(record).ok()?;
        Some((*key, record))
    });
    indexes.collect()
}

#[test]
fn every_event_is_in_the_indexes_of_what_it_names() {
    let mut ledger = Ledger::founded();
    let mut draft = world::issue_draft(LABEL);
    draft["body"]["aliases"] = json!(["p 1", "P1", "Ü/2"]);
    ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&key(ISSUER)],
    ));
    ledger.accept(&world::issue("de.it-sik/A-1", "label.de.example"));
    assert_eq!(indexes(&ledger), rebuilt(&ledger));
    let both = |gtins: &[&str]| json!({ "gtins": gtins, "models": [] });
    // Every count from 1 to 20, so that a root alone goes on, and a frontier.
    for round in 0..9 {
        let (kind, listed) = match round % 2 {
            0 => (Kind::LabelBind, &GTINS[1..]),
            _ => (Kind::LabelUnbind, &GTINS[1..]),
        };
        send(&mut ledger, kind, &both(listed)).unwrap();
        assert_eq!(indexes(&ledger), rebuilt(&ledger), "round {round}");
    }
    send(&mut ledger, Kind::LabelRenew, &json!({ "aliases": ["R"] })).unwrap();
    ledger.close();
    // A label of another scheme with the same product, and one that never names it.
    ledger.accept(&world::issue("sg.cls/S-1", "label.sg.example"));
    assert_eq!(indexes(&ledger), rebuilt(&ledger));
    let name = MapName::product(&GTINS[0].parse().unwrap());
    assert_eq!(ledger.state.view().index_record(&name).unwrap().count(), 3);
}

#[test]
fn refused_event_enters_no_index() {
    let mut ledger = issued();
    let before = indexes(&ledger);
    let body = json!({ "gtins": [GTINS[1]], "models": [] });
    let none = EventId::from_bytes([0; 32]);
    let entry = world::change(Kind::LabelBind, LABEL, &body, none, &key(ISSUER));
    assert_eq!(ledger.refusal(&entry), "wrong-previous");
    assert_eq!(indexes(&ledger), before);
}

#[test]
fn index_keys_name_every_label_product_and_printed_id() {
    let mut ledger = issued();
    let mut draft = world::issue_draft("jp.jc-star/ex-2");
    draft["body"]["supersedes"] = json!(LABEL);
    draft["body"]["aliases"] = json!(["q", "Q "]);
    let entry = world::entry(Kind::LabelIssue, &draft, None, &[&key(ISSUER)]);
    let keys = ledger.state.index_keys(&Event::parse(&entry).unwrap());
    let id = |text: &str| canonical_id(IdRule::Upper, text).unwrap();
    let mut want = vec![
        MapName::label("jp.jc-star", &id("EX-2")).unwrap().key(),
        MapName::label("jp.jc-star", &id("EX-1")).unwrap().key(),
    ];
    want.push(MapName::product(&GTINS[0].parse().unwrap()).key());
    want.push(MapName::alias("jp.jc-star", &id("Q")).unwrap().key());
    assert_eq!(keys, want);
    let later = ledger.state.later_keys(&Event::parse(&entry).unwrap());
    assert_eq!(later, want[1..]);
    ledger.accept(&entry);
    let accredit = world::accredit("other.jp.example", &["issuer"], &["jp.jc-star"]);
    assert!(
        ledger
            .state
            .index_keys(&Event::parse(&accredit).unwrap())
            .is_empty()
    );
}
