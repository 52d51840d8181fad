//! Keys and lines: which signatures count, and how keys are added, retired and revoked.

use base64::Engine as _;
use labelproof_core::event::{Event, Kind};
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::note::{Note, SignatureLine};
use labelproof_core::state::SignatureMemo;
use labelproof_core::state::record::Status;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::ledger::{ISSUER, LABEL, Ledger, stranger};
use crate::world::{self, further_key, key, root};

#[test]
fn lines_of_unknown_keys_are_ignored_and_lines_of_known_keys_must_verify() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let revoke = world::revoke(LABEL, None, ISSUER);
    let text = Note::parse(&revoke).unwrap().text().to_owned();
    // A junk line of a known key.
    let mut junk = key("watch.jp.example")
        .sign_note(&text)
        .signature()
        .to_vec();
    junk[0] ^= 1;
    let known = key("watch.jp.example");
    let line = SignatureLine::new(known.vkey().name().clone(), known.vkey().id(), junk).unwrap();
    let good = key(ISSUER).sign_note(&text);
    let note = Note::new(text.clone(), vec![good.clone(), line]).unwrap();
    assert_eq!(ledger.refusal(&note.to_bytes()), "bad-signature");
    // A junk line of a key that is not in force, and one by a stranger under the issuer's name.
    let far = key("nobody.jp.example").sign_note("something else\n");
    let near = stranger(ISSUER).sign_note(&text);
    let note = Note::new(text, vec![far, near, good]).unwrap();
    ledger.accept(&note.to_bytes());
    assert_eq!(ledger.record(LABEL).unwrap().status(), Status::Revoked);
}

#[test]
fn forged_memo_of_another_event_does_not_count() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let good = Event::parse(&world::revoke(LABEL, None, ISSUER)).unwrap();
    let memo = SignatureMemo::verify(&good, &ledger.state.candidate_keys(&good));
    // The same text under a line that was changed.
    let mut bad = good.note().signatures()[0].signature().to_vec();
    bad[63] ^= 0x10;
    let vkey = key(ISSUER).vkey().clone();
    let line = SignatureLine::new(vkey.name().clone(), vkey.id(), bad).unwrap();
    let forged = Note::new(good.note().text().to_owned(), vec![line]).unwrap();
    let forged = Event::parse(&forged.to_bytes()).unwrap();
    assert_eq!(forged.id(), good.id());
    assert_eq!(
        ledger.state.apply(&forged, &memo).unwrap_err().code(),
        "bad-signature"
    );
    assert!(ledger.state.apply(&good, &memo).is_ok());
}

#[test]
fn keys_are_added_retired_and_revoked() {
    let mut ledger = Ledger::founded();
    let second = further_key(ISSUER, 2);
    let subject = format!("authority:{ISSUER}");
    let change = |ledger: &Ledger, body: Value, by: &SigningKey| {
        world::change_key(ISSUER, &body, ledger.newest(&subject), by)
    };
    let add = json!({ "add": second.vkey().to_string() });
    // Only the member adds and retires.
    let by_itself = change(&ledger, add.clone(), &key(ISSUER));
    assert_eq!(ledger.refusal(&by_itself), "out-of-scope");
    let by_member = change(&ledger, add.clone(), &root("jp"));
    ledger.accept(&by_member);
    let twice = change(&ledger, add, &root("jp"));
    assert_eq!(ledger.refusal(&twice), "bad-member");

    let retire = change(
        &ledger,
        json!({ "retire": key(ISSUER).vkey().id().to_string() }),
        &root("jp"),
    );
    ledger.accept(&retire);
    assert_eq!(
        ledger.refusal(&world::issue(LABEL, ISSUER)),
        "unknown-authority"
    );
    let draft = world::issue_draft(LABEL);
    ledger.accept(&world::entry(Kind::LabelIssue, &draft, None, &[&second]));
    // What the first key signed stands: no cut.
    assert_eq!(ledger.record(&subject).unwrap().successor_index(), None);
    // A key that is gone does not come back.
    let again = change(
        &ledger,
        json!({ "add": key(ISSUER).vkey().to_string() }),
        &root("jp"),
    );
    assert_eq!(ledger.refusal(&again), "bad-member");
    let again = change(
        &ledger,
        json!({ "retire": key(ISSUER).vkey().id().to_string() }),
        &root("jp"),
    );
    assert_eq!(ledger.refusal(&again), "bad-member");
}

