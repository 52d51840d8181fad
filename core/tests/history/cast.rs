//! Who acts in the history: members with roots, authorities with keys, schemes, labels. All invented.

use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::note::KeyName;
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "labels.g7.example";

/// Authorities that are accredited from the start, and three that may come.
pub(crate) const AUTHORITIES: [&str; 8] = [
    "label.jp.example",
    "watch.jp.example",
    "lab.jp.example",
    "label2.jp.example",
    "label.gb.example",
    "late.jp.example",
    "late.gb.example",
    "stranger.fr.example",
];

pub(crate) const SCHEMES: [&str; 4] = ["jp.jc-star", "gb.mark", "jp.second", "sg.cls"];

/// Some are another spelling of a label that was there before.
pub(crate) fn label(number: usize) -> String {
    match number % 8 {
        0..4 => format!("jp.jc-star/EX-{}", number / 2),
        4 => format!("jp.jc-star/ex-{}", number / 2),
        5 => format!("gb.mark/B_{number}"),
        6 => format!("gb.mark/b_{}", number - 1),
        _ => format!("jp.second/{}", ["x", "X"][number / 8 % 2]),
    }
}

/// One of a handful of product numbers.
pub(crate) fn gtin(number: usize) -> String {
    let digits = format!("0952123400{number:03}");
    let weighted = digits.bytes().rev().enumerate().map(|(place, digit)| {
        let weight = if place % 2 == 0 { 3 } else { 1 };
        weight * usize::from(digit - b'0')
    });
    let sum: usize = weighted.sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A key of a name; `number` tells several of one name apart.
pub(crate) fn key(name: &str, number: u8) -> SigningKey {
    let mut seed = [number; 32];
    for (at, byte) in name.bytes().enumerate() {
        seed[at % 32] = seed[at % 32].wrapping_mul(31).wrapping_add(byte);
    }
    SigningKey::from_seed(KeyName::parse(name).unwrap(), KeyType::Note, seed)
}

fn vkey(name: &str, number: u8) -> String {
    key(name, number).vkey().to_string()
}

pub(crate) fn roots(member: &str, numbers: &[u8]) -> Vec<SigningKey> {
    let name = format!("root.{member}.example");
    numbers.iter().map(|number| key(&name, *number)).collect()
}

pub(crate) fn root_vkeys(member: &str, numbers: &[u8]) -> Vec<String> {
    let roots = roots(member, numbers);
    roots.iter().map(|key| key.vkey().to_string()).collect()
}

pub(crate) fn genesis() -> Value {
    let member =
        |id: &str, numbers: &[u8], threshold: u8, associate: bool, territories: &[&str]| {
            json!({
                "id": id,
                "name": format!("Member {id}"),
                "roots": root_vkeys(id, numbers),
                "threshold": threshold,
                "territories": territories,
                "domains": [format!("{id}.example")],
                "associate": associate,
            })
        };
    json!({
        "subject": format!("log:{ORIGIN}"),
        "decided_at": "2026-01-01T00:00:00Z",
        "body": {
            "rules": "state/0.2",
            "members": [
                member("jp", &[1, 2, 3], 2, false, &["JP"]),
                member("gb", &[1], 1, false, &["GB", "IM"]),
                member("sg", &[1], 1, true, &["SG"]),
            ],
        },
    })
}

pub(crate) fn scheme(id: &str, id_rule: &str) -> Value {
    json!({
        "names": {"en": format!("Scheme {id}")},
        "levels": [
            {"code": "star1", "rank": 1, "names": {"en": "one"}},
            {"code": "star2", "rank": 2, "names": {"en": "two"}},
        ],
        "hosts": ["page.example"],
        "versions": ["1"],
        "id_rule": id_rule,
        "validity_reference": "placing",
        "late_renewal": false,
    })
}

pub(crate) fn accredit(name: &str, member: &str, numbers: &[u8], grants: &Value) -> Value {
    let keys: Vec<String> = numbers.iter().map(|number| vkey(name, *number)).collect();
    json!({
        "member": member,
        "name": format!("Office {name}"),
        "country": member.to_uppercase(),
        "keys": keys,
        "grants": grants,
    })
}

/// The body of an issue; what a scope can limit comes from outside.
pub(crate) fn issue(native: &str, level: &str, category: &str, territory: &str) -> Value {
    json!({
        "native_id": native,
        "aliases": [],
        "scheme_version": "1",
        "level": level,
        "assurance": "self-declared",
        "standards": [],
        "holder": {"name": "Holder", "country": "JP", "ids": []},
        "manufacturer": {"name": "Maker", "country": "JP", "ids": []},
        "product": {"line": "L", "names": ["P"], "category": category, "use": "consumer"},
        "models": [{"number": "1", "variant": "a", "hw": []}],
        "firmware": "any",
        "components": ["device"],
        "gtins": [],
        "territory": [territory],
        "valid_from": "2026-02-03T00:00:00Z",
        "validity_reference": "placing",
        "support_end": "unknown",
        "updates": {"mode": "automatic", "uri": "https://u.example/"},
        "contact": "https://u.example/",
        "page": "https://page.example/",
    })
}
