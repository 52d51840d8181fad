//! The JSON Schemas of events against the parser: what it takes, they take.
//!
//! Templates, the sample, and seeded mutations of them go through both, the schemas by somebody else's validator.
//! What only the parser refuses is [`ONLY_THE_PARSER`], and stands in `docs/spec/schema/README.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jsonschema::{Registry, Validator};
use labelproof_core::event::{Draft, Event, Kind, template};
use labelproof_tests::world;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

/// A part of the reason, and the rule as the document has it.
const ONLY_THE_PARSER: [(&str, &str); 25] = [
    (" bytes, where ", "lengths count bytes of UTF-8"),
    ("GTIN-14", "the check digit of a GTIN is right"),
    ("not a time", "the day exists"),
    ("support_end", "the day exists"),
    ("support date", "the day exists"),
    ("is not after", "an end is after its beginning"),
    (
        "is not the native id of the subject",
        "`native_id` is that of the subject",
    ),
    ("own place", "a label supersedes another one of its scheme"),
    (
        "of another scheme",
        "a label supersedes another one of its scheme",
    ),
    (
        "neither a GTIN nor a model",
        "`label.bind` and `label.unbind` name something",
    ),
    ("nothing but spaces", "a printed id is not blank"),
    (
        "host name",
        "parts of a host name begin and end with a letter or digit",
    ),
    (
        "scheme id",
        "a scheme id has at most 32 bytes, also within a label",
    ),
    (
        "a label:",
        "a scheme id has at most 32 bytes, also within a label",
    ),
    (
        "a subject",
        "a scheme id has at most 32 bytes, also within a label",
    ),
    ("key id is", "a verifier key is one"),
    ("malformed key", "a verifier key is one"),
    ("unfit public key", "a verifier key is one"),
    (
        "is not the origin on line 2",
        "`log.genesis` is about its own log",
    ),
    (
        "repeats an earlier key",
        "a key stands once, whatever its name",
    ),
    (
        "a key of an authority",
        "a key carries the name of its authority",
    ),
    ("more than there are roots", "a threshold can be met"),
    ("says why", "revoking a key takes a reason"),
    ("this role needs", "a grant fits its role"),
    ("nobody succeeds itself", "nobody succeeds itself"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/spec/schema")
}

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator(kind: Kind) -> Validator {
    let common = schema("common.json");
    let id = common["$id"].as_str().unwrap().to_owned();
    let registry = Registry::new().add(id, common).unwrap().prepare().unwrap();
    let options = jsonschema::draft202012::options();
    let built = options
        .with_registry(&registry)
        .build(&schema(&format!("{kind}.json")));
    built.unwrap_or_else(|error| panic!("{kind}: {error}"))
}

#[test]
fn there_is_a_schema_for_each_kind_and_no_other() {
    let mut names: Vec<String> = folder()
        .read_dir()
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    let kinds = Kind::ALL.iter().map(|kind| format!("{kind}.json"));
    let mut want: Vec<String> = kinds.chain(["common.json".to_owned()]).collect();
    want.sort();
    assert_eq!(names, want);
}

#[test]
fn templates_and_the_sample_pass_and_lack_nothing() {
    for kind in Kind::ALL {
        let validator = validator(*kind);
        let value: Value = serde_json::from_str(template(*kind)).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(wrong, [""; 0], "{kind}");
        // A member that must be there for the one must be there for the other.
        for name in ["subject", "decided_at", "body"] {
            let mut less = value.clone();
            less.as_object_mut().unwrap().remove(name);
            assert!(!validator.is_valid(&less), "{kind} without {name}");
            assert!(Draft::from_json(*kind, &less.to_string()).is_err());
        }
    }
    let sample = folder().join("../../samples/label.json");
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(sample).unwrap()).unwrap();
    assert!(validator(Kind::LabelIssue).is_valid(&sample));
}

