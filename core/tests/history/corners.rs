//! What chance does not reach: full labels, thieves, successors, cuts that are lowered, blind events that come again.

use labelproof_core::event::{Event, Kind};
use labelproof_core::key::SigningKey;
use serde_json::{Value, json};

use crate::cast::{accredit, gtin, issue, key};
use crate::script::{Exact, Script};

const LABEL: &str = "jp.second/corner";

pub(crate) fn play(script: &mut Script) {
    let roots = script.roots_of_jp();
    let issuer = json!([
        {"role": "issuer", "schemes": ["jp.second"]},
        {"role": "market", "schemes": [], "territory": ["JP"]},
    ]);
    let nothing = json!([{"role": "market", "schemes": [], "territory": ["JP"]}]);
    for (name, grants) in [("a", &issuer), ("b", &nothing), ("c", &nothing)] {
        let name = format!("{name}.jp.example");
        let body = accredit(&name, "jp", &[1, 2], grants);
        let subject = format!("authority:{name}");
        let event = exact(Kind::AuthorityAccredit, &subject, body, 0, true);
        script.exact(&event, &roots, "accepted");
    }
    blind_events(script);
    cuts(script, &roots);
    successors(script, &roots);
    fall(script, &roots, &issuer);
    script.close_batch();
    theft(script, &roots, &issuer);
}

fn exact(kind: Kind, subject: &str, body: Value, hour: u64, blind: bool) -> Exact<'_> {
    Exact {
        kind,
        subject,
        body,
        hour,
        blind,
    }
}

fn suspend(hour: u64, blind: bool) -> Exact<'static> {
    let body = json!({"validity_effect": "none"});
    exact(Kind::LabelSuspend, LABEL, body, hour, blind)
}

fn reinstate(suspension: &[u8], hour: u64) -> Exact<'static> {
    let id = Event::parse(suspension).unwrap().id();
    let body = json!({"suspension": id.to_string()});
    exact(Kind::LabelReinstate, LABEL, body, hour, false)
}

/// A blind event counts once, and only if it was decided after every reinstate.
fn blind_events(script: &mut Script) {
    let a = [key("a.jp.example", 1)];
    let body = issue("corner", "star1", "router", "JP");
    script.exact(
        &exact(Kind::LabelIssue, LABEL, body, 1, true),
        &a,
        "accepted",
    );
    let first = script.exact(&suspend(2, true), &a, "accepted");
    script.again(&first, "wrong-previous");
    let second = script.exact(&suspend(3, true), &a, "accepted");
    script.exact(&reinstate(&first, 10), &a, "accepted");
    script.exact(&suspend(9, true), &a, "wrong-previous");
    script.exact(&suspend(10, true), &a, "wrong-previous");
    script.close_batch();
    script.exact(&reinstate(&first, 11), &a, "bad-member");
    // Decided earlier than the other reinstate, which goes on to bind blind events.
    script.exact(&reinstate(&second, 4), &a, "accepted");
    script.exact(&suspend(5, true), &a, "wrong-previous");
    let third = script.exact(&suspend(5, false), &a, "accepted");
    script.exact(&reinstate(&third, 6), &a, "accepted");
    script.exact(&suspend(11, true), &a, "accepted");
    script.close_batch();
}

/// A cut is only lowered, and a scheme has the lowest.
fn cuts(script: &mut Script, roots: &[SigningKey]) {
    let id = |number| key("a.jp.example", number).vkey().id().to_string();
    let revoke = |number: u8, from: u64| {
        let body = json!({"revoke": {"key": id(number), "compromised_from": from}});
        exact(Kind::AuthorityKey, "authority:a.jp.example", body, 0, false)
    };
    script.exact(&revoke(2, 50), roots, "accepted");
    script.close_batch();
    script.exact(&revoke(2, 60), roots, "bad-member");
    script.exact(&revoke(2, 50), roots, "bad-member");
    script.exact(&revoke(2, 40), roots, "accepted");
    script.exact(&revoke(2, 1_000_000), roots, "bad-member");
    let own = json!({"revoke": {"key": id(1)}});
    let subject = "authority:b.jp.example";
    let b = [key("b.jp.example", 2)];
    let other = json!({"revoke": {"key": b[0].vkey().id().to_string()}});
    script.exact(
        &exact(Kind::AuthorityKey, subject, own, 0, false),
        &b,
        "bad-member",
    );
    script.exact(
        &exact(Kind::AuthorityKey, subject, other, 0, false),
        &b,
        "accepted",
    );
    script.close_batch();
}

/// A successor keeps the labels, and its successor after it; who was withdrawn signs no more.
fn successors(script: &mut Script, roots: &[SigningKey]) {
    let [a, b, c] = ["a", "b", "c"].map(|name| [key(&format!("{name}.jp.example"), 1)]);
    let withdraw = |name: &'static str, successor: &str| {
        let body = json!({"effect_on_labels": "no-new", "successor": successor});
        exact(Kind::AuthorityWithdraw, name, body, 0, false)
    };
    let early = script.exact(&suspend(20, false), &b, "out-of-scope");
    script.exact(
        &withdraw("authority:a.jp.example", "b.jp.example"),
        roots,
        "accepted",
    );
    script.exact(&suspend(21, false), &a, "unknown-authority");
    script.exact(&suspend(22, false), &b, "accepted");
    script.again(&early, "wrong-previous");
    script.close_batch();
    script.exact(
        &withdraw("authority:b.jp.example", "c.jp.example"),
        roots,
        "accepted",
    );
    script.exact(&suspend(23, false), &c, "accepted");
    let revoke = exact(Kind::LabelRevoke, LABEL, json!({}), 24, true);
    let revoke = script.exact(&revoke, &c, "accepted");
    script.again(&revoke, "wrong-previous");
}

