//! An invented world of members, schemes and authorities, and the notes they sign.
//!
//! Every key follows from its name, so that the same world comes out each time and two
//! processes need not pass keys to each other. Nothing here talks to a log: what a note
//! needs from one (`prev`) is an argument.

use labelproof_core::checkpoint::Origin;
use labelproof_core::event::{Draft, EventId, Kind, template};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::LeafHash;
use labelproof_core::note::Note;
use serde_json::{Value, json};

/// The log all samples are for.
pub const ORIGIN: &str = "labels.g7.example";

/// Who stands in the genesis: code, name, territories; the last is the associate.
///
/// Root key `root.<code>.example`, domain `<code>.example`, threshold 1.
pub const MEMBERS: [(&str, &str, &[&str]); 9] = [
    ("ca", "Canada", &["CA"]),
    ("de", "Germany", &["DE"]),
    ("fr", "France", &["FR"]),
    ("gb", "United Kingdom", &["GB"]),
    ("it", "Italy", &["IT"]),
    ("jp", "Japan", &["JP"]),
    ("us", "United States", &["US"]),
    ("eu", "European Union", &["EU", "DE", "FR", "IT"]),
    ("sg", "Singapore", &["SG"]),
];

/// The members that run a witness, and so have a vote.
pub const WITNESSES: [&str; 7] = ["ca", "de", "fr", "gb", "it", "jp", "us"];

/// The origin of the samples, parsed.
#[must_use]
pub fn origin() -> Origin {
    ORIGIN.parse().expect("the constant is an origin")
}

/// The key that signs notes under `name`.
///
/// # Panics
/// If `name` is no key name.
#[must_use]
pub fn key(name: &str) -> SigningKey {
    key_of(name, name, KeyType::Note)
}

/// Another key under `name`, told apart by `number`.
///
/// # Panics
/// If `name` is no key name.
#[must_use]
pub fn further_key(name: &str, number: u32) -> SigningKey {
    key_of(name, &format!("{name} {number}"), KeyType::Note)
}

/// The key of the witness `witness.<code>.example`.
#[must_use]
pub fn witness_key(code: &str) -> SigningKey {
    let name = format!("witness.{code}.example");
    key_of(&name, &name, KeyType::Cosignature)
}

/// The root key of a member.
#[must_use]
pub fn root(code: &str) -> SigningKey {
    key(&format!("root.{code}.example"))
}

fn key_of(name: &str, seed: &str, key_type: KeyType) -> SigningKey {
    let name = name.parse().expect("a name of the samples is a key name");
    let seed = LeafHash::of_entry(seed.as_bytes());
    SigningKey::from_seed(name, key_type, *seed.as_bytes())
}

/// Turns a draft into an entry for [`ORIGIN`], signed by `keys` in that order.
///
/// # Panics
/// If the draft is refused: a mistake in the test that wrote it.
#[must_use]
pub fn entry(kind: Kind, draft: &Value, prev: Option<EventId>, keys: &[&SigningKey]) -> Vec<u8> {
    let draft = Draft::from_json(kind, &draft.to_string());
    let draft = draft.unwrap_or_else(|refusal| panic!("draft of {kind}: {refusal}"));
    sign(&draft.text(&origin(), prev), keys)
}

/// Signs the text of a note.
///
/// # Panics
/// If the text is none of a note.
#[must_use]
pub fn sign(text: &str, keys: &[&SigningKey]) -> Vec<u8> {
    let lines = keys.iter().map(|key| key.sign_note(text)).collect();
    let note = Note::new(text.to_owned(), lines).expect("the text is one of a note");
    note.to_bytes()
}

/// Entry 0: eight members and one associate, signed by every root.
#[must_use]
pub fn genesis() -> Vec<u8> {
    let members: Vec<Value> = MEMBERS
        .iter()
        .map(|(code, name, territories)| {
            json!({
                "id": code,
                "name": name,
                "roots": [root(code).vkey().to_string()],
                "threshold": 1,
                "territories": territories,
                "domains": [format!("{code}.example")],
                "associate": *code == "sg",
            })
        })
        .collect();
    let draft = json!({
        "subject": format!("log:{ORIGIN}"),
        "decided_at": "2026-01-01T00:00:00Z",
        "body": { "rules": "state/0.2", "members": members },
    });
    let roots: Vec<SigningKey> = MEMBERS.iter().map(|(code, ..)| root(code)).collect();
    let roots: Vec<&SigningKey> = roots.iter().collect();
    entry(Kind::LogGenesis, &draft, None, &roots)
}

