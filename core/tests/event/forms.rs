//! One meaning, one form: every other way to write an event is refused.

use labelproof_core::event::Event;

use super::{changed, code, signed};

/// What is done | to the sample of which kind | what is replaced | by what | the refusal.
const OTHER_FORMS: &str = r#"
a space | label.revoke | "body":{} | "body": {} | not-canonical
a null for absent | label.revoke | "kind" | "effective_from":null,"kind" | not-canonical
another order | label.revoke | {"body":{},"decided_at":"2026-09-01T08:00:00Z", | {"decided_at":"2026-09-01T08:00:00Z","body":{}, | not-canonical
a name twice | label.revoke | {"body":{}, | {"body":{},"body":{}, | bad-member
the kind twice | label.revoke | "kind": | "kind":"label.revoke","kind": | bad-member
a language twice | scheme.define | {"en":"Star | {"en":"x","en":"Star | not-canonical
an escape that is not needed | label.revoke | false-declaration | \u0066alse-declaration | not-canonical
an escaped slash | label.revoke | jp.jc-star/EX | jp.jc-star\/EX | not-canonical
an escaped letter outside ASCII | scheme.define | ★1 | \u26051 | not-canonical
an array for the object | label.revoke | {"body":{} | [{"body":{} | malformed
a fraction | authority.key | :412, | :412.0, | bad-member
an exponent | authority.key | :412, | :412e0, | bad-member
a minus | authority.key | :412, | :-412, | bad-member
a minus zero | authority.key | :412, | :-0, | bad-member
a plus | authority.key | :412, | :+412, | malformed
a leading zero | authority.key | :412, | :0412, | malformed
2^53 | authority.key | :412, | :9007199254740992, | bad-member
a number in a string | authority.key | :412, | :"412", | bad-member
a key id in capitals | authority.key | a4973260 | A4973260 | bad-member
a time with an offset | label.revoke | 08:00:00Z | 08:00:00+00:00 | bad-member
a time with fractions | label.revoke | 08:00:00Z | 08:00:00.0Z | bad-member
second 60 | label.revoke | 08:00:00Z | 23:59:60Z | bad-member
a small t | label.revoke | T08:00:00Z | t08:00:00Z | bad-member
a day that is none | label.revoke | 2026-09-01 | 2026-09-31 | bad-member
text after the object | label.revoke | EX-000123"} | EX-000123"}  | not-canonical
a second object | label.revoke | EX-000123"} | EX-000123"}{} | malformed
an unpaired surrogate | label.revoke | false-declaration | \ud800 | malformed
"#;

/// Kind | what is replaced | by what | where the refusal points.
const BROKEN_RULES: &str = r#"
label.issue | "aliases":[], |  | /body
label.issue | "aliases":[] | "alias":[],"aliases":[] | /body/alias
label.issue | "aliases":[] | "aliases":[""] | /body/aliases/0
label.issue | "aliases":[] | "aliases":["a","a"] | /body/aliases
label.issue | 09521234001010 | 09521234001011 | /body/gtins/0
label.issue | "native_id":"EX-000123" | "native_id":"EX-000124" | /body/native_id
label.issue | "valid_until":"2028 | "valid_until":"2025 | /body/valid_until
label.issue | "use":"consumer" | "use":"home" | /body/product/use
label.issue | https://kawabe.example/security | mailto:a@kawabe.example | /body/contact
label.issue | "support_end":"2031-03" | "support_end":"2031" | /body/support_end
label.issue | {"min":"2.1.0"} | {"max":"2.1.0"} | /body/firmware
label.issue | {"min":"2.1.0"} | {"list":[]} | /body/firmware/list
label.issue | "support_end" | "supersedes":"jp.jc-star/EX-000123","support_end" | /body/supersedes
label.issue | "support_end" | "supersedes":"sg.cls/EX-1","support_end" | /body/supersedes
label.issue | jp.jc-star/EX-000123 | scheme:jp.jc-star | /subject
label.issue | "aliases":[] | "aliases":["a","  "] | /body/aliases/1
label.amend | "native_id":"EX-000123" | "native_id":"ex-000123" | /body/native_id
label.amend | "valid_until":"2028 | "valid_until":"2025 | /body/valid_until
label.amend | "aliases":[], |  | /body
label.renew | ["EX-000123-R1"] | [] | /body/aliases
label.renew | ["EX-000123-R1"] | [" "] | /body/aliases/0
label.renew | ["EX-000123-R1"] | ["1","2","3","4","5","6","7","8","9"] | /body/aliases
label.renew | 2030-02-03T | 2030-02-30T | /body/valid_until
label.renew | "aliases":["EX-000123-R1"] | "gtins":[] | /body/gtins
label.bind | 09521234001027 | 09521234001028 | /body/gtins/0
label.bind | ["09521234001027"] | ["09521234001027","09521234001027"] | /body/gtins
label.bind | "gtins":["09521234001027"], |  | /body
label.bind | jp.jc-star/EX-000123 | authority:label.jp.example | /subject
label.unbind | "gtins":["09521234001027"] | "gtins":[] | /body
label.unbind | "reason":{"code":"holder-request"}, |  | /reason
label.revoke | "reason":{"code":"false-declaration"}, |  | /reason
label.revoke | false-declaration | none | /reason/code
label.revoke | "kind" | "effective_until":"2026-09-01T08:00:00Z","kind" | /effective_until
label.revoke | "kind" | "evidence":[],"kind" | /evidence
label.revoke | "kind" | "legal_basis":"","kind" | /legal_basis
label.revoke | "body":{} | "body":{"a":1} | /body/a
label.revoke | "kind":"label.revoke", |  | /kind
label.reinstate | "suspension":"00 | "suspension":"0G | /body/suspension
log.genesis | log:labels.g7.example | log:labels.other.example | /subject
log.genesis | "jp.example" | "label.de.example" | /body/members/1/domains/0
log.genesis | "id":"jp" | "id":"de" | /body/members/1/id
log.genesis | "threshold":1 | "threshold":2 | /body/members/0/threshold
log.genesis | "threshold":1 | "threshold":0 | /body/members/0/threshold
scheme.define | "rank":2 | "rank":10 | /body/levels/1/rank
scheme.define | "code":"star2" | "code":"star1" | /body/levels/1/code
scheme.define | "en":"★1" | "EN":"★1" | /body/levels/0/names/EN
authority.accredit | authority:label.jp.example | authority:other.jp.example | /body/keys/0
authority.accredit | "schemes":["jp.jc-star"] | "schemes":[] | /body/grants/0/schemes
authority.accredit | "role":"supervisor" | "role":"attester" | /body/grants/1/factors
authority.key | "reason":{"code":"key-compromised"}, |  | /reason
authority.withdraw | labels2.jp.example | label.jp.example | /body/successor
"#;

fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.split(" | ").collect::<Vec<_>>().try_into().unwrap())
}

#[test]
fn each_other_form_of_the_same_meaning_is_refused() {
    for [name, kind, from, to, want] in rows(OTHER_FORMS) {
        assert_eq!(
            code(&changed(kind.parse().unwrap(), from, to)),
            want,
            "{name}"
        );
    }
}

#[test]
fn each_broken_rule_is_pointed_at() {
    for [kind, from, to, want] in rows(BROKEN_RULES) {
        let refusal = Event::parse(&signed(&changed(kind.parse().unwrap(), from, to))).unwrap_err();
        assert_eq!(refusal.code(), "bad-member", "{from} -> {to}: {refusal}");
        assert_eq!(
            refusal.pointer().unwrap().as_str(),
            want,
            "{from} -> {to}: {refusal}"
        );
    }
}