#[test]
fn what_the_parser_takes_the_schema_takes() {
    let documented = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for (_, rule) in ONLY_THE_PARSER {
        assert!(documented.contains(rule), "README.md does not say: {rule}");
    }
    let signed = world::sign("x\n", &[&world::key("label.jp.example")]);
    let signature = String::from_utf8(signed).unwrap().split_off("x\n".len());
    let mut unknown = BTreeSet::new();
    for (number, kind) in Kind::ALL.iter().enumerate() {
        let validator = validator(*kind);
        let start: Value = serde_json::from_str(template(*kind)).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(20_26 + number as u64);
        let (mut both_take, mut both_refuse) = (0, 0);
        for _ in 0..MUTATIONS {
            let mut value = start.clone();
            for _ in 0..=random.next_u32() % 2 {
                mutate(&mut value, &mut random);
            }
            let parsed = Event::parse(&entry(*kind, &value, &signature));
            let valid = validator.is_valid(&value);
            match (&parsed, valid) {
                (Ok(_), true) => both_take += 1,
                (Err(_), false) => both_refuse += 1,
                (Ok(_), false) => {
                    let why: Vec<String> = validator
                        .iter_errors(&value)
                        .map(|it| it.to_string())
                        .collect();
                    panic!("{kind}: the parser takes it, the schema does not: {why:?}\n{value:#}");
                }
                (Err(refusal), true) => {
                    let said = refusal.to_string();
                    let is_known = |(part, _): &(&str, &str)| said.contains(part);
                    if !ONLY_THE_PARSER.iter().any(is_known) {
                        unknown.insert(format!("{kind}: {said}"));
                    }
                }
            }
        }
        assert!(
            both_take > 20 && both_refuse > 200,
            "{kind}: {both_take} {both_refuse}"
        );
    }
    assert!(unknown.is_empty(), "only the parser refuses: {unknown:#?}");
}

/// The entry that says this; members of a `Value` stand in the order of their names, as the canonical form wants.
fn entry(kind: Kind, value: &Value, signature: &str) -> Vec<u8> {
    let mut value = value.clone();
    value["kind"] = json!(kind.as_str());
    format!(
        "labelproof-event/v1\n{}\n{value}\n{signature}",
        world::ORIGIN
    )
    .into_bytes()
}

/// Changes one place of a value.
fn mutate(value: &mut Value, random: &mut ChaCha8Rng) {
    let mut pick = |count: usize| random.next_u32() as usize % count.max(1);
    match value {
        Value::Object(members) if !members.is_empty() => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = names[pick(names.len())].clone();
            match pick(10) {
                0 => {
                    members.remove(&name);
                }
                1 => {
                    members.insert("surplus".to_owned(), json!(1));
                }
                _ => mutate(&mut members[&name], random),
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            let at = pick(elements.len());
            match pick(6) {
                0 => {
                    elements.remove(at);
                }
                1 => elements.push(elements[at].clone()),
                2 => {
                    let first = elements[0].clone();
                    elements.extend((0..70).map(|number| match &first {
                        Value::String(text) => json!(format!("{text}{number}")),
                        other => other.clone(),
                    }));
                }
                _ => mutate(&mut elements[at], random),
            }
        }
        Value::String(text) if pick(2) == 0 => {
            // One character more, less, or another.
            let mut chars: Vec<char> = text.chars().collect();
            let at = pick(chars.len() + 1);
            let odd = [
                'a',
                'Z',
                '0',
                '9',
                '.',
                '-',
                ' ',
                '*',
                '/',
                'é',
                '\u{1f600}',
            ];
            let char = odd[pick(odd.len())];
            match pick(3) {
                0 => chars.insert(at, char),
                1 if at < chars.len() => chars[at] = char,
                _ if at < chars.len() => {
                    chars.remove(at);
                }
                _ => {}
            }
            *text = chars.into_iter().collect();
        }
        _ => {
            let others = [
                json!(null),
                json!(true),
                json!(0),
                json!(9_007_199_254_740_991_u64),
                json!(-1),
                json!(1.5),
                json!(""),
                json!("x"),
                json!("é".repeat(40)),
                json!("x".repeat(64)),
                json!("x".repeat(257)),
                json!([]),
                json!({}),
                json!("any"),
                json!("none"),
                json!("2027-02-28T00:00:00Z"),
                json!("2027-02-30T00:00:00Z"),
                json!("jp.jc-star/EX-9"),
                json!("09521234001027"),
                json!("https://a.example/x"),
            ];
            *value = others[pick(others.len())].clone();
        }
    }
}

/// Enough that each member of each kind is changed in most ways.
const MUTATIONS: usize = 3_000;