/// Defines `scheme` (`<member>.<name>`) with levels `level1` to `level3`, signed by its member.
#[must_use]
pub fn scheme(scheme: &str) -> Vec<u8> {
    let (member, name) = scheme.split_once('.').expect("a scheme id has a member");
    let levels: Vec<Value> = (1..=3)
        .map(|rank| json!({ "code": format!("level{rank}"), "rank": rank, "names": { "en": format!("Level {rank}") } }))
        .collect();
    let draft = json!({
        "subject": format!("scheme:{scheme}"),
        "decided_at": "2026-01-10T00:00:00Z",
        "body": {
            "names": { "en": format!("Label {name}") },
            "levels": levels,
            "hosts": [format!("{name}.{member}.example")],
            "versions": ["2026-01"],
            "id_rule": "upper",
            "validity_reference": "placing",
            "late_renewal": false,
        },
    });
    entry(Kind::SchemeDefine, &draft, None, &[&root(member)])
}

/// Accredits the authority `name` (`<label>.<member>.example`) with `roles` in `schemes`, signed by its member.
#[must_use]
pub fn accredit(name: &str, roles: &[&str], schemes: &[&str]) -> Vec<u8> {
    let draft = accredit_draft(name, roles, schemes);
    entry(
        Kind::AuthorityAccredit,
        &draft,
        None,
        &[&root(member_of(name))],
    )
}

/// The draft of an accredit.
#[must_use]
pub fn accredit_draft(name: &str, roles: &[&str], schemes: &[&str]) -> Value {
    let member = member_of(name);
    let grants: Vec<Value> = roles
        .iter()
        .map(|role| json!({ "role": role, "schemes": schemes }))
        .collect();
    json!({
        "subject": format!("authority:{name}"),
        "decided_at": "2026-01-12T00:00:00Z",
        "body": {
            "member": member,
            "name": format!("Example office of {member}"),
            "country": member.to_uppercase(),
            "keys": [key(name).vkey().to_string()],
            "grants": grants,
        },
    })
}

/// The member under whose domain an authority's name lies.
///
/// # Panics
/// If the name does not end in `.<member>.example`.
#[must_use]
pub fn member_of(authority: &str) -> &str {
    let rest = authority
        .strip_suffix(".example")
        .expect("a sample name ends in .example");
    rest.rsplit('.').next().expect("a name has a last part")
}

/// The draft of `label.issue` for `label` (`<scheme>/<native id>`), at `level1`.
#[must_use]
pub fn issue_draft(label: &str) -> Value {
    let (scheme, native) = label.split_once('/').expect("a label has a scheme");
    let (member, name) = scheme.split_once('.').expect("a scheme id has a member");
    let mut draft: Value =
        serde_json::from_str(template(Kind::LabelIssue)).expect("the template is JSON");
    draft["subject"] = json!(label);
    let body = &mut draft["body"];
    body["native_id"] = json!(native);
    body["level"] = json!("level1");
    body["scheme_version"] = json!("2026-01");
    body["territory"] = json!([member.to_uppercase()]);
    body["page"] = json!(format!("https://{name}.{member}.example/{native}"));
    draft
}

/// Issues `label`, signed by `by`.
#[must_use]
pub fn issue(label: &str, by: &str) -> Vec<u8> {
    entry(Kind::LabelIssue, &issue_draft(label), None, &[&key(by)])
}

/// Suspends `label`, decided at `decided_at`; blind without `prev`.
#[must_use]
pub fn suspend(label: &str, decided_at: &str, prev: Option<EventId>, by: &str) -> Vec<u8> {
    let draft = json!({
        "subject": label,
        "decided_at": decided_at,
        "reason": { "code": "vulnerability" },
        "body": { "validity_effect": "suspended" },
    });
    entry(Kind::LabelSuspend, &draft, prev, &[&key(by)])
}