#[test]
fn cut_of_a_key_is_only_lowered() {
    let mut ledger = Ledger::founded();
    let id = key(ISSUER).vkey().id().to_string();
    let subject = format!("authority:{ISSUER}");
    let revoke = |ledger: &Ledger, from: Option<u64>, by: &SigningKey| {
        let mut body = json!({ "revoke": { "key": id } });
        if let Some(from) = from {
            body["revoke"]["compromised_from"] = json!(from);
        }
        world::change_key(ISSUER, &body, ledger.newest(&subject), by)
    };
    // The authority itself cannot date it back, the member not forward.
    let entry = revoke(&ledger, Some(3), &key(ISSUER));
    assert_eq!(ledger.refusal(&entry), "out-of-scope");
    let entry = revoke(&ledger, Some(ledger.entries.len() as u64 + 1), &root("jp"));
    assert_eq!(ledger.refusal(&entry), "bad-member");
    let entry = revoke(&ledger, None, &key(ISSUER));
    let (own, _) = ledger.accept(&entry);
    let cuts = |ledger: &Ledger| {
        let cut = |of: &str| {
            ledger
                .record(of)
                .unwrap()
                .successor_index()
                .map(LeafIndex::get)
        };
        (
            cut(&subject),
            cut("scheme:jp.jc-star"),
            cut("scheme:de.it-sik"),
        )
    };
    assert_eq!(cuts(&ledger), (Some(own.get()), Some(own.get()), None));
    let chain_before = *ledger.record("scheme:jp.jc-star").unwrap().chain();
    for (from, want) in [
        (Some(own.get()), Err("bad-member")),
        (None, Err("bad-member")),
        (Some(9), Ok(9)),
        (Some(10), Err("bad-member")),
        (Some(2), Ok(2)),
    ] {
        let entry = revoke(&ledger, from, &root("jp"));
        let got = ledger.offer(&entry).map_err(|refusal| refusal.code());
        assert_eq!(got.map(|_| cuts(&ledger).0.unwrap()), want);
    }
    assert_eq!(cuts(&ledger), (Some(2), Some(2), None));
    // A cut is written into the scheme's record, not counted there.
    assert_eq!(
        *ledger.record("scheme:jp.jc-star").unwrap().chain(),
        chain_before
    );
    // The key is out of force for everything, its own authority's matters too.
    assert_eq!(
        ledger.refusal(&world::issue(LABEL, ISSUER)),
        "unknown-authority"
    );
    let entry = revoke(&ledger, None, &key(ISSUER));
    assert_eq!(ledger.refusal(&entry), "unknown-authority");
}

#[test]
fn edge_keys_are_refused_at_registration() {
    let edges = [
        // The identity, a point of order 8, the identity with a non-canonical encoding.
        "0100000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let mut ledger = Ledger::founded();
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let honest = further_key(ISSUER, 2).vkey().to_string();
    let add = world::change_key(ISSUER, &json!({ "add": honest }), newest, &root("jp"));
    let text = Note::parse(&add).unwrap().text().to_owned();
    for point in edges {
        let point = hex::decode(point).unwrap();
        let mut hash = sha2::Sha256::new();
        hash.update(ISSUER);
        hash.update([b'\n', 0x01]);
        hash.update(&point);
        let id = hex::encode(&hash.finalize()[..4]);
        let coded =
            base64::engine::general_purpose::STANDARD.encode([&[0x01], point.as_slice()].concat());
        let edge = text.replace(&honest, &format!("{ISSUER}+{id}+{coded}"));
        assert_ne!(edge, text);
        assert_eq!(
            ledger.refusal(&world::sign(&edge, &[&root("jp")])),
            "bad-member"
        );
    }
    ledger.accept(&add);
}

#[test]
fn first_eight_known_lines_count_and_no_more() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let revoke = world::revoke(LABEL, None, ISSUER);
    let text = Note::parse(&revoke).unwrap().text().to_owned();
    let (other, issuer) = (key("label.de.example"), key(ISSUER));
    let unknown = stranger("nobody.jp.example");
    let mut signers: Vec<&SigningKey> = vec![&other; 8];
    signers.push(&issuer);
    assert_eq!(
        ledger.refusal(&world::sign(&text, &signers)),
        "out-of-scope"
    );
    // Lines that nobody knows take no room.
    signers[0] = &unknown;
    ledger.accept(&world::sign(&text, &signers));
}