/// An authority that is withdrawn with all its labels.
fn fall(script: &mut Script, roots: &[SigningKey], grants: &Value) {
    let d = [key("d.jp.example", 1)];
    let subject = "authority:d.jp.example";
    let body = accredit("d.jp.example", "jp", &[1], grants);
    script.exact(
        &exact(Kind::AuthorityAccredit, subject, body, 0, true),
        roots,
        "accepted",
    );
    let body = issue("fallen", "star1", "router", "JP");
    let issue = exact(Kind::LabelIssue, "jp.second/fallen", body, 30, true);
    script.exact(&issue, &d, "accepted");
    script.close_batch();
    let body = json!({"effect_on_labels": "all"});
    let withdraw = exact(Kind::AuthorityWithdraw, subject, body, 31, false);
    script.exact(&withdraw, roots, "accepted");
}

/// A thief renews, binds, amends and unbinds with the second key; then its cut is known. The first key goes on.
fn theft(script: &mut Script, roots: &[SigningKey], grants: &Value) {
    let [own, stolen] = [1, 2].map(|number| [key("e.jp.example", number)]);
    let subject = "authority:e.jp.example";
    let body = accredit("e.jp.example", "jp", &[1, 2], grants);
    let accredit = exact(Kind::AuthorityAccredit, subject, body, 0, true);
    script.exact(&accredit, roots, "accepted");
    let on = |kind, body, hour| exact(kind, "jp.second/robbed", body, hour, kind.opens_subject());
    let gtins = |numbers: std::ops::Range<usize>| numbers.map(gtin).collect::<Vec<_>>();
    let products = |numbers| json!({"gtins": gtins(numbers), "models": []});
    let until = |year: u64, aliases: &[&str]| {
        let mut body = json!({"valid_until": format!("{year}-02-03T00:00:00Z")});
        if !aliases.is_empty() {
            body["aliases"] = json!(aliases);
        }
        body
    };
    let mut body = issue("robbed", "star1", "router", "JP");
    body["gtins"] = json!(gtins(0..4));
    body["valid_until"] = json!("2029-02-03T00:00:00Z");
    script.exact(&on(Kind::LabelIssue, body.clone(), 40), &own, "accepted");
    script.exact(&on(Kind::LabelBind, products(4..6), 41), &own, "accepted");
    script.close_batch();
    let cut = script.next_index();
    script.exact(
        &on(Kind::LabelRenew, until(2035, &["stolen 1"]), 42),
        &stolen,
        "accepted",
    );
    script.exact(
        &on(Kind::LabelBind, products(6..9), 43),
        &stolen,
        "accepted",
    );
    script.exact(
        &on(Kind::LabelUnbind, products(0..1), 44),
        &stolen,
        "accepted",
    );
    body["gtins"] = json!(gtins(1..9));
    body["aliases"] = json!(["stolen1"]);
    body["valid_until"] = json!("2035-02-03T00:00:00Z");
    body["models"] = json!([{"number": "stolen", "hw": []}]);
    script.exact(&on(Kind::LabelAmend, body, 45), &stolen, "accepted");
    script.close_batch();
    // The owner takes one of the thief's products away again, and goes on.
    script.exact(&on(Kind::LabelUnbind, products(8..9), 46), &own, "accepted");
    script.exact(
        &on(Kind::LabelUnbind, products(8..9), 46),
        &own,
        "bad-member",
    );
    script.exact(&on(Kind::LabelBind, products(1..2), 47), &own, "bad-member");
    script.exact(
        &on(Kind::LabelRenew, until(2034, &[]), 48),
        &own,
        "bad-member",
    );
    script.exact(
        &on(Kind::LabelRenew, until(2035, &[]), 48),
        &own,
        "bad-member",
    );
    script.exact(
        &on(Kind::LabelRenew, until(2035, &["stolen 1"]), 48),
        &own,
        "bad-member",
    );
    script.exact(
        &on(Kind::LabelRenew, until(2035, &["E-1", "E 1", "e-1"]), 48),
        &own,
        "accepted",
    );
    script.exact(&on(Kind::LabelBind, products(9..11), 49), &own, "accepted");
    let full = json!({"gtins": gtins(11..67), "models": []});
    script.exact(&on(Kind::LabelBind, full, 50), &own, "bad-member");
    let just = json!({"gtins": gtins(11..66), "models": []});
    script.exact(&on(Kind::LabelBind, just, 50), &own, "accepted");
    let id = stolen[0].vkey().id().to_string();
    let body = json!({"revoke": {"key": id, "compromised_from": cut}});
    let revoke = exact(Kind::AuthorityKey, subject, body, 51, false);
    script.exact(&revoke, roots, "accepted");
    script.exact(
        &on(Kind::LabelBind, products(70..71), 52),
        &stolen,
        "unknown-authority",
    );
}