/// Lifts the suspension `suspension` of `label`.
#[must_use]
pub fn reinstate(label: &str, suspension: EventId, prev: EventId, by: &SigningKey) -> Vec<u8> {
    let draft = json!({
        "subject": label,
        "decided_at": "2026-06-20T08:00:00Z",
        "body": { "suspension": suspension.to_string() },
    });
    entry(Kind::LabelReinstate, &draft, Some(prev), &[by])
}

/// Revokes `label`; blind without `prev`.
#[must_use]
pub fn revoke(label: &str, prev: Option<EventId>, by: &str) -> Vec<u8> {
    let draft = json!({
        "subject": label,
        "decided_at": "2026-09-01T08:00:00Z",
        "reason": { "code": "false-declaration" },
        "body": {},
    });
    entry(Kind::LabelRevoke, &draft, prev, &[&key(by)])
}

/// Renews, amends, binds or unbinds `label` with `body`.
#[must_use]
pub fn change(kind: Kind, label: &str, body: &Value, prev: EventId, by: &SigningKey) -> Vec<u8> {
    let mut draft = json!({
        "subject": label,
        "decided_at": "2026-07-01T08:00:00Z",
        "body": body,
    });
    if kind == Kind::LabelUnbind {
        draft["reason"] = json!({ "code": "holder-request" });
    }
    entry(kind, &draft, Some(prev), &[by])
}

/// Changes a key of an authority; `body` as in `authority.key`, signed by `by`.
#[must_use]
pub fn change_key(authority: &str, body: &Value, prev: EventId, by: &SigningKey) -> Vec<u8> {
    let draft = json!({
        "subject": format!("authority:{authority}"),
        "decided_at": "2026-08-15T00:00:00Z",
        "reason": { "code": "key-compromised" },
        "body": body,
    });
    entry(Kind::AuthorityKey, &draft, Some(prev), &[by])
}

/// Withdraws an authority with `effect` on its labels, signed by its member.
#[must_use]
pub fn withdraw(authority: &str, effect: &Value, prev: EventId) -> Vec<u8> {
    let draft = json!({
        "subject": format!("authority:{authority}"),
        "decided_at": "2026-10-01T00:00:00Z",
        "reason": { "code": "contract" },
        "body": { "effect_on_labels": effect },
    });
    entry(
        Kind::AuthorityWithdraw,
        &draft,
        Some(prev),
        &[&root(member_of(authority))],
    )
}

/// The id of an entry made here.
///
/// # Panics
/// If the bytes are no note.
#[must_use]
pub fn id_of(entry: &[u8]) -> EventId {
    EventId::of_text(Note::parse(entry).expect("the entry is a note").text())
}

/// What a small registry begins with: four schemes, an issuer and a supervisor for each.
///
/// Issuers are `label.<member>.example`, supervisors `watch.<member>.example`.
#[must_use]
pub fn foundation() -> Vec<Vec<u8>> {
    SCHEMES
        .iter()
        .flat_map(|id| {
            let member = &id[..2];
            [
                scheme(id),
                accredit(&format!("label.{member}.example"), &["issuer"], &[id]),
                accredit(&format!("watch.{member}.example"), &["supervisor"], &[id]),
            ]
        })
        .collect()
}

/// The schemes of [`foundation`].
pub const SCHEMES: [&str; 4] = ["de.it-sik", "jp.jc-star", "sg.cls", "us.mark"];

#[cfg(test)]
mod tests {
    use labelproof_core::event::Event;
    use labelproof_core::state::{SignatureMemo, State};

    use super::*;

    #[test]
    fn the_state_function_accepts_the_world() {
        let mut state = State::genesis(&genesis()).unwrap();
        let suspended = suspend(
            "jp.jc-star/EX-1",
            "2026-05-11T08:00:00Z",
            None,
            "label.jp.example",
        );
        let mut entries = foundation();
        entries.push(issue("jp.jc-star/EX-1", "label.jp.example"));
        entries.push(suspended.clone());
        let by = key("label.jp.example");
        entries.push(reinstate(
            "jp.jc-star/EX-1",
            id_of(&suspended),
            id_of(&suspended),
            &by,
        ));
        entries.push(revoke("jp.jc-star/EX-1", None, "watch.jp.example"));
        for entry in &entries {
            let event = Event::parse(entry).unwrap();
            let applied = state.apply(&event, &SignatureMemo::empty());
            assert!(applied.is_ok(), "{}: {applied:?}", event.json());
        }
    }
}
